# SPDX-License-Identifier: GPL-3.0-or-later
"""Pipelines of Amazon SageMaker: docs.aws.amazon.com/sagemaker/latest/APIReference. Every request
is signed, Signature Version 4 (docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-
signed-request.html), which is computed anew here from what has arrived."""
import hashlib
import hmac
import json
import re
from datetime import datetime, timezone

from receivers.base import Service, need, parse

ID, SECRET = "AKIAcanary", "canary/aws+secret"
ARN = "arn:aws:sagemaker:eu-central-1:123456789012:pipeline/retrain/execution/"
SCOPE = "/eu-central-1/sagemaker/aws4_request"
FIELDS = {"ClientRequestToken", "PipelineName", "PipelineExecutionDisplayName",
          "PipelineExecutionDescription", "PipelineParameters", "ParallelismConfiguration",
          "SelectiveExecutionConfig"}


def sign(method, path, query, signed, headers, body, date):
    canonical = "\n".join(
        [method, path, query]
        + [f"{name}:{' '.join(headers.get(name).split())}" for name in signed]
        + ["", ";".join(signed), hashlib.sha256(body).hexdigest()])
    text = "\n".join(["AWS4-HMAC-SHA256", date, date[:8] + SCOPE,
                      hashlib.sha256(canonical.encode()).hexdigest()])
    key = b"AWS4" + SECRET.encode()
    for part in (date[:8], *SCOPE[1:].split("/"), text):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key.hex()


class SageMaker(Service):
    def __init__(self):
        super().__init__()
        self.runs, self.looks, self.sessions, self.throttled = {}, 0, [], False

    def check_signature(self, method, path, query, headers, body):
        given = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})(/\S+), "
                             r"SignedHeaders=(\S+), Signature=([0-9a-f]{64})",
                             headers.get("Authorization", ""))
        need(given, "authorization", 403, {"__type": "MissingAuthenticationTokenException"})
        key, day, scope, signed, signature = given.groups()
        date, signed = headers.get("X-Amz-Date"), signed.split(";")
        need(key == ID and scope == SCOPE and date.startswith(day), "scope", 403)
        need(abs((datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
                  - datetime.now(timezone.utc)).total_seconds()) < 300, "date", 403)
        need(signed == sorted(signed), "order of the headers", 403)
        wanted = {"host", "x-amz-date", "x-amz-target", "content-type"}
        wanted |= {"x-amz-security-token"} if headers.get("X-Amz-Security-Token") else set()
        need(wanted <= set(signed), f"signed are {signed}", 403)
        need(all(name in headers for name in signed), f"not all of {signed} have arrived", 403)
        need(signature == sign(method, path, query, signed, headers, body, date), "signature", 403,
             {"__type": "InvalidSignatureException"})

    def serve(self, method, path, query, headers, body):
        self.check_signature(method, path, query, headers, body)
        need(method == "POST" and path == "/sagemaker/" and not query, "path", 404)
        need(headers.get("Content-Type") == "application/x-amz-json-1.1", "type", 415)
        self.sessions.append(headers.get("X-Amz-Security-Token"))
        serve = {"SageMaker.StartPipelineExecution": self.start,
                 "SageMaker.DescribePipelineExecution": self.describe}
        need(headers.get("X-Amz-Target") in serve, "target", 400,
             {"__type": "UnknownOperationException"})
        return serve[headers.get("X-Amz-Target")](parse(body))

    def tell(self, what, status=200):
        return status, "application/x-amz-json-1.1", json.dumps(what)

    def start(self, asked):
        need(set(asked) <= FIELDS, "unknown field", 400, {"__type": "ValidationException"})
        token = asked["ClientRequestToken"]
        need(32 <= len(token) <= 128, "ClientRequestToken", 400, {"__type": "ValidationException"})
        need(re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,81}",
                          asked["PipelineExecutionDisplayName"]), "display name", 400,
             {"__type": "ValidationException"})
        need(asked["PipelineName"] == "retrain", "pipeline", 400, {"__type": "ResourceNotFound"})
        for one in asked["PipelineParameters"]:
            need(set(one) == {"Name", "Value"} and isinstance(one["Value"], str)
                 and len(one["Value"]) <= 1024 and one["Name"] in ("model", "rows"), "parameter",
                 400, {"__type": "ValidationException"})
        known = self.runs.setdefault(token, {"arn": f"{ARN}{len(self.runs)}", "asked": asked})
        need(known["asked"] == asked, "another request with this token", 400,
             {"__type": "ValidationException"})
        return self.tell({"PipelineExecutionArn": known["arn"]})

    def describe(self, asked):
        need(set(asked) == {"PipelineExecutionArn"}, "unknown field")
        need(asked["PipelineExecutionArn"] in [run["arn"] for run in self.runs.values()], "arn",
             400, {"__type": "ResourceNotFound"})
        if not self.throttled:
            self.throttled = True
            return self.tell({"__type": "com.amazon.coral#ThrottlingException",
                              "message": "Rate exceeded"}, 400)
        self.looks += 1
        return self.tell({"PipelineExecutionStatus": "Executing" if self.looks < 3 else "Failed",
                          "FailureReason": "a step" if self.looks > 2 else None})

    def state(self):
        return {"runs": self.runs, "sessions": self.sessions, "refused": self.refused}
