# SPDX-License-Identifier: GPL-3.0-or-later
"""Dispatches and workflow runs of GitHub: docs.github.com/rest/actions, rest/repos. Nothing is
deduplicated; the title of a run is what the workflow's run-name makes of its inputs. Others start
runs, too, so that whoever looks for one must turn pages."""
import json
import re
from urllib.parse import parse_qs

from receivers.base import Service, need, parse

TOKEN = "canary-github-token"
INPUTS = {"onset_key", "model"}


class GitHub(Service):
    def __init__(self):
        super().__init__()
        self.runs, self.looks = [], 0
        for event in ("workflow_dispatch", "repository_dispatch") * 4:
            self.add(event, "of somebody else")

    def serve(self, method, path, query, headers, body):
        need(headers.get("Authorization") == f"Bearer {TOKEN}", "authorization", 401)
        need(headers.get("Accept") == "application/vnd.github+json", "accept", 415)
        need(headers.get("X-GitHub-Api-Version") == "2022-11-28", "api version", 400)
        need(headers.get("User-Agent"), "user agent", 403)
        base = "/github/repos/acme/models"
        if not path.startswith(base):
            return 404, "application/json", json.dumps({"message": "Not Found"})
        rest = path[len(base):]
        if method == "GET":
            return self.look(rest, query)
        need(method == "POST" and headers.get("Content-Type") == "application/json", "type", 415)
        if rest == "/dispatches":
            return self.dispatch(parse(body))
        need(rest in ("/actions/workflows/retrain.yml/dispatches",
                      "/actions/workflows/old.yml/dispatches"), "path", 404)
        return self.start(parse(body), old="old.yml" in rest)

    def look(self, rest, query):
        one = re.fullmatch(r"/actions/runs/(\d+)", rest)
        if one:
            run = next((r for r in self.runs if r["id"] == int(one.group(1))), None)
            need(run, "run", 404)
            return 200, "application/json", json.dumps(self.move(run))
        asked = parse_qs(query)
        workflow = re.fullmatch(r"/actions/workflows/([^/]+)/runs", rest)
        need(workflow or rest == "/actions/runs", "path", 404)
        need(re.fullmatch(r">=\d{4}-\d\d-\d\d", asked["created"][0]), "created", 422)
        size, page = int(asked["per_page"][0]), int(asked["page"][0])
        need(1 <= size <= 100 and page >= 1, "per_page", 422)
        found = [r for r in reversed(self.runs) if r["event"] == asked["event"][0]]
        shown = [self.move(r) for r in found[(page - 1) * size:page * size]]
        return 200, "application/json", json.dumps(
            {"total_count": len(found), "workflow_runs": shown})

    def move(self, run):
        self.looks += run["display_title"].startswith("retrain")
        run["status"], run["conclusion"] = (("queued", None) if self.looks < 3 else
                                            ("in_progress", None) if self.looks < 4 else
                                            ("completed", "success"))
        return run

    def add(self, event, title):
        number = 30433642 + len(self.runs)
        self.runs.append({"id": number, "event": event, "display_title": title, "status": "queued",
                          "conclusion": None, "html_url": f"https://github.com/r/{number}"})
        return number

    def dispatch(self, body):
        need(set(body) <= {"event_type", "client_payload"}, "unknown field", 422)
        need(1 <= len(body["event_type"]) <= 100, "event_type", 422)
        need(len(body["client_payload"]) <= 10, "client_payload", 422)
        self.add("repository_dispatch", f"retrain {body['client_payload'].get('onset_key', '')}")
        return 204, "application/json", ""

    def start(self, body, old):
        need(not (old and "return_run_details" in body), "old", 422,
             {"message": "\"return_run_details\" is not a permitted key."})
        need(set(body) <= {"ref", "inputs", "return_run_details"}, "unknown field", 422)
        need(body.get("ref") == "main", "ref", 422, {"message": "No ref found"})
        need(set(body["inputs"]) <= INPUTS, "inputs", 422, {"message": "Unexpected inputs"})
        need(all(isinstance(v, str) for v in body["inputs"].values()), "inputs", 422)
        number = self.add("workflow_dispatch", f"retrain {body['inputs']['onset_key']}")
        if not body.get("return_run_details"):
            return 204, "application/json", ""
        return 200, "application/json", json.dumps(
            {"workflow_run_id": number, "run_url": f"https://api/{number}",
             "html_url": f"https://github.com/r/{number}"})

    def state(self):
        return {"runs": [r for r in self.runs if r["display_title"].startswith("retrain")],
                "refused": self.refused}
