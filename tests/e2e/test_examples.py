# SPDX-License-Identifier: GPL-3.0-or-later
"""The example rule files of rules/examples on tables of their shape: all rules pass where the rows
are clean, and of each fault put in exactly the rules that are meant to find it fail.
"""
import json
import shutil
import sqlite3

import jsonschema
import pytest
import yaml

import stack
from stack import ROOT

HOUR, DAY = "2024-03-08T11:10:00Z", "2024-03-08T04:00:00Z"  # when hours, when days are judged
FAIL = 4  # as the store has it
NOW = "timestamptz '2024-03-08 10:30Z'"                     # in the hour that is judged

# Fractions of multiples of irrational numbers are evenly spread, and always the same.
EVEN = "(i * 0.6180339887498949) % 1"
OTHER = "(i * 0.4142135623730951) % 1"

PREDICTIONS = f"""
CREATE SCHEMA ml;
CREATE TABLE ml.prediction_log (
    request_id bigint PRIMARY KEY, logged_at timestamptz NOT NULL, payload jsonb);
CREATE INDEX ON ml.prediction_log (logged_at);
INSERT INTO ml.prediction_log
SELECT i, at, jsonb_build_object(
    'model_version', CASE WHEN i % 10 = 0 THEN 'churn-8' ELSE 'churn-7' END, 'score', score,
    'churns', score >= 0.5, 'answered_at', at - interval '1 second',
    'features', jsonb_build_object('monthly_fee', round((500 * {OTHER})::numeric, 2),
                                   'plan', (ARRAY['basic', 'plus', 'family'])[1 + i % 3]))
FROM (SELECT i, timestamptz '2024-02-27 00:00Z' + i * interval '15 seconds' AS at,
             round(({EVEN})::numeric, 4) AS score
      FROM generate_series(0, 60240) AS i) AS made;
"""
EVENTS = f"""
CREATE SCHEMA app;
CREATE TABLE app.events (
    event_id bigint PRIMARY KEY, at timestamptz NOT NULL, received_at timestamptz NOT NULL,
    user_id bigint, kind text NOT NULL, amount numeric(10, 2));
CREATE INDEX ON app.events (at);
INSERT INTO app.events
SELECT i, at, at + interval '2 seconds', CASE WHEN i % 100 = 0 THEN NULL ELSE i % 977 END,
       CASE WHEN i % 10 = 0 THEN 'purchase' WHEN i % 3 = 0 THEN 'cart' ELSE 'view' END,
       CASE WHEN i % 10 = 0 THEN round((1 + 100 * {EVEN})::numeric, 2) END
FROM (SELECT i, timestamptz '2024-03-01 00:00Z' + i * interval '18 seconds' AS at
      FROM generate_series(0, 35833) AS i) AS made;
"""
HISTORY = """
CREATE SCHEMA dw;
CREATE TABLE dw.customer_history (
    customer_id bigint NOT NULL, country text NOT NULL, segment text NOT NULL,
    valid_from date NOT NULL, valid_to date);
INSERT INTO dw.customer_history
SELECT c, (ARRAY['DE', 'FR', 'IT'])[1 + c % 3],
       (ARRAY['consumer', 'consumer', 'small-business', 'enterprise'])[1 + (c + v) % 4],
       date '2023-01-01' + 100 * v, CASE WHEN v < 2 THEN date '2023-01-01' + 100 * (v + 1) END
FROM generate_series(1, 1000) AS c, generate_series(0, 2) AS v;
"""
FEATURES = f"""
CREATE SCHEMA ml;
CREATE TABLE ml.customer_features (
    customer_id bigint NOT NULL, feature_time timestamptz NOT NULL, created_at timestamptz NOT NULL,
    orders_30d integer NOT NULL, spend_30d numeric(12, 2), days_since_login float8,
    country text NOT NULL, PRIMARY KEY (customer_id, feature_time));
CREATE INDEX ON ml.customer_features (feature_time);
INSERT INTO ml.customer_features
SELECT c, at, date_trunc('day', at) + interval '26 hours', orders,
       CASE WHEN orders > 0 THEN round((orders * (5 + 40 * {OTHER}))::numeric, 2) END,
       CASE WHEN c % 50 = 0 THEN NULL ELSE 60 * {EVEN} END,
       (ARRAY['DE', 'DE', 'FR', 'IT'])[1 + c % 4]
FROM (SELECT c, d * 2000 + c AS i,
             timestamptz '2024-02-23 00:00Z' + d * interval '1 day' + c * interval '40 s' AS at,
             CASE WHEN c % 100 = 0 THEN 0
                  ELSE 1 + floor(20 * (((d * 2000 + c) * 0.7320508) % 1)) END AS orders
      FROM generate_series(0, 13) AS d, generate_series(1, 2000) AS c) AS made;
"""

TODAY = "logged_at > '2024-03-08Z'"
RECENT = f"at >= {NOW} - interval '30 minutes'"
SCORED = f"logged_at >= {NOW} - interval '30 minutes' AND request_id % 10 = 3"
LAST = "feature_time >= '2024-03-07Z'"


def set_json(path, value, where=SCORED):
    return (f"UPDATE ml.prediction_log SET payload = jsonb_set(payload, '{{{path}}}',"
            f" {value}) WHERE {where}")


# name: what it is made from, when it is judged, and {fault: (rules that fail, SQL)}
EXAMPLES = {
    "jsonb_prediction_log": (PREDICTIONS, HOUR, {
        "a text where a number should be":
            ({"score.cast"}, set_json("score", "'\"n/a\"'")),
        "an unknown version":
            ({"model_version.allowed"}, set_json("model_version", "'\"churn-9\"'")),
        "no score":
            ({"score.nulls"}, set_json("score", "'null'")),
        "scores in percent":
            ({"score.range", "decided-at-a-half"},
             set_json("score", "to_jsonb((payload->>'score')::float8 * 100)")),
        "scores drift":
            ({"score.drift.ks"},
             set_json("score", "to_jsonb((payload->>'score')::float8 ^ 3)", TODAY) + ";"
             + set_json("churns", "to_jsonb((payload->>'score')::float8 >= 0.5)", TODAY)),
        "a feature is lost":
            ({"monthly_fee.nulls"}, "UPDATE ml.prediction_log SET payload = payload #-"
                                    f" '{{features,monthly_fee}}' WHERE {SCORED}"),
        "a new plan":
            ({"plan.categories"}, set_json("features,plan", "'\"gold\"'")),
        "a decision against the score":
            ({"decided-at-a-half"}, set_json("churns", "'true'",
             "(payload->>'score')::float8 < 0.5 AND " + SCORED)),
        "logged late":
            ({"logged-soon"}, set_json("answered_at", "to_jsonb(logged_at - interval '1 hour')")),
        "the feed is dead":
            ({"freshness"}, "DELETE FROM ml.prediction_log WHERE logged_at > '2024-03-08 09:00Z'"),
    }),
    "event_table": (EVENTS, HOUR, {
        "delivered twice":
            ({"duplicates"}, "INSERT INTO app.events SELECT event_id + 100000, at, received_at +"
             " interval '5 s', user_id, kind, amount FROM app.events WHERE event_id % 10 = 3 AND"
             f" {RECENT}"),
        "a number twice":
            ({"event_id.unique", "schema"},
             "ALTER TABLE app.events DROP CONSTRAINT events_pkey; UPDATE app.events SET event_id ="
             f" event_id - 1 WHERE event_id % 10 = 3 AND {RECENT}"),
        "the consumer stood still":
            ({"gaps"}, "DELETE FROM app.events WHERE at >= '2024-03-08 10:25Z' AND at <"
                       " '2024-03-08 10:35Z'"),
        "received late":
            ({"delay"}, "UPDATE app.events SET received_at = at + interval '20 minutes' WHERE"
                        f" event_id % 10 = 3 AND {RECENT}"),
        "half of last week's hour":
            ({"volume_change"}, f"DELETE FROM app.events WHERE event_id % 3 > 0 AND {RECENT}"),
        "an amount of what is no purchase":
            ({"only-purchases-have-amounts"},
             f"UPDATE app.events SET amount = 5 WHERE event_id % 10 = 3 AND {RECENT}"),
        "a purchase without its amount":
            ({"amount.nulls"}, "UPDATE app.events SET amount = NULL WHERE event_id = 35650"),
        "users are lost":
            ({"user_id.nulls"},
             f"UPDATE app.events SET user_id = NULL WHERE event_id % 5 = 3 AND {RECENT}"),
    }),
    "slowly_changing_dimension": (HISTORY, None, {
        "two current rows":
            ({"one-current-row", "no-overlap"},
             "UPDATE dw.customer_history SET valid_to = NULL WHERE customer_id = 7 AND"
             " valid_from = '2023-04-11'"),
        "no current row":
            ({"somebody-current"}, "UPDATE dw.customer_history SET valid_to = '2024-01-01' WHERE"
                                   " customer_id = 7 AND valid_to IS NULL"),
        "an overlap":
            ({"no-overlap"}, "UPDATE dw.customer_history SET valid_to = valid_to + 5 WHERE"
                             " customer_id = 7 AND valid_from = '2023-01-01'"),
        "a hole":
            ({"no-hole"}, "UPDATE dw.customer_history SET valid_to = valid_to - 5 WHERE"
                          " customer_id = 7 AND valid_from = '2023-01-01'"),
        "a load that ran twice":
            ({"unique", "one-current-row", "no-overlap"},
             "INSERT INTO dw.customer_history SELECT * FROM dw.customer_history"
             " WHERE customer_id < 9"),
        "an end before the beginning":
            ({"ends-after-it-begins", "no-hole"},
             "UPDATE dw.customer_history SET valid_to = valid_from - 1 WHERE customer_id = 7 AND"
             " valid_from = '2023-01-01'"),
        "segments drift":
            ({"segment.drift.psi"}, "UPDATE dw.customer_history SET segment = 'enterprise' WHERE"
                                    " customer_id % 2 = 0"),
    }),
    "offline_features": (FEATURES, DAY, {
        "a batch that ran twice":
            ({"unique", "schema"},
             "ALTER TABLE ml.customer_features DROP CONSTRAINT customer_features_pkey; INSERT INTO"
             f" ml.customer_features SELECT * FROM ml.customer_features WHERE {LAST} AND"
             " customer_id < 100"),
        "half a batch":
            ({"volume_change"},
             f"DELETE FROM ml.customer_features WHERE {LAST} AND customer_id % 2 = 1"),
        "no batch":
            ({"freshness"},
             "DELETE FROM ml.customer_features WHERE feature_time >= '2024-03-06 12:00Z'"),
        "missing spend filled with 0":
            ({"spend_30d.zero"}, "UPDATE ml.customer_features SET spend_30d = 0 WHERE"
                                 f" {LAST} AND customer_id % 10 = 3"),
        "orders drift":
            ({"orders_30d.drift.ks"}, "UPDATE ml.customer_features SET orders_30d = orders_30d + 6"
                                      f" WHERE {LAST} AND orders_30d > 0"),
        "yesterday's values once more":
            ({"days_since_login.stuck"},
             "UPDATE ml.customer_features f SET days_since_login = b.days_since_login FROM"
             f" ml.customer_features b WHERE f.{LAST} AND b.customer_id = f.customer_id AND"
             " b.feature_time = f.feature_time - interval '1 day'"),
        "spend without orders":
            ({"spends-what-it-orders"}, "UPDATE ml.customer_features SET orders_30d = 0 WHERE"
                                        f" {LAST} AND customer_id % 20 = 3"),
        "a new country":
            ({"country.categories"}, "UPDATE ml.customer_features SET country = 'ES' WHERE"
                                     f" {LAST} AND customer_id % 20 = 3"),
    }),
}
# What comes before: a reference, the same hour of last week, the day before.
LEARNS = {
    "jsonb_prediction_log": ("reference", "capture"),
    "event_table": ("run", "--from", "2024-03-01T10:00Z", "--until", "2024-03-01T11:06Z"),
    "slowly_changing_dimension": ("reference", "capture"),
    "offline_features": ("run", "--from", "2024-03-06", "--until", "2024-03-07T03:00Z"),
}
CASES = [pytest.param(name, fault, id=f"{name}: {fault or 'clean'}")
         for name, (_, _, faults) in EXAMPLES.items() for fault in [None, *faults]]


class World:
    """A database for each shape with its clean rows; reference and history in one state file."""

    def __init__(self, cluster, folder):
        self.cluster, self.folder, self.agents = cluster, folder, {}

    def agent(self, name):
        """The agent that has captured and judged what was before, made when first asked for."""
        if name not in self.agents:
            sql, *_ = EXAMPLES[name]
            database = self.cluster.create(f"example_{name}", "TEMPLATE template0")
            database.execute(sql)
            agent = stack.Pgvigil(self.folder / name, database.conninfo)
            agent.rule(name, (ROOT / f"rules/examples/{name}.yaml").read_text())
            agent.expect(0, "validate", "--connect")
            agent.expect(0, *LEARNS[name], "--state", "learnt.db")
            database.close()
            self.agents[name] = agent
        return self.agents[name]

    def close(self):
        for name, agent in self.agents.items():
            agent.close()
            self.cluster.drop(f"example_{name}")


@pytest.fixture(scope="module")
def world(cluster, tmp_path_factory):
    made = World(cluster, tmp_path_factory.mktemp("examples"))
    yield made
    made.close()


@pytest.mark.xdist_group("examples")
@pytest.mark.parametrize("name, fault", CASES)
def test_example(world, tmp_path, name, fault):
    learnt = world.agent(name)
    _, at, faults = EXAMPLES[name]
    wanted, sql = faults[fault] if fault else (set(), "SELECT 1")
    database = world.cluster.create("example", f"TEMPLATE example_{name} STRATEGY file_copy")
    try:
        database.execute(sql)
        agent = stack.Pgvigil(tmp_path / "agent", database.conninfo)
        agent.rule(name, (ROOT / f"rules/examples/{name}.yaml").read_text())
        shutil.copy(learnt.folder / "learnt.db", agent.folder / "learnt.db")
        options = ["--at", at] if at else []
        dataset, = agent.check("--state", agent.folder / "learnt.db", *options)["datasets"]
        agent.close()
    finally:
        database.close()
        world.cluster.drop("example")
    assert "error" not in dataset, dataset
    # The agent was off between the past and now, which `judged` does not like.
    results = {r["rule"]: r for r in dataset["results"] if r["rule"] != "judged"}
    failed = {rule for rule, r in results.items() if r["verdict"] == "fail"}
    blind = {rule: r["why"] for rule, r in results.items() if r["verdict"] in ("unknown", "nodata")}
    assert failed == wanted, {rule: results[rule]["why"] for rule in failed | wanted}
    # Only what is read again has no verdict before that; without rows more has none.
    assert fault in ("the feed is dead", "no batch") or set(blind) <= {"late_rows"}, blind


@pytest.mark.xdist_group("examples")
def test_late_events(cluster, tmp_path):
    """The hour is read again an hour after it was judged, and what came meanwhile is told."""
    database = cluster.create("example_late", "TEMPLATE template0")
    try:
        database.execute(EVENTS)
        agent = stack.Pgvigil(tmp_path / "agent", database.conninfo)
        agent.rule("events", (ROOT / "rules/examples/event_table.yaml").read_text())
        for until, extra in (("08:10", 0), ("10:10", 12)):
            if extra:
                database.execute(
                    "INSERT INTO app.events SELECT 200000 + i, timestamptz '2024-03-08 07:30Z' + i"
                    " * interval '7 s', '2024-03-08 09:00Z', i, 'view'"
                    f" FROM generate_series(1, {extra}) AS i")
            agent.expect(0, "run", "--from", "2024-03-08T07:00:00Z", "--until",
                         f"2024-03-08T{until}:00Z", "--state", "late.db")
        with sqlite3.connect(f"file:{agent.folder / 'late.db'}?mode=ro", uri=True) as state:
            told = state.execute("SELECT verdict, why FROM result WHERE rule = 'late_rows'"
                                 " ORDER BY window_start_us").fetchall()
        agent.close()
    finally:
        database.close()
        cluster.drop("example_late")
    failed, why = told[0]
    assert failed == FAIL and "12 added of 200 rows" in why, told
    assert all(verdict != FAIL for verdict, _ in told[1:]), told


@pytest.mark.parametrize("name", EXAMPLES)
def test_schema(name):
    """Editors find nothing to complain of."""
    schema = json.loads((ROOT / "rules/rule-file.schema.json").read_text())
    content = yaml.safe_load((ROOT / f"rules/examples/{name}.yaml").read_text())
    assert not list(jsonschema.Draft7Validator(schema).iter_errors(content))
