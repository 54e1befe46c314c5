# SPDX-License-Identifier: GPL-3.0-or-later
"""Alertmanager's API v2 as far as faults of it cannot be had from the real one, which the tests run
too: an array of alerts, identity by labels, an end in the future or past."""
import re
from datetime import datetime, timezone

from receivers.base import Service, need, parse

LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


def when(text):
    need(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", str(text)), "time")
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


class Alertmanager(Service):
    def __init__(self):
        super().__init__()
        self.alerts, self.posts = {}, 0

    def serve(self, method, path, query, headers, body):
        need(method == "POST" and path.endswith("/api/v2/alerts"), "path", 404)
        need(headers.get("Content-Type") == "application/json", "content type", 415)
        alerts = parse(body)
        need(isinstance(alerts, list), "not an array")
        for alert in alerts:
            labels = alert.get("labels")
            need(isinstance(labels, dict) and labels, "labels", 422)
            need(all(LABEL.fullmatch(k) and isinstance(v, str) and v for k, v in labels.items()),
                 "label")
            need("alertname" in labels, "alertname")
            start, end = when(alert["startsAt"]), when(alert["endsAt"])
            need(start <= end, "start time must be before end time")
            need(str(alert.get("generatorURL", "http://x")).startswith("http"), "generatorURL", 422)
            key = " ".join(f"{k}={v}" for k, v in sorted(labels.items()))
            one = self.alerts.setdefault(key, {"posts": 0, "ends": []})
            one["posts"] += 1
            one["ends"].append(alert["endsAt"])
            one["firing"] = end > datetime.now(timezone.utc)
        self.posts += 1
        return 200, "application/json", ""

    def state(self):
        return {"alerts": self.alerts, "posts": self.posts, "refused": self.refused}
