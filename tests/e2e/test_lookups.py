# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks with statements of their own: two connections, what a bad one costs, and what `explain`
and `validate --connect` say of them."""
import itertools
import re

import pytest

OURS = """
CREATE SCHEMA f;
CREATE TABLE f.rides (id int PRIMARY KEY, driver int, city text, rate float8, paid numeric(8,2),
                      seen timestamptz, extra jsonb, at timestamptz NOT NULL);
CREATE INDEX ON f.rides (at);
INSERT INTO f.rides
  SELECT g, g % 40, 'c''' || g % 3, g / 7.0, g, '2024-01-01Z'::timestamptz + g * interval '1 s',
         jsonb_build_object('g', g), '2024-01-01Z'::timestamptz + g * interval '1 minute'
  FROM generate_series(1, 1000) AS g;
"""
THEIRS = """
CREATE SCHEMA g;
CREATE TABLE g.drivers (driver bigint, city text);
INSERT INTO g.drivers SELECT d, 'c''' || c
  FROM generate_series(0, 38) AS d, generate_series(0, 2) AS c;
CREATE TABLE g.rides (id int, driver int, city text, rate float8, paid numeric(8,2),
                      seen timestamptz, extra jsonb);
INSERT INTO g.rides
  SELECT g, g % 40, 'c''' || g % 3, g / 7.0 + 1e-7, g,
         '2024-01-01Z'::timestamptz + g * interval '1 s',
         jsonb_build_object('g', g)
  FROM generate_series(1, 1000) AS g;
"""
names = itertools.count(1)


@pytest.fixture
def two(cluster, pgvigil, database):
    """An agent with `warehouse` and `online`: two databases."""
    other = cluster.create(f"online{next(names)}", "TEMPLATE template0")
    database.execute(OURS)
    other.execute(THEIRS)
    pgvigil.config["connections"]["online"] = {"conninfo": other.conninfo}
    pgvigil.config["connections"]["gone"] = {"conninfo": "host=127.0.0.1 port=1 dbname=x"}
    pgvigil.write()
    pgvigil.other = other
    yield pgvigil
    other.close()
    cluster.drop(other.name)


def write(agent, checks, columns=None, **more):
    agent.rule("d", {"version": 1, "dataset": "d", "schedule": {"window": "1d"},
                     "source": {"connection": "warehouse", "table": "f.rides", "time_column": "at",
                                "key": ["id"], **more.pop("source", {})},
                     "private_keys": False, "columns": columns or {}, "checks": checks, **more})


def results(agent):
    dataset, = agent.check("d", "--at", "2024-01-02T01:00:00Z")["datasets"]
    assert "error" not in dataset, dataset
    return {r["rule"]: r for r in dataset["results"]}


def test_lookup_on_another_connection(two):
    there = {"connection": "online", "table": "g.drivers"}
    write(two, [{"lookup": {"own": ["driver", "city"], **there}},
                {"lookup": {"id": "too-many", "own": ["id"], "columns": ["driver"], **there}}],
          {"driver": {"lookup": {**there, "where": "driver >= 0"}},
           "city": {"lookup": {"id": "city", **there}},
           "seen": {"lookup": {"id": "typed", "connection": "online", "table": "g.rides"}},
           "rate": {"lookup": {"id": "never", **there, "columns": ["driver"], "where": "id < 0"}}})
    found = results(two)
    assert found["driver.lookup"]["verdict"] == "fail"
    assert found["driver.lookup"]["value"] == pytest.approx(25 / 1000)
    assert found["driver.lookup"]["keys"] == ["119"]  # the first, as text, of one missing value
    assert "1 value that g.drivers does not have" in found["driver.lookup"]["why"]
    assert found["lookup"]["value"] == pytest.approx(25 / 1000)
    assert found["city"]["verdict"] == "pass" and found["typed"]["verdict"] == "pass"
    assert found["too-many"]["value"] == pytest.approx(962 / 1000)
    assert len(found["too-many"]["keys"]) == 10
    assert found["never"]["verdict"] == "nodata"


def test_more_values_than_can_be_carried(two, database):
    database.execute("INSERT INTO f.rides (id, driver, at) SELECT g, g, '2024-01-01' FROM"
                     " generate_series(2000, 12000) AS g")
    write(two, [], {"driver": {"lookup": {"connection": "online", "table": "g.drivers"}}})
    found = results(two)["driver.lookup"]
    assert found["verdict"] == "unknown" and "narrow the rule with where" in found["why"]


def test_private_values_are_compared_by_hashes(two, database):
    """Nothing of them is in a statement on the other server, nor in the result."""
    two.other.execute("CREATE TABLE g.people (email text);"
                      " INSERT INTO g.people VALUES ('a@secret.example')")
    database.execute("ALTER TABLE f.rides ADD email text;"
                     " UPDATE f.rides SET email = 'a@secret.example' WHERE id > 1;"
                     " UPDATE f.rides SET email = 'b@secret.example' WHERE id = 1")
    two.other.execute(f"ALTER DATABASE \"{two.other.name}\" SET log_statement = 'all'")
    write(two, [{"compare": {"id": "sent", "connection": "online", "with": "g.people", "on": ["id"],
                             "what": "values", "columns": ["email"]}}],
          {"email": {"private": True,
                     "lookup": {"connection": "online", "table": "g.people"}}})
    found = results(two)
    assert found["email.lookup"]["value"] == pytest.approx(0.001)
    assert not found["email.lookup"].get("keys")
    assert found["sent"]["verdict"] == "unknown" and "private" in found["sent"]["why"]
    assert "sha256" in two.other.cluster.log()
    statements = [line for line in two.other.cluster.log().splitlines() if "sha256" in line]
    assert statements and not any("b@secret" in line for line in statements)


def test_compare_on_another_connection(two):
    there = {"connection": "online", "with": "g.rides", "filter": "id <= 1000"}
    valued = ("driver", "city", "rate", "paid", "seen", "extra")
    rules = [{"compare": {"id": "rows", **there}},
             {"compare": {"id": "keys", "what": "keys", **there}},
             {"compare": {"id": "lost", "what": "keys", "missing": "ours", **there}},
             {"compare": {"id": "sums", "what": "sums", "columns": ["paid", "rate"], **there}},
             {"compare": {"id": "exact", "what": "values", "columns": list(valued), **there}},
             {"compare": {"id": "near", "what": "values", "columns": list(valued),
                          "tolerance": 0.001, "sample": 500, **there}}]
    write(two, rules)
    found = results(two)
    assert {r: found[r]["verdict"] for r in ("rows", "keys", "lost", "sums", "exact", "near")} == {
        "rows": "pass", "keys": "pass", "lost": "pass", "sums": "fail", "exact": "fail",
        "near": "pass"}
    assert found["sums"]["value"] < 1e-6
    assert found["exact"]["value"] == 1 and "most in rate" in found["exact"]["why"]
    assert found["near"]["n"] == 500
    two.other.execute("DELETE FROM g.rides WHERE id IN (3, 500, 501);"
                      " INSERT INTO g.rides (id) VALUES (1000 - 2000);"
                      " UPDATE g.rides SET city = NULL WHERE id IN (7, 8);"
                      " UPDATE g.rides SET rate = 'NaN' WHERE id = 9")
    write(two, [{"compare": {**rule["compare"], "sample": 9000}} for rule in rules])
    found = results(two)
    assert found["rows"]["value"] == pytest.approx(2 / 1000)
    assert found["keys"]["value"] == pytest.approx(4 / 1001)
    assert found["keys"]["why"].startswith("at least 4 of 1001 keys")
    assert found["lost"]["value"] == pytest.approx(1 / 1001)
    assert found["near"]["value"] == pytest.approx(3 / 997)
    assert found["near"]["keys"] == ["7", "8", "9"]


@pytest.mark.parametrize("ours,theirs", itertools.permutations(("timestamptz", "timestamp"), 2))
def test_times_of_another_type(two, database, ours, theirs):
    """The window's bounds fit the type of either side; wall clock is that of the dataset's zone."""
    zone = "America/St_Johns"
    fill = ("CREATE TABLE {0} (id int, at {1} NOT NULL); INSERT INTO {0} SELECT g, {2} FROM"
            " (SELECT g, '2023-12-30 00:00Z'::timestamptz + g * interval '10 minutes' AS t"
            "  FROM generate_series(0, 500) AS g) AS s")
    value = {"timestamptz": "t", "timestamp": f"t AT TIME ZONE '{zone}'"}
    database.execute(fill.format("f.timed", ours, value[ours]))
    database.execute(fill.format("g_timed", theirs, value[theirs]))
    two.other.execute(fill.format("g.timed", theirs, value[theirs]))
    two.other.execute("CREATE TABLE g.texts AS SELECT id, at::text AS at FROM g.timed")
    more = {"what": "keys", "time_column": "at"}
    write(two, [{"compare": {"id": "here", "with": "public.g_timed", **more}},
                {"compare": {"id": "there", "with": "g.timed", "connection": "online", **more}},
                {"compare": {"id": "text", "with": "g.texts", "connection": "online", **more}}],
          source={"table": "f.timed"}, timezone=zone)
    found = results(two)
    for rule in ("here", "there"):
        assert found[rule]["verdict"] == "pass", found[rule]
        assert found[rule]["n"] == 144 and found[rule]["value"] == 0
    assert found["text"]["verdict"] == "unknown" and "isfinite" in found["text"]["why"]


def test_sums_that_are_not_finite(two, database):
    """NaN differs from nothing, and equals nothing; NULL equals NULL."""
    for to, table in ((database, "f.rides"), (two.other, "g.rides")):
        to.execute(f"UPDATE {table} SET rate = 'NaN' WHERE id = 9; UPDATE {table} SET paid = NULL")
    there = {"connection": "online", "with": "g.rides", "what": "sums"}
    write(two, [{"compare": {"id": "nan", "columns": ["paid", "rate"], **there}},
                {"compare": {"id": "null", "columns": ["paid"], **there}}])
    found = results(two)
    assert found["nan"]["verdict"] == "unknown" and "the sum of rate" in found["nan"]["why"]
    assert found["null"]["verdict"] == "pass"


def test_json_is_looked_up_as_text(two, database):
    database.execute("ALTER TABLE f.rides ALTER extra TYPE json;"
                     " CREATE TABLE known AS SELECT extra FROM f.rides WHERE id > 10")
    write(two, [], {"extra": {"lookup": {"table": "public.known", "columns": ["extra"]}}})
    assert results(two)["extra.lookup"]["value"] == pytest.approx(0.01)


def test_values_in_messages_of_the_server(two, database):
    """Quotes in a value do not end what is left out."""
    database.execute("UPDATE f.rides SET city = '\"123-45\"'")
    write(two, [{"metric": {"id": "cast", "sql": "SELECT max(city::int) FROM f.rides", "min": 0}}])
    found = results(two)["cast"]
    assert found["verdict"] == "unknown" and 'type integer: ""' in found["why"]
    assert "123-45" not in found["why"]


def test_a_statement_that_fails_costs_its_rule(two):
    """Errors, slow statements, answers of any size, other servers that are not there."""
    big = "SELECT repeat('x', 20000000)"
    write(two, [{"metric": {"id": "error", "sql": "SELECT 1 / (count(*) - count(*)) FROM :table",
                            "min": 0}},
                {"metric": {"id": "writes", "sql": "WITH x AS (INSERT INTO f.rides DEFAULT VALUES"
                                                   " RETURNING 1) SELECT 1", "min": 0}},
                {"metric": {"id": "fine", "sql": "SELECT count(*) FROM :table", "min": 1}},
                {"lookup": {"id": "gone", "own": ["id"], "table": "x.y", "connection": "gone"}},
                {"lookup": {"id": "no-table", "own": ["id"], "table": "g.none",
                            "connection": "online"}},
                {"unique": {"id": "no-column", "columns": ["id", "none"]}},
                {"metric": {"id": "slow", "sql": "SELECT 1 FROM pg_sleep(5)", "min": 0}},
                {"metric": {"id": "big", "sql": big, "min": 0}},
                {"metric": {"id": "after", "sql": "SELECT 5", "min": 0}},
                {"volume": {"min": 1}}], {"rate": {"nulls": 0}}, scan_timeout="1s")
    found = results(two)
    unknown = {r for r in found if found[r]["verdict"] == "unknown"}
    assert unknown == {"error", "writes", "gone", "no-table", "no-column", "slow", "big", "after"}
    assert "division by zero" in found["error"]["why"]
    assert found["gone"]["why"].startswith("connection gone: ")
    assert "g.none" in found["no-table"]["why"]
    assert "none does not exist" in found["no-column"]["why"]
    assert "timeout" in found["slow"]["why"] and "bytes" in found["big"]["why"]
    for rule in ("fine", "volume", "rate.nulls"):
        assert found[rule]["verdict"] == "pass"


def test_another_server_may_take_its_time(two, database):
    """Our own transaction idles meanwhile: the server is told not to end it for that."""
    database.execute(f"ALTER DATABASE \"{database.name}\" SET log_statement = 'all'")
    before = len(database.cluster.log())
    write(two, [], {"driver": {"lookup": {"connection": "online", "table": "g.drivers"}}},
          timeout="1s", scan_timeout="3m")
    assert results(two)["driver.lookup"]["verdict"] == "fail"
    log = database.cluster.log()[before:]
    waits = [int(ms) for ms in re.findall(r"set_config\('idle_in_transaction_session_timeout', "
                                          r"'(\d+)', true\)", log)]
    assert max(waits) >= 2 * 180_000 and log.index("WITH d AS") < log.index(f"'{max(waits)}', true")


def test_what_explain_says(two):
    write(two, [{"unique": {"columns": ["driver", "at"]}},
                {"compare": {"with": "g.rides", "connection": "online", "what": "keys"}},
                {"lookup": {"own": ["id"], "table": "x.y"}}],
          {"rate": {"nulls": 0, "range": {"min": 0, "where": "id > 5"}}})
    text = two.expect(0, "explain", "d").out
    assert text.count("COPY (") == 1
    assert "-- rate.nulls: the scan's summary" in text
    assert "-- rate.range: rows of the scan" in text
    assert "-- schema: looked up at each tick" in text
    unique = text.split("-- unique: a statement of its own\n")[1].split("\n-- ")[0]
    assert unique.startswith("WITH g AS") and "GROUP BY" in unique and "cost=" in unique
    assert "hashtextextended" in text
    assert '-- lookup cannot run: relation "x.y" does not exist' in text


def test_what_validate_finds(two):
    write(two, [{"unique": {"columns": ["driver", "none"]}},
                {"lookup": {"own": ["id"], "table": "f.none"}},
                {"metric": {"sql": "SELECT max(nothing) FROM :table WHERE at >= :from", "min": 1}},
                {"metric": {"id": "two", "sql": "SELECT 1, max(id) FROM :table", "min": 1}},
                {"metric": {"id": "one", "sql": "SELECT max(id) FROM :table", "min": 1}},
                {"failing": "SELECT * FROM :table WHERE rate < 0"}],
          {"city": {"sequence": {"gapless": False, "monotonic": "increasing"}},
           "rate": {"sequence": 0, "lookup": {"table": "f.rides", "where": "nope = 1"}}})
    result = two.expect(78, "validate", "--connect")
    lines = [line for line in result.err.splitlines() if ": error: " in line]
    assert len(lines) == 7, result.err
    assert all(line.startswith("rules/d.yaml:") for line in lines)
    for words in ("unique: column none does not exist", 'lookup: relation "f.none" does not exist',
                  'metric: column "nothing" does not exist',
                  "two: the statement returns 2 columns, and 1 is read",
                  "sequence does not fit column city",
                  "rate.sequence: column rate of type double precision has no next number",
                  'where: column "nope" does not exist'):
        assert sum(words in line for line in lines) == 1, (words, lines)


def test_what_can_never_be(two):
    write(two, [], {"rate": {"type": "flaot8", "allowed": ["low", "high"]},
                    "city": {"type": "text", "allowed": ["Oslo", "1"]},
                    "id": {"type": "bigint", "forbidden": [0, "none"],
                           "share": {"value": "seven", "min": "1%"}}})
    result = two.expect(78, "validate", "--connect")
    found = [line for line in result.err.splitlines() if line.startswith("rules/d.yaml:")]
    for grade, words in (("warning", "but its type is declared as flaot8"),
                         ("error", 'rate.allowed: 2 of 2 values, "low" first, cannot be in'),
                         ("error", 'id.share: 1 of 1 value, "seven" first, cannot be in column id'),
                         ("warning", 'id.forbidden: 1 of 2 values, "none" first, cannot be in')):
        assert sum(words in line and f" {grade}: " in line for line in found) == 1, (words, found)
    assert not any("city" in line for line in found)
    assert "can never pass" in result.err and "can never fail" not in result.err


FAULTS = {
    "lookup: {table: f.x}": "own: [a, b]",
    "lookup: {own: [id], table: x}": "search_path",
    "lookup: {own: [id], table: 'f.\"x'}": "in double quotes",
    "lookup: {own: [id, at], columns: [id], table: f.x}": "each of our columns",
    "lookup: {own: [id], table: f.x, connection: nowhere}": "nowhere",
    "compare: {with: f.x, what: sums}": "columns: [a, b]",
    "compare: {with: f.x, columns: [id]}": "leave it out",
    "compare: {with: f.x, tolerance: 1}": "leave it out",
    "compare: {with: f.x, what: values, columns: [id], sample: 90000}": "1 to 9000",
    "metric: {sql: SELECT 1}": "metric needs a limit",
    "metric: {sql: 'SELECT 1; DROP TABLE x', min: 1}": "semicolon",
    "metric: {sql: 'DELETE FROM f.x', min: 1}": "SELECT",
    "failing: {sql: 'SELECT (1'}": "parenthesis",
    "gaps: {every: 90m, look_back: 1h}": "at least one slot",
    "gaps: {every: 1d, hours: '08:00-18:00'}": "no hours",
    "gaps: {hours: '8-18'}": "08:00-18:00",
    "gaps: {except: [sun]}": "days of the week",
}


def test_faults_of_rules(pgvigil):
    for i, (check, words) in enumerate(FAULTS.items()):
        pgvigil.rule(f"d{i}", f"""
version: 1
dataset: d{i}
source: {{connection: warehouse, table: f.t, time_column: at, key: [id]}}
checks:
  - {check}
""")
    result = pgvigil.expect(78, "validate")
    for i, (check, words) in enumerate(FAULTS.items()):
        told = result.err.split(f"rules/d{i}.yaml:")
        assert len(told) == 2, (check, result.err)
        assert words in told[1].split("rules/d")[0], (check, told[1][:300])


def test_one_statement_for_each(two, database):
    """One scan, and one statement for each rule that has one."""
    database.execute(f"ALTER DATABASE \"{database.name}\" SET log_statement = 'all'")
    before = len(database.cluster.log())
    write(two, [{"unique": {"columns": ["driver", "at"]}}, {"duplicates": 0}, {"gaps": "1h"},
                {"compare": {"with": "f.rides", "what": "keys"}},
                {"failing": "SELECT * FROM :table WHERE false"}],
          {"driver": {"unique": 1, "lookup": {"table": "f.rides"}, "sequence": 2000, "nulls": 0}})
    results(two)
    log = database.cluster.log()[before:]
    sent = [line for line in log.splitlines() if "execute" in line or "statement:" in line]
    own = [line for line in sent
           if re.search(r": (WITH [a-z]( \(k\))? AS|SELECT pg_catalog.count\(\*\),)", line)]
    assert len(own) == 8, own
    assert sum("COPY (" in line for line in sent) == 1


def test_long_names_and_hostile_ones(two, database):
    name = 'a"b\'c; --\\'
    quoted = '"' + name.replace('"', '""') + '"'
    database.execute(f"CREATE TABLE f.{quoted} ({quoted} text, at timestamptz);"
                     f" INSERT INTO f.{quoted} VALUES ('x'' OR 1=1 --\\', '2024-01-01 10:00Z'),"
                     f" ('y', '2024-01-01 11:00Z'), ('y', '2024-01-01 11:00Z')")
    two.other.execute(f"CREATE TABLE g.{quoted} ({quoted} text);"
                      f" INSERT INTO g.{quoted} VALUES ('x'' OR 1=1 --\\')")
    table = "g." + quoted
    write(two, [{"unique": {"id": "u", "columns": [name]}}, {"duplicates": {"id": "d"}},
                {"compare": {"id": "c", "with": table, "connection": "online", "what": "keys"}},
                {"compare": {"id": "v", "with": table, "connection": "online", "what": "values",
                             "columns": [name]}}],
          {name: {"lookup": {"id": "l", "table": table, "connection": "online"}}},
          source={"table": "f." + quoted, "key": [name]})
    found = results(two)
    assert found["u"]["keys"] == ["y"] and found["u"]["value"] == pytest.approx(2 / 3)
    assert found["d"]["value"] == pytest.approx(2 / 3)
    assert found["l"]["value"] == pytest.approx(2 / 3) and found["l"]["keys"] == ["y"]
    assert found["c"]["value"] == pytest.approx(1 / 2)
    assert found["v"]["verdict"] == "pass" and found["v"]["n"] == 1


@pytest.mark.parametrize("indexed", [True, False])
@pytest.mark.parametrize("kind", ["timestamp", "timestamptz"])
@pytest.mark.parametrize("day", ["2024-10-27", "2024-03-31"])
def test_gaps_where_the_clock_changes(two, database, kind, indexed, day):
    """Every half hour has a row: no hour and no day is missing, with 25 hours or with 23."""
    convert = "AT TIME ZONE 'Europe/Berlin'" if kind == "timestamp" else ""
    database.execute(f"CREATE TABLE f.clock (id int, at {kind});"
                     f" INSERT INTO f.clock SELECT 1, t {convert} FROM generate_series("
                     f"'{day}Z'::timestamptz - interval '4 days',"
                     f" '{day}Z'::timestamptz + interval '2 days',"
                     " '30 minutes') AS t")
    if indexed:
        database.execute("CREATE INDEX ON f.clock (at)")
    write(two, [{"gaps": "1h"}, {"gaps": {"id": "days", "every": "1d"}},
                {"gaps": {"id": "nights", "hours": "22:00-06:00"}}],
          source={"table": "f.clock"}, timezone="Europe/Berlin")

    def look():
        dataset, = two.check("d", "--at", f"{day}T23:30:00Z")["datasets"]
        return {r["rule"]: r["value"] for r in dataset["results"]}

    found = look()
    assert (found["gaps"], found["days"], found["nights"]) == (0, 0, 0)
    database.execute(f"DELETE FROM f.clock WHERE at >= '{day} 04:00+00' AND at < '{day} 06:00+00'")
    lost = look()
    assert lost["gaps"] == 2 and lost["days"] == 0
