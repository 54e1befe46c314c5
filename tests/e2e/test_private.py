# SPDX-License-Identifier: GPL-3.0-or-later
"""Private columns: no value of them in state, results, messages, metrics or logs."""
import struct

CANARY = "canary-4711-text"
LOW, HIGH, ODD = -77123.4375, 88123.5625, 4242.424242


def test_no_value_is_kept_or_shown(database, pgvigil, receiver):
    received = receiver()
    pgvigil.config["receivers"] = {"ops": {"webhook": {"url": received.url + "/hook"}}}
    pgvigil.config["web"] = {"listen": "127.0.0.1:0"}
    pgvigil.write()
    database.execute(f"""
        CREATE TABLE t AS SELECT timestamptz '2025-01-01' + n * interval '1 min' AS at,
            CASE WHEN n % 500 = 0 THEN '{CANARY}' ELSE 'x' || n % 3 END AS secret,
            CASE WHEN n % 1440 = 7 THEN {LOW} WHEN n % 1440 = 9 THEN {HIGH}
                 WHEN n % 1440 = 11 THEN {ODD} ELSE n % 1440 END::float8 AS wage,
            'key-' || n AS id
        FROM generate_series(0, 5 * 1440 - 1) n;
        CREATE INDEX ON t (at)""")
    pgvigil.rule("t", {
        "version": 1, "dataset": "t",
        "source": {"connection": "warehouse", "table": "public.t", "time_column": "at",
                   "key": ["id"]},
        "schedule": {"window": "1d"}, "reference": {"from": "2025-01-01", "to": "2025-01-03"},
        "expose_values": True,
        "columns": {"secret": {"private": True, "allowed": ["x0", "x1"]},
                    "wage": {"private": True, "range": {"min": 0, "max": 1000},
                             "drift": {"ks": 0.001}}},
        "notify": {"to": ["ops"]}})
    replay = pgvigil.expect(0, "run", "--from", "2025-01-03", "--until", "2025-01-06",
                            "--state", "replay.db", "--notify", "ops")
    shown = replay.out + replay.err
    for command in (["status"], ["status", "--json"], ["reference", "show", "t"],
                    ["reference", "list"]):
        result = pgvigil.expect(0, *command, "--state", "replay.db")
        shown += result.out + result.err
    checked = pgvigil.run("check", "--json", "--at", "2025-01-04T00:10:00Z", "--state", "replay.db")
    drift = [r for r in checked.json["datasets"][0]["results"] if r["check"] == "ks"]
    assert drift[0]["n"] == 1440 and drift[0]["value"] is not None, "drift is judged all the same"
    shown += checked.out + checked.err
    shown += "".join(r["body"] for r in received.requests())
    assert received.requests("/hook"), "something was told"
    state = b"".join(p.read_bytes() for p in pgvigil.folder.glob("replay.db*"))
    for text in (CANARY, "key-"):
        assert text not in shown and text.encode() not in state, text
    for number in (LOW, HIGH, ODD):
        assert repr(number)[:7] not in shown, number
        assert struct.pack("<d", number) not in state, number
        assert struct.pack(">d", number) not in state, number
