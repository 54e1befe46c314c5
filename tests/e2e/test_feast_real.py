# SPDX-License-Identifier: GPL-3.0-or-later
"""Feast itself, from PyPI, on a private PostgreSQL: what pgvigil decodes is what Feast returns, and
drift, a stale feature and skew are found where they are put and nowhere else.

Feast is installed once into $XDG_CACHE_HOME/pgvigil (default ~/.cache), which takes minutes."""
import json
import math
import os
import subprocess
from pathlib import Path

import pytest

import stack
from sources import results, rules

pytestmark = pytest.mark.long
FEAST = "feast[postgres]==0.67.0"
DRIVERS = 1500
EXAMPLES = stack.ROOT / "rules/examples"
TYPES = {"conv_rate": "double precision", "avg_rating": "real", "trips": "bigint",
         "clicks": "integer", "active": "boolean", "city": "text",
         "last_trip": "timestamp with time zone", "embedding": "real[]"}


@pytest.fixture(scope="module")
def python():
    """The interpreter of a virtual environment that has Feast."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pgvigil"
    folder = cache / FEAST.replace("[postgres]==", "-")
    if not (folder / "complete").exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([stack.PYTHON, "-m", "venv", "--clear", folder], check=True)
        subprocess.run([folder / "bin/pip", "install", "-q", FEAST], check=True, timeout=1800)
        (folder / "complete").touch()
    return folder / "bin/python"


@pytest.fixture
def service(python, folder, database):
    def run(*arguments):
        done = subprocess.run(
            [python, Path(__file__).with_name("feast_service.py"), folder, database.cluster.host,
             database.cluster.port, database.name, *map(str, arguments)], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=600, check=False,
            env={**os.environ, "FEAST_USAGE": "False"})
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout
    return run


OFFLINE = """
CREATE TABLE driver_stats (driver_id bigint, event_timestamp timestamptz, created timestamptz,
  conv_rate float8, avg_rating float8, trips bigint, clicks int, active bool, city text,
  last_trip timestamptz, embedding real[]);
CREATE INDEX ON driver_stats (event_timestamp);
SELECT setseed(0.5);
INSERT INTO driver_stats SELECT d, t, t + interval '1 minute',
  CASE WHEN random() > 0.02 THEN random() END, 1 + 4 * random(), (random() * 1e15)::bigint,
  (random() * 1000)::int - 500, random() < 0.7, (ARRAY['Oslo', 'Bergen', 'Tromsø'])[1 + d % 3],
  t - random() * interval '20 days', ARRAY[random(), random(), 3, random()]::real[]
FROM generate_series(1, DRIVERS) AS g(i), LATERAL (SELECT i - 1 AS d) AS k, generate_series(1, 3) n,
  LATERAL (SELECT now() - n * interval '7 hours' AS t) AS x;
-- A correction: the same driver and event time, written later.
INSERT INTO driver_stats SELECT driver_id, event_timestamp, created + interval '1 hour',
  conv_rate / 2, avg_rating, trips + 1, clicks, active, city, last_trip, embedding
FROM driver_stats WHERE driver_id % 10 = 0;
""".replace("DRIVERS", str(DRIVERS))


def judge(pgvigil, name):
    pgvigil.rule(name, (EXAMPLES / f"{name}.yaml").read_text().replace(
        "  embedding:", "  clicks: {type: integer}\n  embedding:"))
    dataset = next(d for d in pgvigil.check()["datasets"] if name.split("_")[1] in d["dataset"])
    assert "error" not in dataset, dataset
    found = {r["rule"]: r for r in dataset["results"]}
    bad = (rule for rule, r in found.items() if r["verdict"] not in ("pass", "nodata"))
    return found, sorted(bad)


def compare_values(pgvigil, returned):
    """Nulls, extremes, means, and shares of categories, each against what Feast returns."""
    columns = {name: {"type": kind, "nulls": {"fail": 1}} for name, kind in TYPES.items()}
    for name in ("conv_rate", "avg_rating", "trips", "clicks", "embedding"):
        columns[name].update(minimum={"min": -1e300}, maximum={"max": 1e300}, mean={"min": -1e300})
    columns["last_trip"].update(minimum={"min": "1990-01-01"}, maximum={"max": "2990-01-01"})
    columns["active"]["share"] = {"value": "true", "min": 0}
    cities = sorted(set(returned["city"]))
    columns["city"]["share"] = [{"value": city, "min": 0, "id": f"city-{i}"}
                                for i, city in enumerate(cities)]
    source = {"table": "public.ride_driver_stats",
              "long": {"name": "feature_name", "value": "value", "decode": "feast"}}
    pgvigil.rule("d", rules(source, columns))
    pgvigil.expect(0, "validate")
    _, found = results(pgvigil, at=None)
    for name, values in returned.items():
        present = [len(x) if isinstance(x, list) else x for x in values if x is not None]
        assert found[f"{name}.nulls"]["value"] == (len(values) - len(present)) / len(values), name
        assert found[f"{name}.cast"]["value"] == 0 and found[f"{name}.cast"]["n"] == len(present)
        if f"{name}.mean" in found:
            assert found[f"{name}.minimum"]["value"] == min(present), name
            assert found[f"{name}.maximum"]["value"] == max(present), name
            mean = math.fsum(present) / len(present)
            assert found[f"{name}.mean"]["value"] == pytest.approx(mean, rel=1e-12), name
        if name == "last_trip":
            spread = max(present) - min(present)
            scale = found["last_trip.maximum"]["value"] - found["last_trip.minimum"]["value"]
            assert round(scale / spread) in (1, 10**6) and scale % spread == 0
    active = [x for x in returned["active"] if x is not None]
    assert found["active.share"]["value"] == sum(active) / len(active)
    for i, city in enumerate(cities):
        assert found[f"city-{i}"]["value"] == returned["city"].count(city) / len(returned["city"])
    (pgvigil.rules / "d.yaml").unlink()


def test_feast(pgvigil, database, service, record_property):
    database.execute(OFFLINE)
    service("apply")
    service("materialize")
    returned = json.loads(service("get", DRIVERS))
    assert len(returned["trips"]) == DRIVERS and None in returned["conv_rate"]
    compare_values(pgvigil, returned)

    online = (EXAMPLES / "feast_online.yaml").read_text()
    text = online.replace("  embedding:", "  clicks: {type: integer}\n  embedding:")
    pgvigil.rule("feast_online", text)
    pgvigil.expect(0, "reference", "capture", "driver_stats_online")
    found, bad = judge(pgvigil, "feast_online")
    assert not bad, [found[rule] for rule in bad]
    found, bad = judge(pgvigil, "feast_skew")
    assert not bad, [found[rule] for rule in bad]
    assert found["skew"]["value"] == 0 and found["skew"]["n"] == DRIVERS

    # Served, but not as it was trained: the offline table is corrected behind the online store.
    database.execute("UPDATE driver_stats SET avg_rating = 5 WHERE driver_id < 150")
    found, bad = judge(pgvigil, "feast_skew")
    assert bad == ["skew"] and found["skew"]["value"] == pytest.approx(0.1)
    assert "most in avg_rating (150)" in found["skew"]["why"]
    assert judge(pgvigil, "feast_online")[1] == []

    # Materialised, the store follows: no more skew, but its values have moved.
    database.execute("UPDATE driver_stats SET avg_rating = 1 + avg_rating / 5")
    service("materialize")
    found, bad = judge(pgvigil, "feast_skew")
    assert not bad, [found[rule] for rule in bad]
    found, bad = judge(pgvigil, "feast_online")
    assert bad == ["avg_rating.drift.ks"], bad
    now = json.loads(service("get", DRIVERS))["avg_rating"]
    below = [sum(x <= y for x in returned["avg_rating"]) - sum(x <= y for x in now)
             for y in returned["avg_rating"] + now]
    exact = max(map(abs, below)) / DRIVERS
    assert found["avg_rating.drift.ks"]["value"] == pytest.approx(exact, abs=1e-12)

    # A feature that is no longer filled.
    database.execute("UPDATE ride_driver_stats SET event_ts = event_ts - interval '3 days'"
                     " WHERE feature_name = 'clicks'")
    found, bad = judge(pgvigil, "feast_online")
    assert bad == ["avg_rating.drift.ks", "stale"]
    assert "is clicks" in found["stale"]["why"]
    record_property("told", f"Feast 0.67.0: {len(TYPES)} features of {DRIVERS} drivers equal what"
                    f" get_online_features returns; drift of {exact:.3f}, skew of 10% and a stale"
                    " feature found")
