CREATE TABLE delay.events (id int PRIMARY KEY, happened timestamptz, received timestamptz NOT NULL, local timestamp,
    day date);
CREATE INDEX ON delay.events (received);
INSERT INTO delay.events VALUES
    (1, '2024-03-31 00:30Z', '2024-03-31 00:40Z', '2024-03-31 01:40', '2024-03-31'),
    (2, '2024-03-31 00:30Z', '2024-03-31 02:31Z', '2024-03-31 04:31', '2024-03-30'),
    (3, '2024-03-31 05:00Z', '2024-03-31 04:00Z', '2024-03-31 06:30', '2024-03-31'),
    (4, NULL, '2024-03-31 06:00Z', NULL, NULL),
    (5, '-infinity', '2024-03-31 07:00Z', 'infinity', '-infinity');
