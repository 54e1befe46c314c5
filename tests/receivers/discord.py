# SPDX-License-Identifier: GPL-3.0-or-later
"""A webhook of Discord: docs.discord.com/developers/resources/webhook, its limits of embeds, its
error bodies with a code, and messages that can be edited."""
import json
import re

from receivers.base import Service, need, parse, units

EMBED = {"title": 256, "description": 4096}
MENTION = re.compile(r"@(everyone|here)|<[@#]")


def bad(code, message):
    return {"message": message, "code": code}


def check_message(message):
    form = bad(50035, "Invalid Form Body")
    need(message.get("content") or message.get("embeds"), "empty", 400,
         bad(50006, "Cannot send an empty message"))
    need(units(message.get("content", "")) <= 2000, "content over 2000", 400, form)
    need(message.get("allowed_mentions") == {"parse": []}, "anybody may be mentioned", 400, form)
    need(not MENTION.search(message.get("content", "")), "a mention", 400, form)
    total = 0
    need(len(message.get("embeds", [])) <= 10, "over 10 embeds", 400, form)
    for embed in message.get("embeds", []):
        for name, most in EMBED.items():
            need(units(embed.get(name, "")) <= most, f"{name} over {most}", 400, form)
            total += units(embed.get(name, ""))
        need(len(embed.get("fields", [])) <= 25, "over 25 fields", 400, form)
        for field in embed.get("fields", []):
            need(0 < units(field["name"]) <= 256 and 0 < units(field["value"]) <= 1024, "field",
                 400, form)
            total += units(field["name"]) + units(field["value"])
        total += units(embed.get("footer", {}).get("text", ""))
    need(total <= 6000, "embeds over 6000", 400, form)


class Discord(Service):
    def __init__(self):
        super().__init__()
        self.messages = {}

    def serve(self, method, path, query, headers, body):
        need(headers.get("Content-Type") == "application/json", "content type", 400)
        message = parse(body)
        check_message(message)
        edited = re.fullmatch(r"/discord/[^/]+/messages/(\d+)", path)
        if method == "PATCH" and edited:
            need(edited.group(1) in self.messages, "unknown message", 404,
                 bad(10008, "Unknown Message"))
            one = self.messages[edited.group(1)]
            one.update(content=message["content"], edits=one["edits"] + 1)
            return 200, "application/json", json.dumps({"id": edited.group(1)})
        need(method == "POST" and not edited, "method", 405, bad(0, "405: Method Not Allowed"))
        key = str(10_000_000_000 + len(self.messages))
        self.messages[key] = {"content": message["content"], "edits": 0}
        if "wait=true" not in (query or "").split("&"):
            return 204, "text/plain", ""
        return 200, "application/json", json.dumps({"id": key, "content": message["content"]})

    def state(self):
        return {"messages": self.messages, "refused": self.refused}
