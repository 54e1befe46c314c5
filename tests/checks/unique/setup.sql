CREATE TABLE "unique".orders (id int, customer text, line int, email text, placed timestamptz);
CREATE INDEX ON "unique".orders (placed);
INSERT INTO "unique".orders VALUES
    (1, 'a', 1, 'x@example.org', '2024-01-01 10:00+00'), (2, 'a', 2, NULL, '2024-01-01 11:00+00'),
    (3, 'a', 2, NULL, '2024-01-01 12:00+00'), (4, 'b', 1, 'y''; --', '2024-01-01 13:00+00'),
    (4, 'c', NULL, 'z\', '2024-01-01 14:00+00'), (1, 'd', 1, 'x@example.org', '2023-12-31 10:00+00');
