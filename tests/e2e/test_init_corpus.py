# SPDX-License-Identifier: GPL-3.0-or-later
"""The labelled corpus judged by the rule files that `pgvigil init` writes, without a hand edit.
From the five months before, they find most kinds of fault, and pass what is clean."""
import shutil

import pytest

import corpus
import stack

pytestmark = pytest.mark.plain  # the sanitizers see init in test_init.py
FIRST = "2001-06-01"  # of the rows that `init` does not see


@pytest.fixture(scope="module")
def made(cluster, flights_template):
    """The corpus with the files that `init` writes for its three tables."""
    folder = stack.new_folder("init")
    database = cluster.create("init_corpus", f"TEMPLATE {flights_template} STRATEGY file_copy")
    agent = stack.Pgvigil(folder / "init", database.conninfo)
    for table in corpus.TABLES:
        agent.expect(0, "init", f"ml.{table}", "--to", FIRST, "--output", f"rules/{table}.yaml")
    database.close()
    cluster.drop("init_corpus")
    judged = corpus.Corpus(cluster, flights_template, folder, agent.rules)
    yield judged
    judged.close()
    shutil.rmtree(folder, ignore_errors=True)


# What no table tells by itself: the file is told by hand before such a change, or afterwards.
ANNOUNCED = {"a new airport, which is in the list", "a new model version, announced",
             "a canary of the new version", "rows in partitions", "a view in place of the table"}


def largest(case):
    """A fault in its largest size, and any rule may find it."""
    sized = {"sizes": [max(case.get("sizes", corpus.SIZES))]} if "limit" in case else {}
    return {**case, **sized, "tables": corpus.tables_of(case), "rules": []}


def fails_of(outcome):
    """Rules that fail; a case that could not be set up is no fault found."""
    return outcome.failed - {"error"}


def test_recall(made, record_property):
    faults = [largest(c) for c in corpus.read("faults")]
    clean = [c for c in corpus.read("clean") if c["kind"] not in ANNOUNCED]
    outcomes = made.judge_all(faults)
    missed = [kind for kind, (outcome,) in outcomes.items() if not fails_of(outcome)]
    alarms = {kind: fails_of(outcome) for kind, several in made.judge_all(clean).items()
              for outcome in several if fails_of(outcome)}
    found = len(faults) - len(missed)
    record_property("told", "\n".join([
        *(f"fails though clean: {kind}: {', '.join(sorted(failed))}"
          for kind, failed in alarms.items()),
        "missed: " + ("; ".join(missed) or "none"),
        f"init on the corpus: {found} of {len(faults)} kinds of fault found without a hand edit,"
        f" {len(alarms)} of {len(clean)} clean variants fail"]))
    assert found >= 50 and found >= 0.9 * len(faults)
    assert len(alarms) <= len(clean) / 20
