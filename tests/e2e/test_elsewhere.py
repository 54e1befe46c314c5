# SPDX-License-Identifier: GPL-3.0-or-later
"""Every line of docs/checks.md on data that are fine and on data that are not.

tests/data/shop.sql makes the table, which every line passes; tests/data/shop_faults.sql spoils its
last day, on which every line fails. Each line is a dataset of its own, so that none hides another.
"""
import sys

import pytest

import stack
from stack import ROOT

sys.path.insert(0, str(ROOT / "tests"))
import equivalents  # noqa: E402  (found by the line above)

pytestmark = pytest.mark.plain  # the sanitizers see each check in test_checks.py

AT, UNTIL = "2024-01-29T00:20:00Z", "2024-01-29T12:10:00Z"
LINES = equivalents.lines(equivalents.read(equivalents.ROWS))
# These compare with windows that were judged before.
WITH_HISTORY = ("volume_change:", "stuck:")
ALWAYS = ("reach", "judged")
# What needs days after the window was judged is shown by the test that its row names.
LATER = ("schedule:",)


def looks_at_schema(line):
    return "schema:" in line or " type:" in line or "{type:" in line


def verdicts(line, results):
    """Of the rules of the line; that of the schema only where the line is about it."""
    about = {r["rule"]: r for r in results if r["check"] not in (*ALWAYS, "schema")}
    if looks_at_schema(line) and "expr:" not in line:
        about |= {r["rule"]: r for r in results if r["check"] == "schema"}
    return about


def judge_all(agent, folder):
    """{line: {rule: result}}: those that need history by a replay of four weeks."""
    found = {name: d["results"] for d in agent.check("--at", AT)["datasets"]
             for name in [d["dataset"]] if "error" not in d}
    replayed = stack.Pgvigil(folder, agent.config["connections"]["warehouse"]["conninfo"])
    for line, name in LINES.items():
        if any(check in line for check in WITH_HISTORY):
            replayed.rule(name, equivalents.rule_file(line, name, reference=False))
    replayed.expect(0, "run", "--from", "2023-12-31T00:00:00Z", "--until", UNTIL,
                    "--state", "replay.db")
    shown = replayed.expect(0, "status", "--json", "--state", "replay.db").json["results"]
    for name in {r["dataset"] for r in shown}:
        found[name] = [r for r in shown if r["dataset"] == name]
    return {line: verdicts(line, found[name]) for line, name in LINES.items()}


@pytest.fixture(scope="module")
def judged(cluster, tmp_path_factory):
    """(before, after) the faults."""
    folder = tmp_path_factory.mktemp("elsewhere")
    database = cluster.create("elsewhere", "TEMPLATE template0")
    database.psql(ROOT / "tests/data/shop.sql")
    agent = stack.Pgvigil(folder / "agent", database.conninfo)
    for line, name in LINES.items():
        agent.rule(name, equivalents.rule_file(line, name))
    for line, name in LINES.items():
        if equivalents.needs_reference(line):
            agent.expect(0, "reference", "capture", name)
    before = judge_all(agent, folder / "before")
    database.psql(ROOT / "tests/data/shop_faults.sql")
    yield before, judge_all(agent, folder / "after")
    agent.close()
    database.close()
    cluster.drop(database.name)


NOW = [line for line in LINES if not line.startswith(LATER)]


@pytest.mark.parametrize("line", NOW, ids=[LINES[line] for line in NOW])
def test_line(judged, line):
    before, after = (found[line] for found in judged)
    if line == "checks: []":  # nothing is asked for, and the table can be read
        assert not before and not after
        return
    assert before and {r["verdict"] for r in before.values()} == {"pass"}, (line, before)
    failed = [r["verdict"] == "fail" for r in after.values()]
    assert any(failed) if "'*'" in line else all(failed), (line, after)
