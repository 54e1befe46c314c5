# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys of all offending rows in a table of the user's: exactly those that SQL finds, once, by a
role of its own, whatever is killed or missing in between, and nowhere else where they are private.
"""
import itertools
import json
import re
import signal

import pytest
import requests

import stack

numbers = itertools.count(1)
TABLE = 'audit."Bad rows"'
ROWS = """
CREATE TABLE rides (id bigint, code text, amount float8, mail text, zone text, born date,
                    at timestamptz NOT NULL);
CREATE INDEX ON rides (at);
CREATE TABLE zones (zone text);
INSERT INTO zones SELECT 'z' || n FROM generate_series(0, 8) AS n;
INSERT INTO rides
  SELECT n % 990,
         CASE n % 50 WHEN 0 THEN 'quo"te' WHEN 1 THEN E'back\\\\slash''s' WHEN 2 THEN 'München, {x}'
                     WHEN 3 THEN E'two\\nlines' WHEN 4 THEN '' ELSE 'c' || n END,
         CASE n % 7 WHEN 0 THEN NULL WHEN 1 THEN 'NaN'::float8 WHEN 2 THEN -5 ELSE n % 120 END,
         CASE n % 3 WHEN 0 THEN 'a' || n || '@example.org' WHEN 1 THEN 'nobody' END,
         'z' || n % 10, '2001-01-01'::date + n,
         date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' - interval '1 day'
           + n * interval '1 minute' / 2
  FROM generate_series(0, 1999) AS n;
-- before the window: offending all, and never to be seen
INSERT INTO rides SELECT id, code, -9, 'x', 'z9', born, at - interval '2 days' FROM rides;
"""
INSIDE = ("at >= date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' - interval '1 day'"
          " AND at < date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'")
MAIL = r"mail !~ '^[^@ ]+@[^@ ]+\.[a-z]+$'"
# rule: what is written, and the rows it means in SQL
RULES = {
    "amount.range": ({"range": {"min": 0, "max": 100, "where": "id <> 5"}},
                     "(amount < 0 OR amount > 100) AND id <> 5"),
    "amount.nulls": ({"nulls": 0}, "amount IS NULL"),
    "amount.nan": ({"nan": 0}, "amount = 'NaN'"),
    "amount.negative": ({"negative": 0}, "amount < 0"),
    "wide": ({"range": {"id": "wide", "min": -10, "max": 1000, "warn": {"min": 3},
                        "where": "amount <> 'NaN'"}}, "amount < 3"),
    "mail.format": ({"format": "email"}, MAIL),
    "zone.allowed": ({"allowed": ["z1", "z2"]}, "zone NOT IN ('z1', 'z2')"),
    "zone.pattern": ({"pattern": "^z[0-7]$"}, "zone !~ '^z[0-7]$'"),
    "zone.lookup": ({"lookup": {"table": "public.zones", "columns": ["zone"]}}, "zone = 'z9'"),
    "dear": ({"condition": {"id": "dear", "holds": "amount < 90 OR zone = 'z1'",
                            "where": "id % 2 = 0"}},
             "NOT (amount < 90 OR zone = 'z1') AND id % 2 = 0"),
    "unique": ({"unique": {"columns": ["id"]}},
               f"id IN (SELECT id FROM rides WHERE {INSIDE} GROUP BY id HAVING count(*) > 1)"),
    "failing": ({"failing": "SELECT code, id FROM :table WHERE at >= :from AND at < :until"
                            " AND born > '2006-01-01'"}, "born > '2006-01-01'"),
}
CHECKS = ("dear", "unique", "failing")


@pytest.fixture
def world(cluster, database, pgvigil):
    """The table, a role that reads it, and in another database one that writes keys."""
    n = next(numbers)
    other = cluster.create(f"audit{n}", "TEMPLATE template0")
    database.execute(ROWS)
    database.execute(f"CREATE ROLE quarantine_reader{n} LOGIN;"
                     f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO quarantine_reader{n}")
    other.execute(f"CREATE ROLE quarantine_writer{n} LOGIN; CREATE SCHEMA audit;"
                  f"GRANT USAGE ON SCHEMA audit TO quarantine_writer{n}")
    pgvigil.config["connections"] = {
        "warehouse": {"conninfo": cluster.conninfo_of(database.name, f"quarantine_reader{n}")},
        "writer": {"conninfo": cluster.conninfo_of(other.name, f"quarantine_writer{n}")}}
    pgvigil.write()
    pgvigil.other, pgvigil.writer, pgvigil.database = other, f"quarantine_writer{n}", database
    yield pgvigil
    pgvigil.close()
    database.execute(f"DROP OWNED BY quarantine_reader{n}; DROP ROLE quarantine_reader{n}")
    other.execute(f"DROP OWNED BY quarantine_writer{n}; DROP ROLE quarantine_writer{n}")
    other.close()
    cluster.drop(other.name)


def write(world, rules=None, dataset="rides", **more):
    columns, checks = {}, []
    for name in rules or RULES:
        rule = RULES[name][0]
        kind, = rule
        if name in CHECKS:
            checks.append(rule)
            continue
        column = columns.setdefault({"wide": "amount"}.get(name, name.split(".")[0]), {})
        if kind in column:
            column[kind] = [column[kind], rule[kind]]
        else:
            column[kind] = rule[kind]
    world.rule(dataset, {
        "version": 1, "dataset": dataset,
        "schedule": {"window": "1d", "delay": "0s", "every": "1s"},
        "source": {"connection": "warehouse", "table": "public.rides", "time_column": "at",
                   "key": ["id", "code"]},
        "quarantine": {"connection": "writer", "table": TABLE}, "columns": columns,
        "checks": checks, **more})


def make_table(world):
    """As a person does: what the command prints, and the rights it names."""
    world.other.execute(world.expect(0, "quarantine", "ddl").out)
    world.other.execute(f"GRANT SELECT, INSERT ON {TABLE} TO {world.writer}")


def once(world, **more):
    return world.run("run", "--once", **more)


def written(world, rule=None):
    """Keys as sorted pairs."""
    found = world.other.query(f"SELECT key->>'id', key->>'code' FROM {TABLE}"
                              " WHERE rule = coalesce(%s, rule) ORDER BY 1, 2", (rule,))
    return [(int(a), b) for a, b in found]


def wanted(world, rule):
    return sorted(set(world.database.query(
        f"SELECT id, code FROM rides WHERE {INSIDE} AND ({RULES[rule][1]})")))


def states(world):
    return {q["rule"]: q for q in world.expect(0, "status", "--json").json["quarantine"]}


def forget(world):
    for part in world.folder.glob("pgvigil.db*"):
        part.unlink()


def test_exactly_the_offending_rows(world):
    write(world)
    make_table(world)
    world.expect(2, "run", "--once")
    for rule in RULES:
        assert wanted(world, rule), rule
        assert sorted(written(world, rule)) == wanted(world, rule), rule
    rows = world.other.query(f"SELECT DISTINCT agent, dataset, window_end - window_start,"
                             f" found_at > window_end, jsonb_typeof(key->'id') FROM {TABLE}")
    assert [(a, d, s.days, later, kind) for a, d, s, later, kind in rows] == [
        ("test", "rides", 1, True, "number")]
    assert {s["state"] for s in states(world).values()} == {"written"}
    assert set(states(world)) == set(RULES)
    assert states(world)["unique"]["keys"] >= len(wanted(world, "unique"))
    assert "quarantine" not in world.expect(0, "status").out  # what went well is no news
    # Nothing was due; then all is forgotten but the table, and judged once more: the same rows.
    before = world.other.query(f"SELECT * FROM {TABLE} ORDER BY rule, key")
    once(world)
    forget(world)
    world.expect(2, "run", "--once")
    assert world.other.query(f"SELECT rule, key FROM {TABLE} ORDER BY rule, key") == [
        (r[2], r[5]) for r in before]


@pytest.mark.parametrize("place", ["before_commit", "after_commit", "before_quarantine",
                                   "mid_quarantine", "after_quarantine"])
def test_killed_at(world, place):
    rules = ["amount.range", "mail.format", "dear"]
    write(world, rules)
    make_table(world)
    killed = once(world, env={"PGVIGIL_FAILPOINT": f"{place}:exit"})
    assert killed.code == 9, killed
    if place != "after_quarantine":
        assert written(world) == []
    once(world)
    for rule in rules:
        assert sorted(written(world, rule)) == wanted(world, rule), rule


def test_in_the_snapshot_of_the_verdict(world):
    """What is repaired between the verdict and the writing was an offender all the same."""
    write(world, ["amount.range", "zone.lookup"])
    make_table(world)
    want = {rule: wanted(world, rule) for rule in ("amount.range", "zone.lookup")}
    phase = world.folder / "phase"
    run = world.start("--once", env={"PGVIGIL_FAILPOINT": "after_commit:wait",
                                     "PGVIGIL_PHASE_FILE": str(phase)})
    run.wait_for(lambda: phase.exists() and phase.read_bytes().startswith(b"after_commit\0"))
    world.database.execute("UPDATE rides SET amount = 1, zone = 'z1'")
    def go_on():
        if run.running():
            run.child.send_signal(signal.SIGHUP)
        return not run.running()
    stack.wait_for(go_on, what="the run goes on")
    for rule, rows in want.items():
        assert sorted(written(world, rule)) == rows


def test_table_missing_then_made(world):
    """The failure is said everywhere, the cycles go on, and what was missed is made good."""
    port = stack.free_port()
    world.config["web"] = {"listen": f"127.0.0.1:{port}"}
    world.write()
    write(world, ["mail.format"])
    write(world, ["mail.format"], dataset="others", quarantine={
        "connection": "nobody", "table": TABLE})
    world.config["connections"]["nobody"] = {"conninfo": "host=127.0.0.1 port=1 dbname=x"}
    world.write()
    daemon = world.start()
    daemon.wait_log('keys of offending rows not written.*dataset=rides.*quarantine ddl')
    daemon.wait_log('keys of offending rows not written.*dataset=others')
    state = states(world)["mail.format"]
    assert state["state"] == "waiting" and state["attempts"] >= 1
    shown = world.expect(0, "status").out
    assert re.search(r"\nquarantine\n.*waiting +(rides|others) mail.format, window .*: ", shown)
    assert "does not exist" in shown and "connection nobody" in shown
    text = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=10).text
    assert re.search(r'pgvigil_quarantine_failures_total\{dataset="rides"\} [1-9]', text), text
    cycles = re.compile(r'pgvigil_cycles_total\{dataset="(\w+)"\} (\d+)')
    before = dict(cycles.findall(text))
    daemon.wait_for(lambda: all(int(n) > int(before[d]) + 1 for d, n in cycles.findall(
        requests.get(f"http://127.0.0.1:{port}/metrics", timeout=10).text)), what="more cycles")
    make_table(world)
    daemon.wait_for(lambda: written(world), 60, "the table is filled")
    assert sorted(written(world)) == wanted(world, "mail.format")
    daemon.wait_for(lambda: 'pgvigil_quarantine_keys_total{dataset="rides"} 6' in requests.get(
        f"http://127.0.0.1:{port}/metrics", timeout=10).text)
    assert daemon.stop() == 0


def test_no_rights_and_other_faults(world):
    """Each has its words; one bad rule leaves the others."""
    world.other.execute("CREATE TABLE audit.plain (agent text, dataset text, rule text,"
                        " window_start timestamptz, window_end timestamptz, key jsonb,"
                        " found_at timestamptz)")
    write(world, ["dear"])
    world.other.execute(world.expect(0, "quarantine", "ddl").out)
    assert "INSERT and SELECT" in once(world).err
    assert "permission denied" in states(world)["dear"]["why"]
    said = world.expect(78, "validate", "--connect").err
    assert re.search("rides.yaml:.*: error: writing to .*permission denied", said), said
    world.other.execute(f"GRANT SELECT, INSERT ON audit.plain, {TABLE} TO {world.writer}")
    write(world, ["dear"], quarantine={"connection": "writer", "table": "audit.plain"})
    forget(world)
    assert "quarantine ddl" in once(world).err
    assert "no unique" in states(world)["dear"]["why"]  # it would hold rows twice
    assert world.other.query("SELECT count(*) FROM audit.plain") == [(0,)]
    write(world, ["dear"])
    world.other.execute(f"ALTER ROLE {world.writer} SET default_transaction_read_only = on")
    forget(world)
    world.expect(0, "validate", "--connect")
    assert written(world) == []
    once(world)  # the role's default is no obstacle: the transaction says that it writes
    assert sorted(written(world, "dear")) == wanted(world, "dear")
    world.other.execute(f"TRUNCATE {TABLE}")
    # A statement that does not name the key, beside a rule that works.
    write(world, checks=[{"failing": "SELECT code FROM :table WHERE at >= :from AND at < :until"},
                         RULES["dear"][0]], columns={})
    forget(world)
    once(world)
    found = states(world)
    assert found["failing"]["state"] == "given up" and "id" in found["failing"]["why"]
    assert sorted(written(world, "dear")) == wanted(world, "dear")
    assert written(world, "failing") == []


def test_one_connection(world):
    """A snapshot that is kept for the keys takes no connection from the cycles that follow."""
    world.config["connections"]["warehouse"]["max_connections"] = 1
    world.write()
    write(world, ["dear"])
    write(world, ["mail.format"], dataset="others")
    make_table(world)
    done = once(world)
    assert "max_connections" not in done.err, done
    for rule in ("dear", "mail.format"):
        assert sorted(written(world, rule)) == wanted(world, rule)
    write(world, ["dear"], quarantine={"connection": "warehouse", "table": TABLE})
    said = world.expect(78, "validate").err
    assert 'connection "warehouse" has max_connections 1' in said, said


def test_same_connection_within_its_limit(world):
    """Connections that are kept for the next cycle count, too, when keys are written."""
    reader = world.writer.replace("writer", "reader")
    world.config["connections"]["warehouse"]["max_connections"] = 2
    world.config["workers"] = 4
    world.write()
    for n in range(4):
        write(world, ["dear"], dataset=f"rides{n}", quarantine={
            "connection": "warehouse", "table": TABLE})
    world.database.execute(
        f"CREATE SCHEMA audit; GRANT USAGE ON SCHEMA audit TO {reader};"
        + world.expect(0, "quarantine", "ddl").out
        + f";GRANT SELECT, INSERT ON {TABLE} TO {reader}")
    lock = world.database.connect()
    lock.autocommit = False
    lock.cursor().execute(f"LOCK TABLE {TABLE} IN ACCESS EXCLUSIVE MODE")
    daemon = world.start()
    seen = f"FROM pg_stat_activity WHERE usename = '{reader}'"
    daemon.wait_for(lambda: world.database.query(
        f"SELECT 1 {seen} AND wait_event_type = 'Lock' AND query LIKE 'INSERT%%'"),
        what="the writer waits")
    # One that was closed for it may take a moment to leave.
    daemon.wait_for(lambda: world.database.query(f"SELECT count(*) {seen}") == [(2,)], 5,
                    "two connections")
    lock.rollback()
    lock.close()
    daemon.wait_for(lambda: world.database.query(f"SELECT count(DISTINCT dataset) FROM {TABLE}")
                    == [(4,)], 60, "all is written")
    assert daemon.stop() == 0


def test_triggers_of_the_table(world):
    """They find what the role's search_path finds."""
    write(world, ["dear"])
    make_table(world)
    world.other.execute(f"""
        CREATE TABLE audit.told (n int);
        CREATE FUNCTION audit.tell() RETURNS trigger LANGUAGE plpgsql AS
          'BEGIN INSERT INTO told VALUES (1); RETURN NEW; END';
        CREATE TRIGGER tell AFTER INSERT ON {TABLE} FOR EACH ROW EXECUTE FUNCTION audit.tell();
        GRANT INSERT ON audit.told TO {world.writer};
        ALTER ROLE {world.writer} SET search_path = audit""")
    once(world)
    assert sorted(written(world, "dear")) == wanted(world, "dear")
    assert world.other.query("SELECT count(*) FROM audit.told") == [(len(wanted(world, "dear")),)]


def test_limit(world):
    write(world, ["dear", "amount.range"],
          quarantine={"connection": "writer", "table": TABLE, "limit": 10})
    make_table(world)
    assert "there are more" in once(world).err
    for rule in ("dear", "amount.range"):
        assert states(world)[rule]["cut"] and states(world)[rule]["keys"] == 10
        assert len(written(world, rule)) <= 10
        assert set(written(world, rule)) <= set(wanted(world, rule))
    assert "10 keys written, there are more than quarantine.limit" in world.expect(0, "status").out


def test_private_keys_go_nowhere_else(world):
    world.database.execute("UPDATE rides SET code = 'secret-' || code")
    write(world, ["dear", "mail.format", "unique"])
    make_table(world)
    done = once(world, env={"PGVIGIL_LOG": "debug"})
    assert len(written(world)) > 100 and all(c.startswith("secret-") for _, c in written(world))
    assert "secret-" not in done.out + done.err
    for part in world.folder.glob("pgvigil.db*"):
        assert b"secret-" not in part.read_bytes(), part
    shown = world.expect(0, "status", "--json")
    assert "secret-" not in shown.out
    assert all(r["keys"] == [] for r in shown.json["results"])


def test_first_keys_on_page_and_in_json(world, receiver):
    """Not private: results and page have them, messages only with expose_values."""
    hook = receiver()
    port = stack.free_port()
    world.config["web"] = {"listen": f"127.0.0.1:{port}"}
    world.config["receivers"] = {"hook": {"webhook": {"url": hook.url + "/told"}}}
    world.write()
    write(world, ["dear", "amount.range"], private_keys=False, max_offending=3,
          notify={"to": ["hook"]})
    make_table(world)
    daemon = world.start()
    daemon.wait_for(lambda: hook.requests("/told"), what="a message")
    results = {r["rule"]: r for r in world.expect(0, "status", "--json").json["results"]}
    page = requests.get(f"http://127.0.0.1:{port}/", timeout=10).text
    told = json.dumps([r["body"] for r in hook.requests("/told")])
    for rule in ("dear", "amount.range"):
        keys = results[rule]["keys"]
        assert len(keys) == 3, results[rule]
        want = {f"{i}, {c}" for i, c in wanted(world, rule)}
        assert set(keys) <= want
        for key in keys:
            shown = (key.replace("&", "&amp;").replace('"', "&quot;").replace("'", "&#39;"))
            assert f"<code>{shown}</code>" in page, key
            assert json.dumps(key)[1:-1] not in told
    assert daemon.stop() == 0


def test_no_cycle_waits(world):
    """Neither for the table, which somebody has locked, nor for the rows of another dataset."""
    port = stack.free_port()
    world.config["web"] = {"listen": f"127.0.0.1:{port}"}
    world.config["workers"] = 1
    world.write()
    write(world, ["mail.format"])
    write(world, ["dear"], dataset="others")
    make_table(world)
    lock = world.other.connect()
    lock.autocommit = False
    lock.cursor().execute(f"LOCK TABLE {TABLE} IN ACCESS EXCLUSIVE MODE")

    def cycles():
        text = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=10).text
        return {d: int(n) for d, n in re.findall(
            r'pgvigil_cycles_total\{dataset="(\w+)"\} (\d+)', text)}

    daemon = world.start()
    daemon.wait_for(lambda: world.other.query(
        "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'INSERT%%'"),
        what="the writer waits")
    before = cycles()
    daemon.wait_for(lambda: all(cycles().get(d, 0) >= before.get(d, 0) + 3
                                for d in ("rides", "others")), 8,
                    "three more cycles of both, while the writer waits")
    assert {s["state"] for s in states(world).values()} == {"waiting"}
    lock.rollback()
    lock.close()
    daemon.wait_for(lambda: {s["state"] for s in states(world).values()} == {"written"}, 60,
                    "all is written")
    for rule in ("mail.format", "dear"):
        assert sorted(written(world, rule)) == wanted(world, rule)
    assert daemon.stop() == 0


def test_a_state_with_a_computed_key(world):
    """No time column, a key that an expression makes, and names of a long source."""
    world.database.execute("""
        CREATE TABLE state (doc jsonb, value text);
        INSERT INTO state SELECT jsonb_build_object('id', n, 'name', 'f' || n % 4), n
          FROM generate_series(1, 40) AS n;
        GRANT SELECT ON state TO PUBLIC""")
    world.rule("state", {
        "version": 1, "dataset": "state", "schedule": {"window": "1h"},
        "source": {"connection": "warehouse", "table": "public.state", "key": ["id", "name"],
                   "long": {"name": "name", "value": "number"}},
        "quarantine": {"connection": "writer", "table": TABLE},
        "columns": {"id": {"expr": "(doc->>'id')::int8", "type": "bigint"},
                    "name": {"expr": "doc->>'name'", "type": "text"},
                    "number": {"expr": "value::float8", "type": "double precision"},
                    "f1": {"range": {"max": 9}}, "f2": {"nulls": 0}}})
    make_table(world)
    done = world.run("run", "--once")
    found = world.other.query(f"SELECT rule, (key->>'id')::int, key->>'name' FROM {TABLE}"
                              " ORDER BY 1, 2")
    assert [f for f in found if f[0] == "f1.range"] == [
        ("f1.range", n, "f1") for n in range(13, 40, 4)], done
    unknown = [f[1:] for f in found if f[0] == "unknown_names"]
    assert unknown == [(n, f"f{n % 4}") for n in range(1, 41) if n % 4 in (0, 3)], done


@pytest.mark.both
def test_many_rows_in_bounded_memory(world):
    world.database.execute(f"""
        INSERT INTO rides SELECT n, 'many', 1000 + n, 'nobody', 'z1', '2001-01-01',
          (SELECT max(at) FROM rides WHERE {INSIDE}) FROM generate_series(1000000, 1199999) AS n;
        ANALYZE rides""")
    write(world, ["amount.range", "dear"])
    make_table(world)
    daemon = world.start()
    daemon.wait_log("window judged")
    daemon.wait_for(lambda: len([s for s in states(world).values()
                                 if s["state"] == "written"]) == 2, 120, "both are written")
    status = open(f"/proc/{daemon.child.pid}/status", encoding="ascii").read()
    peak = int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1))
    assert daemon.stop() == 0
    for rule, least in (("amount.range", 200000), ("dear", 1)):
        assert len(wanted(world, rule)) >= least
        assert written(world, rule) == sorted(wanted(world, rule),
                                              key=lambda k: (str(k[0]), k[1]))
    print(f"peak {peak} kB")
    if stack.VARIANT != "san":
        assert peak < 64 * 1024


def test_faults_of_the_file(world):
    write(world, ["dear"], quarantine={"connection": "warehouse", "table": TABLE})
    assert "the role that reads" in world.expect(0, "validate").err
    write(world, ["dear"], quarantine={"connection": "nowhere", "table": "plain"})
    said = world.expect(78, "validate").err
    assert 'there is no connection "nowhere"' in said and '"plain" is no name of a table' in said
    write(world, ["dear"], source={"connection": "warehouse", "table": "public.rides",
                                   "time_column": "at"})
    assert "the source has none" in world.expect(78, "validate").err
    world.expect(64, "quarantine", "drop")
    write(world, ["dear"], quarantine={"connection": "writer", "table": TABLE})
    assert world.expect(0, "quarantine", "ddl").out.count("CREATE TABLE") == 1
