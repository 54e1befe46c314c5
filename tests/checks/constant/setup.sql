CREATE TABLE constant.features (id int PRIMARY KEY, version text, region text, score float8, bias float8);
INSERT INTO constant.features
    SELECT i, 'v12', CASE WHEN i <= 96 THEN 'eu' ELSE 'us' END, i / 10.0, 0.5
    FROM generate_series(1, 100) AS i;
INSERT INTO constant.features VALUES (101, NULL, NULL, NULL, NULL), (102, 'v12', 'eu', 'NaN', 0.5);
