#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes the names of the checks of other tools from their packages: tests/data/elsewhere.tsv.

  tests/elsewhere.py [--write] [FOLDER]      FOLDER: wheels or unpacked wheels

Without FOLDER the wheels named below are fetched with `pip download --no-deps`. Nothing of a
package is run: names are read from its syntax tree, its JSON Schema or its file names. The tests of
the two dbt packages are not on PyPI; the names of their published files stand in tests/data, with
where they are from. Without --write: the table must be what the packages make, else the difference
is shown.
"""
import ast
import csv
import difflib
import io
import json
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "tests/data/elsewhere.tsv"
WHEELS = {"soda_core": ["4.28.0", "3.5.6"], "soda_core_postgres": ["3.5.6"],
          "great_expectations": ["1.24.1"], "pydeequ": ["1.7.0"], "pandera": ["0.35.0"],
          "dqops": ["1.13.1"]}
LISTS = {"dbt-expectations": "dbt_expectations.txt", "Elementary": "elementary.txt"}
# Words of SodaCL's grammar of which no check is made: what one is put into, compares with or says.
SODACL_WORDS = {*"with default percent must and between not in warn fail pass last for".split(),
                *"avg min max d h m".split(), "checks for", "filter", "configurations for",
                "for each dataset", "for each table", "for each column"}
# Methods of Deequ's Check that make no constraint.
DEEQU_OTHER = {"addConstraint", "addConstraints", "addFilterableContstraint", "where", "evaluate",
               "requiredAnalyzers"}
DEEQU_ANALYZERS_OTHER = {"AnalysisRunner", "AnalyzerContext", "AnalysisRunBuilder", "KLLParameters",
                         "DataTypeInstances"}
# Reasons of Pandera that speak of its own work, not of the data.
PANDERA_OTHER = {"CHECK_ERROR", "DATAFRAME_CHECK", "SCHEMA_COMPONENT_CHECK", "NO_ERROR",
                 "SCHEMA_COMPONENT_PARSER", "DATAFRAME_PARSER", "PARSER_ERROR", "INVALID_TYPE"}


class Package:
    """A wheel, or the folder it was unpacked into."""

    def __init__(self, path):
        self.path = path
        self.names = (sorted(str(p.relative_to(path)) for p in path.rglob("*") if p.is_file())
                      if path.is_dir() else sorted(zipfile.ZipFile(path).namelist()))

    def text(self, name):
        if self.path.is_dir():
            return (self.path / name).read_text()
        return zipfile.ZipFile(self.path).read(name).decode()

    def tree(self, name):
        return ast.parse(self.text(name))

    def matching(self, pattern):
        found = [n for n in self.names if re.search(pattern, n)]
        if not found:
            sys.exit(f"elsewhere: {self.path} holds no file like {pattern}")
        return found


def find(tree, kind, name):
    """The class or function of that name, wherever it stands."""
    for node in ast.walk(tree):
        if isinstance(node, kind) and node.name == name:
            return node
    sys.exit(f"elsewhere: there is no {name}")


def texts(node):
    return [n.value for n in ast.walk(node)
            if isinstance(n, ast.Constant) and isinstance(n.value, str)]


def constants(tree, prefix):
    """{NAME: text} of the assignments of texts at the top whose name begins so."""
    return {target.id: node.value.value for node in tree.body if isinstance(node, ast.Assign)
            for target in node.targets if isinstance(target, ast.Name)
            and target.id.startswith(prefix) and isinstance(node.value, ast.Constant)}


def compared_with(tree, names):
    """Texts that a variable of these names is compared with."""
    return [text for node in ast.walk(tree) if isinstance(node, ast.Compare)
            for side in [node.left, *node.comparators]
            if isinstance(side, ast.Name) and side.id in names for text in texts(node)]


def functions(tree):
    return [n for n in tree.body if isinstance(n, ast.FunctionDef) and not n.name.startswith("_")]


def walk_json(value, key=""):
    """Every (key, value) of a JSON document."""
    yield key, value
    for name, inner in (value.items() if isinstance(value, dict) else
                        enumerate(value) if isinstance(value, list) else ()):
        yield from walk_json(inner, name)


def take_soda_contracts(package):
    """Soda Core 4: check types by their parsers, functions and formats by the JSON Schema."""
    for name in package.matching(r"check_types/\w+_yaml\.py$"):
        for node in ast.walk(package.tree(name)):
            if isinstance(node, ast.FunctionDef) and node.name == "get_check_type_names":
                yield from (("check", text, name) for text in texts(node))
    name, = package.matching(r"contracts/\w+schema\w*\.json$")
    schema = json.loads(package.text(name))
    for key, value in walk_json(schema):
        if key == "function":
            yield from (("check", f"aggregate {text}", name) for text in value["enum"])
        if key == "format":
            yield from (("format", text, name) for text in value.get("enum", ()))
    name, = package.matching(r"impl/contract_yaml\.py$")
    tree = find(package.tree(name), ast.ClassDef, "MissingAncValidityCheckYaml")
    fields = find(package.tree(name), ast.ClassDef, "MissingAndValidityYaml")
    for text in texts(fields) + texts(tree):
        if re.fullmatch(r"(in)?valid_\w+|missing_\w+", text):
            yield "validity", text, name


def take_sodacl(package):
    """Soda Core 3: the literals of SodaCL's grammar, the names its parser compares with."""
    name, = package.matching(r"SodaCLAntlrParser\.py$")
    for node in ast.walk(package.tree(name)):
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "literalNames":
            for text in texts(node.value):
                word = text.strip("'").strip()
                if re.fullmatch(r"[a-z_ ]+", word) and word not in SODACL_WORDS:
                    yield "check", word, name
    name, = package.matching(r"sodacl/sodacl_parser\.py$")
    tree = package.tree(name)
    for text in compared_with(tree, {"check_str", "metric_name"}):
        yield "check", text, name
    for text in compared_with(tree, {"change_not_allowed"}):
        yield "check", f"forbidden changes: {text}", name
    for text in constants(tree, "WHEN_").values():
        yield "check", text, name
    name, = package.matching(r"execution/data_source\.py$")
    tree = package.tree(name)
    for method in ("is_supported_metric_name", "get_metric_sql_aggregation_expression"):
        yield from (("metric", text, name)
                    for text in compared_with(find(tree, ast.FunctionDef, method), {"metric_name"}))
    name, = package.matching(r"metric/derived_metric\.py$")
    for text in constants(package.tree(name), "METRIC_NAME_").values():
        yield "metric", text, name
    name, = package.matching(r"sodacl/missing_and_valid_cfg\.py$")
    for text in constants(package.tree(name), "CFG_").values():
        yield "validity", text, name


def take_sodacl_postgres(package):
    name, = package.matching(r"postgres_data_source\.py$")
    method = find(package.tree(name), ast.FunctionDef, "get_metric_sql_aggregation_expression")
    yield from (("metric", text, name) for text in compared_with(method, {"metric_name"}))


def take_great_expectations(package):
    """Expectations are the files of expectations/core, each with the class of its name."""
    for name in package.matching(r"/expectations/core/\w+\.py$"):
        stem = Path(name).stem
        if stem != "__init__":
            yield "check", stem, name


def take_deequ(package):
    name, = package.matching(r"pydeequ/checks\.py$")
    for node in find(package.tree(name), ast.ClassDef, "Check").body:
        if isinstance(node, ast.FunctionDef) and node.name.lstrip("_") not in DEEQU_OTHER:
            if not node.name.startswith("__"):
                yield "check", node.name.lstrip("_"), name
    name, = package.matching(r"pydeequ/analyzers\.py$")
    for node in package.tree(name).body:
        if isinstance(node, ast.ClassDef) and node.name not in DEEQU_ANALYZERS_OTHER:
            if not node.name.startswith("_"):
                yield "analyzer", node.name, name
    name, = package.matching(r"pydeequ/anomaly_detection\.py$")
    for node in package.tree(name).body:
        if isinstance(node, ast.ClassDef) and any(getattr(b, "id", "") == "_AnomalyObject"
                                                  for b in node.bases):
            if not node.name.startswith("_"):
                yield "anomaly", node.name, name


def take_pandera(package):
    for stem, kind in (("builtin_checks", "check"), ("builtin_hypotheses", "hypothesis")):
        name, = package.matching(rf"backends/base/{stem}\.py$")
        yield from ((kind, f.name, name) for f in functions(package.tree(name)))
    name, = package.matching(r"pandera/errors\.py$")
    for node in find(package.tree(name), ast.ClassDef, "SchemaErrorReason").body:
        if isinstance(node, ast.Assign) and node.targets[0].id not in PANDERA_OTHER:
            yield "schema", node.targets[0].id, name


def take_dqops(package):
    """Fields of the lists of checks: one for each kind of run (profile_, daily_, ...)."""
    for name in package.matching(r"(column|table)_\w+_checks_spec\.py$"):
        target = Path(name).stem.split("_")[0]
        for node in ast.walk(package.tree(name)):
            if isinstance(node, ast.AnnAssign) and "CheckSpec" in ast.unparse(node.annotation):
                plain = re.sub(r"^(profile|daily_partition|monthly_partition|daily|monthly)_", "",
                               node.target.id)
                source = re.sub(r"_(profiling|\w+ly_\w+?)_checks", "_*_checks", name)
                yield "check", f"{target} {plain}", source


def take_list(path):
    """A published list: lines `kind: names`; the first, after #, say where it is from."""
    for line in path.read_text().splitlines():
        if line and not line.startswith("#"):
            kind, names = line.split(":", 1)
            yield from ((kind, name, path.name) for name in names.split())


TAKERS = {("soda_core", "4"): ("Soda Core", take_soda_contracts),
          ("soda_core", "3"): ("Soda Core", take_sodacl),
          ("soda_core_postgres", "3"): ("Soda Core", take_sodacl_postgres),
          ("great_expectations", "1"): ("Great Expectations", take_great_expectations),
          ("pydeequ", "1"): ("Deequ", take_deequ), ("pandera", "0"): ("Pandera", take_pandera),
          ("dqops", "1"): ("DQOps", take_dqops)}


def find_wheel(folder, package, version):
    for path in sorted(folder.iterdir()):
        if path.name.startswith(f"{package}-{version}-"):
            return path
    spec = f"{package.replace('_', '-')}=={version}"
    print(f"fetching {spec}", file=sys.stderr)
    subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, spec],
                   check=True)
    return next(p for p in folder.iterdir() if p.name.startswith(f"{package}-{version}-"))


def collect(folder):
    """{(tool, kind, name): (version, source)}, each name once: as the newest version has it."""
    rows = {}
    for package, versions in WHEELS.items():
        for version in versions:
            tool, take = TAKERS[package, version.split(".")[0]]
            for kind, name, source in take(Package(find_wheel(folder, package, version))):
                rows.setdefault((tool, kind, name), (version, source))
    for tool, listed in LISTS.items():
        for kind, name, source in take_list(ROOT / "tests/data" / listed):
            rows.setdefault((tool, kind, name), ("", f"tests/data/{source}"))
    return rows


def main(argv):
    write = "--write" in argv
    folders = [Path(a) for a in argv if a != "--write"]
    with tempfile.TemporaryDirectory() as fetched:
        rows = collect(folders[0] if folders else Path(fetched))
    out = io.StringIO()
    table = csv.writer(out, delimiter="\t", lineterminator="\n")
    table.writerow(["tool", "kind", "name", "version", "source"])
    table.writerows([*key, *rest] for key, rest in sorted(rows.items()))
    if write:
        TABLE.write_text(out.getvalue())
    stands = TABLE.read_text() if TABLE.exists() else ""
    sys.stdout.writelines(difflib.unified_diff(
        stands.splitlines(True), out.getvalue().splitlines(True), TABLE.name, "the packages"))
    for tool in sorted({key[0] for key in rows}):
        print(f"{tool}: {sum(key[0] == tool for key in rows)} names")
    return int(stands != out.getvalue())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
