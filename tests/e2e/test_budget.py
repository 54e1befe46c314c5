# SPDX-License-Identifier: GPL-3.0-or-later
"""`drift: true` end to end: a reference is captured and calibrated, windows are judged by the
budget, a change is found, what was learnt outlives kill -9, and all of it is said aloud."""
import re
import sqlite3
from datetime import datetime, timedelta, timezone

import pytest
import requests

import stack

START = datetime(2025, 3, 3, tzinfo=timezone.utc)              # a Monday
LEARNT = START + timedelta(days=28)
SHIFT = LEARNT + timedelta(days=2, hours=9)
END = LEARNT + timedelta(days=4)

# Deterministic noise: hashes of the row's number, uniform; a normal one as their sum.
TABLE = """
CREATE FUNCTION u(i bigint, salt text) RETURNS float8 IMMUTABLE PARALLEL SAFE LANGUAGE sql AS
  $$ SELECT (hashtextextended(i::text || salt, 7) & 9007199254740991)::float8
            / 9007199254740992 $$;
CREATE TABLE rows_of AS
SELECT at, i AS id,
       CASE WHEN u(i, 'n') < .02 THEN NULL ELSE
       10 + sin(extract(hour FROM at AT TIME ZONE 'UTC') / 24 * 2 * pi())
          + u(i, 'a') + u(i, 'b') + u(i, 'c') + u(i, 'd')
          + CASE WHEN at >= '{shift}' THEN 1.5 ELSE 0 END END AS amount,
       (ARRAY['red','red','red','green','green','blue'])[1 + floor(6 * u(i, 'e'))::int] AS colour,
       md5(i::text) AS token,
       extract(isodow FROM at AT TIME ZONE 'UTC')::int AS weekday,
       u(i, 's') AS secret
  FROM (SELECT i, '{start}'::timestamptz + i * interval '12 s' AS at
          FROM generate_series(0, {rows}) AS i) AS r;
CREATE INDEX ON rows_of (at);
""".format(shift=SHIFT.isoformat(), start=START.isoformat(),
           rows=int((END - START).total_seconds() / 12) - 1)

RULES = {
    "version": 1, "dataset": "rows_of",
    "source": {"connection": "warehouse", "table": "public.rows_of", "time_column": "at",
               "key": ["id"]},
    "schedule": {"window": "1h", "delay": "2m", "every": "1h"},
    "reference": {"from": START.isoformat(), "to": LEARNT.isoformat()},
    "drift": {"budget": "1 per month"},
    "columns": {"*": {"drift": True}, "secret": {"private": True},
                "amount": {"drift": {"budget": {"severity": "warning"}}}},
}


def iso(t):
    return t.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def query(vigil, state, sql, *params):
    with sqlite3.connect(f"file:{vigil.folder / state}?mode=ro", uri=True) as db:
        return db.execute(sql, params).fetchall()


def database_now(vigil):
    """A last window of today: the newest rows with their times moved."""
    vigil.database.execute("""
        INSERT INTO rows_of SELECT date_trunc('hour', now()) - interval '1 h'
               + (row_number() OVER () * interval '10 s'), id + 10000000, amount, colour, token,
               weekday, secret FROM rows_of ORDER BY at LIMIT 300""")


def opened(vigil, state):
    return [(i["severity"], i["opened"]) for i in
            vigil.expect(0, "status", "--json", "--state", state).json["incidents"]]


def replay(vigil, start, until, state="replay.db"):
    return vigil.expect(0, "run", "--from", iso(start), "--until", iso(until), "--state", state,
                        timeout=300)


@pytest.fixture
def world(database, pgvigil):
    database.execute(TABLE)
    pgvigil.rule("rows_of", RULES)
    pgvigil.database = database
    return pgvigil


@pytest.mark.plain  # long; the sanitizers see the same rules in the tests below
def test_replay(world):
    """Quiet before the change, found within hours after it, and told of one column alone."""
    log = replay(world, LEARNT, END + timedelta(minutes=2)).err
    assert "the budget is calibrated" in log and "expected_false_incidents_a_week" in log
    incidents = opened(world, "replay.db")
    early = [i for i in incidents if i[1] < iso(SHIFT)]
    assert not early, early
    found = [i for i in incidents if i[0] == "warning"]
    assert len(found) == 1, incidents
    assert iso(SHIFT) < found[0][1] <= iso(SHIFT + timedelta(hours=3)), found
    rows = query(world, "replay.db", "SELECT rule, verdict, value, limit_value, p_value, level,"
                 " effect, direction, n, n_ref, why FROM result WHERE check_name = 'budget' AND"
                 " window_start_us = ?", int(SHIFT.timestamp()) * 1000000 + 2 * 3600000000)
    amount = next(r for r in rows if r[0] == "amount.drift")
    assert amount[1] == 4 and amount[2] > amount[3] and amount[4] < amount[5], amount
    assert amount[7] == 1 and amount[8] >= 300 and amount[9] > amount[8], amount
    assert "below its level" in amount[10], amount
    # Look-backs grow with what was read, and no further.
    first = query(world, "replay.db", "SELECT why FROM result WHERE check_name = 'budget' AND"
                  " verdict = 0 AND window_start_us = ?", int(LEARNT.timestamp()) * 1000000)
    assert first and all("in the base window of 1h" in why for why, in first), first
    standing = {r[0]: r[10] for r in rows if r[1] == 1}
    assert "identifier" in standing["token.drift"] and "calendar" in standing["weekday.drift"]
    # What stands pages nobody, not even as a rule without verdicts.
    assert not query(world, "replay.db", "SELECT rule, why FROM alert WHERE state > 1 AND"
                     " rule <> 'amount.drift'")


def test_said_aloud(world):
    out = world.expect(0, "reference", "capture").out
    assert re.search(r"drift: true, at most 0.233 false incidents? a week: \d+ streams of \d+ "
                     r"columns, base windows of 1h", out), out
    assert re.search(r"\d+ alarm-days? of the dataset in the replay of 28 days, \d+ base windows? "
                     r"struck out; expect [\d.]+ false incidents? a week", out), out
    assert ("  each base window is compared with its hours of weekdays, Saturdays or Sundays\n"
            in out)
    assert re.search(r"^ *amount +distribution +\S+ +a distance D of 0\.\d+", out, re.M), out
    assert "token: values are not tested: it looks like an identifier" in out
    for command in (["status"], ["validate", "--connect"], ["explain", "rows_of"]):
        assert "alarm-day" in world.run(*command).out, command
    drift = world.expect(0, "status", "--json").json["drift"]
    assert [d["dataset"] for d in drift] == ["rows_of"] and drift[0]["calibrated"]
    streams = {(s["column"], s["statistic"]): s for s in drift[0]["streams"]}
    assert {("amount", "ks"), ("amount", "spread"), ("amount", "nulls"),
            ("colour", "levels")} <= set(streams)
    assert not any(column == "id" for column, _ in streams)
    assert 0 < streams["amount", "ks"]["smallest_visible"] < .5
    assert 0 < streams["amount", "ks"]["level"] < 1e-2
    assert drift[0]["expected_per_week"] <= 1 and drift[0]["day_types"] == 3
    # A floor of the rule file needs no calibration, and nothing smaller is promised.
    world.rule("rows_of", {**RULES, "drift": {**RULES["drift"], "min_distance": 0.4,
                                              "min_spread": "50%"}})
    out = world.expect(0, "explain", "rows_of").out
    assert "  no alarm below a distance D of 0.4, a standard deviation changed by 50%\n" in out, out
    assert re.search(r"^ *amount +distribution +\S+ +a distance D of 0\.4\b", out, re.M), out


def test_check_shows_the_fields(world):
    """A look that commits nothing judges the newest closed base window, of what is stored."""
    world.expect(0, "reference", "capture")
    at = iso(LEARNT + timedelta(hours=3, minutes=2))
    check = world.run("check", "--json", "--at", at)
    results = {r["rule"]: r for r in check.json["datasets"][0]["results"]}
    amount = results["amount.drift"]
    assert amount["check"] == "budget" and amount["verdict"] == "pass", amount
    assert amount["p_value"] >= amount["level"] > 0 and amount["severity"] == "warning"
    assert {s["statistic"] for s in amount["streams"]} == {"ks", "spread", "nulls"}
    assert all(s["smallest_visible"] is not None for s in amount["streams"][:2])
    assert results["token.drift"]["verdict"] == "nodata"
    shifted = world.run("check", "--json", "--at", iso(SHIFT + timedelta(hours=4, minutes=2)))
    results = {r["rule"]: r for r in shifted.json["datasets"][0]["results"]}
    assert results["amount.drift"]["verdict"] == "fail" and shifted.code == 2
    assert results["amount.drift"]["direction"] == "up"
    assert results["colour.drift"]["verdict"] == "pass"


def test_longer_base_windows(world):
    """Windows are added up to base windows; rules speak only when one of these has closed."""
    world.rule("rows_of", {**RULES, "drift": {"base": "3h"}})
    replay(world, LEARNT, LEARNT + timedelta(hours=12, minutes=2))
    starts = query(world, "replay.db", "SELECT window_start_us / 3600000000 % 24, verdict, n FROM"
                   " result WHERE rule = 'amount.drift' ORDER BY 1")
    assert [s for s, _, _ in starts] == [2, 5, 8, 11] and {v for _, v, _ in starts} == {0}
    # 300 rows an hour, three hours, two in a hundred null, or more of them in a longer look-back.
    assert all(n >= 850 for _, _, n in starts), starts
    assert {w for w, in query(world, "replay.db", "SELECT DISTINCT end_us - start_us FROM summary")
            } == {3 * 3600000000}
    # A look judges the newest closed base window if it is stored whole, and never a part of one.
    for hour, verdict in ((14, "pass"), (15, "nodata"), (20, "nodata"), (-99, "nodata")):
        at = iso(LEARNT + timedelta(hours=hour, minutes=2))
        check = world.run("check", "--json", "--at", at, "--state", "replay.db")
        results = {r["rule"]: r for r in check.json["datasets"][0]["results"]}
        amount = results["amount.drift"]
        assert amount["verdict"] == verdict, (hour, amount)
        assert verdict == "pass" or "not judged in full" in amount["why"], amount


def test_calibrated_once(world):
    """The calibration is stored with its reference, kept over kill -9, and made anew only when the
    budget or the columns under it are others. A store of before is calibrated at the next start."""
    world.expect(0, "reference", "capture")
    one = query(world, "pgvigil.db", "SELECT id, version, inputs, body FROM calibration")
    assert len(one) == 1 and one[0][3]
    parts = query(world, "pgvigil.db", "SELECT count(*) FROM calibration_part")
    daemon = world.start()
    daemon.wait_log("started")
    daemon.kill()
    assert "calibrat" not in daemon.log() + world.expect(0, "run", "--once").err
    assert query(world, "pgvigil.db",
                 "SELECT id, version, inputs, body FROM calibration") == one
    assert query(world, "pgvigil.db", "SELECT count(*) FROM calibration_part") == parts
    with sqlite3.connect(world.folder / "pgvigil.db") as db:
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("DELETE FROM calibration")
    world.expect(0, "run", "--once")
    again = query(world, "pgvigil.db", "SELECT inputs, body FROM calibration")
    assert again == [one[0][2:]], "the same, to the last bit"
    world.rule("rows_of", {**RULES, "drift": {"budget": "3 per week"}})
    world.expect(0, "run", "--once")
    other = query(world, "pgvigil.db", "SELECT inputs, body FROM calibration")
    assert len(other) == 1 and other[0][0] != one[0][2] and other[0][1] != one[0][3]


def test_hard_rules(database, pgvigil):
    """Whatever the budget: only NULLs, the first NULL, a new value told once, no rows."""
    database.execute(TABLE)
    database.execute(f"""
        ALTER TABLE rows_of ADD COLUMN whole int NOT NULL DEFAULT 7;
        ALTER TABLE rows_of ALTER whole DROP NOT NULL;
        UPDATE rows_of SET whole = id % 100;
        UPDATE rows_of SET whole = NULL WHERE at >= '{iso(LEARNT + timedelta(hours=5))}'
           AND at < '{iso(LEARNT + timedelta(hours=6))}' AND id % 300 = 0;
        UPDATE rows_of SET amount = NULL WHERE at >= '{iso(LEARNT + timedelta(hours=2))}'
           AND at < '{iso(LEARNT + timedelta(hours=3))}';
        UPDATE rows_of SET colour = 'mauve' WHERE at >= '{iso(LEARNT + timedelta(hours=7))}'
           AND id % 10 = 0;
        DELETE FROM rows_of WHERE at >= '{iso(LEARNT + timedelta(hours=10))}'
           AND at < '{iso(LEARNT + timedelta(hours=11))}'""")
    pgvigil.rule("rows_of", RULES)
    replay(pgvigil, LEARNT, LEARNT + timedelta(hours=13, minutes=2))
    failed = query(pgvigil, "replay.db", "SELECT window_start_us / 3600000000 % 24, rule, why FROM"
                   " result WHERE check_name = 'budget' AND verdict = 4 ORDER BY 1, 2")
    why = {}
    for hour, rule, text in failed:
        why.setdefault((hour, rule), text)
    assert "every row is NULL" in why[2, "amount.drift"]
    assert "NULLs, of which the reference has none" in why[5, "whole.drift"]
    assert (4, "whole.drift") not in why and (6, "whole.drift") not in why
    empty = [rule for (hour, rule), text in why.items() if hour == 10 and "no rows" in text]
    assert len(empty) == 1, why                                # one rule speaks for the dataset
    new = [(hour, text) for (hour, rule), text in why.items() if "new value" in text]
    assert new == [(7, why[7, "colour.drift"])], new           # and it is told once


def test_policies(world):
    """p_value and bh limit p instead of the statistic."""
    world.rule("rows_of", {**RULES, "columns": {
        "amount": {"drift": {"ks": {"fail": 1e-6, "policy": "p_value"},
                             "null_rate": {"fail": .01, "warn": .05, "policy": "bh"}}},
        "colour": {"drift": {"chi_square": {"fail": .01, "policy": "bh"}}}}})
    world.expect(0, "reference", "capture")
    results = {}
    for name, at in (("quiet", LEARNT), ("shifted", SHIFT)):
        check = world.run("check", "--json", "--at", iso(at + timedelta(hours=2, minutes=2)))
        results[name] = {r["rule"]: r for r in check.json["datasets"][0]["results"]}
    shifted = results["shifted"]["amount.drift.ks"]
    assert shifted["verdict"] == "fail" and shifted["level"] == 1e-6 and shifted["limit"] is None
    assert shifted["p_value"] < 1e-6
    chi = results["quiet"]["colour.drift.chi_square"]
    assert chi["verdict"] == "pass" and chi["level"] == .01 and "adjusted for 2 tests" in chi["why"]


def test_killed_while_calibrating(world):
    """What a crash leaves half done is nothing; the next start calibrates."""
    world.start().wait_log("calibrating the budget")
    world.daemons[0].kill()
    whole = query(world, "pgvigil.db", "SELECT count(*) FROM calibration WHERE body IS NOT NULL")
    world.start().wait_log("the budget is calibrated") if whole == [(0,)] else None
    assert query(world, "pgvigil.db", "SELECT count(*), count(body) FROM calibration") == [(1, 1)]


def test_metrics(world):
    """Every statistic behind a verdict, its p and its level, and what can be seen."""
    port = stack.free_port()
    world.config["web"] = {"listen": f"127.0.0.1:{port}"}
    world.write()
    world.expect(0, "reference", "capture")
    database_now(world)
    daemon = world.start()
    daemon.wait_log("window judged")

    def series():
        text = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=5).text
        return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1])
                for line in text.splitlines() if line.startswith("pgvigil_drift_")}
    found = daemon.wait_for(series, what="metrics of the budget")
    labels = 'dataset="rows_of",rule="amount.drift",column="amount",segment=""'
    assert 0 < found[f"pgvigil_drift_ks{{{labels}}}"] < 1
    assert .5 < found[f"pgvigil_drift_spread{{{labels}}}"] < 2
    for statistic in ("ks", "spread", "nulls"):
        both = f'{{{labels},statistic="{statistic}"}}'
        assert 0 < found["pgvigil_drift_alarm_level" + both] < .01
        assert 0 <= found["pgvigil_drift_p_value" + both] <= 1
        assert found["pgvigil_drift_smallest_visible" + both] > 0
    assert 0 < found['pgvigil_drift_expected_incidents{dataset="rows_of"}'] <= 1


def test_flights(vigil_flights):
    """Real flights: a reference of six weeks, base windows by the rule, three weeks watched."""
    vigil_flights.rule("flights", {
        "version": 1, "dataset": "flights",
        "source": {"connection": "warehouse", "table": "ml.flight_features",
                   "time_column": "scheduled_at"},
        "schedule": {"window": "1h", "delay": "10m", "every": "6h"},
        "reference": {"from": "2001-01-01", "to": "2001-02-12"},
        "columns": {name: {"drift": True}
                    for name in ("recent_origin_delay", "distance_miles", "weekday")}})
    replay(vigil_flights, datetime(2001, 2, 12, tzinfo=timezone.utc),
           datetime(2001, 3, 5, 0, 10, tzinfo=timezone.utc))
    drift = vigil_flights.expect(0, "status", "--json", "--state", "replay.db").json["drift"][0]
    assert drift["calibrated"] and drift["replay_alarm_days"] <= 6
    incidents = opened(vigil_flights, "replay.db")
    assert len(incidents) <= 6, incidents                      # three weeks with their storms
