# SPDX-License-Identifier: GPL-3.0-or-later
"""A new check needs one new file and one line: a script writes one into a copy of
the tree, builds it, and finds it in `pgvigil checks`, in the validation of rule files, in
`check --json` and in the metrics, under names that nothing else had to be told.
"""
import os
import shutil
import subprocess

import numpy as np
import pytest
from scipy.stats import ks_2samp

import stack

pytestmark = pytest.mark.plain  # what is shown is that it builds and is found
SOURCE = r"""/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rise_fall: V = max(F - G) + max(G - F), F and G the distribution functions of the reference and
 * the window, or one of the two. Unlike D it sees the tails as well as the middle. */
#include "pgvigil/check.h"

#include <stdio.h>

#include "checks/stat_ks.h"

enum { SIDE_BOTH, SIDE_UP, SIDE_DOWN };
static const char *const sides[] = {"both", "up", "down", NULL};
struct params {
    int side;
};

static int measure_rise_fall(const struct vg_rule *rule, const struct vg_evidence *evidence,
                          struct vg_measures *out, struct vg_error *err)
{
    const struct params *params = rule->params;
    const struct vg_column_summary *now;
    int found = vg_evidence_column(rule, evidence, out, &now, err);
    if (found <= 0)
        return found;
    const struct vg_reference_column *column =
        evidence->reference ? vg_reference_find(evidence->reference, rule->column) : NULL;
    if (!column || !column->fine || now->grid_id != column->fine->grid->id) {
        int rc = vg_measure_skip(out, rule, VG_NODATA, "no reference to compare with");
        return rc < 0 ? vg_fail(err, VG_E_MEMORY, "out of memory") : 0;
    }
    size_t cells = 2 * (size_t)column->fine->grid->n + 1;
    struct vg_ks_counts counts = {column->fine->cells, now->fine, cells, true};
    struct vg_ks ks;
    vg_ks_compare(&counts, &ks);
    struct vg_measure *measure = vg_measure_add(out, rule);
    if (!measure)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    measure->value =
        (params->side == SIDE_DOWN ? 0 : ks.d_up) + (params->side == SIDE_UP ? 0 : ks.d_down);
    measure->n_now = (double)ks.n;
    measure->n_ref = (double)ks.m;
    snprintf(measure->why, sizeof measure->why, "V %.4g", measure->value);
    return 0;
}

static const struct vg_param rise_fall_params[] = {
    {"side", VG_PARAM_CHOICE, offsetof(struct params, side), false, "both", sides,
     "which side of the difference counts"},
};

const struct vg_check_type vg_check_rise_fall = {
    .name = "rise_fall",
    .doc = "Rise and fall V of the column's distribution from the reference's.",
    .class = VG_CLASS_DRIFT,
    .cadence = VG_ON_WINDOW,
    .unit = VG_UNIT_RATIO,
    .of_column = true,
    .filterable = true,
    .needs_reference = true,
    .kinds = 1 << VG_KIND_NUMBER,
    .needs = VG_NEEDS_COLUMN | VG_NEEDS_CELLS,
    .min_rows = 200,
    .shorthand = "fail",
    .params = rise_fall_params,
    .nparams = 1,
    .params_size = sizeof(struct params),
    .measure = measure_rise_fall,
};
"""
LINE = "VG_CHECK(rise_fall)\n"


@pytest.fixture(scope="module")
def program():
    """The tree with the new check, built; what was built already is taken along."""
    assert len(SOURCE.splitlines()) < 120
    folder = stack.new_folder("tree")
    try:
        yield build(folder / "tree", stack.VARIANT)
    finally:
        shutil.rmtree(folder)


def build(tree, variant):
    shutil.copytree(stack.ROOT, tree, symlinks=True,
                    ignore=shutil.ignore_patterns(".git", "build", "__pycache__"))
    if stack.BINARY == stack.ROOT / "build" / variant / "pgvigil":
        for made in {variant, "release"}:  # of which the test build has objects
            if (stack.ROOT / "build" / made).is_dir():
                shutil.copytree(stack.ROOT / "build" / made, tree / "build" / made, symlinks=True,
                                ignore=shutil.ignore_patterns("tests", "logs", "pgvigil"))
    (tree / "checks/check_rise_fall.c").write_text(SOURCE)
    with open(tree / "checks/checks.def", "a", encoding="ascii") as file:
        file.write(LINE)
    done = subprocess.run(["make", "-j2", f"VARIANT={variant}", "build"], cwd=tree, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                          env={k: v for k, v in os.environ.items() if k != "MAKEFLAGS"})
    assert done.returncode == 0, done.stdout[-4000:]
    return tree / "build" / variant / "pgvigil"


@pytest.fixture
def agent(pgvigil, program, database, monkeypatch):
    """pgvigil with the new check, a table `scores` and its reference `scores_ref`."""
    monkeypatch.setattr(stack, "BINARY", program)
    r = np.random.default_rng(5)
    ref, now = r.integers(0, 100, 2000), r.integers(10, 90, 600)
    for table, values in (("scores_ref", ref), ("scores", now)):
        database.execute(f"CREATE TABLE {table} (score integer NOT NULL)")
        database.execute(f"INSERT INTO {table} SELECT unnest(%s)", (values.tolist(),))
    pgvigil.sides = [ks_2samp(ref, now, alternative=a, method="asymp").statistic
                     for a in ("greater", "less")]
    return pgvigil


def write_rule(agent, rise_fall):
    agent.rule("scores", {
        "version": 1, "dataset": "scores", "schedule": {"window": "1h"},
        "source": {"connection": "warehouse", "table": "scores"},
        "reference": {"table": "scores_ref"},
        "columns": {"score": {"drift": {"rise_fall": rise_fall}}}})


def test_the_list_of_checks_has_it(agent):
    listed = agent.expect(0, "checks").out
    assert "rise_fall" in listed and "Rise and fall V" in listed
    plain = subprocess.run([stack.ROOT / "build" / stack.VARIANT / "pgvigil", "checks"],
                                 stdout=subprocess.PIPE, text=True, check=True)
    assert "rise_fall" not in plain.stdout


@pytest.mark.parametrize("good", [0.3, "30%", {"fail": .3, "warn": .2, "side": "up", "id": "v"}])
def test_rule_files_may_use_it(agent, good):
    write_rule(agent, good)
    agent.expect(0, "validate")


@pytest.mark.parametrize("bad, words", [
    ({"fail": .3, "sied": "up"}, ["sied", "side"]),
    ({"fail": .3, "side": "sideways"}, ["sideways", "both"]),
    ({"side": "up"}, ["rise_fall"]),
    ({"fail": "140%"}, ["140%"]),
])
def test_its_faults_are_found(agent, bad, words):
    write_rule(agent, bad)
    result = agent.expect(78, "validate")
    for word in words:
        assert word in result.err + result.out
    assert "rules/scores.yaml:" in result.err + result.out


def check_now(agent, rise_fall):
    write_rule(agent, rise_fall)
    answer = agent.check("scores")
    [result] = [r for r in answer["datasets"][0]["results"] if r["check"] == "rise_fall"]
    return result


def test_check_json_has_it(agent):
    up, down = agent.sides
    write_rule(agent, .05)
    agent.expect(0, "reference", "capture", "scores")
    result = check_now(agent, .05)
    assert result["value"] == pytest.approx(up + down, abs=1e-12)
    assert (result["rule"], result["class"], result["column"], result["unit"]) == (
        "score.drift.rise_fall", "drift", "score", "ratio")
    assert (result["verdict"], result["limit"], result["n"], result["n_ref"]) == (
        "fail", .05, 600, 2000)
    assert result["why"].startswith("V ") and "above 0.05" in result["why"]
    for side, value in (("up", up), ("down", down)):
        result = check_now(agent, {"fail": .9, "side": side})
        assert result["value"] == pytest.approx(value, abs=1e-12)
        assert result["verdict"] == "pass"


def test_metrics_have_it(agent, pushgateway):
    agent.config["pushgateway"] = {"url": pushgateway.url}
    agent.write()
    write_rule(agent, .05)
    agent.expect(0, "reference", "capture", "scores")
    agent.run("run", "--once")
    series = [line for line in pushgateway.text().splitlines()
              if 'rule="score.drift.rise_fall"' in line]

    def value(name, *labels):
        found = [line for line in series if line.startswith(name + "{")
                 and all(label in line for label in labels)]
        assert len(found) == 1, (name, series)
        return float(found[0].split()[-1])

    assert value("pgvigil_drift_rise_fall") == pytest.approx(sum(agent.sides), abs=1e-12)
    assert value("pgvigil_drift_rise_fall_threshold", 'level="fail"') == .05
    assert value("pgvigil_check_status") == 4
