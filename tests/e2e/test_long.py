# SPDX-License-Identifier: GPL-3.0-or-later
"""Long sources: one row per entity and feature, each name a column, all read in one statement."""
import pytest

from sources import BASE, results, rules


@pytest.fixture
def base(database):
    database.execute(BASE)
    return database


LONG = """
CREATE TABLE src.features (entity bigint, at timestamptz NOT NULL, name text, value float8);
CREATE INDEX ON src.features (at);
INSERT INTO src.features SELECT g, '2001-06-01'::timestamptz + g * interval '60 s', n,
  CASE n WHEN 'speed' THEN g % 100 WHEN 'weight' THEN 1000 + g % 7
         ELSE CASE WHEN g % 4 > 0 THEN g % 2 END END
FROM generate_series(0, 20000) g, unnest(ARRAY['speed', 'weight', 'it''s "odd"']) n;
"""
LONG_SOURCE = {"table": "src.features", "time_column": "at", "key": ["entity"],
               "long": {"name": "name", "value": "value"}}
LONG_COLUMNS = {"speed": {"type": "float8", "nulls": 0, "range": {"min": 0, "max": 90},
                          "drift": {"ks": 0.2}},
                "weight": {"nulls": 0, "range": {"min": 1000, "max": 1006}},
                "it's \"odd\"": {"nulls": "20%"}}


def test_long(pgvigil, base):
    base.execute(LONG)
    pgvigil.rule("d", rules(LONG_SOURCE, LONG_COLUMNS, private_keys=False,
                            reference={"from": "2001-06-01", "to": "2001-06-11"}))
    pgvigil.expect(0, "validate", "--connect")
    # before a reference: the names of the rule file
    _, before = results(pgvigil)
    assert before["weight.range"]["verdict"] == "pass" and before["weight.range"]["n"] == 1440
    pgvigil.expect(0, "reference", "capture", "d")
    dataset, found = results(pgvigil)
    assert dataset["rows"] == 3 * 1440
    assert found["speed.range"]["n"] == 1440
    assert found["speed.range"]["value"] == pytest.approx(14 * 9 / 1440, abs=0.002)
    assert all(int(key) % 100 > 90 for key in found["speed.range"]["keys"])
    assert found["speed.drift.ks"]["n"] == 1440 and found["speed.drift.ks"]["n_ref"] == 14400
    assert found["speed.drift.ks"]["value"] < 0.05
    assert found['"it\'s ""odd""".nulls']["value"] == pytest.approx(0.25)
    assert found["unknown_names"]["verdict"] == "pass" and found["unknown_names"]["n"] == 3 * 1440
    assert found["schema"]["verdict"] == "pass", found["schema"]
    text = pgvigil.expect(0, "explain", "d").out
    assert text.count("COPY (") == 1
    assert "-- each row goes to one of 3 columns by its name" in text


def test_long_drift_and_names_that_come_and_go(pgvigil, base):
    base.execute(LONG)
    pgvigil.rule("d", rules(LONG_SOURCE, {"*": {"nulls": "30%", "drift": {"ks": 0.2}}},
                            private_keys=False,
                            reference={"from": "2001-06-01", "to": "2001-06-11"}))
    pgvigil.expect(0, "reference", "capture", "d")
    base.execute("UPDATE src.features SET value = value + 50 WHERE name = 'speed' AND"
                 " at >= '2001-06-12'")
    base.execute("DELETE FROM src.features WHERE name = 'weight' AND at >= '2001-06-12'")
    base.execute("INSERT INTO src.features SELECT entity, at, CASE WHEN entity % 2 = 0 THEN 'new'"
                 " END, 1 FROM src.features WHERE name = 'speed' AND at >= '2001-06-12'")
    _, found = results(pgvigil)
    assert found["speed.drift.ks"]["verdict"] == "fail"
    assert found["speed.drift.ks"]["value"] == pytest.approx(0.5, abs=0.03)
    assert found["weight.drift.ks"]["verdict"] == "nodata"
    assert found['"it\'s ""odd""".drift.ks']["verdict"] == "pass"
    names = found["unknown_names"]
    assert names["verdict"] == "warn" and names["value"] == pytest.approx(1 / 3, rel=1e-3)
    assert "1440 of 4320 rows with a name that is no column" in names["why"]
    assert len(names["keys"]) == 10
    assert not {"value.nulls", "name.nulls"} & set(found)


def test_long_with_texts(pgvigil, base):
    """The values may be computed: texts are converted, what cannot be is counted."""
    base.execute(LONG)
    base.execute("ALTER TABLE src.features ALTER value TYPE text;"
                 "UPDATE src.features SET value = 'bad' WHERE name = 'speed' AND entity % 10 = 0")
    columns = {"number": {"expr": "value::float8", "type": "float8"},
               "speed": {"nulls": 0, "cast": "20%", "range": {"min": 0, "max": 99}},
               "weight": {"cast": 0, "range": {"min": 1000, "max": 1006}}}
    source = {**LONG_SOURCE, "long": {"name": "name", "value": "number"}}
    pgvigil.rule("d", rules(source, columns))
    _, found = results(pgvigil)
    assert found["speed.cast"]["value"] == pytest.approx(0.1)
    assert found["speed.cast"]["verdict"] == "pass" and found["speed.range"]["n"] == 1296
    assert found["weight.cast"]["verdict"] == "pass" and found["weight.range"]["verdict"] == "pass"
    assert found["number.cast"]["verdict"] == "fail"
    assert found["unknown_names"]["verdict"] == "warn"


def test_long_with_too_many_names(pgvigil, base):
    base.execute(LONG)
    base.execute("INSERT INTO src.features SELECT 1, '2001-06-02', 'f' || g, g FROM"
                 " generate_series(1, 600) g")
    pgvigil.rule("d", rules(LONG_SOURCE, {"speed": {"nulls": 0}},
                            reference={"from": "2001-06-01", "to": "2001-06-11"}))
    done = pgvigil.run("reference", "capture", "d")
    assert done.code == 3 and "more than 500 names" in done.err + done.out


def test_sql_of_checks_over_features(pgvigil, base):
    base.execute(LONG)
    base.execute("UPDATE src.features SET value = entity WHERE name = 'weight'")
    pgvigil.rule("d", rules(LONG_SOURCE, {
        "weight": {"unique": 0}, "speed": {"unique": 0, "mean": {"min": 49, "max": 50}}}))
    _, found = results(pgvigil)
    assert found["weight.unique"]["verdict"] == "pass", found["weight.unique"]
    assert found["speed.unique"]["verdict"] == "fail" and found["speed.unique"]["n"] == 1440
    assert found["speed.mean"]["verdict"] == "pass"


def test_many_names(pgvigil, base):
    """More than one statement's memory holds: the reference is read in groups of names."""
    base.execute("""CREATE TABLE src.many AS
        SELECT '2001-06-01'::timestamptz + g * interval '20 min' AS at, 'f' || n AS name,
          (g % 50 + n)::float8 AS value
        FROM generate_series(0, 863) g, generate_series(1, 250) n""")
    source = {"table": "src.many", "time_column": "at", "long": {"name": "name", "value": "value"}}
    pgvigil.rule("d", rules(source, {"*": {"drift": {"ks": {"fail": 0.3, "min_rows": 50}}}},
                            reference={"from": "2001-06-01", "to": "2001-06-11"}))
    assert "180000 rows" in pgvigil.expect(0, "reference", "capture", "d").out
    dataset, found = results(pgvigil)
    assert dataset["rows"] == 72 * 250
    drift = [found[f"f{n}.drift.ks"] for n in range(1, 251)]
    assert {(r["n"], r["n_ref"], r["verdict"]) for r in drift} == {(72, 720, "pass")}
    assert found["unknown_names"]["verdict"] == "pass"
