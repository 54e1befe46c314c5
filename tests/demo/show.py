# SPDX-License-Identifier: GPL-3.0-or-later
"""How the demo looks: headings, the table of days, bodies of requests. Colour on terminals only."""
import json
import os
import sys
import textwrap
import time

COLOUR = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
CODES = {"pass": "32", "fail": "31", "warn": "33", "nodata": "36", "unknown": "35", "bold": "1",
         "dim": "2"}
begun = time.monotonic()


def paint(text, code):
    return f"\033[{CODES[code]}m{text}\033[0m" if COLOUR else str(text)


def say(text=""):
    print(text, flush=True)


def heading(text):
    say()
    say(paint(f"── {text} ".ljust(84, "─"), "bold") + paint(f" {time.monotonic() - begun:5.1f} s",
                                                             "dim"))


def day_rows(days, drifting):
    """One row per day and dataset: passes counted, how far it has drifted, everything else said."""
    for day, results in days:
        for dataset, column in drifting.items():
            mine = results[dataset]["results"]
            others = [r for r in mine if r["verdict"] != "pass"]
            drift = next(r for r in mine if r["class"] == "drift" and r["column"] == column)
            passed = paint(f"{len(mine) - len(others):2} passed", "pass" if not others else "dim")
            say(f"  {day:%a %d %b}  {dataset:18}{results[dataset]['rows']:>6,} rows  {passed}  "
                f"D of {column} {drift['value']:.3f}, limit {drift['limit']}")
            for result in others:
                text = f"{result['rule']}: {result['why']}"
                for i, line in enumerate(textwrap.wrap(text, 88)):
                    verdict = f"{result['verdict']:>8}" if i == 0 else " " * 8
                    say(f"  {paint(verdict, result['verdict'])}  {line}")


def fold(text, first, rest, width=100):
    """Prints a text folded at blanks, with these beginnings of lines."""
    for line in textwrap.wrap(text, width, initial_indent=first, subsequent_indent=rest,
                              break_on_hyphens=False):
        say(line)


def nested(value, indent, name="", end=""):
    """Prints JSON: what holds no further level side by side as it fits, level below level."""
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    entries = value.items() if isinstance(value, dict) else ((None, v) for v in value)
    entries = [(f"{json.dumps(k)}: " if k else "", v) for k, v in entries]
    line = ""
    say(f"{indent}{name}{opening}")
    for i, (key, inner) in enumerate(entries):
        comma = "," if i < len(entries) - 1 else ""
        text = key + json.dumps(inner, ensure_ascii=False) + comma
        deep = isinstance(inner, (dict, list)) and len(text) > 90 - len(indent)
        if line and (deep or len(indent) + len(line) + len(text) > 97):
            fold(line, indent + "  ", indent + "      ")
            line = ""
        if deep:
            nested(inner, indent + "  ", key, comma)
        else:
            line += (" " if line else "") + text
    if line:
        fold(line, indent + "  ", indent + "      ")
    say(indent + closing + end)


def body(title, value):
    """A request's body as compact JSON."""
    say(f"  {paint(title, 'bold')}")
    nested(value, "    ")
