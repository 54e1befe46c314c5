# SPDX-License-Identifier: GPL-3.0-or-later
"""Airflow 3 and MLflow themselves, from PyPI: a retraining that is asked for twice is one DAG run,
which is followed to its end; drift is logged once, and the version of the model is tagged.

Both are installed once into $XDG_CACHE_HOME/pgvigil (default ~/.cache), which takes minutes."""
import json
import os
import signal
import sqlite3
import subprocess
from pathlib import Path

import pytest
import requests

import stack

pytestmark = pytest.mark.long
AIRFLOW, MLFLOW = "apache-airflow==3.3.2", "mlflow==3.17.2"
KEY = "00112233445566778899aabbccddeeff"
DAG = """
from datetime import datetime
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import dag

@dag(schedule=None, start_date=datetime(2024, 1, 1), catchup=False, is_paused_upon_creation=False)
def retrain():
    EmptyOperator(task_id="train")  # ended by the scheduler: no worker is needed
retrain()
"""
ONSET = {"key": KEY, "model": "delay-model", "dataset": "delays", "rule": "score:drift",
         "due_us": 992390400000000, "window_from_us": 992304000000000,
         "window_to_us": 992390400000000, "window_repeated": False, "state": "fired",
         "fired": True, "fired_us": 992390400000000, "ended_us": 2**63 - 1, "value": 0.384,
         "limit": 0.35, "rows": 3458, "column": "probability", "segment": None, "check": "ks"}



def installed(wanted):
    """The folder of the programs of a virtual environment that has it."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pgvigil"
    folder = cache / wanted.replace("==", "-")
    if not (folder / "complete").exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([stack.PYTHON, "-m", "venv", "--clear", folder], check=True)
        subprocess.run([folder / "bin/pip", "install", "-q", wanted], check=True, timeout=1800)
        (folder / "complete").touch()
    return folder / "bin"


class Group(stack.Process):
    """A program that leaves children behind when it ends: its group is ended with it."""

    def __init__(self, arguments, log, **more):
        super().__init__(arguments, log, start_new_session=True, **more)

    def kill(self, number=signal.SIGKILL):
        try:
            os.killpg(self.child.pid, number)
        except ProcessLookupError:
            pass
        return self.child.wait(timeout=60)


@pytest.fixture
def airflow(folder):
    programs, port = installed(AIRFLOW), stack.free_port()
    home = folder / "airflow"
    (home / "dags").mkdir(parents=True)
    (home / "dags/retrain.py").write_text(DAG)
    settings = {"AIRFLOW_HOME": home, "AIRFLOW__API__PORT": port, "AIRFLOW__API__WORKERS": 1,
                "AIRFLOW__CORE__LOAD_EXAMPLES": False, "AIRFLOW__CORE__PARALLELISM": 2,
                "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://localhost:{port}/execution/",
                "PATH": f"{programs}:{os.environ['PATH']}"}
    server = Group([programs / "airflow", "standalone"], folder / "airflow.log", cwd=folder,
                   env={**os.environ, **{k: str(v) for k, v in settings.items()}})
    try:
        url = f"http://127.0.0.1:{port}"
        server.wait_ready(f"{url}/api/v2/monitor/health", seconds=300)
        found = home / "simple_auth_manager_passwords.json.generated"
        stack.wait_for(found.exists, 60, "the password")
        yield url, json.loads(found.read_text())["admin"]
    finally:
        server.kill()


@pytest.fixture
def mlflow(folder):
    programs, port = installed(MLFLOW), stack.free_port()
    server = Group([programs / "mlflow", "server", "--host", "127.0.0.1", "--port", port,
                    "--workers", 1, "--backend-store-uri", f"sqlite:///{folder}/mlflow.db",
                    "--artifacts-destination", folder / "artifacts"], folder / "mlflow.log",
                   cwd=folder, env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"})
    try:
        url = f"http://127.0.0.1:{port}"
        server.wait_ready(f"{url}/health", seconds=300)
        yield f"{url}/api/2.0/mlflow/"
    finally:
        server.kill()


@pytest.fixture
def vigil(folder):
    """A program whose one table is out of reach: it delivers all the same."""
    made = stack.Pgvigil(folder / "vigil", "host=127.0.0.1 port=1 connect_timeout=1")
    made.rule("delays", {"version": 1, "dataset": "delays", "model": "delay-model",
                         "source": {"connection": "warehouse", "table": "public.delays"},
                         "schedule": {"window": "1d"}, "checks": [{"schema": {}}]})
    yield made
    made.close()


def ask(vigil, key=KEY):
    """A request that fires, or one that was sent and of which that is not known."""
    with sqlite3.connect(vigil.state) as db:
        rows = db.execute("SELECT body FROM outbox WHERE key = ?", (key,)).fetchall()
        if rows:
            db.execute("UPDATE outbox SET state = 0, ended_us = NULL, next_us = 0")
        else:
            db.execute("INSERT INTO outbox (sink_kind, sink, key, kind, body, created_us, next_us,"
                       " attempts, state, bytes) VALUES (1, 'delay-model', ?, 0, ?, 0, 0, 0, 0, 1)",
                       (key, json.dumps(ONSET)))


def deliver(vigil, states, seconds):
    """Runs the daemon until the run is in one of these states; the run."""
    def run():
        with sqlite3.connect(vigil.state) as db:
            waiting = db.execute("SELECT count(*) FROM outbox WHERE state = 0").fetchone()[0]
            row = db.execute("SELECT state, run_id, url, answer FROM retrain_run").fetchone()
            return row if row and not waiting and row[0] in states else None
    daemon = vigil.start()
    daemon.wait_for(run, seconds, "the run")
    daemon.stop()
    return run()


def configure(vigil, system):
    vigil.config["retraining"] = {"delay-model": system}
    vigil.write()
    if not vigil.state.exists():
        daemon = vigil.start()
        daemon.wait_for(vigil.state.exists, what="a state")
        daemon.wait_log("delays")
        daemon.stop()


def test_airflow_runs_once(airflow, vigil, folder):
    url, password = airflow
    (folder / "pw").write_text(password)
    (folder / "pw").chmod(0o600)
    configure(vigil, {"airflow": {"url": url, "dag": "retrain", "user": "admin",
                                  "password_file": str(folder / "pw")}})
    login = requests.post(f"{url}/auth/token", timeout=30,
                          json={"username": "admin", "password": password}).json()
    headers = {"Authorization": "Bearer " + login["access_token"]}

    def known():
        return requests.get(f"{url}/api/v2/dags/retrain", headers=headers,
                            timeout=30).status_code == 200
    stack.wait_for(known, 300, "the DAG", every=2)
    ask(vigil)
    state, run, page, answer = deliver(vigil, (4, 5), 600)
    said = (folder / "airflow.log").read_text(errors="replace")
    assert (state, run) == (4, f"pgvigil__{KEY}"), f"{answer}\n{said[-6000:]}"
    assert page.endswith(run)
    ask(vigil)
    deliver(vigil, (1, 2, 3, 4), 120)
    runs = requests.get(f"{url}/api/v2/dags/retrain/dagRuns", headers=headers, timeout=30).json()
    assert runs["total_entries"] == 1, runs
    assert runs["dag_runs"][0]["dag_run_id"] == f"pgvigil__{KEY}"
    assert runs["dag_runs"][0]["conf"]["onset_key"] == KEY
    assert password not in "".join(d.log() for d in vigil.daemons)


def test_mlflow_holds_the_drift_once(mlflow, vigil):
    def post(path, **body):
        answer = requests.post(mlflow + path, json=body, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()
    post("experiments/create", name="drift")
    post("registered-models/create", name="delay")
    post("model-versions/create", name="delay", source="s3://models/delay")
    post("registered-models/alias", name="delay", alias="champion", version="1")
    configure(vigil, {"mlflow": {"url": mlflow.split("/api/")[0], "experiment": "drift",
                                 "registered_model": "delay"}})
    for _ in range(2):
        ask(vigil)
        assert deliver(vigil, (1,), 60)[0] == 1
    found = post("runs/search", experiment_ids=["1"])["runs"]
    assert len(found) == 1, found
    metrics = {one["key"]: one["value"] for one in found[0]["data"]["metrics"]}
    assert metrics == {"drift/delays/score_drift/value": 0.384,
                       "drift/delays/score_drift/limit": 0.35,
                       "drift/delays/score_drift/rows": 3458}
    for name in metrics:
        history = requests.get(mlflow + "metrics/get-history", timeout=30, params={
            "run_id": found[0]["info"]["run_id"], "metric_key": name}).json()["metrics"]
        assert len(history) == 1, history
    tagged = requests.get(mlflow + "model-versions/get", timeout=30,
                          params={"name": "delay", "version": "1"}).json()["model_version"]
    assert {"key": "pgvigil.drift", "value": KEY} in tagged["tags"], tagged
