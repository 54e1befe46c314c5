# SPDX-License-Identifier: GPL-3.0-or-later
"""The structure of tables on a real server: every kind of ALTER TABLE between a reference and a
check, and between two looks."""
import itertools

import pytest

import stack
from test_daemon import query

names = itertools.count(1)

# amount, score, name, mood, code and total are named by the rule file; spare and note are not.
TABLE = """
CREATE TABLE {t} (
    id bigint PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    amount integer NOT NULL CONSTRAINT {t}_positive CHECK (amount >= 0),
    score real DEFAULT 1,
    name varchar(10) COLLATE "C" CONSTRAINT {t}_one_name UNIQUE,
    mood {t}_mood,
    code numeric(6,2) CONSTRAINT {t}_known REFERENCES {t}_codes,
    total bigint GENERATED ALWAYS AS (amount * 2) STORED,
    mail {t}_mail,
    spare integer NOT NULL DEFAULT 7,
    note text);
INSERT INTO {t} (id, amount, score, name, mood, code, mail, note)
    SELECT n, n, n / 10.0, 'n' || n, 'sad', 1, 'a@b', 'x' FROM generate_series(1, 300) n"""
BEFORE = """
CREATE TYPE {t}_mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN {t}_mail AS text CHECK (value LIKE '%@%');
CREATE TABLE {t}_codes (code numeric(6,2) PRIMARY KEY);
INSERT INTO {t}_codes VALUES (1);"""
NAMED = ["amount", "score", "name", "mood", "code", "total", "mail"]


def rule(t, **more):
    made = {"version": 1, "dataset": t,
            "source": {"connection": "warehouse", "table": f"public.{t}", "key": ["id"]},
            "schedule": {"window": "1h", "every": "1s"},
            "columns": {name: {"nulls": "50%"} for name in NAMED}}
    made.update(more)
    return made


@pytest.fixture(scope="module")
def shared(cluster):
    """One database for all the tables."""
    database = cluster.create("schema", "TEMPLATE template0")
    yield database
    database.close()
    cluster.drop(database.name)


@pytest.fixture
def world(shared, tmp_path):
    """An agent of the test's own."""
    agent = stack.Pgvigil(tmp_path / "agent", shared.conninfo)
    agent.database = shared
    yield agent
    agent.close()


@pytest.fixture
def t(world):
    """A fresh table and its rule file."""
    name = f"t{next(names)}"
    world.database.execute((BEFORE + TABLE).replace("{t}", name))
    world.rule(name, rule(name))
    return name


def alter(world, t, sql):
    world.database.execute(sql.replace("{t}", t))


def capture(world, t, **more):
    world.rule(t, rule(t, reference={"capture": "now"}, **more))
    world.expect(0, "reference", "capture", t)


def results(world, t):
    dataset, = world.check(t)["datasets"]
    assert "error" not in dataset, dataset
    return {r["rule"]: r for r in dataset["results"]}


def schema(world, t):
    found = results(world, t)["schema"]
    return found["verdict"], found["why"].replace(t, "{t}")


def look(world, t):
    """The next tick, committed: verdict and words of schema."""
    def latest():
        rows = query(world, "SELECT at_us, verdict, why FROM latest WHERE dataset = ? AND rule ="
                     " 'schema'", t)
        return rows[0] if rows else (0, None, None)
    (before,), = query(world, "SELECT coalesce(max(at_us), 0) FROM latest") or [(0,)]

    def ticked():
        world.run("run", "--once")
        return latest()[0] > before
    stack.wait_for(ticked, what="a tick")
    _at, verdict, why = latest()
    return ["pass", "nodata", "warn", "unknown", "fail"][verdict], why.replace(t, "{t}")


CHANGES = {
    "used column dropped": ("ALTER TABLE {t} DROP COLUMN score", "fail", "column score is missing"),
    "unused column dropped":
        ("ALTER TABLE {t} DROP COLUMN note", "warn", "column note is missing"),
    "key column renamed": ("ALTER TABLE {t} RENAME id TO number", "fail",
                           "column id is missing"),
    "column added": ("ALTER TABLE {t} ADD COLUMN extra text", "warn", "column extra is unexpected"),
    "reordered": ("ALTER TABLE {t} RENAME note TO other; ALTER TABLE {t} ADD COLUMN note text;"
                  "ALTER TABLE {t} DROP COLUMN other; ALTER TABLE {t} RENAME spare TO other;"
                  "ALTER TABLE {t} ADD COLUMN spare integer NOT NULL DEFAULT 7;"
                  "ALTER TABLE {t} DROP COLUMN other", "pass",
                  "safe: column spare stands elsewhere"),
    "integer to bigint": ("ALTER TABLE {t} DROP COLUMN total; ALTER TABLE {t} ALTER amount TYPE"
                          " bigint; ALTER TABLE {t} ADD total bigint GENERATED ALWAYS AS"
                          " (amount * 2) STORED", "pass", "column amount is bigint, was integer"),
    "varchar longer": ("ALTER TABLE {t} ALTER name TYPE varchar(20) COLLATE \"C\"", "pass",
                       "column name is character varying(20), was character varying(10)"),
    "varchar shorter": ("ALTER TABLE {t} ALTER name TYPE varchar(5) COLLATE \"C\"", "warn",
                        "column name is character varying(5), was character varying(10)"),
    "varchar to text": ("ALTER TABLE {t} ALTER name TYPE text COLLATE \"C\"", "pass",
                        "column name is text, was character varying(10)"),
    "numeric wider": ("ALTER TABLE {t} DROP CONSTRAINT {t}_known; ALTER TABLE {t} ALTER code TYPE"
                      " numeric(8,2)", "warn", "constraint {t}_known is gone"),
    "numeric coarser": ("ALTER TABLE {t} ALTER code TYPE numeric(6,1)", "warn",
                        "column code is numeric(6,1), was numeric(6,2), "
                        "constraint {t}_known says something else|"
                        "column code is numeric(6,1), was numeric(6,2)"),
    "text where a number was": ("ALTER TABLE {t} ALTER score DROP DEFAULT; ALTER TABLE {t} ALTER"
                                " score TYPE text", "fail", "column score is text, was real"),
    "unused to text": ("ALTER TABLE {t} ALTER spare TYPE text", "warn",
                       "column spare is text, was integer"),
    "domain dropped": ("ALTER TABLE {t} ALTER mail TYPE text", "pass",
                       "column mail is text, was public.{t}_mail"),
    "not null dropped": ("ALTER TABLE {t} ALTER amount DROP NOT NULL", "warn",
                         "column amount is no longer NOT NULL"),
    "unused not null dropped": ("ALTER TABLE {t} ALTER spare DROP NOT NULL", "pass",
                                "safe: column spare is no longer NOT NULL"),
    "not null added": ("ALTER TABLE {t} ALTER score SET NOT NULL", "pass",
                       "safe: column score is now NOT NULL"),
    "default changed": ("ALTER TABLE {t} ALTER score SET DEFAULT 2", "warn",
                        "column score has another default"),
    "default dropped": ("ALTER TABLE {t} ALTER score DROP DEFAULT", "warn",
                        "column score has no default any more"),
    "default added": ("ALTER TABLE {t} ALTER name SET DEFAULT 'x'", "pass",
                      "safe: column name has a default now"),
    "unused default changed": ("ALTER TABLE {t} ALTER spare SET DEFAULT 8", "pass",
                               "safe: column spare has another default"),
    "generated otherwise": ("ALTER TABLE {t} DROP COLUMN total, ADD COLUMN total bigint GENERATED"
                            " ALWAYS AS (amount * 3) STORED", "warn",
                            "column total is generated by another expression"),
    "no longer generated": ("ALTER TABLE {t} ALTER total DROP EXPRESSION", "warn",
                            "column total is no longer generated"),
    "identity": ("ALTER TABLE {t} ALTER id ADD GENERATED ALWAYS AS IDENTITY", "pass",
                 "safe: column id is an identity now"),
    "label added": ("ALTER TYPE {t}_mood ADD VALUE 'angry'", "pass",
                    "safe: column mood has more labels than it had"),
    "label renamed": ("ALTER TYPE {t}_mood RENAME VALUE 'ok' TO 'fine'", "fail",
                      "column mood lost 1 of its 3 labels"),
    "collation": ("ALTER TABLE {t} ALTER name TYPE varchar(10) COLLATE \"POSIX\"", "warn",
                  "column name has another collation"),
    "primary key dropped": ("ALTER TABLE {t} DROP CONSTRAINT {t}_pkey", "fail",
                            "constraint {t}_pkey is gone"),
    "unique dropped": ("ALTER TABLE {t} DROP CONSTRAINT {t}_one_name", "warn",
                       "constraint {t}_one_name is gone"),
    "foreign key dropped": ("ALTER TABLE {t} DROP CONSTRAINT {t}_known", "warn",
                            "constraint {t}_known is gone"),
    "check changed": ("ALTER TABLE {t} DROP CONSTRAINT {t}_positive, ADD CONSTRAINT {t}_positive"
                      " CHECK (amount >= -5)", "warn",
                      "constraint {t}_positive says something else"),
    "check not validated": ("ALTER TABLE {t} DROP CONSTRAINT {t}_positive, ADD CONSTRAINT"
                            " {t}_positive CHECK (amount >= 0) NOT VALID", "warn",
                            "constraint {t}_positive is no longer validated"),
    "constraint renamed": ("ALTER TABLE {t} RENAME CONSTRAINT {t}_positive TO {t}_sane", "pass",
                           "11 columns as expected"),
    "constraint added": ("ALTER TABLE {t} ADD CONSTRAINT {t}_more CHECK (spare > 0) NOT VALID",
                         "pass", "safe: constraint {t}_more is new and not validated"),
    "row-level security of the owner": ("ALTER TABLE {t} ENABLE ROW LEVEL SECURITY", "pass",
                                        "11 columns as expected"),
    "vacuum full": ("ALTER TABLE {t} SET (fillfactor = 70)", "pass", "11 columns as expected"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_change_since_the_reference(world, t, change):
    sql, verdict, words = CHANGES[change]
    capture(world, t)
    assert schema(world, t) == ("pass", "11 columns as expected")
    alter(world, t, sql)
    found, why = schema(world, t)
    assert found == verdict, why
    assert any(part in why for part in words.split("|")), why
    assert schema(world, t) == (found, why), "it stays"


def test_levels_are_chosen(world, t):
    capture(world, t, checks=[{"schema": {"missing": "ignore", "reordered": "ignore",
                                          "default": "ignore", "enum": "fail"}}])
    alter(world, t, "ALTER TABLE {t} DROP COLUMN note, ALTER score DROP DEFAULT")
    assert schema(world, t) == ("pass", "10 columns as expected")
    alter(world, t, "ALTER TYPE {t}_mood ADD VALUE 'angry'")
    assert schema(world, t) == ("fail", "column mood has more labels than it had")


def test_renewing_the_reference_accepts_it(world, t):
    capture(world, t)
    alter(world, t, "ALTER TABLE {t} DROP CONSTRAINT {t}_pkey, DROP COLUMN note")
    assert schema(world, t)[0] == "fail"
    world.expect(0, "reference", "capture", t)
    assert schema(world, t) == ("pass", "10 columns as expected")


def test_declared_types(world, t):
    columns = {name: {"nulls": "50%"} for name in NAMED}
    columns["amount"]["type"] = "smallint"
    columns["code"]["type"] = "decimal(6,2)"
    world.rule(t, rule(t, columns=columns))
    verdict, why = schema(world, t)
    assert (verdict, why) == ("pass", "11 columns as expected, not compared with a reference; safe:"
                              " column amount is integer, not smallint")
    columns["amount"]["type"] = "bigint"
    world.rule(t, rule(t, columns=columns))
    assert schema(world, t) == ("fail", "column amount is integer, not bigint")
    columns["amount"]["type"] = "integer"
    world.rule(t, rule(t, columns=columns))
    capture(world, t, columns=columns)
    alter(world, t, "ALTER TABLE {t} ALTER code TYPE numeric(9,3)")
    assert schema(world, t)[1].startswith("11 columns as expected; safe: column code is"
                                          " numeric(9,3), not decimal(6,2)")


def test_changes_since_the_last_look_are_told_once(world, t):
    assert look(world, t) == ("pass", "11 columns as expected, not compared with a reference")
    same = ("pass", "11 columns as expected, compared with the last look")
    assert look(world, t) == same
    alter(world, t, "ALTER TABLE {t} DROP COLUMN note")
    assert schema(world, t) == ("warn", "column note is missing since the last look")
    assert schema(world, t)[0] == "warn", "a check without commit forgets nothing"
    assert look(world, t) == ("warn", "column note is missing since the last look")
    assert look(world, t)[0] == "pass"
    alter(world, t, "ALTER TABLE {t} ADD COLUMN note text")
    assert look(world, t) == ("warn", "column note is unexpected since the last look")
    assert look(world, t) == same
    alter(world, t, "ALTER TABLE {t} ALTER score DROP DEFAULT, ALTER score TYPE text,"
          " DROP CONSTRAINT {t}_pkey")
    verdict, why = look(world, t)
    assert verdict == "fail"
    assert why == ("column score is text, was real at the last look, "
                   "constraint {t}_pkey is gone since the last look")
    assert look(world, t) == same
    alter(world, t, "ALTER TABLE {t} DROP COLUMN score")
    assert look(world, t) == ("fail", "column score is missing")
    assert look(world, t) == ("fail", "column score is missing"), "the rule file names it"


def test_back_to_the_reference_is_no_change(world, t):
    capture(world, t)
    assert look(world, t)[0] == "pass"
    alter(world, t, "ALTER TABLE {t} DROP CONSTRAINT {t}_positive")
    assert look(world, t) == ("warn", "constraint {t}_positive is gone")
    assert look(world, t) == ("warn", "constraint {t}_positive is gone"), "until it is renewed"
    alter(world, t, "ALTER TABLE {t} ADD CONSTRAINT {t}_positive CHECK (amount >= 0)")
    assert look(world, t) == ("pass", "11 columns as expected")


def test_last_look_follows_the_dataset(world, t):
    """`was:` carries what was seen over, a retired dataset's is forgotten."""
    look(world, t)
    (world.rules / f"{t}.yaml").unlink()
    world.rule("other", rule(t, dataset=f"{t}b", was=t))
    alter(world, t, "ALTER TABLE {t} DROP COLUMN note")
    assert look(world, f"{t}b") == ("warn", "column note is missing since the last look")
    assert query(world, "SELECT count(*) FROM structure WHERE dataset = ?", t) == [(0,)]
    assert query(world, "SELECT count(*) FROM structure WHERE dataset = ?", f"{t}b") == [(1,)]


def test_another_table_is_no_change(world, t):
    look(world, t)
    alter(world, t, "CREATE TABLE {t}_b (id bigint, " + ", ".join(f"{n} int" for n in NAMED) + ")")
    world.rule(t, rule(t, source={"connection": "warehouse", "table": f"public.{t}_b"}))
    assert look(world, t)[0] == "pass"


def test_a_changed_type_is_never_drift(world, t):
    """Values are the same, or moved: ks says what became of the type, not how far it moved."""
    columns = {"score": {"nulls": "50%", "drift": {"ks": 0.2}}, "amount": {"drift": {"ks": 0.2}}}
    capture(world, t, columns=columns)
    found = results(world, t)
    assert {found[r]["verdict"] for r in ("score.drift.ks", "amount.drift.ks")} == {"pass"}
    alter(world, t, "ALTER TABLE {t} ALTER score DROP DEFAULT, ALTER score TYPE numeric(3,0),"
          " DROP COLUMN total")
    alter(world, t, "ALTER TABLE {t} DROP CONSTRAINT {t}_positive, ALTER amount TYPE text")
    found = results(world, t)
    assert found["score.drift.ks"]["verdict"] == "nodata"
    assert found["score.drift.ks"]["why"].startswith("its type was real in the reference and is"
                                                     " numeric(3,0) now")
    assert found["amount.drift.ks"]["verdict"] == "unknown"
    assert "text" in found["amount.drift.ks"]["why"]
    assert found["schema"]["verdict"] == "fail"


@pytest.fixture
def reader(world, cluster):
    """The agent connects as a role that owns nothing."""
    world.database.execute("DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN")
    world.config["connections"]["warehouse"]["conninfo"] = cluster.conninfo_of(
        world.database.name, user="reader")
    world.write()
    yield "reader"
    world.database.execute("DROP OWNED BY reader; DROP ROLE reader")


def test_grants_lost(world, t, reader):
    alter(world, t, "GRANT SELECT ON {t} TO reader")
    capture(world, t)
    columns = "id, at, amount, score, name, mood, code, total, mail"
    alter(world, t, "REVOKE SELECT ON {t} FROM reader;"
          f"GRANT SELECT ({columns}) ON {{t}} TO reader")
    assert schema(world, t) == ("warn", "column spare can no longer be read, column note can no"
                                " longer be read")
    alter(world, t, "REVOKE SELECT (score) ON {t} FROM reader")
    assert schema(world, t) == ("fail", "column score can no longer be read")
    found = results(world, t)
    assert found["score.nulls"]["verdict"] == "unknown"
    assert found["amount.nulls"]["verdict"] == "pass"


def test_row_level_security(world, t, reader):
    alter(world, t, "GRANT SELECT ON {t} TO reader")
    assert look(world, t)[0] == "pass"
    alter(world, t, "ALTER TABLE {t} ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON {t} TO reader"
          " USING (amount < 200)")
    assert look(world, t) == ("fail",
                              "row-level security may hide rows from the role since the last look")
    assert look(world, t) == ("warn", "row-level security may hide rows from the role")
    capture(world, t)
    assert look(world, t) == ("pass", "11 columns as expected"), "the reference has it"
    alter(world, t, "ALTER TABLE {t} DISABLE ROW LEVEL SECURITY")
    assert look(world, t) == ("warn", "row-level security no longer hides rows")


PARTITIONS = {
    "now": (["-1 day", "1 day"], "pass"),
    "ends within the hour": (["-1 day", "30 minutes"], "warn"),
    "the next one is there": (["-1 day", "30 minutes", "1 day"], "pass"),
    "ended": (["-2 days", "-1 day"], "fail"),
    "none": ([], "fail"),
}


@pytest.mark.parametrize("kind", ["timestamptz", "timestamp"])
@pytest.mark.parametrize("case", PARTITIONS)
def test_partitions_ahead(world, t, case, kind):
    edges, verdict = PARTITIONS[case]
    alter(world, t, f"CREATE TABLE {{t}}_p (at {kind} NOT NULL, x float8) PARTITION BY RANGE (at)")
    for n, (begin, end) in enumerate(itertools.pairwise(edges)):
        bounds = world.database.query("SELECT (now() + %s::interval)::timestamp(0)::text,"
                                      " (now() + %s::interval)::timestamp(0)::text", (begin, end))
        alter(world, t, f"CREATE TABLE {{t}}_p{n} PARTITION OF {{t}}_p FOR VALUES FROM"
              " ('%s') TO ('%s')" % bounds[0])
    source = {"connection": "warehouse", "table": f"public.{t}_p", "time_column": "at"}
    world.rule(t, rule(t, source=source, columns={"x": {"nulls": "50%"}}))
    found, why = schema(world, t)
    assert found == verdict, why
    assert ("no partition takes rows of 2" in why) == (verdict != "pass")
    for level, wanted in (("class", "warn"), ("ignore", "pass")):
        if case == "the next one is there":
            checks = [{"schema": {"partitions_ahead": "2d", "partition": level}}]
            world.rule(t, rule(t, source=source, checks=checks, columns={}))
            assert schema(world, t)[0] == wanted
    alter(world, t, "CREATE TABLE {t}_rest PARTITION OF {t}_p DEFAULT")
    assert schema(world, t)[0] == "pass"


def test_what_is_no_table_of_ranges(world, t):
    """Views, foreign ways to partition and bounds without end raise no alarm."""
    alter(world, t, "CREATE VIEW {t}_v AS SELECT * FROM {t};"
          "CREATE TABLE {t}_h (at timestamptz, x float8) PARTITION BY HASH (at);"
          "CREATE TABLE {t}_r (at timestamptz, x float8) PARTITION BY RANGE (at, x);"
          "CREATE TABLE {t}_r1 PARTITION OF {t}_r FOR VALUES FROM (MINVALUE, MINVALUE) TO"
          " ('2001-01-01', 3);"
          "CREATE TABLE {t}_r2 PARTITION OF {t}_r FOR VALUES FROM ('2001-01-01', 3) TO"
          " (MAXVALUE, MAXVALUE)")
    for suffix in ("v", "h", "r"):
        world.rule(t, rule(t, columns={}, source={"connection": "warehouse", "time_column": "at",
                                                  "table": f"public.{t}_{suffix}"}))
        assert schema(world, t)[0] == "pass", suffix


def test_the_catalogue_costs_three_statements(world, t, cluster):
    """Relation, columns and the rest of the structure: no more, whatever the rules."""
    marks = ["FROM pg_class c JOIN", "FROM pg_attribute a CROSS", "pg_catalog.pg_constraint k"]
    name = world.database.name
    world.database.execute(f"ALTER DATABASE {name} SET log_statement = 'all'")
    try:
        schema(world, t)
    finally:
        world.database.execute(f"ALTER DATABASE {name} RESET log_statement")
    told = [line for line in cluster.log().splitlines()
            if "execute" in line and "pg_" in line and f" {name} " in line]
    assert [sum(mark in line for line in told) for mark in marks] == [1, 1, 1], told
