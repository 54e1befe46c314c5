-- One row per customer and feature; a feature that nobody has named makes a quarter of the rows.
CREATE TABLE unknown_names.features AS
SELECT g AS customer, timestamptz '2026-03-01' + g * interval '80 s' AS at, n AS feature_name,
  (g % 10)::float8 AS value
FROM generate_series(0, 999) g, unnest(ARRAY['speed', 'weight', 'age', 'shoe_size']) n;
CREATE INDEX ON unknown_names.features (at);
