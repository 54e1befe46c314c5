CREATE TABLE metric.payments (id int, amount float8, refunded bool, at timestamptz);
INSERT INTO metric.payments VALUES (1, 10, false, '2024-01-01 10:00+00'), (2, 20, true, '2024-01-01 11:00+00'),
    (3, 60, false, '2024-01-01 12:00+00'), (4, 1000, true, '2024-01-02 12:00+00');
