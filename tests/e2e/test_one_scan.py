# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever checks of rows and columns a dataset has, a cycle reads its rows once: 40 rules over 15
columns, and 60 over 20, counted by pg_stat_statements. What needs a statement of its own has one at
most. Conditions that the server cannot evaluate are found by
`validate --connect`, and cost a second look at most.
"""
import re

import pytest

import stack

NEWEST = "SELECT (SELECT ("  # the newest row and those without a proper time: at each tick
LATE = "SELECT pg_catalo"    # count(*) of the window before, once it is committed
SETUP = """
CREATE EXTENSION pg_stat_statements;
CREATE SCHEMA wide;
CREATE TABLE wide.orders (
    id int PRIMARY KEY, at timestamptz NOT NULL, placed timestamptz, due date, mail text, name text,
    country char(2), address text, iban text, amount float8, tax numeric, pieces int, score real,
    gift bool, note text);
CREATE INDEX ON wide.orders (at);
INSERT INTO wide.orders SELECT i, timestamptz '2024-01-01 00:00Z' + i * interval '1 minute',
    timestamptz '2024-01-01 00:00Z' + (i - 1 - i % 7) * interval '1 minute', date '2024-01-01',
    'm' || i || '@example.org', 'Name ' || i, 'DE', '10.0.0.' || i % 256, 'DE89370400440532013000',
    i, i * 0.19, 1 + i % 3, 0.5, i % 2 = 0, CASE WHEN i % 100 = 0 THEN ' ' ELSE 'x' END
    FROM generate_series(1, 4319) i;
"""
RULES = """
version: 1
dataset: orders
source: {connection: warehouse, table: wide.orders, time_column: at, key: [id]}
schedule: {window: 1d, every: 1h, catch_up: 7d}
columns:
  id: {range: {min: 1}, zero: 0}
  placed: {future: {ahead: 1h}, nulls: 0, range: {min: "2023-12-31"}}
  due: {future: {ahead: 1d}, nulls: 0}
  mail:
    blank: 0
    format: email
    length: {min: 3, max: 80}
    pattern: [{regex: '@example[.]org$'}, {regex: '\\s', not: true, id: no-space}]
  name:
    blank: 0
    length: {max: 40, warn: {max: 30}}
    forbidden: [N/A, unknown]
    pattern: {regex: '^name \\d+$', case_insensitive: true}
  country: {allowed: [DE, FR], format: country2, length: {min: 2, max: 2}}
  address: {format: ip, pattern: {regex: '^10[.]', where: "gift"}}
  iban: {format: {is: iban, where: "country = 'DE'"}, nulls: 0}
  amount: {negative: 0, nan: 0, zero: 1%, range: {min: 0, max: 10000}}
  tax: {negative: {where: "amount > 0"}, nan: 0}
  pieces: {allowed: [1, 2, 3], zero: 0}
  score: {range: {min: 0, max: 1}, nan: {where: "gift"}}
  gift: {nulls: 0}
  note: {blank: {fail: 10%, where: "NOT gift"}, forbidden: [-]}
checks:
  - condition: tax <= amount
  - condition: {holds: "gift OR pieces > 0", id: pieces-of-gifts, nulls: fail}
  - delay: {from: placed, most: 10m}
  - delay: {from: placed, most: 5m, fail: 50%, where: "gift", id: delay-of-gifts}
"""


@pytest.fixture(scope="module")
def counting():
    """A server that counts statements; nobody else is on it."""
    made = stack.Cluster(shared_preload_libraries="pg_stat_statements")
    yield made
    made.remove()


@pytest.fixture
def orders(counting, folder):
    database = counting.create("orders", "TEMPLATE template0")
    database.execute(SETUP)
    agent = stack.Pgvigil(folder / "agent", database.conninfo)
    agent.rule("orders", RULES)
    yield agent, database
    agent.close()
    database.close()
    counting.drop("orders")


def statements(database):
    """(scans, others) since the last call: how many COPY of the table's rows were run, and the
    beginnings of the other statements that name the table."""
    found = database.query("SELECT query, calls FROM pg_stat_statements"
                           " WHERE query LIKE '%\"orders\"%' AND query NOT LIKE '%statements%'")
    database.execute("SELECT pg_stat_statements_reset()")
    scans = [calls for sql, calls in found if sql.startswith("COPY (SELECT")]
    return sum(scans), {sql[:16] for sql, _ in found if not sql.startswith("COPY (SELECT")}


def test_forty_rules_are_one_statement(orders):
    agent, database = orders
    statements(database)
    for day in (2, 3):
        dataset, = agent.check("--at", f"2024-01-0{day}T01:00:00Z")["datasets"]
        rules = [r for r in dataset["results"] if r["check"] not in ("reach", "judged", "schema")]
        assert len(rules) == 40
        assert len({r["column"] for r in rules if r["column"]}) == 14  # and the time column
        assert {r["rule"]: r["verdict"] for r in rules if r["verdict"] != "pass"} == {}, rules
        assert dataset["rows"] == 1439 + (day == 3)
        assert statements(database) == (1, {NEWEST})


def test_committed_windows_are_one_scan_each(orders):
    """Beside it only the window before is counted again, for rows that came late."""
    agent, database = orders
    statements(database)
    agent.expect(0, "run", "--from", "2024-01-01", "--until", "2024-01-04T01:00:00Z",
                 "--state", "replay.db")
    assert statements(database) == (3, {NEWEST, LATE})


BESIDE = {
    "unique": "columns: {id: {unique: 0}}", "duplicates": "checks: [duplicates: {except: [id]}]",
    "lookup": "columns: {country: {lookup: {table: bench.countries, columns: [code]}}}",
    "gaps": "checks: [gaps: 1h]",
    "failing": "checks: [failing: SELECT id FROM :table WHERE id < 0]",
    "metric": "checks: [metric: {sql: SELECT count(*) FROM :table, min: 1}]",
    "sequence": "columns: {id: {sequence: 0}}", "freshness": "checks: [freshness: 520w]",
    "compare": "checks: [compare: {with: bench.wide_reference, what: keys, fail: 100%}]"}


@pytest.fixture
def wide(counting, folder):
    """The table of the benchmark, 20 columns, with 3000 rows in one hour, and its 60 rules."""
    database = counting.create("wide", "TEMPLATE template0")
    database.psql((stack.ROOT / "tests/bench/wide.sql").read_text())
    database.execute("CREATE EXTENSION pg_stat_statements; CREATE INDEX ON bench.wide (at)")
    database.execute("SELECT bench.fill_wide('bench.wide_reference', 1, 5000, 0.1, 0),"
                     " bench.fill_wide('bench.wide', 1, 3000, 0.2, 0)")
    agent = stack.Pgvigil(folder / "wide", database.conninfo)
    agent.config["connections"]["bench"] = {"conninfo": database.conninfo}
    agent.write()
    yield agent, database
    agent.close()
    database.close()
    counting.drop("wide")


def data_statements(database):
    """{beginning: calls} of the statements that read rows of bench.wide, since the last call."""
    found = database.query("SELECT query, calls FROM pg_stat_statements WHERE query ~"
                           " '\"bench\"[.]\"wide\"' AND query !~ 'statements|EXPLAIN'")
    database.execute("SELECT pg_stat_statements_reset()")
    return {sql: calls for sql, calls in found}


def test_sixty_rules_over_twenty_columns_are_one_statement(wide):
    agent, database = wide
    text = (stack.ROOT / "tests/bench/wide.yaml").read_text()
    agent.rule("wide", text)
    agent.expect(0, "reference", "capture", "wide")
    data_statements(database)
    dataset, = agent.check("wide")["datasets"]
    rules = [r for r in dataset["results"] if r["check"] not in ("reach", "judged", "schema")]
    assert len(rules) == 60 and dataset["rows"] == 3000
    assert not [r for r in rules if r["verdict"] in ("unknown", "nodata")], rules
    statements = data_statements(database)
    assert list(statements.values()) == [1], statements
    (scan,) = statements
    columns = database.query("SELECT attname FROM pg_attribute WHERE attnum > 0 AND attrelid ="
                             " 'bench.wide'::regclass")
    assert len(columns) == 20 and all(f'"{name}"' in scan for (name,) in columns)


@pytest.mark.parametrize("check", BESIDE)
def test_a_statement_of_its_own_is_one_at_most(wide, check):
    """Beside the one scan, and beside the newest row that each cycle asks for."""
    agent, database = wide
    head = "version: 1\ndataset: d\nsource: {connection: bench, table: bench.wide,"
    head += " time_column: at, key: [id]}\nschedule: {window: 1h}\n"
    agent.rule("d", head + "columns: {score: {nulls: 5%}}\n")
    at = ("--at", "2024-01-01T01:10:00Z")
    data_statements(database)
    agent.check("d", *at)
    without = sum(data_statements(database).values())
    agent.rule("d", head + BESIDE[check] + "\n" + (
        "columns: {score: {nulls: 5%}}\n" if BESIDE[check].startswith("checks") else ""))
    dataset, = agent.check("d", *at)["datasets"]
    result, = [r for r in dataset["results"] if r["check"] == check]
    assert result["verdict"] in ("pass", "fail"), result
    statements = data_statements(database)
    assert sum(statements.values()) <= without + 1, statements


@pytest.mark.parametrize("check,words", [
    ("  - condition: no_such_column = 1", "no_such_column"),
    ("  - condition: pieces + 1", "must be type boolean"),
    ("  - condition: pieces = 'many'", "invalid input syntax for type integer"),
    ("columns: {mail: {pattern: '^(a'}}", "invalid regular expression"),
    ("columns: {mail: {pattern: {regex: '[b-a]', not: true}}}", "invalid regular expression"),
    ("  - delay: {from: mail, most: 1h}", "delay does not fit column mail of type text"),
    ("  - delay: {from: gone, most: 1h}", "column gone does not exist"),
])
@pytest.mark.parametrize("rows", ["some", "none"])
def test_faults_of_conditions_are_found_by_validate(orders, check, words, rows):
    """And the other rules go on: the rule at fault is unknown, the window is judged."""
    agent, database = orders
    if rows == "none":
        database.execute("DELETE FROM wide.orders WHERE id > 1; UPDATE wide.orders SET mail = NULL")
    head = RULES[:RULES.index("columns:")]
    columns = check if check.startswith("columns:") else f"checks:\n{check}"
    more = "checks:\n" if check.startswith("columns:") else ""
    agent.rule("orders", f"{head}{columns}\n{more}  - volume: {{min: 1}}\n")
    result = agent.expect(78, "validate", "--connect")
    assert words in result.err and re.search(r"orders\.yaml:[67]:", result.err), result
    dataset, = agent.check("--at", "2024-01-02T01:00:00Z")["datasets"]
    found = {r["check"]: r for r in dataset["results"]}
    broken, = [r for name, r in found.items() if name in ("condition", "pattern", "delay")]
    assert broken["verdict"] == "unknown"
    assert found["volume"]["verdict"] == "pass", dataset
