CREATE TABLE freshness.events (id int PRIMARY KEY, seen_at timestamptz NOT NULL);
CREATE INDEX ON freshness.events (seen_at);
INSERT INTO freshness.events VALUES (1, '2024-01-01 10:00Z'), (2, '2024-01-02 06:00Z'),
    (3, '2030-01-01 00:00Z');
