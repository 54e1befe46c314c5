# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures of docs/drift.md, each a function of what was measured."""
import math
from datetime import datetime, timezone

from svg import BLUE, FAINT, GREEN, GRID, INK, ORANGE, RED, Picture

DAY = 86400


def draw_look_backs(path):
    """What is compared with what when a base window closes."""
    scales, left, cell, top = (1, 2, 4, 8, 24), 190, 21, 62
    picture = Picture(760, 366, "The five look-backs, and what each is compared with")
    picture.text(16, 26, "Whenever a base window closes, its last 1, 2, 4, 8 and 24 are added up:",
                 14, bold=True)
    for row, scale in enumerate(scales):
        y = top + 28 * row
        picture.text(left - 14, y + 14, f"last {scale} {'hour' if scale == 1 else 'hours'}", 12,
                     "end")
        for i in range(24):
            recent = i >= 24 - scale
            picture.rect(left + i * cell, y, cell - 3, 18, BLUE if recent else "#ffffff",
                         0.85 if recent else 1, "none" if recent else GRID)
    picture.text(left + 24 * cell, top - 8, "now", 12, "end", FAINT)
    y = top + 28 * len(scales) + 34
    picture.text(16, y, "and compared with these hours of the same kind of day in the reference:",
                 14, bold=True)
    kinds = [("weekdays", GREEN), ("Saturdays", ORANGE), ("Sundays", RED)]
    for row, (name, colour) in enumerate(kinds):
        line = y + 18 + 24 * row
        picture.text(left - 14, line + 13, name, 12, "end")
        for i in range(24):
            used = row == 0 and i >= 22
            picture.rect(left + i * cell, line, cell - 3, 16, colour, 0.85 if used else 0.18)
    picture.text(left + 22 * cell, y + 18 + 24 * 3 + 16,
                 "a Tuesday's last two hours meet these two hours of all weekdays", 12, "middle",
                 FAINT)
    picture.write(path)


def month_starts(first, last):
    at = datetime.fromtimestamp(first, timezone.utc)
    while at.timestamp() < last:
        if at.timestamp() >= first:
            yield at
        at = at.replace(year=at.year + at.month // 12, month=at.month % 12 + 1, day=1, hour=0)


def draw_replay(path, points, incidents, title):
    """p of every base window on a logarithmic scale: (time, p, level, fails), and the incidents."""
    left, top, width, height, least = 66, 56, 880, 250, 12
    picture = Picture(left + width + 24, top + height + 82, title)
    first, last = points[0][0], points[-1][0]

    def x(at):
        return left + width * (at - first) / (last - first)

    def y(p):
        return top + height * min(-math.log10(max(p, 10.0 ** -least)), least) / least

    picture.text(16, 26, title, 14, bold=True)
    for begun, ended in incidents:
        picture.rect(x(begun), top, max(x(min(ended, last)) - x(begun), 1.5), height, RED, 0.14)
    for power in range(0, least + 1, 3):
        picture.line(left, y(10.0 ** -power), left + width, y(10.0 ** -power), GRID)
        name = f"{'< ' if power == least else ''}1e-{power}" if power else "1"
        picture.text(left - 8, y(10.0 ** -power) + 4, name, 11, "end", FAINT)
    for at in month_starts(first, last):
        picture.line(x(at.timestamp()), top, x(at.timestamp()), top + height, GRID)
        picture.text(x(at.timestamp()) + 4, top + height + 16, f"{at:%-d %B %Y}", 11, fill=FAINT)
    for at, p, level, fails in points:
        picture.dot(x(at), y(p), RED if fails else BLUE, 2 if fails else 1.2)
    level, naive = points[-1][2], sum(p < 0.05 for _, p, _, _ in points)
    picture.line(left, y(level), left + width, y(level), INK, 1.2, "6 4")
    picture.line(left, y(0.05), left + width, y(0.05), ORANGE, 1.2, "2 4")
    weeks = (last - first) / DAY / 7
    foot = top + height + 44
    picture.text(16, foot, "each dot: the smallest p of a base window's look-backs; shaded: the"
                 f" {len(incidents)} incidents in {weeks:.0f} weeks", 12, fill=FAINT)
    picture.text(16, foot + 20, f"dashes: the level learnt from the reference, {level:.2g}; dots:"
                 f" 0.05, below which are {naive} of {len(points)} windows, corrected as they are",
                 12, fill=FAINT)
    picture.write(path)


POLICIES = {"naive": "Kolmogorov-Smirnov, p < 0.05", "evidently": "Evidently's defaults",
            "nannyml": "NannyML's default", "bonferroni": "Bonferroni over columns"}


def alarms_of(measured):
    """Alarmed tests a week of policies that look once an hour; of the budget its incidents."""
    scenes = [(scene["name"].split(" ", 1)[1], scene) for scene in measured["scenes"]
              if scene["name"].startswith("100 numeric")]
    return [(name, [(title, 7 * scene["peers"][policy]["alarms"])
                    for policy, title in POLICIES.items()] +
             [("pgvigil", scene["budget"]["week"])]) for name, scene in scenes]


def delays_of(measured):
    """Median and ninth tenth of the budget's delays, on independent and autocorrelated rows."""
    rows = []
    for scene in measured["scenes"]:
        kind = scene["name"].rsplit("(", 1)[-1].rstrip(")")
        if not scene["name"].startswith("100 ") or kind not in ("iid", "ar", "over"):
            continue
        for change, policies in scene["delays"].items():
            found = policies["budget"]
            what = {"numeric": "", "categories": "share ", "null": "NULLs "}[
                scene["name"].split()[1]]
            rows.append((what + change, "independent rows" if kind == "iid" else "restless column",
                         found["median"], found["tenth"]))
    return rows


def draw_alarms(path, scenes):
    """False alarms a week of each policy: [(scene, [(policy, a week)])], logarithmic."""
    left, bar, gap, width = 300, 15, 30, 520
    rows = sum(len(bars) for _, bars in scenes)
    height = 70 + rows * bar + len(scenes) * gap
    picture = Picture(left + width + 110, height, "False alarms a week")
    picture.text(16, 26, "False alarms a week, 100 columns in which nothing changed (logarithmic)",
                 14, bold=True)
    most, least = 5.5, -1.5
    y = 50
    for scene, bars in scenes:
        picture.text(16, y + 10, scene, 12, bold=True)
        y += 18
        for policy, count in bars:
            ours = policy == "pgvigil"
            reach = max(math.log10(max(count, 10.0 ** least)) - least, 0.02) / (most - least)
            picture.text(left - 8, y + 10, policy, 11, "end", bold=ours)
            picture.rect(left, y, width * reach, bar - 4, GREEN if ours else RED, 0.85)
            picture.text(left + width * reach + 6, y + 10,
                         f"{count:,.0f}" if count >= 10 else f"{count:.2g}", 11)
            y += bar
        y += gap - 18
    picture.write(path)


def draw_delays(path, rows):
    """Hours until a change is found: [(change, scene, median or None, ninth tenth or None)]."""
    left, step, width = 320, 22, 470
    picture = Picture(left + width + 130, 74 + step * len(rows), "Hours until a change is found")
    picture.text(16, 26, "Hours until a change of one column is found", 14, bold=True)

    def x(hours):
        return left + width * math.log10(max(hours, 1)) / math.log10(168)

    for hours, name in ((1, "1 h"), (6, "6 h"), (24, "a day"), (168, "a week")):
        picture.line(x(hours), 44, x(hours), 50 + step * len(rows), GRID)
        picture.text(x(hours), 50 + step * len(rows) + 16, name, 11, "middle", FAINT)
    for i, (change, scene, median, ninth) in enumerate(rows):
        y = 56 + step * i
        picture.text(left - 12, y + 4, f"{change}, {scene}", 12, "end")
        if median is None:
            picture.text(left, y + 4, "not within a week in more than half of the columns", 11,
                         fill=RED)
            continue
        end = x(ninth) if ninth is not None else left + width
        picture.line(x(median), y, end, y, BLUE, 3)
        picture.dot(x(median), y, INK, 4.5)
        most = f", nine in ten {ninth:g} h" if ninth is not None else ""
        picture.text(max(end, x(median)) + 8, y + 4, f"{median:g} h{most}", 11)
    picture.write(path)
