# SPDX-License-Identifier: GPL-3.0-or-later
"""References that live: rolling, seasonal, several at once, promoted, and what lasts.

Tables of hourly rows from fixed seeds; replays on the virtual clock, and one real daemon.
"""
import io
import sqlite3
from datetime import datetime, timedelta

import numpy as np

FIRST = datetime(2001, 1, 1)  # a Monday


def fill(database, values, name="t", per_hour=40):
    """One row every 90 seconds from FIRST on; `values` are those of x, a column each beyond."""
    database.execute(f"CREATE TABLE {name} (at timestamptz NOT NULL, x float8)")
    lines = "".join(f"{(FIRST + timedelta(hours=i / per_hour)).isoformat()}Z\t{v!r}\n"
                    for i, v in enumerate(np.asarray(values).tolist()))
    copy(database, name, lines)
    database.execute(f"CREATE INDEX ON {name} (at)")


def copy(database, name, lines):
    with database.connect() as connection, connection.cursor() as cursor:
        cursor.copy_expert(f"COPY {name} FROM STDIN", io.StringIO(lines))
    connection.close()


def rule(**more):
    return {"version": 1, "dataset": "t",
            "source": {"connection": "warehouse", "table": "public.t", "time_column": "at"},
            "schedule": {"window": "1d", "delay": "0s", "every": "6h"}, **more}


def replay(pgvigil, begin, end, state="replay.db"):
    at = [(FIRST + timedelta(days=d)).isoformat() + "Z" for d in (begin, end)]
    return pgvigil.expect(0, "run", "--from", at[0], "--until", at[1], "--state", state)


def query(pgvigil, sql, *params, state="replay.db"):
    with sqlite3.connect(f"file:{pgvigil.folder / state}?mode=ro", uri=True) as db:
        return db.execute(sql, params).fetchall()


def days(rows):
    return [(datetime(1970, 1, 1) + timedelta(microseconds=us) - FIRST).days for us, in rows]


def failing(pgvigil, name, state="replay.db"):
    return days(query(pgvigil, "SELECT window_start_us FROM result WHERE rule = ? AND verdict = 4"
                      " ORDER BY window_start_us", name, state=state))


def test_gradual_drift_is_found_against_the_pinned_reference(database, pgvigil):
    """The level creeps by a hundredth of sd a day: last week's rows never differ enough, the
    training's do."""
    r = np.random.default_rng(5)
    n = 40 * 24 * 70
    creep = np.clip(np.arange(n) / (40 * 24) - 14, 0, None) * .01
    fill(database, r.normal(0, 1, n) + creep)
    pgvigil.rule("t", rule(
        references={"training": {"from": "2001-01-01", "to": "2001-01-15"},
                    "last_week": {"rolling": "7d"}},
        columns={"x": {"drift": {"ks": [
            {"fail": .12, "id": "pinned"},
            {"fail": .12, "id": "rolling", "against": "last_week"}]}}}))
    replay(pgvigil, 22, 70)
    pinned = failing(pgvigil, "pinned")
    assert pinned and pinned[0] > 25 and pinned[-1] == 69, pinned
    assert failing(pgvigil, "rolling") == []
    looked = query(pgvigil, "SELECT count(*) FROM result WHERE rule = 'rolling' AND verdict = 0")
    assert looked == [(48,)]
    [(value, why)] = query(pgvigil, "SELECT value, why FROM result WHERE rule = 'rolling'"
                           " ORDER BY window_start_us DESC LIMIT 1")
    assert 0 < value < .1 and "against last_week" in why


def versions(pgvigil, state="replay.db"):
    return [tuple(days([(a,), (b,)])) + (active,) for a, b, active in query(
        pgvigil, "SELECT from_us, to_us, active FROM reference WHERE rolling = 1 AND state = 1"
        " ORDER BY to_us", state=state)]


def test_a_rolling_reference_ends_before_its_windows(database, pgvigil):
    """Versions turn on Mondays, judge from the day after, and nothing that alarmed is left out:
    a level that jumps alarms until the weeks after the jump have replaced those before."""
    r = np.random.default_rng(6)
    n = 40 * 24 * 49
    fill(database, r.normal(0, 1, n) + (np.arange(n) >= 40 * 24 * 24))
    pgvigil.rule("t", rule(reference={"rolling": "7d"},
                           columns={"x": {"drift": {"ks": .25}}}))
    replay(pgvigil, 15, 49)
    # Day 24 is a Thursday. The version of days 21 to 28 is in force from Tuesday, day 29, on: it
    # is of both levels; that of days 28 to 35 from day 36 on.
    failed = failing(pgvigil, "x.drift.ks")
    assert failed[:5] == [24, 25, 26, 27, 28]
    assert not [d for d in failed if d >= 36], failed
    assert [v[:2] for v in versions(pgvigil)][-1] == (42, 49) or versions(pgvigil)[-1][1] == 42
    assert [v[2] for v in versions(pgvigil)][-1] == 1
    assert len(versions(pgvigil)) <= 4, "older ones are let go"
    used = query(pgvigil, "SELECT r.window_start_us, c.to_us FROM result AS r JOIN reference AS c"
                 " ON c.version = r.reference_version WHERE r.rule = 'x.drift.ks'")
    assert used and all(to <= start for start, to in used)
    # The same windows by themselves, in another state, are judged by the same spans.
    replay(pgvigil, 40, 49, "again.db")
    sql = ("SELECT window_start_us, value FROM result WHERE rule = 'x.drift.ks'"
           " AND window_start_us >= ? ORDER BY 1")
    since = query(pgvigil, "SELECT min(window_start_us) FROM result", state="again.db")[0][0]
    assert query(pgvigil, sql, since) == query(pgvigil, sql, since, state="again.db")


def test_the_budget_is_learnt_from_each_version(database, pgvigil):
    """drift: true is of the first reference. Each of its versions is calibrated when it is captured
    or promoted, and judges by what it learnt; what was captured of another is not calibrated."""
    r = np.random.default_rng(7)
    fill(database, r.normal(0, 1, 40 * 24 * 25))
    quick = {"window": "6h", "delay": "0s", "every": "1h"}
    both = {"newest": {"rolling": "7d"}, "training": {"from": "2001-01-01", "to": "2001-01-08"}}
    pgvigil.rule("t", rule(references=both, schedule=quick, columns={"x": {"drift": {
        "budget": {"severity": "warning"}, "psi": {"fail": .3, "against": "training"}}}}))
    replay(pgvigil, 15, 25)
    learnt = dict(query(pgvigil, "SELECT version, body IS NOT NULL FROM calibration"))
    kept = dict(query(pgvigil, "SELECT version, name FROM reference WHERE state = 1"))
    assert len(kept) >= 3 and set(kept.values()) == {"newest", "training"}, kept
    assert learnt == {v: 1 for v, name in kept.items() if name == "newest"}
    used = query(pgvigil, "SELECT DISTINCT reference_version, verdict FROM result"
                 " WHERE rule = 'x.drift' AND verdict <> 4")
    assert len({v for v, verdict in used if verdict == 0}) >= 2, used
    assert query(pgvigil, "SELECT why FROM result WHERE rule = 'x.drift'"
                 " AND why LIKE '%not calibrated%'") == []
    assert query(pgvigil, "SELECT count(*) > 30 FROM result WHERE rule = 'x.drift.psi'"
                 " AND verdict = 0 AND why LIKE '%against training%'") == [(1,)]
    # The order of the file decides which is the first.
    both["newest"] = {"from": "2001-01-08", "to": "2001-01-15"}
    pgvigil.rule("t", rule(references={"training": both["training"], "newest": both["newest"]},
                           schedule=quick, columns={"x": {"drift": True}}))
    state = ("--state", "other.db")
    pgvigil.expect(0, "reference", "capture", *state)
    sql = "SELECT r.name, r.active FROM calibration AS c JOIN reference AS r USING (version)"
    assert query(pgvigil, sql, state="other.db") == [("training", 1)]
    pgvigil.expect(0, "reference", "promote", "t", "training", "--from", "2001-01-08", "--to",
                   "2001-01-16", *state)
    assert sorted(query(pgvigil, sql, state="other.db")) == [("training", 0), ("training", 1)]


def test_spans_left_out_are_named(database, pgvigil):
    r = np.random.default_rng(7)
    values = r.normal(0, 1, 40 * 24 * 30)
    values[40 * 24 * 3:40 * 24 * 5] = 1000
    fill(database, values)
    spec = {"from": "2001-01-01", "to": "2001-01-22"}
    storm = {"from": "2001-01-04", "to": "2001-01-06", "why": "the sensor was broken"}
    pgvigil.rule("t", rule(reference=dict(spec, **{"except": [storm]}),
                           columns={"x": {"drift": {"ks": .25}}}))
    assert f"{19 * 960} rows" in pgvigil.expect(0, "reference", "capture").out
    assert "except 2001-01-04" in pgvigil.expect(0, "reference", "list").out
    bad = rule(reference={"from": "2001-01-01", "to": "2001-01-22",
                          "except": [{"from": "2001-01-04", "to": "2001-01-06"}]})
    pgvigil.rule("t", bad)
    assert '"why" is missing' in pgvigil.run("validate").err


def test_windows_are_compared_with_the_same_hour_of_the_week(database, pgvigil):
    """Nights and weekends differ as they always do; only a Sunday like a weekday is news."""
    r = np.random.default_rng(8)
    hours = np.repeat(np.arange(24 * 42), 40)
    level = 3.0 * np.sin(2 * np.pi * (hours % 24) / 24) + np.where(hours // 24 % 7 >= 5, 4, 0)
    level[hours // 24 == 41] -= 4  # the last Sunday
    fill(database, level + r.normal(0, 1, len(hours)))
    pgvigil.rule("t", rule(
        schedule={"window": "6h", "delay": "0s", "every": "1h"},
        references={"all": {"from": "2001-01-01", "to": "2001-01-29"},
                    "same": {"from": "2001-01-01", "to": "2001-01-29", "season": "hour_of_week"}},
        columns={"x": {"drift": {"ks": [
            {"fail": .3, "id": "plain"},
            {"fail": .3, "id": "seasonal", "against": "same"}],
            "psi": {"fail": 1, "id": "psi", "against": "same"}}}}))
    replay(pgvigil, 28, 42)
    assert len(failing(pgvigil, "plain")) > 20
    assert set(failing(pgvigil, "seasonal")) == {41}
    assert set(failing(pgvigil, "psi")) == {41}
    [(why, n)] = query(pgvigil, "SELECT why, n_ref FROM result WHERE rule = 'seasonal'"
                       " ORDER BY window_start_us DESC LIMIT 1")
    assert "at this hour of the week" in why and n == 4 * 240


def test_a_promotion_stands_in_for_the_file_until_it_is_edited(database, pgvigil):
    r = np.random.default_rng(9)
    n = 40 * 24 * 30
    fill(database, r.normal(0, 1, n) + (np.arange(n) >= 40 * 24 * 15) * 2)
    made = rule(reference={"from": "2001-01-01", "to": "2001-01-08"},
                columns={"x": {"drift": {"ks": .25}}})
    pgvigil.rule("t", made)

    def verdict():
        at = "2001-01-26T00:00:00Z"
        [dataset] = pgvigil.run("check", "t", "--at", at, "--json").json["datasets"]
        [ks] = [r for r in dataset["results"] if r["check"] == "ks"]
        return ks["verdict"], dataset["reference"]["version"]

    pgvigil.expect(0, "reference", "capture")
    assert verdict() == ("fail", 1)
    out = pgvigil.expect(0, "reference", "promote", "t", "--from", "2001-01-16", "--to",
                         "2001-01-23").out
    assert "reference 2 promoted: 6720 rows" in out
    assert verdict() == ("pass", 2)
    # A daemon does not take the file's back.
    daemon = pgvigil.start()
    daemon.wait_for(lambda: query(pgvigil, "SELECT 1 FROM dataset WHERE cycles > 0",
                                  state=pgvigil.state), what="a cycle")
    assert "reference 1 is in use" in pgvigil.expect(0, "reference", "rollback", "t").out
    assert verdict() == ("fail", 1)
    assert "is in use" in pgvigil.expect(0, "reference", "promote", "t", "2").out
    assert verdict() == ("pass", 2)
    pgvigil.expect(0, "reference", "promote", "t", "--from", "2001-01-17", "--to", "2001-01-24")
    daemon.wait_for(lambda: verdict() == ("pass", 3), what="a promotion by the daemon")
    daemon.wait_log("reference promoted")
    # What the file says anew counts.
    made["reference"] = {"from": "2001-01-01", "to": "2001-01-09"}
    pgvigil.rule("t", made)
    pgvigil.expect(0, "reload")
    daemon.wait_for(lambda: verdict() == ("fail", 4), what="the file's reference")
    assert daemon.stop() == 0
    listed = pgvigil.expect(0, "reference", "list").out
    assert [w for w in ("rolled back to 1 instead of 2", "promoted 2 instead of 1",
                        "promoted 3 instead of 2", "captured 4 instead of 3") if w not in listed
            ] == []
    assert pgvigil.run("reference", "rollback", "t", "nothing").code != 0
    assert pgvigil.run("reference", "promote", "t").code == 64


def test_drift_that_lasts_proposes_a_new_reference_once(database, pgvigil, receiver):
    r = np.random.default_rng(10)
    n = 40 * 24 * 45
    fill(database, r.normal(0, 1, n) + (np.arange(n) >= 40 * 24 * 20) * 2)
    hook = receiver()
    pgvigil.config["receivers"] = {"ops": {"webhook": {"url": hook.url + "/hook"}}}
    pgvigil.write()
    pgvigil.rule("t", rule(reference={"from": "2001-01-01", "to": "2001-01-15"},
                           columns={"x": {"drift": {"ks": .25}}}, notify={"to": ["ops"]}))
    at = [(FIRST + timedelta(days=d)).isoformat() + "Z" for d in (15, 44)]
    pgvigil.expect(0, "run", "--from", at[0], "--until", at[1], "--state", "replay.db",
                   "--notify", "ops")
    bodies = [row[0] for row in query(pgvigil, "SELECT body FROM outbox ORDER BY id")]
    asking = [b for b in bodies if "has the change become normal?" in b]
    assert len(asking) == 1 and '"kind":"remind"' in asking[0].replace(" ", ""), bodies
    assert "drifting for 14 days" in asking[0]
    status = pgvigil.run("status", "--state", "replay.db").out
    assert "reference promote t --window 14d" in status


def test_predictions_come_first_and_features_by_importance(database, pgvigil):
    r = np.random.default_rng(11)
    n, late = 24 * 40 * 21, 24 * 40 * 15
    now = np.arange(n) >= late
    p = np.clip(r.beta(2, 5, n) + now * .3, 0, 1)
    columns = {"p": p, "label": np.where(p > .5, "late", "ontime"),
               "a": r.normal(0, 1, n) + now * .6, "b": r.normal(0, 1, n) + now * 1.5,
               "c": r.normal(0, 1, n)}
    database.execute("CREATE TABLE t (at timestamptz NOT NULL, a float8, b float8, c float8,"
                     " label text, p float8)")
    copy(database, "t", "".join(
        f"{(FIRST + timedelta(hours=i / 40)).isoformat()}Z\t{columns['a'][i]}\t{columns['b'][i]}\t"
        f"{columns['c'][i]}\t{columns['label'][i]}\t{p[i]}\n" for i in range(n)))
    database.execute("CREATE INDEX ON t (at)")
    made = rule(reference={"from": "2001-01-01", "to": "2001-01-15"},
                columns={"a": {"drift": {"ks": .25}}, "b": {"drift": {"psi": .25}},
                         "c": {"drift": {"ks": .25}},
                         "p": {"prediction": "probability"}, "label": {"prediction": "class"}})

    def look():
        pgvigil.rule("t", made)
        pgvigil.expect(0, "reference", "capture")
        [dataset] = pgvigil.run("check", "t", "--at", "2001-01-20T00:00:00Z", "--json").json[
            "datasets"]
        return dataset, [d for d in dataset["results"] if d["class"] == "drift"]

    dataset, drift = look()
    assert [d["rule"] for d in drift] == [
        "p.drift.psi", "p_confidence.drift.psi", "label.drift.linf",
        "b.drift.psi", "a.drift.ks", "c.drift.ks"] or {d["column"] for d in drift[:3]} == {
        "p", "p_confidence", "label"}
    assert [d["column"] for d in drift[3:]] == ["b", "a", "c"]
    assert [d["rank"] for d in drift] == [None] * 3 + [1, 2, 3]
    assert [d["prediction"] for d in drift] == [True] * 3 + [False] * 3
    assert "moved most of 3 features" in drift[3]["why"]
    assert dataset["results"][0]["prediction"] is True
    said = {p["column"]: p for p in dataset["predictions"]}
    day = slice(24 * 40 * 18, 24 * 40 * 19)
    assert abs(said["p"]["mean"] - p[day].mean()) < 1e-9
    assert abs(said["p_confidence"]["mean"] - np.maximum(p, 1 - p)[day].mean()) < 1e-9
    shares = {c["class"]: c for c in said["label"]["classes"]}
    assert abs(shares["late"]["share"] - (p[day] > .5).mean()) < 1e-9
    assert abs(shares["late"]["share_ref"] - (p[:24 * 40 * 14] > .5).mean()) < 1e-9
    assert next(d for d in drift if d["column"] == "p")["verdict"] == "fail"
    made["importances"] = {"a": .8, "b": .1}
    dataset, drift = look()
    assert [d["column"] for d in drift[3:]] == ["a", "b", "c"]
    assert drift[3]["importance"] == .8 and "by importance" in drift[3]["why"]
    table = pgvigil.run("check", "t", "--at", "2001-01-20T00:00:00Z").out
    assert "model    p: mean" in table and "label: " in table
    # In messages and in the status, too.
    replay(pgvigil, 17, 20)
    opened = query(pgvigil, "SELECT why FROM latest WHERE prediction = 1")
    assert len(opened) == 3
    status = pgvigil.run("status", "--json", "--state", "replay.db").json["results"]
    assert [s["prediction"] for s in status[:3]] == [True] * 3
