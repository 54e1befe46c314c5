CREATE TYPE pattern.size AS ENUM ('S', 'M', 'XL');
CREATE TABLE pattern.parts (id int PRIMARY KEY, number text, name text, size pattern.size, "odd ""name" char(8));
INSERT INTO pattern.parts VALUES (1, 'AB-123', 'Screw', 'S', 'x1'), (2, 'ab-123', 'test bolt', 'M', 'y'),
    (3, 'AB-12', 'It''s a \d', 'XL', 'x22'), (4, NULL, NULL, NULL, NULL);
