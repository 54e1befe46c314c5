CREATE TABLE share.payments (id int PRIMARY KEY, method text, success bool, fee real);
INSERT INTO share.payments
    SELECT i, CASE WHEN i <= 70 THEN 'card' WHEN i <= 90 THEN 'cash' END, i % 10 <> 0,
           CASE WHEN i % 4 = 0 THEN 0.1 ELSE 0 END
    FROM generate_series(1, 100) AS i;
