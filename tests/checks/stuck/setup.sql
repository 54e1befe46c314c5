CREATE TABLE stuck.readings (id int, read_at timestamptz NOT NULL, sensor int, celsius float8,
                             humidity float8);
CREATE INDEX ON stuck.readings (read_at);
-- From the fifth hour on the temperatures are those of the fourth, in another order.
INSERT INTO stuck.readings
    SELECT hour * 100 + i, timestamptz '2024-01-01 00:00Z' + hour * interval '1 hour'
           + i * interval '1 minute', i, 15 + (7 * i + 3 * hour) % 20 * 0.1 + least(hour, 4),
           40 + ((11 * i + 5 * hour) % 37) * (1 + hour * 0.1)
    FROM generate_series(0, 7) AS hour, generate_series(0, 19) AS i ORDER BY hour, i * 7 % 20;
