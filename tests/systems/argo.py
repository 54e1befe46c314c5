# SPDX-License-Identifier: GPL-3.0-or-later
"""The Argo server: argo-workflows.readthedocs.io/en/latest/rest-api and /events. A workflow's name
is unique in its namespace; the Kubernetes below is an old one, which says of a name that is taken
only that it could not be done, as the server gives a generateName, too. Events are taken without a
word on what they start; here they start what the documented binding starts, a workflow named after
the onset_key, which is created once."""
import json
import re
from urllib.parse import parse_qs

from receivers.base import Service, need, parse

TOKEN = "canary-argo-token"
NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
OPTIONS = {"name", "generateName", "entryPoint", "parameters", "serviceAccount", "dryRun",
           "serverDryRun", "labels", "ownerReference", "annotations", "podPriorityClassName",
           "priority"}


class Argo(Service):
    def __init__(self):
        super().__init__()
        self.runs, self.events, self.looks = {}, {}, 0

    def serve(self, method, path, query, headers, body):
        need(headers.get("Authorization") == f"Bearer {TOKEN}", "authorization", 401)
        rest = path.removeprefix("/argo/api/v1/")
        if method == "GET":
            match = re.fullmatch(r"workflows/ml/([^/]+)", rest)
            need(match and match.group(1) in self.runs, "workflow", 404)
            need(parse_qs(query) == {"fields": ["metadata.name,status.phase,status.message"]},
                 "fields")
            self.looks += 1
            phase = ["Pending", "Running", "Running", "Error"][min(self.looks, 3)]
            return 200, "application/json", json.dumps(
                {"metadata": {"name": match.group(1)}, "status": {"phase": phase}})
        need(method == "POST" and headers.get("Content-Type") == "application/json", "type", 415)
        if rest == "events/ml/drift":
            self.events.setdefault(parse(body)["onset_key"], 0)
            return 200, "application/json", "{}"
        need(rest == "workflows/ml/submit", "path", 404)
        return self.submit(parse(body))

    def submit(self, asked):
        need(set(asked) <= {"namespace", "resourceKind", "resourceName", "submitOptions"},
             "unknown field")
        need(asked["namespace"] == "ml" and asked["resourceKind"] == "WorkflowTemplate", "kind")
        need(asked["resourceName"] == "retrain", "template", 404)
        options = asked["submitOptions"]
        need(set(options) <= OPTIONS, "unknown option")
        name = options["name"]
        need(NAME.fullmatch(name) and len(name) <= 63, "name", 422)
        need(all(isinstance(p, str) and "=" in p for p in options["parameters"]), "parameters")
        if name in self.runs:
            return 500, "application/json", json.dumps(
                {"code": 2, "message": "The POST operation against Workflow.argoproj.io could not "
                                       "be completed at this time, please try again."})
        self.runs[name] = options["parameters"]
        return 200, "application/json", json.dumps(
            {"metadata": {"name": name, "namespace": "ml"}, "spec": {}, "status": {}})

    def state(self):
        return {"runs": self.runs, "events": self.events, "refused": self.refused}
