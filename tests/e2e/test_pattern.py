# SPDX-License-Identifier: GPL-3.0-or-later
"""Patterns that pgvigil matches itself give the server's answer, text by text; the others are the
server's to match.
"""
import itertools

import pytest

PLAIN = [
    r"^[A-Z]{2}-\d{3}$", r"^\d+$", r"\d", r"^[a-z]+", r"[a-z]+$", r"^[a-z]*$", r"ab?a",
    r"^a{2,3}b*$", r"^[A-Za-z0-9_-]{1,8}$", r"^ *$", r"a\.b", r"^\$?[0-9]+\.[0-9]{2}$",
    r"^[-+]?[0-9]+$", r"x*", r"^a?a?a?aaa$", r"^[a-c][a-c]?[a-c]{0,3}$", r"aba$", r"^\(\d\)$",
    r"^a{0,3}$", r"[ -~]"]
OF_THE_SERVER = [
    r"^.{3}$", r"^(a|b)+$", r"^\w+$", r"\s", r"[^a-z]", r"^[[:alpha:]]+$", r"^ä$", r"a+?b",
    r"[\d]", r"(?i)ab", r"^$"]
LETTERS = ["a", "b", "A", "0", "7", "-", "ä", " ", "\n", "٣"]
TEXTS = ["", "AB-123", "AB-12٣", "AB-123\n", "aab", "aaabbb", "12.50", "$12.50", "a.b", "(5)", "$",
         "a" * 300, "\\", "²", "ß", "ａ", "12é", "-12", "+7", "x" * 8, "x" * 9, "_-9", "\x01",
         "\x7f", *("".join(t) for n in (1, 2, 3) for t in itertools.product(LETTERS, repeat=n))]


@pytest.fixture(params=["default", "C", "en-x-icu", "char"])
def texts(database, request):
    """A column of this collation, or of type char."""
    kind = "char(6)" if request.param == "char" else f'text COLLATE "{request.param}"'
    database.execute(f"CREATE SCHEMA p; CREATE TABLE p.t (id serial PRIMARY KEY, x {kind})")
    database.execute("INSERT INTO p.t (x) SELECT x FROM unnest(%s) AS x"
                     " WHERE length(x) <= CASE WHEN %s THEN 6 ELSE 1000 END",
                     (TEXTS, request.param == "char"))
    database.execute("INSERT INTO p.t (x) VALUES (NULL)")
    return request.param


def test_same_as_the_server(pgvigil, database, texts):
    regexes = PLAIN + OF_THE_SERVER
    rules = [{"id": f"r{i}{'n' * inverted}", "regex": regex, "not": inverted, "fail": "50%"}
             for i, regex in enumerate(regexes) for inverted in (False, True)]
    pgvigil.rule("t", {
        "version": 1, "dataset": "t", "source": {"connection": "warehouse", "table": "p.t"},
        "schedule": {"window": "1d"}, "columns": {"x": {"pattern": rules}}})
    dataset, = pgvigil.check("t")["datasets"]
    found = {r["rule"]: r for r in dataset["results"]}
    for i, regex in enumerate(regexes):
        missed, all_rows = database.query(
            "SELECT count(*) FILTER (WHERE x::text !~ %s), count(x) FROM p.t", (regex,))[0]
        for rule, wanted in ((f"r{i}", missed), (f"r{i}n", all_rows - missed)):
            result = found[rule]
            assert (round(result["value"] * result["n"]), result["n"]) == (wanted, all_rows), regex
    explained = pgvigil.expect(0, "explain", "t").out
    here = {i for i in range(len(regexes)) if f"-- r{i}: rows of the scan\n" in explained}
    digits = {i for i, regex in enumerate(PLAIN) if r"\d" in regex}
    assert here == set(range(len(PLAIN))) - (digits if texts == "en-x-icu" else set())
