# SPDX-License-Identifier: GPL-3.0-or-later
"""`pgvigil init`: the files it writes for real tables load, pass on the rows they come from, let
through what does no harm, and find most faults without a hand edit."""
import re

import pytest
import yaml

from stack import Pgvigil

TABLES = {"flight_features": "scheduled_at", "delay_predictions": "predicted_at",
          "labels": "arrived_at"}
DAY = "2001-01-17"
AT = "2001-01-18T00:10:00Z"
BEFORE, AFTER = "2001-02-01T00:10:00Z", "2001-02-03T00:10:00Z"

# name: (table, statement; $DAY is the condition on the day's rows[, set up, undo])
NOT_NULL = ("ALTER TABLE $T ALTER {0} DROP NOT NULL", "ALTER TABLE $T ALTER {0} SET NOT NULL")
NO_KEY = ("ALTER TABLE $T DROP CONSTRAINT $N_pkey", "ALTER TABLE $T ADD PRIMARY KEY (flight_id)")


def some(percent):
    return f"$DAY AND flight_id % 100 < {percent}"


# Running numbers without gaps, as they would be had those rows been all that there were.
RENUMBERED = ("; WITH ranked AS (SELECT flight_id AS was, 20000000 + row_number() OVER"
              " (ORDER BY flight_id) AS now FROM $T WHERE $DAY)"
              " UPDATE $T t SET flight_id = now FROM ranked WHERE t.flight_id = was")


def nulls(column, percent):
    return (f"UPDATE $T SET {column} = NULL WHERE {some(percent)}",
            *(s.format(column) for s in NOT_NULL))


def put(column, value, percent=100):
    return (f"UPDATE $T SET {column} = {value} WHERE {some(percent)}",)


def higher(times):
    return (f"UPDATE $T SET probability = least(1, probability * {times}),"
            f" predicted_late = probability * {times} >= 0.5 WHERE $DAY",)


def ddl(statement, undo):
    return ("SELECT 1", statement, undo)


def again(percent, columns="*"):
    return (f"INSERT INTO $T SELECT {columns} FROM $T WHERE {some(percent)}", *NO_KEY)


FAULTS = {
    "flight_features": {
        "origin null 1 %": nulls("origin", 1),
        "origin null 30 %": nulls("origin", 30),
        "destination null 1 %": nulls("destination", 1),
        "distance null 1 %": nulls("distance_miles", 1),
        "hour null 1 %": nulls("hour", 1),
        "recent delay null 3 %": put("recent_origin_delay", "NULL", 3),
        "recent delay null 100 %": put("recent_origin_delay", "NULL"),
        "recent delay in seconds": put("recent_origin_delay", "recent_origin_delay * 60"),
        "recent delay in seconds, 5 %": put("recent_origin_delay", "recent_origin_delay * 60", 5),
        "recent delay constant": put("recent_origin_delay", "12.5"),
        "recent delay 0, 10 %": put("recent_origin_delay", "0", 10),
        "recent delay 0 for NULL": put("recent_origin_delay", "0", 4),
        "recent delay -9999, 1 %": put("recent_origin_delay", "-9999", 1),
        "recent delay NaN, 1 %": put("recent_origin_delay", "'NaN'", 1),
        "recent delay infinite, 1 %": put("recent_origin_delay", "'Infinity'", 1),
        "recent delay 60 later": put("recent_origin_delay", "recent_origin_delay + 60"),
        "recent delay rounded to tens": put("recent_origin_delay",
                                            "round(recent_origin_delay::numeric, -1)"),
        "distance in kilometres": put("distance_miles", "distance_miles * 1.609"),
        "distance in metres": put("distance_miles", "distance_miles * 1609"),
        "distance 0, 1 %": put("distance_miles", "0", 1),
        "distance -1, 1 %": put("distance_miles", "-1", 1),
        "distance constant": put("distance_miles", "762"),
        "distance halved": put("distance_miles", "distance_miles / 2"),
        "hour from 1 to 24": put("hour", "hour + 1"),
        "hour five later": put("hour", "(hour + 5) % 24"),
        "hour constant": put("hour", "0"),
        "weekday from 0": put("weekday", "0"),
        "weekday 8": put("weekday", "8", 1),
        "origin new, 1 %": put("origin", "'SFO'", 1),
        "origin empty, 1 %": put("origin", "''", 1),
        "origin in small letters": put("origin", "lower(origin)"),
        "origin padded, 5 %": put("origin", "origin || ' '", 5),
        "origin cut": put("origin", "left(origin, 2)"),
        "one origin missing": ("DELETE FROM $T WHERE $DAY AND origin = 'LGA'",),
        "one origin for all": put("origin", "'ORD'"),
        "columns swapped": ("UPDATE $T SET origin = destination, destination = origin"
                            " WHERE $DAY",),
        "destination new, 5 %": put("destination", "'QQQ'", 5),
        "destination cut, 1 %": put("destination", "left(destination, 2)", 1),
        "destination with digits, 1 %": put("destination", "'AT1'", 1),
        "destination in small letters, 1 %": put("destination", "lower(destination)", 1),
        "destination unknown, 1 %": put("destination", "'N/A'", 1),
        "few destinations": put("destination", "(ARRAY['ATL','DFW','ORD'])[flight_id % 3 + 1]"),
        "destination is the origin, 1 %": put("destination", "origin", 1),
        "key twice": again(1),
        "all rows twice": again(100),
        "a third of the rows missing": (f"DELETE FROM $T WHERE {some(33)}",),
        "three hours missing": ("DELETE FROM $T WHERE $DAY AND hour BETWEEN 12 AND 14",),
        "half the day missing": ("DELETE FROM $T WHERE $DAY AND hour >= 12",),
        "three times the rows": (
            "INSERT INTO $T SELECT flight_id + 10000000 * g, scheduled_at, origin, destination,"
            " distance_miles, hour, weekday, recent_origin_delay"
            " FROM $T, generate_series(1, 2) AS g WHERE $DAY",),
        "column dropped": ddl("ALTER TABLE $T RENAME weekday TO gone",
                              "ALTER TABLE $T RENAME gone TO weekday"),
        "number as text": ddl("ALTER TABLE $T ALTER hour TYPE text USING hour::text",
                              "ALTER TABLE $T ALTER hour TYPE int USING hour::int"),
        "time as text": ddl("ALTER TABLE $T ALTER scheduled_at TYPE text",
                            "ALTER TABLE $T ALTER scheduled_at TYPE timestamptz"
                            " USING scheduled_at::timestamptz"),
        "table renamed": ddl("ALTER TABLE $T RENAME TO elsewhere",
                             "ALTER TABLE ml.elsewhere RENAME TO $N"),
    },
    "delay_predictions": {
        "probability null 1 %": nulls("probability", 1),
        "probability 0.6 higher": put("probability", "least(1, probability + 0.6)"),
        "probability above 1, 1 %": put("probability", "1.5", 1),
        "probability in percent": put("probability", "probability * 100"),
        "probability constant": put("probability", "0.21"),
        "probability 0": put("probability", "0"),
        "probability of the opposite": put("probability", "1 - probability"),
        "probability rounded to tenths": put("probability", "round(probability::numeric, 1)"),
        "probability -1 for unknown, 1 %": put("probability", "-1", 1),
        "version changed, 10 %": put("model_version", "'late15-2001-02'", 10),
        "all late": put("predicted_late", "true"),
        "late turned round": put("predicted_late", "NOT predicted_late"),
        "late against the score, 1 %": put("predicted_late", "NOT predicted_late", 1),
        "predictions twice": again(2),
        "predictions 40 % missing": (f"DELETE FROM $T WHERE {some(40)}",),
        "probability as text": ddl("ALTER TABLE $T ALTER probability TYPE text",
                                         "ALTER TABLE $T ALTER probability TYPE float8"
                                         " USING probability::float8"),
        "stale": ("SELECT 2",),
    },
    "labels": {
        "late null 1 %": nulls("late", 1),
        "no label late": put("late", "false"),
        "every label late": put("late", "true"),
        "late turned round": put("late", "NOT late"),
        "labels twice": again(1),
        "labels 40 % missing": (f"DELETE FROM $T WHERE {some(40)}",),
        "afternoon without labels": ("DELETE FROM $T WHERE $DAY AND"
                                     " extract(hour FROM arrived_at) BETWEEN 13 AND 15",),
    },
}

CLEAN = {
    "flight_features": {
        "nothing": ("SELECT 1",),
        "a holiday": (f"DELETE FROM $T WHERE {some(14)}{RENUMBERED}",),
        "twice the traffic": (
            "INSERT INTO $T SELECT flight_id + 10000000, scheduled_at, origin, destination,"
            " distance_miles, hour, weekday, recent_origin_delay FROM $T WHERE $DAY" + RENUMBERED,),
        "a new destination": ("UPDATE $T SET destination = 'MQT' WHERE $DAY"
                              " AND flight_id % 600 = 0",),
        "a few nulls": ("UPDATE $T SET recent_origin_delay = NULL WHERE $DAY"
                        " AND flight_id % 300 = 0",),
        "rewritten rows": ("UPDATE $T SET hour = hour WHERE $DAY",),
        "a new index": ddl("CREATE INDEX more ON $T (origin)", "DROP INDEX ml.more"),
    },
    "delay_predictions": {
        "a little higher": higher(1.1),
        "a bad day": higher(1.5),
        "a holiday": (f"DELETE FROM $T WHERE {some(14)}{RENUMBERED}",),
    },
    "labels": {
        "a bad day": put("late", "true", 20),
        "a late load": ("UPDATE $T SET arrived_at = arrived_at + interval '7 minutes'"
                        " WHERE $DAY AND arrived_at < '2001-01-17 23:00+00'",),
    },
}


@pytest.fixture
def january(vigil_flights, flights):
    """The three tables with January only, which is all that `init` sees."""
    for table, time in TABLES.items():
        flights.execute(f"DELETE FROM ml.{table} WHERE {time} >= '2001-02-01'")
        flights.execute(f"CREATE TABLE kept_{table} AS SELECT * FROM ml.{table} WHERE {time} >= "
                        f"'{DAY}'::date AND {time} < '{DAY}'::date + 1")
        vigil_flights.expect(0, "init", f"ml.{table}", "--output", f"rules/{table}.yaml")
    return vigil_flights


def fill(text, table):
    time = TABLES[table]
    day = f"{time} >= '{DAY}'::date AND {time} < '{DAY}'::date + 1"
    return text.replace("$DAY", day).replace("$T", f"ml.{table}").replace("$N", table)


def fails_of(vigil, dataset, at):
    """The rules that fail, and the dataset's error if there is one."""
    said = vigil.check(dataset, "--at", at)["datasets"][0]
    fails = {r["rule"] for r in said.get("results", []) if r["verdict"] == "fail"}
    return fails | ({"error " + said["error"]["code"]} if said.get("error") else set())


def try_change(vigil, database, table, change):
    """What fails on the day with the change, which is then undone."""
    statement, before, undo = (*change, None, None)[:3]
    if before:
        database.execute(fill(before, table))
    database.execute(fill(statement, table))
    fails = fails_of(vigil, table, AFTER if statement == "SELECT 2" else AT)
    if undo and statement == "SELECT 1":
        database.execute(fill(undo, table))
        return fails
    database.execute(fill("DELETE FROM $T WHERE $DAY", table))
    database.execute(fill("INSERT INTO $T SELECT * FROM kept_$N", table))
    if undo:
        database.execute(fill(undo, table))
    return fails


@pytest.mark.plain  # the sanitizers see init in the tests below, and its checks in test_checks.py
def test_files_validate_and_pass(january):
    said = january.expect(0, "validate", "--connect")
    assert re.search(r"3 files, 3 datasets, \d+ rules: no errors", said.out), said
    assert "warning" not in said.err, said
    january.expect(0, "reference", "capture")
    for day in range(2, 32):
        at = f"2001-01-{day:02}T00:10:00Z"
        result = january.run("check", "--json", "--at", at)
        bad = [(r["rule"], r["verdict"], r["why"]) for d in result.json["datasets"]
               for r in d["results"] if r["verdict"] in ("fail", "unknown")]
        assert result.code == 0 and not bad, (day, bad, result.err)
    drifts = [r for d in january.check("--at", BEFORE)["datasets"] for r in d["results"]
              if r["check"] == "ks"]
    assert len(drifts) == 4 and all(r["verdict"] in ("pass", "warn") for r in drifts), drifts


@pytest.mark.plain  # checks of those files, many times
def test_faults_are_found(january, flights, record_property):
    january.expect(0, "reference", "capture")
    found, missed, false_alarms = 0, [], []
    for table, faults in FAULTS.items():
        for name, fault in faults.items():
            if try_change(january, flights, table, fault):
                found += 1
            else:
                missed.append(f"{table}: {name}")
    for table, variants in CLEAN.items():
        for name, variant in variants.items():
            fails = try_change(january, flights, table, variant)
            if fails:
                false_alarms.append((table, name, fails))
    total, clean = found + len(missed), sum(map(len, CLEAN.values()))
    record_property("told", f"missed: {', '.join(missed) or 'none'}\n"
                    f"init: {found} of {total} faults found without a hand edit,"
                    f" {len(false_alarms)} of {clean} clean variants fail")
    assert not false_alarms
    assert found >= total * 50 / 60


def test_whole_tables_with_connect_and_range(vigil_flights, flights):
    vigil_flights.config["connections"]["other"] = {"conninfo": "host=/nowhere"}
    vigil_flights.write()
    for table in TABLES:
        vigil_flights.expect(0, "init", f"ml.{table}", "--connect", "warehouse", "--output",
                             f"rules/{table}.yaml")
        text = (vigil_flights.rules / f"{table}.yaml").read_text()
        assert all(len(line) <= 100 for line in text.splitlines() if "holds:" not in line), text
        assert yaml.safe_load(text)["reference"] == {"from": "2001-01-01", "to": "2001-02-01"}
    vigil_flights.expect(0, "validate", "--connect")
    for day in ("2001-01-02", "2001-01-14", "2001-01-31", "2001-06-30"):
        vigil_flights.expect(0, "check", "--at", f"{day}T00:10:00Z")
    said = vigil_flights.expect(0, "init", "ml.flight_features", "--connect", "warehouse", "--from",
                                "2001-03-01", "--to", "2001-04-01")
    rows = flights.value("SELECT to_char(count(*), 'FM999,999') FROM ml.flight_features WHERE"
                         " scheduled_at >= '2001-03-01' AND scheduled_at < '2001-04-01'")
    assert f"from {rows} rows" in said.out.replace("\n# ", " "), said
    assert yaml.safe_load(said.out)["reference"] == {"from": "2001-03-01", "to": "2001-04-01"}


def test_evidence_and_doubts(january):
    text = (january.rules / "flight_features.yaml").read_text()
    for line in (r"nulls: 0 +# NOT NULL; 0 of 105,943 rows null",
                 r"allowed: \[ATL, DFW, EWR, LGA, ORD, PHL\] +# the values of 105,943 rows",
                 r"range: \{min: 0, max: 23\} +# seen 0 .. 23",
                 r"key: \[flight_id\] +# the primary key",
                 r"unique: 0 +# the primary key",
                 r"# drift: \{ks: 0.97\}",                # of the weekday
                 r'pattern: "\^\[A-Z\]\{3\}\$" +# all 105,943 texts',
                 r"- freshness: 36h"):
        assert re.search(line, text), (line, text)
    rules = yaml.safe_load(text)
    assert "drift" not in rules["columns"]["weekday"]
    assert rules["columns"]["recent_origin_delay"]["nulls"] == "3%"
    assert "range" not in rules["columns"]["flight_id"]       # a key is private


@pytest.fixture
def odd(folder, database):
    database.execute("""
        CREATE SCHEMA x;
        CREATE TABLE x."Odd Table" (id uuid PRIMARY KEY, "Created At" timestamp, "we: ird" text,
            email text, amount numeric(10,2), js jsonb, tags text[], code char(3), r real,
            "yes" int, big bigint, "$d" text, nothing text);
        INSERT INTO x."Odd Table" SELECT md5(g::text)::uuid, timestamp '2024-03-01'
            + g * interval '10 seconds', CASE WHEN g % 7 > 0 THEN 'it''s "' || g % 3 || E'" #\\n'
            END, 'u' || g || '@example.org', (g * 7919 % 10000) / 100.0, '{}', '{a}',
            (ARRAY['EUR', 'USD'])[1 + g % 2], CASE WHEN g % 1000 = 0 THEN 'NaN'::real
            ELSE (g * 7919 % 1000) / 1000.0 END, g % 2, g * 1000,
            (ARRAY['$a', '${b}', '~', 'true'])[1 + g % 4], NULL
        FROM generate_series(1, 120000) AS g;
        CREATE INDEX ON x."Odd Table" ("Created At");
        CREATE TABLE x.state (id int PRIMARY KEY, name text, score float8, active bool);
        INSERT INTO x.state SELECT g, 'n' || g, g / 5000.0, g % 3 = 0
        FROM generate_series(1, 5000) AS g;
        CREATE TABLE x.few (at date NOT NULL, a int, b int);
        CREATE UNIQUE INDEX ON x.few (at, a);
        INSERT INTO x.few SELECT date '2024-01-01' + g, g % 5 FROM generate_series(0, 40) AS g;
        CREATE VIEW x.seen AS SELECT * FROM x.few;
        CREATE TABLE x.strange (at timestamptz NOT NULL, "*" int, "from" text, ends text,
            big bigint, odd float8);
        INSERT INTO x.strange SELECT timestamptz '2024-03-01 00:00Z' + g * interval '1 minute',
            g % 2, (ARRAY['', '  ', 'a'])[1 + g % 3],
            (ARRAY[U&'a\\0085b', U&'\\2028', U&'\\FEFFc'])[1 + g % 3],
            9007199254740991 - g * 7919 % 10000 * 2,
            (ARRAY[1, 2.5, 'NaN', '-Infinity'])[1 + g % 4]::float8
        FROM generate_series(0, 9999) AS g;
        INSERT INTO x.strange VALUES ('1970-01-01 00:00Z', 0, '', 'z', 1, 1),
            ('4000-01-01 00:00Z BC', 0, '', 'z', 1, 1), ('294000-01-01 00:00Z', 0, '', 'z', 1, 1);
        CREATE TABLE x.empty (id int, at timestamptz)""")
    made = Pgvigil(folder / "agent", database.conninfo)
    yield made
    made.close()


def test_odd_tables(odd):
    tables = {"odd": 'x."Odd Table"', "state": "x.state", "few": "x.few", "seen": "x.seen"}
    for name, table in tables.items():
        odd.expect(0, "init", table, "--output", f"rules/{name}.yaml")
    said = odd.expect(0, "validate", "--connect")
    assert "4 files, 4 datasets" in said.out
    text = (odd.rules / "odd.yaml").read_text()
    rules = yaml.safe_load(text)
    assert rules["dataset"] == "Odd_Table" and rules["schedule"]["window"] == "1h"
    assert rules["columns"]["email"]["private"] and rules["columns"]["email"]["format"] == "email"
    assert "example.org" not in text
    assert rules["columns"]["$d"]["allowed"] == ["$$a", "$${b}", "true", "~"]
    assert rules["columns"]["we: ird"]["allowed"] == [f'it\'s "{i}" #\n' for i in range(3)]
    assert "drift" not in rules["columns"]["big"]             # it only rises
    for hour in ("03:10", "12:10", "17:10"):
        odd.expect(0, "check", "Odd_Table", "--at", f"2024-03-05T{hour}:00Z")
    few = yaml.safe_load((odd.rules / "few.yaml").read_text())
    assert few["source"]["key"] == ["at", "a"] and {"unique": 0} in few["checks"]
    odd.expect(0, "check", "few", "--at", "2024-02-01T00:10:00Z")
    state = yaml.safe_load((odd.rules / "state.yaml").read_text())
    assert state["reference"] == {"capture": "now"} and "time_column" not in state["source"]
    odd.expect(0, "check", "state")
    said = odd.expect(0, "init", "x.few", "--time-column", "")
    assert yaml.safe_load(said.out)["reference"] == {"capture": "now"}


def test_odd_values(odd):
    """Lone times, a column "*", texts that YAML would not give back, long integers."""
    odd.expect(0, "init", "x.strange", "--output", "rules/strange.yaml")
    text = (odd.rules / "strange.yaml").read_text()
    rules = yaml.safe_load(text)
    assert "10,000 rows" in text and "more than a year before" in " ".join(text.split("\n# "))
    assert rules["reference"] == {"from": "2024-03-01", "to": "2024-03-08"}
    assert "*" not in rules["columns"]
    assert rules["columns"]["from"]["allowed"] == ["", "  ", "a"]
    assert sorted(rules["columns"]["ends"]["allowed"]) == ["a\x85b", "\u2028", "\ufeffc"]
    assert rules["columns"]["odd"]["allowed"] == [1, 2.5, "NaN", "-Infinity"]
    assert float(rules["columns"]["big"]["range"]["max"]) >= 9007199254740991
    odd.expect(0, "validate", "--connect")
    odd.expect(0, "check", "strange", "--at", "2024-03-05T00:10:00Z")
    (odd.rules / "strange.yaml").unlink()


@pytest.mark.parametrize("arguments, code, says", [
    (["x.fewer"], 64, "did you mean x.few?"),
    (["x.few", "--connect", "warehous"], 64, "did you mean warehouse?"),
    (["x.few", "--time-column", "att"], 64, "did you mean at?"),
    (["x.few", "--time-column", "a"], 64, "a is no date or timestamp, but integer"),
    (["x.few", "--from", "yesterday"], 64, "--from yesterday is not a time"),
    (["x.few", "--from", "2030-01-01"], 3, "has no rows"),
    (["x.few", "--output", "pgvigil.yaml"], 64, "is not overwritten"),
    (["x.few", "--output", "nowhere/x.yaml"], 70, "nowhere/x.yaml: No such file"),
    (["x.state", "--to", "2030-01-01"], 64, "need a time column"),
    (["x.empty"], 3, "has no rows"),
    ([], 64, "usage: pgvigil init TABLE"),
])
def test_refusals(odd, arguments, code, says):
    said = odd.expect(code, "init", *arguments)
    assert says in said.err and not said.out, said


def test_several_connections(odd):
    odd.config["connections"]["other"] = {"conninfo": "host=/nowhere"}
    odd.write()
    said = odd.expect(64, "init", "x.few")
    assert "has 2 connections: name one with --connect" in said.err, said
    odd.expect(3, "init", "x.few", "--connect", "other")
    odd.expect(0, "init", "x.few", "--connect", "warehouse")
