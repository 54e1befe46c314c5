# SPDX-License-Identifier: GPL-3.0-or-later
"""The alert API of Opsgenie and Jira Service Management: docs.opsgenie.com/docs/alert-api."""
import json
import re
from urllib.parse import unquote

from receivers.base import Service, need, parse, units

KEY = "0f0f0f0f-canary-0123456789"
LIMITS = {"message": 130, "alias": 512, "description": 15000, "entity": 512, "source": 100}


def check_alert(alert):
    bad = {"message": "Request body is not processable. Please check the errors.", "errors": {}}
    need(isinstance(alert.get("message"), str) and alert["message"], "message", 422, bad)
    for name, most in LIMITS.items():
        need(units(alert.get(name, "")) <= most, f"{name} is longer than {most}", 422, bad)
    need(alert.get("priority", "P3") in ("P1", "P2", "P3", "P4", "P5"), "priority", 422, bad)
    tags = alert.get("tags", [])
    need(len(tags) <= 20 and all(units(tag) <= 50 for tag in tags), "tags", 422, bad)
    details = alert.get("details", {})
    need(all(isinstance(v, str) for v in details.values()), "details", 422, bad)
    need(sum(units(k) + units(v) for k, v in details.items()) <= 8000, "details", 422, bad)
    for one in alert.get("responders", []):
        need(one.get("type") in ("team", "user", "escalation", "schedule"), "responders", 422, bad)


class Opsgenie(Service):
    def __init__(self):
        super().__init__()
        self.alerts = {}

    def serve(self, method, path, query, headers, body):
        need(headers.get("Authorization") == f"GenieKey {KEY}", "key", 401,
             {"message": "Could not authenticate"})
        need(headers.get("Content-Type") == "application/json", "content type", 415)
        need(method == "POST", "method", 405)
        what = parse(body)
        place = path.split("/v2/alerts", 1)
        need(len(place) == 2, "path", 404)
        if not place[1]:
            check_alert(what)
            self.create(what)
        else:
            match = re.fullmatch(r"/([^/]+)/(close|acknowledge|notes)", place[1])
            need(match and query == "identifierType=alias", "path", 404)
            need(units(what.get("note", "")) <= 25000, "note", 422)
            need(units(what.get("user", "")) <= 100, "user", 422)
            self.act(unquote(match.group(1)), match.group(2), what)
        return 202, "application/json", json.dumps(
            {"result": "Request will be processed", "took": 0.1, "requestId": "r"})

    def create(self, what):
        alert = self.alerts.setdefault(what["alias"], {"opened": 0, "count": 0, "status": "closed",
                                                       "notes": [], "acknowledged": None})
        alert["opened"] += alert["status"] == "closed"
        alert.update(count=alert["count"] + 1, status="open", message=what["message"],
                     priority=what["priority"])

    def act(self, alias, action, what):
        alert = self.alerts.get(alias)
        if alert is None:
            return  # asynchronous: accepted, and then nothing
        if action == "close":
            alert["status"] = "closed"
        elif action == "acknowledge":
            alert["acknowledged"] = what["user"]
        alert["notes"].append(what["note"])

    def state(self):
        return {"alerts": self.alerts, "refused": self.refused}
