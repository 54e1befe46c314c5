-- SPDX-License-Identifier: GPL-3.0-or-later
-- The wide table of the benchmark: 20 columns as the orders of a shop have them, of every type that
-- is common, with nulls and a little of everything that its rules look for.
-- Rows are made by bench.fill_wide(table, first, last, seed, moved), the same for the same seed.
CREATE SCHEMA IF NOT EXISTS bench;

CREATE TABLE bench.wide (
    id bigint NOT NULL,
    at timestamptz NOT NULL,
    customer uuid NOT NULL,
    country text,
    channel text,
    device text,
    email text,
    sku text NOT NULL,
    model_version text NOT NULL,
    score double precision,
    amount double precision,
    distance double precision,
    delay double precision,
    temperature real,
    items integer,
    age smallint,
    price numeric(12, 2),
    tax numeric(12, 2),
    returning_customer boolean,
    paid_at timestamptz
);
CREATE TABLE bench.wide_reference (LIKE bench.wide);
CREATE TABLE bench.countries (code text PRIMARY KEY);
INSERT INTO bench.countries VALUES ('DE'), ('FR'), ('IT'), ('ES'), ('PL'), ('NL'), ('AT'), ('CH'),
    ('BE'), ('DK'), ('SE'), ('FI');

CREATE FUNCTION bench.wide_normal() RETURNS double precision LANGUAGE sql VOLATILE AS
$$ SELECT sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random()) $$;

-- `moved` shifts some columns a little, so that the checked rows differ from the reference.
CREATE FUNCTION bench.fill_wide(target regclass, first bigint, last bigint, seed double precision,
                                moved double precision) RETURNS void LANGUAGE plpgsql AS
$$
BEGIN
    PERFORM setseed(seed);
    EXECUTE format($sql$
        INSERT INTO %s
        SELECT id, at, md5(id::text)::uuid,
               CASE WHEN random() < 0.01 THEN NULL
                    ELSE (ARRAY['DE', 'FR', 'IT', 'ES', 'PL', 'NL', 'AT', 'CH', 'BE', 'DK', 'SE',
                                'FI'])[1 + floor(12 * random() * random())::int] END,
               CASE WHEN random() < 0.01 THEN NULL WHEN random() < 0.001 THEN 'fax'
                    ELSE (ARRAY['web', 'app', 'phone', 'shop', 'partner', 'e-mail', 'post',
                                'Straßenverkauf'])[1 + floor(8 * random() * random())::int] END,
               CASE WHEN random() < 0.02 THEN NULL WHEN random() < 0.0005 THEN 'unknown'
                    ELSE (ARRAY['android', 'ios', 'windows', 'mac', 'linux'])
                         [1 + floor(5 * random())::int] END,
               CASE WHEN random() < 0.03 THEN NULL
                    ELSE 'customer' || floor(1e6 * random())::int || '@example.org' END,
               chr(65 + floor(26 * random())::int) || chr(65 + floor(26 * random())::int) || '-'
                   || lpad(floor(1e5 * random())::int::text, 5, '0'),
               CASE WHEN random() < 0.1 THEN 'ranker-2' ELSE 'ranker-1' END,
               CASE WHEN random() < 0.001 THEN NULL ELSE 1 / (1 + exp(-bench.wide_normal() - $1)) END,
               exp(3 + bench.wide_normal()),
               CASE WHEN random() < 0.0005 THEN -1 ELSE 1000 * random() END,
               CASE WHEN random() < 0.05 THEN NULL ELSE 30 * ($1 + bench.wide_normal()) END,
               CASE WHEN random() < 0.0001 THEN 'NaN' ELSE 20 + 5 * bench.wide_normal() END,
               1 + floor(-5 * ln(1 - random())),
               CASE WHEN random() < 0.1 THEN NULL ELSE 18 + floor(70 * random() * random()) END,
               price, round(0.19 * price, 2),
               CASE WHEN random() < 0.02 THEN NULL ELSE random() < 0.3 END,
               CASE WHEN random() < 0.05 THEN NULL ELSE at + random() * interval '1 hour' END
        FROM (SELECT id, timestamptz '2024-01-01 00:00Z' + id * interval '100 milliseconds' AS at,
                     CASE WHEN random() < 0.003 THEN NULL
                          ELSE round(exp(3 + bench.wide_normal())::numeric, 2) END AS price
              FROM generate_series($2, $3) AS id) AS made$sql$, target) USING moved, first, last;
END
$$;
