CREATE TABLE nulls.customers (id int PRIMARY KEY, email text, birthday date, score float8);
INSERT INTO nulls.customers VALUES (1, 'a@example.org', '1990-01-01', 0.5), (2, NULL, NULL, 'NaN'),
    (3, '', NULL, 1), (4, 'd@example.org', '1985-05-05', 2);
