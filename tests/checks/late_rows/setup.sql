CREATE TABLE late_rows.clicks (id int PRIMARY KEY, seen_at timestamptz NOT NULL);
CREATE INDEX ON late_rows.clicks (seen_at);
INSERT INTO late_rows.clicks
    SELECT i, timestamptz '2024-02-03 00:00Z' + i * interval '36 seconds'
    FROM generate_series(0, 599) AS i;
