# SPDX-License-Identifier: GPL-3.0-or-later
"""The state file on a disk that is full for a while: a small file system of its own, as root."""
import re
import sqlite3
import subprocess
import time

import pytest

import stack
from test_daemon import rule, table

pytestmark = pytest.mark.long  # mounts; what is long is to wait while the disk is full


@pytest.fixture
def disk(pgvigil):
    path = pgvigil.folder / "disk"
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", path], check=True)
    yield path
    pgvigil.close()
    subprocess.run(["umount", path], check=True)


def fill(disk):
    """Whatever room is left, also what was freed meanwhile."""
    with open(disk / "filler", "ab", buffering=0) as filler:
        try:
            while filler.write(b"x" * 4096):
                pass
        except OSError as error:
            assert error.errno == 28, error


def stay_full(daemon, full_until, commits):
    """For twenty seconds, in which hardly anything is read that could not be stored."""
    full = time.monotonic()
    scanned, before = daemon.log().count('msg="cycle lost"'), commits()
    full_until(lambda: time.monotonic() > full + 19.3, 40, "a while")
    assert commits() == before
    assert daemon.log().count('msg="cycle lost"') <= scanned + 1


@pytest.mark.parametrize("every", ["1s", "1h"])
def test_full_disk(database, pgvigil, disk, every, record_property):
    """Cycles go on within ten seconds of the room, also where the next tick is far; the database is
    left alone meanwhile, and the ballast is made anew."""
    table(database)
    port = stack.free_port()
    pgvigil.config.update(state="disk/pgvigil.db", web={"listen": f"127.0.0.1:{port}"})
    pgvigil.write()
    made = rule()
    made["schedule"] = {"window": "2s", "delay": "1s", "every": every}
    pgvigil.rule("t", made)
    daemon = pgvigil.start()

    def commits():
        return len(re.findall('msg="window (?:judged|empty)"', daemon.log()))

    def full_until(condition, seconds, what):
        def holds():
            fill(disk)
            return condition()
        daemon.wait_for(holds, seconds, what)

    daemon.wait_for(lambda: commits() >= 2, what="two windows")
    ballast = disk / "pgvigil.db.ballast"
    assert ballast.stat().st_size == 1 << 20
    full_until(lambda: "ballast beside the state store has been freed" in daemon.log(), 30,
               "a full disk")
    assert not ballast.exists()
    before = commits()
    full_until(lambda: commits() >= before + 3, 30, "windows in the room that is used again")
    # who reads keeps the log from being begun anew: now there is no room at all
    with stack.Closing(sqlite3.connect(f"file:{disk}/pgvigil.db?mode=ro", uri=True,
                                       isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM meta").fetchone()
        lost = daemon.log().count('msg="cycle lost"')
        full_until(lambda: daemon.log().count('msg="cycle lost"') > lost, 60, "a lost cycle")
        stay_full(daemon, full_until, commits)
        (disk / "filler").unlink()
        freed = time.monotonic()
        before = commits()
        daemon.wait_for(lambda: commits() > before, 120, what="a window after that")
        took = time.monotonic() - freed
    record_property("told", f"full disk, every {every}: cycles go on after {took:.1f} s")
    assert took <= 10
    daemon.wait_for(ballast.exists, 90, what="the ballast")
    assert daemon.stop() == 0
