# SPDX-License-Identifier: GPL-3.0-or-later
"""What the benchmarks share: a private server, `pgvigil check` timed against psql, its memory."""
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BENCH = ROOT / "tests/bench"
CLUSTER = ROOT / "tests/cluster"
PROGRAM = ROOT / os.environ.get("PGVIGIL", "build/release/pgvigil")
ROWS = int(os.environ.get("BENCH_ROWS", 5_000_000))
PAIRS = int(os.environ.get("BENCH_PAIRS", 7))
REAL = ROWS == 5_000_000 and PAIRS == 7

faults = []


def say(text=""):
    print(text, flush=True)


def expect(good, text):
    if not good:
        faults.append(text)
        say(f"  WRONG: {text}")


def run(argv, **options):
    done = subprocess.run([str(a) for a in argv], capture_output=True, **options)
    if done.returncode not in (0, 2):
        raise SystemExit(f"{' '.join(map(str, argv))} ended with {done.returncode}:\n"
                         f"{done.stderr.decode()}")
    return done.stdout.decode()


def time_command(argv):
    """Seconds on the clock, and the processor's seconds of this program alone."""
    with tempfile.TemporaryFile() as said:
        begun = time.monotonic()
        child = subprocess.Popen([str(a) for a in argv], stdout=subprocess.DEVNULL, stderr=said)
        _, status, usage = os.wait4(child.pid, 0)
        took = time.monotonic() - begun
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode not in (0, 2):
            said.seek(0)
            raise SystemExit(f"{argv[0]} ended with {child.returncode}:\n{said.read().decode()}")
    return took, usage.ru_utime + usage.ru_stime


class Server:
    def __init__(self, folder):
        self.folder = folder
        self.conninfo = run([CLUSTER, "start", folder / "pg"]).strip()
        pid = (folder / "pg/data/postmaster.pid").read_text().split()[0]
        self.postmaster = Path(f"/proc/{pid}/stat")
        self.config = folder / "pgvigil.yaml"
        self.config.write_text(f"""\
name: bench
rules: {BENCH}
state: bench.db
connections:
  bench: {{conninfo: "{self.conninfo}"}}
""")

    def check(self, dataset, *options):
        return [PROGRAM, "-c", self.config, "check", "--json", *options, dataset]

    def copy(self, statement):
        return ["psql", "-X", "-q", "-d", self.conninfo, "-c", statement]

    def sql(self, *statements):
        argv = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", self.conninfo]
        for statement in statements:
            argv += ["-c", statement]
        return run(argv).strip()

    def busy(self):
        """The processor's seconds of all server processes that have ended. To be asked when those
        of a client are gone: a new one sees them leave."""
        while self.sql("SELECT count(*) FROM pg_stat_activity WHERE datid IS NOT NULL") != "1":
            time.sleep(0.01)
        fields = self.postmaster.read_text().rpartition(")")[2].split()
        return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")

    def describe(self):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.split(":", 1)[1].strip() for line in lines
                      if line.startswith("model name")), "unknown processor")
        say(f"machine: {model}, {os.cpu_count()} cores; "
            f"{self.sql('SELECT version()').split(' on ')[0]}; load {os.getloadavg()[0]:.2f}")


def peak_mib(argv):
    """VmHWM of one check, read while it runs; it only ever rises. (The peak that wait() reports
    would include that of this script, from before exec.)"""
    child = subprocess.Popen([str(a) for a in argv], stdout=subprocess.DEVNULL)
    peak = 0
    while child.poll() is None:
        try:
            for line in Path(f"/proc/{child.pid}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    peak = max(peak, int(line.split()[1]))
        except (FileNotFoundError, ProcessLookupError):
            pass
        time.sleep(0.005)
    if child.returncode not in (0, 2):
        raise SystemExit(f"pgvigil check ended with {child.returncode}")
    return peak / 1024


def time_pairs(server, check, copy, of):
    """The median ratio of interleaved pairs; each ratio is of two runs one after the other. The
    processor's seconds tell, also on a busy machine, which of client and server is the slower."""
    def time_one(argv):
        before = server.busy()
        took = time_command(argv)
        return took + (server.busy() - before,)
    time_one(copy)
    time_one(check)
    runs = []
    say(f"   pgvigil check   psql COPY   ratio   ({of})")
    for pair in range(PAIRS):
        if pair % 2:
            checked, copied = time_one(check), time_one(copy)
        else:
            copied, checked = time_one(copy), time_one(check)
        runs.append((checked[0] / copied[0],) + checked[1:] + copied[1:])
        say(f"{checked[0]:13.3f} s {copied[0]:9.3f} s {runs[-1][0]:7.3f}")
    ratio, *busy = [statistics.median(values) for values in zip(*runs)]
    say(f"processor time: pgvigil {busy[0]:.2f} s and its server {busy[1]:.2f} s, psql "
        f"{busy[2]:.2f} s and its server {busy[3]:.2f} s")
    return ratio


def main(measure):
    """Calls measure(server) with a server that is removed afterwards; the exit code."""
    if not PROGRAM.exists():
        raise SystemExit(f"{PROGRAM} is not there: run make")
    folder = Path(tempfile.mkdtemp(prefix="pgvigil-bench-"))
    folder.chmod(0o755)
    try:
        measure(Server(folder))
    finally:
        run([CLUSTER, "stop", folder / "pg"])
        shutil.rmtree(folder, ignore_errors=True)
    say("FAILED: " + "; ".join(faults) if faults else "benchmark passed"
        if REAL else "benchmark tried at another size: no target of time was enforced")
    sys.exit(1 if faults else 0)
