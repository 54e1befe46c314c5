# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows that are read again: rows that came late, rows that were rewritten, and restarts."""
import json
import sqlite3
import time

import pytest

ROWS = """
CREATE SCHEMA ml;
CREATE TABLE ml.events (id bigint PRIMARY KEY, at timestamptz, value float8);
CREATE INDEX ON ml.events (at);
INSERT INTO ml.events SELECT i, timestamptz '2001-06-12Z' + i * interval '36 s', i % 50
  FROM generate_series(0, 2399) AS i"""


def rules(schedule, **more):
    return {"version": 1, "dataset": "events",
            "source": {"connection": "warehouse", "table": "ml.events", "time_column": "at",
                       "key": ["id"]},
            "schedule": {"window": "1h", "delay": "2m", "every": "1h", **schedule},
            "columns": {"value": {"nulls": "1%"}}, "checks": [{"volume": {"min": 10}}],
            "notify": {"to": ["ops"]}, **more}


def query(vigil, sql, *params):
    with sqlite3.connect(f"file:{vigil.folder / 'replay.db'}?mode=ro", uri=True) as db:
        return db.execute(sql, params).fetchall()


def replay(vigil, until, since="2001-06-12"):
    vigil.expect(0, "run", "--from", since, "--until", until, "--state", "replay.db")


def said(vigil, rule):
    return query(vigil, "SELECT window_start_us, verdict, why FROM result WHERE rule = ?"
                        " ORDER BY id", rule)


def hour(n):
    return 992304000000000 + n * 3600000000


PASS, FAIL = 0, 4


@pytest.fixture
def vigil(pgvigil, database, receiver):
    database.execute(ROWS)
    pgvigil.config["receivers"] = {"ops": {"webhook": {"url": "http://127.0.0.1:9/hook"}}}
    pgvigil.write()
    return pgvigil


def test_late_and_rewritten(vigil, database):
    vigil.rule("events", rules({"revisit": ["2h", "1d"], "immutable": "2d"}))
    replay(vigil, "2001-06-12T02:30Z")
    assert query(vigil, "SELECT count(*) FROM checked_window") == [(2,)]
    assert said(vigil, "late_rows") == []
    # Window 0: ten rows late; window 1: one value changed; window 2, still open: as it will be.
    database.execute("INSERT INTO ml.events SELECT 10000 + i, '2001-06-12 00:30Z', NULL"
                     " FROM generate_series(1, 10) AS i;"
                     "UPDATE ml.events SET value = 1000 WHERE id = 150")
    replay(vigil, "2001-06-12T05:30Z")
    late, rewritten = said(vigil, "late_rows"), said(vigil, "rewritten")
    assert [(w, v) for w, v, _ in late] == [(hour(0), FAIL), (hour(1), PASS), (hour(2), PASS)]
    assert [(w, v) for w, v, _ in rewritten] == [(hour(0), FAIL), (hour(1), FAIL), (hour(2), PASS)]
    assert "10 added of 100 rows" in late[0][2]
    assert "1 changed of 100 rows; sum of value 3450, was 2450" in rewritten[1][2]
    assert "unchanged, 100 rows" in rewritten[2][2]
    assert query(vigil, "SELECT row_count FROM scanned_window ORDER BY start_us LIMIT 3") == \
        [(110,), (100,), (100,)]
    # Nine nulls in a hundred are more than nulls allows, but the window is not judged again.
    assert [v for _, v, _ in said(vigil, "value.nulls")] == [PASS] * 5
    status = vigil.expect(0, "status", "--json", "--state", "replay.db").json
    states = {a["rule"]: a["state"] for a in status["datasets"][0]["alerts"]} \
        if "alerts" in status["datasets"][0] else None
    text = json.dumps(status)
    assert "late_rows" in text and "rewritten" in text, (states, text)
    assert {i["severity"] for i in status["incidents"]} == {"warning", "critical"}
    # A day later each is read once more; two days later for the last time.
    replay(vigil, "2001-06-14T05:30Z")
    for n in range(3):
        assert sum(w == hour(n) for w, _, _ in said(vigil, "late_rows")) == 3
        assert query(vigil, "SELECT count(*) FROM checked_window WHERE start_us = ?",
                     hour(n)) == [(0,)]


def test_removed_rows_and_private_keys(vigil, database):
    """A key that nobody may see is compared all the same; removing all rows is seen."""
    vigil.rule("events", rules({"revisit": "2h", "immutable": "1d"}))
    replay(vigil, "2001-06-12T01:30Z")
    database.execute("DELETE FROM ml.events WHERE at < '2001-06-12 01:00Z'")
    replay(vigil, "2001-06-12T03:30Z")
    (_, verdict, why), = said(vigil, "late_rows")[:1]
    assert verdict == FAIL and "100 removed of 100 rows" in why
    assert query(vigil, "SELECT row_count, status FROM scanned_window ORDER BY start_us LIMIT 1") \
        == [(0, 0)]
    body, = query(vigil, "SELECT body FROM checked_window ORDER BY start_us LIMIT 1")[0]
    assert len(body) < 4096


def test_late_window_is_judged_first(vigil, database):
    """A window without rows stays open as ever; it is revisited after it was filled and judged."""
    database.execute("DELETE FROM ml.events WHERE at < '2001-06-12 01:00Z'")
    vigil.rule("events", rules({"revisit": "2h", "every": "10m"}))
    replay(vigil, "2001-06-12T01:10Z")
    database.execute("INSERT INTO ml.events SELECT 20000 + i, '2001-06-12 00:10Z', 1"
                     " FROM generate_series(1, 50) AS i")
    replay(vigil, "2001-06-12T01:59Z", since="2001-06-12T01:10Z")
    (judged,), = query(vigil, "SELECT checked_us FROM checked_window")
    assert judged > hour(1) + 10 * 60 * 1000000
    replay(vigil, "2001-06-12T04:59Z", since="2001-06-12T01:59Z")
    assert [(w, v) for w, v, _ in said(vigil, "late_rows")][:1] == [(hour(0), PASS)]


def test_restart(pgvigil, database):
    """What is to be read again survives kill -9, and is read by the daemon that comes after."""
    database.execute("CREATE SCHEMA ml; CREATE TABLE ml.events (id bigserial PRIMARY KEY,"
                     " at timestamptz, value float8); CREATE INDEX ON ml.events (at)")
    rule = rules({"window": "2s", "delay": "1s", "every": "1s", "revisit": "4s"})
    del rule["notify"]
    rule["checks"] = []
    pgvigil.rule("events", rule)
    insert = "INSERT INTO ml.events (at, value) SELECT {}, 1 FROM generate_series(1, 100)"
    state = f"file:{pgvigil.state}?mode=ro"

    def read(sql):
        with sqlite3.connect(state, uri=True) as db:
            return db.execute(sql).fetchall()

    database.execute(insert.format("now()"))
    daemon = pgvigil.start()
    daemon.wait_for(lambda: pgvigil.state.exists() and read("SELECT 1 FROM sqlite_master WHERE"
                    " name = 'checked_window'") and read("SELECT 1 FROM checked_window"),
                    what="a judged window")
    daemon.kill()
    start, = read("SELECT start_us FROM checked_window ORDER BY 1 LIMIT 1")[0]
    database.execute(insert.format(f"to_timestamp({start / 1e6 + 0.5})"))
    pgvigil.start().wait_for(lambda: read("SELECT 1 FROM result WHERE rule = 'late_rows'"),
                             what="the window read again")
    (window, verdict, why), = read("SELECT window_start_us, verdict, why FROM result"
                                   " WHERE rule = 'late_rows' ORDER BY id LIMIT 1")
    assert (window, verdict) == (start, FAIL) and "100 added of 100 rows" in why


def test_rows_without_a_proper_time(pgvigil, database):
    database.execute(ROWS)
    database.execute("INSERT INTO ml.events VALUES (90001, NULL, 1), (90002, 'infinity', 1),"
                     " (90003, '-infinity', 1), (90004, now() + interval '1 day', 1)")
    rule = rules({})
    del rule["notify"]
    pgvigil.rule("events", rule)
    pgvigil.config["web"] = {"listen": "127.0.0.1:0"}
    pgvigil.write()
    found = pgvigil.check()["datasets"][0]
    assert (found["untimed_rows"], found["future_rows"]) == (3, 1)


def test_faults_in_the_file(pgvigil):
    for schedule, checks, said_so in (
            ({"revisit": "0s"}, [], "is no time to wait"),
            ({"revisit": ["1h", "soon"]}, [], "is no time to wait"),
            ({}, [{"late_rows": "5%"}], "late_rows needs schedule.revisit"),
            ({"revisit": "1h"}, [{"rewritten": 5}], "rewritten needs schedule.immutable")):
        rule = rules(schedule, checks=checks)
        del rule["notify"]
        pgvigil.rule("events", rule)
        assert said_so in pgvigil.expect(78, "validate").err
    rule = rules({"revisit": "1h"})
    del rule["notify"], rule["source"]["time_column"]
    pgvigil.rule("events", rule)
    assert "has no meaning for a table without a time column" in pgvigil.expect(78, "validate").err
