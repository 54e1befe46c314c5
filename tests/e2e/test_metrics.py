# SPDX-License-Identifier: GPL-3.0-or-later
"""What monitoring systems see of the running daemon: /metrics and the page, the groups on a real
Pushgateway, what a real Prometheus makes of them, also when the gateway is down, refuses, or when
names are hostile and columns private.
"""
import json
import re
import subprocess

import pytest
import requests

import stack
from stack import wait_for

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SCHEDULE = {"window": "5s", "delay": "0s", "every": "1s"}


def fill(database, table, columns="amount double precision", values="g.i % 7"):
    """A table with a row every 100 ms from a minute ago to ten minutes ahead."""
    database.execute(f"CREATE TABLE {table} (id bigint, at timestamptz, {columns})")
    database.execute(
        f"INSERT INTO {table} SELECT g.i, now() + (g.i - 600) * interval '100 ms', {values}"
        " FROM generate_series(1, 6600) g(i)")
    database.execute(f"CREATE INDEX ON {table} (at)")


def rule_for(table, **more):
    rule = {"version": 1, "dataset": table,
            "source": {"connection": "warehouse", "table": table, "time_column": "at",
                       "key": ["id"]},
            "schedule": SCHEDULE,
            "columns": {"amount": {"nulls": "5%", "range": {"min": 0, "max": 6}}},
            "checks": [{"volume": {"min": 10}}]}
    rule.update(more)
    return rule


def promtool(text):
    done = subprocess.run(["promtool", "check", "metrics"], input=text.encode(), check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert (done.returncode, done.stdout) == (0, b""), done.stdout.decode()


def value_of(text, series):
    """The value of the series written exactly so, or None."""
    found = re.search(r"^" + re.escape(series) + r" (\S+)$", text, re.M)
    return float(found.group(1)) if found else None


class Agent:
    """A daemon with its web server on a known port."""

    def __init__(self, pgvigil):
        self.pgvigil = pgvigil
        self.url = f"http://127.0.0.1:{stack.free_port()}"
        pgvigil.config["web"] = {"listen": self.url.removeprefix("http://")}

    def start(self):
        self.pgvigil.write()
        self.daemon = self.pgvigil.start()
        self.daemon.wait_for(self.answers, what="the web server")
        return self.daemon

    def answers(self):
        try:
            return requests.get(self.url + "/-/healthy", timeout=5).status_code == 200
        except requests.ConnectionError:
            return False

    def text(self):
        answer = requests.get(self.url + "/metrics", timeout=10)
        assert answer.status_code == 200 and answer.headers["Content-Type"] == CONTENT_TYPE
        return answer.text

    def wait_value(self, series, holds=lambda value: True, seconds=30):
        """Until the series is there and has such a value; the whole text."""
        def look():
            text = self.text()
            value = value_of(text, series)
            return text if value is not None and holds(value) else None
        return self.daemon.wait_for(look, seconds, series)


@pytest.fixture
def agent(pgvigil):
    return Agent(pgvigil)


def wait_group(gateway, labels, there=True):
    """Until exactly this group is there, or is not."""
    wait_for(lambda: (labels in gateway.groups()) == there, 30,
             f"group {labels} {'there' if there else 'gone'}: {gateway.groups()}")


def group_of(dataset):
    return {"job": "pgvigil", "instance": "test", "dataset": dataset}


OWN = {"job": "pgvigil", "instance": "test"}


# --- /metrics and the page ---------------------------------------------------------------------


def test_metrics_page(agent, database):
    fill(database, "orders")
    agent.pgvigil.rule("orders", rule_for("orders"))
    agent.start()
    text = agent.wait_value('pgvigil_dataset_rows{dataset="orders"}', lambda v: v == 50)
    labels = 'dataset="orders",rule="amount.nulls",column="amount",segment="",severity="critical"'
    assert value_of(text, f"pgvigil_check_status{{{labels}}}") == 0
    assert value_of(text, f"pgvigil_alert_state{{{labels}}}") in (0, 1)
    column = 'dataset="orders",column="amount",segment=""'
    assert value_of(text, f"pgvigil_column_min{{{column}}}") == 0
    assert value_of(text, f"pgvigil_column_max{{{column}}}") == 6
    assert 2.5 < value_of(text, f"pgvigil_column_mean{{{column}}}") < 3.5
    assert value_of(text, f"pgvigil_column_nulls_ratio{{{column}}}") == 0
    assert value_of(text, 'pgvigil_dataset_up{dataset="orders"}') == 1
    assert value_of(text, 'pgvigil_rule_file_ok{file="rules/orders.yaml"}') == 1
    assert value_of(text, "pgvigil_config_last_reload_successful") == 1
    version = agent.pgvigil.expect(0, "version").out.split()[-1]
    assert value_of(text, f'pgvigil_build_info{{version="{version}"}}') == 1
    assert value_of(text, "process_resident_memory_bytes") > 1e6
    assert not re.search(r"\bNaN\b", text)
    promtool(text)


def test_other_pages(agent, database):
    fill(database, "orders")
    agent.pgvigil.rule("orders", rule_for("orders"))
    agent.start()
    agent.daemon.wait_for(lambda: requests.get(agent.url + "/-/ready", timeout=5).ok, what="ready")
    page = requests.get(agent.url + "/", timeout=5)
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "<strong>orders</strong>" in page.text and "<script" not in page.text
    head = requests.head(agent.url + "/metrics", timeout=5)
    assert (head.status_code, head.headers["Content-Type"], head.text) == (200, CONTENT_TYPE, "")
    for path, method, status in (("/-/quit", "GET", 404), ("/metrics", "POST", 405),
                                 ("/-/reload", "PUT", 405), ("/metrics/job/x", "PUT", 405)):
        assert requests.request(method, agent.url + path, timeout=5).status_code == status


def test_not_ready_before_a_database_was_reached(agent):
    agent.pgvigil.config["connections"]["warehouse"]["conninfo"] = (
        f"host=127.0.0.1 port={stack.free_port()} dbname=nowhere")
    agent.pgvigil.rule("orders", rule_for("orders"))
    agent.start()
    ready = requests.get(agent.url + "/-/ready", timeout=5)
    assert ready.status_code == 503 and "database" in ready.text
    text = agent.wait_value('pgvigil_dataset_up{dataset="orders"}', lambda v: v == 0)
    assert value_of(text, 'pgvigil_cycle_failures_total{dataset="orders"}') >= 1
    assert agent.answers()


def test_what_a_restart_keeps(agent, database):
    """Results, states and counts are there before any cycle of the new process."""
    fill(database, "orders")
    agent.pgvigil.rule("orders", rule_for("orders", schedule={
        "window": "10s", "delay": "0s", "every": "1s"}))
    agent.start()
    agent.wait_value('pgvigil_dataset_rows{dataset="orders"}', lambda v: v > 0)
    before = agent.wait_value('pgvigil_cycles_total{dataset="orders"}', lambda v: v >= 3)
    agent.daemon.stop()
    database.execute("ALTER TABLE orders RENAME TO elsewhere")  # nothing new can be read
    agent.start()
    after = agent.text()
    labels = 'dataset="orders",rule="amount.nulls",column="amount",segment="",severity="critical"'
    for series in (f"pgvigil_check_status{{{labels}}}", 'pgvigil_dataset_rows{dataset="orders"}',
                   'pgvigil_dataset_window_end_timestamp_seconds{dataset="orders"}'):
        assert value_of(after, series) is not None, series
        assert value_of(after, series) >= value_of(before, series), series
    assert value_of(after, 'pgvigil_cycles_total{dataset="orders"}') >= value_of(
        before, 'pgvigil_cycles_total{dataset="orders"}')
    assert value_of(after, 'pgvigil_dataset_interval_seconds{dataset="orders"}') == 1


# --- the Pushgateway ---------------------------------------------------------------------------


@pytest.mark.parametrize("always", [False, True])
def test_dataset_series_are_in_one_place(agent, database, pushgateway, always):
    fill(database, "orders")
    agent.pgvigil.config["pushgateway"] = {"url": pushgateway.url}
    if always:
        agent.pgvigil.config["web"]["datasets"] = "always"
    agent.pgvigil.rule("orders", rule_for("orders"))
    agent.start()
    wait_group(pushgateway, group_of("orders"))
    wait_group(pushgateway, OWN)
    text = agent.wait_value("pgvigil_pushes_total", lambda v: v >= 2)
    assert ('pgvigil_dataset_up{dataset="orders"}' in text) == always
    assert "pgvigil_build_info" in text
    pushed = pushgateway.text()
    up = 'pgvigil_dataset_up{dataset="orders",instance="test",job="pgvigil"}'
    assert value_of(pushed, up) == 1
    assert 'pgvigil_build_info{instance="test",job="pgvigil"' in pushed
    assert value_of(text, "pgvigil_push_failures_total") == 0
    promtool(pushed)


def test_retired_datasets_leave_the_gateway(agent, database, pushgateway):
    for table in ("a", "b", "c"):
        fill(database, table)
        agent.pgvigil.rule(table, rule_for(table))
    agent.pgvigil.config["pushgateway"] = {"url": pushgateway.url}
    agent.start()
    for table in ("a", "b", "c"):
        wait_group(pushgateway, group_of(table))
    (agent.pgvigil.rules / "a.yaml").unlink()
    agent.daemon.reload()
    wait_group(pushgateway, group_of("a"), there=False)
    agent.daemon.stop()
    (agent.pgvigil.rules / "b.yaml").unlink()  # while it is down
    agent.start()
    wait_group(pushgateway, group_of("b"), there=False)
    wait_group(pushgateway, group_of("c"))


def test_job_names_with_slashes(agent, database, pushgateway):
    fill(database, "orders")
    agent.pgvigil.config["pushgateway"] = {"url": pushgateway.url, "job": "team/watch"}
    agent.pgvigil.rule("orders", rule_for("orders"))
    agent.start()
    wait_group(pushgateway, {**group_of("orders"), "job": "team/watch"})


@pytest.mark.parametrize("gateway", ["down", "hangs", "fails"])
def test_a_broken_gateway_delays_nothing(agent, database, receiver, gateway):
    """Cycles go on at their pace, and /metrics says that the pushes fail."""
    rules = {"down": [], "hangs": [{"path": "/metrics", "times": -1, "action": "hang",
                                    "seconds": 60}],
             "fails": [{"path": "/metrics", "times": -1, "status": 503}]}[gateway]
    url = (f"http://127.0.0.1:{stack.free_port()}" if gateway == "down" else
           receiver("--rules", json.dumps(rules)).url)
    fill(database, "orders")
    agent.pgvigil.config["pushgateway"] = {"url": url, "timeout": "2s"}
    agent.pgvigil.config["web"]["datasets"] = "always"
    agent.pgvigil.rule("orders", rule_for("orders"))
    agent.start()
    text = agent.wait_value('pgvigil_cycles_total{dataset="orders"}', lambda v: v >= 6)
    assert value_of(text, 'pgvigil_ticks_skipped_total{dataset="orders"}') <= 2
    assert value_of(text, 'pgvigil_dataset_up{dataset="orders"}') == 1
    agent.wait_value("pgvigil_push_failures_total", lambda v: v >= 1)
    assert agent.daemon.stop() == 0


def test_one_rejected_family_leaves_the_others(agent, database, pushgateway):
    """Somebody else has pushed one of our names with another type."""
    foreign = b"# TYPE pgvigil_column_mean counter\npgvigil_column_mean 1\n"
    answer = requests.put(pushgateway.url + "/metrics/job/foreign", data=foreign, timeout=5)
    assert answer.status_code == 200
    fill(database, "orders")
    agent.pgvigil.config["pushgateway"] = {"url": pushgateway.url}
    agent.pgvigil.rule("orders", rule_for("orders"))
    agent.start()
    agent.wait_value("pgvigil_push_rejected_families", lambda v: v == 1)
    wait_group(pushgateway, group_of("orders"))
    series = 'pgvigil_dataset_rows{dataset="orders",instance="test",job="pgvigil"}'
    wait_for(lambda: value_of(pushgateway.text(), series) == 50, 20, series)
    assert "pgvigil_column_stddev" in pushgateway.text()
    assert pushgateway.text().count("pgvigil_column_mean{") == 1  # the foreign one
    agent.daemon.wait_log(r"rejects a family.*family=pgvigil_column_mean")


# --- names and secrets -------------------------------------------------------------------------

HOSTILE = ['quote"} 1', "back\\slash", "line\nfeed", "<!channel>", "Straße 🚀", "a,b=c{d}"]


def test_hostile_names_reach_prometheus_whole(agent, database, pushgateway, prometheus):
    columns = ", ".join('"' + name.replace('"', '""') + '" int' for name in HOSTILE)
    fill(database, "hostile", columns, ", ".join(["1"] * len(HOSTILE)))
    agent.pgvigil.config["pushgateway"] = {"url": pushgateway.url}
    agent.pgvigil.rule("hostile", rule_for("hostile", dataset="odd.name-1",
                                           columns={name: {"nulls": 0} for name in HOSTILE}))
    agent.start()
    wait_group(pushgateway, group_of("odd.name-1"))
    server = prometheus([pushgateway.url])
    expression = 'pgvigil_column_max{dataset="odd.name-1"}'
    server.wait_series(f"count({expression}) >= {len(HOSTILE)}")
    found = {metric["column"] for metric, value in server.query(expression) if value == 1}
    assert found == set(HOSTILE)


def test_private_columns_show_no_value(agent, database):
    """No end of the range of a private column, nothing of the key; others are shown."""
    fill(database, "people", "salary double precision, age double precision",
         "48151623 + g.i % 3, 42")
    agent.pgvigil.rule("people", rule_for("people", columns={
        "salary": {"private": True, "nulls": 0, "range": {"min": 0, "max": 48151624}},
        "age": {"nulls": 0}}))
    agent.start()
    text = agent.wait_value('pgvigil_dataset_rows{dataset="people"}', lambda v: v == 50)
    assert value_of(text, 'pgvigil_column_max{dataset="people",column="age",segment=""}') == 42
    shown = set(re.findall(r'pgvigil_column_(?:min|max)\{dataset="people",column="(\w+)"', text))
    assert shown == {"age"}
    mean = value_of(text, 'pgvigil_column_mean{dataset="people",column="salary",segment=""}')
    assert 48151623 < mean < 48151625  # of fifty rows
    page = requests.get(agent.url + "/", timeout=5).text
    assert "48151625" not in page and "48151625" not in text
