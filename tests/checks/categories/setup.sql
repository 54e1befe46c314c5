CREATE TABLE categories.training AS
    SELECT i AS id, (ARRAY['card', 'cash', 'transfer', 'cheque'])[CASE WHEN i % 100 < 60 THEN 1
           WHEN i % 100 < 85 THEN 2 WHEN i % 100 < 99 THEN 3 ELSE 4 END] AS method,
           CASE WHEN i % 2 = 0 THEN 'de' ELSE 'fr' END AS country, i % 3 = 0 AS vip
    FROM generate_series(1, 1000) AS i;
CREATE TABLE categories.orders AS
    SELECT i AS id, (ARRAY['card', 'cash', 'voucher'])[CASE WHEN i <= 140 THEN 1
           WHEN i <= 194 THEN 2 ELSE 3 END] AS method,
           CASE WHEN i % 2 = 0 THEN 'de' ELSE 'fr' END AS country, true AS vip
    FROM generate_series(1, 200) AS i;
