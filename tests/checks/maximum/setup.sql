CREATE TABLE maximum.orders (id int PRIMARY KEY, amount float8, shipped_on date, secret float8);
INSERT INTO maximum.orders VALUES (1, 12.5, '2024-03-01', 1), (2, 3, '2024-03-04', 2),
    (3, NULL, NULL, 3), (4, 900, '2023-12-31', 4);
