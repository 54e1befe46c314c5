CREATE TABLE lookup.airports (code text PRIMARY KEY);
CREATE TABLE lookup."Legs" (origin text, "Target" text, km int);
CREATE TABLE lookup.flights (id int PRIMARY KEY, origin text, dest text);
INSERT INTO lookup.airports VALUES ('SFO'), ('JFK'), ('O''Hare');
INSERT INTO lookup."Legs" VALUES ('SFO', 'JFK', 4150), ('O''Hare', 'SFO', 2960);
INSERT INTO lookup.flights VALUES (1, 'SFO', 'JFK'), (2, 'XXX', 'JFK'), (3, NULL, 'SFO'),
    (4, 'O''Hare', 'SFO'), (5, 'XXX', 'SFO');
