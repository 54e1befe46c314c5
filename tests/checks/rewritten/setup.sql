CREATE TABLE rewritten.ledger (id int PRIMARY KEY, booked_at timestamptz NOT NULL, amount float8);
CREATE INDEX ON rewritten.ledger (booked_at);
INSERT INTO rewritten.ledger
    SELECT i, timestamptz '2024-02-03 00:00Z' + i * interval '36 seconds', i * 1.5
    FROM generate_series(0, 599) AS i;
