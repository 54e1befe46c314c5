# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of sources share: a table of twenty thousand rows, a rule file, its results."""

DAY = "2001-06-13"
BASE = """
CREATE SCHEMA src;
CREATE TABLE src.plain (id bigint PRIMARY KEY, at timestamptz NOT NULL, value float8, label text);
CREATE INDEX ON src.plain (at);
INSERT INTO src.plain
  SELECT g, '2001-06-01'::timestamptz + g * interval '60 s', g % 100, 'l' || g % 3
  FROM generate_series(0, 20000) g;
ANALYZE src.plain;
"""


def rules(source, columns=None, **more):
    return {"version": 1, "dataset": "d", "source": {"connection": "warehouse", **source},
            "schedule": {"window": "1d"}, "columns": columns or {}, **more}


def results(agent, at=f"{DAY}T01:00:00Z"):
    dataset, = agent.check("d", *(["--at", at] if at else []))["datasets"]
    assert "error" not in dataset, dataset
    return dataset, {r["rule"]: r for r in dataset["results"]}
