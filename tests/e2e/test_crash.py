# SPDX-License-Identifier: GPL-3.0-or-later
"""kill -9 at random and at every failpoint of committing, settling, outbox, delivery, answers, dead
letters, retraining and commands: no committed alert is lost, one incident per onset, in order; of
an onset of drift at most one request for retraining is accepted, and none while data are broken.

What is killed is tests/crash.c: the program's own commit, store, engine and client under a plan of
alerts, without a database, so that hundreds of lives take minutes. The pager deduplicates as
PagerDuty does; Slack and Dagster do not. All are faulty now and then. CRASH_RANDOM and CRASH_EACH
say how many kills there are. Every request says of which life it is, so that order and silence are
judged life by life. The failpoints of the daemon around it are test_kill.py's.
"""
import collections
import json
import os
import random
import re
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest
import yaml

import stack
from test_kill import DAEMON_POINTS, key_of, needs_failpoints

DATASETS, MODELS, PERIOD, FROM, TO, KINDS = 6, 2, 10, 4, 8, 4  # as in tests/crash.c
PAGER, CHAT = "/v2/enqueue", "/slack"
REFUSED = [{"path": PAGER, "times": 1, "status": 404}]
BROKEN = [{"path": PAGER, "times": 2, "status": 500}]
FAULTS = {"before_retry": BROKEN, "after_retry": BROKEN, "before_dead": REFUSED,
          "after_dead": REFUSED, "alarm": REFUSED}
AT_START = {"recover", "room"}
POINTS = ["recover", "room", "silences", "settled", "outbox_put", "before_commit", "committing",
          "committed", "after_commit", "before_pair", "before_post", "after_send", "answered",
          "after_2xx_before_mark", "mid_mark", "mid_gathered", "after_mark", "before_retry",
          "after_retry", "before_dead", "after_dead", "alarm", "before_run", "after_run",
          "before_command", "mid_command", "after_command"]
RANDOM_FAULTS = [
    [], [], [],
    [{"path": PAGER, "times": 1, "status": 500, "effect": True}],
    [{"path": PAGER, "times": 1, "action": "reset", "effect": True}],
    [{"path": PAGER, "times": 1, "action": "reset"}],
    [{"path": PAGER, "times": 1, "status": 429, "headers": {"Retry-After": "1"}}],
    [{"path": CHAT, "times": 1, "status": 500, "effect": True}],
    [{"path": CHAT, "times": 1, "status": 429, "headers": {"Retry-After": "1"}}],
    [{"path": "/prefect", "times": 1, "action": "reset", "effect": True}],
    [{"path": "/dagster", "times": 1, "status": 503}],
]
pytestmark = needs_failpoints


def fails(dataset, step, steps):
    return FROM <= (step + dataset) % PERIOD < TO and PERIOD <= step < steps - PERIOD


def is_broken(dataset, step, steps):
    at, kind = (step + dataset) % PERIOD, (step + dataset) // PERIOD % KINDS
    late = at >= (FROM + TO) // 2
    return fails(dataset, step, steps) and (kind == 2 or kind == 1 and not late
                                            or kind == 3 and late)


def due_of(epoch, step):
    return (epoch + step) * 10**6


def openings(epoch, steps, datasets):
    """(dataset, step) of every failure's begin."""
    return [(dataset, step) for dataset in datasets for step in range(steps)
            if fails(dataset, step, steps) and not fails(dataset, step - 1, steps)]


def plan_of(epoch, steps):
    """Key of every incident that must reach the pager; the last dataset is silenced."""
    return {key_of("crash", f"d{dataset}", "critical", str(due_of(epoch, step))): (dataset, step)
            for dataset, step in openings(epoch, steps, range(DATASETS - MODELS - 1))}


def onsets_of(epoch, steps):
    """Key of every onset of drift."""
    first = DATASETS - MODELS
    return {key_of("crash", f"m{dataset - first}", str(due_of(epoch, step))): (dataset, step)
            for dataset, step in openings(epoch, steps, range(first, DATASETS))}


class Lives:
    def __init__(self, folder, receiver, steps, seed):
        self.receiver, self.random, self.steps = receiver, random.Random(seed), steps
        self.state = folder / "crash.db"
        self.epoch = int(time.time()) - steps - 3600
        program = Path(os.environ["PGVIGIL"]).resolve().parent / "tests/crash"
        self.command = [program, self.state, self.configure(folder), str(self.epoch), str(steps)]
        self.kills = 0
        self.kept = []  # of every life: until when the state it left holds the lanes
        self.began, self.ended = [], []
        self.hits = collections.Counter()

    def configure(self, folder):
        secrets = {"pager": "0123456789abcdef0123456789abcdef",
                   "prefect": "canary-prefect-key", "dagster": "canary-dagster-token"}
        for name, text in secrets.items():
            secrets[name] = str(folder / name)
            (folder / name).write_text(text + "\n")
            (folder / name).chmod(0o600)
        url = self.receiver.url
        config = {
            "name": "crash", "connections": {"warehouse": {"conninfo": "service=none"}},
            "receivers": {
                "oncall": {"pagerduty": {"routing_key_file": secrets["pager"], "url": url + PAGER}},
                "audit": {"webhook": {"url": url + "/hook"}},
                "chat": {"slack": {"url": url + CHAT}}},
            "retraining": {
                "m0": {"prefect": {
                    "url": url + "/prefect/api", "token_file": secrets["prefect"],
                    "deployment": "0e3a1b52-9c1d-4f6e-8a7b-2c3d4e5f6a7b",
                    "parameters": {"model": "{{model}}"}}},
                "m1": {"dagster": {
                    "url": url + "/dagster", "token_file": secrets["dagster"], "job": "retrain",
                    "location": "models", "parameters": {"ops": {"model": "{{model}}"}}}}}}
        path = folder / "pgvigil.yaml"
        path.write_text(yaml.safe_dump(config))
        return path

    def live(self, seconds, failpoint=None):
        """The exit code, -9 where it was killed."""
        env = dict(os.environ, CRASH_LIFE=str(len(self.kept)),
                   **({"PGVIGIL_FAILPOINT": failpoint} if failpoint else {}))
        self.began.append(time.time())
        process = subprocess.Popen(self.command, env=env, stderr=subprocess.PIPE)
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            code = None
        self.ended.append(time.time())
        error = process.stderr.read().decode()
        process.stderr.close()
        assert code in (0, -9, None), error
        self.kills += code != 0
        self.kept.append({PAGER: self.held("oncall"), CHAT: self.held("chat")})
        return code

    def held(self, sink):
        """In seconds since 1970, as the next life will read it; 0 where there is no state yet."""
        try:
            return rows_of(self.state, f"SELECT max(held_us) FROM outbox WHERE sink = '{sink}'"
                           )[0][0] / 1e6
        except (sqlite3.OperationalError, TypeError):
            return 0

    def at_random(self):
        self.receiver.control(rules=self.random.choice(RANDOM_FAULTS))
        self.live(self.random.uniform(0.02, 0.4))

    def at(self, point):
        self.receiver.control(rules=FAULTS.get(point, []))
        n = 1 if point in AT_START or point in FAULTS else self.random.randint(1, 4)
        self.hits[point] += self.live(2, f"{point}:kill:{n}") == -9


def rows_of(state, text):
    with sqlite3.connect(f"file:{state}?mode=ro", uri=True) as db:
        return db.execute(text).fetchall()


# --- What was told --------------------------------------------------------------------------------


def in_order(received, path):
    """(life, request) in the order of arrival. What a life had sent before it was killed may arrive
    after the next has begun: that is the network's doing."""
    newest = 0
    for request in received.requests(path):
        life = int(request["headers"]["X-Life"])
        if life >= newest:
            newest = life
            yield life, request


def find_late(received, path, key_in):
    """Keys of which a request of an earlier life arrived after one of a later."""
    newest, late = 0, set()
    for request in received.requests(path):
        life = int(request["headers"]["X-Life"])
        if life < newest:
            late.add(key_in(json.loads(request["body"])))
        newest = max(life, newest)
    return late


def check_quiet(received, lives, path):
    """No request while the receiver had asked for silence. Excused is only what follows a life that
    was killed within a second, before its state had the answer: kept says until when the state
    held the lane."""
    asked = inside = 0
    unheard = set()  # answers
    asking, since, until = -1, 0, 0
    for life, request in in_order(received, path):
        if since < request["time"] < until:
            heard = (life == asking or lives.kept[asking][path] > since
                     or lives.ended[asking] - since > 1)
            inside += heard
            unheard |= set() if heard else {since}
        if request["status"] == 429:
            asked += 1
            asking, since, until = life, request["time"], request["time"] + 1
    assert inside == 0, f"{inside} requests to {path} inside a Retry-After that was kept"
    return asked, inside, len(unheard)


def find_reorders(received):
    """Keys with a trigger after a resolve, or a resolve before any trigger, and what was asked of
    them. What the receiver refused (404) may be sent again by a command, both of it in order."""
    asked = collections.defaultdict(list)
    for life, request in in_order(received, PAGER):
        event = json.loads(request["body"])
        asked[event["dedup_key"]].append((event["event_action"], request["status"], life))
    wrong = {}
    for key, events in asked.items():
        triggers = [i for i, event in enumerate(events) if event[0] == "trigger"]
        resolves = [i for i, event in enumerate(events) if event[0] == "resolve"]
        ended = [i for i in resolves if events[i][1] != 404]
        if (resolves and not triggers) or (resolves and resolves[0] < triggers[0]) or (
                ended and triggers[-1] > ended[0]):
            wrong[key] = events
    return wrong


def check_pager(lives, received):
    planned = plan_of(lives.epoch, lives.steps)
    pager = received.state()["pagerduty"]
    held = pager["incidents"]
    spared = {key for key, in rows_of(lives.state, "SELECT key FROM outbox WHERE sink = 'oncall'"
                                      " AND state = 5 AND kind = 0"
                                      " AND last_error LIKE 'it ended before%'")}
    refused = {key for key, in rows_of(lives.state, "SELECT key FROM outbox WHERE sink = 'oncall'"
                                       " AND state = 2 AND last_error LIKE 'status 404%'")}
    lost = set(planned) - set(held) - spared - refused
    extra = set(held) - set(planned)
    assert not lost, f"lost {[planned[key] for key in lost]}"
    assert not extra, f"never planned, or silenced: {extra}"
    assert not [key for key, one in held.items() if one["open"] and key not in refused]
    reorders = find_reorders(received)
    late = find_late(received, PAGER, lambda body: body["dedup_key"])
    assert not reorders, f"out of order: {reorders}"
    assert set(pager["reopened"]) <= late, "a trigger after its resolve"
    assert pager["resolves_without_trigger"] <= 2 * len(refused) + lives.kills * (len(refused) > 0)
    duplicates = sum(one["triggers"] - 1 + max(0, one["resolves"] - 1) for one in held.values())
    assert duplicates <= lives.kills + sum(
        1 for request in received.requests(PAGER) if request["status"] not in (202, 429))
    return {"n": len(planned), "held": len(held), "lost": len(lost), "duplicates": duplicates,
            "ended_before_delivery": len(spared), "refused": len(refused),
            "reorders": len(reorders), "late": len(late)}


def check_chat(lives, received):
    """Slack knows no key: nothing that is marked as told is missing there, and what is there twice
    is of a kill or of an answer that was lost."""
    told = together = 0
    for request in received.requests(CHAT):
        many = re.search(r"(\d+) incidents (opened|changed|still stand|have ended)",
                         json.loads(request["body"])["text"])
        if request["status"] == 200 or request["status"] == 500:
            told += int(many.group(1)) if many else 1
            together += bool(many)
    assert not received.state()["slack"]["refused"]
    (sent, waiting, other), = rows_of(
        lives.state, "SELECT sum(state = 1), sum(state = 0), sum(state NOT IN (0, 1, 5))"
        " FROM outbox WHERE sink = 'chat'")
    assert (waiting, other) == (0, 0)
    assert told >= sent, f"{sent} were marked as told, {told} were told"
    return {"chat_rows": sent, "chat_told": told, "chat_together": together}


# --- What was asked for ---------------------------------------------------------------------------


def find_accepted(received):
    """Of every onset that a training system was asked for: how many runs it has begun, and the
    first request that began one."""
    runs, first = collections.Counter(), {}
    state = received.state()
    for name in state["prefect"]["runs"]:
        runs[name.removeprefix("pgvigil__")] += 1
    for run in state["dagster"]["runs"]:
        runs[next(tag["value"] for tag in run["tags"] if tag["key"].endswith("onset_key"))] += 1
    for request in received.requests("/prefect") + received.requests("/dagster"):
        begins = (request["method"] == "POST" and request["status"] in (200, 201)
                  and "runsOrError" not in request["body"])
        key = next((key for key in runs if key in request["body"]), None) if begins else None
        if key:
            first.setdefault(key, request)
    assert not state["prefect"]["refused"] and not state["dagster"]["refused"]
    return runs, first


def check_onset(lives, onset, request, commits):
    """Fired by a look at data that were sound. True where they were found broken before the request
    arrived: only a life after a kill does that, which cannot know that nothing had arrived."""
    dataset, fired_us = onset
    step = commits[dataset, fired_us]
    assert fails(dataset, step, lives.steps) and not is_broken(dataset, step, lives.steps)
    assert request["time"] * 1e6 >= fired_us
    bad = [at for (one, at), step in commits.items() if one == dataset and at > fired_us
           and at < request["time"] * 1e6 and is_broken(dataset, step, lives.steps)]
    life = int(request["headers"]["X-Life"])
    own = [at for at in bad if at / 1e6 > lives.began[life]]
    return bool(bad), bool(own) and request["time"] - min(own) / 1e6 > 1


def check_retraining(lives, received):
    planned = onsets_of(lives.epoch, lives.steps)
    runs, first = find_accepted(received)
    late = find_late(received, "/dagster", lambda body: str(body["variables"]))
    late = {key for key in runs if any(key in text for text in late)}
    twice = {key for key, n in runs.items() if n > 1}
    assert twice <= late, f"accepted more than once: {twice - late}"
    rows = rows_of(lives.state, "SELECT key, dataset, fired, fired_us FROM onset")
    fired = {key: (int(dataset[1:]), fired_us) for key, dataset, done, fired_us in rows if done}
    assert {row[0] for row in rows} == set(planned), "every onset is known, and no other"
    assert set(runs) == set(fired), f"fired, or accepted, not both: {set(runs) ^ set(fired)}"
    commits = {(int(dataset[1:]), at): end // 10**6 - lives.epoch for dataset, at, end in rows_of(
        lives.state, "SELECT dataset, committed_us, end_us FROM scanned_window")}
    overtaken = [check_onset(lives, fired[key], first[key], commits) for key in runs]
    assert not any(own for _, own in overtaken), "asked for after data were found broken"
    whole = [key for key, (dataset, step) in planned.items()
             if (step + dataset) // PERIOD % KINDS == 2]
    assert not set(whole) & set(runs), "asked for while the data were broken all the time"
    ended = dict(rows_of(lives.state, "SELECT state, count(*) FROM retrain_run GROUP BY state"))
    return {"onsets": len(planned), "broken_throughout": len(whole), "asked": len(fired),
            "accepted": len(runs), "most_per_onset": max(runs.values(), default=0),
            "accepted_of_broken": len(set(whole) & set(runs)), "twice_late": len(twice),
            "broken_meanwhile": sum(bad for bad, _ in overtaken), "runs_by_state": ended}


def run(folder, receiver, at_random, at_each):
    steps = 60 + 8 * at_random + (12 if at_each > 1 else 7) * at_each * len(POINTS)
    received = receiver()
    lives = Lives(folder, received, steps, seed=20011215)
    todo = ["random"] * at_random + POINTS * at_each
    lives.random.shuffle(todo)
    for point in todo:
        lives.at_random() if point == "random" else lives.at(point)
    for point in POINTS * at_each:  # a life may end before it comes there so often
        if lives.hits[point] < at_each:
            lives.at(point)
    received.control(clear=True)
    assert lives.live(300 + steps) == 0, "something still waits"
    line = {"kills": lives.kills, **check_pager(lives, received), **check_chat(lives, received),
            **check_retraining(lives, received)}
    quiet = [check_quiet(received, lives, path) for path in (PAGER, CHAT)]
    line.update(zip(("retry_after", "inside", "killed_before_kept"), map(sum, zip(*quiet))))
    line["max_delay_s"] = round(rows_of(
        lives.state, "SELECT max(ended_us - created_us) / 1e6 FROM outbox WHERE state = 1"
        " AND sink = 'oncall'")[0][0], 2)
    line.update(failpoints=len(lives.hits), hits=dict(lives.hits))
    print("\n" + json.dumps(line))
    return lives, line


def test_every_failpoint_is_met():
    """Those of the sources are those of the two lists."""
    found = set()
    for path in sorted((stack.ROOT / "agent").rglob("*.c")):
        text = path.read_text()
        if path.name != "failpoint.c" and "vg_failpoint(" in text:
            names = re.findall(r'\[VG_\w+\] = "((?:before|after)_\w+)"', text)  # of a table
            for call in re.findall(r"vg_failpoint\(((?:[^()]|\([^()]*\))*)\)", text):
                names += re.findall(r'"(\w+)"', call)
            assert names, path
            found |= set(names)
    assert found == set(POINTS) | set(DAEMON_POINTS)
    assert len(found) >= 20


def test_kills(folder, receiver):
    run(folder, receiver, int(os.environ.get("CRASH_RANDOM", 15)),
        int(os.environ.get("CRASH_EACH", 1)))


@pytest.mark.long
def test_many_kills(folder, receiver, capsys):
    each = int(os.environ.get("CRASH_EACH", 25))
    with capsys.disabled():
        lives, line = run(folder, receiver, int(os.environ.get("CRASH_RANDOM", 500)), each)
    assert line["n"] >= 100
    for point in POINTS:
        assert lives.hits[point] >= each, f"{point} was hit {lives.hits[point]} times"
