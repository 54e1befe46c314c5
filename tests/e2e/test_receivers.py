# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of receiver through a whole incident: opened, worse, resolved; against systems played
as strictly as their documentation (tests/receivers), a mail server, a program and the real
Alertmanager. Secrets are canaries that must be found nowhere else."""
import email
import email.policy
import json
import re
import subprocess
import time
from datetime import datetime, timezone

import pytest
import requests

import stack

KEY = "0123456789abcdefcanary0123456789"
SECRETS = {"pagerduty": KEY, "slack": "{url}/slack/T1/B1/canary-slack-path",
           "bot": "xoxb-canary-0123456789", "opsgenie": "0f0f0f0f-canary-0123456789",
           "teams": "{url}/teams/canary-teams-path", "discord": "{url}/discord/canary-discord-path",
           "new": "whsec_Y2FuYXJ5LXN0YW5kYXJkLXdlYmhvb2tzLTAx",
           "old": "whsec_Y2FuYXJ5LXN0YW5kYXJkLXdlYmhvb2tzLTAy", "mail": "canary-mail-password"}

# Row values say which hour is bad; the names are as hostile as PostgreSQL lets them be.
COLUMN = 'x <!channel> @everyone *b*'
RULES = {"version": 1, "dataset": "orders", "model": "eta", "role": "features",
         "impact": "the ETA <@U1> @here shown to customers",
         "runbook": "https://wiki.example.test/orders?a=1&b=2",
         "source": {"connection": "warehouse", "table": "public.orders", "time_column": "at",
                    "key": ["id"]},
         "schedule": {"window": "1h", "delay": "1m"},
         "columns": {COLUMN: {"nulls": {"fail": 0, "severity": "critical", "description":
                                        "no order <http://x|without> it; {{title}} %s @everyone"},
                              "range": {"min": 0, "max": 1, "severity": "critical"}}}}

PROGRAM = """#!/bin/sh
env | sort > {out}/env
ls /proc/self/fd > {out}/fds
cat >> {out}/said
echo >> {out}/said
"""


def fill(database):
    """Ten rows an hour; hour 1 has a null, hour 2 a null and a value out of range."""
    database.execute(f"""CREATE TABLE orders (id bigserial, at timestamptz, "{COLUMN}" float8);
        CREATE INDEX ON orders (at);
        INSERT INTO orders (at, "{COLUMN}") SELECT '2001-06-12T00:00Z'::timestamptz
            + n * interval '6 minutes', CASE WHEN n IN (12, 23) THEN NULL WHEN n = 24 THEN 7
            ELSE 0.5 END FROM generate_series(0, 59) n""")


def write_secrets(folder, url):
    paths = {}
    for name, text in SECRETS.items():
        paths[name] = folder / f"secret-{name}"
        paths[name].write_text(text.replace("{url}", url) + "\n")
        paths[name].chmod(0o600)
    return {name: str(path) for name, path in paths.items()}


class Mailbox(stack.Process):
    def __init__(self, folder, *arguments):
        self.out = folder / "mails.jsonl"
        program = stack.ROOT / "tests/receivers/mailbox.py"
        super().__init__([stack.PYTHON, program, "--out", self.out, *arguments],
                         folder / f"mailbox-{stack.free_port()}.log")
        self.port = int(stack.wait_for(lambda: re.match(r"(\d+)\s", self.log()),
                                       what="the mail server's port").group(1))

    def mails(self):
        lines = self.out.read_text().splitlines() if self.out.exists() else []
        for mail in map(json.loads, lines):
            mail["mail"] = email.message_from_string(mail["text"], policy=email.policy.default)
            yield mail


@pytest.fixture
def mailbox(folder):
    started = []

    def start(*arguments):
        started.append(Mailbox(folder, *arguments))
        return started[-1]
    yield start
    for one in started:
        one.kill()


def configure(pgvigil, server, folder, **more):
    secret = write_secrets(folder, server.url)
    program = folder / "tell"
    program.write_text(PROGRAM.format(out=folder))
    program.chmod(0o755)
    title = "{{severity | upper}} {{dataset}}: {{column}} {{kind}}"
    pgvigil.config["receivers"] = {
        "slack": {"slack": {"url_file": secret["slack"]}},
        "bot": {"slack": {"token_file": secret["bot"], "channel": "C0123456789",
                          "url": server.url + "/bot", "title": title}},
        "oncall": {"pagerduty": {"routing_key_file": secret["pagerduty"],
                                 "url": server.url + "/v2/enqueue"}},
        "jsm": {"opsgenie": {"api_key_file": secret["opsgenie"], "url": server.url + "/opsgenie",
                             "team": "data", "text": "{{impact}} {{why}}"}},
        "teams": {"teams": {"url_file": secret["teams"], "title": title}},
        "discord": {"discord": {"url_file": secret["discord"], "title": title,
                                "text": "{{impact}}"}},
        "am": {"alertmanager": {"url": server.url + "/alertmanager"}},
        "hook": {"webhook": {"url": server.url + "/hook"}},
        "event": {"webhook": {"url": server.url + "/events/a", "format": "cloudevents"}},
        "binary": {"webhook": {"url": server.url + "/events/b", "format": "cloudevents-binary"}},
        "program": {"command": {"run": [str(program), "--fixed"]}}, **more}
    pgvigil.config["web"] = {"listen": "127.0.0.1:0", "external_url": "https://vigil.example.test/",
                             "dashboard_url": "https://grafana.example.test/d/p?var-d={{dataset}}"}
    pgvigil.write()
    return secret


def replay(pgvigil, *arguments):
    names = list(pgvigil.config["receivers"])
    rules = dict(RULES, notify={"to": names, "after": 1, "resolve_after": 1})
    pgvigil.rule("orders", rules)
    notify = [word for name in names for word in ("--notify", name)]
    return pgvigil.expect(0, "run", "--from", "2001-06-12T00:00", "--until", "2001-06-12T05:10",
                          "--state", "replay.db", *notify, *arguments, env={"CANARY": "canary-env"})


def find_canaries(*places):
    found = []
    for place, data in places:
        data = data if isinstance(data, bytes) else data.encode("utf-8", "replace")
        found += [(place, word) for word in (b"canary", b"Y2FuYXJ5") if word in data]
    return found


def test_an_incident_at_every_receiver(database, pgvigil, receiver, folder, mailbox):
    fill(database)
    server, box = receiver(), mailbox()
    configure(pgvigil, server, folder, mail={"email": {
        "server": f"smtp://127.0.0.1:{box.port}", "from": "vigil@example.test",
        "to": ["data@example.test", "ops@example.test"], "title": "{{title}}"}})
    done = replay(pgvigil)
    state = server.state()
    refused = {name: one["refused"] for name, one in state.items()
               if isinstance(one, dict) and one.get("refused")}
    assert not refused
    # Slack: a webhook has a message for each; a bot keeps the first one current, in one thread.
    assert [m.split(" ")[0] for m in state["slack"]["last"]] == ["CRITICAL", "CRITICAL", "RESOLVED"]
    bot = state["bot"]
    assert bot["calls"] == ["chat.postMessage", "chat.postMessage", "chat.update", "chat.update",
                            "chat.postMessage"]
    first, *replies = bot["messages"].items()
    assert first[1]["edits"] == 2 and first[1]["text"].endswith("resolve")
    assert [m["thread"] for _, m in replies] == [first[0]] * 2
    assert all("&lt;!channel&gt;" in m["text"] for m in bot["messages"].values())
    # PagerDuty: one incident.
    incident, = state["pagerduty"]["incidents"].values()
    assert (incident["opened"], incident["open"], incident["resolves"]) == (1, False, 1)
    assert incident["triggers"] == 2
    # Jira Service Management: created once, noted, closed.
    (alias, alert), = state["opsgenie"]["alerts"].items()
    assert (alert["opened"], alert["status"], alert["priority"]) == (1, "closed", "P1")
    assert len(alert["notes"]) == 2 and "shown to customers" in alert["notes"][0]
    assert list(state["pagerduty"]["incidents"]) == [alias] == list(state["hook"]["groups"])
    # Teams: three cards; Discord: the first message is edited, two others follow.
    assert len(state["teams"]["cards"]) == 3
    assert "may break: the ETA" in "\n".join(state["teams"]["cards"][0])
    discord = list(state["discord"]["messages"].values())
    assert [m["edits"] for m in discord] == [2, 0, 0]
    assert discord[0]["content"].endswith("resolve")
    # Alertmanager: two alerts, each ended at the end.
    assert len(state["alertmanager"]["alerts"]) == 2
    assert all(a["ends"][-1] < "2001-06-12T05" for a in state["alertmanager"]["alerts"].values())
    # CloudEvents: each message once, in both modes.
    events = state["events"]["events"]
    assert len(events) == 3 and all(e["times"] == 2 for e in events.values())
    kinds = sorted(e["type"].split(".")[-1] for e in events.values())
    assert kinds == ["open", "resolve", "update"]
    check_mails(list(box.mails()), alias)
    check_program(folder, alias)
    assert not find_canaries(("output", done.out + done.err),
                             ("state", (pgvigil.folder / "replay.db").read_bytes()),
                             ("program", (folder / "said").read_bytes()))


def check_mails(mails, key):
    subjects = [m["mail"]["Subject"] for m in mails]
    assert [s.split(" ")[0] for s in subjects] == ["CRITICAL", "CRITICAL", "RESOLVED"]
    assert all(COLUMN in s for s in subjects[:1])
    ids = [m["mail"]["Message-ID"] for m in mails]
    assert ids[0] == f"<{key}@example.test>" and len(set(ids)) == 3
    assert [m["mail"]["In-Reply-To"] for m in mails] == [None, ids[0], ids[0]]
    assert mails[0]["to"] == ["data@example.test", "ops@example.test"]
    assert mails[0]["mail"]["Date"] == "Tue, 12 Jun 2001 02:01:00 +0000"
    text = mails[0]["mail"].get_content()
    for said in ("nulls of x <!channel> @everyone *b* fires", "since 2001-06-12T01:00:00Z",
                 "10 rows", "may break: the ETA", "https://wiki.example.test/orders?a=1&b=2",
                 "https://grafana.example.test/d/p?var-d=orders", "{{title}} %s", key):
        assert said in text, said


def check_program(folder, key):
    said = [json.loads(line) for line in (folder / "said").read_text().splitlines()]
    assert [s["kind"] for s in said] == ["open", "update", "resolve"]
    assert {s["key"] for s in said} == {key} and said[0]["title"].startswith("CRITICAL orders")
    assert said[0]["links"]["Runbook"] == "https://wiki.example.test/orders?a=1&b=2"
    names = [line.split("=")[0] for line in (folder / "env").read_text().splitlines()]
    assert set(names) <= {"PATH", "LANG", "HOME", "PWD", "SHLVL", "_", "OLDPWD"}
    assert (folder / "fds").read_text().split() == ["0", "1", "2", "3"]  # 3: of ls itself


def test_signed_webhooks_while_secrets_change(pgvigil, receiver, folder):
    server = receiver()
    secret = write_secrets(folder, server.url)
    hook = {"url": server.url + "/standard/a", "format": "standard"}
    pgvigil.config["receivers"] = {
        "one": {"webhook": dict(hook, signing_secret_file=secret["new"])},
        "both": {"webhook": dict(hook, signing_secret_file=secret["new"],
                                 former_signing_secret_file=secret["old"])},
        "wrong": {"webhook": dict(hook, signing_secret_file=secret["old"])}}
    pgvigil.write()
    for name in ("one", "both"):
        done = pgvigil.expect(0, "notify", "test", name)
        assert not find_canaries(("output", done.out + done.err))
    assert "status 401" in pgvigil.expect(3, "notify", "test", "wrong").err
    assert server.state()["standard"]["signatures"] == 2
    assert len(server.state()["standard"]["messages"]) >= 1


def test_a_message_that_was_deleted_is_made_anew(database, pgvigil, receiver, folder):
    """Slack and Discord forget the first message of the incident: the next begins another."""
    fill(database)
    server = receiver()
    configure(pgvigil, server, folder)
    keep = {name: pgvigil.config["receivers"][name] for name in ("bot", "discord")}
    pgvigil.config["receivers"] = keep
    pgvigil.write()
    server.control(rules=[
        {"path": "/bot/chat.update", "status": 200,
         "body": '{"ok": false, "error": "message_not_found"}'},
        {"path": "/discord/canary-discord-path/messages/", "status": 404,
         "body": '{"message": "Unknown Message", "code": 10008}'}])
    replay(pgvigil)
    # What must be tried again waits for a later turn of the virtual clock: the next window's.
    state = server.state()
    roots = [m for m in state["bot"]["messages"].values() if not m["thread"]]
    assert len(roots) >= 2 and len(state["discord"]["messages"]) >= 3


@pytest.mark.parametrize("code, outcome", [(450, "tried again"), (550, "refused for good")])
def test_refused_mail(database, pgvigil, folder, mailbox, code, outcome):
    box = mailbox("--refuse", str(code), "--times", "1", "--login", "vigil", SECRETS["mail"])
    secret = write_secrets(folder, "")
    pgvigil.config["receivers"] = {"mail": {"email": {
        "server": f"smtp://127.0.0.1:{box.port}", "from": "vigil@example.test",
        "to": "data@example.test", "user": "vigil", "password_file": secret["mail"]}}}
    pgvigil.write()
    failed = pgvigil.expect(3, "notify", "test", "mail")
    assert str(code) in failed.err and not find_canaries(("output", failed.out + failed.err))
    pgvigil.expect(0, "notify", "test", "mail")
    mail, = box.mails()
    assert mail["user"] == "vigil" and mail["mail"]["Auto-Submitted"] == "auto-generated"
    (folder / "secret-mail").write_text("wrong\n")
    assert "535" in pgvigil.expect(3, "notify", "test", "mail").err


def test_mail_over_tls(pgvigil, folder, mailbox):
    """STARTTLS with a private CA; without it, or with a certificate of another CA, nothing."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                    "-subj", "/CN=mailbox", "-addext", "subjectAltName=IP:127.0.0.1",
                    "-keyout", key, "-out", cert], check=True, stderr=subprocess.DEVNULL)
    secret = write_secrets(folder, "")
    box = mailbox("--tls", cert, key, "--login", "vigil", SECRETS["mail"])
    mail = {"server": f"smtp://127.0.0.1:{box.port}", "from": "vigil@example.test",
            "to": "data@example.test", "user": "vigil", "password_file": secret["mail"]}
    pgvigil.config["receivers"] = {"mail": {"email": dict(mail, ca_file=str(cert))},
                                   "stranger": {"email": mail}}
    pgvigil.write()
    pgvigil.expect(0, "notify", "test", "mail")
    one, = box.mails()
    assert one["tls"] and one["user"] == "vigil"
    pgvigil.expect(3, "notify", "test", "stranger")


@pytest.mark.both
def test_a_program_that_does_not_end(pgvigil, folder):
    """It is killed with what it has started; the answer says so."""
    program = folder / "hang"
    program.write_text(f"#!/bin/sh\nsleep 3600 &\necho $! > {folder}/child\n"
                       f"echo $$ > {folder}/self\nsleep 3600\n")
    program.chmod(0o755)
    codes = folder / "code"
    codes.write_text("#!/bin/sh\ncat >/dev/null\necho it is so\nexit 65\n")
    codes.chmod(0o755)
    pgvigil.config["receivers"] = {
        "hang": {"command": {"run": str(program), "timeout": "1s"}},
        "code": {"command": {"run": [str(codes)]}}, "none": {"command": {"run": ["/nonexistent"]}}}
    pgvigil.write()
    begun = time.monotonic()
    assert "was killed" in pgvigil.expect(3, "notify", "test", "hang").err
    assert time.monotonic() - begun < 5 * stack.PATIENCE
    for name in ("child", "self"):
        pid = int((folder / name).read_text())
        stack.wait_for(lambda: not running(pid), what=f"the end of {name}")
    assert "exit code 65: it is so" in pgvigil.expect(3, "notify", "test", "code").err
    assert "cannot be started" in pgvigil.expect(3, "notify", "test", "none").err


def running(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


# --- the real Alertmanager ------------------------------------------------------------------------


class Alertmanager(stack.Process):
    def __init__(self, folder):
        port = stack.free_port()
        self.url = f"http://127.0.0.1:{port}"
        config = folder / "alertmanager.yml"
        config.write_text("route: {receiver: none}\nreceivers: [{name: none}]\n")
        super().__init__(["prometheus-alertmanager", f"--config.file={config}",
                          f"--storage.path={folder / 'alertmanager'}", "--cluster.listen-address=",
                          f"--web.listen-address=127.0.0.1:{port}"], folder / "alertmanager.log")
        self.wait_ready(self.url + "/-/ready")

    def alerts(self):
        """Active ones; an alert that has ended is not shown."""
        return requests.get(self.url + "/api/v2/alerts", timeout=10).json()


def test_alertmanager_shows_refreshes_and_resolves(database, pgvigil, folder):
    database.execute("CREATE TABLE state (id int); INSERT INTO state VALUES (1)")
    manager = Alertmanager(folder)
    try:
        pgvigil.config["receivers"] = {"am": {"alertmanager": {"url": manager.url,
                                                               "refresh": "1s"}}}
        pgvigil.config["web"] = {"listen": "127.0.0.1:0", "external_url": "https://v.example.test/"}
        pgvigil.write()
        pgvigil.rule("state", {
            "version": 1, "dataset": "state", "runbook": "https://wiki.example.test/state",
            "source": {"connection": "warehouse", "table": "public.state"},
            "schedule": {"window": "1s", "every": "1s"}, "checks": [{"volume": {"min": 1}}],
            "notify": {"to": ["am"], "after": 1, "resolve_after": 1}})
        daemon = pgvigil.start()
        daemon.wait_log("serving|listening|started|ready")
        database.execute("DELETE FROM state")
        alert, = daemon.wait_for(manager.alerts, what="the alert")
        assert alert["labels"]["alertname"] == "volume" and alert["labels"]["dataset"] == "state"
        assert alert["annotations"]["runbook_url"] == "https://wiki.example.test/state"
        assert alert["generatorURL"] == "https://v.example.test/#dataset-state"
        # Refreshed: it still stands after the end it was given first, and it is one alert.
        first = alert["endsAt"]
        daemon.wait_for(lambda: manager.alerts()[0]["endsAt"] > first, what="a refresh")
        # without refreshes it would have ended then
        daemon.wait_for(lambda: datetime.now(timezone.utc).isoformat()[:19] > first[:19],
                        what="the end it was given first")
        assert len(manager.alerts()) == 1
        # A restart of the daemon goes on with it.
        assert daemon.stop() == 0
        daemon = pgvigil.start()
        ends = manager.alerts()[0]["endsAt"] if manager.alerts() else ""
        daemon.wait_for(lambda: manager.alerts() and manager.alerts()[0]["endsAt"] > ends,
                        what="a refresh after the restart")
        database.execute("INSERT INTO state VALUES (1)")
        daemon.wait_for(lambda: not manager.alerts(), what="the end of the alert")
        assert daemon.stop() == 0
    finally:
        manager.kill()
