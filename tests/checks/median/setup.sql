CREATE TABLE median.trips (id int PRIMARY KEY, minutes float8);
INSERT INTO median.trips SELECT i, CASE WHEN i <= 9 THEN 1000 ELSE i END FROM generate_series(1, 41) AS i;
INSERT INTO median.trips VALUES (42, NULL), (43, 'NaN');
