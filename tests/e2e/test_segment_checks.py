# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of check per segment: values of categories, quantiles, windows before, statements of a
check's own; what that shows in the metrics, costs in memory, and means for retraining.
"""
import json
import re
import sqlite3
import subprocess

import pytest
import requests

import stack
from test_segments import CONNECT, DAY5, capture, results, rules

SETUP = """
CREATE SCHEMA ml;
CREATE TABLE ml.carriers (code text PRIMARY KEY);
INSERT INTO ml.carriers SELECT 'c' || i FROM generate_series(0, 8) i;
CREATE TABLE ml.scores (id bigint, at timestamptz NOT NULL, country char(3), model_version text,
    carrier text, score float8, batch int, note text);
CREATE INDEX ON ml.scores (at);
INSERT INTO ml.scores SELECT i, timestamptz '2024-01-01 00:00Z' + i * interval '60 s',
    (ARRAY['DE', 'DE', 'DE', 'FRA', 'FRA', 'IT', NULL])[1 + i % 7],
    (ARRAY['v12', 'v13'])[1 + i / 7 % 2],
    'c' || (CASE WHEN i % 7 = 5 THEN 1 WHEN i % 7 < 3 THEN i / 7 % 5 ELSE i / 7 % 9 END),
    ((i * 7919) % 997) / 10.0 + CASE WHEN i % 7 = 5 THEN 50 ELSE 0 END,
    i / 7, 'n' || i % 300
    FROM generate_series(0, 1440 * 6 - 1) i;
"""
NOW = "at >= '2024-01-05' AND at < '2024-01-06'"
COUNTRY = "'country=' || coalesce(rtrim(country), 'other')"
MODEL = "'model_version=' || model_version"


PEAK = """
import os, sys
child = os.spawnv(os.P_NOWAIT, sys.argv[1], sys.argv[1:])
_, status, usage = os.wait4(child, 0)
assert os.waitstatus_to_exitcode(status) in (0, 2)
print(usage.ru_maxrss)
"""


@pytest.fixture
def base(database):
    database.execute(SETUP)
    return database


def grouped(base, columns, extra=""):
    """Rows of SQL's own by the name of the segment, those of all rows as None."""
    sql = (f"SELECT {{}}, {columns} FROM ml.scores WHERE {NOW} {extra} GROUP BY 1")
    found = {row[0]: row[1:] for key in (COUNTRY, MODEL) for row in base.query(sql.format(key))}
    found[None] = base.query(f"SELECT {columns} FROM ml.scores WHERE {NOW} {extra}")[0]
    return found


def test_values_and_quantiles(pgvigil, base):
    """Against GROUP BY: with a reference's grid, with few cells where there is none."""
    columns = {
        "carrier": {"categories": 0, "constant": 1, "distinct": {"max": 100},
                    "distinct_ratio": {"max": 1}, "drift": {"psi": 0.5}},
        "note": {"distinct": {"max": 1000}, "constant": 1},
        "score": {"median": {"max": 1e9}, "quantile": {"q": 0.9, "max": 1e9},
                  "distinct": {"max": 10000}},
        "batch": {"median": {"max": 1e9}}}
    rule = rules(["country", "model_version"], columns)
    rule["reference"]["exclude"] = ["batch"]
    pgvigil.rule("scores", rule)
    capture(pgvigil)
    base.execute(f"UPDATE ml.scores SET carrier = 'c8' WHERE {NOW} AND country = 'IT' AND"
                 " id % 2 = 0")
    base.execute(f"UPDATE ml.scores SET carrier = 'new' WHERE {NOW} AND country = 'DE' AND"
                 " id % 5 = 0")
    found = results(pgvigil)
    median = "percentile_cont({}) WITHIN GROUP (ORDER BY {})"
    of = grouped(base, "count(*), count(DISTINCT carrier), count(DISTINCT note), "
                 "count(DISTINCT score), " + median.format(0.5, "score") + ", " +
                 median.format(0.9, "score") + ", " + median.format(0.5, "batch") +
                 ", count(*) FILTER (WHERE carrier = 'new')")
    assert len(of) == 7
    for segment, (n, carriers, notes, scores, mid, high, batch, new) in of.items():
        assert found["carrier.distinct", segment]["value"] == carriers, segment
        assert found["carrier.distinct_ratio", segment]["value"] == pytest.approx(carriers / n)
        for rule, exact in (("note.distinct", notes), ("score.distinct", scores),
                            ("score.median", mid), ("score.quantile", high),
                            ("batch.median", batch)):
            result = found[rule, segment]
            lo, hi = result["bounds"] or (result["value"], result["value"])
            assert lo - 1e-9 <= exact <= hi + 1e-9, (rule, segment, exact, result)
            assert hi - lo <= 0.35 * hi, (rule, segment, result)
        expected = {"country=DE": new / n, "country=IT": 0.5}.get(segment)
        result = found["carrier.categories", segment]
        if expected:
            assert result["verdict"] == "fail"
            assert result["value"] == pytest.approx(expected, abs=0.01), segment
        elif str(segment).startswith("country"):
            assert result["verdict"] == "pass", result
    # c8 is a value of all rows, and never was one of IT
    assert "1 value" in found["carrier.categories", "country=IT"]["why"]
    top, = base.query(f"SELECT max(n) FROM (SELECT count(*) AS n FROM ml.scores WHERE {NOW} AND"
                      " country = 'FRA' GROUP BY carrier) AS g")
    assert found["carrier.constant", "country=FRA"]["value"] * of["country=FRA"][0] == \
        pytest.approx(top[0])
    assert found["carrier.drift.psi", "country=IT"]["verdict"] == "fail"
    assert found["carrier.drift.psi", "country=FRA"]["verdict"] == "pass"


def test_statements(cluster, folder):
    """One statement a rule for all rows and all segments, equal to one for each."""
    made = stack.Cluster(shared_preload_libraries="pg_stat_statements")
    try:
        base = made.create("scores", "TEMPLATE template0")
        base.execute(SETUP)
        base.execute("CREATE EXTENSION pg_stat_statements")
        pgvigil = stack.Pgvigil(folder / "agent", base.conninfo)
        base.execute(f"UPDATE ml.scores SET batch = batch + 1 WHERE {NOW} AND country = 'FRA' AND"
                     " id % 3 = 0")
        base.execute(f"UPDATE ml.scores SET carrier = 'x' WHERE {NOW} AND country = 'IT' AND"
                     " id % 4 = 0")
        base.execute(f"UPDATE ml.scores SET (note, score, batch) = ('n', 1, -1) WHERE {NOW} AND"
                     " country IS NULL AND id % 5 = 0")
        columns = {"batch": {"unique": 1, "sequence": {"fail": 1e9, "monotonic": "increasing"}},
                   "carrier": {"lookup": {"table": "ml.carriers", "columns": ["code"],
                                          "fail": "1%"}}}
        rule = rules(["country", {"column": "model_version", "values": ["v12", "v13"]}], columns,
                     checks=[{"duplicates": {"except": ["id", "at"], "fail": 1}},
                             {"failing": {"sql": "SELECT id FROM ml.scores WHERE id < 0"}},
                             {"gaps": "1h"}])
        pgvigil.rule("scores", rule)
        capture(pgvigil)
        base.execute("SELECT pg_stat_statements_reset()")
        found = results(pgvigil)
        calls = base.query("SELECT calls FROM pg_stat_statements WHERE query LIKE 'WITH g AS%' OR"
                           " query LIKE 'WITH d AS%' OR"
                           " query LIKE 'SELECT pg_catalog.count(*),%max(v)%'")
        assert calls == [(1,)] * 4
        for segment, where in [(None, "true")] + [
                (f"country={c}", f"country {'IS NULL' if c == 'other' else '= ' + repr(c)}")
                for c in ("DE", "FRA", "IT", "other")] + [
                (f"model_version={v}", f"model_version = '{v}'") for v in ("v12", "v13")]:
            rows = f"FROM ml.scores WHERE {NOW} AND {where}"
            copies, = base.query(f"SELECT coalesce(sum(n) FILTER (WHERE n > 1), 0), sum(n) FROM"
                                 f" (SELECT count(*) AS n {rows} GROUP BY batch) AS g")
            result = found["batch.unique", segment]
            assert result["value"] == pytest.approx(float(copies[0] / copies[1])), segment
            assert result["n"] == copies[1]
            twins, = base.query("SELECT coalesce(sum(n) FILTER (WHERE n > 1), 0) / sum(n) FROM"
                                f" (SELECT count(*) AS n {rows} GROUP BY country, model_version,"
                                " carrier, score, batch, note) AS g")
            assert found["duplicates", segment]["value"] == pytest.approx(float(twins[0]))
            lost, = base.query(f"SELECT count(*) FILTER (WHERE carrier = 'x'), count(*) {rows}")
            assert found["carrier.lookup", segment]["value"] == pytest.approx(lost[0] / lost[1])
            order, = base.query(
                "SELECT max(batch) - min(batch) + 1 - count(DISTINCT batch) + count(*) -"
                " count(DISTINCT batch) + count(*) FILTER (WHERE batch < p) FROM (SELECT batch,"
                f" lag(batch) OVER (ORDER BY at, batch) AS p {rows}) AS q")
            assert found["batch.sequence", segment]["value"] == order[0], segment
        assert {s for r, s in found if r in ("failing", "gaps")} == {None}
        bad = {s for (r, s), one in found.items()
               if r == "carrier.lookup" and one["verdict"] == "fail"}
        assert {"country=IT"} < bad and "country=DE" not in bad
        # nothing at all in the window
        base.execute("DELETE FROM ml.scores WHERE country = 'IT' AND at >= '2024-01-05'")
        gone = results(pgvigil)["carrier.lookup", "country=IT"]
        assert gone["verdict"] == "nodata"
        assert gone["why"] == "no rows of this segment in this window"
        pgvigil.close()
        base.close()
    finally:
        made.remove()


def test_for_all_rows_only(pgvigil, base):
    """Said at the rule's own place, with the reason."""
    pgvigil.config["connections"]["other"] = dict(pgvigil.config["connections"]["warehouse"])
    pgvigil.write()
    checks = [{"gaps": {"every": "1h", "segment": "country"}},
              {"failing": {"sql": "SELECT 1", "segment": "country"}},
              {"freshness": {"fail": "8h", "segment": "country"}}]
    columns = {"carrier": {"lookup": {"table": "a.b", "connection": "other",
                                      "segment": "country"}},
               "score": {"private": True, "drift": {"ks": {"fail": 0.2, "segment": "country"}}}}
    pgvigil.rule("scores", rules(["country"], columns, checks=checks))
    said = pgvigil.expect(78, "validate").err
    for check, why in (("gaps", "its statement is about all rows"),
                       ("failing", "its statement is about all rows"),
                       ("freshness", "it looks at the table"),
                       ("lookup", "another connection"), ("ks", "private column")):
        assert re.search(rf"scores.yaml:\d+:\d+: .*{check} is judged for all rows only, not per"
                         rf" segment: .*{why}", said), (check, said)
    assert said.count("leave segment out") == 5


FAIL = 4


def judge_all(pgvigil):
    """The newest verdict, value and reason by rule and segment."""
    done = pgvigil.run("run", "--from", "2024-01-01", "--until", "2024-01-06T01:00", "--state",
                       "r.db")
    assert done.code in (0, 2), done
    with sqlite3.connect(pgvigil.folder / "r.db") as db:
        return {(r, s): (v, value, why) for r, s, v, value, why in db.execute(
            "SELECT rule, segment, verdict, value, why FROM latest")}


@pytest.mark.parametrize("rows", [1000, 300])
def test_judged(pgvigil, base, rows):
    """A rule whose segments all have too few rows, day after day, is reported; one that has a
    verdict on some is not."""
    pgvigil.rule("scores", rules([{"column": "country", "values": ["DE", "FRA", "IT"]}],
                                 {"score": {"mean": {"max": 1e9, "min_rows": rows}}}))
    latest = judge_all(pgvigil)
    verdict, _, why = latest["judged", ""]
    assert latest["score.mean", ""][0] == 0
    assert (verdict == FAIL) == (rows == 1000), why
    assert ("score.mean" in why) == (rows == 1000)


def test_windows_before(pgvigil, base):
    """A country that halves, and one that repeats itself, beside others that do neither."""
    pgvigil.rule("scores", rules(
        [{"column": "country", "values": ["DE", "FRA", "IT"]}],
        {"score": {"stuck": 3}}, checks=[{"volume_change": {"min": "70%", "max": "150%"}}]))
    base.execute("DELETE FROM ml.scores WHERE country = 'FRA' AND at >= '2024-01-05' AND"
                 " id % 2 = 0")
    base.execute("DELETE FROM ml.scores WHERE country = 'IT'")
    base.execute("INSERT INTO ml.scores SELECT -1, d + i * interval '1 min', 'IT', 'v12', 'c1', i,"
                 " 1, 'n' FROM generate_series(timestamptz '2024-01-01 00:00Z',"
                 " '2024-01-06 00:00Z', interval '1 day') d, generate_series(1, 200) i")
    latest = judge_all(pgvigil)
    bad = {key for key, one in latest.items() if one[0] == FAIL}
    assert bad == {("volume_change", "country=FRA"), ("score.stuck", "country=IT")}, latest
    assert 0.45 < latest["volume_change", "country=FRA"][1] < 0.55
    assert latest["volume_change", "country=IT"][1] == 1
    assert latest["score.stuck", "country=IT"][1] == 5
    assert latest["score.stuck", "country=DE"][2] .startswith("other values than")


def test_retraining(pgvigil, base, receiver):
    """Drift of one country opens an onset; a model beside another does not."""
    hook = receiver()
    pgvigil.config["retraining"] = {"m": {"http": {"url": hook.url + "/train"}}}
    pgvigil.write()
    drift = {"ks": [{"fail": 0.2}, {"fail": 0.2, "id": "canary", "compare": {
        "segment": "model_version", "baseline": "v12"}}]}
    base.execute("UPDATE ml.scores SET score = score + 30 WHERE model_version = 'v13' AND"
                 " at >= '2024-01-04'")
    rule = rules(["country", "model_version"], {"score": {"drift": drift}}, model="m")
    rule["columns"]["score"]["drift"]["ks"][0]["segment"] = "country"
    rule["columns"]["score"]["drift"]["ks"][0]["fail"] = 0.4
    pgvigil.rule("scores", rule)

    def onsets(name, until):
        done = pgvigil.run("run", "--from", "2024-01-01", "--until", until, "--state", name)
        assert done.code in (0, 2), done
        with sqlite3.connect(pgvigil.folder / name) as db:
            return db.execute("SELECT rule, segment FROM onset").fetchall(), db.execute(
                "SELECT reason FROM decision ORDER BY id").fetchall()
    assert onsets("a.db", "2024-01-06T01:00")[0] == []
    base.execute("UPDATE ml.scores SET score = score + 60 WHERE country = 'FRA' AND"
                 " at >= '2024-01-05'")
    opened, reasons = onsets("b.db", "2024-01-06T01:00")
    assert opened == [("score.drift.ks", "country=FRA")]
    assert reasons[0][0].startswith("score.drift.ks of scores, country=FRA: ")


def test_metrics_and_limits(pgvigil, base):
    """Statistics of columns per segment, and the limits that were reached."""
    pgvigil.config["web"] = {"listen": f"127.0.0.1:{stack.free_port()}"}
    pgvigil.write()
    base.execute("UPDATE ml.scores SET at = at + (date_trunc('day', now() at time zone 'utc') -"
                 " timestamp '2024-01-06')")
    rule = rules([{"column": "country", "values": ["DE", "FRA", "IT"]}, "model_version"],
                 {"score": {"mean": {"max": 1000}}, "note": {"blank": 0, "constant": 1}},
                 limits={"categories": 250, "segments": 3, "rows": 5000, "columns": 40})
    rule["reference"] = {"from": base.value("SELECT min(at)::date::text FROM ml.scores"),
                         "to": base.value("SELECT (min(at)::date + 3)::text FROM ml.scores")}
    base.execute("UPDATE ml.scores SET model_version = 'm' || id % 5")
    pgvigil.rule("scores", rule)
    capture(pgvigil)
    daemon = pgvigil.start()
    url = f"http://{pgvigil.config['web']['listen']}/metrics"

    def text():
        try:
            return requests.get(url, timeout=5).text
        except requests.ConnectionError:
            return ""
    daemon.wait_for(lambda: 'segment="country=IT"' in text(), what="the segments' statistics")
    page = text()

    def value(name, **labels):
        inside = ",".join(f'{k}="{v}"' for k, v in labels.items())
        return float(re.search(rf"^{name}{{{re.escape(inside)}}} (\S+)$", page, re.M).group(1))
    today = "date_trunc('day', now(), 'UTC')"
    day = f"at >= {today} - interval '1 day' AND at < {today}"
    for country in ("DE", "FRA", "IT"):
        n, mean, notes = base.query("SELECT count(*), avg(score), count(DISTINCT note) FROM"
                                    f" ml.scores WHERE {day} AND country = '{country}'")[0]
        of = {"dataset": "scores", "column": "score", "segment": f"country={country}"}
        assert value("pgvigil_column_mean", **of) == pytest.approx(mean)
        assert value("pgvigil_column_nulls_ratio", **of) == 0 and n
        assert value("pgvigil_column_distinct", **dict(of, column="note")) == \
            pytest.approx(notes, rel=0.1)
    assert value("pgvigil_dataset_limit_reached", dataset="scores", limit="segments") == 2
    assert value("pgvigil_dataset_limit_reached", dataset="scores", limit="categories") == 1
    assert value("pgvigil_dataset_limit_reached", dataset="scores", limit="rows") == 0
    assert value("pgvigil_dataset_limit_reached", dataset="scores", limit="columns") == 0
    assert "values beyond the limit are in the segment other" in daemon.log()
    assert "columns have more values than are counted" in daemon.log()
    rule["limits"]["rows"] = 10
    pgvigil.rule("scores", rule)
    status = pgvigil.run("status").out
    assert "2 more values of model_version are in the segment other: most is 3" in status
    assert "more than 250 values of note" in status
    wrong = rules([{"column": "country", "most": 4}], {"score": {"nan": 0}}, limits={"segments": 3})
    pgvigil.rule("scores", wrong)
    assert "most: 4 is above limits.segments, which is 3" in pgvigil.expect(78, "validate").err


@pytest.mark.both
def test_memory(pgvigil, base):
    """50 segments and 20 columns, each with every part of the counts: within the promise."""
    columns = {}
    for i in range(10):
        columns[f"n{i}"] = {"expr": f"score * {i + 1} + random()", "type": "float8",
                            "drift": {"ks": 0.5}, "median": {"max": 1e9}}
        columns[f"t{i}"] = {"expr": f"'v' || (id * {i + 7} % 5000)", "type": "text",
                            "categories": 0, "constant": 1}
    base.execute("INSERT INTO ml.scores SELECT s.* FROM ml.scores s, generate_series(1, 20)")
    rule = rules(["model_version"], columns)
    one = json.loads(json.dumps(rule))
    base.execute("UPDATE ml.scores SET model_version = 'm' || id % 50")
    base.execute("VACUUM ml.scores")

    def peak(content):
        pgvigil.rule("scores", content)
        pgvigil.expect(0, "reference", "capture", "scores")
        # by a small process: a child begins with the peak of the one it was forked from
        text = subprocess.run(["/usr/bin/python3", "-Sc", PEAK, stack.BINARY, "check", *DAY5],
                              cwd=pgvigil.folder, check=True, text=True,
                              stdout=subprocess.PIPE).stdout
        return int(text.split()[-1])
    del one["segments"]
    plain, split = peak(one), peak(rule)
    print(f"peak without segments {plain} KiB, with 51 segments of 20 columns {split} KiB")
    assert "up to" in pgvigil.expect(0, "explain", "scores").out
    assert split - plain < 32 * 1024
    if stack.VARIANT != "san":  # which keep what was freed
        assert split < 64 * 1024
