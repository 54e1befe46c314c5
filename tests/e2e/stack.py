# SPDX-License-Identifier: GPL-3.0-or-later
"""What the end-to-end tests stand on: real servers of their own, and pgvigil run as users run it.

Everything lives on free loopback ports and in temporary folders, and is ended by process id. Each
class can be used without pytest; conftest.py makes fixtures of them. Nothing here sleeps for a
fixed time: wait_for() polls a condition.
"""
import fcntl
import gzip
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg2
import requests
import yaml

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "data"
PYTHON = "/usr/bin/python3"
BINARY = Path(os.environ.get("PGVIGIL", ROOT / "build/release/pgvigil")).resolve()
VARIANT = os.environ.get("PGVIGIL_VARIANT", BINARY.parent.name)
FLIGHTS = "flights_template"
# A program under sanitizers is slower; limits of patience, not of what is tested.
PATIENCE = 3 if VARIANT == "san" else 1


def wait_for(condition, seconds=20, what="condition", every=0.05):
    """Polls until condition() is true and returns what it gave; fails loudly after `seconds`."""
    until = time.monotonic() + seconds * PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > until:
            raise AssertionError(f"{what}: not within {seconds * PATIENCE} s (last: {value!r})")
        time.sleep(every)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def new_folder(prefix):
    """A folder that servers under other users may enter."""
    folder = Path(tempfile.mkdtemp(prefix=f"pgvigil-{prefix}."))
    folder.chmod(0o755)
    return folder


# --- PostgreSQL --------------------------------------------------------------------------------


class Cluster:
    """A private PostgreSQL made by tests/cluster, or unpacked from an archive of its folder.
    settings: {"max_connections": "20"}."""

    def __init__(self, archive=None, **settings):
        self.folder = new_folder("pg")
        if archive:
            subprocess.run(["tar", "-C", self.folder, "-xf", archive], check=True)
        self.settings = [f"{name}={value}" for name, value in settings.items()]
        self.start()

    def start(self):
        done = self._control("start", *self.settings)
        self.conninfo = done.stdout.strip()
        self.host, self.port = re.match(r"host=(\S+) port=(\d+)", self.conninfo).groups()

    def stop(self):
        self._control("stop")

    def _control(self, verb, *more):
        done = subprocess.run([ROOT / "tests/cluster", verb, self.folder / "c", *more],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              check=False)
        assert done.returncode == 0, done.stderr
        return done

    def remove(self):
        self.stop()
        shutil.rmtree(self.folder)

    def conninfo_of(self, database, user="postgres", host=None):
        return f"host={host or self.host} port={self.port} user={user} dbname={database}"

    def connect(self, database="postgres", user="postgres"):
        """A psycopg2 connection in autocommit mode."""
        connection = psycopg2.connect(self.conninfo_of(database, user))
        connection.autocommit = True
        return connection

    def create(self, name, options=""):
        with Closing(self.connect()) as c:
            c.cursor().execute(f'CREATE DATABASE "{name}" {options}')
        return Database(self, name)

    def drop(self, name):
        with Closing(self.connect()) as c:
            c.cursor().execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def log(self):
        return (self.folder / "c/log").read_text(errors="replace")


class Closing:
    def __init__(self, thing):
        self.thing = thing

    def __enter__(self):
        return self.thing

    def __exit__(self, *_):
        self.thing.close()


class Database:
    """One database of a cluster, with one connection of the tests' own to it."""

    def __init__(self, cluster, name):
        self.cluster, self.name = cluster, name
        self.conninfo = cluster.conninfo_of(name)
        self.own = None

    def connect(self, user="postgres"):
        return self.cluster.connect(self.name, user)

    def _run(self, sql, params):
        if self.own is None or self.own.closed:
            self.own = self.connect()
        cursor = self.own.cursor()
        cursor.execute(sql, params)
        return cursor

    def execute(self, sql, params=None):
        self._run(sql, params).close()

    def query(self, sql, params=None):
        """All rows, as tuples."""
        return self._run(sql, params).fetchall()

    def value(self, sql, params=None):
        return self.query(sql, params)[0][0]

    def psql(self, text_or_file, stdin=None):
        """Runs SQL text, or a file, by psql; stdin is bytes for \\copy ... FROM pstdin."""
        is_file = isinstance(text_or_file, Path)
        done = subprocess.run(
            ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", self.conninfo,
             "-f" if is_file else "-c", str(text_or_file)],
            input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        assert done.returncode == 0, done.stderr.decode(errors="replace")
        return done.stdout.decode()

    def backends(self, application="pgvigil/%"):
        """(pid, state, seconds in that state, query) of pgvigil's sessions in this database."""
        return self.query(
            "SELECT pid, state, extract(epoch FROM clock_timestamp() - state_change)::float8, query"
            " FROM pg_stat_activity WHERE datname = %s AND application_name LIKE %s"
            " AND backend_type = 'client backend'", (self.name, application))

    def close(self):
        if self.own is not None:
            self.own.close()


def load_flights(cluster, name=FLIGHTS):
    """The real data and the small model, in a database to be cloned by CREATE DATABASE."""
    database = cluster.create(name)
    with gzip.open(DATA / "flights.csv.gz") as f:
        database.psql(DATA / "model.sql", f.read())
    database.close()
    return name


def flights_archive():
    """A cluster that has them, stopped and packed: made below build/ by whoever needs it first,
    unpacked by the others. Its name tells what it was made of."""
    made_of = [DATA / "flights.csv.gz", DATA / "model.sql", ROOT / "tests/cluster"]
    key = hashlib.sha256(b"".join(path.read_bytes() for path in made_of)).hexdigest()[:16]
    archive = ROOT / "build" / f"flights-{key}.tar"
    archive.parent.mkdir(exist_ok=True)
    with open(archive.with_suffix(".lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not archive.exists():
            made = Cluster(max_wal_size="64MB", min_wal_size="32MB")
            load_flights(made)
            made.stop()
            new = archive.with_suffix(".new")
            subprocess.run(["tar", "-C", made.folder, "--exclude=c/log", "--exclude=c/port",
                            "-cf", new, "c"], check=True)
            new.rename(archive)
            shutil.rmtree(made.folder)
    return archive


# --- other servers -----------------------------------------------------------------------------


class Process:
    """A child with its output in a file, ended by its pid."""

    def __init__(self, arguments, log, **more):
        self.log_path = Path(log)
        self.arguments = [str(a) for a in arguments]
        with open(log, "ab") as out:
            self.child = subprocess.Popen(self.arguments, stdin=subprocess.DEVNULL, stdout=out,
                                          stderr=subprocess.STDOUT, **more)

    def log(self):
        return self.log_path.read_text(errors="replace")

    def running(self):
        return self.child.poll() is None

    def kill(self, number=signal.SIGKILL):
        if self.running():
            self.child.send_signal(number)
        return self.child.wait(timeout=30 * PATIENCE)

    def wait_ready(self, url, seconds=20):
        def ready():
            assert self.running(), f"{self.arguments[0]} ended: {self.log()[-2000:]}"
            try:
                return requests.get(url, timeout=2).status_code == 200
            except requests.RequestException:
                return False
        wait_for(ready, seconds, f"{self.arguments[0]} at {url}")


class Pushgateway(Process):
    def __init__(self, folder):
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        super().__init__(["prometheus-pushgateway", f"--web.listen-address=127.0.0.1:{port}"],
                         Path(folder) / "pushgateway.log")
        self.wait_ready(self.url + "/-/ready")

    def text(self):
        return requests.get(self.url + "/metrics", timeout=10).text

    def groups(self):
        """Labels of every group that was pushed."""
        answer = requests.get(self.url + "/api/v1/metrics", timeout=10).json()
        return [group["labels"] for group in answer["data"]]


class Prometheus(Process):
    """targets: URLs to scrape; those of Pushgateways keep the labels they hold."""

    def __init__(self, folder, targets, rule_files=()):
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.folder = Path(folder)
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(f) for f in rule_files],
            "scrape_configs": [{
                "job_name": f"target{i}", "honor_labels": True,
                "static_configs": [{"targets": [url.split("//")[1]]}],
            } for i, url in enumerate(targets)],
        }
        path = self.folder / "prometheus.yml"
        path.write_text(yaml.safe_dump(config))
        super().__init__(["prometheus", f"--config.file={path}",
                          f"--storage.tsdb.path={self.folder / 'tsdb'}",
                          f"--web.listen-address=127.0.0.1:{port}"], self.folder / "prometheus.log")
        self.wait_ready(self.url + "/-/ready")

    def query(self, expression):
        """The instant vector: [(labels, value)]."""
        answer = requests.get(self.url + "/api/v1/query", params={"query": expression}, timeout=10)
        answer = answer.json()
        assert answer["status"] == "success", answer
        return [(r["metric"], float(r["value"][1])) for r in answer["data"]["result"]]

    def wait_series(self, expression, seconds=20):
        return wait_for(lambda: self.query(expression), seconds, expression)


class Receiver(Process):
    """tests/receiver.py: records requests and plays receivers; its text says what it can do."""

    def __init__(self, folder, *arguments, port=0):
        self.record = Path(folder) / f"receiver-{free_port()}.jsonl"
        out = self.record.with_suffix(".out")
        super().__init__([PYTHON, ROOT / "tests/receiver.py", "--port", port, "--log", self.record,
                          *arguments], out)
        def printed():
            assert self.running(), self.log()
            return re.match(r"\s*(\d+)\s", self.log())
        self.port = int(wait_for(printed, what="the receiver's port").group(1))
        self.url = f"http://127.0.0.1:{self.port}"

    def requests(self, path=""):
        """Requests recorded so far whose path begins with `path`, oldest first."""
        if not self.record.exists():
            return []
        whole = [line for line in self.record.read_text().split("\n")[:-1] if line]
        return [r for r in map(json.loads, whole) if r["path"].startswith(path)]

    def control(self, **what):
        answer = requests.post(self.url + "/control", json=what, timeout=10)
        answer.raise_for_status()

    def state(self):
        return requests.get(self.url + "/state", timeout=10).json()


# --- pgvigil -----------------------------------------------------------------------------------


class Result:
    """How a command ended."""

    def __init__(self, done):
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr

    @property
    def json(self):
        return json.loads(self.out)

    def __repr__(self):
        return f"exit {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


class Pgvigil:
    """A folder with pgvigil.yaml, rules/ and a state file, and the program run in it."""

    def __init__(self, folder, conninfo=None):
        self.folder = Path(folder)
        self.rules = self.folder / "rules"
        self.rules.mkdir(parents=True, exist_ok=True)
        self.config = {"rules": "rules/", "state": "pgvigil.db", "name": "test"}
        if conninfo:
            self.config["connections"] = {"warehouse": {"conninfo": conninfo}}
        self.daemons = []
        self.write()

    @property
    def state(self):
        return self.folder / "pgvigil.db"

    def write(self, text=None):
        """Writes pgvigil.yaml: the text given, else self.config, which tests edit at will."""
        path = self.folder / "pgvigil.yaml"
        path.write_text(text if text is not None else yaml.safe_dump(self.config, sort_keys=False))
        return path

    def rule(self, name, content):
        """Writes rules/<name>.yaml from text or from a dict, in one step as editors do."""
        path = self.rules / f"{name}.yaml"
        text = content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False)
        new = path.with_suffix(".new")
        new.write_text(text)
        new.rename(path)
        return path

    def run(self, *arguments, timeout=120, env=None, stdin=None):
        """Runs a command to its end, whatever its exit code."""
        done = subprocess.run([BINARY, *map(str, arguments)], cwd=self.folder, input=stdin,
                              stdin=None if stdin is not None else subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=timeout * PATIENCE, env={**os.environ, **(env or {})},
                              errors="replace", check=False)
        complain_of_sanitizers(done.stderr)
        return Result(done)

    def expect(self, code, *arguments, **more):
        """The same, and the exit code must be this."""
        result = self.run(*arguments, **more)
        assert result.code == code, result
        return result

    def check(self, *arguments, **more):
        """`pgvigil check --json`: the parsed answer, whatever the verdict."""
        return self.run("check", "--json", *arguments, **more).json

    def start(self, *arguments, env=None):
        """Starts the daemon: `pgvigil run` with these arguments."""
        daemon = Daemon(self, arguments, env)
        self.daemons.append(daemon)
        return daemon

    def close(self):
        for daemon in self.daemons:
            daemon.kill()


class Daemon(Process):
    def __init__(self, owner, arguments, env):
        log = owner.folder / f"run-{len(owner.daemons)}.log"
        super().__init__([BINARY, "run", *arguments], log, cwd=owner.folder,
                         env={**os.environ, **(env or {})})

    def wait_for(self, condition, seconds=30, what="condition"):
        """Polls a condition; fails at once, with the log, when the daemon ends before it holds."""
        def holds():
            value = condition()
            assert value or self.running(), f"the daemon ended: {self.log()[-3000:]}"
            return value
        try:
            return wait_for(holds, seconds, what)
        except AssertionError as error:
            raise AssertionError(f"{error}\n--- log\n{self.log()[-3000:]}") from None

    def wait_log(self, pattern, seconds=30):
        """Until the log has a match of the regular expression; the match."""
        return self.wait_for(lambda: re.search(pattern, self.log()), seconds, f"log: {pattern}")

    def stop(self, seconds=5):
        """SIGTERM, and the exit code; ending late is a fault."""
        begun = time.monotonic()
        if self.running():
            self.child.send_signal(signal.SIGTERM)
        try:
            code = self.child.wait(timeout=seconds * PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"not ended {time.monotonic() - begun:.1f} s after SIGTERM:"
                                 f" {self.log()[-3000:]}") from None
        complain_of_sanitizers(self.log())
        return code

    def reload(self):
        self.child.send_signal(signal.SIGHUP)


def complain_of_sanitizers(text):
    assert not re.search(r"ERROR: (Address|Leak)Sanitizer|runtime error:", text), text


if __name__ == "__main__":
    sys.exit("this file is for import; run: /usr/bin/python3 -m pytest tests/e2e")
