CREATE TABLE condition.trips (id int PRIMARY KEY, departed timestamptz, arrived timestamptz, cancelled bool, km float8);
INSERT INTO condition.trips VALUES
    (1, '2024-01-01 10:00Z', '2024-01-01 12:00Z', false, 300), (2, '2024-01-01 10:00Z', '2024-01-01 09:00Z', false, 300),
    (3, '2024-01-01 10:00Z', NULL, true, 0), (4, '2024-01-01 10:00Z', NULL, false, -1);
