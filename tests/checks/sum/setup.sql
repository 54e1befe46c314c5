CREATE TABLE sum.ledger (id int PRIMARY KEY, account text, amount numeric(12,2));
INSERT INTO sum.ledger VALUES (1, 'a', 100.10), (2, 'a', -100.10), (3, 'b', 25.25), (4, 'b', NULL),
    (5, 'b', -25.00);
