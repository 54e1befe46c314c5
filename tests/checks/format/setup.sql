CREATE TABLE format.people (id int PRIMARY KEY, mail text, country char(3), iban text, born text, extra text,
    address text);
INSERT INTO format.people VALUES
    (1, 'ada@example.org', 'DE', 'DE89370400440532013000', '2001-06-12', '{"a": [1, 2]}', '192.168.0.1'),
    (2, 'ada@example', 'UK', 'DE89370400440532013001', '2001-02-29', '{a: 1}', '::1'),
    (3, '', 'GB', 'GB82WEST12345698765432', '12.06.2001', '[]', '300.1.1.1'),
    (4, NULL, NULL, NULL, NULL, NULL, NULL);
