CREATE TABLE volume.events (id int PRIMARY KEY, seen_at timestamptz NOT NULL, kind text);
CREATE INDEX ON volume.events (seen_at);
INSERT INTO volume.events
    SELECT i, timestamptz '2024-01-01 00:00Z' + i * interval '10 minutes',
           CASE WHEN i % 10 = 0 THEN 'click' ELSE 'view' END
    FROM generate_series(0, 99) AS i;
