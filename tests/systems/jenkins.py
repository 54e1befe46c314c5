# SPDX-License-Identifier: GPL-3.0-or-later
"""Jenkins: jenkins.io/doc/book/using/remote-access-api. A build is asked for in the queue, and the
item of the queue becomes a build, after which the queue forgets it."""
import base64
import json
import re
from urllib.parse import parse_qs, unquote

from receivers.base import Service, need

USER, TOKEN = "pgvigil", "canary-jenkins-token"
NAMES = {"PGVIGIL_ONSET_KEY", "model"}  # others are dropped by SECURITY-170


class Jenkins(Service):
    def __init__(self):
        super().__init__()
        self.items, self.builds, self.looks = {}, [], 0

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
            need(query == "tree=items[id,url,actions[parameters[name,value]]]", "tree", 400)
            return self.tell({"items": list(self.items.values())})
        if rest == "/job/ml/job/retrain/api/json":
            need(re.fullmatch(r"tree=builds\[number,url,building,result,"
                              r"actions\[parameters\[name,value\]\]\]\{0,20\}", query), "tree", 400)
            return self.tell({"builds": self.builds[::-1]})
        return self.look(rest)

    def tell(self, what):
        return 200, "application/json", json.dumps(what)

    def queue(self, form):
        parameters = [{"name": k, "value": v[0]} for k, v in form.items() if k in NAMES]
        number = 100 + len(self.items) + len(self.builds)
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
            self.builds.append({"number": 5, "url": "https://jenkins.test/5/", "building": True,
                                "result": None, "actions": one["actions"]})
            return self.tell({**one, "executable": {"number": 5, "url": "https://jenkins.test/5/"}})
        build = re.fullmatch(r"/job/ml/job/retrain/(\d+)/api/json", rest)
        need(build and self.builds, "path", 404)
        self.builds[0].update(building=self.looks < 4, result="SUCCESS" if self.looks > 3 else None)
        return self.tell(self.builds[0])

    def state(self):
        return {"items": list(self.items.values()), "builds": self.builds, "refused": self.refused}
