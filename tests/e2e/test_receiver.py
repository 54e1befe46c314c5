# SPDX-License-Identifier: GPL-3.0-or-later
"""The test receiver itself: what the real services would refuse, it refuses; what it is told to
break, it breaks. Without this the other tests could pass against a receiver that takes anything."""
import json
import subprocess
import sys
from pathlib import Path

import pytest
import requests

pytestmark = pytest.mark.plain  # pgvigil has no part in it
RECEIVER = Path(__file__).resolve().parent.parent / "receiver.py"
KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def receiver(tmp_path):
    child = subprocess.Popen([sys.executable, str(RECEIVER), "--log", str(tmp_path / "log")],
                             stdout=subprocess.PIPE, text=True)
    yield f"http://127.0.0.1:{int(child.stdout.readline())}"
    child.terminate()
    assert child.wait(timeout=5) == 0
    child.stdout.close()


def plain(text):
    return {"type": "plain_text", "text": text}


def slack(blocks, text="said"):
    return {"text": text, "blocks": blocks}


def trigger(**changes):
    payload = {"summary": "s", "source": "t", "severity": "critical", **changes}
    return {"routing_key": KEY, "event_action": "trigger", "dedup_key": "k", "payload": payload}


def hook(**changes):
    alert = {"status": "firing", "labels": {"alertname": "ks"}, "annotations": {},
             "startsAt": "2001-06-12T00:00:00Z", "endsAt": "0001-01-01T00:00:00Z",
             "fingerprint": "0123456789abcdef", **changes}
    return {"version": "4", "groupKey": "k", "status": "firing", "receiver": "r",
            "externalURL": "", "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {},
            "truncatedAlerts": 0, "alerts": [alert]}


FINE = [
    ("/slack", slack([{"type": "header", "text": plain("x" * 150)}]), 200),
    ("/slack/T1/B1", slack([], "<https://x.test/a|b> &amp; &lt;"), 200),
    ("/v2/enqueue", trigger(), 202),
    ("/hook", hook(), 200),
]
BAD = [
    ("/slack", {}),
    ("/slack", slack([], "<!channel>")),
    ("/slack", slack([], "a & b")),
    ("/slack", slack([], "a > b")),
    ("/slack", slack([{"type": "header", "text": plain("x" * 151)}])),
    ("/slack", slack([{"type": "header", "text": plain("\U0001f4a9" * 76)}])),
    ("/slack", slack([{"type": "section", "text": plain("x" * 3001)}])),
    ("/slack", slack([{"type": "section", "text": plain("")}])),
    ("/slack", slack([{"type": "section", "text": plain("<@U1>")}])),
    ("/slack", slack([{"type": "divider"}] * 51)),
    ("/slack", slack([{"type": "section", "text": plain("x" * 2700)}] * 5)),
    ("/slack", slack([{"type": "blink"}])),
    ("/v2/enqueue", dict(trigger(), routing_key="short")),
    ("/v2/enqueue", dict(trigger(), event_action="open")),
    ("/v2/enqueue", trigger(summary="x" * 1025)),
    ("/v2/enqueue", trigger(summary="")),
    ("/v2/enqueue", trigger(severity="fatal")),
    ("/v2/enqueue", trigger(timestamp="yesterday")),
    ("/v2/enqueue", {"routing_key": KEY, "event_action": "resolve"}),
    ("/hook", hook(endsAt="never")),
    ("/hook", hook(fingerprint="xyz")),
    ("/hook", hook(labels={"alertname": 1})),
    ("/hook", hook(status="resolved")),
    ("/hook", dict(hook(), version="3")),
]


def test_published_limits(receiver):
    for path, body, status in FINE:
        assert requests.post(receiver + path, json=body).status_code == status, body
    for path, body in BAD:
        assert requests.post(receiver + path, json=body).status_code == 400, body
    for path in ("/slack", "/v2/enqueue", "/hook"):
        kind = {"Content-Type": "application/json"}
        assert requests.post(receiver + path, data="{", headers=kind).status_code == 400
    state = requests.get(receiver + "/state").json()
    assert state["slack"]["delivered"] == 2 and len(state["slack"]["refused"]) == 13
    assert state["requests"] == len(FINE) + len(BAD) + 3


def test_incidents_and_trainings_are_deduplicated(receiver):
    for action in ("resolve", "trigger", "trigger", "resolve", "trigger"):
        event = dict(trigger(), event_action=action)
        assert requests.post(receiver + "/v2/enqueue", json=event).status_code == 202
    state = requests.get(receiver + "/state/pagerduty").json()
    assert state["resolves_without_trigger"] == 1
    assert state["incidents"]["k"]["opened"] == 2 and state["reopened"] == ["k"]
    assert state["open"] == ["k"] and state["triggers"] == 3 and state["resolves"] == 1
    assert requests.post(receiver + "/train", json={}).status_code == 400
    for status in (201, 200, 200):
        answer = requests.post(receiver + "/train", json={"a": 1}, headers={"Idempotency-Key": "k"})
        assert answer.status_code == status
    state = requests.get(receiver + "/state/train").json()
    assert state["accepted"] == {"k": {"a": 1}} and state["repeated"] == 2


def test_faults_are_played_as_told(receiver, tmp_path):
    rules = [{"path": "/train", "status": 429, "headers": {"Retry-After": "3"}, "times": 2},
             {"path": "/train", "action": "reset", "effect": True}]
    requests.post(receiver + "/control", json={"rules": rules})
    call = {"json": {}, "headers": {"Idempotency-Key": "k"}}
    for _ in range(2):
        answer = requests.post(receiver + "/train", **call)
        assert answer.status_code == 429 and answer.headers["Retry-After"] == "3"
    with pytest.raises(requests.ConnectionError):
        requests.post(receiver + "/train", **call)
    assert requests.post(receiver + "/train", **call).json() == {"run": "k", "repeated": True}
    log = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert [entry["fault"] for entry in log] == ["answer", "answer", "reset", None]
    assert log[0]["headers"]["Idempotency-Key"] == "k" and log[0]["body"] == "{}"
