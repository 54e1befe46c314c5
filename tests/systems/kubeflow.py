# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of Kubeflow Pipelines, v2beta1: backend/api/v2beta1/run.proto and filter.proto. A name may
be given to any number of runs."""
import json
from urllib.parse import parse_qs

from receivers.base import Service, need, parse

TOKEN = "canary-kubeflow-token"
RUN = {"experiment_id", "display_name", "description", "pipeline_spec", "service_account",
       "pipeline_version_reference", "runtime_config"}


class Kubeflow(Service):
    def __init__(self):
        super().__init__()
        self.runs, self.looks = {}, 0

    def serve(self, method, path, query, headers, body):
        need(headers.get("Authorization") == f"Bearer {TOKEN}", "authorization", 401)
        rest = path.removeprefix("/kubeflow/apis/v2beta1/runs")
        if method == "POST":
            need(rest == "", "path", 404)
            need(headers.get("Content-Type") == "application/json", "type", 415)
            return self.create(parse(body))
        need(method == "GET", "method", 405)
        if rest:
            return self.tell(self.show(rest.removeprefix("/")))
        return self.find(parse_qs(query, strict_parsing=True))

    def tell(self, what):
        return 200, "application/json", json.dumps(what)

    def create(self, run):
        need(set(run) <= RUN, f"unknown field in {sorted(run)}")
        need(run.get("display_name"), "display_name is required")
        source = run.get("pipeline_version_reference", {})
        need(set(source) <= {"pipeline_id", "pipeline_version_id"}, "unknown field")
        need(source.get("pipeline_id") == "p-1", "pipeline", 404)
        config = run.get("runtime_config", {})
        need(set(config) <= {"parameters", "pipeline_root"}, "unknown field")
        need(set(config.get("parameters", {})) <= {"model", "rows"}, "unknown parameter")
        made = {**run, "run_id": f"0a-{len(self.runs)}", "state": "PENDING"}
        self.runs[made["run_id"]] = made
        return self.tell(made)

    def find(self, asked):
        need(set(asked) <= {"namespace", "experiment_id", "page_token", "page_size", "sort_by",
                            "filter"}, "unknown parameter")
        need(asked["page_size"] == ["1"], "page_size")
        predicates = parse(asked["filter"][0].encode())["predicates"]
        need(len(predicates) == 1 and set(predicates[0]) == {"key", "operation", "string_value"}
             and predicates[0]["key"] == "display_name"
             and predicates[0]["operation"] == "EQUALS", "filter")
        found = [run for run in self.runs.values()
                 if run["display_name"] == predicates[0]["string_value"]]
        return self.tell({"runs": found[:1], "total_size": len(found)} if found else {})

    def show(self, name):
        need(name in self.runs, "run", 404)
        self.looks += 1
        run = self.runs[name]
        run["state"] = ["PENDING", "RUNNING", "RUNNING", "SUCCEEDED"][min(self.looks, 3)]
        # longer than what is kept of an answer
        tasks = [{"task_id": "t" * 900, "state": "FAILED"}] * 100
        return {**run, "run_details": {"task_details": tasks}}

    def state(self):
        return {"runs": self.runs, "refused": self.refused}
