# SPDX-License-Identifier: GPL-3.0-or-later
"""The labelled corpus of tests/corpus: faults and clean variants of the flights, judged by pgvigil.

For each case the tables it changes are replaced by a copy of one day of them, 8 June 2001 or the
case's `day`, and with `days: 2`, or where several are changed, of the day before; the others stay
whole. The rule files are those of
tests/corpus/rules as they are. Reference (all of January) and history (two weeks) were made from
the whole tables by one agent; its state file, which `check` only reads, serves every case. Cases
are judged side by side, each in one of a few clones of the database.

tests/corpus/faults.yaml says how cases are written. Their SQL finds the copies by their bare names,
the whole tables as whole.NAME, and those that are not copied as ml.NAME. In it stand for

  {size}            the multiple times the limit
  {rows} {landed}   that share of the day's flights, of the day's labels: always the same rows
  {some}            so many of the day's flights
  {today} {arrived} all rows of the day, of labels those that landed on it
  {day}             the day, a literal

More keys of a case: `at` when it is judged, by default 20 minutes after the day; `tables` that are
copied, by default those its SQL names; `role` that pgvigil logs in as; `hold`: SQL of another
session whose transaction stays open meanwhile.
"""
import collections
import contextlib
import itertools
import queue
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import psycopg2
import yaml

import stack
from stack import ROOT

FOLDER = ROOT / "tests/corpus"
DAY = "2001-06-08"
FROM = "2001-05-25T00:00:00Z"  # history begins
READER = "corpus_reader"
TABLES = {"flight_features": "scheduled_at", "delay_predictions": "predicted_at",
          "labels": "arrived_at"}
SIZES = (0.9, 1.1, 5)
ALWAYS = ("judged",)
PARALLEL = 3

Outcome = collections.namedtuple("Outcome", "size failed results")  # failed: {"dataset/rule"}

# January, the days that are judged, and those that cases take rows from: a third of the data.
KEPT = """({at} < '2001-02-01 00:00Z' OR {at} >= '2001-03-01 00:00Z' AND {at} < '2001-03-05 00:00Z'
  OR {at} >= '2001-05-20 00:00Z' AND {at} < '2001-06-10 00:00Z')"""
SETUP = "".join(f"""
CREATE TEMPORARY TABLE kept AS SELECT * FROM ml.{table} WHERE {KEPT.format(at=at)} ORDER BY {at};
TRUNCATE ml.{table};
INSERT INTO ml.{table} SELECT * FROM kept;
DROP TABLE kept;
ANALYZE ml.{table};
""" for table, at in TABLES.items()) + f"""
CREATE SCHEMA corpus;
CREATE TABLE corpus.airports AS
  SELECT DISTINCT code FROM ml.flight_features, unnest(ARRAY[origin, destination]) AS code;
CREATE TABLE corpus.destinations AS
  SELECT destination, sum(count(*)) OVER (ORDER BY md5(destination))
         / (SELECT count(*) FROM ml.flight_features WHERE scheduled_at < '2001-02-01 00:00Z')
         AS share_so_far
  FROM ml.flight_features WHERE scheduled_at < '2001-02-01 00:00Z' GROUP BY destination
  HAVING count(*) >= 0.01 * (SELECT count(*) FROM ml.flight_features
                             WHERE scheduled_at < '2001-02-01 00:00Z');
CREATE TABLE corpus.departed AS
  SELECT flight_id, day, row_number() OVER w AS nth, count(*) OVER (PARTITION BY day) AS n
  FROM (SELECT flight_id, (scheduled_at AT TIME ZONE 'UTC')::date AS day FROM ml.flight_features
        WHERE scheduled_at >= '2001-05-20 00:00Z' AND scheduled_at < '2001-06-10 00:00Z') AS f
  WINDOW w AS (PARTITION BY day ORDER BY hashint8extended(flight_id, 1));
CREATE TABLE corpus.landed AS
  SELECT flight_id, day, row_number() OVER w AS nth, count(*) OVER (PARTITION BY day) AS n
  FROM (SELECT flight_id, (arrived_at AT TIME ZONE 'UTC')::date AS day FROM ml.labels
        WHERE arrived_at >= '2001-05-20 00:00Z' AND arrived_at < '2001-06-10 00:00Z') AS l
  WINDOW w AS (PARTITION BY day ORDER BY hashint8extended(flight_id, 1));
DO $$ BEGIN CREATE ROLE {READER} LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
GRANT USAGE ON SCHEMA ml, corpus TO {READER};
GRANT SELECT ON ALL TABLES IN SCHEMA ml, corpus TO {READER};
"""


def read(name):
    """The cases of faults.yaml or clean.yaml."""
    return yaml.safe_load((FOLDER / f"{name}.yaml").read_text())


def once_for_each_rule(faults):
    """So many of the faults that every rule is meant by one, each in its largest size only."""
    seen, chosen = set(), []
    for fault in faults:
        if set(fault["rules"]) - seen:
            chosen.append({**fault, "sizes": [max(fault.get("sizes", SIZES))]})
            seen.update(fault["rules"])
    return chosen


def sizes_of(case):
    """[(multiple, value)]; a case without a limit has one, of no size, a clean one its limit."""
    if "limit" not in case:
        return [(None, None)]
    sizes = case.get("sizes", SIZES) if "rules" in case else [1]
    return [(size, size * case["limit"]) for size in sizes]


def sql_of(case, value):
    """The statements, with what stands in braces put in."""
    day = f"'{case.get('day', DAY)}'"
    size = "NULL" if value is None else f"{value:.9g}"

    def chosen(table, condition):
        return (f"flight_id IN (SELECT flight_id FROM corpus.{table}"
                f" WHERE day = {day} AND {condition})")
    text = case.get("sql", "")
    for name, instead in {
            "rows": chosen("departed", f"nth <= {size} * n"),
            "landed": chosen("landed", f"nth <= {size} * n"),
            "some": chosen("departed", f"nth <= {size}"),
            "today": chosen("departed", "true"), "arrived": chosen("landed", "true"),
            "day": day, "size": size}.items():
        text = text.replace("{" + name + "}", instead)
    return [s for s in re.split(r";\s*(?:\n|$)", text) if s.strip()]


def tables_of(case):
    named = case.get("sql", "") + " ".join(case.get("rules", []))
    return case.get("tables") or [t for t in TABLES if re.search(rf"(?<!ml\.)\b{t}\b", named)]


class Corpus:
    """Database, reference and history; judge() may be called by several threads."""

    def __init__(self, cluster, template, folder, rules=FOLDER / "rules"):
        self.cluster, self.folder, self.numbers = cluster, folder, itertools.count(1)
        self.rules = {p.stem: p.read_text() for p in sorted(rules.glob("*.yaml"))}
        base = cluster.create("corpus", f"TEMPLATE {template} STRATEGY file_copy")
        base.psql(SETUP)
        self.state = self._learn(base)
        base.execute("ALTER SCHEMA ml RENAME TO whole")
        base.close()
        self.names = ["corpus", *(f"corpus{i}" for i in range(1, PARALLEL))]
        self.free = queue.Queue()
        for name in self.names:
            if name != "corpus":
                cluster.create(name, "TEMPLATE corpus STRATEGY file_copy")
            self.free.put(name)

    def _learn(self, database):
        """Captures the references and judges two weeks; the state file of it."""
        agent = stack.Pgvigil(self.folder / "base", database.conninfo)
        for name, text in self.rules.items():
            if "reference:" in text:
                agent.rule(name, text)
        agent.expect(0, "run", "--from", FROM, "--until", f"{DAY}T12:00:00Z", "--state",
                     "corpus.db", timeout=300)
        return agent.folder / "corpus.db"

    def close(self):
        for name in self.names:
            self.cluster.drop(name)
        with stack.Closing(self.cluster.connect()) as c:
            c.cursor().execute(f"DROP ROLE {READER}")

    def judge_all(self, cases):
        """{kind: [Outcome of each size]}, three cases at a time."""
        work = [(case, size, value) for case in cases for size, value in sizes_of(case)]
        found = collections.defaultdict(list)
        with ThreadPoolExecutor(PARALLEL) as pool:
            outcomes = pool.map(self._judge_or_tell, work)
            for (case, *_), outcome in zip(work, outcomes):
                found[case["kind"]].append(outcome)
        return found

    def _judge_or_tell(self, one):
        """A case that cannot be judged spoils itself alone."""
        try:
            return self.judge(*one)
        except (AssertionError, psycopg2.Error) as error:
            return Outcome(one[1], set(), {"error": ("error", str(error))})

    def judge(self, case, size=None, value=None):
        database = self.free.get()
        try:
            with contextlib.ExitStack() as held:
                c = held.enter_context(stack.Closing(self.cluster.connect(database))).cursor()
                held.callback(self._put_back, c, case)
                self._put_copies(c, case)
                for statement in sql_of(case, value):
                    c.execute(statement)
                    assert c.rowcount != 0, f"{case['kind']}: changes nothing: {statement}"
                if "hold" in case:
                    other = held.enter_context(stack.Closing(self.cluster.connect(database)))
                    other.autocommit = False
                    other.cursor().execute(f"SET search_path = ml; {case['hold']}")
                return self._check(database, case, size)
        finally:
            self.free.put(database)

    @staticmethod
    def _put_copies(cursor, case):
        cursor.execute("CREATE SCHEMA ml; SET search_path = ml; SET timezone = 'UTC'")
        copied = tables_of(case)
        until = date.fromisoformat(case.get("day", DAY)) + timedelta(days=1)
        since = until - timedelta(days=case.get("days", 2 if len(copied) > 1 else 1))
        for table, at in TABLES.items():
            if table not in copied:
                cursor.execute(f"ALTER TABLE whole.{table} SET SCHEMA ml")
                continue
            cursor.execute(f"CREATE TABLE ml.{table} (LIKE whole.{table} INCLUDING ALL);"
                           f" INSERT INTO ml.{table} SELECT * FROM whole.{table}"
                           f" WHERE {at} >= '{since}' AND {at} < '{until}'"
                           f" ORDER BY {at}")
        cursor.execute(f"GRANT USAGE ON SCHEMA ml TO {READER};"
                       f" GRANT SELECT ON ALL TABLES IN SCHEMA ml TO {READER}")

    @staticmethod
    def _put_back(cursor, case):
        for table in set(TABLES) - set(tables_of(case)):
            cursor.execute(f"ALTER TABLE ml.{table} SET SCHEMA whole")
        cursor.execute("SET client_min_messages = warning; DROP SCHEMA ml CASCADE")

    def _datasets(self, case, size):
        """Those whose rules are expected to fail; where none may, all whose source is copied."""
        copied = tables_of(case)
        wanted = {rule.split("/")[0] for rule in case.get("rules", [])}
        first = {name: re.search(r"\bml\.(\w+)", text).group(1)
                 for name, text in self.rules.items()}
        if wanted and is_above(size):
            return wanted
        return {name for name in self.rules if name in wanted or first[name] in copied}

    def _check(self, database, case, size):
        user = case.get("role", "postgres")
        agent = stack.Pgvigil(self.folder / f"case{next(self.numbers)}",
                              self.cluster.conninfo_of(database, user))
        for name in self._datasets(case, size):
            agent.rule(name, self.rules[name])
        ran = agent.run("check", "--json", "--at", time_of(case), "--state", self.state)
        assert ran.code in (0, 2, 3), ran
        results = {}
        for dataset in ran.json["datasets"]:
            name = dataset["dataset"]
            if "error" in dataset:
                results[f"{name}/reach"] = ("unknown", dataset["error"]["message"])
            for r in dataset.get("results", []):
                results[f"{name}/{r['rule']}"] = (r["verdict"], r["why"])
        failed = {rule for rule, (verdict, _) in results.items() if is_bad(rule, verdict)}
        return Outcome(size, failed, results)


def time_of(case):
    """When the case is judged."""
    after = date.fromisoformat(case.get("day", DAY)) + timedelta(days=1)
    return case.get("at") or f"{after}T00:20:00Z"


def is_bad(rule, verdict):
    name = rule.split("/")[1]
    return name not in ALWAYS and (verdict == "fail" or name == "reach" and verdict == "unknown")


def is_above(size):
    return size is None or size > 1


def missed(case, outcome):
    """Rules that should have failed and did not."""
    return set(case["rules"]) - outcome.failed if is_above(outcome.size) else set()


def false_alarms(case, outcome):
    """Rules that failed below the threshold."""
    also = case.get("also", [])
    if is_above(outcome.size) or also == "any":
        return set()
    return outcome.failed - set(also)


def rules_written():
    """dataset/rule of every rule of the corpus's rule files."""
    for path in sorted((FOLDER / "rules").glob("*.yaml")):
        content = yaml.safe_load(path.read_text())
        for column, checks in content["columns"].items():
            drift = {f"drift.{name}": body for name, body in checks.pop("drift", {}).items()}
            for check, body in {**checks, **drift}.items():
                if check not in ("type", "expr"):
                    own = body.get("id") if isinstance(body, dict) else None
                    yield f"{path.stem}/{own or f'{column}.{check}'}"
        for one in content["checks"]:
            (check, body), = one.items()
            yield f"{path.stem}/{body.get('id', check) if isinstance(body, dict) else check}"
