# SPDX-License-Identifier: GPL-3.0-or-later
"""kill -9 at random moments, in every phase and at every failpoint of a busy daemon: nothing
committed is lost. The failpoints of commit, delivery and commands are test_crash.py's.

What must follow is written down before the first kill: every incident (dataset, severity, due time
of its opening cycle, hence its key) and every retraining request. At the end the keys and resolves
that a deduplicating receiver holds, and the requests of the retraining endpoint, equal that list
one to one; at most one request is repeated per kill; every window has been judged once, on all of
its rows; the keys of offending rows have been written, each once.
"""
import collections
import ctypes
import mmap
import os
import random
import signal
import sqlite3
import time

import pytest

import stack

WINDOW = 4  # seconds
DELAY = 1
STEP = 0.05  # seconds between rows
PHASES = {
    "scan": {"scan", "mid_copy", "rollback"},
    "before commit": {"before_commit", "silences", "settled", "outbox_put", "committing"},
    "after commit": {"after_commit", "committed"},
    "before send": {"before_pair", "before_post"},
    "after send": {"after_send", "answered", "after_2xx_before_mark", "mid_mark", "after_mark"},
    "reload": {"reload", "reload_swap"},
}
DAEMON_POINTS = ["scan", "mid_copy", "lookup", "rollback", "before_quarantine", "mid_quarantine",
                 "after_quarantine", "reload", "reload_swap", "shutdown"]
SIGNALLED = {"reload", "reload_swap", "shutdown"}
GROUP_OF = {name: group for group, names in PHASES.items() for name in names}

xxhash = ctypes.CDLL("libxxhash.so.0")


class Hash128(ctypes.Structure):
    _fields_ = [("low", ctypes.c_uint64), ("high", ctypes.c_uint64)]


xxhash.XXH3_128bits.restype = Hash128
xxhash.XXH3_128bits.argtypes = [ctypes.c_char_p, ctypes.c_size_t]


def key_of(*parts):
    """The key of CONTRACT 3.4 and 3.5, computed apart from the program."""
    data = b"".join(part.encode() + b"\0" for part in parts)
    made = xxhash.XXH3_128bits(data, len(data))
    return f"{made.high:016x}{made.low:016x}"


class Plan:
    """The faults to come and what must follow of them."""

    def __init__(self, start, windows, quality, drift):
        self.start, self.windows = start, windows  # start: whole seconds, a multiple of WINDOW
        self.quality = [f"q{i:02}" for i in range(quality)]
        self.drift = [f"p{i:02}" for i in range(drift)]
        self.incidents = {}
        self.requests = {}
        for i, dataset in enumerate(self.quality):
            for severity in ("critical", "warning"):
                for due in self.openings(i):
                    key = key_of("test", dataset, severity, str(due))
                    self.incidents[key] = (dataset, severity, due)
        for i, dataset in enumerate(self.drift):
            for due in self.openings(i):
                self.incidents[key_of("test", dataset, "critical", str(due))] = (
                    dataset, "critical", due)
                self.requests[key_of("test", f"model-{dataset}", str(due))] = (dataset, due)

    def fails(self, i, k):
        """Windows 5 to 9 of every ten fail, shifted from dataset to dataset; the last ones pass.

        Five windows are longer than any kill keeps the daemon away: a fire that began and ended
        while it was catching up would be a summary, which pages nobody."""
        first = k - (k - i) % 10 + 5
        return 5 <= (k - i) % 10 and 5 <= first and first + 4 < self.windows - 5

    def openings(self, i):
        return [(self.start + (k + 1) * WINDOW + DELAY) * 1000000 for k in range(self.windows)
                if self.fails(i, k) and not self.fails(i, k - 1)]


def load(database, plan):
    seconds = plan.windows * WINDOW
    for i, dataset in enumerate(plan.quality + plan.drift):
        if dataset in plan.drift:
            i = plan.drift.index(dataset)
        bad = "k IN (%s)" % ", ".join([str(k) for k in range(plan.windows) if plan.fails(i, k)]
                                      or ["-1"])
        drifts = dataset in plan.drift
        database.execute(f"""
            CREATE TABLE {dataset} AS
            SELECT n AS id, at, CASE WHEN {bad} AND {not drifts} THEN 99 ELSE 0.5 END::float8 AS x,
                   CASE WHEN {bad} AND {not drifts} THEN NULL ELSE 1 END::int AS y,
                   (n + 100000) * 7919 % 1000 / 1000.0::float8
                       + CASE WHEN {bad} THEN 0.9 ELSE 0 END AS z
            FROM (SELECT n, to_timestamp({plan.start}) + n * interval '{STEP} s' AS at,
                         floor(n * {STEP} / {WINDOW})::int AS k
                  FROM generate_series({int(-100 / STEP)}, {int(seconds / STEP) - 1}) AS n) AS rows;
            CREATE INDEX ON {dataset} (at)""")


def rule_of(dataset, plan, **more):
    rule = {"version": 1, "dataset": dataset,
            "source": {"connection": "warehouse", "table": f"public.{dataset}",
                       "time_column": "at"},
            "schedule": {"window": f"{WINDOW}s", "delay": f"{DELAY}s", "every": f"{WINDOW}s"},
            "columns": {"x": {"range": {"min": 0, "max": 1}},
                        "y": {"nulls": {"fail": 0, "severity": "warning"}}},
            "notify": {"to": ["oncall"], "after": 1, "resolve_after": 1}, **more}
    if "quarantine" in more:
        rule["source"]["key"] = ["id"]
    if dataset in plan.drift:
        rule["model"] = f"model-{dataset}"
        rule["role"] = "predictions"
        rule["reference"] = {
            "from": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(plan.start - 100)),
            "to": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(plan.start - 10))}
        rule["columns"]["z"] = {"drift": {"ks": {"fail": 0.5, "min_rows": 10}}}
    return rule


def configure(pgvigil, receiver, plan, **more):
    key = pgvigil.folder / "pagerduty"
    key.write_text("0123456789abcdef0123456789abcdef\n")
    key.chmod(0o600)
    pgvigil.config["receivers"] = {"oncall": {"pagerduty": {
        "routing_key_file": str(key), "url": receiver.url + "/v2/enqueue"}}}
    pgvigil.config["retraining"] = {
        f"model-{dataset}": {"http": {"url": receiver.url + "/train"}, "cooldown": "1s",
                             "max_per_week": 1000} for dataset in plan.drift}
    pgvigil.write()
    for dataset in plan.quality + plan.drift:
        pgvigil.rule(dataset, rule_of(dataset, plan, **more))


class Killer:
    def __init__(self, pgvigil, plan, seed):
        self.pgvigil, self.plan, self.random = pgvigil, plan, random.Random(seed)
        path = pgvigil.folder / "phase"
        path.write_bytes(bytes(64))
        self.env = {"PGVIGIL_PHASE_FILE": str(path)}
        self.file = open(path, "r+b")
        self.page = mmap.mmap(self.file.fileno(), 64)
        self.histogram = collections.Counter()

    def phase(self):
        return self.page[:64].split(b"\0", 1)[0].decode()

    def begin(self):
        self.page[:64] = bytes(64)
        start = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.plan.start))
        return self.pgvigil.start("--backfill", start, env=self.env)

    def start(self):
        daemon = self.begin()
        daemon.wait_for(lambda: self.phase() in GROUP_OF, what="a first phase")
        return daemon

    def aim(self, daemon, group):
        """Polls without pause until the daemon is in the phase, at most for one window and a half:
        messages are sent when windows are due."""
        until = time.monotonic() + 1.5 * WINDOW
        hup = 0
        while time.monotonic() < until and self.phase() not in PHASES[group]:
            if group == "reload" and time.monotonic() > hup:
                daemon.reload()
                hup = time.monotonic() + 0.05

    def kill(self, group):
        daemon = self.start()
        if group:
            self.aim(daemon, group)
        else:
            time.sleep(self.random.uniform(0, 1.2))  # the random moment itself, nothing awaited
        daemon.kill()
        self.histogram[GROUP_OF.get(self.phase(), self.phase())] += 1

    def strike(self, point):
        """A life that ends at a failpoint; whether it did, after three windows at most."""
        n = 1 if point in SIGNALLED else self.random.randint(1, 4)
        self.env["PGVIGIL_FAILPOINT"] = f"{point}:kill:{n}"
        daemon = self.begin()
        del self.env["PGVIGIL_FAILPOINT"]
        stack.wait_for(lambda: self.phase() in GROUP_OF or not daemon.running(), 30,
                       "a first phase")
        if point in SIGNALLED:
            time.sleep(self.random.uniform(0, 1))  # the random moment itself, nothing awaited
        if point == "shutdown":
            daemon.child.send_signal(signal.SIGTERM)
        until = time.monotonic() + 3 * WINDOW
        while daemon.running() and time.monotonic() < until:
            if point.startswith("reload"):
                daemon.reload()
            time.sleep(0.05)  # between two signals, or two looks at the process
        struck = not daemon.running()
        daemon.kill()
        return struck and daemon.child.returncode == -signal.SIGKILL


def state_matches(receiver, plan):
    state = receiver.state()
    held = {key for key, one in state["pagerduty"]["incidents"].items() if not one["open"]}
    return held == set(plan.incidents) and set(state["train"]["accepted"]) == set(plan.requests)


def compare(receiver, plan, kills):
    """Fails with what is missing or too much; returns the number of repeated requests."""
    state = receiver.state()
    incidents, train = state["pagerduty"]["incidents"], state["train"]
    lost = {plan.incidents[key] for key in set(plan.incidents) - set(incidents)}
    extra = {key: incidents[key] for key in set(incidents) - set(plan.incidents)}
    assert not lost and not extra, f"lost {lost}, never announced {extra}"
    still_open = [plan.incidents[key] for key, one in incidents.items() if one["open"]]
    assert not still_open, f"never resolved: {still_open}"
    assert state["pagerduty"]["reopened"] == [], "a trigger after its resolve"
    assert state["pagerduty"]["resolves_without_trigger"] == 0, "a resolve before its trigger"
    assert state["pagerduty"]["refused"] == [] and train["refused"] == []
    assert set(train["accepted"]) == set(plan.requests)
    repeated = sum(one["triggers"] - 1 + one["resolves"] - 1 for one in incidents.values())
    repeated += train["repeated"]
    assert repeated <= kills, f"{repeated} repeated requests in {kills} kills"
    return repeated


def check_windows(pgvigil, plan):
    """Each window from the start on is judged, on all of its rows, without a gap."""
    with sqlite3.connect(f"file:{pgvigil.state}?mode=ro", uri=True) as db:
        rows = db.execute("SELECT dataset, start_us, end_us, status, row_count FROM scanned_window"
                          " ORDER BY dataset, start_us").fetchall()
        marks = dict(db.execute("SELECT dataset, watermark_us FROM dataset"))
    seen = collections.defaultdict(list)
    for dataset, start, end, status, count in rows:
        seen[dataset].append((start, end, status, count))
    full = round(WINDOW / STEP)
    for dataset in plan.quality + plan.drift:
        ours = [w for w in seen[dataset] if w[0] < (plan.start + plan.windows * WINDOW) * 1000000]
        expect = [((plan.start + k * WINDOW) * 1000000, (plan.start + (k + 1) * WINDOW) * 1000000,
                   0, full) for k in range(len(ours))]
        assert ours == expect, dataset
        assert marks[dataset] == seen[dataset][-1][1], "the watermark is the last window's end"


def begin(database, pgvigil, received, plan, **more):
    load(database, plan)
    configure(pgvigil, received, plan, **more)
    pgvigil.expect(0, "reference", "capture")
    stack.wait_for(lambda: time.time() > plan.start, 30, "the start of the plan")
    return Killer(pgvigil, plan, seed=20011215)


def finish(pgvigil, received, killer, also=lambda: True):
    plan = killer.plan
    daemon = killer.start()
    end = plan.start + plan.windows * WINDOW + DELAY
    daemon.wait_for(lambda: time.time() > end and (state_matches(received, plan) and also()
                                                   or time.time() > end + 45 * stack.PATIENCE),
                    end - time.time() + 60, "the end of the plan")
    assert daemon.stop() == 0
    check_windows(pgvigil, plan)


def soon():
    return int(time.time()) // WINDOW * WINDOW + 4 * WINDOW


def run(database, pgvigil, receiver, kills, windows, quality, drift):
    plan, received = Plan(soon(), windows, quality, drift), receiver()
    killer = begin(database, pgvigil, received, plan)
    for i in range(kills):
        rarest = min(PHASES, key=lambda group: killer.histogram[group])
        killer.kill(rarest if i % 2 else None)
    finish(pgvigil, received, killer)
    repeated = compare(received, plan, kills)
    alerts = len(plan.incidents)
    print(f"\nkills {kills}, incidents {alerts}, retraining requests {len(plan.requests)},"
          f" lost 0, repeated {repeated}; kills by phase: {dict(killer.histogram)}")
    return killer.histogram, alerts


needs_failpoints = pytest.mark.skipif(
    os.environ.get("PGVIGIL_VARIANT") not in ("test", "san", "cov"),
    reason="kills by phase need a build with failpoints: make VARIANT=test")


def count_keys(database):
    """Keys of offending rows that are there, and those of them that differ."""
    return database.query("SELECT count(*), count(DISTINCT (dataset, rule, window_start,"
                          " key->>'id')) FROM public.bad")[0]


def run_at_each(database, pgvigil, receiver, each):
    windows = 30 + each * len(DAEMON_POINTS) * 5 // 2 // WINDOW
    plan, received = Plan(soon(), windows, quality=5, drift=1), receiver()
    killer = begin(database, pgvigil, received, plan, checks=[{"unique": {"columns": ["id"]}}],
                   quarantine={"connection": "warehouse", "table": "public.bad"})
    database.execute(pgvigil.expect(0, "quarantine", "ddl").out)
    hits, kills = collections.Counter(), 0
    todo = DAEMON_POINTS * each
    killer.random.shuffle(todo)
    for tries in (todo, DAEMON_POINTS * each, DAEMON_POINTS * each):
        for point in tries:
            if tries is todo or hits[point] < each:
                hits[point] += killer.strike(point)
                kills += 1
    bad = sum(plan.fails(i, k) for i in range(len(plan.quality)) for k in range(windows))
    want = 2 * bad * round(WINDOW / STEP)  # by two rules
    finish(pgvigil, received, killer, lambda: count_keys(database) == (want, want))
    repeated = compare(received, plan, kills)
    assert count_keys(database) == (want, want)
    train = received.state()["train"]["accepted"]
    print(f"\nkills {kills}, at failpoints {dict(hits)}; incidents {len(plan.incidents)}, lost 0,"
          f" repeated {repeated}; onsets {len(plan.requests)}, requests accepted {len(train)}, at"
          f" most one each; keys of offending rows {want}, each once")
    return hits


@needs_failpoints
@pytest.mark.plain  # the sanitizers see nothing of a process that is killed
def test_a_dozen_kills(database, pgvigil, receiver):
    run(database, pgvigil, receiver, kills=12, windows=20, quality=5, drift=1)


@needs_failpoints
@pytest.mark.long
def test_a_hundred_kills(database, pgvigil, receiver, capsys):
    with capsys.disabled():  # fewer messages than the two a second that PagerDuty takes
        histogram, alerts = run(database, pgvigil, receiver, kills=100, windows=85, quality=14,
                                drift=3)
    assert alerts >= 200
    for phase in PHASES:
        assert histogram[phase] >= 5, f"{phase} was hit {histogram[phase]} times"


@needs_failpoints
@pytest.mark.long
def test_kills_at_each_failpoint(database, pgvigil, receiver, capsys):
    each = int(os.environ.get("KILL_EACH", 25))
    with capsys.disabled():
        hits = run_at_each(database, pgvigil, receiver, each)
    for point in DAEMON_POINTS:
        assert hits[point] >= each, f"{point} was hit {hits[point]} times"
