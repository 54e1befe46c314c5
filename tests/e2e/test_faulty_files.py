# SPDX-License-Identifier: GPL-3.0-or-later
"""A rule file with ten faults gets ten messages at the right places; the other files run."""
import re

FAULTY = """\
version: 1
dataset: bad
roel: features
source: {connection: warehous, table: public.t, time_column: at}
schedule: {window: 1d, delay: 5 min}
columns:
  x:
    nulls: 140%
    range: {min: 9, max: 1}
    drift: {ks: yes}
  y:
    nuls: 1%
    allowed: [a, b]
    allowed: [c]
checks:
  - freshness: 8x
notify: {to: [nobody]}
"""
PLACES = [(3, 1), (4, 22), (5, 31), (8, 12), (9, 26), (10, 17), (12, 5), (14, 5), (16, 16),
          (17, 15)]
HINTS = {(3, 1): "role", (4, 22): "warehouse", (5, 31): "5m", (12, 5): "nulls"}


def good(name):
    return {"version": 1, "dataset": name,
            "source": {"connection": "warehouse", "table": "public.t"},
            "schedule": {"window": "1h"}, "columns": {"x": {"nulls": 0}}}


def test_ten_faults(database, pgvigil):
    database.execute("CREATE TABLE t AS SELECT 1 AS x, now() AS at")
    pgvigil.rule("bad", FAULTY)
    pgvigil.rule("good", good("good"))
    result = pgvigil.expect(78, "validate")
    said = re.findall(r"^rules/bad\.yaml:(\d+):(\d+): error: (.*)$", result.err, re.M)
    assert [(int(line), int(column)) for line, column, _ in said] == PLACES, result.err
    blocks = re.split(r"^(?=rules/)", result.err, flags=re.M)
    for (line, column), hint in HINTS.items():
        [block] = [b for b in blocks if b.startswith(f"rules/bad.yaml:{line}:{column}:")]
        assert re.search(rf"hint:.*\b{hint}\b", block), block
    for block in blocks[1:]:
        lines = block.splitlines()
        assert lines[2].strip() == "^", "a caret stands under the place"
    # The other file runs, and the exit code still says that one is broken.
    check = pgvigil.expect(78, "check", "--json")
    assert [d["dataset"] for d in check.json["datasets"]] == ["good"]
    daemon = pgvigil.start()
    daemon.wait_log("window judged.*dataset=good")
    assert daemon.stop() == 0


def test_faults_of_both(pgvigil):
    """A fault of pgvigil.yaml does not hide those of rule files, nor make their names wrong."""
    pgvigil.config |= {"web": {"listn": "127.0.0.1:1"}, "defaults": {"schedule": {"window": "15m"}}}
    pgvigil.write()
    pgvigil.rule("bad", {**good("bad"), "columns": {"x": {"nulls": "140%"}}})
    pgvigil.rule("good", {**good("good"), "notify": {"to": ["somebody"]}, "schedule": {}})
    told = pgvigil.expect(78, "validate").err
    places = re.findall(r"^(\S+?):\d+:\d+: error", told, re.M)
    assert [p.rsplit("/")[-1] for p in places] == ["pgvigil.yaml", "bad.yaml"], told
    assert "are checked by themselves" in told
