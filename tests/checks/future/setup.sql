CREATE TABLE future.orders (id int PRIMARY KEY, ordered timestamptz NOT NULL, paid timestamptz, shipped timestamp,
    due date);
CREATE INDEX ON future.orders (ordered);
INSERT INTO future.orders VALUES
    (1, '2024-07-01 10:00Z', '2024-07-01 10:01Z', '2024-07-01 23:59', '2024-07-01'),
    (2, '2024-07-01 11:00Z', '2024-07-01 22:00:00Z', '2024-07-02 00:00', '2024-07-02'),
    (3, '2024-07-01 12:00Z', '2024-07-01 22:00:01Z', '2024-07-02 00:00:01', '2024-07-03'),
    (4, '2024-07-01 13:00Z', 'infinity', '2124-07-01', 'infinity'), (5, '2024-07-01 14:00Z', NULL, NULL, '-infinity');
