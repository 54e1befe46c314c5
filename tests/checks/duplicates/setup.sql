CREATE TABLE duplicates.events (id int, kind text, amount numeric, meta json, loaded_at timestamptz);
INSERT INTO duplicates.events VALUES
    (1, 'buy', 10, '{"a": 1}', '2024-01-01'), (1, 'buy', 10, '{"a": 1}', '2024-01-02'),
    (2, 'buy', 10, '{"a": 1}', '2024-01-02'), (3, NULL, NULL, NULL, '2024-01-03'),
    (3, NULL, NULL, NULL, '2024-01-03');
