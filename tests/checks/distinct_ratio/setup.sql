CREATE TABLE distinct_ratio.tickets (id int PRIMARY KEY, code text, seat text);
INSERT INTO distinct_ratio.tickets
    SELECT i, 'T' || i, 'S' || i % 50 FROM generate_series(1, 100) AS i;
