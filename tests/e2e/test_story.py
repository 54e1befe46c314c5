# SPDX-License-Identifier: GPL-3.0-or-later
"""The story of a drift: in the results, in messages, on status and by `explain`."""
import pytest

ROWS = 1440


def fill(database):
    """Seven days; from the sixth on one country's values are 40 higher."""
    database.execute(f"""
        CREATE TABLE t AS SELECT timestamptz '2025-01-01' + n * interval '1 min' AS at,
            (ARRAY['de', 'fr', 'it'])[1 + n % 3] AS country,
            (n * 7919 % 1000 / 10.0
             + CASE WHEN n >= 5 * {ROWS} AND n % 3 = 1 THEN 40 ELSE 0 END)::float8 AS wait,
            (n * 7919 % 1000 / 10.0 + CASE WHEN n >= 5 * {ROWS} THEN 40 ELSE 0 END)::float8 AS pay
        FROM generate_series(0, 7 * {ROWS} - 1) n;
        CREATE INDEX ON t (at)""")


def test_a_drift_is_explained(database, pgvigil, receiver):
    received = receiver()
    fill(database)
    pgvigil.config["receivers"] = {"ops": {"webhook": {"url": received.url + "/hook"}}}
    pgvigil.write()
    pgvigil.rule("t", {
        "version": 1, "dataset": "t",
        "source": {"connection": "warehouse", "table": "public.t", "time_column": "at"},
        "schedule": {"window": "1d"}, "reference": {"from": "2025-01-01", "to": "2025-01-03"},
        "segments": ["country"],
        "columns": {"wait": {"drift": {"ks": {"fail": 0.1}}},
                    "pay": {"private": True,
                            "drift": {"ks": {"fail": 0.3}}}},
        "notify": {"to": ["ops"]}})
    pgvigil.expect(0, "run", "--from", "2025-01-03", "--until", "2025-01-07T01:00:00Z",
                   "--state", "replay.db", "--notify", "ops")
    sentence = ("values are higher: median 63.3, was 50; 16.7% of the rows are above 96.9, were"
                " 3.06%; at least 13.6% of the rows concerned; most in country=fr, 40.4%; since"
                " 2025-01-06T00:00:00Z")
    checked = pgvigil.run("check", "--json", "--at", "2025-01-08T00:10:00Z", "--state",
                          "replay.db")
    results = {r["rule"]: r for r in checked.json["datasets"][0]["results"] if not r["segment"]}
    wait, pay = results["wait.drift.ks"], results["pay.drift.ks"]
    assert wait["verdict"] == "fail" and wait["why"].endswith("; " + sentence), wait["why"]
    story = wait["story"]
    assert story["shape"] == "higher" and story["segment"] == "country=fr"
    assert story["since"] == "2025-01-06T00:00:00Z" and story["since_or_earlier"] is False
    assert abs(story["quantiles_then"]["p50"] - 49.95) < .1
    # Cells of a private column that would show few rows are not kept: nobody knows since when.
    assert "median" not in pay["why"] and "since" not in pay["why"], pay["why"]
    assert pay["story"]["shape"] == "higher" and pay["story"]["since"] is None
    assert pay["story"]["quantiles_now"] is None and pay["story"]["gained"]["from"] is None

    status = pgvigil.expect(0, "status", "--state", "replay.db").out
    assert "most in country=fr, 40" in status
    assert any("most in country=fr, 40" in r["body"] for r in received.requests("/hook"))

    told = pgvigil.expect(0, "explain", "t", "wait.drift.ks", "--state", "replay.db").out
    assert told.startswith("nodata wait.drift.ks: "), told  # no rows now: nothing to explain
    assert pgvigil.run("explain", "t", "wait.drift.js", "--state", "replay.db").code == 64


@pytest.mark.plain
def test_a_drift_under_the_budget_is_explained(database, pgvigil):
    """Of its look-back, with the segment that moved and the hour in which it began."""
    database.execute("""
        CREATE TABLE t AS SELECT at, (ARRAY['de', 'fr', 'it'])[1 + i % 3] AS country,
            (i * 7919 % 1000 / 10.0 + CASE WHEN at >= '2025-03-17T06:00Z' AND i % 3 = 1
                                           THEN 60 ELSE 0 END)::float8 AS wait
        FROM (SELECT i, timestamptz '2025-03-03Z' + i * interval '15 s' AS at
              FROM generate_series(0, 15 * 5760) AS i) AS r;
        CREATE INDEX ON t (at)""")
    pgvigil.rule("t", {
        "version": 1, "dataset": "t",
        "source": {"connection": "warehouse", "table": "public.t", "time_column": "at"},
        "schedule": {"window": "1h", "every": "1h"},
        "reference": {"from": "2025-03-03", "to": "2025-03-17"}, "segments": ["country"],
        "columns": {"wait": {"drift": {"budget": {"segment": "none"}}}}})
    pgvigil.expect(0, "run", "--from", "2025-03-17", "--until", "2025-03-17T10:00Z",
                   "--state", "replay.db")
    out = pgvigil.expect(0, "status", "--state", "replay.db").out
    told = next(line for line in out.splitlines() if line.startswith("  fail"))
    assert "most in country=fr, 6" in told and told.endswith("since 2025-03-17T06:00:00Z"), told
    assert "  of all rows together: segments have no budget\n" in out
