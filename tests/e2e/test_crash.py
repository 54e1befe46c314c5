# SPDX-License-Identifier: GPL-3.0-or-later
"""kill -9 at random and at every failpoint of settling, outbox, delivery, answers, dead letters and
commands: no committed alert is lost, one incident per onset, in order.

What is killed is tests/crash.c: the program's own store, engine and client under a plan of alerts,
without a database, so that hundreds of lives take minutes. The receiver deduplicates as PagerDuty
does and is faulty now and then. CRASH_RANDOM and CRASH_EACH say how many kills there are. Every
request says of which life it is, so that order and silence are judged life by life.
"""
import collections
import json
import os
import random
import sqlite3
import subprocess
from pathlib import Path

import pytest

from test_kill import key_of, needs_failpoints

DATASETS, PERIOD, FROM, TO = 4, 10, 4, 8  # as in tests/crash.c
EPOCH_US, STEP_US = 10**15, 60 * 10**6
REFUSED = [{"path": "/v2/enqueue", "times": 1, "status": 404}]
BROKEN = [{"path": "/v2/enqueue", "times": 2, "status": 500}]
FAULTS = {"before_retry": BROKEN, "after_retry": BROKEN, "before_dead": REFUSED,
          "after_dead": REFUSED, "alarm": REFUSED}
AT_START = {"recover", "room"}
POINTS = ["recover", "room", "silences", "settled", "outbox_put", "committing", "committed",
          "before_pair", "before_post", "after_send", "answered", "after_2xx_before_mark",
          "mid_mark", "after_mark", "before_retry", "after_retry", "before_dead", "after_dead",
          "alarm", "before_command", "mid_command", "after_command"]
RANDOM_FAULTS = [
    [], [], [],
    [{"path": "/v2/enqueue", "times": 1, "status": 500, "effect": True}],
    [{"path": "/v2/enqueue", "times": 1, "action": "reset", "effect": True}],
    [{"path": "/v2/enqueue", "times": 1, "action": "reset"}],
    [{"path": "/v2/enqueue", "times": 1, "status": 429, "headers": {"Retry-After": "1"}}],
]
pytestmark = needs_failpoints


def fails(dataset, step, steps):
    return FROM <= (step + dataset) % PERIOD < TO and PERIOD <= step < steps - PERIOD


def plan_of(steps):
    """Key of every incident that must reach somebody; the last dataset is silenced."""
    planned = {}
    for dataset in range(DATASETS - 1):
        for step in range(steps):
            if fails(dataset, step, steps) and not fails(dataset, step - 1, steps):
                due = EPOCH_US + step * STEP_US
                planned[key_of("crash", f"d{dataset}", "critical", str(due))] = (dataset, step)
    return planned


class Lives:
    def __init__(self, folder, receiver, steps, seed):
        self.receiver, self.random = receiver, random.Random(seed)
        self.state = folder / "crash.db"
        key = folder / "key"
        key.write_text("0123456789abcdef0123456789abcdef\n")
        key.chmod(0o600)
        port = receiver.url.rsplit(":", 1)[1].split("/")[0]
        program = Path(os.environ["PGVIGIL"]).resolve().parent / "tests/crash"
        self.command = [program, self.state, port, key, str(DATASETS), str(steps)]
        self.kills = 0
        self.kept = []  # of every life: until when the state it left holds the receiver's lane
        self.hits = collections.Counter()

    def live(self, seconds, failpoint=None):
        """The exit code, -9 where it was killed."""
        env = dict(os.environ, CRASH_LIFE=str(len(self.kept)),
                   **({"PGVIGIL_FAILPOINT": failpoint} if failpoint else {}))
        process = subprocess.Popen(self.command, env=env, stderr=subprocess.PIPE)
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            code = None
        error = process.stderr.read().decode()
        process.stderr.close()
        assert code in (0, -9, None), error
        self.kills += code != 0
        self.kept.append(self.held())
        return code

    def held(self):
        """In seconds since 1970, as the next life will read it; 0 where there is no state yet."""
        try:
            return rows_of(self.state, "SELECT max(held_us) FROM outbox WHERE sink = 'oncall'"
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


def pager_requests(received):
    """(life, request) in the order of arrival. What a life had sent before it was killed may arrive
    after the next has begun: that is the network's doing."""
    newest = 0
    for request in received.requests("/v2/enqueue"):
        life = int(request["headers"]["X-Life"])
        if life >= newest:
            newest = life
            yield life, request


def find_late(received):
    """Keys of which a request of an earlier life arrived after one of a later."""
    newest, late = 0, set()
    for request in received.requests("/v2/enqueue"):
        life = int(request["headers"]["X-Life"])
        if life < newest:
            late.add(json.loads(request["body"])["dedup_key"])
        newest = max(life, newest)
    return late


def check_quiet(received, kept):
    """No request while the receiver had asked for silence. Excused is only the life after one that
    was killed before its state had the answer: kept says until when the state held the lane."""
    asked = inside = unheard = 0
    asking, since, until = -1, 0, 0
    for life, request in pager_requests(received):
        if since < request["time"] < until:
            heard = life == asking or kept[asking] > since
            inside += heard
            unheard += not heard
        if request["status"] == 429:
            asked += 1
            asking, since, until = life, request["time"], request["time"] + 1
    return asked, inside, unheard


def find_reorders(received):
    """Keys with a trigger after a resolve, or a resolve before any trigger, and what was asked of
    them. What the receiver refused (404) may be sent again by a command, both of it in order."""
    asked = collections.defaultdict(list)
    for life, request in pager_requests(received):
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


def run(folder, receiver, at_random, at_each, capsys=None):
    steps = 60 + 8 * at_random + 12 * at_each * len(POINTS)
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
    planned = plan_of(steps)
    pager = received.state()["pagerduty"]
    held = {key: one for key, one in pager["incidents"].items()}
    spared = {key for key, in rows_of(lives.state, "SELECT key FROM outbox WHERE state = 5 AND"
                                      " kind = 0 AND last_error LIKE 'it ended before%'")}
    refused = {key for key, in rows_of(lives.state, "SELECT key FROM outbox WHERE state = 2 AND"
                                       " last_error LIKE 'status 404%'")}
    lost = set(planned) - set(held) - spared - refused
    extra = set(held) - set(planned)
    assert not lost, f"lost {[planned[key] for key in lost]}"
    assert not extra, f"never planned, or silenced: {extra}"
    assert not [key for key, one in held.items() if one["open"] and key not in refused]
    reorders, late = find_reorders(received), find_late(received)
    assert not reorders, f"out of order: {reorders}"
    assert set(pager["reopened"]) <= late, "a trigger after its resolve"
    assert pager["resolves_without_trigger"] <= 2 * len(refused) + lives.kills * (len(refused) > 0)
    duplicates = sum(one["triggers"] - 1 + max(0, one["resolves"] - 1) for one in held.values())
    assert duplicates <= lives.kills + sum(
        1 for request in received.requests() if request["status"] not in (202, 429))
    asked, inside, unheard = check_quiet(received, lives.kept)
    assert inside == 0, f"{inside} requests inside a Retry-After that was kept"
    delay = rows_of(lives.state, "SELECT max(ended_us - created_us) / 1e6 FROM outbox"
                    " WHERE state = 1")[0][0]
    line = {"kills": lives.kills, "n": len(planned), "held": len(held), "lost": len(lost),
            "duplicates": duplicates, "ended_before_delivery": len(spared),
            "refused": len(refused), "reorders": len(reorders), "late": len(late),
            "max_delay_s": round(delay, 2),
            "retry_after": asked, "inside": inside, "killed_before_kept": unheard,
            "failpoints": len(lives.hits), "hits": dict(lives.hits)}
    print("\n" + json.dumps(line))
    return lives, line


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
