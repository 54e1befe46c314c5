CREATE TABLE minimum.orders (id int PRIMARY KEY, amount float8, shipped_on date);
INSERT INTO minimum.orders VALUES (1, 12.5, '2024-03-01'), (2, 3, '2024-03-04'), (3, NULL, NULL),
    (4, 8, '2019-12-31');
