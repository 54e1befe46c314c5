# SPDX-License-Identifier: GPL-3.0-or-later
"""tests/cluster by itself: what demo, benchmark and tests rely on."""
import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

import psycopg2
import pytest
from stack import ROOT, Closing, new_folder

pytestmark = pytest.mark.plain  # pgvigil has no part in it
CLUSTER = ROOT / "tests/cluster"


def run(*arguments, prefix=(), **more):
    return subprocess.run([*prefix, CLUSTER, *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False, **more)


def answers(conninfo):
    with Closing(psycopg2.connect(conninfo)) as c:
        cursor = c.cursor()
        cursor.execute("SELECT current_setting('server_encoding'), datcollate, current_user"
                       " FROM pg_database WHERE datname = current_database()")
        return cursor.fetchone()


def alive(folder):
    """The postmaster's process, if it is there."""
    pid = folder / "data/postmaster.pid"
    return pid.exists() and Path(f"/proc/{pid.read_text().split()[0]}").exists()


def test_start_stop_start(folder):
    place = folder / "c"
    first = run("start", place, "max_connections=17", cwd="/")
    assert first.returncode == 0, first.stderr
    try:
        assert re.fullmatch(rf"host={place} port=\d+ user=postgres dbname=postgres\n", first.stdout)
        assert answers(first.stdout) == ("UTF8", "C.UTF-8", "postgres")
        over_tcp = first.stdout.replace(f"host={place}", "host=127.0.0.1")
        assert answers(over_tcp)[2] == "postgres"
        # from another folder, by another way of writing it
        again = run("start", "c/../c", cwd=folder, env={**os.environ, "PGPORT": "1", "PGUSER": "x"})
        assert again.stdout == first.stdout
        with Closing(psycopg2.connect(first.stdout)) as c:
            cursor = c.cursor()
            cursor.execute("SHOW max_connections")
            assert cursor.fetchone() == ("17",)
            cursor.execute("CREATE TABLE kept AS SELECT 1")
            c.commit()
        assert alive(place)
        stopped = run("stop", place)
        assert stopped.returncode == 0 and not alive(place), stopped.stderr
        assert run("stop", place).returncode == 0
        third = run("start", place)
        with Closing(psycopg2.connect(third.stdout)) as c:
            c.cursor().execute("SELECT * FROM kept")
    finally:
        run("stop", place)
    assert not alive(place)


def test_a_taken_port_is_not_insisted_on(folder):
    place = folder / "c"
    first = run("start", place)
    assert first.returncode == 0, first.stderr
    run("stop", place)
    with socket.socket() as s:
        s.bind(("127.0.0.1", int((place / "port").read_text())))
        s.listen(1)
        second = run("start", place)
        assert second.returncode == 0, second.stderr
        try:
            assert second.stdout != first.stdout
            assert answers(second.stdout)[0] == "UTF8"
        finally:
            run("stop", place)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can start a server as another user")
def test_parents_that_only_root_may_enter(folder):
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    refused = run("start", closed / "c")
    assert refused.returncode == 1 and refused.stdout == ""
    assert str(closed) in refused.stderr and "cannot be entered" in refused.stderr


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_without_root():
    folder = new_folder("plain")
    shutil.chown(folder, "nobody")
    prefix = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")
    try:
        started = run("start", folder / "c", prefix=prefix)
        assert started.returncode == 0, started.stderr
        assert answers(started.stdout)[2] == "postgres"
    finally:
        run("stop", folder / "c", prefix=prefix)
        assert not alive(folder / "c")
        shutil.rmtree(folder)


def test_ports_and_usage():
    port = int(run("port").stdout)
    with socket.socket() as s:
        s.bind(("127.0.0.1", port))
    for wrong in ((), ("start",), ("stop",), ("stop", "a", "b"), ("port", "x"), ("jump", "x")):
        refused = run(*wrong)
        assert refused.returncode == 64 and "tests/cluster start DIR" in refused.stderr, wrong
    assert run("stop", "/nonexistent").returncode == 0
    long = run("start", "/tmp/" + "x" * 100)
    assert long.returncode == 1 and "too long" in long.stderr
    assert not Path("/tmp/" + "x" * 100).exists()
