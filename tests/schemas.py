#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes rules/*.schema.json, by which editors complete and check configuration and rule files.

  tests/schemas.py [--write] [PROGRAM]      PROGRAM: default build/release/pgvigil

They come from the tables that the program itself reads files by, so that neither can know more than
the other. Without --write: the files must be what the tables make, every rule file and
configuration of the project must be valid by them, and files with faults must not be.
"""
import json
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import yaml

ROOT = Path(__file__).resolve().parents[1]
FILES = {"rules": ROOT / "rules/rule-file.schema.json",
         "config": ROOT / "rules/pgvigil.schema.json"}
ROOTS = {"rules": "a rule file", "config": "pgvigil.yaml"}

TEXT = {"type": "string"}
SCALAR = {"type": ["string", "number", "boolean"]}
FROM_ENVIRONMENT = {"type": "string", "pattern": r"\$\{"}
SPAN = {"type": "string", "pattern": r"^([0-9.]+ ?(us|ms|s|m|h|d|w)|.*\$\{.*)$"}
SHARE = {"anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": r"%$|\$\{"}]}
NAME = {"type": ["string", "integer"], "pattern": r"^[A-Za-z0-9_.-]{1,100}$|\$\{"}
FIGURE = r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?"
LIMIT = {"anyOf": [{"type": "number"}, {"type": "string"}, {"type": "boolean"}]}
RECEIVERS = {"anyOf": [TEXT, {"type": "array", "items": TEXT}]}
NUMBER = {"anyOf": [{"type": "number"}, FROM_ENVIRONMENT]}
LIST = {"anyOf": [SCALAR, {"type": "array", "items": SCALAR}]}


def a_(name):
    return {"$ref": f"#/definitions/{name}"}


TYPES = {
    "true or false": {"anyOf": [{"type": "boolean"}, FROM_ENVIRONMENT]},
    "boolean": {"type": "boolean"}, "number": NUMBER, "ratio": SHARE, "percent": SHARE,
    "duration": SPAN, "time": SCALAR, "string": SCALAR, "text": SCALAR,
    "SQL": SCALAR, "SELECT": SCALAR,
    "name": NAME, "url": TEXT, "path": TEXT,
    "join key to type": {"type": "object", "additionalProperties": TEXT, "minProperties": 1},
    "list": LIST, "list of scalars": LIST, "names": RECEIVERS, "now": {"const": "now"},
    "feast": {"const": "feast"},
    "any mapping": {"type": "object"},
    "all that is known": {"type": "object"},
    "header to text": {"type": "object", "additionalProperties": SCALAR},
    "number or time": LIMIT, "limit in the check's unit": LIMIT,
    "list of receivers, or {to, warn}": {"anyOf": [RECEIVERS, a_("notify of a rule")]},
    "limit, or {min, max}": {"anyOf": [LIMIT, a_("warn")]},
    "mapping notify, or a list of receivers": {"anyOf": [RECEIVERS, a_("notify")]},
    "all, {rows: n} or {percent: p}": {"anyOf": [{"const": "all"}, a_("sample")]},
    "column to its checks": {"type": "object", "additionalProperties": a_("a column")},
    "list of checks": {"type": "array", "items": a_("an item of checks")},
    "list of silences": {"type": "array", "items": a_("a silence")},
    "list of routes": {"type": "array", "items": a_("a route")},
    "list of quiet times": {"type": "array", "items": a_("a quiet time")},
    "true, false, or mapping of drift checks": {
        "anyOf": [{"type": "boolean"}, a_("drift checks")]},
    "column to weight": {"type": "object", "additionalProperties": NUMBER},
    "name to reference": {"type": "object", "minProperties": 1,
                          "additionalProperties": a_("reference")},
    "list of {from, to, why}": {"type": "array", "items": a_("except")},
    "list of columns, or of {column, values, most}": {
        "type": "array", "items": {"anyOf": [TEXT, a_("segments")]}},
}


def closed(properties, required=()):
    schema = {"type": "object", "additionalProperties": False, "properties": properties}
    return {**schema, "required": list(required)} if required else schema


def of_unit(unit):
    """A limit in the unit of a check, without what is short for its default."""
    if unit == "seconds":
        return SPAN
    share = " ?%?" if unit == "ratio" else ""
    return {"anyOf": [{"type": "number"},
                      {"type": "string", "pattern": rf"^{FIGURE}{share}$|\$\{{"}]}


def at_least(span):
    """Durations whose least is a power of ten in ms: those in ms or us need so many digits."""
    number, unit = re.fullmatch(r"([0-9]+)([a-z]+)", span).groups()
    if unit not in ("ms", "s"):
        return TYPES["duration"]
    zeros = len(number) - 1 + (3 if unit == "s" else 0)
    return {"type": "string",
            "pattern": rf"^([0-9.]+ ?(s|m|h|d|w)|[1-9][0-9]{{{zeros},}}(\.[0-9]*)? ?ms"
                       rf"|[1-9][0-9]{{{zeros + 3},}} ?us|.*\$\{{.*)$"}


def of_type(key):
    name = key["type"]
    if key.get("choices"):
        return {"enum": key["choices"]}
    if name == "duration" and key.get("least"):
        return at_least(key["least"])
    if name in TYPES:
        return TYPES[name]
    if name == "integer":
        bounds = {word: int(key[side]) for side, word in (("least", "minimum"), ("most", "maximum"))
                  if key.get(side)}
        return {"anyOf": [{"type": "integer", **bounds}, FROM_ENVIRONMENT]}
    if match := re.fullmatch(r"mapping (.*)", name):
        return a_(match.group(1))
    if match := re.fullmatch(r"\w+ to (\w+)", name):
        return {"type": "object", "additionalProperties": a_(f"a {match.group(1)}")}
    if "|" in name:
        return {"enum": name.split("|")}
    raise SystemExit(f"tests/schemas.py does not know values of the type '{name}'")


def described(key):
    text = key["doc"] + (f" (default: {key['default']})" if key.get("default") else "")
    schema = of_type(key)
    # Beside a $ref nothing else counts.
    if "$ref" in schema:
        return {"allOf": [schema], "description": text}
    return {**schema, "description": text}


def of_table(keys):
    keys = [key for key in keys if not key.get("refused") and key["type"] != "refused"]
    return closed({key["name"]: described(key) for key in keys},
                  [key["name"] for key in keys if key["required"]])


class Tables:
    def __init__(self, program):
        folder = program.parent
        subprocess.run(["make", "--no-print-directory", "-s", f"VARIANT={folder.name}",
                        str((folder / "tests/tables").relative_to(ROOT))], cwd=ROOT, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.tables = json.loads(subprocess.check_output([folder / "tests/tables"]))
        self.checks = json.loads(subprocess.check_output([program, "checks", "--json"]))

    def of_check(self, check):
        """The long form: what every check may have and this one has a use for, and its own
        parameters; or what is short for it."""
        useless = {"fail"} if check["bounds"] == "value" else set()
        useless |= {"min", "max"} if check["bounds"] == "none" else set()
        useless |= set() if check["where"] else {"where"}
        by_budget = check["name"] == "budget"
        useless |= {"fail", "warn", "policy"} if by_budget else set()
        useless |= {p["name"] for p in check["params"]}
        shared = {key["name"]: a_(f"key {key['name']}")
                  for key in self.check_keys() if key["name"] not in useless}
        limit = of_unit(check["unit"])
        if "fail" in shared:
            shared["fail"] = {**limit, "description": "fails above it"}
            shared["warn"] = {"anyOf": [limit, a_("warn")], "description": "warns beyond it"}
        own = of_table(check["params"])
        long = {**own, "properties": {**own["properties"], **shared}}
        if check["bounds"] == "value" and not check["default"]:
            long["anyOf"] = [{"required": [word]} for word in ("min", "max", "warn")]
        forms = [long, {"type": "array", "items": long}]
        forms += [{"const": True}] if by_budget else []
        short = check["shorthand"]
        if short or check["implicit"] or check["default"]:
            params = [p for p in check["params"] if p["name"] == short]
            if short:
                forms.append(of_type(params[0]) if params else limit)
            if check["implicit"] or check["default"]:
                forms.append({"const": True})
        return {"anyOf": forms, "description": check["doc"]}

    def check_keys(self):
        return [key for key in self.tables["rules"]["a check"] if key["type"] != "refused"]

    def of_checks(self, fits):
        return {c["name"]: a_(f"check {c['name']}") for c in self.checks if fits(c)}

    def make(self, kind):
        tables = {**(self.tables["rules"] if kind == "config" else {}), **self.tables[kind]}
        made = {name: of_table(keys) for name, keys in tables.items()}
        root = made.pop(ROOTS[kind])
        if kind == "config":  # a retraining names its training system beside its own keys
            made["a retraining"]["properties"].update(made["a training system"]["properties"])
        if kind == "rules":
            made.update({f"key {key['name']}": described(key) for key in self.check_keys()})
            for check in self.checks:
                made[f"check {check['name']}"] = self.of_check(check)
            drift = self.of_checks(lambda c: c["class"] == "drift" and c["of"] != "dataset")
            made["drift checks"] = closed(drift)
            made["a column"]["properties"].update(self.of_checks(
                lambda c: c["of"] != "dataset" and c["class"] != "drift"))
            made["an item of checks"] = {**closed(self.of_checks(lambda c: c["of"] != "column")),
                                         "minProperties": 1, "maxProperties": 1}
        used = json.dumps([root, made])
        made = {name: schema for name, schema in made.items() if f'#/definitions/{name}"' in used}
        return {"$schema": "http://json-schema.org/draft-07/schema#",
                "title": "pgvigil: " + ("a rule file" if kind == "rules" else "pgvigil.yaml"),
                **root, "definitions": made}


def load(text):
    """YAML as an editor's language server sees it: times are text."""
    class Loader(yaml.SafeLoader):
        pass
    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith("timestamp")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()}
    return yaml.load(text, Loader)


# Each is a fault an editor should show, in a rule file that is sound otherwise.
HEAD = "version: 1\ndataset: t\nsource: {connection: w, table: t}\n"
FAULTY = ["version: 1\n", HEAD + "colums: {}\n", HEAD + "columns: {a: {nuls: 1%}}\n",
          HEAD + "checks: [{volume: {min: 1, mox: 2}}]\n", HEAD + "checks: {volume: 1}\n",
          HEAD + "columns: {a: {drift: {nulls: 1%}}}\n", HEAD + "role: feature\n",
          HEAD + "segments: [{column: c, value: [a]}]\n",
          HEAD + "schedule: {window: 5 minutes}\n", HEAD + "max_offending: -1\n",
          HEAD + "checks: [{volume: {min: 1}, freshness: 8h}]\n",
          HEAD + "checks: [{freshness: 8}]\n", HEAD + "checks: [{freshness: {fail: 8}}]\n",
          HEAD + "columns: {a: {nulls: true}}\n", HEAD + "columns: {a: {nulls: ''}}\n",
          HEAD + "columns: {a: {nulls: {fail: some}}}\n", HEAD + "checks: [{reach: 1}]\n",
          HEAD + "timeout: 1ms\n", HEAD.replace("dataset: t", 'dataset: "a b"'),
          HEAD + "schedule: {every: 999ms}\n", HEAD + "checks: [{volume: {}}]\n"]


def check_files(schemas):
    faults = []
    rules = jsonschema.Draft7Validator(schemas["rules"])
    paths = [*(ROOT / "rules").glob("**/*.yaml"), *(ROOT / "tests/checks").glob("*/rules.yaml")]
    for path in paths:
        for error in rules.iter_errors(load(path.read_text())):
            faults.append(f"{path.relative_to(ROOT)}: {error.json_path}: {error.message[:200]}")
    for text in FAULTY:
        if rules.is_valid(load(text)):
            faults.append(f"rules/rule-file.schema.json lets this pass:\n{text}")
    config = jsonschema.Draft7Validator(schemas["config"])
    text = (ROOT / "docs/configuration.md").read_text()
    for example in re.findall(r"```yaml\n(.*?)```", text, re.S):
        if re.search(r"^connections:", example, re.M):
            faults += [f"docs/configuration.md: {e.json_path}: {e.message[:200]}"
                       for e in config.iter_errors(load(example))]
    return faults, len(paths)


def main():
    arguments = [a for a in sys.argv[1:] if a != "--write"]
    tables = Tables((ROOT / (arguments[0] if arguments else "build/release/pgvigil")).resolve())
    schemas = {kind: tables.make(kind) for kind in FILES}
    faults = []
    for kind, path in FILES.items():
        text = json.dumps(schemas[kind], indent=1, ensure_ascii=False) + "\n"
        if "--write" in sys.argv:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            faults.append(f"{path.relative_to(ROOT)} is not what the tables make: "
                          "tests/schemas.py --write")
    more, n = check_files(schemas)
    faults += more
    print("\n".join(faults) if faults else
          f"schemas: {n} rule files are valid, {len(FAULTY)} faulty ones are not")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
