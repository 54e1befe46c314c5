CREATE TABLE stale.features (driver int, feature text, value float8, updated timestamptz,
    PRIMARY KEY (driver, feature));
INSERT INTO stale.features SELECT i, 'trips', i, now() - i * interval '1 day' FROM generate_series(1, 9) AS i;
INSERT INTO stale.features SELECT i, 'rating', 5, now() - i * interval '10 days' FROM generate_series(1, 9) AS i;
INSERT INTO stale.features VALUES (10, 'rating', 5, NULL), (11, 'rating', 5, now() + interval '1 day'),
    (12, 'trips', 5, '-infinity');
