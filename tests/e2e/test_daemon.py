# SPDX-License-Identifier: GPL-3.0-or-later
"""The daemon under faults: downtime, late batches, lost connections, reloads, slow receivers."""
import os
import re
import sqlite3
import threading
import time

import pytest

import stack

OPS = {"after": 1, "resolve_after": 1}


def table(database, name="t", rows=True):
    """One row every 100 ms from a minute ago to a minute ahead; x is fine."""
    database.execute(f"CREATE TABLE {name} (id bigserial, at timestamptz NOT NULL, x float8)")
    database.execute(f"CREATE INDEX ON {name} (at)")
    if rows:
        fill(database, name, -60, 60)


def fill(database, name, begin, end, value="0.5"):
    database.execute(f"INSERT INTO {name} (at, x) SELECT date_trunc('second', now()) +"
                     f" n * interval '100 ms', {value} FROM generate_series({begin * 10},"
                     f" {end * 10} - 1) n")


def rule(name="t", **more):
    made = {"version": 1, "dataset": name,
            "source": {"connection": "warehouse", "table": f"public.{name}", "time_column": "at",
                       "key": ["id"]},
            "schedule": {"window": "2s", "delay": "1s", "every": "1s"},
            "columns": {"x": {"range": {"min": 0, "max": 1}}}, "notify": dict(OPS)}
    made.update(more)
    return made


def hook(pgvigil, receiver, **more):
    """All alerts go to the receiver `ops` unless a rule file says otherwise."""
    pgvigil.config["receivers"] = {"ops": {"webhook": {"url": receiver.url + "/hook"}}, **more}
    pgvigil.config["defaults"] = {"notify": {"to": ["ops"]}}
    pgvigil.write()


def query(pgvigil, sql, *params):
    """Rows of the state; none while the daemon is still making it."""
    if not pgvigil.state.exists():
        return []
    with sqlite3.connect(f"file:{pgvigil.state}?mode=ro", uri=True) as db:
        if db.execute("PRAGMA user_version").fetchone() == (0,):
            return []
        return db.execute(sql, params).fetchall()


def judged(pgvigil, dataset="t"):
    return query(pgvigil, "SELECT start_us, row_count FROM scanned_window WHERE dataset = ?"
                 " AND status = 0 ORDER BY start_us", dataset)


def groups(receiver, status):
    return [g for g in receiver.state()["hook"]["groups"].values() if g["status"] == status]


def status_of(pgvigil):
    return pgvigil.expect(0, "status", "--json").json


def states(pgvigil, dataset="t"):
    return {a["rule"]: a["state"] for a in status_of(pgvigil)["alerts"] if a["dataset"] == dataset}


def test_windows_after_downtime(database, pgvigil):
    """What passed while the daemon was down is judged in order, each window once."""
    table(database)
    pgvigil.rule("t", rule())
    daemon = pgvigil.start()
    daemon.wait_for(lambda: len(judged(pgvigil)) >= 2, what="two windows")
    assert daemon.stop() == 0
    before = judged(pgvigil)
    stack.wait_for(lambda: time.time() > before[-1][0] / 1e6 + 12, 30, "some downtime")
    daemon = pgvigil.start()
    daemon.wait_for(lambda: len(judged(pgvigil)) >= len(before) + 5, what="the windows missed")
    assert daemon.stop() == 0
    starts = [start for start, _rows in judged(pgvigil)]
    assert starts == list(range(starts[0], starts[-1] + 1, 2_000_000))
    assert all(rows == 20 for _start, rows in judged(pgvigil))


def test_batch_fills_windows_late(database, pgvigil):
    """Windows committed empty are judged once their rows have come and stay the same."""
    table(database, rows=False)
    pgvigil.rule("t", rule(schedule={"window": "2s", "delay": "1s", "every": "1s", "late": "1h"}))
    daemon = pgvigil.start()
    def empty():
        return query(pgvigil, "SELECT start_us FROM scanned_window WHERE status = 1"
                     " ORDER BY start_us")
    daemon.wait_for(lambda: len(empty()) >= 4, what="empty windows")
    late = [start for start, in empty()][:3]
    for start in late:
        database.execute("INSERT INTO t (at, x) SELECT to_timestamp(%s) + n * interval '50 ms',"
                         " 7 FROM generate_series(0, 9) n", [start / 1e6])
    daemon.wait_for(lambda: {s for s, _n in judged(pgvigil)} >= set(late), what="late windows")
    assert dict(judged(pgvigil))[late[0]] == 10
    order = query(pgvigil, "SELECT window_start_us FROM result WHERE rule = 'x.range' AND verdict"
                  " = 4 ORDER BY id")
    assert [s for s, in order][:3] == late, "oldest first, each once"
    assert daemon.stop() == 0
    assert len(order) == len(set(order))


def test_killed_backend_in_mid_copy(database, pgvigil):
    """A scan that loses its connection commits no window and is repeated."""
    table(database)
    database.execute("""
        CREATE VIEW slow AS SELECT t.*, pg_sleep(0.02)::text AS waited FROM t""")
    pgvigil.rule("t", rule(
        source={"connection": "warehouse", "table": "public.slow", "time_column": "at"},
        schedule={"window": "1h", "delay": "0s", "every": "1s"}, scan_timeout="1m",
        columns={"x": {"range": {"min": 0, "max": 1}}, "waited": {"nulls": 0}}))
    database.execute("UPDATE t SET at = date_trunc('hour', now()) - interval '1 hour' +"
                     " id * interval '10 ms'")
    daemon = pgvigil.start()
    copies = """SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'pgvigil/%%' AND
                query LIKE 'COPY%%' AND state = 'active' AND datname = current_database()"""
    daemon.wait_for(lambda: database.query(copies), what="a scan")
    database.execute(f"SELECT pg_terminate_backend(pid) FROM ({copies}) AS them")
    daemon.wait_log("read failed")
    assert judged(pgvigil) == []
    daemon.wait_for(lambda: judged(pgvigil), 90, "the window, read again")
    assert judged(pgvigil)[0][1] == 1200
    assert daemon.stop() == 0


def test_dropped_column(database, pgvigil, receiver):
    """A column that goes is a schema fail and its rules are unknown; the others are judged."""
    table(database)
    database.execute("ALTER TABLE t ADD y int DEFAULT 1")
    received = receiver()
    hook(pgvigil, received)
    pgvigil.rule("t", rule(columns={"x": {"range": {"min": 0, "max": 1}}, "y": {"nulls": 0}}))
    daemon = pgvigil.start()
    daemon.wait_for(lambda: judged(pgvigil), what="a window")
    database.execute("ALTER TABLE t DROP y")
    daemon.wait_for(lambda: states(pgvigil).get("schema") == "firing", what="the schema alert")
    daemon.wait_for(lambda: any(
        r["rule"] == "y.nulls" and r["verdict"] == "unknown" and "does not exist" in r["why"]
        for r in status_of(pgvigil)["results"]), what="y.nulls unknown")
    seen = len(judged(pgvigil))
    daemon.wait_for(lambda: len(judged(pgvigil)) > seen, what="windows judged all the same")
    assert states(pgvigil)["x.range"] == "ok"
    database.execute("ALTER TABLE t ADD y int DEFAULT 1")
    daemon.wait_for(lambda: states(pgvigil)["schema"] == "ok", what="the column again")
    daemon.wait_for(lambda: groups(received, "resolved"), what="the resolve")
    assert daemon.stop() == 0


def test_removed_rule_and_file_end_their_alerts(database, pgvigil, receiver):
    table(database, rows=False)
    fill(database, "t", -60, 60, "7")
    for name in ("keep1", "keep2"):
        table(database, name)
        pgvigil.rule(name, rule(name))
    received = receiver()
    hook(pgvigil, received)
    pgvigil.rule("t", rule())
    daemon = pgvigil.start()
    daemon.wait_for(lambda: groups(received, "firing"), what="a fire")
    pgvigil.rule("t", rule(columns={"x": {"nulls": 0}}))
    daemon.reload()
    daemon.wait_for(lambda: groups(received, "resolved"), what="the resolve of a removed rule")
    assert "rule removed" in str(received.requests("/hook")[-1]["body"])
    pgvigil.rule("t", rule())
    daemon.reload()
    daemon.wait_for(lambda: groups(received, "firing"), what="another fire")
    (pgvigil.rules / "t.yaml").unlink()
    daemon.reload()
    daemon.wait_for(lambda: not groups(received, "firing"), what="the resolve of a removed file")
    assert "t" not in status_of(pgvigil)["datasets"]
    # An empty folder is an accident: nothing more is retired.
    for file in pgvigil.rules.iterdir():
        file.unlink()
    daemon.reload()
    daemon.wait_log("nothing is retired")
    assert status_of_datasets(pgvigil) == ["keep1", "keep2"]
    assert daemon.stop() == 0


def status_of_datasets(pgvigil):
    return [d for d, in query(pgvigil, "SELECT dataset FROM dataset ORDER BY dataset")]


@pytest.mark.both
def test_kill_between_commit_and_send(database, pgvigil, receiver):
    """What was committed and not sent is sent by the next process, once."""
    if os.environ.get("PGVIGIL_VARIANT") == "release":
        pytest.skip("failpoints are in test builds only")
    table(database, rows=False)
    fill(database, "t", -60, 60, "7")
    received = receiver()
    hook(pgvigil, received)
    pgvigil.rule("t", rule())
    daemon = pgvigil.start(env={"PGVIGIL_FAILPOINT": "before_post:exit"})
    stack.wait_for(lambda: not daemon.running(), 30, "the exit before sending")
    assert received.requests("/hook") == []
    waiting = query(pgvigil, "SELECT key FROM outbox WHERE state = 0")
    assert len(waiting) == 1
    daemon = pgvigil.start()
    daemon.wait_for(lambda: groups(received, "firing"), what="the message")
    assert daemon.stop() == 0
    [sent] = [r for r in received.requests("/hook")]
    assert waiting[0][0] in str(sent["body"])


def test_retry_after(database, pgvigil, receiver):
    """429 is obeyed to the second; a receiver that hangs delays no other."""
    table(database, rows=False)
    fill(database, "t", -60, 60, "7")
    received, hanging = receiver(), receiver()
    received.control(rules=[{"path": "/hook", "times": 1, "status": 429,
                             "headers": {"Retry-After": "3"}}])
    hanging.control(rules=[{"path": "/hook", "times": -1, "action": "hang"}])
    hook(pgvigil, received, slow={"webhook": {"url": hanging.url + "/hook"}})
    pgvigil.rule("t", rule(notify={**OPS, "to": ["slow", "ops"]}))
    daemon = pgvigil.start()
    daemon.wait_for(lambda: len(received.requests("/hook")) == 2, what="the second attempt")
    first, second = [r["time"] for r in received.requests("/hook")]
    assert second - first >= 3.0
    assert len(groups(received, "firing")) == 1
    assert daemon.stop() == 0


def test_sighup_with_a_broken_file(database, pgvigil):
    """The broken file keeps its last good version, also after a restart; the others change."""
    table(database)
    table(database, "u")
    pgvigil.config["web"] = {"listen": "127.0.0.1:0"}
    pgvigil.write()
    pgvigil.rule("t", rule())
    pgvigil.rule("u", rule("u"))
    daemon = pgvigil.start()
    daemon.wait_for(lambda: judged(pgvigil) and judged(pgvigil, "u"), what="windows")
    pgvigil.rule("t", "version: 1\ndataset: t\n  source: [")
    pgvigil.rule("u", rule("u", columns={"x": {"nulls": 0}}))
    daemon.reload()
    daemon.wait_log(r"rules/t\.yaml:\d+:\d+: .*error")
    daemon.wait_log("its last good version runs")
    seen = len(judged(pgvigil))
    daemon.wait_for(lambda: len(judged(pgvigil)) > seen, what="the last good version at work")
    daemon.wait_for(lambda: "x.nulls" in states(pgvigil_of(pgvigil), "u"), what="the change of u")
    (pgvigil.folder / "pgvigil.yaml").write_text("rules: [")
    daemon.reload()
    daemon.wait_log("reload failed, the configuration in force stays")
    pgvigil.expect(78, "status")
    alone = pgvigil.expect(0, "status", "--state", "pgvigil.db")
    assert re.search(r"pgvigil\.yaml:1:\d+: error", alone.err) and "rules/" not in alone.err
    assert re.search(r"^t +pass ", alone.out, re.M) and "\nreferences\n" in alone.out
    (pgvigil.folder / "pgvigil.yaml").unlink()
    without = pgvigil.expect(0, "status", "--json", "--state", "pgvigil.db")
    assert "pgvigil.yaml" in without.err and without.json["datasets"] == ["t", "u"]
    pgvigil.config["name"] = "${NOT_SET_ANYWHERE}"
    pgvigil.write()
    unset = pgvigil.expect(0, "status", "--state", "pgvigil.db")
    assert "NOT_SET_ANYWHERE" in unset.err
    pgvigil.config["name"] = "test"
    pgvigil.write()
    pgvigil.expect(78, "status")
    broken = pgvigil.expect(0, "status", "--state", "pgvigil.db")
    assert "rules/t.yaml:" in broken.err and "its last good version is in force" in broken.out
    assert daemon.stop() == 0
    daemon = pgvigil.start()
    seen = len(judged(pgvigil))
    daemon.wait_for(lambda: len(judged(pgvigil)) > seen, what="the last good version, restarted")
    assert daemon.stop() == 0


def pgvigil_of(pgvigil):
    """status exits 78 while a file is broken; this view of it does not mind."""
    class View:
        state = pgvigil.state

        @staticmethod
        def expect(_code, *arguments):
            return pgvigil.run(*arguments)
    return View


def test_one_daemon_and_commands_beside_it(database, pgvigil):
    table(database)
    pgvigil.rule("t", rule(reference={
        "from": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 50)),
        "to": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 20))}))
    daemon = pgvigil.start()
    daemon.wait_for(lambda: judged(pgvigil), what="a window")
    pgvigil.expect(75, "run", "--once")
    for command in (["status"], ["status", "--json"], ["check"], ["reference", "list"],
                    ["validate", "--connect"], ["explain", "t"], ["states"], ["checks"],
                    ["version"]):
        pgvigil.expect(0, *command)
    daemon.wait_log("reference captured")
    pgvigil.expect(0, "reference", "capture", "t")
    daemon.wait_for(lambda: len(re.findall("reference captured", daemon.log())) == 2,
                    what="a capture asked for")
    pgvigil.expect(0, "reference", "use", "t", "1")
    assert query(pgvigil, "SELECT version FROM reference WHERE active = 1") == [(1,)]
    pgvigil.expect(0, "reload")
    seen = len(judged(pgvigil))
    daemon.wait_for(lambda: len(judged(pgvigil)) > seen, what="work going on")
    assert daemon.stop() == 0


def test_database_down_and_back(cluster, database, pgvigil, receiver):
    """No answer is not healthy, is no page at once, and is over when the database is back."""
    received = receiver()
    hook(pgvigil, received)
    table(database)
    pgvigil.rule("t", rule(notify={**OPS, "blind_after": "1s"}))
    daemon = pgvigil.start()
    daemon.wait_for(lambda: judged(pgvigil), what="a window")
    cluster.stop()
    try:
        daemon.wait_for(lambda: states(pgvigil).get("reach") == "blind", what="blindness")
        daemon.wait_for(lambda: groups(received, "firing"), what="its message")
    finally:
        cluster.start()
    daemon.wait_for(lambda: states(pgvigil).get("reach") == "ok", 60, "sight")
    daemon.wait_for(lambda: groups(received, "resolved"), what="its end")
    seen = len(judged(pgvigil))
    daemon.wait_for(lambda: len(judged(pgvigil)) > seen, what="windows again")
    assert daemon.stop() == 0


def test_sigterm_in_a_long_scan(database, pgvigil):
    table(database)
    database.execute("CREATE VIEW slow AS SELECT t.*, pg_sleep(0.5)::text AS waited FROM t")
    database.execute("UPDATE t SET at = date_trunc('hour', now()) - interval '30 minutes'")
    pgvigil.rule("t", rule(
        source={"connection": "warehouse", "table": "public.slow", "time_column": "at"},
        schedule={"window": "1h", "delay": "0s", "every": "1s"},
        columns={"waited": {"nulls": 0}}))
    daemon = pgvigil.start()
    daemon.wait_for(lambda: database.query(
        "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'COPY%%' AND state = 'active'"
        " AND datname = current_database()"), what="a scan")
    assert daemon.stop(seconds=5) == 0
    assert judged(pgvigil) == []


@pytest.mark.both
def test_never_idle_in_transaction(database, pgvigil):
    """Sampled at 10 Hz over some seconds of work: no transaction is left open, no row changed."""
    table(database)
    pgvigil.rule("t", rule())
    content = "SELECT md5(string_agg(t::text, ',' ORDER BY id)) FROM t"
    before = database.value(content)
    daemon = pgvigil.start()
    longest, stop = [0.0], threading.Event()
    def sample():
        while not stop.wait(0.1):
            for age, in database.query(
                    "SELECT extract(epoch FROM clock_timestamp() - state_change)::float8"
                    " FROM pg_stat_activity WHERE application_name LIKE 'pgvigil/%%'"
                    " AND state = 'idle in transaction'"):
                longest[0] = max(longest[0], age)
    watcher = threading.Thread(target=sample)
    watcher.start()
    try:
        daemon.wait_for(lambda: len(judged(pgvigil)) >= 4, what="four windows")
    finally:
        stop.set()
        watcher.join()
    assert daemon.stop() == 0
    assert longest[0] < 1.0 * stack.PATIENCE
    assert database.value(content) == before
