# SPDX-License-Identifier: GPL-3.0-or-later
"""What must have happened in the demo, fact by fact."""
import json
import urllib.parse
from collections import namedtuple

from show import paint, say
from stage import get_json

Facts = namedtuple("Facts", "days state status metrics")

# D of the predictions' probability and of the features' recent_origin_delay, measured beside the
# program with scipy.stats.ks_2samp.
D_PROBABILITY = (0.110, 0.086, 0.384, 0.213, 0.308, 0.475, 0.220, 0.136, 0.070)
D_DELAY = (0.187, 0.191, 0.424, 0.317, 0.438, 0.583, 0.280, 0.143, 0.082)


def ask_prometheus(url, query):
    """[(labels, value)] of an instant query, in the order of the labels."""
    answer = get_json(f"{url}/api/v1/query?query={urllib.parse.quote(query)}")
    if not answer or answer["status"] != "success":
        return []
    return sorted(((r["metric"], float(r["value"][1])) for r in answer["data"]["result"]),
                  key=lambda pair: sorted(pair[0].items()))


def at(time):
    """"2001-06-13T00:10:00Z" -> "06-13T00:10"; None, of what is not over, stays."""
    return time and time[5:16]


def incidents(facts):
    """[(dataset, opened, closed)] in the order of opening."""
    made = [(i["dataset"], at(i["opened"]), at(i["closed"])) for i in facts.status["incidents"]]
    return sorted(made, key=lambda one: one[1])


def results(facts, dataset, rule_part):
    """Per day the one result of a rule whose id contains the part."""
    return [next(r for r in day[dataset]["results"] if rule_part in r["rule"])
            for _, day in facts.days]


def days_of(facts, dataset, rule_part, verdict="fail"):
    return [day.day for (day, _), r in zip(facts.days, results(facts, dataset, rule_part))
            if r["verdict"] == verdict]


def near(values, wanted, tolerance):
    return all(abs(v - w) <= tolerance for v, w in zip(values, wanted, strict=True))


def decisions(facts):
    """[(when, decision, reason)] of the model, oldest first."""
    return [(at(d["at"]), d["decision"], d["reason"]) for d in reversed(facts.status["decisions"])]


def verify_checks(facts):
    score, delay = "drift", "recent_origin_delay.drift"
    yield ("D of the probability is SciPy's on every day, to the bounds of the reference's grid",
           near([r["value"] for r in results(facts, "delay_predictions", score)], D_PROBABILITY,
                0.002))
    yield ("D of the features' delay too",
           near([r["value"] for r in results(facts, "flight_features", delay)], D_DELAY, 0.002))
    yield ("score drift fails on the 12th and the 15th only",
           days_of(facts, "delay_predictions", score) == [12, 15])
    yield "feature drift fails on the 15th only", days_of(facts, "flight_features", delay) == [15]
    yield ("range fails on the 11th only",
           days_of(facts, "flight_features", "recent_origin_delay.range") == [11])
    found = results(facts, "flight_features", "recent_origin_delay.range")[1]
    yield ("… with 286 of that day's 3,593 rows outside [-120, 900]",
           "286 of " in found["why"] and facts.days[1][1]["flight_features"]["rows"] == 3593)
    yield ("nulls fail on the 12th only",
           days_of(facts, "flight_features", "recent_origin_delay.nulls") == [12])


def verify_incidents(facts):
    yield ("the predictions' incidents open and close, each at 00:10 of the next day",
           [i[1:] for i in incidents(facts) if i[0] == "delay_predictions"]
           == [("06-13T00:10", "06-14T00:10"), ("06-16T00:10", "06-17T00:10")])
    yield ("the features' too: range, nulls, drift",
           [i[1:] for i in incidents(facts) if i[0] == "flight_features"]
           == [("06-12T00:10", "06-13T00:10"), ("06-13T00:10", "06-14T00:10"),
               ("06-16T00:10", "06-17T00:10")])
    pager = facts.state["pagerduty"]
    yield ("PagerDuty: every incident opened once, resolved once, none left open",
           not pager["open"] and not pager["reopened"] and not pager["resolves_without_trigger"]
           and pager["incidents"]
           and all(i["resolves"] == 1 for i in pager["incidents"].values()))
    yield ("Slack and PagerDuty refused nothing",
           not facts.state["slack"]["refused"] and not pager["refused"])


def verify_retraining(facts):
    made = decisions(facts)
    withheld = [d for d in made if d[1] == "withheld"]
    yield ("the 12th's onset opens on the 13th at 00:10",
           made and made[0][:2] == ("06-13T00:10", "opened"))
    yield ("… is withheld because of the nulls",
           any("recent_origin_delay" in d[2] and "nulls" in d[2] for d in withheld))
    yield ("… and ends unfired on the 14th",
           ("06-14T00:10", "ended_unfired") in [d[:2] for d in made])
    yield ("the 15th's onset fires once",
           [d[0] for d in made if d[1] == "fired"] == ["06-16T00:10"])
    yield ("the training system got one request, with an idempotency key",
           len(facts.state["train"]["accepted"]) == 1 and not facts.state["train"]["repeated"])


def verify_metrics(facts):
    drift = {labels["column"]: value for labels, value in facts.metrics["pgvigil_drift_ks"]}
    yield ("Prometheus has the last D of both columns",
           near([drift.get("probability", 9), drift.get("recent_origin_delay", 9)],
                [D_PROBABILITY[-1], D_DELAY[-1]], 0.002))
    yield "… and nothing of its queries came back empty", all(facts.metrics.values())


def verify(facts):
    ok = True
    for part in (verify_checks, verify_incidents, verify_retraining, verify_metrics):
        for text, holds in part(facts):
            say(f"  {paint('✓', 'pass') if holds else paint('✗', 'fail')} {text}")
            ok = ok and bool(holds)
    if not ok:
        say(json.dumps({"incidents": incidents(facts), "decisions": decisions(facts),
                        "state": facts.state}, indent=1))
    return ok
