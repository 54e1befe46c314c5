# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders of rules that are lost, and datasets that get another name while a cycle is running."""
import re
import shutil

import pytest
import requests

import stack
from test_daemon import (fill, groups, hook, judged, pgvigil_of, query, rule, status_of,
                         status_of_datasets, table)

NAMES = ["t", "u", "v"]


@pytest.fixture
def world(database, pgvigil, receiver):
    """Three datasets, of which t fires, and a daemon that has been ended in good order."""
    table(database, "t", rows=False)
    fill(database, "t", -60, 120, "7")
    for name in NAMES[1:]:
        table(database, name, rows=False)
        fill(database, name, -60, 120)
    pgvigil.received = receiver()
    hook(pgvigil, pgvigil.received)
    pgvigil.config["web"] = {"listen": "127.0.0.1:0"}
    pgvigil.write()
    for name in NAMES:
        pgvigil.rule(name, rule(name))
    daemon = pgvigil.start()
    daemon.wait_for(lambda: all(judged(pgvigil, name) for name in NAMES), what="windows")
    daemon.wait_for(lambda: groups(pgvigil.received, "firing"), what="a fire")
    assert daemon.stop() == 0
    pgvigil.away = pgvigil.folder / "away"
    return pgvigil


def texts(pgvigil):
    return [path for path, in query(pgvigil, "SELECT path FROM rule_file ORDER BY path")]


def metric(daemon, name):
    port = daemon.wait_log(r"listening.*port=(\d+)").group(1)
    text = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=10).text
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.M)
    return float(found.group(1)) if found else None


def works_on(daemon, pgvigil, names):
    """Every one of the datasets has windows judged from now on."""
    seen = {name: len(judged(pgvigil, name)) for name in names}
    daemon.wait_for(lambda: all(len(judged(pgvigil, n)) > seen[n] for n in names),
                    what="windows of all")


def runs_out_of_the_state(daemon, pgvigil, why, missing):
    """All three are judged, nothing ended, and log, status, page and metrics say so."""
    daemon.wait_log(f"the last good rules run, out of the state.*{why}")
    works_on(daemon, pgvigil, NAMES)
    assert status_of_datasets(pgvigil) == NAMES
    assert not groups(pgvigil.received, "resolved") and groups(pgvigil.received, "firing")
    told = pgvigil.expect(78, "status")
    assert re.search(f"last good rules are in force.*{why}", told.out), told
    assert "reload --force" in told.out
    assert why in status_of(pgvigil_of(pgvigil))["last_good_rules"]
    assert metric(daemon, "pgvigil_config_last_reload_successful") == 0
    for name in NAMES:
        label = f'pgvigil_rule_file_ok{{file="rules/{name}.yaml"}}'
        assert metric(daemon, label) == (0 if name in missing else 1)


@pytest.mark.parametrize("how", ["empty", "missing"])
def test_restart_without_the_folder(world, how):
    shutil.move(world.rules, world.away)
    if how == "empty":
        world.rules.mkdir()
    daemon = world.start()
    runs_out_of_the_state(daemon, world, "holds no rule file", NAMES)
    world.run("reload")
    daemon.wait_log("nothing is retired, the rules in force stay")
    works_on(daemon, world, NAMES)
    assert daemon.stop() == 0
    # Another restart changes nothing; the folder is back, and all is as before.
    daemon = world.start()
    runs_out_of_the_state(daemon, world, "holds no rule file", NAMES)
    if how == "empty":
        world.rules.rmdir()
    shutil.move(world.away, world.rules)
    world.expect(0, "reload")
    daemon.wait_for(lambda: metric(daemon, "pgvigil_config_last_reload_successful") == 1,
                    what="the folder taken")
    assert metric(daemon, 'pgvigil_rule_file_ok{file="rules/v.yaml"}') == 1
    assert status_of(world)["last_good_rules"] is None
    works_on(daemon, world, NAMES)
    assert len(world.received.requests("/hook")) == 1, "the alert went on all the time"
    assert daemon.stop() == 0


def test_restart_with_most_files_missing(world):
    world.away.mkdir()
    for name in ("t", "v"):
        shutil.move(world.rules / f"{name}.yaml", world.away)
    daemon = world.start()
    runs_out_of_the_state(daemon, world, "more than half", ["t", "v"])
    world.expect(0, "reload", "--force")
    daemon.wait_for(lambda: groups(world.received, "resolved"), what="the end of t's alert")
    assert status_of_datasets(world) == ["u"] and texts(world) == ["rules/u.yaml"]
    assert metric(daemon, "pgvigil_config_last_reload_successful") == 1
    assert metric(daemon, 'pgvigil_rule_file_ok{file="rules/t.yaml"}') is None
    assert daemon.stop() == 0
    daemon = world.start()
    works_on(daemon, world, ["u"])
    assert status_of(world)["datasets"] == ["u"]
    assert daemon.stop() == 0


def test_emptiness_that_is_meant(world):
    for file in world.rules.iterdir():
        file.unlink()
    daemon = world.start()
    works_on(daemon, world, NAMES)
    world.expect(0, "reload", "--force")
    daemon.wait_for(lambda: groups(world.received, "resolved"), what="the end of t's alert")
    assert status_of_datasets(world) == [] and texts(world) == []
    assert metric(daemon, "pgvigil_config_last_reload_successful") == 1
    assert daemon.stop() == 0
    daemon = world.start()
    daemon.wait_log("started")
    assert daemon.stop() == 0
    assert "last good" not in daemon.log() and status_of_datasets(world) == []


def test_removed_file_does_not_come_back(world):
    """What was taken away in good order is not among the texts that run when the folder is lost."""
    (world.rules / "v.yaml").unlink()
    daemon = world.start()
    daemon.wait_for(lambda: status_of_datasets(world) == ["t", "u"], what="v retired")
    assert daemon.stop() == 0
    assert texts(world) == ["rules/t.yaml", "rules/u.yaml"]
    shutil.rmtree(world.rules)
    daemon = world.start()
    works_on(daemon, world, ["t", "u"])
    assert status_of_datasets(world) == ["t", "u"]
    assert daemon.stop() == 0


def test_renamed_during_a_cycle(database, pgvigil, receiver):
    """What the running cycle reads is judged under the new name, once; the incident goes on."""
    table(database, rows=False)
    fill(database, "t", -60, 120, "7")
    # Stable, or the rows of all windows would be waited for.
    database.execute("CREATE FUNCTION nap(bigint) RETURNS text STABLE LANGUAGE plpgsql AS"
                     " 'BEGIN PERFORM pg_sleep(0.04); RETURN $1; END'")
    database.execute("CREATE VIEW slow AS SELECT t.*, nap(id) AS waited FROM t")
    received = receiver()
    hook(pgvigil, received)
    slow = {"source": {"connection": "warehouse", "table": "public.slow", "time_column": "at"},
            "schedule": {"window": "4s", "delay": "1s", "every": "1s"}, "scan_timeout": "30s",
            "columns": {"x": {"range": {"min": 0, "max": 1}}, "waited": {"nulls": 0}}}
    pgvigil.rule("t", rule("t", **slow))
    daemon = pgvigil.start()
    daemon.wait_for(lambda: groups(received, "firing"), what="a fire")
    daemon.wait_for(lambda: database.query(
        "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'COPY%%' AND state = 'active'"
        " AND datname = current_database()"), what="a scan")
    seen = len(judged(pgvigil))
    pgvigil.rule("t", rule("n", was="t", **slow))
    daemon.reload()
    daemon.wait_for(lambda: len(judged(pgvigil, "n")) > seen + 1, what="windows of n")
    assert daemon.stop() == 0
    for place in ("dataset", "alert", "latest", "incident", "scanned_window", "result"):
        assert query(pgvigil, f"SELECT DISTINCT dataset FROM {place}") == [("n",)], place
    starts = [start for start, _rows in judged(pgvigil, "n")]
    assert starts == list(range(starts[0], starts[-1] + 1, 4_000_000))
    assert len(query(pgvigil, "SELECT key FROM incident")) == 1
    assert len(received.requests("/hook")) == 1
    assert re.search("cycle dropped.*dataset=t", daemon.log()), "it was in time"
