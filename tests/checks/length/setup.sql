CREATE TABLE length.people (id int PRIMARY KEY, name text, code char(6), token uuid);
INSERT INTO length.people VALUES
    (1, 'Ada', 'abc', '00000000-0000-0000-0000-000000000001'), (2, '', 'ab', NULL),
    (3, E'\u00e4\u20ac\U0001F600', 'abcdef', NULL), (4, 'Bartholomew', '', NULL), (5, NULL, NULL, NULL);
