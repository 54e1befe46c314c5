# SPDX-License-Identifier: GPL-3.0-or-later
"""Prefect 3: docs.prefect.io/v3/api-ref, deployments and flow runs. The body allows no further
fields; a known idempotency_key gives the run it stands for."""
import json
import re

from receivers.base import Service, need, parse

TOKEN, DEPLOYMENT = "canary-prefect-key", "0e3a1b52-9c1d-4f6e-8a7b-2c3d4e5f6a7b"
FIELDS = {"state", "name", "parameters", "enforce_parameter_schema", "context", "tags", "labels",
          "infrastructure_document_id", "empirical_policy", "idempotency_key",
          "parent_task_run_id", "work_queue_name", "job_variables"}


class Prefect(Service):
    def __init__(self):
        super().__init__()
        self.runs, self.looks = {}, 0

    def serve(self, method, path, query, headers, body):
        need(headers.get("Authorization") == f"Bearer {TOKEN}", "authorization", 401)
        rest = path.removeprefix("/prefect/api/")
        if method == "GET" and rest == "deployments/name/retrain%20delay/prod":
            return self.tell(200, {"id": DEPLOYMENT, "name": "prod"})
        if method == "GET":
            match = re.fullmatch(r"flow_runs/(.+)", rest)
            found = [run for run in self.runs.values() if match and run["id"] == match.group(1)]
            need(found, "run", 404)
            self.looks += 1
            kind = ["SCHEDULED", "PENDING", "RUNNING", "COMPLETED"][min(self.looks, 3)]
            return self.tell(200, {**found[0], "state": {"type": kind, "name": kind.title()}})
        need(method == "POST" and rest == f"deployments/{DEPLOYMENT}/create_flow_run", "path", 404)
        need(headers.get("Content-Type") == "application/json", "type", 415)
        return self.create(parse(body))

    def tell(self, status, what):
        return status, "application/json", json.dumps(what)

    def create(self, asked):
        need(set(asked) <= FIELDS, f"extra fields in {sorted(asked)}", 422)
        need(all(isinstance(tag, str) for tag in asked["tags"]), "tags", 422)
        need(set(asked["parameters"]) <= {"model", "rows"}, "parameters do not fit", 409)
        known = self.runs.get(asked["idempotency_key"])
        if known:
            return self.tell(200, known)
        made = {"id": f"6f000000-0000-4000-8000-{len(self.runs):012d}", "name": asked["name"],
                "parameters": asked["parameters"], "job_variables": asked.get("job_variables"),
                "state": {"type": "SCHEDULED", "name": "Scheduled"}}
        self.runs[asked["idempotency_key"]] = made
        return self.tell(201, made)

    def state(self):
        return {"runs": self.runs, "refused": self.refused}
