-- SPDX-License-Identifier: GPL-3.0-or-later
-- The table of the benchmark: 12 columns, of which 8 are numbers of four types and several shapes,
-- with nulls, NaN, infinities, values out of range and categories not allowed, at small rates.
-- Rows are made by bench.fill(table, first, last, seed, moved), the same for the same seed.
CREATE SCHEMA bench;

CREATE TABLE bench.events (
    id bigint NOT NULL,
    at timestamptz NOT NULL,
    channel text,
    returning_customer boolean,
    score double precision,
    amount double precision,
    distance double precision,
    delay double precision,
    reading double precision,
    waiting real,
    items integer,
    price numeric(12, 2)
);
CREATE TABLE bench.reference (LIKE bench.events);

CREATE FUNCTION bench.normal() RETURNS double precision LANGUAGE sql VOLATILE AS
$$ SELECT sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random()) $$;

-- `moved` shifts some columns a little, so that the checked rows differ from the reference.
CREATE FUNCTION bench.fill(target regclass, first bigint, last bigint, seed double precision,
                           moved double precision) RETURNS void LANGUAGE plpgsql AS
$$
BEGIN
    PERFORM setseed(seed);
    EXECUTE format($sql$
        INSERT INTO %s
        SELECT id,
               timestamptz '2024-01-01 00:00Z' + id * interval '1 second',
               CASE WHEN random() < 0.01 THEN NULL WHEN random() < 0.001 THEN 'fax'
                    ELSE (ARRAY['web', 'app', 'phone', 'shop', 'partner', 'e-mail', 'post',
                                'Straßenverkauf'])[1 + floor(8 * random() * random())::int] END,
               CASE WHEN random() < 0.02 THEN NULL ELSE random() < 0.3 END,
               CASE WHEN random() < 0.01 THEN NULL ELSE $1 + bench.normal() END,
               exp(bench.normal()),
               CASE WHEN random() < 0.0005 THEN -1 ELSE 1000 * random() END,
               CASE WHEN random() < 0.05 THEN NULL ELSE round(30 * ($1 + bench.normal())) END,
               CASE WHEN random() < 0.0001 THEN 'NaN' WHEN random() < 0.0001 THEN 'Infinity'
                    WHEN random() < 0.0001 THEN '-Infinity'
                    ELSE 1000000 + bench.normal() END,
               CASE WHEN random() < 0.001 THEN NULL ELSE -ln(1 - random()) * (1 + $1) END,
               CASE WHEN random() < 0.002 THEN -1 ELSE floor(-50 * ln(1 - random())) END,
               CASE WHEN random() < 0.003 THEN NULL ELSE exp(3 + bench.normal()) END
        FROM generate_series($2, $3) AS id$sql$, target) USING moved, first, last;
END
$$;
