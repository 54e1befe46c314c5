# SPDX-License-Identifier: GPL-3.0-or-later
"""MLflow's REST API: mlflow.org/docs/latest/rest-api.html, and mlflow/utils/validation.py for names
and limits. Metrics append; a tag is set as often as one likes."""
import json
import re
from urllib.parse import parse_qs

from receivers.base import Service, need, parse

TOKEN = "canary-mlflow-token"
NAME = re.compile(r"^[/\w.\- ]*$")


class MLflow(Service):
    def __init__(self):
        super().__init__()
        self.runs, self.points, self.tags = {}, [], {}

    def serve(self, method, path, query, headers, body):
        need(headers.get("Authorization") == f"Bearer {TOKEN}", "authorization", 401)
        what = path.removeprefix("/mlflow/api/2.0/mlflow/")
        if method == "GET":
            return self.show(what, parse_qs(query))
        need(method == "POST" and headers.get("Content-Type") == "application/json", "type", 415)
        need(len(body) <= 1_000_000, "over 1 MB", 413)
        serve = {"runs/search": self.search, "runs/create": self.create,
                 "runs/log-batch": self.log, "model-versions/set-tag": self.mark}.get(what)
        need(serve, "path", 404)
        return 200, "application/json", json.dumps(serve(parse(body)))

    def show(self, what, asked):
        if what == "experiments/get-by-name":
            need(asked == {"experiment_name": ["drift & more"]}, "experiment", 404,
                 {"error_code": "RESOURCE_DOES_NOT_EXIST"})
            return 200, "application/json", json.dumps({"experiment": {"experiment_id": "12"}})
        need(what == "registered-models/alias", "path", 404)
        need(asked == {"name": ["delay"], "alias": ["champion"]}, "alias", 404)
        return 200, "application/json", json.dumps(
            {"model_version": {"name": "delay", "version": "3"}})

    def search(self, body):
        need(set(body) <= {"experiment_ids", "filter", "max_results"}, "unknown field")
        asked = re.fullmatch(r'tags\."pgvigil\.onset_key" = \'([0-9a-z]+)\'', body["filter"])
        need(asked and body["experiment_ids"] == ["12"], "filter")
        found = [r for r in self.runs.values()
                 if {"key": "pgvigil.onset_key", "value": asked.group(1)} in r["data"]["tags"]]
        return {"runs": found} if found else {}

    def check_tags(self, tags):
        need(len(tags) <= 100, "tags")
        for tag in tags:
            need(set(tag) == {"key", "value"} and NAME.match(tag["key"]) and len(tag["key"]) <= 250
                 and isinstance(tag["value"], str) and len(tag["value"]) <= 5000, f"tag {tag}")
        need(len({tag["key"] for tag in tags}) == len(tags), "a tag twice")

    def create(self, body):
        need(set(body) <= {"experiment_id", "run_name", "start_time", "tags"}, "unknown field")
        self.check_tags(body["tags"])
        name = f"run{len(self.runs)}"
        self.runs[name] = {"info": {"run_id": name}, "data": {"tags": body["tags"]}}
        return {"run": self.runs[name]}

    def log(self, body):
        need(set(body) <= {"run_id", "metrics", "params", "tags"}, "unknown field")
        need(len(body["metrics"]) <= 1000, "metrics")
        self.check_tags(body["tags"])
        for metric in body["metrics"]:
            need(set(metric) == {"key", "value", "timestamp", "step"}, f"metric {metric}")
            need(NAME.match(metric["key"]) and len(metric["key"]) <= 250, f"key {metric['key']}")
            need(isinstance(metric["value"], (int, float))
                 or metric["value"] in ("NaN", "Infinity", "-Infinity"), "value")
            self.points.append(metric)
        self.runs[body["run_id"]]["data"]["tags"] += body["tags"]
        return {}

    def mark(self, body):
        need(set(body) == {"name", "version", "key", "value"}, "unknown field")
        need(body["name"] == "delay" and body["version"] == "3", "version", 404)
        self.tags[body["key"]] = body["value"]
        return {}

    def state(self):
        return {"runs": self.runs, "points": self.points, "tags": self.tags,
                "refused": self.refused}
