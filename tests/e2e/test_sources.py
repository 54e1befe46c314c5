# SPDX-License-Identifier: GPL-3.0-or-later
"""What a dataset can read: every kind of relation, a query, computed columns."""
import math
import struct

import pytest

from sources import BASE, DAY, results, rules


@pytest.fixture
def base(database):
    database.execute(BASE)
    return database


# --- Relations ------------------------------------------------------------------------------------

RELATIONS = {
    "table": "",
    "partitioned": """
        CREATE TABLE src.partitioned (LIKE src.plain) PARTITION BY RANGE (at);
        CREATE TABLE src.part_1 PARTITION OF src.partitioned FOR VALUES FROM ('2001-06-01') TO
          ('2001-06-12 12:00Z');
        CREATE TABLE src.part_2 PARTITION OF src.partitioned FOR VALUES FROM ('2001-06-12 12:00Z')
          TO ('2002-01-01');
        INSERT INTO src.partitioned SELECT * FROM src.plain""",
    "view": "CREATE VIEW src.view AS SELECT * FROM src.plain",
    "materialised": "CREATE MATERIALIZED VIEW src.materialised AS SELECT * FROM src.plain",
    "foreign": """
        CREATE EXTENSION file_fdw;
        CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
        COPY src.plain TO '{file}' (FORMAT csv);
        CREATE FOREIGN TABLE src.foreign (id bigint, at timestamptz, value float8, label text)
          SERVER files OPTIONS (filename '{file}', format 'csv')""",
}
COLUMNS = {"value": {"nulls": 0, "range": {"min": 0, "max": 90}},
           "label": {"allowed": ["l0", "l1"]}}


def expect_day(dataset, found):
    """The window of 12 June, whatever the relation: 1440 rows, values 0 .. 99."""
    assert dataset["rows"] == 1440
    assert found["value.nulls"]["verdict"] == "pass"
    # rows 15840 .. 17279: of the 1440 values 14 full hundreds have 9 above 90, 40 .. 79 none
    assert found["value.range"]["verdict"] == "fail"
    assert found["value.range"]["value"] == pytest.approx(14 * 9 / 1440, abs=0.002)
    assert found["label.allowed"]["value"] == pytest.approx(1 / 3, rel=1e-3)


@pytest.mark.parametrize("kind", RELATIONS)
def test_every_relation(pgvigil, base, folder, kind):
    files = folder / "files"
    files.mkdir()
    files.chmod(0o777)
    sql = RELATIONS[kind].replace("{file}", str(files / "plain.csv"))
    if sql:
        base.execute(sql)
    table = "src.plain" if kind == "table" else f"src.{kind}"
    pgvigil.rule("d", rules({"table": table, "time_column": "at", "key": ["id"]}, COLUMNS,
                            reference={"from": "2001-06-01", "to": "2001-06-11"}))
    pgvigil.expect(0, "reference", "capture", "d")
    expect_day(*results(pgvigil))


def test_sample_without_a_key_needs_a_table(pgvigil, base):
    base.execute(RELATIONS["view"])
    rule = rules({"table": "src.view", "time_column": "at"}, {"value": {"nulls": 0}},
                 sample={"percent": 10})
    pgvigil.rule("d", rule)
    dataset, = pgvigil.check("d", "--at", f"{DAY}T01:00:00Z")["datasets"]
    assert "without a key it cannot be sampled" in dataset["error"]["message"]
    rule["source"]["key"] = ["id"]
    pgvigil.rule("d", rule)
    dataset, found = results(pgvigil)
    assert dataset["rows"] == 1440 and found["value.nulls"]["n"] < 400


# --- Queries --------------------------------------------------------------------------------------

QUERY = """
SELECT p.id, p.at, p.value * 2 AS value, p.label::varchar(10) AS label -- twice
FROM src.plain p WHERE p.id >= 0
"""


def test_query(pgvigil, base):
    pgvigil.rule("d", rules(
        {"query": QUERY, "time_column": "at", "key": ["id"], "filter": "value >= 0"},
        {"value": {"type": "float8", "nulls": 0, "drift": {"ks": 0.2},
                   "range": {"min": 0, "max": 180}},
         "label": {"type": "varchar(10)", "allowed": ["l0", "l1"]}},
        reference={"from": "2001-06-01", "to": "2001-06-11"}, private_keys=False))
    pgvigil.expect(0, "validate", "--connect")
    pgvigil.expect(0, "reference", "capture", "d")
    dataset, found = results(pgvigil)
    expect_day(dataset, found)
    assert found["value.drift.ks"]["verdict"] == "pass"
    assert found["schema"]["verdict"] == "pass"
    keys = found["value.range"]["keys"]
    assert len(keys) == 10 and all(int(key) % 100 > 90 for key in keys)
    text = pgvigil.expect(0, "explain", "d").out
    assert "p.value * 2 AS value" in text and "COPY (" in text


def test_query_whose_columns_change(pgvigil, base):
    base.execute("CREATE VIEW src.behind AS SELECT id, at, value FROM src.plain")
    source = {"query": "SELECT * FROM src.behind", "time_column": "at"}
    pgvigil.rule("d", rules(source, {"value": {"type": "float8", "nulls": 0}}))
    assert results(pgvigil)[1]["schema"]["verdict"] == "pass"
    base.execute("DROP VIEW src.behind; CREATE VIEW src.behind AS SELECT id, at, value::text FROM"
                 " src.plain")
    schema = results(pgvigil)[1]["schema"]
    assert schema["verdict"] == "fail" and "text" in schema["why"]


@pytest.mark.parametrize("query, message", [
    ("SELECT id, id, at FROM src.plain", "the query has two columns named id"),
    ("SELECT id, at FROM src.nowhere", "src.nowhere"),
    ("WITH gone AS (DELETE FROM src.plain RETURNING *) SELECT * FROM gone", "WITH"),
])
def test_query_the_server_refuses(pgvigil, base, query, message):
    pgvigil.rule("d", rules({"query": query, "time_column": "at"}, {"id": {"nulls": 0}}))
    dataset, = pgvigil.check("d", "--at", f"{DAY}T01:00:00Z")["datasets"]
    assert message in dataset["error"]["message"]
    done = pgvigil.run("validate", "--connect")
    assert done.code in (3, 78) and message in done.err
    assert base.value("SELECT count(*) FROM src.plain") == 20001


# --- Computed columns -----------------------------------------------------------------------------

LOG = """
CREATE TYPE src.address AS (city text, zip int);
CREATE TABLE src.log (id bigint PRIMARY KEY, at timestamptz NOT NULL, payload jsonb,
  tags text[], addr src.address);
CREATE INDEX ON src.log (at);
INSERT INTO src.log SELECT g, '2001-06-01'::timestamptz + g * interval '60 s',
  jsonb_build_object('amount', CASE WHEN g BETWEEN 16000 AND 16013 THEN '"n/a"'::jsonb
                                    ELSE to_jsonb((g % 100) / 4.0) END,
                     'day', '2001-06-01', 'ok', g % 2 = 0),
  CASE WHEN g % 10 = 0 THEN '{}'::text[] ELSE ARRAY['a', 'b'] END,
  ROW('Ulm', g)::src.address
FROM generate_series(0, 20000) g;
"""
COMPUTED = {
    "amount": {"expr": "(payload->>'amount')::float8", "type": "float8", "nulls": 0,
               "range": {"min": 0, "max": 24}, "drift": {"ks": 0.2}},
    "day": {"expr": "CAST(payload->>'day' AS date)", "type": "date", "nulls": 0},
    "ok": {"expr": "(payload->>'ok')::boolean", "type": "bool", "allowed": [True]},
    "first_tag": {"expr": "tags[1]", "type": "text", "nulls": "15%"},
    "ntags": {"expr": "pg_catalog.cardinality(tags)", "type": "integer",
              "range": {"min": 1, "fail": "15%"}},
    "city": {"expr": "(addr).city", "type": "text", "allowed": ["Ulm"]},
    "half": {"expr": "(payload->>'amount')::float8 / 2", "type": "float8", "nulls": 0},
    # conditions name computed columns as any other; a row that cannot be converted is no row
    "id": {"nulls": {"fail": 0, "where": "city = 'Ulm' AND ntags = 0", "id": "named"}},
}


def test_computed_columns(pgvigil, base):
    base.execute(LOG)
    pgvigil.rule("d", rules({"table": "src.log", "time_column": "at", "key": ["id"]}, COMPUTED,
                            reference={"from": "2001-06-01", "to": "2001-06-11"}))
    pgvigil.expect(0, "validate", "--connect")
    pgvigil.expect(0, "reference", "capture", "d")
    dataset, found = results(pgvigil)
    assert dataset["rows"] == 1440
    text = pgvigil.expect(0, "explain", "d").out
    assert "Index Scan" in text, "the time column's index serves through the sub-select"
    assert "-- amount: text, converted here to double precision" in text
    assert "-- half: computed by the server as double precision" in text
    # 14 texts that are no number: counted, and in nothing else
    assert found["amount.cast"]["verdict"] == "fail"
    assert found["amount.cast"]["value"] == pytest.approx(14 / 1440, rel=1e-3)
    assert "14 of 1440 values are no double precision" in found["amount.cast"]["why"]
    assert found["amount.nulls"]["verdict"] == "pass"
    assert found["amount.range"]["n"] == 1426
    assert found["amount.drift.ks"]["n"] == 1426 and found["amount.drift.ks"]["value"] < 0.05
    assert [found[f"{c}.cast"]["verdict"] for c in ("day", "ok")] == ["pass", "pass"]
    assert found["ok.allowed"]["value"] == pytest.approx(0.5)
    assert found["first_tag.nulls"]["value"] == pytest.approx(0.1)
    assert found["ntags.range"]["value"] == pytest.approx(0.1)
    assert found["city.allowed"]["verdict"] == "pass"
    assert found["named"]["n"] == 144 and found["named"]["verdict"] == "pass"
    # the server's own cast fails on the same rows: that column alone is unknown
    assert found["half.nulls"]["verdict"] == "unknown"
    assert "column half cannot be computed" in found["half.nulls"]["why"]
    assert found["schema"]["verdict"] == "pass", found["schema"]


@pytest.mark.parametrize("expr, message", [
    ("unnest(tags)", "set-returning functions are not allowed"),
    ("max(id)", "aggregate functions are not allowed"),
    ("row_number() OVER ()", "window functions are not allowed"),
    ("tags[", "syntax error"),
])
def test_expression_that_is_no_value_of_a_row(pgvigil, base, expr, message):
    base.execute(LOG)
    columns = {"bad": {"expr": expr, "type": "text", "nulls": 0}, "id": {"nulls": 0}}
    pgvigil.rule("d", rules({"table": "src.log", "time_column": "at"}, columns))
    dataset, found = results(pgvigil)
    assert dataset["rows"] == 1440 and found["id.nulls"]["verdict"] == "pass"
    assert found["bad.nulls"]["verdict"] == "unknown" and message in found["bad.nulls"]["why"]


def test_sampling_with_computed_columns_needs_a_key(pgvigil, base):
    base.execute(LOG)
    columns = {"city": {"expr": "(addr).city", "type": "text", "nulls": 0}}
    rule = rules({"table": "src.log", "time_column": "at"}, columns, sample={"percent": 10})
    pgvigil.rule("d", rule)
    dataset, = pgvigil.check("d", "--at", f"{DAY}T01:00:00Z")["datasets"]
    assert "read with computed columns" in dataset["error"]["message"]
    rule["source"]["key"] = ["id"]
    pgvigil.rule("d", rule)
    assert 0 < results(pgvigil)[1]["city.nulls"]["n"] < 400


def test_only_columns_that_may_be_read(pgvigil, base):
    """Computed columns need no right to the columns that they do not use."""
    base.execute(LOG)
    base.execute("""CREATE ROLE narrow LOGIN; GRANT USAGE ON SCHEMA src TO narrow;
        GRANT SELECT (id, at, tags) ON src.log TO narrow""")
    pgvigil.config["connections"]["warehouse"]["conninfo"] = base.conninfo.replace(
        "user=postgres", "user=narrow")
    pgvigil.write()
    columns = {"ntags": {"expr": "cardinality(tags)", "type": "int", "nulls": 0},
               "city": {"expr": "(addr).city", "type": "text", "nulls": 0}}
    pgvigil.rule("d", rules({"table": "src.log", "time_column": "at"}, columns))
    _, found = results(pgvigil)
    assert found["ntags.nulls"]["verdict"] == "pass"
    assert found["city.nulls"]["verdict"] == "unknown"
    base.execute("DROP OWNED BY narrow; DROP ROLE narrow")


def test_computed_column_of_another_type_or_of_nothing(pgvigil, base):
    base.execute(LOG)
    columns = {"amount": {"expr": "payload->>'amount'", "type": "float8", "nulls": 0},
               "gone": {"expr": "nothing + 1", "type": "float8", "nulls": 0, "range": {"min": 0}},
               "city": {"expr": "(addr).city", "type": "text", "nulls": 0}}
    pgvigil.rule("d", rules({"table": "src.log", "time_column": "at"}, columns))
    _, found = results(pgvigil)
    assert found["schema"]["verdict"] == "fail" and "amount is text" in found["schema"]["why"]
    assert "is computed as text" in pgvigil.run("validate", "--connect").err
    for rule in ("gone.nulls", "gone.range"):
        assert found[rule]["verdict"] == "unknown"
        assert '"nothing" does not exist' in found[rule]["why"]
    assert found["city.nulls"]["verdict"] == "pass"
    done = pgvigil.run("validate", "--connect")
    assert done.code == 78 and "column gone cannot be computed" in done.err


def test_cast_with_a_limit_and_in_the_store(pgvigil, base):
    """A written cast replaces the implicit one; counts survive the store."""
    base.execute(LOG)
    columns = {"amount": {"expr": "(payload->>'amount')::numeric", "type": "numeric",
                          "cast": {"fail": "5%", "warn": 0}}}
    pgvigil.rule("d", rules({"table": "src.log", "time_column": "at"}, columns))
    _, found = results(pgvigil)
    assert found["amount.cast"]["verdict"] == "warn"
    pgvigil.expect(0, "run", "--from", "2001-06-11T00:00:00Z", "--until", "2001-06-14T00:00:00Z",
                   "--state", "replay.db")


def test_computed_time_and_key(pgvigil, base):
    base.execute("""CREATE TABLE src.events (body jsonb);
        INSERT INTO src.events SELECT jsonb_build_object('id', 'e' || g, 'ts',
          to_char('2001-06-01'::timestamp + g * interval '60 s', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
          'v', g % 10) FROM generate_series(0, 20000) g""")
    columns = {"ts": {"expr": "(body->>'ts')::timestamptz", "type": "timestamptz"},
               "id": {"expr": "body->>'id'", "type": "text"},
               "v": {"expr": "(body->>'v')::int", "type": "integer", "range": {"max": 8}}}
    pgvigil.rule("d", rules({"table": "src.events", "time_column": "ts", "key": ["id"]}, columns,
                            private_keys=False))
    dataset, found = results(pgvigil)
    assert dataset["rows"] == 1440
    assert found["v.range"]["value"] == pytest.approx(0.1)
    assert all(key.startswith("e") and key.endswith("9") for key in found["v.range"]["keys"])


TEXTS = [
    "1", " -7 ", "+0012", "3.5", ".5", "5.", "1e3", "-1E-3", "NaN", "inf", "-Infinity", "+inf",
    "1e400", "1e-400", "1e39", "1e-60", "32767", "32768", "-32768", "-32769", "2147483647",
    "2147483648", "9223372036854775807", "9223372036854775808", "", " ", "n/a", "1,5", "1 2", "--1",
    "1e", ".", "1x", "t", "TRUE", "fal", "y", "no", "on", "of", "o", "off", "truee", "2", "0",
    "null", "2001-06-13", "20010613", "2001-06-13x", "2001-02-29", "2000-02-29", "2001-06-13 10:20",
    "2001-06-13T10:20:30Z", "2001-06-13 10:20:30.1234567+02", "2001-06-13 10:20:30-05:30",
    "2001-06-13 24:00", "2001-06-13 24:01", "2001-06-13 23:59:60", "2001-06-13 25:00", "infinity",
    "2001-13-01", "0001-01-01", "0000-01-01", "294276-12-31", "294277-01-01", "5874897-12-31",
    "5874898-01-01", "2001-06-13 10:20:30 UTC", "2001-06-13 10:20:30+0530", "1e131071", "1e131072",
    "1e-16383", "1e-16384", "2001-06-13T10:20:30.5+05:45:30", "2001-06-13 10:20:30+16"]
TIMES = ("date", "timestamp", "timestamptz")


@pytest.mark.parametrize("cast", ["boolean", "smallint", "integer", "bigint", "real",
                                  "double precision", "numeric", *TIMES])
def test_conversion_is_the_servers(pgvigil, base, cast):
    """Every text is refused where the server refuses it, and else has the server's value."""
    base.execute(f"""CREATE FUNCTION src.try(x text) RETURNS {cast} LANGUAGE plpgsql
        SET TimeZone = 'UTC' AS
        $$BEGIN RETURN x::{cast}; EXCEPTION WHEN data_exception THEN RETURN NULL; END$$;
        CREATE TABLE src.texts (i int, at timestamptz DEFAULT '2001-06-12', x text)""")
    for i, text in enumerate(TEXTS):
        base.execute("INSERT INTO src.texts (i, x) VALUES (%s, %s)", (i, text))
    wheres = [{"where": f"i = {i}"} for i in range(len(TEXTS))]
    column = {"expr": f"x::{cast}", "type": cast,
              "cast": [{"id": f"cast{i}", "fail": 0, **w} for i, w in enumerate(wheres)]}
    if cast == "boolean":
        column["allowed"] = [{"id": f"value{i}", "values": [False], **w}
                             for i, w in enumerate(wheres)]
    else:
        column["minimum"] = [{"id": f"value{i}", "min": 0, **w} for i, w in enumerate(wheres)]
    pgvigil.rule("d", rules({"table": "src.texts", "time_column": "at"}, {"c": column}))
    _, found = results(pgvigil)
    number = ("extract(epoch FROM v) * 1000000" if cast in TIMES
              else "v::int" if cast == "boolean" else "v")
    rows = base.query(f"""SELECT i, v IS NOT NULL, v::text, CASE WHEN v::text !~* 'inf' THEN
        ({number})::text END FROM (SELECT i, src.try(x) AS v FROM src.texts) t ORDER BY i""")
    assert len(rows) == len(TEXTS)
    for i, good, shown, value in rows:
        said = (TEXTS[i], shown, found[f"cast{i}"], found[f"value{i}"])
        assert found[f"cast{i}"]["value"] == (0 if good else 1), said
        wanted = float(value) if value is not None else math.nan
        if cast == "real" and good:
            wanted = struct.unpack("f", struct.pack("f", wanted))[0]
        if good and math.isfinite(wanted):
            assert found[f"value{i}"]["value"] == pytest.approx(wanted, rel=1e-15), said
        else:
            assert found[f"value{i}"]["verdict"] == "nodata", said


# --- Checks that write SQL of their own -----------------------------------------------------------

def test_sql_of_checks_over_every_source(pgvigil, base):
    """Conditions, look-ups and the user's own SQL name computed columns and features."""
    base.execute(LOG)
    columns = {"ref": {"expr": "(id / 2)::text", "type": "text", "unique": 0,
                       "pattern": "^[0-9]+$"},
               "amount": {"expr": "(payload->>'amount')::float8", "type": "float8",
                          "quantile": {"q": 0.5, "max": 13}}}
    checks = [{"condition": {"id": "own", "holds": "length(ref) < 4 AND city = 'Ulm'"}},
              {"metric": {"id": "refs", "sql": "SELECT count(DISTINCT ref) FROM :table WHERE"
                          " at >= :from AND at < :until", "min": 720, "max": 720}}]
    columns["city"] = {"expr": "(addr).city", "type": "text"}
    pgvigil.rule("d", rules({"table": "src.log", "time_column": "at", "key": ["id"]}, columns,
                            checks=checks))
    _, found = results(pgvigil)
    assert found["ref.unique"]["verdict"] == "fail"
    assert found["ref.pattern"]["verdict"] == "pass" and found["ref.pattern"]["n"] == 1440
    assert found["own"]["value"] == 1, found["own"]
    assert found["refs"]["verdict"] == "pass", found["refs"]
    assert found["amount.quantile"]["verdict"] == "pass"


def test_query_and_sql_of_checks(pgvigil, base):
    pgvigil.rule("d", rules({"query": QUERY, "time_column": "at", "key": ["id"]},
                            {"id": {"unique": 0}, "label": {"pattern": "^l[012]$"}},
                            checks=[{"condition": "value >= 0"}, {"volume": {"min": 1440}}]))
    _, found = results(pgvigil)
    for rule in ("id.unique", "label.pattern", "condition", "volume"):
        assert found[rule]["verdict"] == "pass", found[rule]


def test_changed_expression_captures_a_new_reference(pgvigil, base):
    base.execute(LOG)
    columns = {"amount": {"expr": "(payload->>'amount')::float8", "type": "float8",
                          "drift": {"ks": 0.2}}}
    rule = rules({"table": "src.log", "time_column": "at"}, columns,
                 reference={"from": "2001-06-01", "to": "2001-06-11"})
    pgvigil.rule("d", rule)
    daemon = pgvigil.start()
    daemon.wait_log("reference captured")
    columns["amount"]["expr"] = "(payload->>'amount')::float8 + 1000"
    pgvigil.rule("d", rule)
    daemon.reload()
    daemon.wait_for(lambda: daemon.log().count("reference captured") == 2, what="a second capture")
    assert daemon.stop() == 0
    _, found = results(pgvigil, "2001-06-12T01:00:00Z")
    assert found["amount.drift.ks"]["verdict"] == "pass", found["amount.drift.ks"]


# --- Files that cannot be right -------------------------------------------------------------------

@pytest.mark.parametrize("source, columns, message", [
    ({}, {}, '"table" is missing in source'),
    ({"table": "a.b", "query": "SELECT 1"}, {}, "a table or a query, not both"),
    ({"query": "SELECT 1; SELECT 2"}, {}, "without a semicolon"),
    ({"query": "DELETE FROM a.b"}, {}, "a query is one SELECT"),
    ({"query": "SELECT (1"}, {}, "a parenthesis is not closed"),
    ({"table": "a.b", "long": {"name": "n"}}, {}, '"value" is missing in long'),
    ({"table": "a.b", "long": {"name": "n", "value": "n"}}, {}, "are two columns"),
    ({"table": "a.b"}, {"x": {"expr": "y + 1"}}, 'a column with "expr" needs a "type"'),
    ({"table": "a.b"}, {"x": {"expr": "y) + (1", "type": "int"}}, "a parenthesis is closed"),
    ({"table": "a.b"}, {"*": {"expr": "y", "type": "int"}}, '"*" cannot have "expr"'),
])
def test_faults(pgvigil, source, columns, message):
    pgvigil.rule("d", rules(source, columns))
    done = pgvigil.run("validate")
    assert done.code == 78 and message in done.err, done.err


def test_sampled_query_without_a_key(pgvigil):
    pgvigil.rule("d", rules({"query": "SELECT 1 AS x"}, {"x": {"nulls": 0}}, sample={"rows": 10}))
    assert "sampled by a hash of the key" in pgvigil.run("validate").err


def test_unknown_names_of_a_table(pgvigil):
    pgvigil.rule("d", rules({"table": "a.b"}, checks=[{"unknown_names": 0}]))
    assert "unknown_names is for a long source" in pgvigil.run("validate").err

