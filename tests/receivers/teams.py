# SPDX-License-Identifier: GPL-3.0-or-later
"""A workflow of Microsoft Teams ("When a Teams webhook request is received"): an Adaptive Card of
version 1.4 in a message, at most 28 KB; it answers 202 and posts later."""
import json

from receivers.base import Service, need, parse


def check_inline(run):
    need(run.get("type") == "TextRun" and isinstance(run.get("text"), str), "TextRun")
    need("<at>" not in run["text"], "a mention")
    need(run.get("color", "Default") in ("Default", "Good", "Warning", "Attention", "Accent"),
         "color")


def check_card(card):
    need(card.get("type") == "AdaptiveCard" and card.get("version") == "1.4", "AdaptiveCard")
    need(isinstance(card.get("body"), list) and card["body"], "body")
    for block in card["body"]:
        need(block.get("type") == "RichTextBlock" and block.get("inlines"), "block")
        for run in block["inlines"]:
            check_inline(run)
    for action in card.get("actions", []):
        need(action.get("type") == "Action.OpenUrl" and action["url"].startswith("http"), "action")


class Teams(Service):
    def __init__(self):
        super().__init__()
        self.cards = []

    def serve(self, method, path, query, headers, body):
        need(method == "POST", "method", 405)
        need(headers.get("Content-Type") == "application/json", "content type", 415)
        need(len(body) <= 28 * 1024, "larger than 28 KB", 413)
        message = parse(body)
        need(message.get("type") == "message" and len(message.get("attachments", [])) == 1,
             "TriggerInputSchemaMismatch")
        one = message["attachments"][0]
        need(one.get("contentType") == "application/vnd.microsoft.card.adaptive", "contentType")
        check_card(one["content"])
        self.cards.append([block["inlines"][0]["text"] for block in one["content"]["body"]])
        return 202, "text/plain", ""

    def state(self):
        return {"cards": self.cards, "refused": self.refused}
