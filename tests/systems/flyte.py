# SPDX-License-Identifier: GPL-3.0-or-later
"""Flyte Admin of Flyte 1: flyteidl/protos/flyteidl/service/admin.proto and admin/execution.proto,
by its HTTP gateway, which refuses unknown fields. A name is unique in a project and domain."""
import json
import re

from receivers.base import Service, need, parse

TOKEN = "canary-flyte-token"
NAME = re.compile(r"[a-z][a-z\-0-9]*")  # and at most 20 characters in old versions
PRIMITIVES = {"integer": int, "float_value": (int, float), "string_value": str, "boolean": bool}


class Flyte(Service):
    def __init__(self):
        super().__init__()
        self.runs, self.looks = {}, 0

    def serve(self, method, path, query, headers, body):
        need(headers.get("Authorization") == f"Bearer {TOKEN}", "authorization", 401)
        rest = path.removeprefix("/flyte/api/v1/")
        if method == "GET" and rest == "active_launch_plans/delay/production/wf.retrain":
            return self.tell({"id": {"name": "wf.retrain", "version": "v7"}, "spec": {}})
        if method == "GET":
            name = rest.removeprefix("executions/delay/production/")
            need(name in self.runs, "execution", 404)
            self.looks += 1
            phase = ["QUEUED", "RUNNING", "SUCCEEDING", "SUCCEEDED"][min(self.looks, 3)]
            return self.tell({"id": {"name": name}, "closure": {"phase": phase}})
        need(method == "POST" and rest == "executions", "path", 404)
        need(headers.get("Content-Type") == "application/json", "type", 415)
        return self.create(parse(body))

    def tell(self, what):
        return 200, "application/json", json.dumps(what)

    def check_literal(self, literal):
        need(set(literal) == {"scalar"}, "literal")
        (kind, value), = literal["scalar"].items()
        need(kind == "primitive", f"scalar {kind}")
        (kind, value), = value.items()
        need(isinstance(value, PRIMITIVES[kind]), f"{kind} {value}")

    def create(self, asked):
        need(set(asked) == {"project", "domain", "name", "spec", "inputs"}, "unknown field")
        need(asked["project"] == "delay" and asked["domain"] == "production", "project", 404)
        name, spec = asked["name"], asked["spec"]
        need(NAME.fullmatch(name) and len(name) <= 20, f"name {name}")
        need(set(spec) <= {"launch_plan", "metadata", "labels", "annotations"}, "unknown field")
        need(spec["launch_plan"] == {"resource_type": "LAUNCH_PLAN", "project": "delay",
                                     "domain": "production", "name": "wf.retrain",
                                     "version": "v7"}, "launch plan", 404)
        need(spec["metadata"] == {"mode": "MANUAL"}, "metadata")
        literals = asked["inputs"]["literals"]
        need(set(literals) == {"model", "rows", "force"}, f"inputs {sorted(literals)}")
        for literal in literals.values():
            self.check_literal(literal)
        if name in self.runs:
            return 409, "application/json", json.dumps({"code": 6, "message": "already exists"})
        self.runs[name] = literals
        return self.tell({"id": {"project": "delay", "domain": "production", "name": name}})

    def state(self):
        return {"runs": self.runs, "refused": self.refused}
