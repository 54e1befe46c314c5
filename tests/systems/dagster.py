# SPDX-License-Identifier: GPL-3.0-or-later
"""GraphQL of Dagster: docs.dagster.io/api/graphql. 200 whatever happens; a run has no key."""
import json

from receivers.base import Service, need, parse

TOKEN = "canary-dagster-token"


class Dagster(Service):
    def __init__(self):
        super().__init__()
        self.runs, self.looks = [], 0

    def serve(self, method, path, query, headers, body):
        need(headers.get("Dagster-Cloud-Api-Token") == TOKEN, "token", 401)
        need("Authorization" not in headers, "authorization", 401)
        need(method == "POST" and path == "/dagster/graphql", "path", 404)
        need(headers.get("Content-Type") == "application/json", "type", 415)
        asked = parse(body)
        need(set(asked) == {"query", "variables"}, "unknown field")
        text, variables = asked["query"], asked["variables"]
        need(text.count("{") == text.count("}") and "__typename" in text, "query")
        for field, serve in (("runsOrError(", self.find), ("launchRun(", self.launch),
                             ("runOrError(", self.show)):
            if field in text:
                return 200, "application/json", json.dumps(
                    {"data": {field[:-1]: serve(text, variables)}})
        return 400, "application/json", json.dumps({"errors": [{"message": "no such field"}]})

    def find(self, text, variables):
        need('filter: {tags: [{key: "pgvigil/onset_key", value: $key}]}' in text, "filter")
        need("query($key: String!)" in text and set(variables) == {"key"}, "variables")
        tag = {"key": "pgvigil/onset_key", "value": variables["key"]}
        found = [run for run in self.runs if tag in run["tags"]]
        return {"__typename": "Runs",
                "results": [{"runId": run["runId"], "status": "QUEUED"} for run in found]}

    def launch(self, text, variables):
        need(text.startswith("mutation($params: ExecutionParams!)")
             and "launchRun(executionParams: $params)" in text, "query")
        params = variables["params"]
        need(set(params) <= {"selector", "runConfigData", "executionMetadata", "mode", "stepKeys",
                             "preset"}, "unknown field")
        if params["selector"] != {"jobName": "retrain", "repositoryName": "__repository__",
                                  "repositoryLocationName": "models"}:
            return {"__typename": "PipelineNotFoundError", "message": "no such job"}
        need(set(params["executionMetadata"]) <= {"tags", "rootRunId", "parentRunId"}, "metadata")
        if set(params["runConfigData"]) - {"ops", "resources", "execution", "loggers"}:
            return {"__typename": "RunConfigValidationInvalid",
                    "errors": [{"message": "Received unexpected config entry"}]}
        run = {"runId": f"b{len(self.runs)}", "tags": params["executionMetadata"]["tags"],
               "config": params["runConfigData"]}
        self.runs.append(run)
        return {"__typename": "LaunchRunSuccess",
                "run": {"runId": run["runId"], "status": "QUEUED"}}

    def show(self, text, variables):
        need("query($id: ID!)" in text and "runOrError(runId: $id)" in text, "query")
        if variables["id"] not in [run["runId"] for run in self.runs]:
            return {"__typename": "RunNotFoundError", "message": "Run could not be found"}
        self.looks += 1
        status = ["QUEUED", "STARTING", "STARTED", "SUCCESS"][min(self.looks, 3)]
        return {"__typename": "Run", "runId": variables["id"], "status": status}

    def state(self):
        return {"runs": self.runs, "refused": self.refused}
