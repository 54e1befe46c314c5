# SPDX-License-Identifier: GPL-3.0-or-later
"""Backtests: the same incidents as a replay of the loop, injected changes, the live state left
alone, what is refused."""
import hashlib
import html
import os
import re
import sqlite3
import subprocess

import pytest
import yaml

import stack

SPAN = ("--from", "2001-05-28", "--to", "2001-06-19")


def ship(vigil, **changes):
    """The shipped rules of the predictions, with receivers that are there."""
    vigil.config["receivers"] = {name: {"webhook": {"url": "http://127.0.0.1:9/hook"}}
                                 for name in ("ops", "oncall")}
    vigil.write()
    rules = yaml.safe_load((stack.ROOT / "rules/delay_predictions.yaml").read_text())
    vigil.rule("delay_predictions", {**rules, **changes})


def backtest(vigil, *arguments, code=0, dataset="delay_predictions"):
    return vigil.expect(code, "backtest", dataset, "--json", *arguments).json


def hash_state(vigil):
    return hashlib.sha256(vigil.state.read_bytes()).hexdigest()


def found(answer):
    return [change["found"] for change in answer["injections"]]


def test_incidents_are_those_of_a_replay(vigil_flights):
    """With segments, history, drift and bounds; only what ticks judge is left out, and said."""
    # `judged`, which ticks look at, must not speak while there is no week before.
    schedule = {"window": "1d", "delay": "10m", "every": "1h", "nodata_after": "30d"}
    ship(vigil_flights, segments=["model_version"], schedule=schedule,
         checks=[{"volume": {"min": 3200}},
                 {"volume_change": {"against": "same_time", "min": "96%"}}])
    answer = backtest(vigil_flights, *SPAN)
    vigil_flights.expect(0, "run", "--from", "2001-05-28", "--until", "2001-06-19T00:10",
                         "--state", "replay.db")
    status = vigil_flights.expect(0, "status", "--json", "--state", "replay.db").json
    replayed = sorted((i["opened"], i["closed"]) for i in status["incidents"])
    assert len(replayed) > 3, "little to compare"
    assert sorted((i["opened"], i["closed"]) for i in answer["incidents"]) == replayed
    assert any(alert["check"] == "volume_change" for incident in answer["incidents"]
               for alert in incident["alerts"])
    assert answer["windows"] == 22 and answer["empty"] == 0
    rules = {rule["rule"]: rule for rule in answer["rules"]}
    assert {name for name, rule in rules.items() if not rule["replayed"]} == {
        "reach", "judged", "schema"}
    assert rules["score-drift"]["passed"] + rules["score-drift"]["warned"] + rules["score-drift"][
        "failed"] == 2 * 22  # all rows, and those of the one value of the segmentation
    assert rules["probability.range"]["ns_per_row"] > 0
    storm = next(i for i in answer["incidents"] if i["opened"] == "2001-06-16T00:10:00Z")
    assert "score-drift" in [alert["rule"] for alert in storm["alerts"]]
    assert all(alert["why"] for incident in answer["incidents"] for alert in incident["alerts"])


@pytest.mark.plain  # long; the sanitizers see the budget in test_budget.py, replays above
def test_incidents_of_the_budget_are_those_of_a_replay(vigil_flights):
    """Calibrated on a copy of the reference, with base windows longer than those judged."""
    vigil_flights.rule("budgeted", {
        "version": 1, "dataset": "budgeted",
        "source": {"connection": "warehouse", "table": "ml.flight_features",
                   "time_column": "scheduled_at"},
        "schedule": {"window": "1h", "delay": "2m", "every": "1d", "nodata_after": "300d"},
        "reference": {"from": "2001-01-01", "to": "2001-02-12"},
        "columns": {"*": {"drift": True}, "flight_id": {"drift": False}}})
    vigil_flights.expect(0, "reference", "capture")
    answer = backtest(vigil_flights, "--from", "2001-05-25", "--to", "2001-06-18",
                      dataset="budgeted")
    vigil_flights.expect(0, "run", "--from", "2001-05-25", "--until", "2001-06-18T00:02",
                         "--state", "replay.db")
    status = vigil_flights.expect(0, "status", "--json", "--state", "replay.db").json
    replayed = sorted((i["opened"], i["closed"]) for i in status["incidents"])
    assert replayed and answer["windows"] == 24 * 24
    assert sorted((i["opened"], i["closed"]) for i in answer["incidents"]) == replayed
    # A share is explained by what is usual at its hours, as it was tested.
    whys = [alert["why"] for i in answer["incidents"] for alert in i["alerts"]]
    told = [re.search(r"share of one value (\S+), expected (\S+) .*; one value is (\S+) of the"
                      r" rows, was ([^ ;]+)", why) for why in whys]
    assert any(told), whys
    for now, usual, is_now, was in (match.groups() for match in told if match):
        assert (now, usual) == (is_now, was)


@pytest.mark.long
def test_a_rolling_reference_under_the_budget_is_that_of_a_replay(vigil_flights):
    """Each turn captured and calibrated for the windows that it judges, those of the first week
    before there are rows: the same verdicts."""
    vigil_flights.rule("rolling", {
        "version": 1, "dataset": "rolling",
        "source": {"connection": "warehouse", "table": "ml.flight_features",
                   "time_column": "scheduled_at"},
        "schedule": {"window": "6h", "delay": "2m", "every": "1d", "nodata_after": "300d"},
        "reference": {"rolling": "14d", "every": "7d"},
        "columns": {"*": {"drift": True}, "flight_id": {"drift": False}}})
    answer = backtest(vigil_flights, "--from", "2001-01-01", "--to", "2001-01-29",
                      dataset="rolling")
    vigil_flights.expect(0, "run", "--from", "2001-01-01", "--until", "2001-01-29T00:02",
                         "--state", "replay.db")
    status = vigil_flights.expect(0, "status", "--json", "--state", "replay.db").json
    replayed = sorted((i["opened"], i["closed"]) for i in status["incidents"])
    assert len(replayed) > 2 and answer["windows"] == 4 * 28
    assert sorted((i["opened"], i["closed"]) for i in answer["incidents"]) == replayed
    with sqlite3.connect(f"file:{vigil_flights.folder / 'replay.db'}?mode=ro", uri=True) as db:
        verdicts = {rule: counts for rule, *counts in db.execute(
            "SELECT rule, sum(verdict = 0), sum(verdict = 4), sum(verdict = 1), sum(verdict = 3)"
            " FROM result WHERE check_name = 'budget' GROUP BY rule")}
        [[newest]] = db.execute("SELECT max(version) FROM calibration")
    assert newest >= 4 and len(verdicts) == 6, "little to compare"
    assert {r["rule"]: [r["passed"], r["failed"], r["nodata"], r["unknown"]]
            for r in answer["rules"] if r["check"] == "budget"} == verdicts
    assert all(counts[3] == 4 * 8 for counts in verdicts.values()), verdicts
    assert answer["reference"] is None, "the first window has none"


def test_pages_are_counted_by_receiver_and_week(vigil_flights):
    ship(vigil_flights)
    answer = backtest(vigil_flights, "--from", "2001-06-10", "--to", "2001-06-19")
    assert [i["opened"] for i in answer["incidents"]] == ["2001-06-13T00:10:00Z",
                                                         "2001-06-16T00:10:00Z"]
    assert [(w["receiver"], w["week"], w["pages"], w["others"]) for w in answer["weeks"]] == [
        ("oncall", "2001-06-11T00:00:00Z", 2, 2), ("ops", "2001-06-11T00:00:00Z", 2, 2)]
    assert answer["pages_per_week"]["ops"] == pytest.approx(2 / (9 / 7))


def test_the_live_state_is_only_read(vigil_flights):
    ship(vigil_flights)
    vigil_flights.expect(0, "reference", "capture")
    before = hash_state(vigil_flights)
    answer = backtest(vigil_flights, *SPAN)
    assert hash_state(vigil_flights) == before
    assert answer["reference"] == {"version": 1, "from": "2001-01-01T00:00:00Z",
                                   "to": "2001-02-01T00:00:00Z", "rows": 105943,
                                   "captured_for_this": False}
    captured = backtest(vigil_flights, *SPAN, "--reference", "2001-01-01..2001-02-01")
    assert captured["reference"]["captured_for_this"] and captured["reference"]["version"] is None
    for one in (answer, captured):
        for name in ("seconds", "reference", "rules"):
            del one[name]
    assert answer == captured
    assert hash_state(vigil_flights) == before


@pytest.mark.plain  # many of them; the sanitizers see one in test_the_page_holds_the_same
def test_injected_changes_are_found(vigil_flights):
    ship(vigil_flights, columns={
        "probability": {"nulls": "1%", "range": {"min": 0, "max": 1},
                        "drift": {"ks": 0.6}, "stddev": {"min": 0.01}},
        "model_version": {"allowed": ["late15-2001-01"]},
        "flight_id": {"nulls": 0},
        "predicted_late": {"share": {"value": "true", "max": "60%"}}},
        checks=[{"volume": {"min": 2500, "max": 4000}}])
    quiet = backtest(vigil_flights, *SPAN)
    assert quiet["incidents"] == []
    changes = ["probability: shift 4sd from 2001-06-10", "probability: scale 4 from 2001-06-10",
               "probability: unit 100 from 2001-06-10", "probability: nulls 5% from 2001-06-10",
               "probability: stuck from 2001-06-10", "model_version: new 1% from 2001-06-10",
               "model_version: share 'late15' 10% from 2001-06-10",
               "predicted_late: share true 90% from 2001-06-10",
               "*: duplicated 30% from 2001-06-10", "*: missing 40% from 2001-06-10"]
    for change in changes:
        answer = backtest(vigil_flights, *SPAN, "--inject", change, "--strict")
        [of] = answer["injections"]
        assert of["found"], (change, of)
        assert of["delay_seconds"] == 86400 + 600, change
        assert min(i["opened"] for i in answer["incidents"]) == "2001-06-11T00:10:00Z", change
        assert answer["rows"] == quiet["rows"] or change.startswith("*"), change
    # A change that ends is over; what is too small is not found, which --strict says.
    ended = backtest(vigil_flights, *SPAN, "--inject",
                     "probability: nulls 5% from 2001-06-10 to 2001-06-12")
    assert [i["closed"] for i in ended["incidents"]] == ["2001-06-13T00:10:00Z"]
    small = backtest(vigil_flights, *SPAN, "--strict", "--inject",
                     "probability: nulls 0.1% from 2001-06-10", code=2)
    assert found(small) == [False]
    both = backtest(vigil_flights, *SPAN, "--inject", "probability: nulls 5% from 2001-06-05",
                    "--inject", "*: missing 40% from 2001-06-12")
    assert [change["rule"] for change in both["injections"]] == ["probability.nulls", "volume"]


def test_statements_are_replayed_when_asked_for(vigil_flights):
    ship(vigil_flights, checks=[{"unique": {"columns": ["flight_id"], "fail": 0}},
                                {"volume": {"min": 1}}])
    without = {r["rule"]: r for r in backtest(vigil_flights, *SPAN)["rules"]}
    asked = {r["rule"]: r for r in backtest(vigil_flights, *SPAN, "--lookups")["rules"]}
    assert not without["unique"]["replayed"] and "--lookups" in without["unique"]["why_not"]
    assert asked["unique"]["replayed"] and asked["unique"]["passed"] == 22


def test_thresholds_are_proposed(vigil_flights):
    ship(vigil_flights)
    answer = backtest(vigil_flights, *SPAN, "--tune")
    tuned = {r["rule"]: r["tuned_limit"] for r in answer["rules"]}["score-drift"]
    assert 0.36 < tuned < 0.48
    text = vigil_flights.expect(0, "backtest", "delay_predictions", *SPAN, "--tune").out
    snippet = yaml.safe_load(text[text.index("# The smallest limits"):])
    assert snippet["columns"]["probability"]["drift"]["ks"]["fail"] == tuned
    # In force it opens one incident at most, and a little less opens more.
    rules = yaml.safe_load((vigil_flights.rules / "delay_predictions.yaml").read_text())
    for limit, few in ((tuned, True), (tuned - 0.1, False)):
        rules["columns"]["probability"]["drift"] = {"ks": {"fail": limit, "id": "score-drift"}}
        vigil_flights.rule("delay_predictions", rules)
        opened = [i for i in backtest(vigil_flights, *SPAN)["incidents"]
                  if "score-drift" in [a["rule"] for a in i["alerts"]]]
        assert (len(opened) <= 1) == few, limit


def test_the_page_holds_the_same(vigil_flights):
    ship(vigil_flights)
    answer = backtest(vigil_flights, *SPAN, "--html", "report.html", "--inject",
                      "probability: unit 2 from 2001-06-01")
    page = (vigil_flights.folder / "report.html").read_text()
    assert page.startswith("<!DOCTYPE html>") and "<script" not in page
    for incident in answer["incidents"]:
        for alert in incident["alerts"]:
            assert html.escape(alert["why"], quote=True) in page
    assert "probability: unit 2 from 2001-06-01" in page


def test_empty_windows_and_local_time(database, pgvigil):
    """Windows without rows are there as such, before, between and after those with rows."""
    database.execute("""
        CREATE TABLE t AS SELECT at, 1 AS x FROM generate_series(
            timestamp '2025-10-25 12:00', '2025-10-27 12:00', '1 min') AS at
            WHERE extract(hour FROM at) NOT BETWEEN 5 AND 7;
        CREATE INDEX ON t (at)""")
    pgvigil.rule("t", {"version": 1, "dataset": "t", "timezone": "Europe/Berlin",
                       "source": {"connection": "warehouse", "table": "public.t",
                                  "time_column": "at"},
                       "schedule": {"window": "1h", "delay": "1m"},
                       "columns": {"x": {"nulls": 0}}, "checks": [{"volume": {"min": 60}}]})
    span = ("--from", "2025-10-25T00:00:00Z", "--to", "2025-10-27T23:00:00Z")
    answer = backtest(pgvigil, *span, dataset="t")
    pgvigil.run("run", "--from", span[1], "--until", "2025-10-27T23:01:00Z", "--state", "r.db",
                timeout=300)
    with sqlite3.connect(f"file:{pgvigil.folder / 'r.db'}?mode=ro", uri=True) as db:
        rows = db.execute("SELECT status, count(*), sum(row_count) FROM scanned_window"
                          " GROUP BY status ORDER BY status").fetchall()
    assert [(0, answer["windows"] - answer["empty"], answer["rows"]),
            (1, answer["empty"], 0)] == rows


@pytest.mark.parametrize("arguments, said", [
    (("--from", "2001-06-01"), "--from and --to"),
    (("--from", "2001-06-02", "--to", "2001-06-01"), "before --from"),
    (("--from", "2001-06-01T01:00", "--to", "2001-06-01T09:00"), "no window of 1d"),
    ((*SPAN, "--inject", "probability shift 1 from 2001-06-01"), "a colon"),
    ((*SPAN, "--inject", "nothing: shift 1 from 2001-06-01"), "no such column"),
    ((*SPAN, "--inject", "model_version: shift 1 from 2001-06-01"), "no numbers"),
    ((*SPAN, "--inject", "probability: shift 1"), "from when on"),
    ((*SPAN, "--tune", "--inject", "probability: shift 1 from 2001-06-01"), "without --inject"),
    ((*SPAN, "--reference", "2001-01-01"), "two times"),
])
def test_what_is_refused(vigil_flights, arguments, said):
    ship(vigil_flights)
    assert said in vigil_flights.expect(64, "backtest", "delay_predictions", *arguments).err


def test_what_cannot_be_read(vigil_flights, tmp_path):
    ship(vigil_flights)
    text = (vigil_flights.rules / "delay_predictions.yaml").read_text()
    vigil_flights.rule("delay_predictions", text.replace("ml.delay_predictions", "ml.nothing"))
    vigil_flights.expect(3, "backtest", "delay_predictions", *SPAN, env={"TMPDIR": str(tmp_path)})
    assert list(tmp_path.iterdir()) == [], "the state of the backtest is removed"


def test_references_are_those_of_a_replay(database, pgvigil):
    """Seasons, another reference and one that rolls: verdict by verdict, and what is injected
    counts only where it makes the difference."""
    database.execute("""
        CREATE TABLE t AS SELECT at, (CASE WHEN at < '2001-02-05' THEN 0 ELSE 5 END)
            + 3 * sin(extract(hour FROM at)::float8 / 4) + i * .618 % 1 AS x, i * .3 % 1 AS y
            FROM generate_series(0, 24 * 42 * 60) AS i,
            LATERAL (SELECT timestamptz '2001-01-01Z' + i * interval '1 min') AS of (at);
        CREATE INDEX ON t (at)""")
    limits = [{"fail": .2, "id": name, "against": name} for name in ("seasonal", "plain", "moved")]
    pgvigil.rule("t", {
        "version": 1, "dataset": "t",
        "source": {"connection": "warehouse", "table": "public.t", "time_column": "at"},
        "schedule": {"window": "6h", "delay": "0s", "every": "1d", "nodata_after": "300d"},
        "references": {
            "seasonal": {"from": "2001-01-01", "to": "2001-01-22", "season": "hour_of_day"},
            "plain": {"from": "2001-01-01", "to": "2001-01-22"},
            "moved": {"rolling": "7d", "every": "1d"}},
        "columns": {"x": {"drift": {"ks": limits}}, "y": {"nulls": 0}}})
    answer = backtest(pgvigil, "--from", "2001-01-29", "--to", "2001-02-11", dataset="t")
    pgvigil.expect(0, "run", "--from", "2001-01-29", "--until", "2001-02-11", "--state", "r.db")
    with sqlite3.connect(f"file:{pgvigil.folder / 'r.db'}?mode=ro", uri=True) as db:
        replayed = {name: db.execute(
            "SELECT sum(verdict = 4), sum(verdict = 0) FROM result WHERE rule = ?",
            (name,)).fetchone() for name in ("seasonal", "plain", "moved")}
    rules = {rule["rule"]: rule for rule in answer["rules"]}
    assert {name: (rules[name]["failed"], rules[name]["passed"]) for name in replayed} == replayed
    assert rules["seasonal"]["failed"] > 20 and rules["moved"]["nodata"] == 0
    changed = backtest(pgvigil, "--from", "2001-01-29", "--to", "2001-02-11",
                       "--inject", "x: shift 0.00001 from 2001-01-30",
                       "--inject", "y: nulls 5% from 2020-01-01",
                       "--inject", "y: nulls 5% from 2000-01-01", dataset="t")
    assert found(changed) == [False, False, True]
    assert [c["outside"] for c in changed["injections"]] == [False, True, False]
    assert changed["injections"][2]["delay_seconds"] == 6 * 3600
    empty = backtest(pgvigil, "--from", "2010-01-01", "--to", "2010-01-03", dataset="t", code=3)
    assert empty["rows"] == 0


def test_output_that_cannot_be_written_is_an_error(vigil_flights, tmp_path):
    ship(vigil_flights)
    for arguments in (("backtest", "delay_predictions", *SPAN, "--json"), ("status",)):
        with open("/dev/full", "wb") as full:
            ended = subprocess.run([stack.BINARY, *arguments], stdout=full,
                                   stderr=subprocess.PIPE, cwd=vigil_flights.folder, timeout=60,
                                   env={**os.environ, "TMPDIR": str(tmp_path)}, check=False)
        assert ended.returncode == 70 and b"could not be written" in ended.stderr, ended
    assert list(tmp_path.iterdir()) == [], "the state of the backtest is removed"
