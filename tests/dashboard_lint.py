#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the Grafana board and the Prometheus alerts as a strict reviewer would.

  tests/dashboard_lint.py        prints every fault as FILE: PLACE: FAULT, exits 1 if there is one

Both are compared with the table of metrics in docs/metrics.md, which tests/docs.py keeps equal to
the program's: every metric and label used must exist there, and every metric there must be used
or be excused below. PromQL is read by promtool.
"""
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
BOARD = ROOT / "dashboards/pgvigil-overview.json"
RULES = ROOT / "dashboards/pgvigil-alerts.yaml"
RULE_TESTS = ROOT / "dashboards/pgvigil-alerts_test.yaml"
METRICS = ROOT / "docs/metrics.md"
RUNBOOK = ROOT / "docs/runbook.md"

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
UNITS = {"short", "none", "s", "percentunit", "bytes", "cpm", "rowsps"}
FOREIGN = {"up": {"job", "instance"},
           "push_time_seconds": {"job", "instance", "dataset"},
           "push_failure_time_seconds": {"job", "instance", "dataset"}}
UNUSED = {
    "pgvigil_dataset_untimed_rows": "a habit of the table, for questions",
    "pgvigil_dataset_future_rows": "a habit of the table, for questions",
    "pgvigil_dataset_limit_reached": "told by the log and the status, and nothing is lost",
    "pgvigil_quarantine_keys_total": "for questions; failures have an alert",
    "pgvigil_config_last_reload_success_timestamp_seconds": "for questions; the alert says more",
    "pgvigil_push_last_success_timestamp_seconds": "push_time_seconds is per group",
    "pgvigil_retrain_triggers_total": "for questions; failures have an alert",
    "pgvigil_retrain_trigger_failures_total": "what fails for good is a decision, with an alert",
    "pgvigil_retrain_last_succeeded_timestamp_seconds": "for questions; failures have an alert",
    "process_start_time_seconds": "standard", "process_virtual_memory_bytes": "standard",
    "process_open_fds": "standard", "process_max_fds": "standard", "process_threads": "standard",
}
# What stands for Grafana's variables when an expression is read by Prometheus.
VARIABLES = {"$__rate_interval": "5m", "$__interval": "1m", "$__range": "1h",
             "$dataset": ".+", "$instance": ".+"}
NAME = re.compile(r"\b((?:pgvigil|process|push)_[a-z0-9_]+|up)\b(?=\s*[{\[)=<>!+*/-]|\s|$)")
SELECTOR = re.compile(r"([a-z_][a-z0-9_]*)?\s*\{([^}]*)\}")
MATCHER = re.compile(r'([a-zA-Z_]\w*)\s*(?:=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"')


def read_metrics():
    """{name: (kind, labels)} as documented."""
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| ([^|]+) \|", METRICS.read_text(), re.M)
    return {name: (kind, set(re.findall(r"\w+", labels))) for name, kind, labels in rows
            if kind in ("gauge", "counter", "histogram")}


def fill_in(expression):
    for name in sorted(VARIABLES, key=len, reverse=True):
        expression = expression.replace(name, VARIABLES[name])
    return expression


def all_panels(board):
    for panel in board["panels"]:
        yield panel
        yield from panel.get("panels", [])


def expressions(board):
    """(place, expression) of every query of every panel."""
    for panel in all_panels(board):
        for target in panel.get("targets", []):
            yield f"panel {panel.get('title')!r} {target.get('refId')}", target.get("expr", "")


def variable_metrics(board):
    for variable in board["templating"]["list"]:
        query = variable.get("query")
        found = isinstance(query, dict) and re.match(r"label_values\((\w+), (\w+)\)$",
                                                     query.get("query", ""))
        if found:
            yield f"variable {variable['name']}", *found.groups()


class Lint:
    def __init__(self, board=None, rules=None):
        self.board = board or json.loads(BOARD.read_text())
        self.rules = rules or yaml.safe_load(RULES.read_text())
        self.metrics = read_metrics()
        self.used = set()
        self.faults = []

    def fault(self, file, place, what):
        self.faults.append(f"{file.relative_to(ROOT)}: {place}: {what}")

    def want(self, holds, file, place, what):
        if not holds:
            self.fault(file, place, what)

    # --- expressions

    def family(self, name):
        """The documented metric behind a series' name, or None."""
        base = re.sub(r"_(bucket|sum|count)$", "", name)
        if self.metrics.get(base, ("",))[0] == "histogram":
            return base
        return name if name in self.metrics else None

    def check_names(self, file, place, expression):
        bare = re.sub(r'"(?:[^"\\]|\\.)*"', '""', expression)
        # what stands in parentheses after these words are labels, not metrics
        bare = re.sub(r"\b(by|on|without|ignoring|group_left|group_right)\s*\([^)]*\)", r"\1", bare)
        for name in NAME.findall(re.sub(r"\{[^}]*\}", "{}", bare)):
            known = self.family(name)
            self.want(known or name in FOREIGN, file, place, f"there is no metric {name}")
            self.used.add(known or name)
            if known and self.metrics[known][0] == "counter" and not re.search(
                    r"\b(rate|irate|increase)\(\s*" + name + r"\s*(\{[^}]*\})?\s*\[", expression):
                self.fault(file, place, f"the counter {name} is used without rate() or increase()")
        for pattern in re.findall(r'__name__=~"([^"]*)"', expression):
            self.used |= {name for name in self.metrics if re.fullmatch(pattern, name)}

    def check_labels(self, file, place, expression):
        for name, inside in SELECTOR.findall(expression):
            known = self.family(name) if name else None
            labels = {"__name__", "job", "instance"}
            if known:
                labels |= self.metrics[known][1] | {"le"}
            elif name in FOREIGN:
                labels |= FOREIGN[name]
            else:
                labels |= {"dataset", "rule", "column", "segment", "level"}
            for label, _ in MATCHER.findall(inside):
                self.want(label in labels, file, place,
                          f"{name or 'a selector'} has no label {label}")

    def check_syntax(self, file, named):
        """promtool reads all expressions as recording rules."""
        rules = [{"record": f"expression_{i}", "expr": fill_in(expression)}
                 for i, (_, expression) in enumerate(named)]
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as out:
            yaml.safe_dump({"groups": [{"name": "all", "rules": rules}]}, out)
            out.flush()
            done = subprocess.run(["promtool", "check", "rules", out.name], text=True, check=False,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode:
            self.fault(file, "PromQL", done.stdout.strip())

    # --- the board

    def check_head(self):
        board = self.board
        def want(holds, what):
            self.want(holds, BOARD, "head", what)
        uid = board.get("uid", "")
        want(re.fullmatch(r"pgvigil-[a-z0-9-]{1,32}", uid), "uid is not pgvigil-...")
        want("id" not in board, "a database id is left in it")
        want(board.get("title") and board.get("description"), "title and description")
        want("pgvigil" in board.get("tags", []), "tag pgvigil")
        want(board.get("schemaVersion") == 42, "schemaVersion is not 42")
        want(board.get("editable") is False, "it is editable")
        want(board.get("timezone") == "browser", "timezone is not the browser's")
        want(board.get("graphTooltip") == 1, "no shared crosshair")
        want(re.fullmatch(r"[1-9]\d*[mh]", board.get("refresh", "")), "refresh below a minute")
        want(board.get("time", {}).get("from"), "no time range")
        annotations = board.get("annotations", {}).get("list", [])
        want(all(a.get("builtIn") for a in annotations), "annotations this linter does not read")
        want("__inputs" not in board and "__requires" not in board, "export marks are left in it")

    def check_variables(self):
        variables = self.board["templating"]["list"]
        first = variables[0] if variables else {}
        self.want(first.get("name") == "datasource" and first.get("type") == "datasource" and
                  first.get("query") == "prometheus" and first.get("label") == "Data Source",
                  BOARD, "variables", "the first is not the data source")
        for variable in variables[1:]:
            place = f"variable {variable['name']}"
            self.want(variable.get("datasource") == DATASOURCE, BOARD, place, "fixed data source")
            self.want(variable.get("refresh") == 2, BOARD, place, "not renewed with the time range")
            self.want(variable.get("multi") and variable.get("includeAll") and
                      variable.get("allValue") == ".+", BOARD, place, "not multi with All as .+")
            self.want(variable.get("label"), BOARD, place, "no label")
            self.want(f"${variable['name']}" in VARIABLES, BOARD, place, "unknown to this linter")
        for place, metric, label in variable_metrics(self.board):
            self.want(label in self.metrics.get(metric, ("", set()))[1] | {"job", "instance"},
                      BOARD, place, f"{metric} has no label {label}")
            self.used.add(metric)

    def check_places(self):
        taken = {}
        for panel in self.board["panels"]:
            grid = panel["gridPos"]
            place = f"panel {panel.get('title')!r}"
            self.want(grid["x"] + grid["w"] <= 24, BOARD, place, "reaches over the right edge")
            for x in range(grid["x"], grid["x"] + grid["w"]):
                for y in range(grid["y"], grid["y"] + grid["h"]):
                    if (x, y) in taken:
                        self.fault(BOARD, place, f"lies over {taken[x, y]}")
                        return
                    taken[x, y] = place
        ids = [panel.get("id") for panel in all_panels(self.board)]
        self.want(len(set(ids)) == len(ids), BOARD, "panels", "an id occurs twice")

    def check_panel(self, panel):
        place = f"panel {panel.get('title')!r}"
        self.want(panel.get("title"), BOARD, f"panel {panel.get('id')}", "no title")
        if panel["type"] == "row":
            return
        self.want(len(panel.get("description", "")) > 10, BOARD, place, "no description")
        if panel["type"] == "text":
            return
        defaults = panel["fieldConfig"]["defaults"]
        stacking = defaults.get("custom", {}).get("stacking", {}).get("mode", "none")
        self.want(defaults.get("unit") in UNITS, BOARD, place, f"unit {defaults.get('unit')!r}")
        self.want(defaults.get("thresholds", {}).get("steps"), BOARD, place, "no thresholds")
        self.want(stacking == "none", BOARD, place, "series are stacked")
        self.want(panel.get("datasource") == DATASOURCE, BOARD, place, "fixed data source")
        self.want(panel.get("targets"), BOARD, place, "no query")
        for target in panel.get("targets", []):
            self.check_target(f"{place} {target.get('refId')}", target)

    def check_target(self, place, target):
        expression = target.get("expr", "")
        self.want(target.get("datasource") == DATASOURCE, BOARD, place, "fixed data source")
        self.want(target.get("legendFormat"), BOARD, place, "no legend")
        for window in re.findall(r"\[([^\]]+)\]", expression):
            self.want(window in ("$__rate_interval", "$__range"), BOARD, place,
                      f"fixed range {window}")
        for name, inside in SELECTOR.findall(expression):
            labels = dict(MATCHER.findall(inside))
            narrowed = "$dataset" in labels.get("dataset", "") or "$instance" in labels.get(
                "instance", "")
            self.want(narrowed, BOARD, place, f"{name or 'a selector'} ignores the variables")
        bare = re.findall(r"\b(pgvigil_\w+)\b(?!\s*\{)", re.sub(r'"[^"]*"', '""', expression))
        for name in bare:
            self.fault(BOARD, place, f"{name} without a selector ignores the variables")

    def check_board(self):
        self.check_head()
        self.check_variables()
        self.check_places()
        for panel in all_panels(self.board):
            self.check_panel(panel)
        named = list(expressions(self.board))
        for place, expression in named:
            self.check_names(BOARD, place, expression)
            self.check_labels(BOARD, place, expression)
        self.check_syntax(BOARD, named)

    # --- the alerts

    def check_alert(self, rule, tests, sections):
        name = rule.get("alert", "")
        notes = rule.get("annotations", {})
        def want(holds, what):
            self.want(holds, RULES, name, what)
        want(re.fullmatch(r"Pgvigil([A-Z][a-z]+)+", name), "the name is not Pgvigil...")
        severity = rule.get("labels", {}).get("severity", "")
        want(severity in ("critical", "warning", "info", "{{ $labels.severity }}"), "severity")
        summary = notes.get("summary", "")
        want(summary.endswith(".") and "{{" not in summary, "the summary is not a static sentence")
        want("{{" in notes.get("description", ""), "the description names nothing")
        want(notes.get("runbook_url") == f"docs/runbook.md#{name.lower()}", "runbook_url")
        want(notes.get("dashboard_url", "").startswith(f"/d/{self.board['uid']}"), "dashboard_url")
        want(name in sections, "no section in docs/runbook.md")
        fired = [bool(t.get("exp_alerts")) for t in tests if t["alertname"] == name]
        want(True in fired, "no test sees it fire")
        want(False in fired or "for" not in rule, "no test sees it not fire")
        self.check_names(RULES, name, rule["expr"])
        self.check_labels(RULES, name, rule["expr"])

    def check_rules(self):
        sections = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", RUNBOOK.read_text(),
                                   re.M | re.S))
        tests = [t for group in yaml.safe_load(RULE_TESTS.read_text())["tests"]
                 for t in group["alert_rule_test"]]
        alerts = [rule for group in self.rules["groups"] for rule in group["rules"]]
        for rule in alerts:
            self.check_alert(rule, tests, sections)
        for name in sections.keys() - {rule.get("alert") for rule in alerts}:
            self.fault(RUNBOOK, name, "there is no such alert")
        for name, text in sections.items():
            for part in ("Meaning", "Impact", "Diagnosis", "Mitigation"):
                self.want(f"**{part}.**" in text, RUNBOOK, name, f"no {part.lower()}")

    # --- both

    def check_unused(self):
        for name in sorted(self.metrics.keys() - self.used - UNUSED.keys()):
            self.fault(METRICS, name, "on no board and in no alert, and not excused")
        for name in sorted(UNUSED.keys() - self.metrics.keys()):
            self.fault(METRICS, name, "excused, but there is no such metric")

    def run(self):
        self.want(len(self.metrics) > 40, METRICS, "tables", "hardly a metric is documented")
        self.check_board()
        self.check_rules()
        self.check_unused()
        return self.faults


def main():
    faults = Lint().run()
    print("\n".join(faults) or "dashboards: board, alerts, their tests and the runbook agree")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
