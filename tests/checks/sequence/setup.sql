CREATE TABLE sequence.events (id bigint, version numeric, reading float8, at timestamptz);
INSERT INTO sequence.events
SELECT i, i, i / 2.0, '2024-01-01 00:00+00'::timestamptz + i * interval '1 minute'
FROM generate_series(101, 110) AS i WHERE i <> 105 AND i <> 107;
INSERT INTO sequence.events VALUES (110, 111, 0, '2024-01-01 02:00+00'), (NULL, 112, 99, '2024-01-01 03:00+00');
