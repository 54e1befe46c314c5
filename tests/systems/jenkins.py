# SPDX-License-Identifier: GPL-3.0-or-later
"""Jenkins: jenkins.io/doc/book/using/remote-access-api. A build is asked for in the queue, and the
item of the queue becomes a build, after which the queue forgets it. The server is a busy one, with
a long queue and many builds of the job."""
import base64
import json
import re
import time
from urllib.parse import parse_qs, unquote

from receivers.base import Service, need

USER, TOKEN = "pgvigil", "canary-jenkins-token"
KEY = "PGVIGIL_ONSET_KEY"
NAMES = {KEY, "model"}  # others are dropped by SECURITY-170
ACTIONS = r"actions\[parameters\[name,value\]\]"


def is_ours(one):
    return any(p["name"] == KEY for action in one["actions"] for p in action["parameters"])


class Jenkins(Service):
    def __init__(self):
        super().__init__()
        self.items, self.builds, self.looks = {}, [], 0
        for number in range(1, 13):
            self.items[number] = {"id": number, "actions": [{"parameters": []}]}
        for _ in range(25):
            self.add([{"parameters": []}])

    def add(self, actions):
        number = 1 + len(self.builds)
        self.builds.append({"number": number, "url": f"https://jenkins.test/{number}/",
                            "building": True, "result": None,
                            "timestamp": int(time.time() * 1000), "actions": actions})
        return self.builds[-1]

    def serve(self, method, path, query, headers, body):
        basic = base64.b64encode(f"{USER}:{TOKEN}".encode()).decode()
        need(headers.get("Authorization") == f"Basic {basic}", "authorization", 401)
        query = unquote(query)
        rest = path.removeprefix("/jenkins")
        if method == "POST":
            need(rest == "/job/ml/job/retrain/buildWithParameters", "path", 404)
            need(query == "delay=0sec", "delay", 400)
            need(headers.get("Content-Type") == "application/x-www-form-urlencoded", "type", 415)
            return self.queue(parse_qs(body.decode(), keep_blank_values=True))
        need(method == "GET", "method", 405)
        if rest == "/queue/api/json":
            asked = re.fullmatch(r"tree=items\[id,url," + ACTIONS + r"\]\{(\d+),(\d+)\}", query)
            need(asked, "tree", 400)
            return self.tell({"items": self.cut(self.items.values(), asked)})
        if rest == "/job/ml/job/retrain/api/json":
            asked = re.fullmatch(r"tree=builds\[number,url,building,result,timestamp," + ACTIONS
                                 + r"\]\{(\d+),(\d+)\}", query)
            need(asked, "tree", 400)
            return self.tell({"builds": self.cut(self.builds[:-101:-1], asked)})
        return self.look(rest)

    def cut(self, of, asked):
        return list(of)[int(asked.group(1)):int(asked.group(2))]

    def tell(self, what):
        return 200, "application/json", json.dumps(what)

    def queue(self, form):
        parameters = [{"name": k, "value": v[0]} for k, v in form.items() if k in NAMES]
        number = 1000 + len(self.items) + len(self.builds)
        same = next((i for i in self.items.values()
                     if i["actions"][0]["parameters"] == parameters), None)
        if same is None:
            self.items[number] = same = {"id": number, "actions": [{"parameters": parameters}]}
        return (201, "text/plain", "",
                {"Location": f"https://other-name.test/queue/item/{same['id']}/"})

    def look(self, rest):
        self.looks += 1
        item = re.fullmatch(r"/queue/item/(\d+)/api/json", rest)
        if item:
            one = self.items.get(int(item.group(1)))
            need(one, "item", 404)
            if self.looks == 1:
                return self.tell({**one, "why": "Waiting for next available executor"})
            self.items.pop(one["id"])
            made = self.add(one["actions"])
            return self.tell({**one, "executable": {"number": made["number"], "url": made["url"]}})
        build = re.fullmatch(r"/job/ml/job/retrain/(\d+)/api/json", rest)
        need(build and 0 < int(build.group(1)) <= len(self.builds), "path", 404)
        made = self.builds[int(build.group(1)) - 1]
        made.update(building=self.looks < 4, result="SUCCESS" if self.looks > 3 else None)
        return self.tell(made)

    def state(self):
        return {"items": [item for item in self.items.values() if is_ours(item)],
                "builds": [build for build in self.builds if is_ours(build)],
                "refused": self.refused}
