# SPDX-License-Identifier: GPL-3.0-or-later
"""How the demo looks: headings, the table of days, bodies of requests. Colour on a terminal only."""
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


def number(value, unit):
    if value is None:
        return "–"
    if unit == "ratio":
        return f"{value:.3f}" if value >= 0.1 else f"{100 * value:.2g} %"
    if unit == "seconds":
        return f"{value / 3600:.1f} h"
    return f"{value:,.0f}"


def rule_line(result):
    """One result as a line: what, verdict, number against limit, why."""
    verdict = paint(f"{result['verdict']:7}", result["verdict"])
    limit = "" if result["limit"] is None else f"limit {number(result['limit'], result['unit'])}"
    value = number(result["value"], result["unit"])
    return f"  {verdict} {result['rule']:34} {value:>8}  {limit:14} {result['why']}"


def day_rows(days, datasets):
    """One row per day and dataset: passes counted, everything else said."""
    for day, results in days:
        for dataset in datasets:
            mine = results[dataset]["results"]
            windowed = [r for r in mine if r["verdict"] == "pass"]
            others = [r for r in mine if r["verdict"] != "pass"]
            grave = "fail" if any(r["verdict"] == "fail" for r in others) else "pass"
            drift = next(r for r in mine if r["class"] == "drift")
            say(f"  {day:%a %d %b}  {dataset:18} {results[dataset]['rows']:>5,} rows  "
                f"{paint(f'{len(windowed)} passed', grave if not others else 'dim'):}  "
                f"D of {drift['column']} {drift['value']:.3f}")
            for result in others:
                say("         " + rule_line(result))


def body(title, value, width=92, lines=40):
    """A request's body, indented JSON, long texts folded, cut to so many lines."""
    say(f"  {paint(title, 'bold')}")
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    shown = []
    for line in text.splitlines():
        indent = " " * (len(line) - len(line.lstrip()) + 2)
        shown += textwrap.wrap(line, width, subsequent_indent=indent, drop_whitespace=True,
                               break_long_words=True, replace_whitespace=False) or [""]
    for line in shown[:lines]:
        say(f"    {line}")
    if len(shown) > lines:
        say(f"    … and {len(shown) - lines} more lines")
