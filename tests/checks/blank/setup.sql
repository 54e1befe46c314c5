CREATE TABLE blank.people (id int PRIMARY KEY, name text, note varchar(20), code char(4));
INSERT INTO blank.people VALUES
    (1, 'Ada', 'x', 'ab'), (2, '', ' ', '    '), (3, E' \t\n', NULL, 'a'), (4, E'\u00a0\u3000', '.', ''),
    (5, NULL, NULL, NULL), (6, ' Bo ', 'y', 'abcd');
