# SPDX-License-Identifier: GPL-3.0-or-later
"""Dependence between columns end to end: what no column shows alone, against NumPy and SciPy on the
same rows; references without it, columns that go, private ones, and more columns than are ranked.
"""
import io
import math

import numpy as np
import pytest
from scipy.stats import rankdata

ALONE = ["ks", "kuiper", "wasserstein", "psi", "js", "hellinger", "total_variation", "linf",
         "log_variance"]


def alone():
    limits = {check: {"fail": .05} for check in ALONE}
    return {**limits, "mann_whitney": {"min": .45, "max": .55}}


def load(database, table, columns):
    names = ", ".join(f'"{n}" double precision' for n in columns)
    database.execute(f"CREATE TABLE {table} (id serial PRIMARY KEY, {names})")
    lines = ["\t".join("\\N" if math.isnan(v) else repr(float(v)) for v in row)
             for row in zip(*columns.values())]
    with database.connect() as connection, connection.cursor() as cursor:
        names = ", ".join(f'"{n}"' for n in columns)
        cursor.copy_expert(f"COPY {table} ({names}) FROM STDIN", io.StringIO("\n".join(lines)))


def rule_of(name, *checks, **more):
    return {"version": 1, "dataset": name,
            "source": {"connection": "warehouse", "table": f"{name}_now", "key": ["id"]},
            "schedule": {"window": "1d"}, "reference": {"table": f"{name}_then"},
            "checks": list(checks), **more}


def judge(pgvigil, name, capture=True):
    if capture:
        pgvigil.expect(0, "reference", "capture", name)
    dataset, = pgvigil.check(name)["datasets"]
    assert "error" not in dataset, dataset
    return {r["rule"]: r for r in dataset["results"]}


def correlate(columns, a, b, scale):
    """Of mid-ranks in the reference `scale`, over the rows that have both."""
    both = ~(np.isnan(columns[a]) | np.isnan(columns[b]))

    def rank(name):
        known = np.sort(scale[name][~np.isnan(scale[name])])
        x = columns[name][both]
        return (np.searchsorted(known, x, "left") + np.searchsorted(known, x, "right")) / 2
    return np.corrcoef(rank(a), rank(b))[0, 1]


def flipped(rows=3000, seed=7):
    """The same values in every column then and now; a and b go together, then against each other,
    and a third of c is missing."""
    r = np.random.default_rng(seed)
    a, other = r.normal(size=rows), r.normal(size=rows)
    b = np.sort(r.lognormal(size=rows))
    c = np.where(r.random(rows) < .3, np.nan, np.round(a + other, 1))
    then = {"a": a, "b": b[rankdata(a + .5 * other).astype(int) - 1], "c": c}
    return then, {**then, "b": b[rankdata(.5 * other - a).astype(int) - 1]}


def test_dependence_flips_and_no_column_shows_it(pgvigil, database):
    then, now = flipped()
    load(database, "f_then", then)
    load(database, "f_now", now)
    pgvigil.rule("f", rule_of(
        "f", {"correlation": .5}, {"correlation": {"id": "p", "policy": "p_value", "fail": 1e-6}},
        {"correlation": {"id": "other", "columns": ["c", "a"], "fail": .5}},
        {"reconstruction": {"max": 1.3}}, columns={n: {"drift": alone()} for n in then}))
    found = judge(pgvigil, "f")
    marginal = [r for rule, r in found.items() if ".drift." in rule]
    assert len(marginal) == 3 * len(alone()) and {r["verdict"] for r in marginal} == {"pass"}
    result = found["correlation"]
    assert result["verdict"] == found["p"]["verdict"] == "fail"
    assert found["reconstruction"]["verdict"] == "fail"
    assert ": a and b correlate by -0.8" in result["why"] and ", of 3 pairs" in result["why"]
    change = [np.arctanh(correlate(side, "a", "b", then)) for side in (then, now)]
    assert result["value"] == pytest.approx(abs(change[1] - change[0]), abs=2e-3)
    other = found["other"]
    assert other["verdict"] == "pass" and other["value"] < 1e-12
    both = int((~np.isnan(then["c"])).sum())
    assert other["n"] == both and "not passed" in other["why"]


def test_rule_added_later(pgvigil, database):
    """The reference that is there lacks ranks, which is said; the daemon captures it anew."""
    then, now = flipped(1000)
    load(database, "l_then", then)
    load(database, "l_now", now)
    pgvigil.rule("l", rule_of("l", columns={"a": {"drift": {"ks": .1}}}))
    assert judge(pgvigil, "l")["a.drift.ks"]["verdict"] == "pass"
    pgvigil.rule("l", rule_of("l", {"correlation": .5}, columns={"a": {"drift": {"ks": .1}}}))
    result = judge(pgvigil, "l", capture=False)["correlation"]
    assert (result["verdict"], result["value"]) == ("nodata", None)
    assert "captured without ranks" in result["why"]
    daemon = pgvigil.start()
    daemon.wait_log('msg="reference captured" dataset=l')
    assert daemon.stop() == 0
    assert judge(pgvigil, "l", capture=False)["correlation"]["verdict"] == "fail"


def test_columns_that_go(pgvigil, database):
    then, now = flipped(1000)
    load(database, "g_then", then)
    load(database, "g_now", now)
    pgvigil.rule("g", rule_of(
        "g", {"correlation": .5}, {"correlation": {"id": "gone", "columns": ["a", "b"], "fail": 1}},
        {"correlation": {"id": "never", "columns": ["a", "z"], "fail": 1}},
        {"reconstruction": {"max": 2}}))
    judge(pgvigil, "g")
    database.execute("ALTER TABLE g_now DROP COLUMN b")
    found = judge(pgvigil, "g", capture=False)
    assert found["correlation"]["verdict"] == "pass"
    assert "1 column of the reference can no longer be read" in found["correlation"]["why"]
    for rule, column in (("gone", "b"), ("never", "z")):
        assert found[rule]["verdict"] == "unknown"
        assert f"column {column} does not exist" in found[rule]["why"]
    database.execute("ALTER TABLE g_now ADD COLUMN b numeric DEFAULT 1")
    result = judge(pgvigil, "g", capture=False)["gone"]
    assert result["verdict"] == "nodata" and "another type" in result["why"]


def test_computed_columns(pgvigil, database):
    """They are ranked as others are; one that the server cannot compute any more costs itself."""
    then, now = flipped(1000)
    load(database, "e_then", then)
    load(database, "e_now", now)
    pgvigil.rule("e", rule_of(
        "e", {"correlation": .5}, {"correlation": {"id": "sum", "columns": ["a", "m"], "fail": .5}},
        columns={"m": {"expr": "sqrt(b) - a", "type": "double precision"}}))
    found = judge(pgvigil, "e")
    assert ", of 6 pairs" in found["correlation"]["why"]
    assert found["sum"]["verdict"] == "fail" and ": a and m correlate by" in found["sum"]["why"]
    database.execute("UPDATE e_now SET b = -1 WHERE id = 1")
    found = judge(pgvigil, "e", capture=False)
    assert found["correlation"]["verdict"] == "fail"
    assert "1 column of the reference can no longer be read" in found["correlation"]["why"]
    assert found["sum"]["verdict"] == "unknown"


def test_private_pair_is_not_named(pgvigil, database):
    then, now = flipped()
    load(database, "p_then", then)
    load(database, "p_now", now)
    pgvigil.rule("p", rule_of("p", {"correlation": .5}, columns={"b": {"private": True}}))
    result = judge(pgvigil, "p")["correlation"]
    assert result["verdict"] == "fail"
    assert "two columns, one of them private, correlate" in result["why"]
    change = [np.arctanh(correlate(side, "a", "b", then)) for side in (then, now)]
    assert result["value"] == pytest.approx(abs(change[1] - change[0]), abs=2e-2)


def test_more_columns_than_are_ranked(pgvigil, database):
    """The first hundred, those that rules name before all others; a change among them is found."""
    r = np.random.default_rng(3)
    then = {f"x{i}": r.normal(size=400) for i in range(120)}
    now = {n: r.normal(size=400) for n in then}
    now["x118"] = now["x119"]
    load(database, "w_then", then)
    load(database, "w_now", now)
    named = {"correlation": {"id": "named", "columns": ["x3", "x118", "x119"], "fail": 1}}
    pgvigil.rule("w", rule_of("w", {"correlation": 1}, named))
    done = pgvigil.expect(0, "reference", "capture", "w")
    assert "left_out=20" in done.err
    found = judge(pgvigil, "w", capture=False)
    for rule, pairs in (("correlation", 4950), ("named", 3)):
        assert found[rule]["verdict"] == "fail"
        assert f": x118 and x119 correlate by 0.99" in found[rule]["why"]
        assert f", of {pairs} pairs" in found[rule]["why"]


@pytest.mark.parametrize("check, words", [
    ({"columns": ["a"], "fail": 1}, "two at least"),
    ({"columns": ["a", "b", "a"], "fail": 1}, "column a is written twice"),
    ({"columns": ["a", "b"]}, "needs a limit"),
    ({"where": "a > 1", "fail": 1}, 'has no "where"')])
def test_faulty_rules(pgvigil, database, check, words):
    pgvigil.rule("v", rule_of("v", {"correlation": check}))
    assert words in pgvigil.expect(78, "validate").err
