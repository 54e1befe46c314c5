CREATE TABLE negative.sales (id int PRIMARY KEY, amount float8, pieces int, tax numeric, shop text);
INSERT INTO negative.sales VALUES (1, 10, 1, 1.9, 'a'), (2, 0, 0, 0, 'a'), (3, '-0', 2, 0.00, 'b'), (4, -5, -1, 'NaN', 'b'),
    (5, 'NaN', 3, -0.01, 'b'), (6, '-Infinity', 4, 7, 'b'), (7, 'Infinity', 5, 8, 'b'), (8, NULL, NULL, NULL, 'b');
