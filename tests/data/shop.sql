-- SPDX-License-Identifier: GPL-3.0-or-later
-- The orders of a shop, 20 an hour for six weeks: what every rule of tests/data/equivalents.tsv is about, and
-- passes. Made of row numbers and hashes: nothing in it is from anywhere.
CREATE SCHEMA shop;

CREATE TABLE shop.customers AS SELECT id::bigint FROM generate_series(1, 50) AS id;

CREATE TABLE shop.orders AS
SELECT g + 1 AS id,
       TIMESTAMPTZ '2023-12-18 00:00Z' + g * INTERVAL '3 minutes' AS created_at,
       TIMESTAMPTZ '2023-12-18 00:00Z' + g * INTERVAL '3 minutes' + INTERVAL '5 minutes' AS loaded_at,
       1000000 - g AS countdown,
       (g % 7)::integer AS code, 'old'::text AS obsolete, 'here'::text AS moved,
       CASE WHEN hashint8(g + 7) & 511 <> 0 THEN 100 + (hashint8(g) & 65535) * 200 / 65536 * 0.5::float8 END AS amount,
       round(0.8 * charged, 2)::float8 AS net, (charged - round(0.8 * charged, 2))::float8 AS tax,
       charged::float8, charged::float8 AS billed, -1 - (g % 9)::float8 AS refund,
       (1 + g % 5)::integer AS quantity, 1 AS version,
       CASE WHEN g % 10 < 8 THEN 'paid' WHEN g % 10 = 8 THEN 'open' ELSE 'refunded' END AS status,
       (ARRAY['DE', 'US', 'FR'])[1 + g % 3] AS country, (ARRAY['EUR', 'USD', 'EUR'])[1 + g % 3] AS currency,
       (ARRAY['Berlin', 'Boston', 'Paris'])[1 + g % 3] AS city,
       1 + g % 50 AS customer_id, 2 * g AS billing_id, 2 * g + 1 AS shipping_id, g % 2 = 0 AS paid,
       'c' || g || '@example.com' AS email, '+4930' || 1000000 + g AS phone,
       '212-555-' || 1000 + g % 9000 AS phone_us, 'nick' || g AS nickname, NULL::text AS deleted_reason,
       (ARRAY['Anna Example', 'Bert O''Neill', 'Carla de la Cruz'])[1 + g % 3] AS name,
       'leave it at the door'::text AS note, 'AB-' || 100 + g % 900 || '0' AS sku, md5(g::text) AS token,
       json_build_object('id', g)::text AS payload, jsonb_build_object('id', g, 'items', '[]'::jsonb) AS document,
       (DATE '2023-12-21' + (g / 480)::integer) AS shipped_on,
       (1 + g % 5)::text AS quantity_text, '12.50'::text AS price_text, 'true'::text AS paid_text,
       '2024-01-31'::text AS day_text, '2024-01-31T12:00:00Z'::text AS moment_text,
       'https://example.com/orders?id=' || g AS website, md5(g::text)::uuid::text AS reference,
       '192.0.2.' || g % 250 AS client_v4, '2001:db8::' || 1 + g % 9 AS client_v6,
       '192.0.2.' || g % 250 AS address, '4111 1111 1111 1111'::text AS card_number,
       '123-45-' || 1000 + g % 9000 AS ssn, '9' || 1000 + g % 9000 AS postcode,
       52.5::float8 + g % 3 AS latitude, 13.4::float8 + g % 3 AS longitude,
       '12.5'::text AS "decimal", '12,5'::text AS decimal_comma, '7'::text AS positive_integer,
       '7.5'::text AS positive_decimal, '7.5'::text AS positive_decimal_point, '7,5'::text AS positive_decimal_comma,
       '-7'::text AS negative_integer, '-7.5'::text AS negative_decimal, '-7.5'::text AS negative_decimal_point,
       '-7,5'::text AS negative_decimal_comma, '12.5%'::text AS percentage, '12.5 %'::text AS percentage_point,
       '12,5%'::text AS percentage_comma, '12%'::text AS positive_percentage,
       '12.5%'::text AS positive_percentage_point, '12,5%'::text AS positive_percentage_comma,
       '-12%'::text AS negative_percentage, '-12.5%'::text AS negative_percentage_point,
       '-12,5%'::text AS negative_percentage_comma, '1.234,50 EUR'::text AS money, '$1,234.50'::text AS money_point,
       '1.234,50 EUR'::text AS money_comma, '01/31/2024'::text AS date_us, '31.01.2024'::text AS date_eu,
       '2024/01/31'::text AS date_inverse, '01:30:00 PM'::text AS time_12h, '1:30 pm'::text AS time_12h_nosec,
       '13:30:00'::text AS time_24h, '13:30'::text AS time_24h_nosec,
       '2024-01-31 13:30:00'::text AS timestamp_24h, '2024-01-31 01:30 PM'::text AS timestamp_12h
FROM (SELECT g, 100 + (hashint8(g + 3) & 65535) * 100 / 65536 * 0.5 AS charged
      FROM generate_series(0::bigint, 42 * 480 - 1) AS g) AS numbers;
ALTER TABLE shop.orders ADD PRIMARY KEY (id);
CREATE INDEX ON shop.orders (created_at);

CREATE TABLE shop.orders_copy (LIKE shop.orders INCLUDING ALL);
INSERT INTO shop.orders_copy SELECT * FROM shop.orders;
CREATE TABLE shop.lines AS SELECT id AS order_id, created_at FROM shop.orders, generate_series(1, 2);
-- What another tool has found, as it wrote it down.
CREATE TABLE shop.findings AS
SELECT TIMESTAMPTZ '2024-01-28 06:00Z' AS found_at, 0 AS severity;
ANALYZE;
