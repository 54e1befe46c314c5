#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares the documentation with the program's own tables.

  tests/docs.py [--write] [PROGRAM]      PROGRAM: default build/release/pgvigil

Tables of keys, checks, metrics, states, commands and exit codes stand between markers like
<!-- keys rules/schedule --> and <!-- end -->; what the program says of itself is made into such a
table, and must be what stands there (--write puts it there). Every table of the program must stand
somewhere. Beyond that: every example of a configuration or a rule file in the documentation must
load, and every file that a page links to must exist.
"""
import json
import re
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
MARKED = re.compile(r"(<!-- (\w+)(?: ([^>]*?))? -->\n)(.*?)(<!-- end -->)", re.S)
CONNECTIONS = ("rules: rules/\nconnections: {warehouse: {conninfo: \"service=x\"}, "
               "writer: {conninfo: \"service=y\"}}\n")
EXAMPLE = re.compile(r"^ *```yaml\n(.*?)^ *```", re.S | re.M)
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")


def run(*argv, **kwargs):
    return subprocess.run([str(a) for a in argv], stdout=subprocess.PIPE, text=True, check=True,
                          **kwargs).stdout


def cell(text):
    return str(text).replace("|", "\\|").replace("\n", " ")


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(cell(c) for c in r) + " |" for r in rows]) + "\n"


def say_bounds(key):
    if key["least"] and key["most"]:
        return f", {key['least']} to {key['most']}"
    if key["least"] or key["most"]:
        return f", at least {key['least']}" if key["least"] else f", at most {key['most']}"
    return ""


class Program:
    """What the program says of itself."""

    def __init__(self, path):
        self.path = path
        tables = path.parent / "tests/tables"
        run("make", "--no-print-directory", "-s", f"VARIANT={path.parent.name}",
            tables.relative_to(ROOT), cwd=ROOT, stderr=subprocess.STDOUT)
        said = json.loads(run(tables))
        self.keys = {f"{kind}/{name}": keys for kind in ("config", "rules")
                     for name, keys in said[kind].items()}
        self.metrics = said["metrics"]
        self.words = said["template"]
        self.checks = json.loads(run(path, "checks", "--json"))
        self.states = run(path, "states")
        self.commands = re.findall(r"^  ([a-z]+) +(\S.*)$",
                                   run(path, "--help").split("options of")[0], re.M)
        header = (ROOT / "agent/commands/shell.h").read_text()
        self.exits = [int(code) for code in re.findall(r"VG_EXIT_\w+ = (\d+)", header)]

    def wanted(self):
        """Every (kind, name) that must stand somewhere in the documentation."""
        return {("keys", name) for name in self.keys} | {
            ("check", c["name"]) for c in self.checks} | {
            ("checks", ""), ("states", ""), ("commands", ""), ("metrics", "dataset"),
            ("metrics", "agent"), ("template", "variables"), ("template", "filters"),
            ("measured", "")} | {
            ("command", name) for name, _ in self.commands}

    def make(self, kind, name):
        """The text that belongs between the markers."""
        return getattr(self, f"make_{kind}")(name)

    def make_keys(self, name):
        rows = []
        for key in self.keys[name]:
            if key["refused"]:
                continue
            default = "required" if key["required"] else key["default"] or "–"
            rows.append((f"`{key['name']}`", key["type"] + say_bounds(key), default, key["doc"]))
        return table(("key", "value", "default", "meaning"), rows)

    def make_checks(self, _):
        return table(("check", "written under", "class", "looks at each", "finds"),
                     ((f"[`{c['name']}`](#{c['name']})",
                       "every dataset has it" if c["implicit"] else
                       "`columns:`" if c["of"] == "column" else
                       "`checks:`" if c["of"] == "dataset" else "`columns:` or `checks:`",
                       c["class"], c["cadence"], c["doc"]) for c in self.checks))

    def make_check(self, name):
        check = next(c for c in self.checks if c["name"] == name)
        bounds = {"none": "–", "value": "`min` and `max` are compared with the value",
                  "rows": "`min` and `max` are compared with each row; `fail` is the share that "
                          "may lie outside"}[check["bounds"]]
        fits = "all" if len(check["kinds"]) == 5 else ", ".join(check["kinds"])
        rows = [("value", f"{check['unit']}"), ("written short", check["shorthand"] or "–"),
                ("limit if none is written", check["default"] or "–"), ("bounds", bounds),
                ("columns", "–" if check["of"] == "dataset" else fits),
                ("`where`", "yes" if check["where"] else "no"),
                ("`min_rows`", check["min_rows"] or "none needed")]
        for param in check["params"]:
            default = f"; default {param['default']}" if param["default"] else ""
            rows.append((f"`{param['name']}`", param["doc"] + default))
        return table((f"`{name}`", ""), rows) + self.make_example(name)

    @staticmethod
    def make_example(name):
        """What tests/checks/NAME asks and gets: the rules without the head of their file."""
        folder = ROOT / "tests/checks" / name
        if not folder.exists():
            return ""
        rules = re.search(r"^(columns|checks|schema):.*", (folder / "rules.yaml").read_text(),
                          re.S | re.M).group(0)
        said = yaml.safe_load((folder / "expect.yaml").read_text())
        said = {rule: wanted for rule, wanted in said.items() if not rule.startswith("$")}
        rows = [(f"`{rule}`", verdict, "" if not more or more[0] is None else f"{more[0]:g}")
                for rule, (verdict, *more) in said.items()]
        return (f"\n```yaml\n{rules.rstrip()}\n```\n\n" +
                table((f"on [this table](../tests/checks/{name}/setup.sql)", "verdict", "value"),
                      rows))

    def make_metrics(self, group):
        return table(("metric", "type", "labels", "meaning"),
                     ((f"`{m['name']}`", m["type"],
                       ", ".join(m["labels"].split()) or "–", m["help"])
                      for m in self.metrics if m["of_dataset"] == (group == "dataset")))

    def make_template(self, which):
        return table(("variable" if which == "variables" else "filter", "meaning"),
                     ((f"`{word['name']}`", word["doc"]) for word in self.words[which]))

    def make_measured(self, _):
        return run(ROOT / "tests/bench/drift/tables")

    def make_states(self, _):
        return f"```\n{self.states.rstrip()}\n```\n"

    def make_commands(self, _):
        return table(("command", ""), ((f"[`{n}`](#{n})", doc) for n, doc in self.commands))

    def make_command(self, name):
        return f"```\n{run(self.path, name, '--help').rstrip()}\n```\n"


class Pages:
    def __init__(self, program):
        self.program = program
        self.paths = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md",
                             *(ROOT / "docs").glob("*.md")])
        self.faults = []

    def fault(self, path, text, at, what):
        line = text.count("\n", 0, at) + 1
        self.faults.append(f"{path.relative_to(ROOT)}:{line}: {what}")

    def add_checks(self):
        """Gives every new check a section in docs/rules.md, in the order of the program."""
        path = ROOT / "docs/rules.md"
        text = path.read_text()
        at = text.index("<!-- checks -->")
        for check in self.program.checks:
            head = f"\n### {check['name']}\n"
            if head not in text[at:]:
                # Behind the section before: where the next one begins.
                ends = [m.start() for m in re.finditer(r"^#{2,3} ", text[at:], re.M)]
                end = at + ends[0] if ends else len(text)
                text = (f"{text[:end].rstrip()}\n{head}\n<!-- check {check['name']} -->\n"
                        f"<!-- end -->\n\n{text[end:]}").rstrip() + "\n"
            at = text.index(head, at) + len(head)
        path.write_text(text)

    def compare(self, write):
        if write:
            self.add_checks()
        stands = set()
        for path in self.paths:
            text = path.read_text()
            new = []
            last = 0
            for found in MARKED.finditer(text):
                _, kind, name, _, _ = found.groups()
                name = name or ""
                if (kind, name) not in self.program.wanted():
                    self.fault(path, text, found.start(), f"the program has no {kind} {name}")
                    continue
                stands.add((kind, name))
                must = self.program.make(kind, name)
                if found.group(4) != must and not write:
                    self.fault(path, text, found.start(),
                               f"{kind} {name} is not what the program says: tests/docs.py --write")
                new += [text[last:found.start(4)], must]
                last = found.end(4)
            if write and new:
                path.write_text("".join(new) + text[last:])
        for kind, name in sorted(self.program.wanted() - stands):
            self.faults.append(f"docs: {kind} {name} is not documented")

    def compare_exits(self):
        path = ROOT / "docs/commands.md"
        said = [int(c) for c in re.findall(r"^\| (\d+) \|", path.read_text(), re.M)]
        if sorted(said) != sorted(self.program.exits):
            self.faults.append(f"docs/commands.md: exit codes {said}, the program's are "
                               f"{self.program.exits}")

    def check_links(self):
        for path in self.paths:
            text = path.read_text()
            for found in LINK.finditer(text):
                if not (path.parent / found.group(1)).exists():
                    self.fault(path, text, found.start(), f"there is no {found.group(1)}")

    def check_examples(self):
        """Whole examples load; a rule file's receivers and connections are made known to it."""
        loaded = 0
        for path in self.paths:
            text = path.read_text()
            for found in EXAMPLE.finditer(text):
                example = textwrap.dedent(found.group(1))
                if "version: 1" in example and "dataset:" in example:
                    said = self.load(example, None)
                elif re.search(r"^connections:", example, re.M) and "rules:" in example:
                    said = self.load(None, example)
                elif example.startswith("retraining:"):
                    said = self.load(None, CONNECTIONS + example)
                else:
                    continue
                loaded += 1
                if said:
                    self.fault(path, text, found.start(), f"the example does not load:\n{said}")
        if loaded < 4:
            self.faults.append(f"docs: only {loaded} whole examples were found")

    def load(self, rule_file, config):
        with tempfile.TemporaryDirectory() as made:
            folder = Path(made)
            (folder / "rules").mkdir()
            rule_file = rule_file or ("version: 1\ndataset: t\nsource: {connection: warehouse, "
                                      "table: t, time_column: at}\nchecks: [freshness: 8h]\n")
            (folder / "rules/example.yaml").write_text(rule_file)
            hook = '{webhook: {url: "https://example.test/"}}'
            (folder / "pgvigil.yaml").write_text(config or (
                f"{CONNECTIONS}receivers: {{ops: {hook}, oncall: {hook}, audit: {hook}}}\n"))
            done = subprocess.run([self.program.path, "validate"], cwd=folder, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
            return done.stdout if done.returncode else None


def main():
    arguments = [a for a in sys.argv[1:] if a != "--write"]
    program = Program((ROOT / (arguments[0] if arguments else "build/release/pgvigil")).resolve())
    pages = Pages(program)
    pages.compare("--write" in sys.argv)
    pages.compare_exits()
    pages.check_links()
    pages.check_examples()
    for fault in pages.faults:
        print(fault)
    if not pages.faults:
        print(f"docs: {len(program.wanted())} tables in {len(pages.paths)} pages are the program's")
    return 1 if pages.faults else 0


if __name__ == "__main__":
    sys.exit(main())
