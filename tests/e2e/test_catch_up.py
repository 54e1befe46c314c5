# SPDX-License-Identifier: GPL-3.0-or-later
"""Catching up after downtime, killed in every cycle of it; and columns that "*" finds no more."""
import json
import sqlite3
import time

import pytest

import stack

HOUR = 3600


def table(database, hours, bad):
    """A row a minute, for so many whole hours up to now; x is 7 in the hours named. The first."""
    now = time.time()
    first = int(now) // HOUR * HOUR - hours * HOUR
    numbers = ",".join(map(str, bad)) or "-1"
    database.execute(f"""
        CREATE TABLE t AS
        SELECT to_timestamp({first}) + n * interval '1 minute' AS at,
               CASE WHEN n / 60 IN ({numbers}) THEN 7 ELSE 0.5 END::float8 AS x,
               1 AS y
        FROM generate_series(0, {hours * 60 - 1}) n;
        CREATE INDEX ON t (at)""")
    return first


def rule(columns):
    return {"version": 1, "dataset": "t",
            "source": {"connection": "warehouse", "table": "public.t", "time_column": "at"},
            "schedule": {"window": "1h", "delay": "1s", "every": "1h"},
            "columns": columns,
            "notify": {"to": ["ops", "oncall"], "after": 1, "resolve_after": 1}}


def configure(pgvigil, received):
    key = pgvigil.folder / "pagerduty"
    key.write_text("0123456789abcdef0123456789abcdef\n")
    key.chmod(0o600)
    pgvigil.config["receivers"] = {
        "ops": {"webhook": {"url": received.url + "/hook"}},
        "oncall": {"pagerduty": {"routing_key_file": str(key),
                                 "url": received.url + "/v2/enqueue"}}}
    pgvigil.write()


def query(pgvigil, sql):
    with sqlite3.connect(f"file:{pgvigil.state}?mode=ro", uri=True) as db:
        return db.execute(sql).fetchall()


def stamp(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


@pytest.mark.both
@pytest.mark.parametrize("killed", [True, False])
def test_one_summary(database, pgvigil, receiver, killed):
    """Two fires of a rule and one of another began and ended meanwhile: one message, no page."""
    if killed and stack.VARIANT == "release":
        pytest.skip("failpoints are in test builds only")
    hours = 8
    first = table(database, hours, (1, 2, 4))
    database.execute(f"UPDATE t SET y = NULL WHERE at >= to_timestamp({first + 5 * HOUR}) AND"
                     f" at < to_timestamp({first + 6 * HOUR})")
    received = receiver()
    configure(pgvigil, received)
    pgvigil.rule("t", rule({"x": {"range": {"min": 0, "max": 1}}, "y": {"nulls": 0}}))
    arguments = ("run", "--once", "--backfill", stamp(first))
    for windows in range(1, hours if killed else 1):
        pgvigil.expect(9, *arguments, env={"PGVIGIL_FAILPOINT": "after_commit:exit"})
        assert query(pgvigil, "SELECT count(*) FROM scanned_window") == [(windows,)]
        assert query(pgvigil, "SELECT count(*) FROM outbox") == [(0,)]
    pgvigil.run(*arguments)
    assert query(pgvigil, "SELECT count(*) FROM scanned_window WHERE status = 0")[0][0] >= hours
    [request] = received.requests("/hook")
    assert received.requests("/v2/enqueue") == [], "a summary pages nobody"
    alerts = json.loads(request["body"])["alerts"]
    told = [(a["labels"]["rule"], a["startsAt"], a["status"]) for a in alerts]
    assert told == [("x.range", stamp(first + HOUR), "resolved"),
                    ("x.range", stamp(first + 4 * HOUR), "resolved"),
                    ("y.nulls", stamp(first + 5 * HOUR), "resolved")]
    text = str([a["annotations"] for a in alerts])
    for ended in (3, 5, 6):
        assert f"ended {stamp(first + ended * HOUR)}" in text
    assert "100%" in text, "the number of the fire, not of the window that cleared it"
    assert query(pgvigil, "SELECT count(*) FROM episode") == [(0,)]
    pgvigil.run(*arguments)
    assert len(received.requests()) == 1, "and it is told once"


def test_column_that_a_wild_rule_lost(database, pgvigil, receiver):
    """Without a reference: the alert of the column that went is blind, the others are judged."""
    table(database, 6, (1,))
    received = receiver()
    configure(pgvigil, received)
    database.execute("UPDATE t SET y = NULL")
    pgvigil.rule("t", rule({"*": {"nulls": 0, "range": {"min": 0, "max": 9}}}))
    pgvigil.run("run", "--once")
    states = "SELECT rule, state, blind FROM alert WHERE column_name IS NOT NULL ORDER BY rule"
    firing, okay = 6, 0
    assert ("y.nulls", firing, 0) in query(pgvigil, states)
    database.execute("ALTER TABLE t DROP y")
    # As if the newest window had not been judged: the next run takes it again.
    with sqlite3.connect(pgvigil.state) as db:
        db.execute(f"UPDATE dataset SET watermark_us = watermark_us - {HOUR * 1000000}")
    pgvigil.run("run", "--once")
    after = query(pgvigil, states)
    assert ("y.nulls", firing, 1) in after, "one blind look; it still fires"
    assert ("x.nulls", okay, 0) in after
    results = pgvigil.run("status", "--json").json["results"]
    [lost] = [r for r in results if r["rule"] == "y.nulls"]
    assert lost["verdict"] == "unknown" and "does not exist" in lost["why"]
