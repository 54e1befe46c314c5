# SPDX-License-Identifier: GPL-3.0-or-later
"""Replays on the virtual clock: the real data, shipped rule files, time zones, sampling, states."""
import json
import re
import shutil
import sqlite3
from datetime import datetime, timedelta, timezone

import pytest
import yaml

import stack

SHIPPED = sorted((stack.ROOT / "rules").glob("*.yaml"))


def results(vigil, state, sql, *params):
    with sqlite3.connect(f"file:{vigil.folder / state}?mode=ro", uri=True) as db:
        return db.execute(sql, params).fetchall()


def incidents(vigil, state):
    status = vigil.expect(0, "status", "--json", "--state", state).json
    return sorted((i["dataset"], i["opened"], i["closed"]) for i in status["incidents"])


def ship(vigil):
    """The shipped rule files, with receivers that are there."""
    vigil.config["receivers"] = {name: {"webhook": {"url": "http://127.0.0.1:9/hook"}}
                                 for name in ("ops", "oncall")}
    vigil.config["retraining"] = {"delay-model": {"http": {"url": "http://127.0.0.1:9/train"}}}
    vigil.write()
    for file in SHIPPED:
        shutil.copy(file, vigil.rules / file.name)


def test_flights_fire_and_clear(vigil_flights):
    ship(vigil_flights)
    vigil_flights.expect(0, "run", "--from", "2001-06-10", "--until", "2001-06-19T00:10",
                         "--state", "replay.db")
    predictions = [i for i in incidents(vigil_flights, "replay.db")
                   if i[0] == "delay_predictions"]
    assert predictions == [
        ("delay_predictions", "2001-06-13T00:10:00Z", "2001-06-14T00:10:00Z"),
        ("delay_predictions", "2001-06-16T00:10:00Z", "2001-06-17T00:10:00Z")]
    judged = results(vigil_flights, "replay.db",
                     "SELECT row_count FROM scanned_window WHERE dataset = 'delay_predictions'"
                     " ORDER BY start_us")
    assert [n for n, in judged] == [3487, 3593, 3458, 3524, 3328, 3311, 3164, 3477, 3639]


@pytest.mark.parametrize("file", SHIPPED, ids=lambda f: f.name)
def test_shipped_rules_over_their_own_reference(vigil_flights, file):
    """Every shipped rule file, replayed over its own reference, opens at most one incident."""
    ship(vigil_flights)
    for other in vigil_flights.rules.glob("*.yaml"):
        if other.name != file.name:
            other.unlink()
    reference = yaml.safe_load(file.read_text())["reference"]
    until = datetime.fromisoformat(str(reference["to"])) + timedelta(minutes=10)
    # The reference must be there before its own windows are judged.
    vigil_flights.expect(0, "run", "--from", str(reference["to"]), "--until", until.isoformat(),
                         "--state", "replay.db")
    vigil_flights.expect(0, "run", "--from", str(reference["from"]), "--until", until.isoformat(),
                         "--state", "replay.db")
    assert len(incidents(vigil_flights, "replay.db")) <= 1


def test_rehearsal_says_the_same(vigil_flights):
    ship(vigil_flights)
    out = vigil_flights.expect(0, "reference", "capture").out
    said = dict(re.findall(r"^(\w+): over its reference the drift rules would have opened (\d+)",
                           out, re.M))
    assert said == {"delay_predictions": "1", "flight_features": "0"}
    assert "would have opened 1 incident in 31 days" in vigil_flights.run("status").out
    assert "would have opened 1 incident in 31 days" in vigil_flights.run(
        "validate", "--connect").out


def test_a_replay_needs_a_state_of_its_own(vigil_flights):
    ship(vigil_flights)
    vigil_flights.expect(64, "run", "--from", "2001-06-10", "--until", "2001-06-11")
    vigil_flights.expect(0, "reference", "capture")
    vigil_flights.expect(75, "run", "--from", "2001-06-10", "--until", "2001-06-12", "--state",
                         "pgvigil.db")
    vigil_flights.expect(64, "run", "--from", "2001-06-10", "--until", "2001-06-12", "--state",
                         "new.db", "--notify", "nobody")


# --- local time ----------------------------------------------------------------------------------

BERLIN = {"version": 1, "dataset": "clock", "timezone": "Europe/Berlin",
          "source": {"connection": "warehouse", "table": "public.clock", "time_column": "at"},
          "columns": {"x": {"nulls": 0}}, "checks": [{"volume": {"min": 1}}]}


@pytest.mark.parametrize("type_name", ["timestamp", "timestamptz"])
@pytest.mark.parametrize("window", ["15m", "1h", "4h", "1d"])
def test_summer_time(database, pgvigil, type_name, window):
    """Over both changes of the clock every row is counted once, in the window of its wall clock."""
    # One row every minute of real time; the naive column holds the wall clock, so that the hour
    # from two to three occurs twice in October and never in March.
    cast = "at AT TIME ZONE 'Europe/Berlin'" if type_name == "timestamp" else "at"
    database.execute(f"""
        CREATE TABLE clock AS SELECT {cast} AS at, 1 AS x FROM
            (SELECT generate_series('2025-03-29 00:00Z'::timestamptz, '2025-03-31 23:59Z', '1 min')
             UNION ALL
             SELECT generate_series('2025-10-25 00:00Z'::timestamptz, '2025-10-27 23:59Z', '1 min'))
            AS t(at);
        CREATE INDEX ON clock (at)""")
    every = {"15m": "15m", "1h": "15m", "4h": "1h", "1d": "6h"}[window]
    pgvigil.rule("clock", {**BERLIN, "schedule": {"window": window, "delay": "1m", "every": every}})
    for name, day in (("march", "2025-03-29"), ("october", "2025-10-25")):
        until = (datetime.fromisoformat(day) + timedelta(days=2, hours=22, minutes=1)).isoformat()
        start = (datetime.fromisoformat(day) - timedelta(hours=0)).isoformat() + "Z"
        pgvigil.run("run", "--from", start, "--until", until, "--state", f"{name}.db",
                    timeout=300)
        rows = results(pgvigil, f"{name}.db", "SELECT start_us, end_us, repeated, row_count, status"
                       " FROM scanned_window ORDER BY start_us")
        assert rows, "nothing was judged"
        for before, after in zip(rows, rows[1:]):
            assert before[1] == after[0], "a gap or an overlap"
        for start_us, end_us, _repeated, count, status in rows:
            minutes = (end_us - start_us) // 60_000_000
            start = datetime.fromtimestamp(start_us / 1e6, timezone.utc)
            assert (status, count) == (0, minutes), start
        repeated = [r for r in rows if r[2]]
        short = window in ("15m", "1h")
        assert len(repeated) == (1 if name == "october" and short else 0)
        if repeated:
            assert repeated[0][1] - repeated[0][0] == 7200 * 1_000_000
            verdicts = results(pgvigil, f"{name}.db",
                               "SELECT verdict FROM result WHERE rule = 'volume'"
                               " AND window_start_us = ?", repeated[0][0])
            assert verdicts == [(1,)], "volume has no verdict on the repeated hour"


# --- check and its sampling ----------------------------------------------------------------------


def test_check_writes_nothing_and_states_its_sample(database, pgvigil):
    database.execute("CREATE TABLE t AS SELECT i AS id, i % 10 AS x"
                     " FROM generate_series(1, 20000) i")
    rule = {"version": 1, "dataset": "t",
            "source": {"connection": "warehouse", "table": "public.t", "key": ["id"]},
            "schedule": {"window": "1d"}, "sample": {"percent": 10},
            "columns": {"x": {"range": {"min": 0, "max": 8}}},
            "checks": [{"volume": {"min": 20000}}]}
    pgvigil.rule("t", rule)
    before = sorted(p.name for p in pgvigil.folder.iterdir())
    answer = pgvigil.check()
    assert sorted(p.name for p in pgvigil.folder.iterdir()) == before
    [dataset] = answer["datasets"]
    assert dataset["rows"] == 20000 and dataset["sample"] == "10 %"
    verdicts = {r["rule"]: r for r in dataset["results"]}
    assert verdicts["volume"]["verdict"] == "pass" and verdicts["volume"]["value"] == 20000
    assert verdicts["x.range"]["verdict"] == "fail"
    assert 1500 < verdicts["x.range"]["n"] < 2500
    assert json.loads(json.dumps(answer)) == answer
