# SPDX-License-Identifier: GPL-3.0-or-later
"""DAG runs of Airflow's REST API, v1 (2.x) and v2 (3.x): airflow.apache.org/docs. Two keys of a run
are unique, its id and its logical date, and 409 does not say which was taken."""
import base64
import json
import re
from datetime import datetime
from urllib.parse import unquote

from receivers.base import Service, need, parse

TOKEN, USER, PASSWORD = "canary-airflow-token", "admin", "canary-airflow-password"
RUN = {3: {"dag_run_id", "logical_date", "conf", "note", "run_after", "data_interval_start",
           "data_interval_end", "partition_key"},
       2: {"dag_run_id", "logical_date", "execution_date", "conf", "note", "data_interval_start",
           "data_interval_end"}}


class Airflow(Service):
    def __init__(self, version):
        super().__init__()
        self.version = version
        self.runs, self.dates, self.logins, self.looks = {}, set(), 0, 0
        self.paused = {"retrain": False, "paused": True}

    def check_user(self, headers):
        basic = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        wanted = f"Bearer {TOKEN}" if self.version == 3 else f"Basic {basic}"
        need(headers.get("Authorization") == wanted, "authorization", 401,
             {"detail": "Not authenticated"})

    def log_in(self, method, headers, body):
        need(method == "POST" and headers.get("Content-Type") == "application/json", "login", 415)
        given = parse(body)
        need(set(given) == {"username", "password"}, "login", 422)
        need(given == {"username": USER, "password": PASSWORD}, "login", 401)
        self.logins += 1
        return 201, "application/json", json.dumps({"access_token": TOKEN})

    def serve(self, method, path, query, headers, body):
        api = "/airflow3/api/v2/dags/" if self.version == 3 else "/airflow2/api/v1/dags/"
        if self.version == 3 and path == "/airflow3/auth/token":
            return self.log_in(method, headers, body)
        need(path.startswith(api), "path", 404)
        self.check_user(headers)
        dag, _, rest = path[len(api):].partition("/")
        if unquote(dag) not in self.paused:
            return 404, "application/json", json.dumps({"detail": "The Dag was not found"})
        if method == "GET" and not rest:
            return 200, "application/json", json.dumps(
                {"dag_id": dag, "is_paused": self.paused[unquote(dag)]})
        if method == "GET":
            return self.show(re.fullmatch(r"dagRuns/([^/]+)", rest))
        need(method == "POST" and rest == "dagRuns", "path", 405)
        need(headers.get("Content-Type") == "application/json", "content type", 415)
        return self.trigger(dag, parse(body))

    def show(self, match):
        need(match, "path", 404)
        run = self.runs.get(unquote(match.group(1)))
        if run is None:
            return 404, "application/json", json.dumps({"detail": "The DagRun was not found"})
        self.looks += 1
        states = ["queued", "running", "running", run.get("end", "success")]
        run["state"] = states[min(self.looks, 3)]
        return 200, "application/json", json.dumps(run)

    def trigger(self, dag, run):
        need(set(run) <= RUN[self.version], "unknown field", 422, {"detail": "Extra inputs"})
        need(self.version == 2 or "logical_date" in run, "logical_date is required", 422)
        need(isinstance(run.get("conf"), dict), "conf is no object", 422)
        date = run.get("logical_date")
        if date is not None:
            need(datetime.fromisoformat(date.replace("Z", "+00:00")), "date", 422)
        else:
            need(self.version == 3, "null date", 422)
        if run["dag_run_id"] in self.runs or (date and date in self.dates):
            return 409, "application/json", json.dumps(
                {"detail": {"reason": "Unique constraint violation"}})
        made = {"dag_run_id": run["dag_run_id"], "dag_id": dag, "state": "queued",
                "logical_date": date, "conf": run["conf"]}
        self.runs[run["dag_run_id"]] = made
        self.dates.add(date)
        return 200, "application/json", json.dumps(made)

    def state(self):
        return {"runs": self.runs, "logins": self.logins, "refused": self.refused}
