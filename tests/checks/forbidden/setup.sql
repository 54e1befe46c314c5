CREATE TYPE forbidden.mood AS ENUM ('glad', 'sad', 'unknown');
CREATE TABLE forbidden.answers (id int PRIMARY KEY, answer text, age int, weight float8,
    mood forbidden.mood, spam bool);
INSERT INTO forbidden.answers VALUES (1, 'yes', 31, 70.5, 'glad', false), (2, 'N/A', -999, 'NaN', 'unknown', false),
    (3, 'n/a', 99, -1, 'sad', true), (4, NULL, NULL, NULL, NULL, NULL),
    (5, '', NULL, NULL, NULL, NULL);
