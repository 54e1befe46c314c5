# SPDX-License-Identifier: GPL-3.0-or-later
"""What a scan may cost, how many connections are used, tables that stand still, and standbys."""
import sqlite3
import subprocess
import threading

import psycopg2
import pytest

import stack

TABLE = """
CREATE SCHEMA ml;
CREATE TABLE ml.events (id bigint PRIMARY KEY, at timestamptz, value float8);
INSERT INTO ml.events SELECT i, timestamptz '2001-06-12Z' + i * interval '1 s', i % 50
  FROM generate_series(0, 19999) AS i;
ANALYZE ml.events"""


def rules(**more):
    return {"version": 1, "dataset": "events",
            "source": {"connection": "warehouse", "table": "ml.events", "time_column": "at",
                       "key": ["id"]},
            "schedule": {"window": "1d", "delay": "2m"},
            "columns": {"value": {"nulls": "1%"}}, "checks": [{"volume": {"min": 10}}], **more}


def state_rules(**more):
    """Without a time column: read at once, whatever the day."""
    made = rules(**more)
    del made["source"]["time_column"]
    return made


def check(vigil, *arguments):
    return vigil.check("--at", "2001-06-13T00:10Z", *arguments)["datasets"][0]


@pytest.fixture
def vigil(pgvigil, database):
    database.execute(TABLE)
    return pgvigil


# --- limits ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("limits, words", [
    ({"cost": 100}, "limits.cost is 100"),
    ({"rows": 1000}, "has more than 1000 rows"),
    ({"columns": 1}, "would read 2 columns and conditions, allowed are 1"),
])
def test_limits(vigil, limits, words):
    vigil.rule("events", rules(limits=limits))
    refused = check(vigil)
    assert refused["error"]["code"] == "limit" and words in refused["error"]["message"]
    vigil.rule("events", rules(limits={key: 10 ** 6 for key in limits}))
    assert "error" not in check(vigil)


def test_limits_of_the_defaults(vigil):
    """A file raises one limit and keeps the others."""
    vigil.config["defaults"] = {"limits": {"cost": 100, "rows": 1000}}
    vigil.write()
    vigil.rule("events", rules())
    assert "limits.cost" in check(vigil)["error"]["message"]
    vigil.rule("events", rules(limits={"cost": 10 ** 6}))
    assert "more than 1000 rows" in check(vigil)["error"]["message"]


def test_cost_of_a_lookup(vigil):
    """A dear statement of one rule costs that rule only."""
    dear = {"metric": {"sql": "SELECT count(*) FROM ml.events a, ml.events b", "max": 1,
                       "id": "dear"}}
    vigil.rule("events", rules(limits={"cost": 10 ** 5}, checks=[dear]))
    results = {r["rule"]: r for r in check(vigil)["results"]}
    assert results["dear"]["verdict"] == "unknown" and "limits.cost" in results["dear"]["why"]
    assert results["value.nulls"]["verdict"] == "pass"


def test_cost_of_a_capture(vigil):
    vigil.rule("events", rules(limits={"cost": 100},
                               reference={"from": "2001-06-12", "to": "2001-06-13"}))
    vigil.run("run", "--once")
    with sqlite3.connect(vigil.state) as db:
        assert "limits.cost is 100" in db.execute("SELECT error FROM reference").fetchone()[0]


# --- connections ----------------------------------------------------------------------------------

def test_max_connections(pgvigil, database):
    """Many datasets, many workers, two connections, and all are judged."""
    database.execute(TABLE)
    pgvigil.config["connections"]["warehouse"]["max_connections"] = 2
    pgvigil.config["workers"] = 8
    pgvigil.write()
    for n in range(8):
        pgvigil.rule(f"events{n}", state_rules(dataset=f"events{n}", checks=[
            {"metric": {"sql": "SELECT count(*) FROM pg_sleep(0.2)", "max": 1}}]))
    seen, over = [], threading.Event()

    def watch():
        own = database.connect()
        while not over.wait(0.01):
            cursor = own.cursor()
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE"
                           " datname = current_database() AND application_name LIKE 'pgvigil%'")
            seen.append(cursor.fetchone()[0])
        own.close()

    watcher = threading.Thread(target=watch)
    watcher.start()
    daemon = pgvigil.start()

    def judged():
        with sqlite3.connect(f"file:{pgvigil.state}?mode=ro", uri=True) as db:
            return db.execute("SELECT count(*) FROM scanned_window").fetchone()[0] == 8

    daemon.wait_for(lambda: pgvigil.state.exists() and "window" in daemon.log() and judged(),
                    what="eight windows")
    over.set()
    watcher.join()
    assert max(seen) == 2


def test_waiting_has_an_end(vigil):
    """A lookup cannot get the only connection of another name that a scan elsewhere holds."""
    vigil.config["connections"]["warehouse"]["max_connections"] = 1
    vigil.write()
    vigil.rule("slow", state_rules(dataset="slow", timeout="20s", checks=[
        {"metric": {"sql": "SELECT count(*) FROM pg_sleep(3)", "max": 1}}]))
    vigil.rule("events", state_rules(
        timeout="500ms", schedule={"window": "1s", "delay": "0s", "every": "1s"}))
    daemon = vigil.start()
    daemon.wait_log("all 1 connections of max_connections are in use", seconds=20)


# --- tables that stand still ----------------------------------------------------------------------

@pytest.fixture
def state_table(pgvigil, database):
    database.execute(TABLE)
    pgvigil.rule("events", state_rules(
        skip_unchanged=True, schedule={"window": "1s", "delay": "0s", "every": "1s"}))
    return pgvigil


def cycle(vigil):
    result = vigil.run("run", "--once")
    return "unchanged and not read" in result.err


def settle(database):
    """Counters are told by each server process when it comes to it."""
    database.execute("SELECT pg_stat_force_next_flush()")


def test_unchanged_table_is_skipped(state_table, database):
    settle(database)
    # On a slow machine a second window is due, and skipped, before the command ends.
    assert "window judged" in state_table.run("run", "--once").err
    stack.wait_for(lambda: cycle(state_table), what="a skipped read", every=1.1)

    def is_told():  # on a slow machine the last cycle may have found no window due
        cycle(state_table)
        return "the verdicts of then stand" in state_table.expect(0, "status", "--json").out
    stack.wait_for(is_told, what="the status that says so", every=1.1)
    for change in ("UPDATE ml.events SET value = NULL WHERE id < 5000", "TRUNCATE ml.events",
                   "ALTER TABLE ml.events ADD COLUMN more int DEFAULT 7",
                   "SELECT pg_stat_reset()", "SELECT pg_stat_reset()"):
        database.execute(change)
        settle(database)
        stack.wait_for(lambda: not cycle(state_table), what=f"a read after {change}", every=1.1)
        stack.wait_for(lambda: cycle(state_table), what="a skipped read", every=1.1)
    # Another rule may judge otherwise.
    path = state_table.rules / "events.yaml"
    path.write_text(path.read_text().replace("1%", "2%"))
    stack.wait_for(lambda: not cycle(state_table), what="a read after an edit", every=1.1)


@pytest.mark.parametrize("more", [
    {"checks": [{"metric": {"sql": "SELECT count(*) FROM pg_class", "min": 1}}]},
    {"checks": [{"condition": {"holds": "at < now()"}}]},
    {"columns": {"value": {"nulls": {"fail": "1%", "where": "at < now()"}}}},
    {"columns": {"age": {"expr": "now() - at", "nulls": "1%"}}},
    {"columns": {"at": {"future": 0}}},
    {"source": {"connection": "warehouse", "table": "ml.events", "key": ["id"],
                "time_column": "at", "filter": "at < now()"}},
], ids=["metric", "condition", "where", "expr", "future", "filter"])
def test_rules_that_look_elsewhere_are_never_skipped(state_table, database, more):
    state_table.rule("events", state_rules(**{
        "skip_unchanged": True, "schedule": {"window": "1s", "delay": "0s", "every": "1s"},
        **more}))
    settle(database)
    for _ in range(3):
        assert not cycle(state_table)
        threading.Event().wait(1.1)


def test_skip_needs_a_state(vigil):
    vigil.rule("events", rules(skip_unchanged=True))
    assert "for tables without a time column" in vigil.expect(78, "validate").err


# --- standbys -------------------------------------------------------------------------------------

class Standby:
    """A streaming standby of a cluster of its own."""

    def __init__(self):
        self.primary = stack.Cluster(wal_level="replica", max_wal_senders="4", hot_standby="on")
        self.bin = subprocess.run("ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1", shell=True,
                                  capture_output=True, text=True, check=True).stdout.strip()
        self.folder = self.primary.folder / "s"
        self.port = str(stack.free_port())
        self.data = self.folder / "data"

    def start(self):
        self.as_server("mkdir", "-p", str(self.folder), above=True)
        self.as_server(f"{self.bin}/pg_basebackup", "-D", str(self.data), "-R", "-c", "fast", "-d",
                       f"host=127.0.0.1 port={self.primary.port} user=postgres")
        self.control("start", "-w", "-o", f"-p {self.port} -k '{self.folder}'"
                     " -c wal_level=replica -c max_wal_senders=4"
                     " -c max_standby_streaming_delay=300ms -c wal_retrieve_retry_interval=200ms",
                     "-l", str(self.folder / "log"))

    def as_server(self, *command, above=False):
        user = []
        if subprocess.run(["id", "-u"], capture_output=True, text=True).stdout.strip() == "0":
            if above:
                subprocess.run(["mkdir", "-p", str(self.folder)], check=True)
                subprocess.run(["chown", "postgres", str(self.folder)], check=True)
            user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        subprocess.run([*user, *command], check=True, cwd="/", stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    def control(self, *what):
        self.as_server(f"{self.bin}/pg_ctl", "-s", "-D", str(self.data), *what)

    def query(self, sql, database="ml"):
        with stack.Closing(psycopg2.connect(f"host=127.0.0.1 port={self.port} user=postgres"
                                            f" dbname={database}")) as own:
            own.autocommit = True
            cursor = own.cursor()
            cursor.execute(sql)
            return cursor.fetchone()[0]

    def wait_replayed(self):
        with stack.Closing(self.primary.connect()) as own:
            cursor = own.cursor()
            cursor.execute("SELECT pg_current_wal_lsn()")
            lsn = cursor.fetchone()[0]
        stack.wait_for(lambda: self.query(f"SELECT pg_last_wal_replay_lsn() >= '{lsn}'",
                                          "postgres"), what="the standby to follow")

    def remove(self):
        try:
            if (self.data / "postmaster.pid").exists():
                self.control("stop", "-m", "immediate")
        finally:
            self.primary.remove()


@pytest.fixture(scope="module")
def standby():
    made = Standby()
    try:
        made.start()
        made.database = made.primary.create("ml")
        made.database.execute(TABLE)
        made.wait_replayed()
        yield made
        made.database.close()
    finally:
        made.remove()


def at_standby(standby, folder, **connection):
    vigil = stack.Pgvigil(folder / "agent")
    vigil.config["connections"] = {"warehouse": {
        "conninfo": f"host=127.0.0.1,127.0.0.1 port={standby.primary.port},{standby.port}"
                    " user=postgres dbname=ml target_session_attrs=prefer-standby", **connection}}
    vigil.write()
    vigil.rule("events", rules())
    return vigil


def test_prefer_standby(standby, folder):
    vigil = at_standby(standby, folder)
    vigil.rule("events", rules(checks=[{"metric": {
        "sql": "SELECT CASE WHEN pg_is_in_recovery() THEN 1 ELSE 0 END", "min": 1,
        "id": "standby"}}]))
    results = {r["rule"]: r["verdict"] for r in check(vigil)["results"]}
    assert results["standby"] == "pass" and results["value.nulls"] == "pass"


def test_replica_lag(standby, folder):
    """An idle primary is no lag; replay that stands still is, and so is a lost connection."""
    vigil = at_standby(standby, folder, max_replica_lag="1s")
    standby.wait_replayed()
    threading.Event().wait(1.5)  # the primary is idle for longer than the lag allowed
    assert "error" not in check(vigil)
    standby.query("SELECT pg_wal_replay_pause()::text")
    stack.wait_for(lambda: standby.query("SELECT pg_get_wal_replay_pause_state()") == "paused")
    standby.database.execute("INSERT INTO ml.events VALUES (500000, now(), 1)")
    stack.wait_for(lambda: standby.query("SELECT pg_last_wal_receive_lsn() >"
                                         " pg_last_wal_replay_lsn()"), what="WAL to wait")
    stack.wait_for(lambda: "error" in check(vigil), what="an old standby", every=0.3)
    error = check(vigil)["error"]
    assert error["code"] == "blind" and "behind its primary" in error["message"]
    assert "allowed are 1s" in error["message"]
    standby.query("SELECT pg_wal_replay_resume()::text")
    standby.wait_replayed()
    assert "error" not in check(vigil)
    # Without its primary it cannot know what it lacks.
    standby.primary.stop()
    try:
        vigil.config["connections"]["warehouse"]["conninfo"] = \
            f"host=127.0.0.1 port={standby.port} user=postgres dbname=ml"
        vigil.write()
        stack.wait_for(lambda: "not connected to it" in str(check(vigil).get("error")),
                       what="a standby alone", every=0.3)
    finally:
        standby.primary.start()


def test_conflict_with_recovery(standby, folder):
    """A scan that replay cancels is repeated at once, and then it is a read that failed."""
    vigil = at_standby(standby, folder)
    standby.wait_replayed()
    slow = rules(checks=[{"metric": {"sql": "SELECT count(*) FROM ml.events, pg_sleep(2)",
                                     "min": 1, "id": "slow"}}])
    vigil.rule("events", slow)
    over = threading.Event()

    def disturb():  # what a scan of the standby sees is vacuumed away on the primary
        with stack.Closing(standby.database.connect()) as own:
            cursor = own.cursor()
            while not over.wait(0.1):
                cursor.execute("UPDATE ml.events SET value = value WHERE id < 500")
                cursor.execute("VACUUM ml.events")

    thread = threading.Thread(target=disturb)
    thread.start()
    try:
        result = vigil.run("check", "--json", "--at", "2001-06-13T00:10Z")
    finally:
        over.set()
        thread.join()
    error = result.json["datasets"][0]["error"]
    assert "conflict with recovery" in error["message"]
    assert "read again after a conflict" in result.err
    assert "max_standby_streaming_delay" in result.err + str(error)
