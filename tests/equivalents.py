#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes docs/checks.md: what each check of other tools is in a rule file of pgvigil.

  tests/equivalents.py [--write] [PROGRAM]      PROGRAM: default build/release/pgvigil

tests/data/elsewhere.tsv holds the names, taken from the tools' packages by tests/elsewhere.py;
tests/data/equivalents.tsv holds for each of them a line of a rule file and the test that shows it,
or why there is none. Every name must have a row and every row a name; every line must load, each
in a rule file of its own; every test must exist. tests/e2e/test_elsewhere.py runs all the lines on
data that are fine and on data that are not. Less than 95 % for one tool is a fault.
"""
import csv
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/checks.md"
NAMES = ROOT / "tests/data/elsewhere.tsv"
ROWS = ROOT / "tests/data/equivalents.tsv"
LEAST = 0.95
# What a row without an equivalent begins with: not meant for one table of PostgreSQL, or lacking.
OUTSIDE, LACKS = "out of scope: ", "missing: "
HEAD = """version: 1
dataset: {name}
source: {{connection: warehouse, table: shop.orders, time_column: created_at, key: [id]}}
{schedule}{reference}{line}
"""
SCHEDULE = "schedule: {window: 1d, delay: 10m, every: 12h}\n"
REFERENCE = 'reference: {from: "2024-01-08", to: "2024-01-15"}\n'
INTRODUCTION = """# Checks of other tools

<!-- Made by tests/equivalents.py from tests/data/equivalents.tsv: edit that. -->

If you come from Soda, Great Expectations, Deequ, Pandera, dbt-expectations, Elementary or DQOps,
find your check below and copy the line on its right into a [rule file](rules.md), with names of
your own. Every line is loaded by the program and run by a test (`tests/e2e/test_elsewhere.py`) on
data that pass it and on data that fail it; the names were taken from the packages by a script, so
that none is left out. Limits are shares of rows unless a check says otherwise, and the checks of a
table's columns are answered by one scan together, so that many cost little more than one.

The lines are about a table `shop.orders` with the time column `created_at` and the key `id`, [as
the test makes it](../tests/data/shop.sql). "Own check" counts what a check of pgvigil answers,
"SQL" what takes a SELECT under `metric:` or `failing:`, a statement of its own beside the scan.
"Not for one table" is what needs other things than a table of PostgreSQL, each with the reason.
Names that differ only by the kind of run (`profile_`, `daily_`, ... of DQOps) are one.
"""


def read(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def identify(row):
    return row["tool"], row["kind"], row["name"]


def lines(rows):
    """{line: name of the dataset that holds it}, each line once."""
    found = {}
    for row in rows:
        if row["equivalent"]:
            found.setdefault(row["equivalent"], f"line{len(found) + 1}")
    return found


def needs_reference(line):
    return bool(re.search(r"drift:|categories:|schema:|type:", line))


def rule_file(line, name, reference=None):
    wants = needs_reference(line) if reference is None else reference
    schedule = "" if line.startswith("schedule:") else SCHEDULE
    return HEAD.format(name=name, line=line, schedule=schedule,
                       reference=REFERENCE if wants else "")


def compare_names(names, rows):
    known, mapped = {identify(r) for r in names}, [identify(r) for r in rows]
    for row in sorted(known - set(mapped)):
        yield f"{NAMES.name}: {' '.join(row)} has no row in {ROWS.name}"
    for row in sorted(set(mapped)):
        if row not in known:
            yield f"{ROWS.name}: {' '.join(row)} is no name of {NAMES.name}"
        if mapped.count(row) > 1:
            yield f"{ROWS.name}: {' '.join(row)} has two rows"


def check_rows(rows):
    for row in rows:
        where = f"{ROWS.name}: {' '.join(identify(row))}"
        if not row["equivalent"] and not row["note"].startswith((OUTSIDE, LACKS)):
            yield f"{where}: neither an equivalent nor a reason"
        if row["equivalent"] and not row["test"]:
            yield f"{where}: no test"
        for test in row["test"].split():
            if not (ROOT / test).exists():
                yield f"{where}: there is no {test}"


def check_lines(program, rows):
    """Every line in a rule file of its own, so that one fault hides no other."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "rules").mkdir()
        (folder / "pgvigil.yaml").write_text(
            "rules: rules/\nstate: pgvigil.db\nconnections: {warehouse: {conninfo: dbname=none}}\n")
        for line, name in lines(rows).items():
            (folder / f"rules/{name}.yaml").write_text(rule_file(line, name))
        done = subprocess.run([program, "validate"], cwd=folder, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        by_name = {name: line for line, name in lines(rows).items()}
        for said in done.stdout.splitlines():
            name = re.match(r"rules/(\w+)\.yaml:", said)
            yield said + (f"\n    {by_name[name[1]]}" if name else "")


def is_sql(row):
    checks = yaml.safe_load(row["equivalent"]).get("checks") or []
    return any(name in ("metric", "failing") for check in checks for name in check)


def count(rows):
    """(names, outside, own check, SQL, lacking, share of those that are not outside)."""
    outside = sum(r["note"].startswith(OUTSIDE) and not r["equivalent"] for r in rows)
    sql = sum(bool(r["equivalent"]) and is_sql(r) for r in rows)
    have = sum(bool(r["equivalent"]) for r in rows)
    return (len(rows), outside, have - sql, sql, len(rows) - outside - have,
            have / (len(rows) - outside))


def cell(text):
    return text.replace("|", "\\|")


def table(head, rows):
    return "\n".join(["| " + " | ".join(head) + " |", "|" + "---|" * len(head)] +
                     ["| " + " | ".join(map(str, r)) + " |" for r in rows]) + "\n"


def link(test):
    return f"[{Path(test).name.removeprefix('test_').removesuffix('.py')}](../{test})"


def make_row(row):
    if not row["equivalent"]:
        return f"`{cell(row['name'])}`", f"– {cell(row['note'].partition(': ')[2])}", ""
    note = f"<br>{cell(row['note'])}" if row["note"] else ""
    return (f"`{cell(row['name'])}`", f"`` {cell(row['equivalent'])} ``{note}",
            ", ".join(map(link, row["test"].split())))


def make_page(names, rows):
    of = {}
    for row in rows:
        of.setdefault(row["tool"], []).append(row)
    versions = {}
    for name in names:
        versions.setdefault(name["tool"], set()).add(name["version"])
    counts = {tool: count(of[tool]) for tool in of}
    head = ("tool", "names", "not for one table", "own check", "SQL", "none", "share")
    anchors = {tool: f"[{tool}](#{tool.lower().replace(' ', '-')})" for tool in of}
    text = [INTRODUCTION,
            table(head, [(anchors.get(tool, tool), *c[:5], f"{c[5]:.1%}")
                         for tool, c in (*counts.items(), ("all", count(rows)))])]
    for tool, its in of.items():
        version = " and ".join(sorted(versions[tool] - {""})) or "the files of the dbt package"
        text.append(f"## {tool}\n\nFrom {version}.\n")
        for kind in dict.fromkeys(r["kind"] for r in its):
            text.append(table((kind, "in a rule file", "test"),
                              [make_row(r) for r in its if r["kind"] == kind]))
    return "\n".join(text)


def main(argv):
    write = "--write" in argv
    rest = [a for a in argv if a != "--write"]
    program = Path(rest[0] if rest else ROOT / "build/release/pgvigil").resolve()
    names, rows = read(NAMES), read(ROWS)
    faults = [*compare_names(names, rows), *check_rows(rows), *check_lines(program, rows)]
    page = make_page(names, rows)
    if write:
        PAGE.write_text(page)
    if not PAGE.exists() or PAGE.read_text() != page:
        faults.append("docs/checks.md is not what the tables make: tests/equivalents.py --write")
    for tool in [*dict.fromkeys(r["tool"] for r in rows), None]:
        made = count([r for r in rows if tool in (None, r["tool"])])
        print("%-20s %4d names, %3d not for one table, %3d by a check, %3d by SQL, %2d without: "
              "%5.1f %%" % (tool or "all", *made[:5], 100 * made[5]))
        if made[5] < LEAST:
            faults.append(f"{tool}: less than {LEAST:.0%}")
    print(*faults, sep="\n")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
