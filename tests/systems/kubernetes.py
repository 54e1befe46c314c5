# SPDX-License-Identifier: GPL-3.0-or-later
"""batch/v1 of the Kubernetes API: kubernetes.io/docs/reference/kubernetes-api/workload-resources,
with fieldValidation=Strict. A name is unique in its namespace; the token rotates."""
import json
import re
from urllib.parse import parse_qs

from receivers.base import Service, need, parse

TOKEN = "canary-kubernetes-token"
NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
SPEC = {"template", "backoffLimit", "activeDeadlineSeconds", "ttlSecondsAfterFinished",
        "completions", "parallelism", "suspend", "podFailurePolicy", "completionMode"}
POD = {"containers", "restartPolicy", "serviceAccountName", "volumes", "nodeSelector"}
CONTAINER = {"name", "image", "env", "command", "args", "resources", "volumeMounts"}
COPIED = {"metadata": {"creationTimestamp": None, "labels": {"app": "retrain"}},
          "spec": {"template": {"spec": {
              "restartPolicy": "Never",
              "containers": [{"name": "train", "image": "train:1", "command": ["x" * 3000],
                              "env": [{"name": "A", "value": "1"},
                                      {"name": "PGVIGIL_MODEL", "value": "none"}]}]}}}}


class Kubernetes(Service):
    def __init__(self):
        super().__init__()
        self.runs, self.looks = {}, 0

    def serve(self, method, path, query, headers, body):
        need(headers.get("Authorization") == f"Bearer {TOKEN}", "authorization", 401)
        rest = path.removeprefix("/kubernetes/apis/batch/v1/namespaces/ml/")
        if method == "GET" and rest == "cronjobs/nightly":
            return self.tell(200, {"kind": "CronJob", "spec": {"suspend": True,
                                                               "jobTemplate": COPIED}})
        if method == "GET":
            return self.show(rest.removeprefix("jobs/"))
        need(method == "POST" and rest == "jobs", "path", 404)
        need(headers.get("Content-Type") == "application/json", "type", 415)
        need(parse_qs(query) == {"fieldManager": ["pgvigil"], "fieldValidation": ["Strict"]},
             "query")
        return self.create(parse(body))

    def tell(self, status, what):
        return status, "application/json", json.dumps(what)

    def create(self, job):
        need(set(job) == {"apiVersion", "kind", "metadata", "spec"}, "unknown field")
        need(job["apiVersion"] == "batch/v1" and job["kind"] == "Job", "kind")
        meta = job["metadata"]
        need(set(meta) <= {"name", "namespace", "labels", "annotations"}, "unknown field")
        need(meta["namespace"] == "ml" and NAME.fullmatch(meta["name"]), "name", 422)
        need(len(meta["name"]) <= 63, "name is too long", 422)
        texts = list(meta.get("labels", {}).values()) + list(meta["annotations"].values())
        need(all(isinstance(text, str) for text in texts), "labels")
        need(set(job["spec"]) <= SPEC, "unknown field")
        pod = job["spec"]["template"]["spec"]
        need(set(pod) <= POD and pod["restartPolicy"] in ("Never", "OnFailure"), "pod", 422)
        for container in pod["containers"]:
            need(set(container) <= CONTAINER and container["image"], "container", 422)
            env = container["env"]
            need(len({one["name"] for one in env}) == len(env), "a variable twice", 422)
            need(all(set(one) == {"name", "value"} and isinstance(one["value"], str)
                     for one in env), "env", 422)
        if meta["name"] in self.runs:
            return self.tell(409, {"kind": "Status", "reason": "AlreadyExists", "code": 409})
        self.runs[meta["name"]] = job
        return self.tell(201, {**job, "status": {}})

    def show(self, name):
        need(name in self.runs, "job", 404)
        self.looks += 1
        status = [{}, {"active": 1}, {"active": 1, "conditions": []},
                  {"failed": 1, "conditions": [{"type": "Suspended", "status": "False"},
                                               {"type": "Failed", "status": "True"}]}]
        return self.tell(200, {**self.runs[name], "status": status[min(self.looks, 3)]})

    def state(self):
        return {"runs": self.runs, "refused": self.refused}
