CREATE TABLE allowed.orders (id int PRIMARY KEY, status text, rating int, gift bool);
INSERT INTO allowed.orders VALUES (1, 'open', 5, true), (2, 'Paid', 3, false), (3, NULL, 4, NULL),
    (4, 'paid', 0, false), (5, 'paid', 1, true);
