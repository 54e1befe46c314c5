-- SPDX-License-Identifier: GPL-3.0-or-later
-- Two faults of the kind that happen, put into the features of the demo. Which rows is fixed.

-- 11 June: O'Hare's feed sends seconds where minutes are meant. 286 of the day's 3,593 values leave
-- what is possible; the distribution of all hubs together hardly moves.
UPDATE ml.flight_features
SET recent_origin_delay = recent_origin_delay * 60
WHERE origin = 'ORD' AND scheduled_at >= '2001-06-11 00:00Z' AND scheduled_at < '2001-06-12 00:00Z';

-- 12 June: a join loses a fifth of the delays. The rest is a fair sample of the day.
UPDATE ml.flight_features
SET recent_origin_delay = NULL
WHERE flight_id % 5 = 0 AND scheduled_at >= '2001-06-12 00:00Z' AND scheduled_at < '2001-06-13 00:00Z';

VACUUM ANALYZE ml.flight_features;
