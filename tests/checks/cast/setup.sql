-- A log of predictions: 20 of 1000 amounts are no numbers.
CREATE TABLE "cast".log AS
SELECT g AS id, timestamptz '2026-03-01' + g * interval '80 s' AS at,
  jsonb_build_object('amount', CASE WHEN g % 50 = 0 THEN 'n/a' ELSE (g % 10)::text END,
                     'day', '2026-02-28') AS payload
FROM generate_series(0, 999) g;
CREATE INDEX ON "cast".log (at);
