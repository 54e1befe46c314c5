# SPDX-License-Identifier: GPL-3.0-or-later
"""Every check per segment, out of the one scan of a window: counts equal SQL's GROUP BY, a fault in
one country is that country's alone, models are compared with each other, and what is beyond the
cap or new is in `other`.
"""
import json
import sqlite3
from collections import defaultdict

import pytest

import stack

SETUP = """
CREATE SCHEMA ml;
CREATE TABLE ml.scores (id bigint PRIMARY KEY, at timestamptz NOT NULL, country char(3),
    model_version text, vip boolean, score float8, fee numeric, n int);
CREATE INDEX ON ml.scores (at);
INSERT INTO ml.scores SELECT i, timestamptz '2024-01-01 00:00Z' + i * interval '20 s',
    (ARRAY['DE', 'DE', 'DE', 'FRA', 'FRA', 'IT', NULL])[1 + i % 7],
    (ARRAY['v12', 'v13'])[1 + i / 7 % 2], i % 5 = 0,
    ((i * 7919) % 1000) / 1000.0 + CASE WHEN i % 7 = 5 THEN 0.5 ELSE 0 END,
    CASE WHEN i % 11 > 0 THEN i % 50 END, i % 3
    FROM generate_series(0, 4320 * 6 - 1) i;
"""
CONNECT = {"connection": "warehouse", "table": "ml.scores", "time_column": "at", "key": ["id"]}
DAY5 = ("--at", "2024-01-06T01:00:00Z")  # the window of 2024-01-05


def rules(segments, columns, **more):
    made = {"version": 1, "dataset": "scores", "source": CONNECT,
            "schedule": {"window": "1d", "every": "1h"},
            "reference": {"from": "2024-01-01", "to": "2024-01-04"},
            "segments": segments, "columns": columns}
    made.update(more)
    return made


@pytest.fixture
def base(database):
    database.execute(SETUP)
    return database


def results(pgvigil, *arguments):
    """Verdicts by rule and segment of the one dataset."""
    dataset, = pgvigil.check(*(arguments or DAY5))["datasets"]
    assert "error" not in dataset, dataset
    return {(r["rule"], r["segment"]): r for r in dataset["results"]}


def capture(pgvigil):
    pgvigil.expect(0, "reference", "capture", "scores")


def ks(a, b):
    """D of two samples, by definition."""
    points = sorted(set(a) | set(b))
    a, b, i, j, most = sorted(a), sorted(b), 0, 0, 0.0
    for x in points:
        while i < len(a) and a[i] <= x:
            i += 1
        while j < len(b) and b[j] <= x:
            j += 1
        most = max(most, abs(i / len(a) - j / len(b)))
    return most


def by_country(base, where):
    found = defaultdict(list)
    for country, score in base.query(f"SELECT rtrim(country), score FROM ml.scores WHERE {where}"):
        found[f"country={country or 'other'}"].append(score)
    return found


OK, FIRING = 0, 6


def replay(pgvigil, since, until):
    done = pgvigil.run("run", "--from", since, "--until", until, "--state", "r.db", "--notify",
                       "ops")
    assert done.code in (0, 2), done
    return done


def alerts(pgvigil, state=None):
    with sqlite3.connect(pgvigil.folder / "r.db") as db:
        return {(rule, segment) for rule, segment, at in db.execute(
            "SELECT rule, segment, state FROM alert") if state in (None, at)}


COLUMNS = {"score": {"range": {"min": 0, "max": 1}, "mean": {"max": 10}, "drift": {"ks": 0.2}},
           "fee": {"nulls": "20%"}}


def test_counts_equal_group_by(pgvigil, base):
    pgvigil.rule("scores", rules(["country", "vip"], COLUMNS, checks=[
        {"volume": {"min": 10}}, {"condition": {"holds": "n < 2", "fail": "50%"}},
        {"volume": {"min": 1, "where": "n = 0", "id": "zero"}}]))
    capture(pgvigil)
    found = results(pgvigil)
    now = "at >= '2024-01-05' AND at < '2024-01-06'"
    keys = {"country": "coalesce(rtrim(country), 'other')",
            "vip": "CASE WHEN vip THEN 'true' ELSE 'false' END"}
    segments = set()
    for column, key in keys.items():
        for row in base.query(
                f"SELECT '{column}=' || {key}, count(*), count(*) FILTER (WHERE fee IS NULL),"
                " count(*) FILTER (WHERE score > 1), avg(score), count(*) FILTER (WHERE n = 2),"
                f" count(*) FILTER (WHERE n = 0) FROM ml.scores WHERE {now} GROUP BY 1"):
            name, rows, nulls, outside, mean, two, zero = row
            segments.add(name)
            assert found["volume", name]["value"] == rows
            assert found["zero", name]["value"] == zero
            assert found["fee.nulls", name]["value"] == pytest.approx(nulls / rows, rel=1e-12)
            assert found["fee.nulls", name]["n"] == rows
            assert found["score.range", name]["value"] == pytest.approx(outside / rows, rel=1e-12)
            assert found["score.mean", name]["value"] == pytest.approx(mean, rel=1e-12)
            assert found["condition", name]["value"] == pytest.approx(two / rows, rel=1e-12)
    assert {f"country={c}" for c in ("DE", "FRA", "IT", "other")} < segments
    # an empty segment is of no verdict, but has a volume
    assert found["volume", "vip=other"]["value"] == 0
    assert found["volume", "vip=other"]["verdict"] == "fail"
    assert found["fee.nulls", "vip=other"]["why"].startswith("no rows of this segment")
    # the whole table is judged too, and lookups and schema for it alone
    assert found["volume", None]["value"] == 4320
    assert {s for rule, s in found if rule == "schema"} == {None}
    # drift: on the coarse grid, against the same segment of the reference
    then = by_country(base, "at < '2024-01-04'")
    for name, scores in by_country(base, now).items():
        result = found["score.drift.ks", name]
        exact = ks(scores, then[name])
        lo, hi = result["bounds"]
        assert (result["n"], result["n_ref"]) == (len(scores), len(then[name]))
        assert lo - 1e-9 <= exact <= hi + 1e-9, (name, exact, result)
        assert hi - lo < 0.05 and result["verdict"] == "pass"


def test_fault_of_one_country(pgvigil, base, receiver):
    """Only its alert fires, on one scan a window; the messages name it; it ends when it goes."""
    hook = receiver()
    pgvigil.config["receivers"] = {"ops": {"webhook": {"url": hook.url + "/hook"}}}
    pgvigil.write()
    rule = rules([{"column": "country"}, {"column": "model_version", "values": ["v12", "v13"]}],
                 {"score": {"drift": {"ks": {"fail": 0.2, "segment": "country"}}},
                  "fee": {"nulls": {"fail": "20%", "segment": "none"}, "negative": 0}},
                 notify={"to": ["ops"]})
    pgvigil.rule("scores", rule)
    base.execute("UPDATE ml.scores SET score = score + 0.6 WHERE country = 'FRA' AND"
                 " at >= '2024-01-05'")
    base.execute("UPDATE ml.scores SET fee = -1 WHERE model_version = 'v13' AND country IS NULL"
                 " AND at >= '2024-01-05'")
    pgvigil.expect(0, "reference", "capture", "scores")
    found = results(pgvigil)
    bad = {key for key, r in found.items() if r["verdict"] in ("fail", "unknown")}
    assert bad == {("score.drift.ks", "country=FRA"), ("fee.negative", None),
                   ("fee.negative", "country=other"), ("fee.negative", "model_version=v13")}
    assert {s for r, s in found if r == "fee.nulls"} == {None}
    assert {s for r, s in found if r == "score.drift.ks"} == {
        None, "country=DE", "country=FRA", "country=IT", "country=other"}
    said = replay(pgvigil, "2024-01-01", "2024-01-06T01:00").err
    assert 'msg="check failed" dataset=scores rule=score.drift.ks segment="country=FRA"' in said
    assert alerts(pgvigil, FIRING) == {("score.drift.ks", "country=FRA"), ("fee.negative", ""),
                                       ("fee.negative", "country=other"),
                                       ("fee.negative", "model_version=v13")}
    assert {("score.drift.ks", s) for s in ("", "country=DE", "country=IT", "country=other")} | {
        ("fee.negative", "model_version=v12"), ("fee.nulls", "")} <= alerts(pgvigil, OK)
    told = json.dumps([request["body"] for request in hook.requests()])
    assert "country=FRA" in told and "country=DE" not in told
    # a segment that is named no more takes its alert along, and no other
    rule["segments"] = [{"column": "country", "values": ["DE", "IT"]}, rule["segments"][1]]
    pgvigil.rule("scores", rule)
    replay(pgvigil, "2024-01-06", "2024-01-07T01:00")
    every = alerts(pgvigil)
    assert ("score.drift.ks", "country=FRA") not in every
    assert {("score.drift.ks", "country=DE"), ("fee.negative", "country=DE"),
            ("score.drift.ks", "")} <= every
    assert ("fee.negative", "model_version=v13") in alerts(pgvigil, FIRING)


def test_canary(pgvigil, base):
    """One model against another in the same window, whatever the reference says."""
    drift = {"ks": [{"fail": 0.2, "id": "canary", "compare": {"segment": "model_version",
                                                              "baseline": "v12"}}]}
    pgvigil.rule("scores", rules(["model_version"], {"score": {"drift": drift}}))
    capture(pgvigil)
    found = results(pgvigil)
    assert {s for r, s in found if r == "canary"} == {"model_version=v13"}
    now = "at >= '2024-01-05' AND at < '2024-01-06'"
    versions = {v: [s for s, in base.query(f"SELECT score FROM ml.scores WHERE {now} AND"
                                           f" model_version = '{v}'")] for v in ("v12", "v13")}
    result = found["canary", "model_version=v13"]
    lo, hi = result["bounds"]
    assert lo - 1e-9 <= ks(versions["v13"], versions["v12"]) <= hi + 1e-9
    assert (result["n"], result["n_ref"]) == (len(versions["v13"]), len(versions["v12"]))
    assert result["verdict"] == "pass"
    # both move: no difference between them; then the canary alone
    base.execute("UPDATE ml.scores SET score = score * 0.5 WHERE at >= '2024-01-05'")
    assert results(pgvigil)["canary", "model_version=v13"]["verdict"] == "pass"
    base.execute("UPDATE ml.scores SET score = score + 0.3 WHERE at >= '2024-01-05' AND"
                 " model_version = 'v13'")
    assert results(pgvigil)["canary", "model_version=v13"]["verdict"] == "fail"
    base.execute("DELETE FROM ml.scores WHERE at >= '2024-01-05' AND model_version = 'v12'")
    result = results(pgvigil)["canary", "model_version=v13"]
    assert result["verdict"] == "nodata"
    assert "baseline model_version=v12 has 0 rows" in result["why"]


def test_cap_and_other(pgvigil, base):
    """The most frequent values of the reference; the rest is other, and that is said."""
    base.execute("UPDATE ml.scores SET model_version = 'w' || id % 40 WHERE id % 4 = 0")
    columns = {"score": {"nan": 0, "drift": {"ks": 0.3}}}
    pgvigil.rule("scores", rules([{"column": "model_version", "most": 3}], columns))
    before = results(pgvigil)
    assert {s for r, s in before if r == "score.nan"} == {None, "model_version=other"}
    assert "its values are not known" in before["score.nan", "model_version=other"]["why"]
    capture(pgvigil)
    base.execute("UPDATE ml.scores SET model_version = 'brand new' WHERE at >= '2024-01-05' AND"
                 " model_version = 'v13'")
    found = results(pgvigil)
    top = {f"model_version={v}" for v, in base.query(
        "SELECT model_version FROM ml.scores WHERE at < '2024-01-04' GROUP BY 1"
        " ORDER BY count(*) DESC, 1 LIMIT 3")}
    assert {s for r, s in found if r == "score.nan"} == top | {None, "model_version=other"}
    listed = "','".join(name.split("=")[1] for name in top)
    rows, = base.query("SELECT count(*) FROM ml.scores WHERE at >= '2024-01-05' AND at <"
                       f" '2024-01-06' AND model_version NOT IN ('{listed}')")
    assert found["score.nan", "model_version=other"]["n"] == rows[0]
    assert "no rows of this segment" in found["score.nan", "model_version=v13"]["why"]
    assert "9 more values of model_version are in the segment other: most is 3" in pgvigil.expect(
        0, "explain", "scores").out
    assert "most is 3" in pgvigil.run("validate", "--connect").err
    assert "9 more values of model_version are in the segment other" in pgvigil.run("status").out


def test_references_without_segments(pgvigil, base):
    """Captured before there were segments: the values are known, the rest has to be captured."""
    columns = {"score": {"nan": 0, "drift": {"ks": 0.3}}}
    plain = rules([], columns)
    del plain["segments"]
    pgvigil.rule("scores", plain)
    capture(pgvigil)
    pgvigil.rule("scores", rules(["country"], columns))
    found = results(pgvigil)
    assert found["score.nan", "country=DE"]["verdict"] == "pass"
    drift = found["score.drift.ks", "country=DE"]
    assert drift["verdict"] == "nodata" and "has no segments: capture it again" in drift["why"]
    assert found["score.drift.ks", None]["verdict"] == "pass"
    capture(pgvigil)
    assert results(pgvigil)["score.drift.ks", "country=DE"]["verdict"] == "pass"
    base.execute("ALTER TABLE ml.scores RENAME country TO land")
    gone = results(pgvigil)["score.nan", "country=DE"]
    assert gone["verdict"] == "unknown" and "column country does not exist" in gone["why"]


def test_columns_that_cannot_be_segments(pgvigil, base):
    pgvigil.rule("scores", rules([{"column": "n", "values": [0, 1]}], {"score": {"nan": 0}}))
    done = pgvigil.expect(78, "validate", "--connect")
    assert "column n is of type integer, and only text and boolean columns" in done.err
    pgvigil.rule("scores", rules([{"column": "kind", "values": [0, 1]}], {
        "score": {"nan": 0}, "kind": {"expr": "n::text", "type": "text"}}))
    found = results(pgvigil)
    assert {s: r["n"] for (rule, s), r in found.items() if rule == "score.nan"} == {
        None: 4320, "kind=0": 1440, "kind=1": 1440, "kind=other": 1440}


@pytest.mark.plain  # counts of 450 segments by 60 columns; the sanitizers see fewer above
def test_more_counts_than_a_reference_keeps(pgvigil, base):
    pgvigil.rule("scores", rules([{"column": "model_version", "most": 500}],
                                 {f"c{i}": {"expr": f"score + {i}", "type": "float8",
                                            "drift": {"ks": 0.3}} for i in range(60)}))
    base.execute("UPDATE ml.scores SET model_version = 'm' || id % 450")
    capture(pgvigil)
    why = results(pgvigil)["c1.drift.ks", "model_version=m7"]["why"]
    assert "allowed are 8: set most" in why
    assert results(pgvigil)["c1.drift.ks", None]["verdict"] == "pass"


def test_one_scan(cluster, folder):
    made = stack.Cluster(shared_preload_libraries="pg_stat_statements")
    try:
        database = made.create("scores", "TEMPLATE template0")
        database.execute(SETUP)
        database.execute("CREATE EXTENSION pg_stat_statements")
        agent = stack.Pgvigil(folder / "agent", database.conninfo)
        agent.rule("scores", rules(["country", "vip", "model_version"], COLUMNS))
        capture(agent)
        database.execute("SELECT pg_stat_statements_reset()")
        assert len(results(agent)) > 40
        calls = database.query("SELECT sum(calls)::int FROM pg_stat_statements WHERE query LIKE"
                               " 'COPY (SELECT%scores%'")
        assert calls == [(1,)]
        agent.close()
        database.close()
    finally:
        made.remove()
