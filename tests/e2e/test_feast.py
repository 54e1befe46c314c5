# SPDX-License-Identifier: GPL-3.0-or-later
"""Feast's stores on PostgreSQL, without Feast: its bytes are made by feast_format.py, and some were
written by Feast 0.67 itself. The examples of rules/examples are run on a small ride service."""
import math
import random
import struct

import pytest

import stack
from feast_format import Store, entity_key, value
from sources import results, rules

EXAMPLES = stack.ROOT / "rules/examples"
KINDS = {"conv_rate": "double", "avg_rating": "float", "trips": "int64", "active": "bool",
         "city": "string", "last_trip": "time", "embedding": "float"}
CITIES = ["Oslo", "Bergen", "Tromsø"]
DRIVERS = 400


def make_rides(database, days=33, drivers=DRIVERS):
    """Offline rows of some weeks up to today, the newest served: as Feast would fill both."""
    rng = random.Random(7)
    database.execute(
        "CREATE TABLE driver_stats (driver_id bigint, event_timestamp timestamptz,"
        " created timestamptz, conv_rate float8, avg_rating float8, trips bigint, active bool,"
        " city text, last_trip timestamptz, embedding real[])")
    database.execute("CREATE INDEX ON driver_stats (event_timestamp)")
    store = Store(database, "ride_driver_stats")
    made = {}
    for driver in range(drivers):
        made[driver] = row = {
            "conv_rate": rng.random(), "avg_rating": 1 + 4 * rng.random(),
            "trips": rng.randrange(300), "active": rng.random() < 0.7, "city": rng.choice(CITIES),
            "last_trip": 1_780_000_000 + rng.randrange(1_000_000),
            "embedding": [rng.random() for _ in range(4)]}
        if driver % 50 == 0:
            row["conv_rate"] = None
        put_served(store, driver, row)
        # An older row, and one that a correction with the same event time replaced.
        for trips, age, created in ((7, "3 days", 0), (8, "2 hours", 1),
                                    (row["trips"], "2 hours", 2)):
            database.execute(
                "INSERT INTO driver_stats VALUES (%s, date_trunc('hour', now()) - %s::interval,"
                " now() - interval '1 hour' + %s * interval '1 minute', %s, %s, %s, %s, %s,"
                " to_timestamp(%s) + interval '0.25 s', %s)",
                (driver, age, created, row["conv_rate"], row["avg_rating"], trips, row["active"],
                 row["city"], row["last_trip"], row["embedding"]))
    return store, made


def put_served(store, driver, row, at="now"):
    store.put({"driver_id": driver}, {name: value(KINDS[name], x) for name, x in row.items()}, at)


@pytest.fixture
def rides(database):
    return make_rides(database)


def run_example(pgvigil, name, *arguments):
    pgvigil.rule(name, (EXAMPLES / f"{name}.yaml").read_text())
    pgvigil.expect(0, "validate", "--connect")
    dataset, = pgvigil.check(*arguments)["datasets"]
    assert "error" not in dataset, dataset
    return {r["rule"]: r for r in dataset["results"]}


def failed(found):
    return sorted(rule for rule, r in found.items() if r["verdict"] not in ("pass", "nodata"))


def test_online_example(pgvigil, rides, database):
    store, made = rides
    pgvigil.rule("feast_online", (EXAMPLES / "feast_online.yaml").read_text())
    pgvigil.expect(0, "reference", "capture", "driver_stats_online")
    found = run_example(pgvigil, "feast_online")
    assert not failed(found), [found[rule] for rule in failed(found)]
    assert found["conv_rate.drift.ks"]["verdict"] == "pass"
    assert found["conv_rate.drift.ks"]["n"] == DRIVERS - 8
    assert found["conv_rate.nulls"]["value"] == pytest.approx(8 / DRIVERS)
    assert found["embedding.nulls"]["n"] == DRIVERS and found["embedding.range"]["value"] == 0
    # The columns of the store itself are no features.
    assert not {"vector_value.nulls", "value_text.nulls", "created_ts.nulls"} & set(found)

    for driver, row in made.items():
        row = {**row, "conv_rate": row["conv_rate"] and row["conv_rate"] / 3,
               "city": "Oslo", "embedding": [0.5] * (3 if driver < 10 else 4)}
        put_served(store, driver, row)
    store.put({"driver_id": 1}, {"trips": value("string", "many")})
    database.execute("UPDATE ride_driver_stats SET event_ts = now() - interval '3 days'"
                     " WHERE feature_name = 'trips'")
    found = run_example(pgvigil, "feast_online")
    assert failed(found) == ["city.drift.total_variation", "conv_rate.drift.ks", "embedding.range",
                             "stale", "trips.cast"]
    assert found["stale"]["value"] == pytest.approx(3 * 86400, abs=60)
    assert "oldest of 7 names is trips: newest event_ts is 3d old" in found["stale"]["why"]
    assert found["trips.cast"]["value"] == pytest.approx(1 / DRIVERS)
    assert "1 of 400 values are no bigint" in found["trips.cast"]["why"]
    assert found["embedding.range"]["value"] == pytest.approx(10 / DRIVERS)
    assert found["trips.drift.ks"]["n"] == DRIVERS - 1


def test_skew_example(pgvigil, rides, database):
    store, made = rides
    found = run_example(pgvigil, "feast_skew")
    assert not failed(found), [found[rule] for rule in failed(found)]
    assert found["skew"]["value"] == 0 and found["skew"]["n"] == DRIVERS
    # Rows of the last hour, all but the first ten served already: no older row takes their place.
    for driver in range(40):
        database.execute("INSERT INTO driver_stats SELECT driver_id, now() - interval '10 minutes',"
                         " now(), conv_rate, avg_rating, 299, NOT active, 'Drammen', last_trip,"
                         " embedding FROM driver_stats WHERE driver_id = %s LIMIT 1", (driver,))
        if driver >= 10:
            store.put({"driver_id": driver}, {"trips": value("int64", 299), "city": value(
                "string", "Drammen"), "active": value("bool", not made[driver]["active"])})
    found = run_example(pgvigil, "feast_skew")
    assert not failed(found), [found[rule] for rule in failed(found)]
    assert found["skew"]["value"] == 0 and found["skew"]["n"] == DRIVERS - 40
    database.execute("DELETE FROM driver_stats WHERE city = 'Drammen'")
    for driver in range(10, 40):
        put_served(store, driver, made[driver])
    for driver in range(20):
        store.put({"driver_id": driver}, {"avg_rating": value("float", 3.25)})
    store.put({"driver_id": 30}, {"active": value("bool", not made[30]["active"])})
    database.execute("DELETE FROM ride_driver_stats WHERE entity_key = %s",
                     (entity_key(driver_id=31),))
    found = run_example(pgvigil, "feast_skew")
    assert failed(found) == ["skew"] and found["not-served"]["value"] == pytest.approx(1 / DRIVERS)
    assert found["skew"]["value"] == pytest.approx(21 / (DRIVERS - 1), rel=1e-3)
    assert "21 of 399 keys of both differ, most in avg_rating (20)" in found["skew"]["why"]
    assert not found["skew"].get("keys")                           # the key is private


def test_skew_on_two_connections(pgvigil, rides, cluster, database):
    store, _ = rides
    pgvigil.config["connections"]["lake"] = {"conninfo": database.conninfo}
    pgvigil.write()
    text = (EXAMPLES / "feast_skew.yaml").read_text().replace(
        "with: public.driver_stats", "connection: lake, with: public.driver_stats").replace(
        "connection: lake, with: public.driver_stats\n      what",
        "connection: lake\n      with: public.driver_stats\n      what").replace(
        "      fail: 1%", "      fail: 0.1%")
    store.put({"driver_id": 3}, {"city": value("string", "Bodø")})
    for private in (True, False):
        pgvigil.rule("feast_skew", text + f"private_keys: {str(private).lower()}\n")
        dataset, = pgvigil.check()["datasets"]
        found = {r["rule"]: r for r in dataset["results"]}
        assert found["skew"]["value"] == pytest.approx(1 / DRIVERS), found["skew"]
        assert found["not-served"]["value"] == 0, found["not-served"]
        assert (found["skew"].get("keys") or []) == ([] if private else ["3"])


def test_offline_example(pgvigil, database):
    database.execute("""
      CREATE TABLE driver_stats (driver_id bigint, event_timestamp timestamptz, created timestamptz,
        conv_rate float8, avg_rating real, trips bigint, active bool, city text,
        last_trip timestamptz, PRIMARY KEY (driver_id, event_timestamp, created));
      CREATE INDEX ON driver_stats (event_timestamp);
      INSERT INTO driver_stats SELECT d, t, t + interval '1 h', (d * 37 + n * 11) % 100 / 100.0,
        1 + (d * 13 + n) % 40 / 10.0, (d + n) % 200, d % 3 > 0,
        (ARRAY['Oslo', 'Bergen', 'Tromsø'])[1 + d % 3], t - interval '1 h'
      FROM generate_series(1, 300) d, generate_series(0, 35) n,
        LATERAL (SELECT '2026-05-01 06:00Z'::timestamptz + n * interval '1 day' AS t) AS x""")
    pgvigil.rule("feast_offline", (EXAMPLES / "feast_offline.yaml").read_text())
    pgvigil.expect(0, "validate", "--connect")
    pgvigil.expect(0, "reference", "capture", "driver_stats_offline")
    at = ("--at", "2026-06-05T00:30:00Z")
    found = run_example(pgvigil, "feast_offline", *at)
    assert not failed(found), [found[rule] for rule in failed(found)]
    database.execute("UPDATE driver_stats SET conv_rate = conv_rate / 2, city = 'Drammen'"
                     " WHERE event_timestamp >= '2026-06-04'")
    assert failed(run_example(pgvigil, "feast_offline", *at)) == ["city.allowed",
                                                                  "conv_rate.drift.ks"]


# Written by Feast 0.67: the bytes of values, and what get_online_features returns for them.
WRITTEN = [("double precision", "29a697c9758f3cea3f", 0.8198926258598831), ("bigint", "201b", 27),
           ("text", "12026331", "c1"), ("boolean", "3801", True)]


@pytest.mark.parametrize("kind, data, wanted", WRITTEN)
def test_written_by_feast(pgvigil, database, kind, data, wanted):
    store = Store(database, "s")
    store.put({"id": 1}, {"f": bytes.fromhex(data)})
    database.execute(f"CREATE TABLE o (id bigint, f {kind})")
    database.execute("INSERT INTO o VALUES (1, %s)", (wanted,))
    check = {"allowed": [str(wanted).lower()]} if kind in ("text", "boolean") else {
        "range": {"min": wanted, "max": wanted}}
    pgvigil.rule("d", feast(columns={"f": {"type": kind, **check}}, checks=[SKEW]))
    found = look(pgvigil)
    assert not failed(found) and found["skew"]["n"] == 1, found


# What is no text in UTF-8, or none that PostgreSQL can hold: a conversion would be an error.
NO_TEXTS = [b"\xff\xfe", b"a\x00", b"\xc3", b"\xc0\x80", b"\xe0\x9f\xbf", b"\xed\xa0\x80",
            b"\xf0\x8f\xbf\xbf", b"\xf4\x90\x80\x80", b"\xe2\x82", b"ok\x80"]
SKEW = {"compare": {"id": "skew", "with": "public.o", "what": "values", "columns": ["f"]}}


def feast(columns, checks=(), entity=None, **more):
    entity = entity or {"id": "bigint"}
    source = {"table": "public.s", "key": list(entity),
              "long": {"name": "feature_name", "value": "value", "decode": "feast",
                       "entity": entity}}
    return rules(source, columns, checks=list(checks), private_keys=False,
                 **more)


def look(pgvigil):
    return results(pgvigil, at=None)[1]


def doubles():
    rng = random.Random(3)
    edges = [0.0, -0.0, 1.0, -1.5, 5e-324, -5e-324, 2.2250738585072014e-308, 2.225073858507201e-308,
             1.7976931348623157e308, -1.7976931348623157e308, math.inf, -math.inf, math.nan, 0.1,
             1e-300, 3e300]
    drawn = [struct.unpack("<d", rng.randbytes(8))[0] for _ in range(300)]
    return edges + drawn


def floats():
    rng = random.Random(4)
    edges = [0.0, 1e-45, -1e-45, 1.1754943508222875e-38, 3.4028234663852886e38, math.inf, -math.inf,
             math.nan, 0.1, -2.5]
    edges = [struct.unpack("<f", struct.pack("<f", x))[0] for x in edges]
    return edges + [struct.unpack("<f", rng.randbytes(4))[0] for _ in range(300)]


INTEGERS = [0, 1, -1, 127, 128, -128, 16383, 16384, 2**31 - 1, 2**31, -2**31, 2**53 + 1, 2**63 - 1,
            -2**63]
SQL = [
    ("double precision", "double", doubles(), doubles()),
    ("real", "float", floats(), floats()),
    # Offline the same feature is a double that Feast has rounded; beyond the type it is infinite.
    ("real", "float", [struct.unpack("<f", struct.pack("<f", x))[0] for x in (0.1, 1 / 3, 1e-46)]
     + [math.inf, -math.inf], [0.1, 1 / 3, 1e-46, 1e39, -1e300]),
    ("double precision", "float", floats(), floats()),
    ("bigint", "int64", INTEGERS, INTEGERS),
    ("integer", "int32", INTEGERS[:9], INTEGERS[:9]),
    ("integer", "int64", [2**31 - 1, -2**31, 2**31], [2**31 - 1, -2**31, None]),
    ("numeric", "double", [0.1, 1e22, 12345678.90123456], [0.1, 1e22, 12345678.90123456]),
    ("boolean", "bool", [True, False], [True, False]),
    ("text", "string", ["", "a", "é€😀", "x" * 126, "x" * 127, "x" * 128, "x" * 20000],
     ["", "a", "é€😀", "x" * 126, "x" * 127, "x" * 128, "x" * 20000]),
    ("timestamptz", "time", [0, 1780000000, -5_000_000_000],
     ["1970-01-01T00:00:00.9Z", "2026-05-28T20:26:40Z", "1811-07-23T15:06:40Z"]),
    ("bigint", "string", ["no", "12"], [None, None]),
]


@pytest.mark.parametrize("kind, stored, served, offline", SQL, ids=lambda x: str(x)[:12])
def test_values_in_sql(pgvigil, database, kind, stored, served, offline):
    """What the server decodes is what was stored, bit by bit: nothing differs, and what is changed
    by one unit in the last place does."""
    store = Store(database, "s")
    column = "double precision" if kind == "real" else kind
    database.execute(f"CREATE TABLE o (id bigint, f {column})")
    for i, (x, y) in enumerate(zip(served, offline)):
        store.put({"id": i}, {"f": value(stored, x), "other": value("bool", True)})
        database.execute("INSERT INTO o VALUES (%s, %s)", (i, y))
    pgvigil.rule("d", feast({"f": {"type": kind, "cast": {"fail": 1}}}, [SKEW]))
    found = look(pgvigil)["skew"]
    assert found["verdict"] == "pass" and found["n"] == len(served), found
    if stored == "double" and kind != "numeric":
        data = bytearray(value(stored, served[7]))
        data[1] ^= 1
        store.put({"id": 7}, {"f": bytes(data)})
        assert look(pgvigil)["skew"]["keys"] == ["7"]


def test_several_join_keys(pgvigil, database):
    store = Store(database, "s")
    database.execute("CREATE TABLE o (zone text, id bigint, f bigint)")
    for i in range(50):
        store.put({"zone": f"Zone ø{i}", "id": i - 25}, {"f": value("int64", i)})
        database.execute("INSERT INTO o VALUES (%s, %s, %s)", (f"Zone ø{i}", i - 25, i))
    # Keys that are none: they have no value, and cost nobody else his.
    keys = [b"", b"\x02", entity_key(id=1), entity_key(zone="a", id=1)[:-3],
            entity_key(zone="a", id=1) + b"\x00", entity_key(zone="a", id=1) * 2,
            entity_key(zone="a", id=1)[:33] + b"\xff\xff\xff\xff", b"\xff" * 64,
            *(entity_key(zone=text, id=1) for text in NO_TEXTS)]
    for i, key in enumerate(keys):
        store.put(key, {"f": value("int64", i)})
    keyed = {**SKEW["compare"], "id": "keys", "what": "keys"}
    keyed.pop("columns")
    pgvigil.rule("d", feast(
        {"f": {"type": "bigint"}, "id": {"type": "bigint"}, "zone": {"blank": 0}},
        [SKEW, {"compare": keyed}], entity={"zone": "text", "id": "bigint"}))
    found = look(pgvigil)
    assert found["skew"]["n"] == 50 and found["skew"]["value"] == 0, found["skew"]
    assert found["keys"]["n"] == 50 and found["keys"]["value"] == 0, found["keys"]
    database.execute("UPDATE o SET f = -1 WHERE id = 3")
    assert look(pgvigil)["skew"]["keys"] == ["Zone ø28, 3"]


def test_hostile_bytes(pgvigil, database):
    """Damaged values are counted, and neither the scan nor a statement ends by one."""
    store = Store(database, "s")
    database.execute("CREATE TABLE o (id bigint, f float8, t text, n bigint, b bool)")
    good = value("double", 2.5)
    damaged = [b"\x29", b"\x29\x00", good[:-1], good + b"\x00", good + good, b"\x28\x01", b"\x00",
               b"\xff" * 40, b"\x12\xff\xff\xff\xff\x0f", b"\x12\x05ab", b"\x20" + b"\xff" * 11,
               b"\x20\x80", b"\x20\x01\x01", b"\x20" + b"\xff" * 9 + b"\x02", b"\x12\x80",
               b"\x12\x82ab", b"\x38\x02", b"\x9a\x01\x00", b"\x92\x01\x04\x0a\x05ab",
               *(value("string", text) for text in NO_TEXTS)]
    for i, data in enumerate([good] * 10 + damaged):
        fine = i < 10
        store.put({"id": i}, {"f": data, "t": value("string", "x") if fine else data,
                              "n": value("int64", 7) if fine else data,
                              "b": value("bool", True) if fine else data})
        database.execute("INSERT INTO o VALUES (%s, %s, %s, %s, %s)",
                         (i, *((2.5, "x", 7, True) if fine else (None,) * 4)))
    skew = {"compare": {**SKEW["compare"], "columns": ["f", "t", "n", "b"]}}
    pgvigil.rule("d", feast({"f": {"type": "double precision", "range": {"min": 2.5, "max": 2.5}},
                             "t": {"type": "text", "length": {"max": 1}}, "n": {"type": "bigint"},
                             "b": {"type": "boolean"}}, [skew]))
    found = look(pgvigil)
    assert failed(found) == ["b.cast", "f.cast", "n.cast", "t.cast"], found
    for name in "ftnb":
        share = found[f"{name}.cast"]["value"]
        assert share == pytest.approx(len(damaged) / (10 + len(damaged))), name
    assert found["f.range"]["n"] == 10 and found["t.length"]["n"] == 10
    assert found["skew"]["value"] == 0 and found["skew"]["n"] == 10 + len(damaged), found["skew"]


def test_private_values(pgvigil, database):
    """Neither answers nor state hold a value of it, nor does what the store says twice."""
    store = Store(database, "s")
    for i in range(300):
        store.put({"id": i}, {"f": value("string", "secret-value")})
    database.execute("UPDATE s SET value_text = 'secret-value'")
    pgvigil.rule("d", feast({"f": {"type": "text", "length": {"max": 3}, "private": True}},
                            reference={"capture": "now"}))
    pgvigil.expect(0, "reference", "capture", "d")
    pgvigil.expect(2, "run", "--once")
    assert b"f.length" in pgvigil.state.read_bytes()
    assert b"secret-value" not in pgvigil.state.read_bytes()
    text = str(pgvigil.check("d"))
    assert "secret-value" not in text and "'f.length'" in text


def test_stale_by_column(pgvigil, database):
    store = Store(database, "s")
    for i in range(30):
        store.put({"id": i}, {"old": value("bool", True)}, "now" if i == 3 else "2001-01-01")
        store.put({"id": i}, {"new": value("bool", True)}, "2001-01-01")
    database.execute("UPDATE s SET event_ts = 'infinity' WHERE feature_name = 'new'")
    stale = {"by": "event_ts", "fail": "1h"}
    pgvigil.rule("d", feast({"old": {"type": "boolean", "stale": dict(stale)},
                             "new": {"type": "boolean", "stale": dict(stale)},
                             "never": {"stale": dict(stale)}},
                            [{"stale": {"by": "event_ts", "fail": "1h", "id": "all"}},
                             {"stale": {"by": "value", "fail": "1h", "id": "none"}}]))
    found = look(pgvigil)
    assert found["old.stale"]["verdict"] == "pass" and found["old.stale"]["value"] < 60
    assert found["new.stale"]["verdict"] == "fail" and found["never.stale"]["verdict"] == "fail"
    assert "no row with event_ts up to now" in found["new.stale"]["why"]
    assert found["all"]["verdict"] == "fail"
    assert found["none"]["verdict"] == "unknown" and "is no time column" in found["none"]["why"]


FAULTS = [
    ({"decode": "fest"}, {}, "feast"),
    ({"entity": {"id": "bigint"}}, {}, 'entity: needs "decode"'),
    ({"decode": "feast", "entity": {"id": "float8"}}, {}, "a join key is bigint, integer or text"),
    ({"decode": "feast", "entity": []}, {}, "entity must be a mapping of 1 to 16 join keys"),
    ({"decode": "feast"}, {"f": {"type": "jsonb"}}, 'no value of Feast has the type "jsonb"'),
    ({"decode": "feast", "entity": {"id": "text"}}, {"id": {"expr": "1", "type": "int"}},
     'has "expr" and is a join key'),
]


@pytest.mark.parametrize("more, columns, message", FAULTS, ids=lambda x: str(x)[:20])
def test_faults(pgvigil, more, columns, message):
    pgvigil.rule("d", rules({"table": "a.b", "long": {"name": "n", "value": "v", **more}}, columns))
    assert message in pgvigil.expect(78, "validate").err


def test_no_bytes(pgvigil, database):
    database.execute("CREATE TABLE s (entity_key bytea, feature_name text, value float8)")
    pgvigil.rule("d", feast({"f": {"type": "float8"}}))
    assert "holds no serialised values: its type is double precision" in str(pgvigil.check("d"))
