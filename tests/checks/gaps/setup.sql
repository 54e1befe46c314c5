-- Thursday 2024-03-28 to Sunday 2024-03-31, when the clock in Berlin goes from 2 to 3
CREATE TABLE gaps.readings (id int, at timestamptz);
CREATE INDEX ON gaps.readings (at);
INSERT INTO gaps.readings
SELECT 1, t FROM generate_series('2024-03-28 00:30+01'::timestamptz, '2024-04-01 00:00+02', '1 hour') AS t
WHERE t NOT BETWEEN '2024-03-28 09:00+01' AND '2024-03-28 11:00+01'
    AND t NOT BETWEEN '2024-03-29 20:00+01' AND '2024-03-29 21:00+01'
    AND t NOT BETWEEN '2024-03-30 09:00+01' AND '2024-03-30 10:00+01';
