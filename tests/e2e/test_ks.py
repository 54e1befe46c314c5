# SPDX-License-Identifier: GPL-3.0-or-later
"""KS drift end to end: generated columns with fixed seeds in a real PostgreSQL, captured and
checked by the program, against scipy.stats.ks_2samp of the same rows.

Exact references (all distinct values held): D within 1e-12. Grids: SciPy's D within the bounds
shown, and hi - lo at most 1.5 / resolution for references without ties. p: R's with ties within
1e-12 (tests/fixtures/ks_ties.inc), SciPy's exact one without ties within 1e-6 relative, the limit
law where the exact one is too dear.
"""
import io
import math
import re
from fractions import Fraction
from math import comb

import numpy as np
import pytest
from scipy.special import kolmogorov
from scipy.stats import ks_2samp

from stack import ROOT


# --- columns: name -> (type, reference, current, without ties) ---------------------------------


def tied_columns():
    """Few values, often repeated; the current ones partly new."""
    r = np.random.default_rng(11)
    n = r.integers
    yield "flag", "smallint", n(0, 2, 3000), n(0, 2, 500) | n(0, 2, 500)
    yield "month", "integer", n(1, 13, 4000), n(3, 15, 2500)
    yield "poisson", "bigint", r.poisson(3, 5000), r.poisson(3.4, 700)
    yield "geometric", "integer", r.geometric(.2, 2500), r.geometric(.2, 2500)
    yield "tenth", "double precision", r.normal(0, 1, 3000).round(1), r.normal(.1, 1, 800).round(1)
    yield "finer", "double precision", r.normal(0, 1, 3000).round(1), r.normal(.1, 1, 800).round(2)
    yield "half", "real", r.normal(5, 2, 900).round() / 2, r.normal(5, 2, 9000).round() / 2
    yield ("amount", "numeric(12,2)", r.lognormal(0, 1, 2000).round(2),
           r.lognormal(.2, 1, 900).round(2))
    yield "minute", "integer", n(0, 1440, 20000), (n(0, 1440, 6000) + 90) % 1440
    yield "beyond", "double precision", n(-5, 6, 1000), n(-9, 30, 300)
    yield "same", "integer", n(0, 50, 1200), None
    yield "apart", "integer", n(0, 50, 1200), n(100, 150, 400)
    yield "constant", "double precision", np.full(1000, 7.25), np.full(300, 7.25)
    yield "huge", "double precision", 10.0 ** n(-300, 300, 2000), 10.0 ** n(-290, 300, 900)


def many_values(r, distinct, rows):
    """`rows` values over exactly `distinct` different ones, every one of them there."""
    pool = np.unique(r.normal(100, 15, 2 * distinct))[:distinct]
    r.shuffle(pool)
    return np.concatenate([pool, r.choice(pool, rows - distinct)])


def wide_columns(distinct, rows, seed):
    """References with thousands of distinct values, still held exactly."""
    r = np.random.default_rng(seed)
    for i, k in enumerate(distinct):
        ref = many_values(r, k, rows)
        m = len(ref)
        current = [r.normal(100, 15, 900),                      # never a value of the reference
                   r.choice(ref, 4000),                         # only such
                   np.concatenate([r.choice(ref, 1500), r.normal(104, 15, 1500)]),
                   r.normal(100, 16, 2 * m // 3),
                   r.normal(130, 2, 300)][i % 5]
        yield f"wide{i}", "double precision", ref, current


def grid_columns(seed, m):
    """More distinct values than a grid has thresholds; without ties."""
    r = np.random.default_rng(seed)
    yield "normal", "double precision", r.normal(0, 1, m), r.normal(0, 1, 2000)
    yield "shifted", "double precision", r.normal(0, 1, m), r.normal(.1, 1, 1000)
    yield "wider", "double precision", r.normal(0, 1, m), r.normal(0, 1.3, 5000)
    yield "lognormal", "double precision", r.lognormal(0, 1, m), r.lognormal(.2, 1, 1500)
    yield "uniform", "double precision", r.uniform(0, 1, m), r.uniform(0, .97, 30000)
    yield "exponential", "double precision", r.exponential(1, m), r.exponential(1.1, 700)
    yield "heavy", "double precision", r.standard_t(2, m), r.standard_t(3, 900)
    yield "modes", "double precision", two_modes(r, .5, m), two_modes(r, .6, 2500)
    yield "few", "double precision", r.normal(0, 1, m), r.normal(0, 1, 3)
    yield "disjoint", "double precision", r.normal(0, 1, m), r.normal(50, 1, 400)
    yield "serial", "bigint", r.permutation(m) * 3, r.permutation(m) * 3 + 1


def two_modes(r, share, n):
    return np.where(r.uniform(size=n) < share, r.normal(-2, 1, n), r.normal(2, 1, n))


def tied_grid_columns():
    """More distinct values than thresholds, and ties: heavy atoms between them."""
    r = np.random.default_rng(13)
    ref = np.concatenate([np.zeros(9000), r.normal(0, 1, 15000).round(4)])
    yield "spike", "double precision", ref, np.concatenate([np.zeros(100), r.normal(0, 1, 900)])
    yield ("cents", "double precision", r.lognormal(3, 1, 30000).round(2),
           r.lognormal(3, 1, 4000).round(2))
    yield "seconds", "integer", r.integers(0, 86400, 40000), r.integers(0, 86400, 5000) // 2


# --- the program -------------------------------------------------------------------------------


def load(database, table, columns):
    """A table of these columns, each (type, values), the shorter ones filled up with NULL."""
    names = ", ".join(f"{name} {kind}" for name, (kind, _) in columns.items())
    rows = max(len(values) for _, values in columns.values())
    text = [[repr(v) if isinstance(v, float) else str(v) for v in np.asarray(values).tolist()]
            + ["\\N"] * (rows - len(values)) for _, values in columns.values()]
    body = "".join("\t".join(row) + "\n" for row in zip(*text))
    database.execute(f"CREATE TABLE {table} ({names})")
    with database.connect() as connection, connection.cursor() as cursor:
        cursor.copy_expert(f"COPY {table} FROM STDIN", io.StringIO(body))
    connection.close()


def check(pgvigil, database, name, columns, resolution=4096, rule=None):
    """Loads, captures and checks columns: {name: (result, reference, current)}."""
    columns = [(c, kind, ref, ref if now is None else now) for c, kind, ref, now in columns]
    load(database, f"{name}_ref", {c: (kind, ref) for c, kind, ref, _ in columns})
    load(database, f"{name}_now", {c: (kind, now) for c, kind, _, now in columns})
    pgvigil.rule(name, {
        "version": 1, "dataset": name,
        "source": {"connection": "warehouse", "table": f"{name}_now"},
        "schedule": {"window": "1h"},
        "reference": {"table": f"{name}_ref", "resolution": resolution},
        "columns": {c: {"drift": {"ks": {"fail": .99, "min_rows": 1, "exact": True,
                                      **(rule or {})}}}
                    for c, *_ in columns}})
    pgvigil.expect(0, "reference", "capture", name)
    [dataset] = pgvigil.check(name)["datasets"]
    results = {r["column"]: r for r in dataset["results"] if r["check"] == "ks"}
    assert set(results) == {c for c, *_ in columns}
    return {c: (results[c], np.asarray(ref, float), np.asarray(now, float))
            for c, _, ref, now in columns}


def assert_common(result, ref, now):
    """What holds of every result: sizes, direction, verdict by the lower bound."""
    ref, now = ref[np.isfinite(ref)], now[np.isfinite(now)]
    assert (result["n"], result["n_ref"]) == (len(now), len(ref))
    assert result["effect"] == result["value"]
    assert result["verdict"] == ("fail" if result["value"] > .99 else "pass"), result
    # max F_ref - F_now: the current values are the larger ones
    larger = ks_2samp(ref, now, alternative="greater", method="asymp").statistic
    smaller = ks_2samp(ref, now, alternative="less", method="asymp").statistic
    if result["bounds"] is None and abs(larger - smaller) > 1e-9:
        assert result["direction"] == ("up" if larger > smaller else "down")
    return ks_2samp(ref, now, method="asymp").statistic, ref, now


def assert_exact(result, ref, now):
    d, ref, now = assert_common(result, ref, now)
    assert result["bounds"] is None
    assert result["value"] == pytest.approx(d, rel=0, abs=1e-12), result["rule"]
    return d, ref, now


def limit_law(d, m, n):
    return kolmogorov(math.sqrt(m * n / (m + n)) * d)


# --- an oracle for p ---------------------------------------------------------------------------


def exact_p(groups, c):
    """P(max |n R - m C| >= c) over all divisions of the pooled values, by counting lattice paths in
    whole numbers. groups: sizes of the pooled groups of ties, in order, with m of the reference."""
    sizes, m = groups
    total = sum(sizes)
    n = total - m
    ways, done = {0: 1}, 0                    # values of the reference so far -> paths inside
    for size in sizes:
        done += size
        new = {}
        for i, count in ways.items():
            for taken in range(max(0, done - n - i), min(size, m - i) + 1):
                at = i + taken
                if abs(n * at - m * (done - at)) < c:
                    new[at] = new.get(at, 0) + count * comb(size, taken)
        ways = new
    return float(1 - Fraction(ways.get(m, 0), comb(total, m)))


def groups_as_counted(ref, now):
    """Groups of ties as the cells of an exact grid keep them: values between two of the reference's
    are taken as distinct."""
    atoms = set(ref.tolist())
    values, counts = np.unique(np.concatenate([ref, now]), return_counts=True)
    sizes = []
    for value, count in zip(values.tolist(), counts.tolist()):
        sizes += [count] if value in atoms else [1] * count
    return sizes, len(ref)


# --- tests -------------------------------------------------------------------------------------


def test_exact_references_with_ties(pgvigil, database):
    found = check(pgvigil, database, "tied", tied_columns())
    assert len(found) == 14
    for result, ref, now in found.values():
        assert_exact(result, ref, now)
    assert found["same"][0]["value"] == 0 and found["same"][0]["p_value"] == 1
    assert found["apart"][0]["value"] == 1 and found["apart"][0]["direction"] == "up"
    assert found["constant"][0]["value"] == 0


def test_exact_references_with_thousands_of_values(pgvigil, database):
    distinct = [4000, 4096, 4001, 4050, 4095, 4096, 4000, 4020, 4096, 4070]
    found = check(pgvigil, database, "wide", wide_columns(distinct, 12000, 17))
    for (result, ref, now), k in zip(found.values(), distinct):
        assert len(np.unique(ref)) == k
        assert_exact(result, ref, now)


def test_exact_references_of_the_largest_resolution(pgvigil, database):
    distinct = [65536, 20000, 65535]
    found = check(pgvigil, database, "largest", wide_columns(distinct, 70000, 19), 65536)
    for (result, ref, now), k in zip(found.values(), distinct):
        assert len(np.unique(ref)) == k
        assert_exact(result, ref, now)


@pytest.mark.parametrize("resolution", [200, 1000, 4096])
def test_grids_bound_d(pgvigil, database, resolution):
    found = check(pgvigil, database, f"grid{resolution}", grid_columns(23 + resolution, 20000),
                  resolution)
    assert len(found) == 11
    for result, ref, now in found.values():
        assert len(np.unique(ref)) == len(ref) > resolution
        d, ref, now = assert_common(result, ref, now)
        lo, hi = result["bounds"]
        assert lo - 1e-12 <= d <= hi + 1e-12, (result["rule"], d)
        assert hi - lo <= 1.5 / resolution, (result["rule"], hi - lo)
        assert result["value"] == lo
        # With the lower bound p is the larger one: never more significant than the data.
        assert result["p_value"] >= min(limit_law(hi, len(ref), len(now)), 1) * .5


def test_grids_of_tied_references(pgvigil, database):
    found = check(pgvigil, database, "spiky", tied_grid_columns(), 2000)
    for result, ref, now in found.values():
        assert len(np.unique(ref)) > 2000
        d, ref, now = assert_common(result, ref, now)
        lo, hi = result["bounds"]
        assert lo - 1e-12 <= d <= hi + 1e-12, (result["rule"], d)


def test_limit_inside_the_bounds_is_a_pass_that_says_so(pgvigil, database):
    r = np.random.default_rng(29)
    columns = [("x", "double precision", r.normal(0, 1, 20000), r.normal(.3, 1, 5000))]
    found = check(pgvigil, database, "between", columns, 200)
    lo, hi = found["x"][0]["bounds"]
    assert hi - lo > 1e-4
    for limit, verdict in ((lo, "pass"), ((lo + hi) / 2, "pass"), (np.nextafter(lo, 0), "fail")):
        pgvigil.rule("between", {
            "version": 1, "dataset": "between", "schedule": {"window": "1h"},
            "source": {"connection": "warehouse", "table": "between_now"},
            "reference": {"table": "between_ref", "resolution": 200},
            "columns": {"x": {"drift": {"ks": float(limit)}}}})
        [result] = [r for r in pgvigil.check("between")["datasets"][0]["results"]
                    if r["check"] == "ks"]
        assert (result["verdict"], result["value"], result["limit"]) == (verdict, lo, limit)
        assert ("within these bounds" in result["why"]) == (verdict == "pass"), result["why"]


def test_values_that_are_no_numbers(pgvigil, database):
    r = np.random.default_rng(31)
    odd = np.array([np.nan, np.inf, -np.inf] * 40)
    columns = [
        ("sides", "double precision", mix(r, r.normal(0, 1, 900), odd),
         mix(r, r.normal(1, 1, 500), odd)),
        ("current", "real", r.integers(0, 9, 900), mix(r, r.integers(2, 9, 500), odd)),
    ]
    for result, ref, now in check(pgvigil, database, "odd", columns).values():
        assert_exact(result, ref, now)


def mix(r, values, more):
    mixed = np.concatenate([values, more])
    r.shuffle(mixed)
    return mixed


def read_ties():
    """The 40 tied cases of R: (reference, current, D, p)."""
    text = (ROOT / "tests/fixtures/ks_ties.inc").read_text()
    pattern = r"\{(\d+), (\d+), (\d+),\s*\{([\d, ]+)\},\s*\{([\d, ]+)\},\s*([\d.e-]+), ([\d.e-]+)\}"
    for _, _, top, ref, now, d, p in re.findall(pattern, text):
        values = np.arange(1, int(top) + 1)
        yield (np.repeat(values, [int(x) for x in ref.split(",")]),
               np.repeat(values, [int(x) for x in now.split(",")]), float(d), float(p))


def test_p_with_ties_is_that_of_r(pgvigil, database):
    cases = list(read_ties())
    assert len(cases) == 40
    columns = [(f"t{i}", "integer", ref, now) for i, (ref, now, _, _) in enumerate(cases)]
    found = check(pgvigil, database, "ties", columns)
    same = 0
    for i, (ref, now, d, p) in enumerate(cases):
        result = found[f"t{i}"][0]
        assert result["value"] == pytest.approx(d, rel=0, abs=1e-12)
        groups = groups_as_counted(ref, now)
        c = round(d * len(ref) * len(now))
        assert result["p_value"] == pytest.approx(exact_p(groups, c), rel=0, abs=1e-12), i
        if len(groups[0]) == len(np.unique(np.concatenate([ref, now]))):
            assert result["p_value"] == pytest.approx(p, rel=0, abs=1e-12), i
            same += 1
        else:                                   # ties between current values inside a gap
            assert result["p_value"] >= p - 1e-12, i
    assert same >= 10


def test_p_without_ties_is_scipys_exact_one(pgvigil, database):
    r = np.random.default_rng(37)
    sizes = [(60, 40, .3), (200, 200, .2), (400, 1000, .1), (1000, 300, 0), (2000, 2000, .08),
             (4000, 250, .15), (500, 3000, .6)]
    columns = [(f"u{i}", "double precision", r.normal(0, 1, m), r.normal(shift, 1, n))
               for i, (m, n, shift) in enumerate(sizes)]
    for result, ref, now in check(pgvigil, database, "untied", columns).values():
        assert_exact(result, ref, now)
        exact = ks_2samp(ref, now, method="exact").pvalue
        assert result["p_value"] == pytest.approx(exact, rel=1e-6, abs=0), result["rule"]


def test_p_of_large_samples_is_the_limit_law(pgvigil, database):
    r = np.random.default_rng(41)
    columns = [(f"v{i}", "integer", r.integers(0, 4000, 60000), r.integers(0, 4000 + step, 50000))
               for i, step in enumerate((0, 20, 60))]
    for result, ref, now in check(pgvigil, database, "large", columns).values():
        d, ref, now = assert_exact(result, ref, now)
        assert result["p_value"] == pytest.approx(limit_law(d, len(ref), len(now)), rel=1e-9)
