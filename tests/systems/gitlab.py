# SPDX-License-Identifier: GPL-3.0-or-later
"""Pipelines of GitLab: docs.gitlab.com/api/pipeline_triggers, api/pipelines. A trigger token
starts, an access token reads; nothing is deduplicated. The project is a busy one: whoever looks for
a pipeline must turn pages, and one of those on them has been deleted meanwhile."""
import json
import re
from datetime import datetime, timezone
from urllib.parse import parse_qs

from receivers.base import Service, need

TRIGGER, ACCESS = "canary-gitlab-trigger", "canary-gitlab-access"
KEY, OTHERS, DELETED = "PGVIGIL_ONSET_KEY", 52, 30


def now():
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_time(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


class GitLab(Service):
    def __init__(self):
        super().__init__()
        self.pipelines, self.looks = [], 0
        self.add({}, "1999-12-31T23:59:59.000Z")
        for _ in range(OTHERS):
            self.add({"OTHER": "1"}, now())

    def add(self, variables, created):
        number = 1 + len(self.pipelines)
        self.pipelines.append({
            "id": number, "project_id": 7, "source": "trigger", "ref": "main", "status": "created",
            "variables": variables, "created_at": created, "updated_at": now(),
            "web_url": f"https://gitlab.test/ml/models/-/pipelines/{number}"})
        return self.show(self.pipelines[-1])

    def show(self, pipeline):
        return {name: value for name, value in pipeline.items() if name != "variables"}

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
        return 201, "application/json", json.dumps(self.add(variables, now()))

    def find(self, asked):
        need(set(asked) <= {"source", "per_page", "page", "order_by", "sort", "updated_after",
                            "created_after"}, "unknown parameter", 400)
        need(asked["order_by"] == ["id"] and asked["sort"] == ["desc"], "order", 400)
        size, page = int(asked["per_page"][0]), int(asked["page"][0])
        need(1 <= size <= 100 and page >= 1, "page", 400)
        found = [self.show(p) for p in reversed(self.pipelines)
                 if [p["source"]] == asked["source"]
                 and parse_time(p["updated_at"]) > parse_time(asked["updated_after"][0])
                 and parse_time(p["created_at"]) > parse_time(asked["created_after"][0])]
        return found[(page - 1) * size:page * size]

    def look(self, rest, asked):
        if rest == "/pipelines":
            return 200, "application/json", json.dumps(self.find(asked))
        inside = re.fullmatch(r"/pipelines/(\d+)(/variables)?", rest)
        need(inside, "path", 404)
        number = int(inside.group(1))
        if number == DELETED or number > len(self.pipelines):
            return 404, "application/json", json.dumps({"message": "404 Not found"})
        one = self.pipelines[number - 1]
        if inside.group(2):
            shown = [{"variable_type": "env_var", "key": k, "value": v}
                     for k, v in one["variables"].items()]
            return 200, "application/json", json.dumps(shown[:int(asked["per_page"][0])])
        self.looks += 1
        one["status"] = ["pending", "running", "failed"][min(self.looks, 3) - 1]
        return 200, "application/json", json.dumps(self.show(one))

    def state(self):
        return {"pipelines": [p for p in self.pipelines if KEY in p["variables"]],
                "refused": self.refused}
