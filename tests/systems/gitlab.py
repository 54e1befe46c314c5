# SPDX-License-Identifier: GPL-3.0-or-later
"""Pipelines of GitLab: docs.gitlab.com/api/pipeline_triggers, api/pipelines. A trigger token
starts, an access token reads; nothing is deduplicated."""
import json
import re
from urllib.parse import parse_qs

from receivers.base import Service, need

TRIGGER, ACCESS = "canary-gitlab-trigger", "canary-gitlab-access"


class GitLab(Service):
    def __init__(self):
        super().__init__()
        self.pipelines = [{"id": 7, "source": "trigger", "status": "success", "variables": {}}]
        self.looks = 0

    def serve(self, method, path, query, headers, body):
        base = "/gitlab/api/v4/projects/ml%2Fmodels"
        need(path.startswith(base), "path", 404)
        rest = path[len(base):]
        if method == "POST":
            need(rest == "/trigger/pipeline", "path", 404)
            need(headers.get("Content-Type") == "application/x-www-form-urlencoded", "type", 415)
            return self.start(parse_qs(body.decode(), keep_blank_values=True,
                                       strict_parsing=True))
        need(headers.get("PRIVATE-TOKEN") == ACCESS, "token", 401)
        need("Authorization" not in headers, "authorization", 401)
        return self.look(rest, parse_qs(query))

    def start(self, form):
        need(form.get("token") == [TRIGGER], "token", 404, {"message": "404 Not Found"})
        need(form.get("ref") == ["main"], "ref", 400)
        variables = {}
        for name, values in form.items():
            inside = re.fullmatch(r"variables\[([A-Za-z0-9_]+)\]", name)
            need(inside or name in ("token", "ref"), f"{name} is invalid", 400)
            if inside:
                variables[inside.group(1)] = values[0]
        made = {"id": 40 + len(self.pipelines), "source": "trigger", "status": "created",
                "variables": variables, "web_url": "https://gitlab.test/p"}
        self.pipelines.append(made)
        return 201, "application/json", json.dumps(made)

    def look(self, rest, asked):
        inside = re.fullmatch(r"/pipelines/(\d+)(/variables)?", rest)
        if not inside:
            need(rest == "/pipelines" and asked["source"] == ["trigger"], "path", 404)
            need("updated_after" in asked and asked["per_page"] == ["100"], "query", 400)
            return 200, "application/json", json.dumps(
                [{"id": p["id"], "status": p["status"]} for p in reversed(self.pipelines)])
        one = next((p for p in self.pipelines if p["id"] == int(inside.group(1))), None)
        need(one, "pipeline", 404)
        if inside.group(2):
            return 200, "application/json", json.dumps(
                [{"key": k, "value": v} for k, v in one["variables"].items()])
        self.looks += 1
        one["status"] = ["pending", "running", "failed"][min(self.looks, 3) - 1]
        return 200, "application/json", json.dumps(one)

    def state(self):
        return {"pipelines": self.pipelines[1:], "refused": self.refused}
