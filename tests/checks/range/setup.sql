CREATE TABLE range.payments (id int PRIMARY KEY, amount float8, paid_on date);
INSERT INTO range.payments VALUES (1, 10, '2024-01-01'), (2, -5, '2024-01-02'),
    (3, 'NaN', '1900-01-01'), (4, NULL, NULL);
