CREATE TABLE quantile.requests (id int PRIMARY KEY, path text, millis float8, bytes bigint);
INSERT INTO quantile.requests
    SELECT i, CASE WHEN i % 2 = 0 THEN '/search' ELSE '/home' END, i, i * 7919
    FROM generate_series(1, 1000) AS i;
