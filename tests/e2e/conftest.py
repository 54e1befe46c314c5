# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the end-to-end tests; what they are made of is in stack.py.

  cluster        one private PostgreSQL for the whole session
  database       a fresh database of it, dropped afterwards
  flights        a fresh clone of the real data with the small model: schema ml
  pushgateway    a Pushgateway of the test's own
  prometheus     prometheus(targets=[...], rule_files=[...]) starts one
  receiver       receiver(arguments...) starts a recording HTTP server
  pgvigil        a folder with configuration and rules; its connection `warehouse` is `database`
  vigil_flights  the same on `flights`
  source         the PostgreSQL source alone, with its connection `main` on `database`

Markers: `long`, for make test-long only. make test runs all others under the sanitizers, but what
is marked `plain`, of which they would see nothing new and which runs in the test build; `both` is
what says something else there, of memory and time. make test-long runs all in the test build.
"""
import itertools
import os
import shutil
import signal
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
import source_driver  # noqa: E402  (found by the line above)
import stack  # noqa: E402

numbers = itertools.count(1)

# The longest first: whatever comes last, few workers wait for it.
LONGEST = ("test_corpus", "test_kill", "test_init_corpus", "test_dashboard", "test_elsewhere",
           "test_init", "test_budget", "test_examples")
UNTIL = float(os.environ.get("E2E_UNTIL", "inf"))
LATE = "out of time, see E2E_UNTIL"


def pytest_configure(config):
    config.addinivalue_line("markers", "long: takes minutes; run by make test-long only")
    config.addinivalue_line("markers", "plain: the sanitizers would see nothing new of it")
    config.addinivalue_line("markers", "both: of memory or time; runs without sanitizers, too")
    config.addinivalue_line("markers", "xdist_group: stays together when others run beside")
    # Ended by SIGTERM the fixtures still stop what they have started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Tests that share something made for their module stay together when others run beside."""
    for item in items:
        made = item._fixtureinfo.name2fixturedefs.values()
        if any(fixtures[-1].scope == "module" for fixtures in made):
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
    rank = {stem: place for place, stem in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path.stem, len(LONGEST)))


def pytest_runtest_setup(item):
    if time.time() > UNTIL:
        pytest.skip(LATE)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    """What was left out for want of time is no success."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    late = [r for r in reporter.stats.get("skipped", []) if LATE in str(r.longrepr)] \
        if reporter else []
    if late and session.exitstatus == 0:
        session.exitstatus = 1


def pytest_terminal_summary(terminalreporter):
    """Prints what tests want to be read at the end: record_property("told", text). Of several lines
    only the last; all of them are in the file that E2E_TOLD names."""
    told = [text for report in itertools.chain(*terminalreporter.stats.values())
            for name, text in getattr(report, "user_properties", [])
            if name == "told" and report.when == "call"]
    file = os.environ.get("E2E_TOLD")
    if file:
        Path(file).write_text("\n\n".join(told) + "\n")
    for text in told:
        lines = text.split("\n")
        more = f"   ({len(lines)} lines: {file})" if file and len(lines) > 1 else ""
        terminalreporter.write_line((lines[-1] if file else f"\n{text}") + more)


@pytest.fixture(scope="session")
def cluster(request):
    flights = any("flights_template" in item.fixturenames for item in request.session.items)
    made = stack.Cluster(stack.flights_archive() if flights else None)
    yield made
    made.remove()


@pytest.fixture(scope="session")
def flights_template(cluster):
    return stack.FLIGHTS


@pytest.fixture
def database(cluster):
    made = cluster.create(f"db{next(numbers)}", "TEMPLATE template0")
    yield made
    made.close()
    cluster.drop(made.name)


@pytest.fixture
def flights(cluster, flights_template):
    made = cluster.create(f"db{next(numbers)}", f"TEMPLATE {flights_template} STRATEGY file_copy")
    yield made
    made.close()
    cluster.drop(made.name)


@pytest.fixture
def folder():
    """A temporary folder that servers under other users may enter."""
    made = stack.new_folder("test")
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def pushgateway(folder):
    started = stack.Pushgateway(folder)
    yield started
    started.kill()


@pytest.fixture
def prometheus(folder):
    yield from starting(lambda targets, rule_files=(): stack.Prometheus(
        subfolder(folder, "prometheus"), targets, rule_files))


@pytest.fixture
def receiver(folder):
    yield from starting(lambda *arguments, **more: stack.Receiver(folder, *arguments, **more))


def starting(start):
    """Hands out a function that starts servers, and ends them all afterwards."""
    started = []

    def keep(*arguments, **more):
        started.append(start(*arguments, **more))
        return started[-1]

    yield keep
    for server in started:
        server.kill()


def subfolder(folder, name):
    made = folder / f"{name}{next(numbers)}"
    made.mkdir()
    return made


@pytest.fixture
def pgvigil(folder, database):
    made = stack.Pgvigil(folder / "agent", database.conninfo)
    yield made
    made.close()


@pytest.fixture
def vigil_flights(folder, flights):
    made = stack.Pgvigil(folder / "agent", flights.conninfo)
    yield made
    made.close()


@pytest.fixture(scope="session")
def driver_program():
    folder = stack.new_folder("driver")
    yield source_driver.build(folder)
    shutil.rmtree(folder)


@pytest.fixture
def source(driver_program, database):
    made = source_driver.Driver(driver_program, main=database.conninfo)
    yield made
    made.close()
