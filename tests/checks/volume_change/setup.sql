CREATE TABLE volume_change.events (id int, seen_at timestamptz NOT NULL);
CREATE INDEX ON volume_change.events (seen_at);
-- 100 rows a day, 300 on Saturdays; on the last Saturday, 2024-02-03, as few as on a weekday.
INSERT INTO volume_change.events
    SELECT i, day + i * interval '4 minutes'
    FROM generate_series(timestamptz '2024-01-01 00:00Z', '2024-02-03 00:00Z', '1 day') AS day,
         generate_series(1, CASE WHEN extract(isodow FROM day AT TIME ZONE 'UTC') = 6
                                  AND day < '2024-02-03 00:00Z' THEN 300 ELSE 100 END) AS i;
