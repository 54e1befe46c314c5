CREATE TABLE "distinct".visits (id int PRIMARY KEY, country text, shop int, visitor bigint);
INSERT INTO "distinct".visits
    SELECT i, CASE WHEN i % 50 = 0 THEN NULL ELSE (ARRAY['de', 'fr', 'it'])[1 + i % 3] END,
           i % 4, i * 7
    FROM generate_series(1, 20000) AS i;
