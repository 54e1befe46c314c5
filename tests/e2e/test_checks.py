# SPDX-License-Identifier: GPL-3.0-or-later
"""Every check on a table made for it: one folder below tests/checks for each.

  setup.sql    makes the tables, in the schema of the folder's name, which is there
  rules.yaml   one dataset, named as the folder; docs/rules.md shows it as the check's example
  expect.yaml  rule: [verdict, value, [keys...]] for every result but those of reach and judged; the
               value to four digits, keys without order; both may be left out. Beside the rules:
               `$at` the time of the check, `$capture: true` captures the reference first;
               `$replay: {from, until}` judges all windows of that time instead, by an agent of
               its own, and the results are those of the last window (keys are not kept)
"""
import math

import pytest
import yaml

import stack
from stack import ROOT

FOLDERS = sorted(p.name for p in (ROOT / "tests/checks").iterdir() if p.is_dir())


@pytest.fixture(scope="module")
def cases(cluster, tmp_path_factory):
    """One database with all the tables, one agent with all the rule files."""
    database = cluster.create("checks", "TEMPLATE template0")
    agent = stack.Pgvigil(tmp_path_factory.mktemp("checks") / "agent", database.conninfo)
    for name in FOLDERS:
        folder = ROOT / "tests/checks" / name
        database.execute(f'CREATE SCHEMA "{name}"')
        database.execute((folder / "setup.sql").read_text())
        agent.rule(name, (folder / "rules.yaml").read_text())
    yield agent
    agent.close()
    database.close()
    cluster.drop(database.name)


def same_value(result, wanted):
    shown = result["value"]
    if wanted is None or shown is None:
        return wanted == shown
    if result.get("unit") == "seconds" and wanted >= 3600:  # of age: the table was made a while ago
        return wanted <= shown <= wanted + 900
    return math.isclose(shown, wanted, rel_tol=1e-3, abs_tol=1e-12)


def replay(agent, span):
    """The latest results of the dataset, all its windows in [from, until] judged."""
    agent.expect(0, "run", "--from", span["from"], "--until", span["until"], "--state", "replay.db")
    return agent.expect(0, "status", "--json", "--state", "replay.db").json["results"]


@pytest.fixture
def alone(cases, tmp_path):
    """Makes an agent with only that rule file, on the same database."""
    def make(name):
        conninfo = cases.config["connections"]["warehouse"]["conninfo"]
        agent = stack.Pgvigil(tmp_path / "agent", conninfo)
        agent.rule(name, (cases.rules / f"{name}.yaml").read_text())
        return agent
    return make


@pytest.mark.parametrize("name", FOLDERS)
def test_check(cases, alone, name):
    expect = yaml.safe_load((ROOT / "tests/checks" / name / "expect.yaml").read_text())
    options = {key[1:]: expect.pop(key) for key in list(expect) if key.startswith("$")}
    if options.get("capture"):
        cases.expect(0, "reference", "capture", name)
    if "replay" in options:
        found = replay(alone(name), options["replay"])
    else:
        at = ["--at", options["at"]] if "at" in options else []
        dataset, = cases.check(name, *at)["datasets"]
        assert "error" not in dataset, dataset
        found = dataset["results"]
    results = {r["rule"]: r for r in found if r["check"] not in ("reach", "judged")}
    if "schema" not in expect:
        assert results.pop("schema")["verdict"] == "pass"
    assert {r: results[r]["verdict"] for r in results} == {r: expect[r][0] for r in expect}, results
    for rule, (_, *more) in expect.items():
        if more:
            assert same_value(results[rule], more[0]), results[rule]
        if len(more) > 1:
            assert sorted(results[rule]["keys"]) == sorted(map(str, more[1])), results[rule]


def test_every_check_has_a_folder(pgvigil):
    """Only what every dataset has without being asked for needs none."""
    known = {c["name"] for c in pgvigil.expect(0, "checks", "--json").json}
    assert known - {"reach", "judged"} == set(FOLDERS)
