# SPDX-License-Identifier: GPL-3.0-or-later
"""What people do about messages of a running daemon: silences, acknowledgements, dead letters, the
heartbeat; and many incidents at once, told in one message. One daemon serves nearly all of it."""
import json
import re

import pytest
import requests

import stack
from test_daemon import fill, query, rule, table

MANY = 9


@pytest.fixture(scope="module")
def world(cluster):
    """A database of ten tables, a receiver that records and a daemon that watches them."""
    folder = stack.new_folder("telling")
    database = cluster.create("telling", "TEMPLATE template0")
    received = stack.Receiver(folder)
    pgvigil = stack.Pgvigil(folder / "own", database.conninfo)
    for name in ["t", "quiet"] + [f"m{i}" for i in range(MANY)]:
        table(database, name, rows=name in ("t", "quiet"))
    fill_many(database, 0.5)
    pgvigil.config["web"] = {"listen": "127.0.0.1:0", "external_url": "https://vigil.example.test"}
    pgvigil.config["silences"] = [{"dataset": "t", "severity": "info", "days": ["sat", "sun"],
                                   "between": "22:00-06:00", "why": "of the file"}]
    pgvigil.config["heartbeat"] = {"url": received.url + "/beat"}
    pgvigil.config["receivers"] = {
        "ops": {"webhook": {"url": received.url + "/hook"}},
        "people": {"slack": {"url": received.url + "/slack/T1/B1/X1", "digest": 1,
                             "digest_within": "2s"}},
        "pager": {"pagerduty": {"routing_key_file": secret(folder), "url":
                                received.url + "/v2/enqueue"}}}
    pgvigil.write()
    for name in ("t", "quiet"):
        pgvigil.rule(name, rule(name, notify={"to": ["ops"], "after": 1, "resolve_after": 1,
                                              "remind": "1s"}))
    for i in range(MANY):
        pgvigil.rule(f"m{i}", state_rule(f"m{i}"))
    daemon = pgvigil.start()
    daemon.wait_for(lambda: query(pgvigil, "SELECT 1 FROM scanned_window WHERE dataset = 't'"),
                    what="a window")
    yield database, pgvigil, received, daemon
    pgvigil.close()
    received.kill()
    database.close()
    cluster.drop(database.name)


def secret(folder):
    path = folder / "routing"
    path.write_text("0123456789abcdef0123456789abcdef\n")
    path.chmod(0o600)
    return str(path)


def state_rule(name):
    return {"version": 1, "dataset": name, "source": {"connection": "warehouse",
                                                      "table": f"public.{name}"},
            "schedule": {"window": "1s", "every": "1s", "delay": "0s"},
            "columns": {"x": {"range": {"min": 0, "max": 1}}},
            "notify": {"to": ["people", "pager"], "after": 1, "resolve_after": 1}}


def address(daemon):
    port = re.search(r"msg=listening host=127.0.0.1 port=(\d+)", daemon.log()).group(1)
    return f"http://127.0.0.1:{port}"


def fill_many(database, value):
    database.execute(";".join(f"TRUNCATE m{i}; INSERT INTO m{i} (at, x) VALUES (now(), {value})"
                              for i in range(MANY)))


def hooks(received, dataset, status):
    bodies = [json.loads(r["body"]) for r in received.requests("/hook")]
    return [b for b in bodies if b["groupLabels"].get("dataset") == dataset
            and b["status"] == status]


def titles(received):
    return [json.loads(r["body"])["text"] for r in received.requests("/slack")]


def test_heartbeat(world):
    """It comes while the daemon works; that it stops is shown on a clock that can be moved."""
    _, _, received, daemon = world
    daemon.wait_for(lambda: received.requests("/beat"), 30, "a heartbeat")
    assert received.requests("/beat")[0]["method"] == "GET"


def test_many_at_once(world):
    """People are told of nine in far fewer messages, a pager of each; and so of their ends."""
    database, _, received, daemon = world
    fill_many(database, 7)
    daemon.wait_for(lambda: len(received.state()["pagerduty"]["incidents"]) == MANY, 30, "pages")
    def told():
        return sum(int((re.search(r"(\d+) incidents", t) or [0, 1])[1]) for t in titles(received))
    daemon.wait_for(lambda: told() == MANY, 30, "all of them told")
    assert any("incidents opened" in title for title in titles(received))
    assert len(titles(received)) < MANY
    before = len(titles(received))
    fill_many(database, 0.5)
    daemon.wait_for(lambda: told() == 2 * MANY, 30, "their ends")
    assert len(titles(received)) - before < MANY
    assert all("RESOLVED" in title for title in titles(received)[before:])


def test_silence(world):
    database, pgvigil, received, daemon = world
    said = pgvigil.expect(0, "silence", "add", "dataset=qui*", "for=1h", "by=anna", "why=a test")
    assert "nobody is told of dataset=qui* from" in said.out
    number = re.search(r"^(\d+) +dataset=qui\* .* anna +a test", pgvigil.expect(
        0, "silence", "list").out, re.M).group(1)
    status = pgvigil.expect(0, "status").out
    assert re.search(rf"^  {number}: dataset=qui\*, since .* until .*, by anna: a test$", status,
                     re.M)
    assert re.search(r"^  pgvigil.yaml:\d+: dataset=t severity=info, without an end,"
                     r" sat sun 22:00-06:00 UTC: of the file$", status, re.M), status
    made, stands = pgvigil.expect(0, "status", "--json").json["silences"]
    assert made["by"] == "anna" and made["number"] == int(number) and made["file"] is None
    assert stands["file"] == "pgvigil.yaml" and stands["line"] > 1 and stands["number"] is None
    assert stands["days"] == ["sat", "sun"] and stands["between"] == "22:00-06:00"
    page = requests.get(address(daemon) + "/", timeout=5).text
    assert f"pgvigil.yaml:{stands['line']}" in page and "anna" in page
    fill(database, "quiet", -2, 60, "7")
    daemon.wait_for(lambda: query(pgvigil, "SELECT 1 FROM alert WHERE dataset = 'quiet'"
                                  " AND state = 6"), 30, "it fires")
    assert not hooks(received, "quiet", "firing")
    pgvigil.expect(0, "silence", "expire", number)
    assert "anna" not in pgvigil.expect(0, "silence", "list").out
    daemon.wait_for(lambda: hooks(received, "quiet", "firing"), 30, "what still stands")
    pgvigil.expect(2, "silence", "expire", number)


def test_acknowledge(world):
    database, pgvigil, received, daemon = world
    fill(database, "t", -2, 60, "7")
    daemon.wait_for(lambda: len(hooks(received, "t", "firing")) > 2, 30, "reminders")
    said = pgvigil.expect(0, "acknowledge", "t", "bert")
    assert said.out == "bert has taken it on: no more reminders, news are still told\n"
    assert "acknowledged by bert at" in pgvigil.expect(0, "status").out
    seen = len(hooks(received, "t", "firing"))
    windows = len(query(pgvigil, "SELECT 1 FROM scanned_window WHERE dataset = 't'"))
    daemon.wait_for(lambda: len(query(pgvigil, "SELECT 1 FROM scanned_window WHERE"
                                      " dataset = 't'")) > windows, 30, "another window")
    # the acknowledgement itself may be told, and a reminder may have been on its way
    assert len(hooks(received, "t", "firing")) <= seen + 2
    told = [json.loads(body) for body, in query(pgvigil, "SELECT body FROM outbox WHERE kind = 6")]
    assert told and all(m["by"] == "bert" and m["table"] == "public.t" for m in told), told
    pgvigil.expect(2, "acknowledge", "nothing-of-this-name")


def test_dead_letters(world):
    """What was refused for good is set aside, sent again when somebody says so, or let go of."""
    database, pgvigil, received, daemon = world
    received.control(rules=[{"path": "/v2/enqueue", "times": 2, "status": 400}])
    database.execute("TRUNCATE m0; INSERT INTO m0 (at, x) VALUES (now(), 7)")
    database.execute("TRUNCATE m1; INSERT INTO m1 (at, x) VALUES (now(), 7)")
    aside = r"^(\d+) +pager .* set aside .*400"
    daemon.wait_for(lambda: len(re.findall(aside, pgvigil.expect(0, "outbox", "list").out,
                                           re.M)) == 2, 30, "two set aside")
    before = len(received.requests("/v2/enqueue"))
    first, second = re.findall(aside, pgvigil.expect(0, "outbox", "list").out, re.M)
    assert pgvigil.expect(0, "outbox", "retry", first).out == "1 message is sent again\n"
    daemon.wait_for(lambda: len(received.requests("/v2/enqueue")) == before + 1, 30, "one more")
    assert pgvigil.expect(0, "outbox", "drop", second).out == "1 message is let go\n"
    daemon.wait_for(lambda: not re.search(aside, pgvigil.expect(0, "outbox", "list").out, re.M),
                    30, "none set aside")
    pgvigil.expect(2, "outbox", "drop", second)
    for verb in ("retry", "drop"):
        none = pgvigil.expect(2, "outbox", verb, "all", "nobody")
        assert "no message to nobody waits or was set aside" in none.err


def test_acknowledged_without_a_daemon(world):
    """The last of these tests: what is said of the dataset is the same."""
    database, pgvigil, received, daemon = world
    fill(database, "t", -2, 60, "7")
    daemon.wait_for(lambda: query(pgvigil, "SELECT 1 FROM alert WHERE dataset = 't' AND state = 6"
                                  " AND untold = 0"), 30, "it fires")
    assert daemon.stop() == 0
    pgvigil.expect(0, "acknowledge", "t", "carl")
    [(body,)] = query(pgvigil, "SELECT body FROM outbox WHERE kind = 6 ORDER BY id DESC LIMIT 1")
    told = json.loads(body)
    assert told["by"] == "carl" and told["table"] == "public.t"
    assert told["url"] == "https://vigil.example.test#dataset-t"
