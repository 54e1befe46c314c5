# SPDX-License-Identifier: GPL-3.0-or-later
"""Canaries: every kind of secret of the configuration, and values of private columns, in a daemon
that tells, pushes, asks for retraining and is refused by servers that repeat what they were given.
None of them may be found in logs, metrics, the page, payloads to others, the state, what commands
print, the process list, what its programs are given, or a core dump; nor in base64."""
import base64
import hashlib
import json
import os
import re
import resource
import signal
import struct
import time

import pytest
import requests

import stack
from test_receivers import Mailbox

SECRETS = ("password", "passfile", "slack", "bot", "pagerduty", "opsgenie", "teams", "discord",
           "hook-url", "hook-token", "sign-new", "sign-old", "alertmanager", "mail", "heartbeat",
           "push", "train-url", "train-token", "airflow-password", "airflow-session",
           "gitlab-trigger", "gitlab-access", "jenkins", "command", "aws-id", "aws-secret")
GIVEN = {"aws-id", "aws-secret"}  # by whoever starts the daemon, in its environment
SAID = {"airflow-session"}  # by a server
TEXTS = ("pattern", "allowed", "email", "twin", "length", "blank", "forbidden", "category", "key",
         "condition", "json")
NUMBERS = {"low": -77123.4375, "high": 88123.5625, "odd": 4242.424242, "drifted": 9191.919191,
           "account": 7700115599, "twin account": 7700225588, "stddev": 31337.03125,
           "doubled": 5150.28125}
TIMES = {"born": "1931-07-23", "future": "2931-08-24", "seen": "1932-09-25 13:37:11"}
SUITS = {  # which canaries a request may carry, by the beginning of its path
    "/slack": {"slack"}, "/bot": {"bot"}, "/v2/": {"pagerduty"}, "/opsgenie": {"opsgenie"},
    "/teams": {"teams"}, "/discord": {"discord"}, "/hook": {"hook-url", "hook-token"},
    "/alertmanager": {"alertmanager"}, "/beat": {"heartbeat"}, "/push": {"push"},
    "/train": {"train-url", "train-token"},
    "/airflow": {"airflow-password", "airflow-session"},
    "/gitlab": {"gitlab-trigger", "gitlab-access"}, "/jenkins": {"jenkins"},
    "/prefect": {"command"}, "/sagemaker": {"aws-id"}}
TRAINING = ("/train", "/airflow", "/gitlab", "/jenkins", "/prefect", "/sagemaker")
PROGRAM = """#!/bin/sh
cat /proc/$$/environ /proc/$$/cmdline >> {seen}
{then}
"""


def canary(name):
    """Two letters and hexadecimal digits, as many as a routing key must have."""
    return "cn" + hashlib.sha256(name.encode()).hexdigest()[:30]


def text_of(name, url):
    """What stands in the file of a secret."""
    text = canary(name)
    paths = {"slack": "/slack/T1/", "teams": "/teams/", "discord": "/discord/",
             "hook-url": "/hook/", "heartbeat": "/beat/", "train-url": "/train/"}
    if name in paths:
        return url + paths[name] + text
    return f"*:*:*:*:{text}" if name == "passfile" else text


def write_secrets(folder, url, prefix=""):
    paths = {}
    for name in sorted(set(SECRETS) - GIVEN - SAID):
        path = folder / f"file-{len(prefix)}-{name}"
        path.write_text(text_of(name, url + prefix) + "\n")
        path.chmod(0o600)
        paths[name] = str(path)
    return paths


def write_program(folder, name, then):
    """Notes what it was given; the path."""
    path = folder / name
    path.write_text(PROGRAM.format(seen=folder / "seen", then=then))
    path.chmod(0o755)
    return str(path)


def training_of(secret, url, folder):
    """Of each kind of secret one system that refuses; `url` is where they stand."""
    def endpoint(name, **more):
        return {name: {"url": f"{url}/{name}", **more}}
    return {
        "eta": {"http": {"url_file": secret["train-url"], "token_file": secret["train-token"]}},
        "air": endpoint("airflow", dag="retrain", user="vigil",
                        password_file=secret["airflow-password"]),
        "lab": endpoint("gitlab", project="a/b", token_file=secret["gitlab-trigger"],
                        api_token_file=secret["gitlab-access"]),
        "jen": endpoint("jenkins", job="retrain", user="vigil", token_file=secret["jenkins"]),
        "pre": endpoint("prefect", deployment="retrain/prod", token_command=[
            write_program(folder, "token", f"cat {secret['command']}")]),
        "aws": endpoint("sagemaker", region="eu-central-1", pipeline="retrain")}


def receivers_of(secret, url, mail):
    """One of each kind; `url` is where it stands."""
    return {
        "slack": {"slack": {"url_file": secret["slack"]}},
        "bot": {"slack": {"token_file": secret["bot"], "channel": "C1", "url": url + "/bot"}},
        "pagerduty": {"pagerduty": {"routing_key_file": secret["pagerduty"],
                                    "url": url + "/v2/enqueue"}},
        "opsgenie": {"opsgenie": {"api_key_file": secret["opsgenie"], "url": url + "/opsgenie"}},
        "teams": {"teams": {"url_file": secret["teams"]}},
        "discord": {"discord": {"url_file": secret["discord"]}},
        "hook": {"webhook": {"url_file": secret["hook-url"], "token_file": secret["hook-token"],
                             "signing_secret_file": secret["sign-new"],
                             "former_signing_secret_file": secret["sign-old"]}},
        "alertmanager": {"alertmanager": {"url": url + "/alertmanager",
                                          "token_file": secret["alertmanager"]}},
        "mail": {"email": dict(mail, password_file=secret["mail"])}}


def repeat_secrets():
    """Servers that refuse and say what they were given."""
    said = {}
    for path, names in SUITS.items():
        said["/no" + path] = " ".join(canary(name) for name in names)
    said["/push"], said["/beat"] = canary("push"), canary("heartbeat")
    session = json.dumps({"access_token": canary("airflow-session")})
    return [{"path": "/no/airflow/auth", "times": -1, "status": 201, "body": session}] + [
        {"path": path, "times": -1, "status": 400, "body": f"Cannot POST {text}: no such thing"}
        for path, text in said.items()]


def configure(pgvigil, folder, server, box):
    secret, other = write_secrets(folder, server.url), write_secrets(folder, server.url, "/no")
    mail = {"server": f"smtp://127.0.0.1:{box.port}", "user": "vigil", "from": "v@example.test",
            "to": "d@example.test"}
    good = receivers_of(secret, server.url, mail)
    bad = receivers_of(other, server.url + "/no", dict(mail, user="nobody"))
    config = pgvigil.config
    config["receivers"] = {**good, **{"no-" + name: one for name, one in bad.items()}}
    config["connections"]["warehouse"]["password_file"] = secret["password"]
    config["connections"]["gone"] = {
        "conninfo": f"host=127.0.0.1 port={stack.free_port()} passfile={secret['passfile']}"}
    config["web"] = {"listen": "127.0.0.1:%d" % stack.free_port(), "datasets": "always"}
    config["pushgateway"] = {"url": server.url + "/push", "token_file": secret["push"]}
    config["heartbeat"] = {"url_file": secret["heartbeat"], "method": "POST"}
    config["receivers"]["tell"] = {"command": {
        "run": [write_program(pgvigil.folder, "tell", f"cat >> {pgvigil.folder}/seen")]}}
    config["retraining"] = training_of(other, server.url + "/no", pgvigil.folder)
    config["defaults"] = {"notify": {"to": list(config["receivers"]), "after": 1,
                                     "resolve_after": 1}}
    pgvigil.write()
    return "http://" + config["web"]["listen"]


def fill(database, hour):
    """Three days up to this hour, a row a minute; every hour of the last six has the canaries."""
    text = {name: canary(name) for name in TEXTS}
    database.execute(f"""
        CREATE TABLE t AS SELECT to_timestamp({hour}) - interval '72 h'
                + n * interval '1 min' AS at,
            CASE n % 60 WHEN 1 THEN '{text["pattern"]}' WHEN 2 THEN '{text["allowed"]}'
                WHEN 3 THEN '{text["length"]}' || repeat('x', 300)
                WHEN 4 THEN '{text["blank"]}' WHEN 5 THEN '{text["forbidden"]}'
                WHEN 6 THEN '{text["twin"]}' WHEN 7 THEN '{text["twin"]}'
                ELSE 'x' || n END AS name,
            CASE WHEN n % 60 = 8 THEN '{text["email"]}' ELSE n || '@example.test' END AS mail,
            CASE WHEN n % 3 = 0 THEN '{text["category"]}' ELSE 'c' || n % 3 END AS kind,
            CASE n % 60 WHEN 9 THEN {NUMBERS["low"]} WHEN 10 THEN {NUMBERS["high"]}
                WHEN 11 THEN {NUMBERS["odd"]} WHEN 12 THEN {NUMBERS["stddev"]}
                WHEN 21 THEN {NUMBERS["doubled"]} WHEN 22 THEN {NUMBERS["doubled"]}
                ELSE n % 60 END::float8 AS wage,
            CASE n % 60 WHEN 13 THEN {NUMBERS["twin account"]} WHEN 14 THEN
                {NUMBERS["twin account"]} WHEN 15 THEN {NUMBERS["account"]} ELSE n END AS account,
            CASE n % 60 WHEN 16 THEN '{TIMES["born"]}' WHEN 17 THEN '{TIMES["future"]}'
                ELSE '2000-01-01' END::date AS born,
            CASE WHEN n % 60 = 18 THEN '{TIMES["seen"]}Z' ELSE now() END::timestamptz AS seen,
            jsonb_build_object('k', CASE WHEN n % 60 = 19 THEN '{text["json"]}' END) AS doc,
            CASE WHEN n % 60 = 20 THEN '{text["condition"]}' ELSE 'n' END AS note,
            '{text["key"]}-' || n AS id
        FROM generate_series(0, 72 * 60 - 1) n;
        CREATE TABLE p AS SELECT at, CASE WHEN at >= to_timestamp({hour}) - interval '6 h'
            THEN {NUMBERS["drifted"]} + wage ELSE wage END AS score FROM t
            WHERE wage BETWEEN 0 AND 60;
        CREATE INDEX ON t (at); CREATE INDEX ON p (at)""")


def rules_of(table, hour, connection="warehouse", **more):
    stamp = [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(hour - h * 3600)) for h in (72, 8)]
    return {"version": 1, "dataset": table, "reference": {"from": stamp[0], "to": stamp[1]},
            "source": {"connection": connection, "table": f"public.{table}", "time_column": "at"},
            "schedule": {"window": "1h", "every": "1h"}, "expose_values": True, **more}


def write_rules(pgvigil, hour):
    def hidden(**checks):
        return {"private": True, **checks}
    rules = rules_of("t", hour, columns={
        "name": hidden(pattern="x[0-9]+", allowed=["x1", "x2"], length={"max": 20}, unique=0,
                       forbidden=["never"], distinct={"max": 5}),
        "mail": hidden(format="email"), "kind": hidden(allowed=["c1"], drift={"psi": 0.0001}),
        "wage": hidden(range={"min": 0, "max": 1000}, drift={"ks": 0.001}),
        "account": hidden(unique=0, range={"min": 0, "max": 100}),
        "born": hidden(range={"min": "1990-01-01", "max": "2010-01-01"}, future=0),
        "seen": hidden(range={"min": "1990-01-01", "max": "2990-01-01"}),
        "note": hidden(nulls=0), "doc": hidden(nulls=0), "id": hidden(pattern="x.*")},
        checks=[{"condition": {"holds": "length(note) < 5", "fail": 0}}])
    rules["source"]["key"] = ["id"]
    pgvigil.rule("t", rules)
    score = hidden(prediction="score", drift={"ks": {"fail": 0.5, "min_rows": 10}})
    for model in pgvigil.config["retraining"]:
        pgvigil.rule(f"p-{model}", dict(
            rules_of("p", hour, model=model, role="predictions", columns={"score": score},
                     schedule={"window": "1h", "every": "1s"}), dataset=f"p-{model}"))
    pgvigil.rule("g", rules_of("g", hour, "gone", columns={"a": {"nulls": 0}}))


def encoded(name):
    """A canary in base64, behind 0, 1 or 2 other bytes, without the ends that depend on others."""
    return [base64.b64encode(b"\0" * n + canary(name).encode())[4:-4] for n in range(3)]


BASE64 = {text: name for name in (*SECRETS, *TEXTS) for text in encoded(name)}
IN_BASE64 = re.compile(b"|".join(map(re.escape, BASE64)))


def find(place, data, allowed=frozenset()):
    """Canaries in what is shown or kept."""
    data = data if isinstance(data, bytes) else data.encode("utf-8", "replace")
    there = set(re.findall(rb"cn[0-9a-f]{30}", data))
    there = {name for name in (*SECRETS, *TEXTS) if canary(name).encode() in there}
    there |= {BASE64[text] for text in IN_BASE64.findall(data)}
    found = [(place, name) for name in sorted(there - set(allowed))]
    needles = {}
    for name, number in NUMBERS.items():
        needles[name] = [repr(number)[:8].encode(), struct.pack("<d", number),
                         struct.pack(">d", number)]
    for name, text in TIMES.items():
        needles[name] = [text[:10].encode()]
    return found + [(place, name) for name, texts in needles.items()
                    if any(text in data for text in texts)]


def test_the_search_finds():
    shown = [canary(name) for name in (*SECRETS, *TEXTS)]
    shown += [repr(number) for number in NUMBERS.values()] + list(TIMES.values())
    assert len(find("all of them", "\n".join(shown))) == 48
    assert not find("all of them", canary("slack"), {"slack"})
    for said in ("vigil:", "v:", "vi:"):
        basic = base64.b64encode((said + canary("jenkins")).encode())
        assert find("all of them", basic) == [("all of them", "jenkins")]


def test_every_kind_of_secret_is_searched_for(pgvigil, folder):
    """Keys of secrets that the documentation knows are those that stand in this configuration."""
    known = set(re.findall(r"^\| `(\w+_(?:file|command))` ",
                           (stack.ROOT / "docs/configuration.md").read_text(), re.MULTILINE))
    server, box = (type("Nobody", (), {"url": "http://127.0.0.1:1", "port": 1}) for _ in range(2))
    configure(pgvigil, folder, server, box)
    used = set(re.findall(r"\b(\w+_(?:file|command)):",
                          (pgvigil.folder / "pgvigil.yaml").read_text()))
    assert used == known - {"ca_file"}


def find_silent(server, box):
    """What has had no request yet. Of training there is but the one that refuses."""
    paths = {r["path"] for r in server.requests()}
    wanted = {p for path in SUITS for p in (path, "/no" + path)}
    silent = {p for p in wanted if not any(path.startswith(p) for path in paths)}
    silent |= set() if list(box.mails()) else {"mail"}
    return silent - {"/no/beat", "/no/push", *TRAINING}


def look_everywhere(pgvigil, daemon, server, box, base):
    found = []
    for path in ("/", "/metrics", "/-/ready"):
        found += find(path, requests.get(base + path, timeout=10).text)
    for request in server.requests():
        path = request["path"].removeprefix("/no")
        suits = next((names for p, names in SUITS.items() if path.startswith(p)), set())
        found += find("request to " + request["path"][:12], json.dumps(request), suits)
    found += find("mails", "".join(mail["text"] for mail in box.mails()))
    for file in ("cmdline", "environ", "status", "limits"):
        with open(f"/proc/{daemon.child.pid}/{file}", "rb") as proc:
            found += find(file, proc.read(), GIVEN if file == "environ" else ())
    seen = (pgvigil.folder / "seen").read_bytes()
    assert b"/token" in seen and b"/tell" in seen, "both programs were started"
    found += find("programs", seen)
    for words in (["status"], ["status", "--json"], ["check", "--json"], ["reference", "show", "t"],
                  ["reference", "list"], ["outbox", "list"], ["explain", "t"], ["validate"],
                  ["retrain", "list"], ["retrain", "list", "--json"], ["silence", "list"],
                  ["notify", "test", "no-slack"], ["notify", "test", "no-bot"],
                  ["notify", "test", "no-hook"]):
        done = pgvigil.run(*words)
        assert done.out + done.err, words
        found += find(" ".join(words), done.out + done.err)
    for path in pgvigil.folder.glob("pgvigil.db*"):
        found += find(path.name, path.read_bytes())
    return found + find("log", daemon.log())


def find_remembered(daemon):
    """Secrets that are kept beyond their use, in all that the daemon can write to; none where its
    own user may not look. libpq keeps its two, and what was read of rows stands where it was read:
    of them only that nobody else may look is promised."""
    found, start = set(), 0
    folder = f"/proc/{daemon.child.pid}"
    try:
        with open(folder + "/smaps", encoding="ascii") as maps, open(folder + "/mem", "rb",
                                                                     0) as memory:
            for line in maps:
                if re.match("[0-9a-f]+-[0-9a-f]+ rw", line):
                    start, end = (int(text, 16) for text in line.split()[0].split("-"))
                elif line.startswith("Rss:") and start and int(line.split()[1]):
                    memory.seek(start)
                    found.update(re.findall(rb"cn[0-9a-f]{30}", memory.read(end - start)))
                    start = 0
                elif line.startswith("VmFlags"):
                    start = 0
    except PermissionError:
        return found
    return {name for name in set(SECRETS) - {"password", "passfile"} - GIVEN
            if canary(name).encode() in found}


def abort(daemon):
    """Ended as by a fault of its own; whether the kernel has written a core."""
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    daemon.child.send_signal(signal.SIGABRT)
    _, status = os.waitpid(daemon.child.pid, 0)
    daemon.child.returncode = -signal.SIGABRT
    resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))
    assert os.WTERMSIG(status) == signal.SIGABRT
    return os.WCOREDUMP(status)


@pytest.mark.both
def test_forty_eight_canaries(database, pgvigil, receiver, folder):
    server = receiver()
    box = Mailbox(folder, "--login", "vigil", canary("mail"))
    hour = int(time.time()) // 3600 * 3600
    try:
        fill(database, hour)
        base = configure(pgvigil, folder, server, box)
        write_rules(pgvigil, hour)
        server.control(rules=repeat_secrets())
        for dataset in ("t", *(f"p-{model}" for model in pgvigil.config["retraining"])):
            pgvigil.expect(0, "reference", "capture", dataset)
        begin = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(hour - 6 * 3600))
        daemon = pgvigil.start("--backfill", begin, "--log-level", "debug", env={
            "AWS_ACCESS_KEY_ID": canary("aws-id"), "AWS_SECRET_ACCESS_KEY": canary("aws-secret")})
        daemon.wait_for(lambda: not find_silent(server, box), what="every kind of message")
        found = look_everywhere(pgvigil, daemon, server, box, base)
        assert not found, found
        results = {r["check"]: r for r in pgvigil.check("t")["datasets"][0]["results"]}
        assert results["ks"]["n"] == 60 and results["ks"]["value"] is not None
        assert "Cannot POST ****" in daemon.log(), "a server has repeated something"
        if stack.VARIANT != "san":  # which keeps its books in terabytes, and must be readable
            daemon.wait_for(lambda: not find_remembered(daemon), what="secrets to be wiped")
            assert not abort(daemon), "a core was written"
    finally:
        box.kill()
