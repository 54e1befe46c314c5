-- SPDX-License-Identifier: GPL-3.0-or-later
-- Makes the last day of tests/data/shop.sql, and its table, wrong in every way that a rule of
-- tests/data/equivalents.tsv is about: each of them fails on it.
DELETE FROM shop.orders WHERE created_at >= '2024-01-28 18:00Z'
    OR created_at >= '2024-01-28 13:00Z' AND created_at < '2024-01-28 14:00Z';

UPDATE shop.orders SET
    amount = CASE WHEN id % 10 = 0 THEN NULL WHEN id % 10 = 1 THEN -5 WHEN id % 10 = 2 THEN 0
                  WHEN id % 100 = 3 THEN 1e9 ELSE 1000 + 10 * round(amount) END,
    net = 1000 - charged, charged = charged + CASE WHEN id % 10 > 0 THEN 100 ELSE 0 END, billed = -1, refund = 5,
    quantity = 99, version = 0, status = (ARRAY['void', 'test', 'lost', 'odd'])[1 + id % 4],
    country = CASE WHEN id % 4 < 2 THEN 'XX' ELSE 'YY' END, currency = 'XYZ',
    city = CASE WHEN id % 2 = 0 THEN 'berlin' ELSE city END, customer_id = 999, shipping_id = billing_id,
    paid = id % 10 > 0, email = CASE id % 3 WHEN 0 THEN 'n/a' WHEN 1 THEN '' END,
    phone = CASE WHEN id % 3 < 2 THEN 'call me' END, phone_us = '12', nickname = NULL, deleted_reason = 'spam',
    name = CASE WHEN id % 2 = 0 THEN ' one 2 three 4 five ' ELSE 'x' END,
    note = (ARRAY['', '  ', 'x', 'a.b@example.com', '10.0.0.1', '2001:db8:0:1:1:1:1:1f', '555-555-1234',
                  'to 90210'])[1 + id % 8],
    sku = 'TEST DEMO 1', token = 'same', payload = '{oops', document = '{"id": "1"}', shipped_on = '2999-01-01',
    quantity_text = 'three', price_text = 'cheap', paid_text = 'maybe', day_text = '31 January',
    moment_text = 'noon', website = 'n/a', reference = 'n/a', client_v4 = '1.2.3', client_v6 = '::g',
    address = 'home', card_number = '4111 1111 1111 1112', ssn = '000-00-0000', postcode = '1', latitude = 200,
    longitude = 500,
    loaded_at = created_at + CASE WHEN id % 10 = 5 THEN INTERVAL '-1 hour' ELSE INTERVAL '3 hours' END
WHERE created_at >= '2024-01-28 00:00Z';

-- Every column of a format of its own.
DO $$
DECLARE name text;
BEGIN
    FOR name IN SELECT attname FROM pg_attribute WHERE attrelid = 'shop.orders'::regclass AND attnum >=
        (SELECT attnum FROM pg_attribute WHERE attrelid = 'shop.orders'::regclass AND attname = 'decimal')
    LOOP
        EXECUTE format('UPDATE shop.orders SET %I = ''n/a'' WHERE created_at >= ''2024-01-28 00:00Z''', name);
    END LOOP;
END $$;

-- Numbers that run the wrong way.
UPDATE shop.orders SET id = 2000000 - id, countdown = 2000000 - countdown WHERE created_at >= '2024-01-28 00:00Z';

-- A row twice, but for its number.
CREATE TEMPORARY TABLE twice AS
SELECT * FROM shop.orders WHERE created_at >= '2024-01-28 00:00Z' ORDER BY id LIMIT 1;
UPDATE twice SET id = 3000000;
INSERT INTO shop.orders SELECT * FROM twice;

INSERT INTO shop.findings VALUES ('2024-01-28 12:00Z', 3);

ALTER TABLE shop.orders DROP COLUMN obsolete, DROP COLUMN moved, ALTER COLUMN code TYPE text;
ALTER TABLE shop.orders ADD COLUMN moved text NOT NULL DEFAULT 'here', ADD COLUMN password text, ADD COLUMN ssn_plain text;
