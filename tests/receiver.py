#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The other end of deliveries: a recording HTTP server for the demo and the tests.

  python3 tests/receiver.py --port 0 --log FILE [--rules JSON] [--tls CERT KEY [--tls-old]]

Prints its port, records every request as a JSON line. It plays Slack at /slack and PagerDuty at
/v2/enqueue, both as strict as their published limits, an Alertmanager version-4 webhook at /hook,
a training system at /train; further systems, of tests/receivers, at /bot /opsgenie /teams /discord
/alertmanager /events /standard, training systems of tests/systems under their names. Deeper paths
are the same service's (/slack/T1/B1). GET /state shows what they hold (or one of them,
/state/pagerduty), GET /requests the record, GET /requests/last its last line. POST /control adds
rules: {"rules": [...]}, or {"clear": true}.

A rule takes the next requests whose path begins with "path":
  {"path": "/slack", "times": 3, "status": 429, "headers": {"Retry-After": "2"}, "body": "..."}
  {"action": "hang", "seconds": 20}   says nothing, then closes
  {"action": "reset"}                 resets the connection
  {"action": "slow", "seconds": 1}    answers, one byte every so many seconds
  {"action": "delay", "seconds": 1}   answers late, but well
  {"action": "big", "bytes": 10000000}  answers 200 with a body of that size
"unless_header": "Expect" keeps a rule from a request with this header, "holds": "text" from one
whose body does not hold it. With "effect": true the service takes the request before the fault, as
when an answer is lost. "times" is 1 when not given, and -1 means always. State is in memory only.
SIGTERM and, with --until-eof, the end of standard input end it at once.
"""
import argparse
import json
import os
import re
import signal
import socket
import ssl
import struct
import sys
import threading
import time
import warnings
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from receivers.alertmanager import Alertmanager
from receivers.base import Refused, need, parse, units
from receivers.discord import Discord
from receivers.events import CloudEvents, StandardWebhooks
from receivers.opsgenie import Opsgenie
from receivers.slack_bot import SlackBot
from receivers.teams import Teams
from systems.table import systems

SEVERITIES = ("critical", "error", "warning", "info")
LINK = re.compile(r"<https?://[^<>|\s]+(\|[^<>|]*)?>")
ENTITY = re.compile(r"&(?!amp;|lt;|gt;)")


# --- Slack: api.slack.com/reference/block-kit -----------------------------------------------------


def check_markup(text):
    need(isinstance(text, str) and text, "no_text")
    rest = LINK.sub("", text)
    need("<" not in rest and ">" not in rest, "invalid_payload: unescaped < or >")
    need(not ENTITY.search(rest), "invalid_payload: unescaped &")


def check_text(thing, most, types):
    need(isinstance(thing, dict) and thing.get("type") in types, "invalid_blocks: text object")
    check_markup(thing.get("text"))
    need(units(thing["text"]) <= most, f"invalid_blocks: text over {most}")
    return units(thing["text"])


def check_block(block):
    kind = block.get("type") if isinstance(block, dict) else None
    if kind == "header":
        return check_text(block.get("text"), 150, ("plain_text",))
    if kind == "section":
        both = ("plain_text", "mrkdwn")
        fields = block.get("fields", [])
        need("text" in block or fields, "invalid_blocks: empty section")
        need(len(fields) <= 10, "invalid_blocks: over 10 fields")
        total = sum(check_text(field, 2000, both) for field in fields)
        return total + (check_text(block["text"], 3000, both) if "text" in block else 0)
    if kind == "context":
        elements = block.get("elements")
        need(isinstance(elements, list) and 1 <= len(elements) <= 10, "invalid_blocks: elements")
        return sum(check_text(one, 3000, ("plain_text", "mrkdwn")) for one in elements)
    need(kind == "divider", f"invalid_blocks: block of type {kind}")
    return 0


def check_blocks(blocks):
    need(isinstance(blocks, list) and len(blocks) <= 50, "invalid_blocks: over 50 blocks")
    return sum(check_block(block) for block in blocks)


def check_slack(payload):
    need(isinstance(payload, dict), "invalid_payload")
    check_markup(payload.get("text"))
    attachments = payload.get("attachments", [])
    need(isinstance(attachments, list) and len(attachments) <= 100, "too_many_attachments")
    total = check_blocks(payload.get("blocks", []))
    for one in attachments:
        need(re.fullmatch(r"#[0-9a-f]{3,6}|good|warning|danger", one.get("color", "good")),
             "invalid_attachments: color")
        total += check_blocks(one.get("blocks", []))
    need(total <= 13000, "msg_blocks_too_long")


class Slack:
    def __init__(self):
        self.messages = []
        self.refused = []

    def take(self, headers, body):
        try:
            need(headers.get("Content-Type", "").startswith("application/json"), "invalid_payload")
            payload = parse(body)
            check_slack(payload)
        except Refused as why:
            self.refused.append(str(why))
            return 400, "text/plain", str(why)
        self.messages.append(payload["text"])
        return 200, "text/plain", "ok"

    def state(self):
        return {"delivered": len(self.messages), "last": self.messages[-10:],
                "refused": self.refused}


# --- PagerDuty: developer.pagerduty.com, Events API v2 --------------------------------------------


def check_event(event):
    need(isinstance(event, dict), "event is not an object")
    need(re.fullmatch(r"[0-9A-Za-z]{32}", str(event.get("routing_key"))), "routing_key is invalid")
    action = event.get("event_action")
    need(action in ("trigger", "acknowledge", "resolve"), "event_action is invalid")
    key = event.get("dedup_key")
    need(key is None or isinstance(key, str) and 0 < len(key) <= 255, "dedup_key is invalid")
    need(key or action == "trigger", "dedup_key is missing")
    if action != "trigger":
        return
    payload = event.get("payload")
    need(isinstance(payload, dict), "payload is missing")
    for name, most in (("summary", 1024), ("source", 255), ("component", 255), ("group", 255),
                       ("class", 255)):
        text = payload.get(name, None if name in ("summary", "source") else "-")
        need(isinstance(text, str) and 0 < len(text) <= most, f"payload.{name} is invalid")
    need(payload.get("severity") in SEVERITIES, "payload.severity is invalid")
    if "timestamp" in payload:
        try:
            datetime.fromisoformat(payload["timestamp"].replace("Z", "+00:00"))
        except (ValueError, AttributeError) as error:
            raise Refused("payload.timestamp is invalid") from error
    for link in event.get("links", []):
        need(re.match(r"https?://", str(link.get("href"))), "links.href is invalid")


class PagerDuty:
    def __init__(self):
        self.incidents = {}
        self.refused = []
        self.resolves_without_trigger = 0

    def take(self, headers, body):
        try:
            need(len(body) <= 512 * 1024, "event is larger than 512 KB")
            event = parse(body)
            check_event(event)
        except Refused as why:
            self.refused.append(str(why))
            return 400, "application/json", json.dumps(
                {"status": "invalid event", "message": "Event object is invalid",
                 "errors": [str(why)]})
        key = event.get("dedup_key") or f"made-{len(self.incidents)}"
        self.count(key, event)
        return 202, "application/json", json.dumps(
            {"status": "success", "message": "Event processed", "dedup_key": key})

    def count(self, key, event):
        known = self.incidents.get(key)
        if event["event_action"] == "trigger":
            one = self.incidents.setdefault(
                key, {"open": False, "opened": 0, "triggers": 0, "resolves": 0})
            one["opened"] += not one["open"]
            one.update(open=True, triggers=one["triggers"] + 1,
                       summary=event["payload"]["summary"][:200],
                       severity=event["payload"]["severity"])
        elif event["event_action"] == "resolve":
            if not known:
                self.resolves_without_trigger += 1
            else:
                known.update(open=False, resolves=known["resolves"] + 1)

    def state(self):
        incidents = self.incidents.values()
        return {"incidents": self.incidents, "refused": self.refused,
                "triggers": sum(one["triggers"] for one in incidents),
                "resolves": sum(one["resolves"] for one in incidents),
                "open": sorted(key for key, one in self.incidents.items() if one["open"]),
                "reopened": sorted(key for key, one in self.incidents.items() if one["opened"] > 1),
                "resolves_without_trigger": self.resolves_without_trigger}


class Changes:
    """Change events: they open nothing, and have no key."""

    def __init__(self):
        self.events = []

    def take(self, headers, body):
        event = parse(body)
        payload = event.get("payload", {})
        if not (re.fullmatch(r"[0-9A-Za-z]{32}", str(event.get("routing_key")))
                and 0 < len(payload.get("summary", "")) <= 1024 and "event_action" not in event):
            return 400, "application/json", json.dumps({"status": "invalid event"})
        self.events.append(payload["summary"])
        return 202, "application/json", json.dumps({"status": "success"})


# --- The webhook of Alertmanager, version 4 -------------------------------------------------------


def check_alert(alert):
    need(alert.get("status") in ("firing", "resolved"), "alert.status")
    for name in ("labels", "annotations"):
        texts = alert.get(name)
        need(isinstance(texts, dict) and all(isinstance(v, str) for v in texts.values()), name)
    for name in ("startsAt", "endsAt"):
        datetime.fromisoformat(alert[name].replace("Z", "+00:00"))
    need("alertname" in alert["labels"], "alertname")
    need(re.fullmatch(r"[0-9a-f]{16}", alert.get("fingerprint", "")), "fingerprint")
    need(alert["status"] == "firing" or alert["endsAt"] >= alert["startsAt"], "endsAt")


def check_hook(body):
    need(isinstance(body, dict) and body.get("version") == "4", "version")
    need(body.get("status") in ("firing", "resolved"), "status")
    for name in ("groupKey", "receiver", "externalURL"):
        need(isinstance(body.get(name), str), name)
    for name in ("groupLabels", "commonLabels", "commonAnnotations"):
        need(isinstance(body.get(name), dict), name)
    need(isinstance(body.get("truncatedAlerts"), int), "truncatedAlerts")
    need(isinstance(body.get("alerts"), list) and body["alerts"], "alerts")
    for alert in body["alerts"]:
        check_alert(alert)


class Hook:
    def __init__(self):
        self.groups = {}
        self.refused = []

    def take(self, headers, body):
        try:
            message = parse(body)
            check_hook(message)
        except (Refused, ValueError, KeyError, AttributeError) as why:
            self.refused.append(str(why))
            return 400, "text/plain", f"not a version-4 message: {why}"
        group = self.groups.setdefault(message["groupKey"],
                                       {"firing": 0, "resolved": 0, "alerts": 0})
        group[message["status"]] += 1
        group.update(status=message["status"], labels=message["groupLabels"],
                     alerts=group["alerts"] + len(message["alerts"]))
        return 200, "text/plain", ""

    def state(self):
        return {"groups": self.groups, "refused": self.refused}


# --- A training system that deduplicates ----------------------------------------------------------


class Train:
    def __init__(self):
        self.accepted = {}
        self.repeated = 0
        self.refused = []

    def take(self, headers, body):
        key = headers.get("Idempotency-Key")
        try:
            need(key, "no Idempotency-Key")
            request = parse(body)
        except Refused as why:
            self.refused.append(str(why))
            return 400, "application/json", json.dumps({"error": str(why)})
        if key in self.accepted:
            self.repeated += 1
            return 200, "application/json", json.dumps({"run": key, "repeated": True})
        self.accepted[key] = request
        return 201, "application/json", json.dumps({"run": key})

    def state(self):
        return {"accepted": self.accepted, "repeated": self.repeated, "refused": self.refused}


# --- The server -----------------------------------------------------------------------------------


class World:
    def __init__(self, log, rules):
        self.lock = threading.Lock()
        self.log = open(log, "a", encoding="utf-8") if log else None
        self.rules = list(rules)
        self.requests = []
        self.services = {"/slack": Slack(), "/v2/enqueue": PagerDuty(), "/hook": Hook(),
                         "/train": Train()}
        self.more = {"/bot": SlackBot(check_slack), "/opsgenie": Opsgenie(), "/teams": Teams(),
                     "/discord": Discord(), "/alertmanager": Alertmanager(),
                     "/events": CloudEvents(), "/standard": StandardWebhooks(), **systems()}
        self.services["/v2/change/enqueue"] = Changes()

    def pick_rule(self, path, headers, body):
        for rule in self.rules:
            if (path.startswith(rule.get("path", "/")) and rule.get("times", 1) != 0
                    and rule.get("unless_header", "-") not in headers
                    and rule.get("holds", "").encode() in body):
                rule["times"] = rule.get("times", 1) - (rule.get("times", 1) > 0)
                return rule
        return None

    def serve(self, method, path, query, headers, body):
        for prefix, service in self.more.items():
            if path.startswith(prefix + "/"):
                return service.take(method, path, query, headers, body)
        for prefix, service in self.services.items():
            if path == prefix or path.startswith(prefix + "/"):
                return service.take(headers, body)
        return 404, "text/plain", "nothing is here"

    def take(self, method, path, query, headers, body):
        """The answer and the rule that spoils it, if any; recorded before it is sent."""
        with self.lock:
            rule = self.pick_rule(path, headers, body)
            lost = rule and rule.get("action", "answer") not in ("slow", "delay")
            answer = (200, "text/plain", "")
            if not lost or rule.get("effect"):
                answer = self.serve(method, path, query, headers, body)
            if rule and "status" in rule:
                answer = (rule["status"], "text/plain", rule.get("body", ""))
            record = {"time": time.time(), "method": method, "path": path,
                      "headers": dict(headers.items()), "body": body.decode("utf-8", "replace"),
                      "status": answer[0], "fault": rule and rule.get("action", "answer")}
            self.requests.append(record)
            if self.log:
                self.log.write(json.dumps(record) + "\n")
                self.log.flush()
            return answer, rule

    def control(self, body):
        order = json.loads(body.decode("utf-8") or "{}")
        with self.lock:
            if order.get("clear"):
                self.rules = []
            self.rules += order.get("rules", [])
            return 200, "application/json", json.dumps({"rules": self.rules})

    def show(self, path):
        with self.lock:
            if path.startswith("/requests"):
                last = self.requests[-1] if self.requests else None
                shown = last if path.endswith("/last") else self.requests
                return 200, "application/json", json.dumps(shown)
            names = {"/slack": "slack", "/v2/enqueue": "pagerduty", "/hook": "hook",
                     "/train": "train"}
            state = {name: self.services[prefix].state() for prefix, name in names.items()}
            state["changes"] = self.services["/v2/change/enqueue"].events
            state.update((prefix[1:], one.state()) for prefix, one in self.more.items())
            state["requests"] = len(self.requests)
            part = path.removeprefix("/state").strip("/")
            return 200, "application/json", json.dumps(state[part] if part in state else state)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    world = None

    def log_message(self, format, *args):  # the record is the log
        pass

    def read_body(self):
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            size = self.headers.get("Content-Length")
            body = self.rfile.read(int(size or 0))
            if len(body) < int(size or 0) or (self.command == "POST" and not size):
                raise ConnectionAbortedError("the request ended early")
            return body
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def answer(self, answer, rule=None):
        status, kind, text, *more = answer
        data = text.encode("utf-8")
        self.send_response(status)
        for name, value in {**(more[0] if more else {}), **(rule or {}).get("headers", {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command == "HEAD" or status in (204, 304):
            return
        if not rule or rule.get("action") != "slow":
            self.wfile.write(data)
            return
        for i in range(len(data)):
            self.wfile.write(data[i:i + 1])
            self.wfile.flush()
            time.sleep(rule.get("seconds", 1))

    def reset(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.rfile.close()
        self.close_connection = True

    def send_big(self, size):
        self.send_response(200)
        self.send_header("Content-Length", str(size))
        self.end_headers()
        piece = b"x" * 65536
        while size > 0:
            self.wfile.write(piece[:size])
            size -= len(piece)

    def handle_any(self):
        path, _, query = self.path.partition("?")
        body = self.read_body()
        if path == "/control" and self.command == "POST":
            return self.answer(self.world.control(body))
        if path.startswith(("/state", "/requests")) and self.command == "GET":
            return self.answer(self.world.show(path))
        answer, rule = self.world.take(self.command, path, query, self.headers, body)
        action = rule.get("action", "answer") if rule else "answer"
        if action == "reset":
            return self.reset()
        if action in ("hang", "delay"):
            time.sleep(rule.get("seconds", 3600))
        if action == "hang":
            self.close_connection = True
            return None
        if action == "big":
            return self.send_big(rule.get("bytes", 10_000_000))
        return self.answer(answer, rule)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = handle_any


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        error = sys.exc_info()[1]
        if not isinstance(error, (OSError, ValueError)):
            super().handle_error(request, client_address)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--log", help="file to append the requests to")
    parser.add_argument("--rules", default="[]", help="JSON list of rules")
    parser.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"))
    parser.add_argument("--tls-old", action="store_true", help="speak TLS 1.0 and 1.1 only")
    parser.add_argument("--until-eof", action="store_true")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    Handler.world = World(args.log, json.loads(args.rules))
    server = Server((args.host, args.port), Handler)
    if args.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*args.tls)
        if args.tls_old:
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
            context.set_ciphers("ALL:@SECLEVEL=0")
        server.socket = context.wrap_socket(server.socket, server_side=True,
                                            do_handshake_on_connect=False)
    if args.until_eof:
        threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    print(server.server_address[1], flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        os._exit(0)


if __name__ == "__main__":
    main()
