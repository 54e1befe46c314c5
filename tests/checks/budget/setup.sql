-- 28 days to learn from and two to watch, one payment every minute and a half; from the last six
-- hours on everybody pays a third more, and nobody's method changes.
CREATE FUNCTION budget.u(i bigint, salt text) RETURNS float8 IMMUTABLE LANGUAGE sql AS
    $$ SELECT (hashtextextended(i || salt, 7) & 9007199254740991)::float8 / 9007199254740992 $$;
CREATE TABLE budget.payments AS
    SELECT i AS id, at, md5(i::text) AS token, extract(isodow FROM at AT TIME ZONE 'UTC')::int AS weekday,
           10 * (1 + budget.u(i, 'a') + budget.u(i, 'b'))
              * CASE WHEN at >= '2025-04-01 18:00Z' THEN 1.33 ELSE 1 END AS amount,
           (ARRAY['card', 'card', 'card', 'cash', 'cash', 'slip'])[1 + floor(6 * budget.u(i, 'm'))::int]
               AS method
    FROM (SELECT i, '2025-03-03 00:00Z'::timestamptz + i * interval '90 s' AS at
          FROM generate_series(0, 30 * 960 - 1) AS i) AS minutes;
CREATE INDEX ON budget.payments (at);
