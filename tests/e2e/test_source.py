# SPDX-License-Identifier: GPL-3.0-or-later
"""The PostgreSQL source on a real server: values and catalogue, compared with what SQL says."""
import math
import struct

import pytest
from source_driver import NAN, NINF, NULL, PINF, VALUE

# type, then literals; None is NULL
NUMBERS = {
    "int2": ["0", "-32768", "32767", None],
    "int4": ["0", "-2147483648", "2147483647", "1", None],
    "int8": ["0", "-9223372036854775808", "9223372036854775807", "9007199254740993", None],
    "float4": ["0", "-0", "1e-45", "3.4028235e38", "0.1", "NaN", "Infinity", "-Infinity", None],
    "float8": ["0", "-0", "5e-324", "1.7976931348623157e308", "0.1", "NaN", "Infinity",
               "-Infinity", None],
    "numeric": ["0", "0.0", "-1.5", "NaN", "Infinity", "-Infinity", "1e-300", "123.4560", "0.1",
                "12345678901234567890", "9007199254740993", "9007199254740992.5", "1e22", "1e23",
                "1" + "0" * 308, "0." + "0" * 322 + "49406564584124654418",
                "1797693134862315708e290", "7" * 308, "0." + "0" * 37 + "1234567890123456789",
                None],
    "numeric(10,2)": ["1.005", "-99999999.99", "0.01", None],
}
TIMES = {
    "date": ["1970-01-01", "2000-02-29", "0044-03-15 BC", "5874897-12-31", "4713-11-24 BC",
             "infinity", "-infinity", None],
    "timestamp": ["1970-01-01 00:00:00", "2001-06-12 23:59:59.999999", "0044-03-15 12:00 BC",
                  "294276-12-31 23:59:59.999999", "4713-11-24 BC", "infinity", "-infinity", None],
    "timestamptz": ["1969-12-31 23:59:59.999999+00", "2001-06-12 00:10:00-07", "infinity",
                    "-infinity", "294276-12-31 23:59:59.999999+00", None],
}
TEXTS = {
    "text": ["", "a b", "\u00e4\u20ac\U0001f600", "NULL", "tab\tand\nline", " padded ", None],
    "varchar(8)": ["", "abc", "\U0001f600\U0001f600", None],
    "char(8)": ["", "abc", " a ", "\u00e4 \u20ac", None],
    "name": ["n", "with \"quote\"", None],
    '"char"': ["x", "", None],
    "uuid": ["00000000-0000-0000-0000-000000000000", "F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6", None],
    "mood": ["sad", "hap'py", "\U0001f600", None],
    "moody": ["sad", None],
}
OTHERS = {
    "bytea": ["\\x00ff", None], "jsonb": ['{"a": 1}', None], "int4[]": ["{1,2}", None],
    "inet": ["127.0.0.1", None], "interval": ["1 day", None], "money": ["1.5", None],
    "int4range": ["[1,5)", None], "time": ["12:00", None], "xml": ["<a/>", None],
}


@pytest.fixture
def types(database):
    database.execute("CREATE TYPE mood AS ENUM ('sad', 'hap''py', '\U0001f600')")
    database.execute("CREATE DOMAIN moody AS mood")
    database.execute("CREATE DOMAIN one AS numeric(10,2) NOT NULL CHECK (VALUE < 9)")
    database.execute("CREATE DOMAIN two AS one")
    return database


def fill(database, kind, literals, table="t"):
    database.execute(f"DROP TABLE IF EXISTS {table}")
    database.execute(f"CREATE TABLE {table} (i serial, v {kind})")
    for literal in literals:
        database.execute(f"INSERT INTO {table} (v) VALUES (%s::{kind})", (literal,))


def state_of(x):
    return NAN if math.isnan(x) else PINF if x == math.inf else NINF if x == -math.inf else VALUE


@pytest.mark.parametrize("kind", NUMBERS)
def test_numbers_equal_float8(types, source, kind):
    fill(types, kind, NUMBERS[kind])
    # float8out is exact to the last bit; numeric::float8 refuses only what overflows.
    wanted = types.query("SELECT v::float8, v::text FROM t ORDER BY i")
    cells = source.scan("t", ["v"], raw=["v"], where="ORDER BY i")
    assert len(cells) == len(wanted) == len(NUMBERS[kind])
    for ((state, num, text, _),), (x, written) in zip(cells, wanted):
        if x is None:
            assert (state, num, text) == (NULL, 0.0, "NULL")
            continue
        assert state == state_of(x), written
        assert struct.pack("d", num) == struct.pack("d", x if state == VALUE else 0.0) \
            or (x == 0 and num == 0), (written, num)
        if state != VALUE:
            assert text == {NAN: "NaN", PINF: "+Inf", NINF: "-Inf"}[state]
        elif kind.startswith(("int", "numeric")):
            assert text == written
        else:
            width = "f" if kind == "float4" else "d"
            assert struct.pack(width, float(text)) == struct.pack(width, float(written))


def test_random_numerics_equal_float8(database, source):
    database.execute(
        "CREATE TABLE t AS SELECT i, (CASE WHEN i % 3 = 0 THEN -1 ELSE 1 END *"
        " (substr(translate(md5(i::text) || md5((i * 7)::text) || md5((i * 11)::text), 'abcdef',"
        " '012345'), 1, 1 + i % 60) || 'e' || (i * 7919 % 121 - 75))::numeric) AS v"
        " FROM generate_series(1, 30000) i")
    database.execute("INSERT INTO t SELECT i, random()::numeric FROM generate_series(1, 5000) i")
    database.execute("INSERT INTO t SELECT i, i / 7.0 FROM generate_series(1, 5000) i")
    # halfway between two doubles, and a hair on either side
    database.execute("INSERT INTO t SELECT 0, (4503599627370496 + i) + 0.5 + d FROM"
                     " generate_series(1, 500) i, unnest(ARRAY[0, 1e-12, -1e-12, 1e-30]) d")
    wanted = database.query("SELECT v::float8 FROM t ORDER BY ctid")
    cells = source.scan("t", ["v"], where="ORDER BY ctid")
    assert len(cells) == 42000
    assert [c[0][1] for c in cells] == [w[0] for w in wanted]


def test_numeric_beyond_a_double(database, source):
    fill(database, "numeric", ["1e309", "-1e309", "1e-400"])
    cells = [tuple(c[0][:2]) for c in source.scan("t", ["v"])]
    assert cells == [(PINF, 0.0), (NINF, 0.0), (VALUE, 0.0)]


TIME_SQL = {
    "date": ("(v - date '1970-01-01')::numeric * 86400000000", "v::text"),
    "timestamp": ("extract(epoch FROM v) * 1000000", "replace(v::text, ' ', 'T')"),
    "timestamptz": ("extract(epoch FROM v) * 1000000",
                    "replace((v AT TIME ZONE 'UTC')::text, ' ', 'T') || 'Z'"),
}


@pytest.mark.parametrize("kind", TIMES)
def test_times_are_microseconds(types, source, kind):
    fill(types, kind, TIMES[kind])
    us_sql, text_sql = TIME_SQL[kind]
    wanted = types.query(f"SELECT CASE WHEN isfinite(v) THEN {us_sql} END,"
                         f" CASE WHEN isfinite(v) THEN {text_sql} END FROM t ORDER BY i")
    cells = source.scan("t", ["v"], where="ORDER BY i")
    assert len(cells) == len(wanted) == len(TIMES[kind])
    for ((state, num, text, _),), (us, written), literal in zip(cells, wanted, TIMES[kind]):
        if literal is None:
            assert (state, num, text) == (NULL, 0.0, "NULL")
        elif literal.endswith("infinity"):
            assert (state, num, text) == (NINF if literal[0] == "-" else PINF, 0.0, literal)
        else:
            assert (state, num) == (VALUE, float(us)), literal
            # years before 1 and those whose microseconds a double rounds have no such text
            if "BC" not in written and abs(us) < 2**53:
                assert text == written


@pytest.mark.parametrize("kind", TEXTS)
def test_texts(types, source, kind):
    fill(types, kind, TEXTS[kind])
    wanted = types.query("SELECT v::text, length(v::text) FROM t ORDER BY i")
    cells = source.scan("t", ["v"], where="ORDER BY i")
    for ((state, num, text, length),), (written, _) in zip(cells, wanted):
        assert num is None
        if written is None:
            assert (state, text, length) == (NULL, "NULL", 0)
        else:
            assert (state, text) == (VALUE, written)
            assert length == (16 if kind == "uuid" else len(written.encode()))


def test_bool(database, source):
    fill(database, "bool", ["true", "false", None])
    cells = source.scan("t", ["v"], where="ORDER BY i")
    assert [tuple(c[0][:3]) for c in cells] == [(VALUE, 1, "true"), (VALUE, 0, "false"),
                                                (NULL, 0, "NULL")]


@pytest.mark.parametrize("kind", OTHERS)
def test_other_types_are_counted_for_nulls(types, source, kind):
    fill(types, kind, OTHERS[kind])
    cells = source.scan("t", ["v"], where="ORDER BY i")
    assert [c[0][0] for c in cells] == [NULL if v is None else VALUE for v in OTHERS[kind]]
    assert all(c[0][1] is None and c[0][3] == -1 for c in cells)


def test_many_rows_in_batches(database, source):
    database.execute("CREATE TABLE t AS SELECT i AS id, CASE WHEN i % 10 <> 0 THEN i / 4.0::float8"
                     " END AS x, repeat('y', i % 50) AS y FROM generate_series(1, 10000) i")
    cells = source.scan("t")
    assert [c[0][1] for c in cells] == list(range(1, 10001))
    assert [c[1][0] for c in cells] == [NULL if i % 10 == 0 else VALUE for i in range(1, 10001)]
    assert [c[2][3] for c in cells] == [i % 50 for i in range(1, 10001)]


def test_large_values(database, source):
    database.execute("CREATE TABLE t AS SELECT i, repeat('z', n) AS v FROM (VALUES (1, 1000000),"
                     " (2, 5), (3, 20000000), (4, 0), (5, 1048576)) x(i, n)")
    assert [c[1][3] for c in source.scan("t", where="ORDER BY i")] == \
        [1000000, 5, 20000000, 0, 1048576]
    # a connection whose buffer has grown is not kept
    assert database.backends() == []


def test_no_rows_and_no_columns(database, source):
    database.execute("CREATE TABLE none (v int)")
    database.execute("CREATE TABLE bare ()")
    database.execute("INSERT INTO bare SELECT FROM generate_series(1, 3000)")
    assert source.scan("none") == []
    assert source.scan("bare") == [[]] * 3000


# --- catalogue ---------------------------------------------------------------------------------


def by_name(catalog):
    return {c["name"]: c for c in catalog["columns"]}


def test_catalog_columns(types, source):
    types.execute("CREATE TABLE t (a int NOT NULL, b two, gone int, c mood, d moody,"
                  " e varchar(5), f timestamptz(3), g int GENERATED ALWAYS AS (a * 2) STORED,"
                  " h jsonb, k numeric(10,2)[], PRIMARY KEY (a, f))")
    types.execute("ALTER TABLE t DROP COLUMN gone")
    types.execute("CREATE INDEX ON t (e)")
    types.execute("CREATE INDEX ON t (b) WHERE a > 5")
    types.execute("CREATE INDEX ON t USING hash (c)")
    types.execute("CREATE INDEX ON t ((a + 1), g)")
    source.open()
    found = source.catalog("t")
    assert [c["name"] for c in found["columns"]] == list("abcdefghk")
    columns = by_name(found)
    assert {n: c["kind"] for n, c in columns.items()} == {
        "a": "number", "b": "number", "c": "text", "d": "text", "e": "text", "f": "time",
        "g": "number", "h": "other", "k": "other"}
    assert {n for n, c in columns.items() if c["not_null"]} == {"a", "b", "f"}
    assert {n for n, c in columns.items() if c["indexed_first"]} == {"a", "e"}
    assert columns["b"]["type"] == "public.two" and columns["b"]["oid"] == 1700
    assert columns["e"]["type"] == "character varying(5)"
    assert columns["f"]["type"] == "timestamp(3) with time zone"
    assert found["relkind"] == "r" and found["quoted"] == '"public"."t"'
    assert found["encoding"] == "UTF8" and found["version"] == types.own.server_version
    source.shut()


def test_catalog_of_every_relation_kind(cluster, database, source):
    database.psql("""
        CREATE TABLE part (id int, at timestamptz) PARTITION BY RANGE (at);
        CREATE INDEX ON part (at);
        CREATE TABLE part1 PARTITION OF part FOR VALUES FROM ('2001-01-01') TO ('2001-02-01');
        CREATE TABLE part2 PARTITION OF part FOR VALUES FROM ('2001-02-01') TO ('2001-03-01')
            PARTITION BY LIST (id);
        CREATE TABLE part2a PARTITION OF part2 DEFAULT;
        INSERT INTO part SELECT i, '2001-01-01'::timestamptz + i * interval '1 hour'
            FROM generate_series(0, 1400) i;
        CREATE VIEW v AS SELECT id, at FROM part WHERE id > 5;
        CREATE MATERIALIZED VIEW m AS SELECT * FROM v;
        CREATE TABLE parent (id int); CREATE TABLE child () INHERITS (parent);
        INSERT INTO child SELECT generate_series(1, 5000);
        CREATE EXTENSION postgres_fdw;
        ANALYZE;""")
    database.execute(f"CREATE SERVER loop FOREIGN DATA WRAPPER postgres_fdw OPTIONS"
                     f" (host '127.0.0.1', port '{cluster.port}', dbname '{database.name}')")
    database.execute("CREATE USER MAPPING FOR postgres SERVER loop OPTIONS (user 'postgres')")
    database.execute("CREATE FOREIGN TABLE f (id int) SERVER loop OPTIONS (table_name 'child')")
    source.open()
    found = {t: source.catalog(t) for t in ("part", "v", "m", "f", "parent", "child")}
    counts = {}
    for table, catalog in found.items():
        counts[table] = source.call(**source.scan_call(catalog))["rows"]
    source.shut()
    assert {t: c["relkind"] for t, c in found.items()} == \
        {"part": "p", "v": "v", "m": "m", "f": "f", "parent": "r", "child": "r"}
    assert counts == {"part": 1401, "v": 1395, "m": 1395, "f": 5000, "parent": 5000, "child": 5000}
    sizes = dict(database.query("SELECT relname, pg_table_size(oid) FROM pg_class"
                                " WHERE relname IN ('part1', 'part2a', 'm', 'child', 'parent')"))
    assert found["part"]["bytes"] == sizes["part1"] + sizes["part2a"] > 0
    assert found["parent"]["bytes"] == sizes["parent"] + sizes["child"] > 0
    assert (found["m"]["bytes"], found["v"]["bytes"], found["f"]["bytes"]) == (sizes["m"], -1, -1)
    assert (found["part"]["rows"], found["child"]["rows"], found["v"]["rows"]) == (1401, 5000, -1)
    assert by_name(found["part"])["at"]["indexed_first"]


HOSTILE = ['plain', 'with space', 'q"uote', "apo'strophe", 'se;mi--colon', 'line\nfeed',
           '\U0001f600', 'a' * 63, '"', 'back\\slash', 'SELECT', '%s', '{{x}}', '<!channel>']


def test_hostile_names(database, source):
    def quote(name):
        return '"' + name.replace('"', '""') + '"'

    def run(sql):
        database.execute(sql.replace("%", "%%"), ())
    columns = ", ".join(f"{quote(n)} int DEFAULT {i}" for i, n in enumerate(HOSTILE))
    for schema in HOSTILE[:4]:
        run(f"CREATE SCHEMA {quote(schema)}")
        for table in HOSTILE:
            run(f"CREATE TABLE {quote(schema)}.{quote(table)} ({columns})")
            run(f"INSERT INTO {quote(schema)}.{quote(table)} DEFAULT VALUES")
            found = source.scan(f"{quote(schema)}.{quote(table)}")
            assert [c[1] for c in found[0]] == list(range(len(HOSTILE)))


def test_1600_columns(database, source):
    columns = ", ".join(f'"column {i}" {"float8" if i % 2 else "text"}' for i in range(1600))
    database.execute(f"CREATE TABLE wide ({columns})")
    database.execute("INSERT INTO wide SELECT FROM generate_series(1, 200)")
    database.execute('UPDATE wide SET "column 0" = \'x\', "column 1599" = 5')
    source.open()
    catalog = source.catalog("wide")
    assert [c["name"] for c in catalog["columns"]] == [f"column {i}" for i in range(1600)]
    answer = source.call(**source.scan_call(catalog, print=True))
    source.shut()
    assert len(answer["cells"]) == 200 and answer["largest_batch"] < 200
    for row in answer["cells"]:
        assert (row[0][2], row[1599][1]) == ("x", 5.0)
        assert all(c[0] == NULL for c in row[1:1599])


def test_missing_tables(database, source):
    database.psql('CREATE SCHEMA ml; CREATE TABLE ml.flight_features (i int);'
                  'CREATE TABLE ml."Mixed" (i int); CREATE INDEX an_index ON ml."Mixed" (i);'
                  'CREATE SCHEMA postgres; CREATE TABLE public.both (a int);'
                  'CREATE TABLE postgres.both (b int)')
    source.open()
    for written, hint in (("ml.flight_featurs", "ml.flight_features"),
                          ("flight_features", "ml.flight_features"),
                          ("ml.mixed", 'ml."Mixed"'), ("zzzzzzzzzz", "schema.table")):
        failed = source.fails(do="catalog", table=written)
        assert (failed.code, failed.sqlstate) == ("not_found", "42P01")
        assert written in failed.msg and hint in failed.hint, failed.hint
    assert source.fails(do="catalog", table="ml.an_index").code == "not_found"
    for wrong in ("", "a.b.c", "a.", '"a', 'a b', "a;b", "x" * 64, "ml.flight_features; DROP"):
        assert source.fails(do="catalog", table=wrong).code == "config"
    # the role's own schema stands before public, and capitals are folded as SQL does
    assert list(by_name(source.catalog("BOTH"))) == ["b"]
    source.shut()


def test_permissions(database, source):
    database.psql("CREATE SCHEMA closed; CREATE TABLE closed.t (i int);"
                  "CREATE TABLE t (i int, j int); CREATE TABLE none (i int);"
                  "DROP ROLE IF EXISTS watcher; CREATE ROLE watcher LOGIN;"
                  "GRANT SELECT (i) ON t TO watcher")
    source.config(main=database.conninfo, watcher=database.cluster.conninfo_of(
        database.name, "watcher"))
    source.open("watcher")
    for table in ("closed.t", "none"):
        failed = source.fails(do="catalog", table=table)
        assert (failed.code, failed.sqlstate) == ("permission", "42501")
        assert "GRANT" in failed.hint
    catalog = source.catalog("t")
    failed = source.fails(**source.scan_call(catalog))
    assert (failed.code, failed.sqlstate) == ("permission", "42501")
    assert source.call(**source.scan_call(catalog, ["i"]))["rows"] == 0
    source.shut()
    database.execute("DROP OWNED BY watcher; DROP ROLE watcher")


def test_sql_ascii_with_invalid_utf8(cluster, source):
    database = cluster.create("ascii", "TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C'"
                              " LC_CTYPE 'C'")
    database.execute("SET client_encoding = 'SQL_ASCII'")
    database.execute("CREATE TABLE t (i int, v text)")
    database.execute("INSERT INTO t VALUES (1, 'ok'), (2, E'a\\xff\\xc3b'),"
                     " (3, E'\\xe2\\x82\\xac')")
    database.execute("DO $$ BEGIN EXECUTE E'ALTER TABLE t ADD COLUMN \"b\\xfed\" int'; END $$")
    source.config(ascii=database.conninfo)
    source.open("ascii")
    catalog = source.catalog("t")
    assert catalog["encoding"] == "SQL_ASCII"
    assert [(c["name"], c["kind"]) for c in catalog["columns"]] == \
        [("i", "number"), ("v", "text"), ("b\ufffdd", "number")]
    answer = source.call(
        do="scan", columns=[["number", 23, False], ["text", 25, False]], print=True,
        sql="COPY (SELECT i, v FROM public.t ORDER BY i) TO STDOUT (FORMAT binary)")
    assert [c[1][2] for c in answer["cells"]] == ["ok", "a\ufffd\ufffdb", "\u20ac"]
    assert [c[1][3] for c in answer["cells"]] == [2, 4, 3]
    source.shut()
    database.close()
    source.config()
    cluster.drop("ascii")
