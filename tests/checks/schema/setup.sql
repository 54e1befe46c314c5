CREATE TABLE schema.payments (id bigint PRIMARY KEY, paid_at timestamptz NOT NULL, amount real,
    country varchar(3), note text);
INSERT INTO schema.payments VALUES (1, now(), 10, 'DE', NULL), (2, now(), 20, 'FR', 'x');
