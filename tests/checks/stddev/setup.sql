CREATE TABLE stddev.sensors (id int PRIMARY KEY, sensor text, celsius float8);
INSERT INTO stddev.sensors SELECT i, 'roof', 15 + i % 3 FROM generate_series(1, 30) AS i;
INSERT INTO stddev.sensors SELECT 30 + i, 'cellar', 11 FROM generate_series(1, 30) AS i;
