# SPDX-License-Identifier: GPL-3.0-or-later
"""What `pgvigil check` says where there is no verdict to say it, and how it writes keys."""
import pytest

AT = ("--at", "2024-01-02T01:00:00Z")


@pytest.fixture
def agent(pgvigil, database):
    database.execute("CREATE TABLE t (a int, b text, at timestamptz);"
                     "CREATE TABLE u (a int, at timestamptz)")
    return pgvigil


def write(agent, source=None, **more):
    source = {"connection": "warehouse", "table": "t", "time_column": "at", "key": ["a", "b"],
              **(source or {})}
    agent.rule("d", {"version": 1, "dataset": "d", "schedule": {"window": "1d"},
                     "source": source, "private_keys": False, **more})


def freshness(agent):
    found = agent.check("d", *AT)["datasets"][0]["results"]
    return next((r["verdict"], r["why"]) for r in found if r["rule"] == "freshness")


def test_freshness_without_index_fails_on_a_table_without_rows_only(agent, database):
    write(agent, checks=[{"freshness": "1d"}])
    assert freshness(agent) == ("fail", "no row with a time up to now, limit 1d")
    database.execute("INSERT INTO t VALUES (1, 'x', '2023-12-25Z')")     # in no window looked at
    verdict, why = freshness(agent)
    assert verdict == "nodata" and "no index on the time column" in why
    database.execute("INSERT INTO t VALUES (1, 'x', '2024-01-01 20:00Z')")
    assert freshness(agent) == ("pass", "newest row 5h old, limit 1d")
    database.execute("TRUNCATE t; CREATE INDEX ON t (at)")
    assert freshness(agent) == ("fail", "no row with a time up to now, limit 1d")


def test_a_refused_expression_without_rules_is_said(agent, database):
    database.execute("INSERT INTO t VALUES (1, 'x', '2024-01-01 20:00Z')")
    columns = {"lost": {"expr": "nowhere + 1", "type": "float8"}, "b": {"nulls": 0}}
    write(agent, columns=columns)
    done = agent.run("check", "d", *AT)
    assert done.code == 0
    assert 'warning: d: column lost cannot be computed: column "nowhere" does not' in done.err
    columns["lost"]["nulls"] = 0                                         # its verdict says it
    write(agent, columns=columns)
    done = agent.run("check", "d", *AT)
    assert done.code == 3 and "warning" not in done.err
    assert "column lost cannot be computed" in done.out


def test_keys_of_several_columns_stand_row_by_row(agent, database):
    database.execute("INSERT INTO t SELECT g, NULLIF('x' || g % 3, 'x0'), '2024-01-01 20:00Z'"
                     " FROM generate_series(1, 6) g;"
                     "INSERT INTO u SELECT g, '2024-01-01 20:00Z' FROM generate_series(1, 2) g")
    write(agent, columns={"a": {"range": {"max": 4}}})
    shown = agent.run("check", "d", *AT).out
    assert "rows: (5, x2), (6, NULL)\n" in shown or "rows: (6, NULL), (5, x2)\n" in shown, shown
    write(agent, columns={"a": {"range": {"max": 0}}},
          source={"table": "u", "key": ["a"]})
    shown = agent.run("check", "d", *AT).out
    assert "rows: 1, 2\n" in shown or "rows: 2, 1\n" in shown, shown
