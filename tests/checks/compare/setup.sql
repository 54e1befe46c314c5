CREATE TABLE compare.online (driver int PRIMARY KEY, rate float8, trips int, city text);
CREATE TABLE compare.offline (driver int, rate float8, trips int, city text, at timestamptz);
INSERT INTO compare.online SELECT i, i / 10.0, i, 'c' FROM generate_series(1, 10) AS i;
INSERT INTO compare.offline SELECT i, i / 10.0 + 1e-9, i, 'c', '2024-01-01' FROM generate_series(2, 10) AS i;
UPDATE compare.offline SET rate = 5 WHERE driver = 4;
UPDATE compare.offline SET city = NULL WHERE driver IN (4, 6);
