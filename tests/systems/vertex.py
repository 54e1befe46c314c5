# SPDX-License-Identifier: GPL-3.0-or-later
"""Pipeline jobs of Vertex AI: cloud.google.com/vertex-ai/docs/reference/rest, projects.locations.
pipelineJobs. The pipelineJobId is unique in a location; `fields` cuts the answer."""
import json
import re
from urllib.parse import parse_qs

from receivers.base import Service, need, parse

TOKEN = "canary-vertex-token"
FIELDS = {"displayName", "templateUri", "runtimeConfig", "labels", "serviceAccount", "network",
          "encryptionSpec", "pipelineSpec", "reservedIpRanges"}


class Vertex(Service):
    def __init__(self):
        super().__init__()
        self.runs, self.looks = {}, 0

    def serve(self, method, path, query, headers, body):
        need(headers.get("Authorization") == f"Bearer {TOKEN}", "authorization", 401)
        rest = path.removeprefix("/vertex/v1/projects/acme/locations/europe-west4/pipelineJobs")
        asked = parse_qs(query)
        if method == "GET":
            need(rest[1:] in self.runs, "job", 404)
            need(asked == {"fields": ["name,state,error"]}, "fields")
            self.looks += 1
            state = ["PENDING", "RUNNING", "RUNNING", "SUCCEEDED"][min(self.looks, 3)]
            return self.tell(rest[1:], state)
        need(method == "POST" and rest == "", "path", 404)
        need(headers.get("Content-Type") == "application/json", "type", 415)
        need(set(asked) == {"pipelineJobId", "fields"} and asked["fields"] == ["name,state"],
             "query")
        return self.create(asked["pipelineJobId"][0], parse(body))

    def tell(self, name, state):
        return 200, "application/json", json.dumps(
            {"name": f"projects/1/locations/europe-west4/pipelineJobs/{name}",
             "state": f"PIPELINE_STATE_{state}"})

    def create(self, name, job):
        need(re.fullmatch(r"[a-z][-a-z0-9]{0,127}", name), "id")
        need(set(job) <= FIELDS, "unknown field")
        need(job["templateUri"] == "https://europe-west4-kfp.pkg.dev/acme/p/retrain/v1", "template")
        config = job["runtimeConfig"]
        need(set(config) == {"gcsOutputDirectory", "parameterValues"}, "runtimeConfig")
        need(config["gcsOutputDirectory"].startswith("gs://"), "output")
        need(set(config["parameterValues"]) <= {"model", "rows"}, "parameter")
        for key, value in job.get("labels", {}).items():
            need(re.fullmatch(r"[a-z0-9_-]{1,63}", key) and re.fullmatch(r"[a-z0-9_-]*", value),
                 "labels")
        if name in self.runs:
            return 409, "application/json", json.dumps(
                {"error": {"code": 409, "status": "ALREADY_EXISTS", "message": "exists"}})
        self.runs[name] = job
        return self.tell(name, "PENDING")

    def state(self):
        return {"runs": self.runs, "refused": self.refused}
