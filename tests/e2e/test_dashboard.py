# SPDX-License-Identifier: GPL-3.0-or-later
"""The Grafana board and the Prometheus alerts: read by a strict linter, tested by promtool, and
asked of a real Prometheus that scrapes a real Pushgateway, fed by the replay of the flights with
their two faults, and a running agent's /metrics. Every query must return data, and the right data.
"""
import copy
import json
import math
import shutil
import subprocess
import sys

import pytest
import requests

import stack
from stack import ROOT, wait_for
from test_metrics import Agent, fill, rule_for

sys.path.insert(0, str(ROOT / "tests"))
import dashboard_lint as lint  # noqa: E402  (found by the line above)

pytestmark = pytest.mark.plain  # board and alerts; the replay that feeds them is in test_replay.py
BOARD = json.loads(lint.BOARD.read_text())
QUERIES = list(lint.expressions(BOARD))


# --- a world to look at ------------------------------------------------------------------------


def replay(folder, flights, gateway, receiver):
    """The demo's run, up to the 15th of June: both tables have drifted and fire."""
    flights.psql(ROOT / "tests/demo/faults.sql")
    vigil = stack.Pgvigil(folder / "replay", flights.conninfo)
    vigil.config.update({
        "name": "replay", "pushgateway": {"url": gateway.url},
        "receivers": {name: {"webhook": {"url": f"{receiver.url}/hook/{name}"}}
                      for name in ("ops", "oncall")},
        "retraining": {"delay-model": {"http": {"url": f"{receiver.url}/train"}}}})
    vigil.write()
    for rules in (ROOT / "rules").glob("*.yaml"):
        shutil.copy(rules, vigil.rules / rules.name)
    vigil.expect(0, "run", "--from", "2001-06-10", "--until", "2001-06-16T00:10", "--state",
                 "replay.db", "--notify", "ops", "--notify", "oncall", timeout=300)


def start_live(folder, database, gateway):
    """An agent beside it that runs, on a table that is being filled."""
    vigil = stack.Pgvigil(folder / "live", database.conninfo)
    vigil.config.update({"name": "live", "pushgateway": {"url": gateway.url}})
    fill(database, "orders")
    vigil.rule("orders", rule_for("orders"))
    agent = Agent(vigil)
    agent.start()
    return agent


@pytest.fixture(scope="module")
def world(cluster, flights_template):
    """Prometheus with everything scraped often enough that rates have two samples."""
    folder = stack.new_folder("board")
    flights = cluster.create("board_flights", f"TEMPLATE {flights_template} STRATEGY file_copy")
    orders = cluster.create("board_orders", "TEMPLATE template0")
    gateway = stack.Pushgateway(folder)
    receiver = stack.Receiver(folder)
    started = [gateway, receiver]
    agent = None
    try:
        replay(folder, flights, gateway, receiver)
        agent = start_live(folder, orders, gateway)
        prometheus = stack.Prometheus(folder, [gateway.url, agent.url], [lint.RULES])
        started.append(prometheus)
        for expression in ('count_over_time(pgvigil_cycles_total{dataset="orders"}[1m]) > 5',
                           "rate(pgvigil_cycle_duration_seconds_count[1m]) > 0"):
            prometheus.wait_series(expression, 60)
        yield prometheus
    finally:
        if agent:
            agent.pgvigil.close()
        for server in started:
            server.kill()
        for database in (flights, orders):
            database.close()
            cluster.drop(database.name)
        shutil.rmtree(folder)


def fill_in(expression, **chosen):
    """The expression as Grafana would send it, a minute of scrapes of one second behind it."""
    for name, value in {"dataset": ".+", "instance": ".+", **chosen, "__rate_interval": "30s",
                        "__range": "1m"}.items():
        expression = expression.replace(f"${name}", value)
    assert "$" not in expression
    return expression


def query_of(title, ref="A"):
    return dict(QUERIES)[f"panel {title!r} {ref}"]


# --- every query returns data ------------------------------------------------------------------


@pytest.mark.parametrize("place, expression", QUERIES, ids=[place for place, _ in QUERIES])
def test_query_returns_data(world, place, expression):
    found = world.wait_series(fill_in(expression))
    assert any(not math.isnan(value) for _, value in found), f"{place}: nothing but NaN"


@pytest.mark.parametrize("dataset", ["delay_predictions", "flight_features", "orders"])
def test_one_dataset_can_be_chosen(world, dataset):
    for place, expression in QUERIES:
        if "$dataset" in expression and "pgvigil_drift" not in expression:
            found = world.wait_series(fill_in(expression, dataset=dataset))
            assert {labels.get("dataset", dataset) for labels, _ in found} == {dataset}, place


@pytest.mark.parametrize("name, metric, label", lint.variable_metrics(BOARD))
def test_variable_has_values(world, name, metric, label):
    answer = requests.get(f"{world.url}/api/v1/label/{label}/values", params={"match[]": metric},
                          timeout=10).json()
    wanted = {"dataset": {"delay_predictions", "flight_features", "orders"},
              "instance": {"replay", "live"}}[label]
    assert wanted <= set(answer["data"]), name


def test_the_board_says_what_happened(world):
    """On the 15th of June both tables have drifted, and the live one is in order."""
    def single(title):
        [(_, value)] = world.query(fill_in(query_of(title)))
        return value
    assert single("Failing") == 2
    assert single("In order") == 1
    assert single("Cannot be checked") == single("With warnings") == 0
    assert single("Alerts firing") == 2
    assert single("Messages waiting") == single("Files not loading") == 0
    verdicts = {labels["dataset"]: value for labels, value in world.query(
        fill_in(query_of("Gravest verdict of each dataset")))}
    assert verdicts == {"delay_predictions": 4, "flight_features": 4, "orders": 0}


def test_drift_against_its_limits(world):
    share = {labels["rule"]: value for labels, value in world.query(
        fill_in(query_of("Drift as a share of its limit")))}
    assert share["score-drift"] == pytest.approx(.475 / .35, abs=.01)
    assert share["recent_origin_delay.drift.ks"] == pytest.approx(.583 / .5, abs=.01)
    assert share["distance_miles.drift.ks"] < 1 and share["hour.drift.ks"] < 1
    limits = {(labels["rule"], labels["level"]): value for labels, value in world.query(
        fill_in(query_of("KS distance D against its limits", "B")))}
    assert limits["score-drift", "fail"] == .35 and limits["score-drift", "warn"] == .25


def test_retraining_was_counted(world):
    decisions = {labels["decision"]: value for labels, value in world.query(
        'pgvigil_retrain_decisions_total{model="delay-model",instance="replay"}')}
    assert decisions["withheld"] >= 1 and decisions["ended_unfired"] == 1
    assert decisions["fired"] == decisions["accepted"] == 1 and decisions["refused"] == 0


# --- the alerts in a real Prometheus -----------------------------------------------------------


def alerts(prometheus):
    """{alert: [labels]} of what is pending or firing."""
    groups = requests.get(prometheus.url + "/api/v1/rules", timeout=10).json()["data"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len(rules) > 15 and all(rule["health"] in ("ok", "unknown") for rule in rules), rules
    if any(rule["health"] == "unknown" for rule in rules):
        return None
    return {rule["name"]: [alert["labels"] for alert in rule["alerts"]] for rule in rules}


def test_alerts_see_the_drift(world):
    found = wait_for(lambda: alerts(world), 30, "evaluation of all alerts")
    drift = {(labels["dataset"], labels["rule"], labels["severity"])
             for labels in found["PgvigilColumnDrift"]}
    assert drift == {("delay_predictions", "score-drift", "critical"),
                     ("flight_features", "recent_origin_delay.drift.ks", "critical")}
    assert found["PgvigilCheckFailing"] == []  # drift has its own alert
    stale = {labels["dataset"] for labels in found["PgvigilDatasetStale"]}
    assert stale == {"delay_predictions", "flight_features"}  # 2001 is long ago
    for quiet in ("PgvigilPushFailing", "PgvigilPushRejected", "PgvigilNotifyFailing",
                  "PgvigilRetrainFailing", "PgvigilConfigBad", "PgvigilRuleFileBad",
                  "PgvigilSeriesDropped", "PgvigilCheckBlind"):
        assert found[quiet] == [], quiet


def test_promtool_tests_the_alerts():
    for verb, file in (("check", lint.RULES), ("test", lint.RULE_TESTS)):
        done = subprocess.run(["promtool", verb, "rules", file], text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert done.returncode == 0 and "SUCCESS" in done.stdout, done.stdout


# --- the linter --------------------------------------------------------------------------------


def test_board_and_alerts_are_sound():
    assert lint.Lint().run() == []


def series_panel(board):
    return next(p for p in board["panels"] if p["title"] == "Deliveries")


def damage(what):
    """A copy of the board with one fault."""
    board = copy.deepcopy(BOARD)
    panel = series_panel(board)
    defaults, target = panel["fieldConfig"]["defaults"], panel["targets"][0]
    {"no unit": lambda: defaults.pop("unit"),
     "unit of nobody": lambda: defaults.update(unit="percentt"),
     "no description": lambda: panel.pop("description"),
     "no title": lambda: panel.pop("title"),
     "no legend": lambda: target.pop("legendFormat"),
     "stacked": lambda: defaults["custom"]["stacking"].update(mode="normal"),
     "fixed data source": lambda: target.update(datasource={"type": "prometheus", "uid": "P1"}),
     "no such metric": lambda: target.update(expr='rate(pgvigil_gone_total{instance=~"$instance"}'
                                                  "[$__rate_interval])"),
     "no such label": lambda: target.update(
         expr='increase(pgvigil_notifications_total{instance=~"$instance",who="x"}'
              "[$__rate_interval])"),
     "bare counter": lambda: target.update(
         expr='pgvigil_notifications_total{instance=~"$instance"}'),
     "fixed range": lambda: target.update(
         expr='rate(pgvigil_notifications_total{instance=~"$instance"}[5m])'),
     "no variable": lambda: target.update(
         expr="rate(pgvigil_notifications_total[$__rate_interval])"),
     "bad syntax": lambda: target.update(
         expr='sum by (receiver (pgvigil_outbox_messages{instance=~"$instance"})'),
     "over another": lambda: panel["gridPos"].update(y=0),
     "over the edge": lambda: panel["gridPos"].update(x=20),
     "id twice": lambda: panel.update(id=1),
     "editable": lambda: board.update(editable=True),
     "old schema": lambda: board.update(schemaVersion=38),
     "no refresh": lambda: board.update(refresh=""),
     "uid of nobody": lambda: board.update(uid="x"),
     "variable not renewed": lambda: board["templating"]["list"][1].update(refresh=1),
     "variable single": lambda: board["templating"]["list"][1].update(multi=False),
     "no source variable": lambda: board["templating"]["list"].pop(0),
     }[what]()
    return board


FAULTS = ["no unit", "unit of nobody", "no description", "no title", "no legend", "stacked",
          "fixed data source", "no such metric", "no such label", "bare counter", "fixed range",
          "no variable", "bad syntax", "over another", "over the edge", "id twice", "editable",
          "old schema", "no refresh", "uid of nobody", "variable not renewed", "variable single",
          "no source variable"]


@pytest.mark.parametrize("what", FAULTS)
def test_linter_finds(what):
    assert lint.Lint(board=damage(what)).run()


def test_linter_finds_what_is_not_used():
    board = copy.deepcopy(BOARD)
    for panel in board["panels"]:
        panel["targets"] = [t for t in panel.get("targets", [])
                            if "pgvigil_rows_scanned_total" not in t["expr"]]
    faults = lint.Lint(board=board).run()
    assert any("pgvigil_rows_scanned_total" in fault and "not excused" in fault for fault in faults)


@pytest.mark.parametrize("field, value", [
    ("alert", "PgvigilNew"), ("alert", "checkFailing"), ("expr", "pgvigil_gone > 0"),
    ("labels", {"severity": "page"}), ("annotations", {"summary": "No full stop"})])
def test_linter_finds_faults_of_alerts(field, value):
    rules = lint.Lint().rules
    rules["groups"][0]["rules"][0][field] = value
    assert lint.Lint(rules=rules).run()
