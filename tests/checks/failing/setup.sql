CREATE TABLE failing.bookings (id int PRIMARY KEY, seat text, begins date, ends date, day timestamptz);
INSERT INTO failing.bookings VALUES (1, '1A', '2024-01-01', '2024-01-03', '2024-01-01 10:00+00'),
    (2, '1A', '2024-01-02', '2024-01-04', '2024-01-01 11:00+00'),
    (3, '2B', '2024-01-05', '2024-01-04', '2024-01-01 12:00+00');
