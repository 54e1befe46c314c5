# SPDX-License-Identifier: GPL-3.0-or-later
"""The labelled corpus: every fault above its rule's threshold is found, no fault below it and no
clean variant fails a rule. Recall and false alarms of every kind are told at the end of the run.
Under the sanitizers each rule is broken once, as far as it goes: they see the same code then.

What a case is, and how it is judged, is told in corpus.py and in tests/corpus/faults.yaml.
"""
import collections

import pytest

import corpus
import stack

FAULTS, CLEAN = corpus.read("faults"), corpus.read("clean")
if stack.VARIANT == "san":
    FAULTS, CLEAN = corpus.once_for_each_rule(FAULTS), []


@pytest.fixture(scope="module")
def judged(cluster, flights_template, tmp_path_factory):
    """{kind: outcomes}"""
    made = corpus.Corpus(cluster, flights_template, tmp_path_factory.mktemp("corpus"))
    found = made.judge_all(FAULTS + CLEAN)
    yield found
    made.close()


def said(outcome, rules):
    return {rule: outcome.results.get(rule, "no such result") for rule in sorted(rules)}


@pytest.mark.parametrize("fault", FAULTS, ids=[f["kind"] for f in FAULTS])
def test_fault(judged, fault):
    for outcome in judged[fault["kind"]]:
        assert "error" not in outcome.results, outcome.results
        missed = corpus.missed(fault, outcome)
        assert not missed, (outcome.size, said(outcome, missed))
        alarms = corpus.false_alarms(fault, outcome)
        assert not alarms, (outcome.size, said(outcome, alarms))


@pytest.mark.plain
@pytest.mark.parametrize("variant", CLEAN, ids=[c["kind"] for c in CLEAN])
def test_clean_variant(judged, variant):
    outcome, = judged[variant["kind"]]
    verdicts = collections.Counter(verdict for verdict, _ in outcome.results.values())
    assert not outcome.failed, said(outcome, outcome.failed)
    assert not verdicts["unknown"] and verdicts["pass"] > 2, outcome.results


def line_of(fault, outcomes):
    """A line of the table, and (found, of, alarms, of)."""
    above = [o for o in outcomes if corpus.is_above(o.size)]
    below = [o for o in outcomes if not corpus.is_above(o.size)]
    found = sum(not corpus.missed(fault, o) for o in above)
    alarms = sum(bool(corpus.false_alarms(fault, o)) for o in below)
    sizes = " ".join("any" if o.size is None else f"{o.size:g}" for o in outcomes)
    by = collections.Counter(rule for o in above for rule in o.failed)
    first = sorted(by, key=lambda rule: (rule not in fault["rules"], -by[rule], rule))
    more = f" +{len(first) - 2}" if len(first) > 2 else ""
    return (f"{fault['kind']:41.41} {sizes:16} {found}/{len(above)}  {alarms}/{len(below)}  "
            f"{', '.join(first[:2])}{more}"), (found, len(above), alarms, len(below))


def line_of_clean(variant, outcome):
    """The same of a clean variant, and (rules that failed, verdicts)."""
    verdicts = collections.Counter(verdict for verdict, _ in outcome.results.values())
    return (f"{variant['kind']:64.64} {len(outcome.failed)} of {len(outcome.results):3}"
            f"  {verdicts['warn']} warned, {verdicts['nodata']} without data"
            f"  {', '.join(sorted(outcome.failed))}"), (len(outcome.failed), len(outcome.results))


@pytest.mark.plain
def test_recall(judged, record_property):
    """Tells the table at the end of the run; the corpus must be as large as it is said to be."""
    faults, counts = zip(*(line_of(f, judged[f["kind"]]) for f in FAULTS))
    found, above, alarms, below = map(sum, zip(*counts))
    variants, counts = zip(*(line_of_clean(c, judged[c["kind"]][0]) for c in CLEAN))
    false, looks = map(sum, zip(*counts))
    record_property("told", "\n".join([
        f"{'kind of fault':41} {'x threshold':16} recall, false alarms below; found by", *faults,
        "", f"{'clean variant':64} false alarms, of verdicts", *variants, "",
        f"corpus: {len(FAULTS)} kinds of fault: {found} of {above} above the threshold found,"
        f" {alarms} false alarms in {below} below it; {len(CLEAN)} clean variants: {false} false"
        f" alarms in {looks} verdicts"]))
    assert len(FAULTS) >= 60 and len(CLEAN) >= 60
    assert above > 1.5 * len(FAULTS) and below >= 60


@pytest.mark.plain
def test_every_rule_is_tried():
    """No rule is there that no fault is meant for: one that cannot fail would go unnoticed."""
    meant = {rule for fault in FAULTS for rule in fault["rules"]}
    assert not set(corpus.rules_written()) - meant
