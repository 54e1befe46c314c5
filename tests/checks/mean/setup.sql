CREATE TABLE mean.orders (id int PRIMARY KEY, amount float8, status text);
INSERT INTO mean.orders VALUES (1, 10, 'paid'), (2, 20, 'paid'), (3, 36, 'paid'), (4, -4, 'refund'),
    (5, -8, 'refund'), (6, NULL, 'paid'), (7, 'NaN', 'paid'), (8, 'Infinity', 'paid');
