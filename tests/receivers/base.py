# SPDX-License-Identifier: GPL-3.0-or-later
"""What the played systems share: refusals, and lengths as services count them."""
import json


class Refused(Exception):
    """A request that the real service would not take; with its own status and body."""

    def __init__(self, why, status=400, body=None):
        super().__init__(why)
        self.status, self.body = status, body


def need(condition, why, status=400, body=None):
    if not condition:
        raise Refused(why, status, body)


def parse(body):
    try:
        return json.loads(body.decode("utf-8"))
    except ValueError as error:
        raise Refused(f"invalid JSON: {error}") from error


def units(text):
    """Length in UTF-16 units: what a service counts at worst."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


class Service:
    """One played system. take() gives status, content type and body, also of what is refused."""

    def __init__(self):
        self.refused = []

    def take(self, method, path, query, headers, body):
        try:
            return self.serve(method, path, query, headers, body)
        except Refused as why:
            self.refused.append(str(why))
            return why.status, "application/json", json.dumps(why.body or {"message": str(why)})

    def state(self):
        return {"refused": self.refused}
