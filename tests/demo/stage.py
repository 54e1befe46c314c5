# SPDX-License-Identifier: GPL-3.0-or-later
"""The servers of the demo: private, on free loopback ports, in one temporary folder.

Owns every process it starts and the folder, and ends both, in whatever way the demo ends: normally,
by a failure, by ctrl-C, by SIGTERM. Processes are ended by their own ids only.
"""
import json
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PYTHON = "/usr/bin/python3"


class Failure(Exception):
    """The demo cannot go on; the text says why."""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def get(url, timeout=5):
    """The body of a GET, or None when there is no answer of 200."""
    try:
        with urllib.request.urlopen(url, timeout=timeout) as answer:
            return answer.read()
    except (urllib.error.URLError, OSError):
        return None


def get_json(url):
    body = get(url)
    return None if body is None else json.loads(body)


def wait_for(what, condition, seconds=30):
    """Polls until condition() is true, and hands out what it was."""
    until = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > until:
            raise Failure(f"{what}: not within {seconds} s")
        time.sleep(0.05)


class Stage:
    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="pgvigil-demo."))
        self.folder.chmod(0o755)  # the database server runs as another user
        self.processes = []
        self.cluster = None

    def __enter__(self):
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda n, _: sys.exit(128 + n))
        return self

    def __exit__(self, *_):
        # A second ctrl-C must not leave a server behind.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        for process, _ in reversed(self.processes):
            self.stop(process)
        if self.cluster:
            subprocess.run([ROOT / "tests/cluster", "stop", self.cluster], check=False,
                           stdout=subprocess.DEVNULL)
        shutil.rmtree(self.folder, ignore_errors=True)

    @staticmethod
    def stop(process):
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def start(self, name, argv, ready=None, seconds=30):
        """Starts a server in its own session, and waits until ready() is true."""
        log = self.folder / f"{name}.log"
        with log.open("wb") as out:
            process = subprocess.Popen([str(a) for a in argv], cwd=self.folder, stdout=out,
                                       stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                       start_new_session=True)
        self.processes.append((process, name))

        def is_ready():
            if process.poll() is not None:
                raise Failure(f"{name} ended with {process.returncode}:\n{log.read_text()[-2000:]}")
            return ready()

        if ready:
            wait_for(name, is_ready, seconds)
        return process

    def run(self, argv, allowed=(0,), **kwargs):
        """Runs a command to its end. Its output is text; another exit code than allowed fails."""
        done = subprocess.run([str(a) for a in argv], cwd=self.folder, text=True, errors="replace",
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, **kwargs)
        if done.returncode not in allowed:
            shown = " ".join(str(a) for a in argv)
            raise Failure(f"{shown}\n  ended with {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def start_postgres(self):
        """Starts a private PostgreSQL; its conninfo."""
        self.cluster = self.folder / "postgres"
        # In a session of its own, so that ctrl-C does not reach it half-way: it comes to its end,
        # and then there is something that can be stopped.
        start = subprocess.Popen([ROOT / "tests/cluster", "start", self.cluster], text=True,
                                 stdout=subprocess.PIPE, stdin=subprocess.DEVNULL,
                                 start_new_session=True)
        try:
            said, _ = start.communicate()
        except BaseException:
            start.wait()
            raise
        if start.returncode:
            raise Failure("the private PostgreSQL does not start")
        return said.strip()

    def start_pushgateway(self):
        url = f"http://127.0.0.1:{free_port()}"
        self.start("pushgateway", ["prometheus-pushgateway", "--persistence.file=",
                                   f"--web.listen-address={url[7:]}"],
                   lambda: get(f"{url}/-/ready"))
        return url

    def start_prometheus(self, scraped_url):
        url = f"http://127.0.0.1:{free_port()}"
        (self.folder / "prometheus.yml").write_text(json.dumps({
            "global": {"scrape_interval": "1s"},
            "scrape_configs": [{"job_name": "pushgateway", "honor_labels": True,
                                "static_configs": [{"targets": [scraped_url[7:]]}]}]}))
        self.start("prometheus", ["prometheus", "--config.file=prometheus.yml",
                                  f"--storage.tsdb.path={self.folder}/prometheus",
                                  f"--web.listen-address={url[7:]}", "--log.level=warn"],
                   lambda: get(f"{url}/-/ready"))
        return url

    def start_receiver(self):
        """Starts the recording receiver: answers every request, and tells what it got at /state."""
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        self.start("receiver", [PYTHON, ROOT / "tests/receiver.py", "--port", port,
                                "--log", self.folder / "received.jsonl"],
                   lambda: get(f"{url}/state"))
        return url
