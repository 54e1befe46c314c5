# SPDX-License-Identifier: GPL-3.0-or-later
"""Webhooks by other standards: CloudEvents 1.0 (structured and binary over HTTP) and Standard
Webhooks, whose signatures are verified with every secret that is in force."""
import base64
import hashlib
import hmac
import json
import re
import time

from receivers.base import Service, need, parse

# What the tests give pgvigil; the first is the newest.
SECRETS = ["whsec_Y2FuYXJ5LXN0YW5kYXJkLXdlYmhvb2tzLTAx",
           "whsec_Y2FuYXJ5LXN0YW5kYXJkLXdlYmhvb2tzLTAy"]
TYPE = re.compile(r"[a-z]+(\.[a-z]+)+")


class CloudEvents(Service):
    def __init__(self):
        super().__init__()
        self.events = {}

    def serve(self, method, path, query, headers, body):
        need(method == "POST", "method", 405)
        kind = headers.get("Content-Type", "")
        if kind.startswith("application/cloudevents+json"):
            event = parse(body)
            data = event.get("data")
        else:
            need(kind == "application/json", "content type of the data", 415)
            event = {name[3:].lower(): value for name, value in headers.items()
                     if name.lower().startswith("ce-")}
            need("datacontenttype" not in event, "ce-datacontenttype is Content-Type")
            need(all(0x20 < ord(c) < 0x7f for v in event.values() for c in v), "header not encoded")
            data = parse(body)
        for name in ("specversion", "id", "source", "type"):
            need(isinstance(event.get(name), str) and event[name], f"{name} is missing")
        need(event["specversion"] == "1.0", "specversion")
        need(TYPE.fullmatch(event["type"]), "type is no reverse DNS name")
        need(re.fullmatch(r"[!-~]+", event["source"]), "source is no URI reference")
        need(data and data.get("version") == "4", "data")
        key = f"{event['source']} {event['id']}"
        one = self.events.setdefault(key, {"times": 0, "type": event["type"]})
        one["times"] += 1
        return 200, "text/plain", ""

    def state(self):
        return {"events": self.events, "refused": self.refused}


def sign(secret, text):
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return "v1," + base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()


class StandardWebhooks(Service):
    def __init__(self):
        super().__init__()
        self.messages, self.signatures = {}, 0

    def serve(self, method, path, query, headers, body):
        need(method == "POST", "method", 405)
        need(len(body) < 20_000, "20 kB or more", 413)
        for name in ("webhook-id", "webhook-timestamp", "webhook-signature"):
            need(headers.get(name), f"{name} is missing", 401)
        need(abs(time.time() - int(headers["webhook-timestamp"])) < 300, "timestamp", 401)
        text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        given = headers["webhook-signature"].split(" ")
        need(given == [sign(secret, text) for secret in SECRETS[:len(given)]], "signature", 401)
        self.signatures = max(self.signatures, len(given))
        message = parse(body)
        need(set(message) == {"type", "timestamp", "data"}, "body")
        key = headers["webhook-id"]
        self.messages[key] = self.messages.get(key, 0) + 1
        return 200, "text/plain", ""

    def state(self):
        return {"messages": self.messages, "signatures": self.signatures, "refused": self.refused}
