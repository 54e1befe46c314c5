CREATE TABLE correlation.training AS
    SELECT i AS id, (i % 100)::float8 AS price, 2 * (i % 100) + i % 17 AS cost, (i % 7)::float8 AS weekday
    FROM generate_series(1, 2000) AS i;
-- Each column holds what it held before; price and cost no longer go together.
CREATE TABLE correlation.orders AS
    SELECT i AS id, (i % 100)::float8 AS price, 2 * (99 - i % 100) + i % 17 AS cost,
           (i % 7)::float8 AS weekday
    FROM generate_series(1, 2000) AS i;
