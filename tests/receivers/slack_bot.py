# SPDX-License-Identifier: GPL-3.0-or-later
"""Slack's Web API for a bot: docs.slack.dev, chat.postMessage and chat.update. It says 200 and
{"ok": false, "error": ...} to what it refuses."""
import json

from receivers.base import Service, parse

TOKEN = "xoxb-canary-0123456789"


class SlackBot(Service):
    def __init__(self, check):
        super().__init__()
        self.check, self.messages, self.calls = check, {}, []

    def fail(self, error):
        self.refused.append(error)
        return 200, "application/json", json.dumps({"ok": False, "error": error})

    def serve(self, method, path, query, headers, body):
        call = path.rsplit("/", 1)[-1]
        if method != "POST" or call not in ("chat.postMessage", "chat.update"):
            return self.fail("unknown_method")
        if headers.get("Authorization") != f"Bearer {TOKEN}":
            return self.fail("invalid_auth")
        if headers.get("Content-Type") != "application/json; charset=utf-8":
            return self.fail("invalid_form_data")
        payload = parse(body)
        self.check(payload)
        channel, ts = payload.get("channel"), payload.get("ts")
        if channel != "C0123456789":
            return self.fail("channel_not_found")
        self.calls.append(call)
        if call == "chat.update":
            if ts not in self.messages:
                return self.fail("message_not_found")
            self.messages[ts]["text"] = payload["text"]
            self.messages[ts]["edits"] += 1
        else:
            thread = payload.get("thread_ts")
            if thread and thread not in self.messages:
                return self.fail("thread_not_found")
            ts = f"1503435956.{len(self.messages):06}"
            self.messages[ts] = {"text": payload["text"], "thread": thread, "edits": 0,
                                 "broadcast": bool(payload.get("reply_broadcast"))}
        return 200, "application/json", json.dumps({"ok": True, "channel": channel, "ts": ts})

    def state(self):
        return {"messages": self.messages, "calls": self.calls, "refused": self.refused}
