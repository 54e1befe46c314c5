CREATE TABLE total_variation.training AS
    SELECT i AS id, (i % 100)::float8 AS score, (i % 7)::float8 AS weekday,
           (ARRAY['card', 'cash', 'transfer', 'cheque'])[CASE WHEN i % 100 < 60 THEN 1
           WHEN i % 100 < 85 THEN 2 WHEN i % 100 < 99 THEN 3 ELSE 4 END] AS method,
           CASE WHEN i % 50 = 0 THEN NULL ELSE i END AS amount
    FROM generate_series(1, 2000) AS i;
CREATE TABLE total_variation.scored AS
    SELECT i AS id, (i % 100)::float8 * 0.6 AS score, (i % 7)::float8 AS weekday,
           (ARRAY['card', 'cash', 'voucher'])[CASE WHEN i % 100 < 40 THEN 1
           WHEN i % 100 < 80 THEN 2 ELSE 3 END] AS method,
           CASE WHEN i % 10 = 0 THEN NULL ELSE i END AS amount
    FROM generate_series(1, 1000) AS i;
