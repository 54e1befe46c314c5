# SPDX-License-Identifier: GPL-3.0-or-later
"""pgvigil retrain without a daemon and beside one: what waits, what is said, what is sent."""
import json


def set_up(pgvigil, receiver, database):
    """Rows whose x has moved by half of its range, and what it was before; one reading a minute."""
    database.execute("CREATE TABLE was AS SELECT n AS id, n / 1000.0 AS x"
                     " FROM generate_series(1, 1000) n")
    database.execute("CREATE TABLE now AS SELECT id, x + 0.5 AS x FROM was")
    token = pgvigil.folder / "token"
    token.write_text("canary-of-the-token\n")
    token.chmod(0o600)
    pgvigil.config["receivers"] = {"ops": {"webhook": {"url": receiver.url + "/ops"}}}
    pgvigil.config["retraining"] = {"m": {
        "http": {"url": receiver.url + "/train", "token_file": "token"}, "approval": "manual"}}
    pgvigil.write()
    pgvigil.rule("now", {
        "version": 1, "dataset": "now", "model": "m", "role": "features",
        "source": {"connection": "warehouse", "table": "public.now", "key": ["id"]},
        "schedule": {"window": "1m", "delay": "0s"}, "reference": {"table": "public.was"},
        "columns": {"x": {"nulls": 0, "drift": {"ks": 0.2}}}, "notify": {"to": ["ops"]}})


def group(pgvigil):
    return pgvigil.expect(0, "retrain", "list", "--json").json["models"][0]


def test_deny_approve_and_send(pgvigil, receiver, database):
    receiver = receiver()
    set_up(pgvigil, receiver, database)
    for unknown in (["list"], ["fire", "--why", "x"], ["fire", "--dry-run"]):
        assert pgvigil.expect(64, "retrain", unknown[0], "nosuch", *unknown[1:]).err == \
            "pgvigil: there is no retraining.nosuch\n"
    pgvigil.expect(2, "retrain", "approve", "m")
    pgvigil.run("run", "--once")
    waits = group(pgvigil)
    assert waits["state"] == "waiting", waits
    onset = waits["onsets"][0]
    assert onset["key"] == waits["onset"] and onset["rule"] == "x.drift.ks"
    assert waits["decisions"][0]["decision"] == "waiting"
    assert waits["decisions"][0]["by"] == "pgvigil"
    assert waits["decisions"][0]["evidence"]["rows"] == 1000
    key = onset["key"]
    asked = [r for r in receiver.requests("/ops") if "retrain approve" in r["body"]]
    assert len(asked) == 1 and key[:12] in asked[0]["body"]

    # nothing is sent, and no secret shown
    shown = pgvigil.expect(0, "retrain", "fire", "m", "--dry-run").out
    assert f"POST {receiver.url}/train" in shown and f"Idempotency-Key: {key}" in shown
    assert "every guard of the group passes" in shown and "(token in " in shown
    assert "canary" not in shown and '"onset_key":"' + key in shown.replace(" ", "")

    # no daemon runs: the state itself is changed
    pgvigil.expect(64, "retrain", "deny", key[:12])
    pgvigil.expect(0, "retrain", "deny", key[:12], "--why", "not today")
    assert group(pgvigil)["state"] == "denied"
    assert "not today" in pgvigil.expect(0, "status").out
    assert receiver.requests("/train") == []

    # beside a daemon: it obeys, once
    daemon = pgvigil.start()
    daemon.wait_log("started")
    said = pgvigil.expect(0, "retrain", "approve", "m", "--why", "it is real").out
    assert "on its way" in said and key in said
    daemon.wait_for(lambda: receiver.requests("/train"), what="the request")
    assert "has been made" in pgvigil.expect(2, "retrain", "approve", key[:12]).err
    held = pgvigil.expect(2, "retrain", "fire", "m", "--why", "once more").err
    assert "cooldown until" in held
    daemon.wait_for(lambda: group(pgvigil)["runs"][0]["state"] == "accepted", what="the run")
    asked = group(pgvigil)
    daemon.stop()
    requests = receiver.requests("/train")
    assert len(requests) == 1
    headers = {k.lower(): v for k, v in requests[0]["headers"].items()}
    assert headers["idempotency-key"] == key
    assert headers["authorization"] == "Bearer canary-of-the-token"
    assert json.loads(requests[0]["body"])["onset_key"] == key
    assert asked["state"] == "asked"
    kinds = [d["decision"] for d in reversed(asked["decisions"])]
    assert kinds == ["opened", "waiting", "denied", "approved", "fired", "withheld", "accepted"] \
        or kinds == ["opened", "waiting", "denied", "approved", "fired", "accepted", "withheld"]
