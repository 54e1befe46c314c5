CREATE TABLE ks.training AS
    SELECT i AS id, (i % 100)::float8 AS score, (i % 7)::float8 AS weekday
    FROM generate_series(1, 2000) AS i;
CREATE TABLE ks.scored AS
    SELECT i AS id, (i % 100)::float8 * 0.6 AS score, (i % 7)::float8 AS weekday
    FROM generate_series(1, 1000) AS i;
