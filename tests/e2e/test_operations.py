# SPDX-License-Identifier: GPL-3.0-or-later
"""What operators do to a running daemon: settings changed on reload, the state file taken away, a
crowd before the web server; and what `validate` says of files and rights."""
import os
import socket
import sqlite3
import time

import pytest
import requests
import yaml

import stack
from test_daemon import fill, rule, table

TOKENS = ("first-token-1f", "second-token-2e")


def listening(pgvigil, **more):
    port = stack.free_port()
    pgvigil.config["web"] = {"listen": f"127.0.0.1:{port}"}
    pgvigil.config.update(more)
    pgvigil.write()
    return f"http://127.0.0.1:{port}"


def ready(url):
    answer = requests.get(url + "/-/ready", timeout=5)
    return answer.status_code, answer.text


def await_ready(daemon, url):
    def asked():
        try:
            return ready(url)[0] == 200
        except requests.RequestException:
            return False
    daemon.wait_for(asked, what="readiness")


def metric(url, name):
    for line in requests.get(url + "/metrics", timeout=5).text.splitlines():
        if line.startswith(name + " "):
            return float(line.split()[1])
    return None


def reload(daemon):
    before = daemon.log().count("msg=reloaded")
    daemon.reload()
    daemon.wait_for(lambda: daemon.log().count("msg=reloaded") > before, what="a reload")


def test_pushgateway_changes_as_a_whole(database, pgvigil, receiver):
    """Address, job, headers and token of a reload are used together; each token goes to the address
    it was written for and nowhere else, also when the former groups are deleted."""
    table(database)
    servers = [receiver(), receiver()]
    for i, token in enumerate(TOKENS):
        (pgvigil.folder / f"token{i}").write_text(token + "\n")
    def gateway(i):
        pgvigil.config["pushgateway"] = {
            "url": servers[i].url + "/gw", "job": f"job{i}", "token_file": f"token{i}",
            "headers": {"X-Which": str(i)}}
        pgvigil.write()
    gateway(0)
    pgvigil.rule("t", rule())
    daemon = pgvigil.start()
    daemon.wait_for(lambda: len(servers[0].requests("/gw")) > 3, what="pushes")
    gateway(1)
    reload(daemon)
    daemon.wait_for(lambda: [r for r in servers[1].requests("/gw/metrics/job/job1/instance/test")
                             if r["method"] == "PUT"], what="pushes to the new address")
    daemon.wait_for(lambda: {r["path"] for r in servers[0].requests("/gw")
                             if r["method"] == "DELETE"}
                    == {r["path"] for r in servers[0].requests("/gw") if r["method"] == "PUT"},
                    what="deletion at the former address")
    del pgvigil.config["pushgateway"]
    pgvigil.write()
    reload(daemon)
    daemon.wait_for(lambda: [r for r in servers[1].requests("/gw") if r["method"] == "DELETE"],
                    what="deletion without a gateway")
    assert daemon.stop() == 0
    for i, server in enumerate(servers):
        for r in server.requests("/gw"):
            headers = {k.lower(): v for k, v in r["headers"].items()}
            assert headers["authorization"] == "Bearer " + TOKENS[i], r
            assert headers["x-which"] == str(i), r
            assert f"/job/job{i}/" in r["path"] + "/", r
    assert not [t for t in TOKENS if t in daemon.log()]


def test_settings_of_the_start(database, pgvigil):
    """A reload that changes what only a start takes up says so, and is successful."""
    table(database)
    url = listening(pgvigil, workers=2)
    pgvigil.rule("t", rule())
    daemon = pgvigil.start()
    await_ready(daemon, url)
    old = dict(pgvigil.config)
    other = stack.free_port()
    pgvigil.config.update(name="other", workers=3, web={"listen": f"127.0.0.1:{other}"})
    pgvigil.write()
    reload(daemon)
    wanted = ["name: changed from test to other; takes effect after a restart",
              "workers: changed from 2 to 3; takes effect after a restart",
              f"web.listen: changed from {url[7:]} to 127.0.0.1:{other}; takes effect after a"
              " restart"]
    out = pgvigil.expect(0, "status").out
    notice = pgvigil.expect(0, "status", "--json").json["notice"]
    for line in wanted:
        assert "warning: " + line in out
        assert line in notice
    for setting in ("name", "workers", "web.listen"):
        daemon.wait_log(f"level=warn msg=\"this setting takes effect after a restart\""
                        f" setting={setting} changed_from=")
    assert "agent test" in out
    assert metric(url, "pgvigil_config_last_reload_successful") == 1
    assert wanted[0] in requests.get(url + "/", timeout=5).text
    pgvigil.config.update(old, state="other.db")
    pgvigil.write()
    reload(daemon)
    line = (f"state: changed from pgvigil.db to other.db; takes effect after a restart")
    out = pgvigil.expect(0, "status", "--state", "pgvigil.db").out
    assert "warning: " + line in out and "workers: changed" not in out
    assert "--state FORMER" in pgvigil.expect(0, "status").out
    pgvigil.config.update(state="pgvigil.db")
    pgvigil.write()
    reload(daemon)
    assert "changed from" not in pgvigil.expect(0, "status").out
    assert metric(url, "pgvigil_config_last_reload_successful") == 1
    assert daemon.stop() == 0


def test_state_file_taken_away(database, pgvigil):
    table(database)
    url = listening(pgvigil)
    pgvigil.rule("t", rule())
    daemon = pgvigil.start()
    await_ready(daemon, url)
    assert metric(url, "pgvigil_state_in_place") == 1
    for name, what in (("pgvigil.db", "state"), ("pgvigil.db.lock", "lock")):
        path, aside = pgvigil.folder / name, pgvigil.folder / (name + ".aside")
        os.rename(path, aside)
        daemon.wait_log(f"level=error .*removed or replaced.* file={what} .* what=removed", 60)
        code, text = ready(url)
        assert code == 503 and "was removed while in use" in text
        assert metric(url, "pgvigil_state_in_place") == 0
        path.write_text("")
        code, text = ready(url)
        assert code == 503 and "was replaced while in use" in text
        os.rename(aside, path)
        assert ready(url) == (200, "ready\n")
        assert metric(url, "pgvigil_state_in_place") == 1
    assert requests.get(url + "/-/healthy", timeout=5).status_code == 200
    assert daemon.stop() == 0


def test_commits_that_fail(database, pgvigil):
    """While nothing can be committed the daemon is not ready; the next commit makes it so again."""
    table(database)
    url = listening(pgvigil)
    pgvigil.rule("t", rule())
    daemon = pgvigil.start()
    await_ready(daemon, url)
    with stack.Closing(sqlite3.connect(pgvigil.state, isolation_level=None, timeout=30)) as db:
        db.execute("BEGIN IMMEDIATE")
        daemon.wait_for(lambda: ready(url)[0] == 503, what="not ready")
        assert "the last commit failed: " in ready(url)[1]
        assert metric(url, "pgvigil_state_writable") == 0
        db.execute("ROLLBACK")
    daemon.wait_for(lambda: ready(url)[0] == 200, 60, what="ready again")
    assert metric(url, "pgvigil_state_writable") == 1
    assert daemon.stop() == 0


@pytest.mark.both
def test_half_open_connections(database, pgvigil):
    table(database)
    url = listening(pgvigil)
    pgvigil.rule("t", rule())
    daemon = pgvigil.start()
    await_ready(daemon, url)
    host, port = url[7:].split(":")
    crowd = [socket.create_connection((host, int(port))) for _ in range(200)]
    for i, member in enumerate(crowd):
        member.sendall(b"GET / HTTP/1.1\r\nHost:" if i % 2 else b"")
    begun = time.monotonic()
    assert requests.get(url + "/-/healthy", timeout=30).status_code == 200
    assert requests.get(url + "/metrics", timeout=30).status_code == 200
    assert time.monotonic() - begun < 2 * stack.PATIENCE
    for member in crowd:
        member.close()
    assert daemon.stop() == 0


def last_minute():
    """A reference over rows that table() has made."""
    return {key: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - ago))
            for key, ago in (("from", 50), ("to", 20))}


def faulty_rule(pgvigil, name, **source):
    """A rule file written by hand, so that its lines are known; returns the lines."""
    made = {"version": 1, "dataset": name,
            "source": {"connection": "warehouse", "table": f"public.{name}", **source},
            "schedule": {"window": "1d"}, "columns": {"x": {"nulls": "5%"}}}
    path = pgvigil.rule(name, yaml.safe_dump(made, sort_keys=False))
    return path.read_text().splitlines()


def line_of(lines, start):
    return next(i + 1 for i, line in enumerate(lines) if line.strip().startswith(start))


def test_validate_points_at_the_filter(database, pgvigil):
    table(database)
    lines = faulty_rule(pgvigil, "t", filter="nothing = 1")
    result = pgvigil.expect(78, "validate", "--connect")
    assert f"rules/t.yaml:{line_of(lines, 'filter:')}:11: error: filter: " in result.err


def test_validate_knows_connection_strings(pgvigil):
    pgvigil.write('connections:\n  warehouse:\n    conninfo: "host=h prot=5432"\n')
    faulty_rule(pgvigil, "t")
    result = pgvigil.expect(78, "validate")
    assert ("pgvigil.yaml:3:15: error: the conninfo cannot be parsed: invalid connection option"
            in result.err)
    assert "hint: it is pairs like host=db port=5432" in result.err
    assert "prot" not in result.err.replace('    conninfo: "host=h prot=5432"', "")


def test_validate_warns_of_row_security(cluster, database, pgvigil):
    table(database)
    name = f"reader_{database.name}"
    database.execute(f"CREATE ROLE {name} LOGIN")
    database.execute(f"GRANT SELECT ON t TO {name}")
    pgvigil.config["connections"]["warehouse"]["conninfo"] = cluster.conninfo_of(
        database.name, name)
    pgvigil.write()
    lines = faulty_rule(pgvigil, "t")
    try:
        assert "row security" not in pgvigil.expect(0, "validate", "--connect").err
        database.execute("ALTER TABLE t ENABLE ROW LEVEL SECURITY")
        result = pgvigil.expect(0, "validate", "--connect")
        assert (f"rules/t.yaml:{line_of(lines, 'table:')}:10: warning: row security is enabled on"
                f" public.t and applies to role {name}") in result.err
        pgvigil.config["connections"]["warehouse"]["conninfo"] = database.conninfo
        pgvigil.write()  # a superuser is not subject to it
        assert "row security" not in pgvigil.expect(0, "validate", "--connect").err
    finally:
        database.execute(f"REVOKE ALL ON t FROM {name}")
        database.execute(f"DROP ROLE {name}")


def test_errors_of_a_capture_name_the_dataset(database, pgvigil):
    table(database)
    pgvigil.rule("t", rule(reference=last_minute(), columns={"gone": {"nulls": 0}},
                           source={"connection": "warehouse", "table": "public.gone",
                                   "time_column": "at"}))
    result = pgvigil.run("reference", "capture", "t")
    assert result.code != 0
    assert "pgvigil: t: " in result.err


def test_names_control_no_terminal(database, pgvigil):
    """A column may have any name; as a row of a table it stays one line of printable text."""
    name = 'a\nb\x1b[31m\x7f\u202ec\u009bd'
    column = name.replace('"', '""')
    database.execute(f'CREATE TABLE t (id bigserial, at timestamptz NOT NULL, x float8,'
                     f' "{column}" float8)')
    fill(database, "t", -60, 0)
    pgvigil.rule("t", yaml.safe_dump(rule(
        columns={name: {"nulls": "5%"}, "x": {"nulls": 0}},
        reference=last_minute()), sort_keys=False))
    pgvigil.expect(0, "reference", "capture", "t")
    shown = pgvigil.expect(0, "reference", "show", "t").out
    checked = pgvigil.run("check").out
    for out in (shown, checked):
        assert "a b\ufffd[31m\ufffd\ufffdc\ufffdd" in out, out
        assert not [c for c in out if c != "\n" and (ord(c) < 32 or 127 <= ord(c) < 160
                                                     or c in "\u202a\u202b\u202c\u202d\u202e")]
