/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A backtest as tables for people: incidents with their evidence, pages, injected changes, rules
 * with what they cost, and what was not replayed. */
#include "agent/commands/backtest_show.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "agent/commands/show.h"
#include "pgvigil/text.h"

double vg_backtest_pages(const struct vg_backtest *test, const char *receiver)
{
    double weeks = (double)(test->to_us - test->from_us) / (double)VG_WEEK_US, pages = 0;
    for (size_t i = 0; i < test->nweeks; i++)
        pages += !strcmp(test->weeks[i].receiver, receiver) ? test->weeks[i].opened : 0;
    return pages / weeks;
}

static const char *say_length(struct vg_arena *arena, int64_t us)
{
    char text[VG_NUMBER_TEXT];
    bool days = us >= 2 * VG_DAY_US, hours = us >= 2 * VG_HOUR_US;
    int64_t unit = days ? VG_DAY_US : hours ? VG_HOUR_US : VG_MINUTE_US;
    vg_format_human((double)us / (double)unit, 3, text);
    return vg_arena_printf(arena, "%s %s", text, days ? "days" : hours ? "hours" : "minutes");
}

const char *vg_backtest_say_change(const struct vg_backtest *test,
                                   const struct vg_backtest_change *change, struct vg_arena *arena)
{
    if (change->outside)
        return "changes nothing: it lies outside of the windows that are replayed";
    if (change->unread)
        return "changes nothing: no rule that is replayed reads the column";
    if (change->found) {
        const char *after = say_length(arena, vg_backtest_delay(test, change));
        return after ? vg_arena_printf(arena, "found after %s by %s: %s", after, change->found,
                                       change->why)
                     : NULL;
    }
    if (change->before)
        return vg_arena_printf(arena, "not found: %s fires without the change, too",
                               change->before);
    return "not found";
}

static const char *print_time(struct vg_arena *arena, int64_t us)
{
    char text[VG_TIME_TEXT];
    return us == VG_NEVER ? NULL : vg_arena_strdup(arena, vg_format_time(us, text));
}

static const char *print_number(struct vg_arena *arena, double x, int digits)
{
    char text[VG_NUMBER_TEXT];
    return isnan(x) ? NULL : vg_arena_strdup(arena, vg_format_human(x, digits, text));
}

static void print_head(struct vg_backtest *test, FILE *out)
{
    char from[VG_TIME_TEXT], to[VG_TIME_TEXT], window[VG_DURATION_TEXT], seconds[VG_NUMBER_TEXT];
    vg_show_text(out, test->dataset);
    fprintf(out, ": %" PRIu64 " windows of %s from %s to %s, %" PRIu64 " without rows\n",
            test->windows, vg_format_duration(test->window_us, window),
            vg_format_time(test->from_us, from), vg_format_time(test->to_us, to), test->empty);
    fprintf(out, "%" PRIu64 " rows, read once, in %s s\n", test->rows,
            vg_format_human(test->seconds, 3, seconds));
    if (!test->reference_rows) {
        fputs(test->reference_rolls ? "reference: rolling, with no version for the first window\n"
                                    : "reference: none\n",
              out);
        return;
    }
    fputs("reference: ", out);
    if (test->reference_rolls)
        fputs("rolling, each version captured for this backtest; the first", out);
    else if (test->reference_captured)
        fputs("captured for this backtest", out);
    else
        fprintf(out, "version %" PRId64 " of the state", test->reference_version);
    if (test->reference_from_us != VG_NEVER)
        fprintf(out, ", from %s to %s", vg_format_time(test->reference_from_us, from),
                vg_format_time(test->reference_to_us, to));
    fprintf(out, ", %" PRIu64 " rows\n", test->reference_rows);
}

static void print_alert(const struct vg_backtest_alert *alert, FILE *out)
{
    fputs("    ", out);
    vg_show_text(out, alert->rule);
    if (alert->segment) {
        fputs(" [", out);
        vg_show_text(out, alert->segment);
        fputs("]", out);
    }
    fputs(alert->blind ? ", could not be looked at: " : ": ", out);
    vg_show_text(out, alert->why);
    fputs("\n", out);
}

static void print_incidents(const struct vg_backtest *test, FILE *out)
{
    fprintf(out, "\nincidents: %zu\n", test->nincidents);
    for (size_t i = 0; i < test->nincidents; i++) {
        const struct vg_backtest_incident *incident = &test->incidents[i];
        char onset[VG_TIME_TEXT], opened[VG_TIME_TEXT], closed[VG_TIME_TEXT];
        fprintf(out, "  %s  %s, began %s, ", vg_format_time(incident->opened_us, opened),
                vg_severity_name(incident->severity), vg_format_time(incident->onset_us, onset));
        if (incident->closed_us == VG_NEVER)
            fputs("open at the end\n", out);
        else
            fprintf(out, "resolved %s\n", vg_format_time(incident->closed_us, closed));
        for (size_t a = 0; a < incident->nalerts; a++)
            print_alert(&incident->alerts[a], out);
    }
}

static int print_pages(struct vg_backtest *test, FILE *out)
{
    enum { COLUMNS = 4 };
    const char **cells = vg_arena_array(test->arena, (test->nweeks + 1) * COLUMNS, sizeof *cells);
    if (!cells)
        return -1;
    if (!test->nweeks) {
        fputs("\npages: none\n", out);
        return 0;
    }
    const char *head[COLUMNS] = {"  receiver", "week of", "pages", "other messages"};
    memcpy(cells, head, sizeof head);
    fputs("\npages\n", out);
    for (size_t i = 0; i < test->nweeks; i++) {
        const struct vg_backtest_week *week = &test->weeks[i];
        const char **row = cells + (i + 1) * COLUMNS;
        row[0] = vg_arena_printf(test->arena, "  %s", week->receiver);
        row[1] = print_time(test->arena, week->start_us);
        row[2] = vg_arena_printf(test->arena, "%u", week->opened);
        row[3] = vg_arena_printf(test->arena, "%u", week->others);
    }
    vg_show_table(out, cells, test->nweeks + 1, COLUMNS);
    for (size_t i = 0; i < test->nweeks; i++) {
        const char *receiver = test->weeks[i].receiver;
        char text[VG_NUMBER_TEXT];
        if (i && !strcmp(test->weeks[i - 1].receiver, receiver))
            continue;
        fputs("  ", out);
        vg_show_text(out, receiver);
        fprintf(out, ": %s pages a week in the mean\n",
                vg_format_human(vg_backtest_pages(test, receiver), 3, text));
    }
    return 0;
}

static int print_changes(struct vg_backtest *test, FILE *out)
{
    if (test->nchanges)
        fputs("\ninjected changes\n", out);
    for (size_t i = 0; i < test->nchanges; i++) {
        const char *said = vg_backtest_say_change(test, &test->changes[i], test->arena);
        if (!said)
            return -1;
        fputs("  ", out);
        vg_show_text(out, test->changes[i].injection->text);
        fputs("\n    ", out);
        vg_show_text(out, said);
        fputs("\n", out);
    }
    return 0;
}

static void fill_rule(struct vg_arena *arena, const struct vg_backtest_rule *rule, const char **row)
{
    static const enum vg_verdict order[] = {VG_PASS, VG_WARN, VG_FAIL, VG_NODATA, VG_UNKNOWN};
    row[0] = vg_arena_printf(arena, "  %s", rule->id);
    for (size_t v = 0; v < sizeof order / sizeof *order; v++)
        row[1 + v] = vg_arena_printf(arena, "%" PRIu64, rule->verdicts[order[v]]);
    row[6] = vg_arena_printf(arena, "%zu", rule->fired);
    row[7] = print_number(arena, rule->row_ns, 3);
    row[8] = print_number(arena, (double)rule->judging_ns / 1e6, 3);
}

static int print_rules(struct vg_backtest *test, FILE *out)
{
    enum { COLUMNS = 9 };
    const char **cells = vg_arena_array(test->arena, (test->nrules + 1) * COLUMNS, sizeof *cells);
    const char *head[COLUMNS] = {"  rule",  "passed", "warned",   "failed",    "no data",
                                 "unknown", "fired",  "ns a row", "ms judging"};
    if (!cells)
        return -1;
    memcpy(cells, head, sizeof head);
    size_t n = 1, left = 0;
    for (size_t i = 0; i < test->nrules; i++) {
        left += test->rules[i].why_not != NULL;
        if (!test->rules[i].why_not)
            fill_rule(test->arena, &test->rules[i], cells + n++ * COLUMNS);
    }
    fputs("\nrules; ns a row: to count it alone\n", out);
    vg_show_table(out, cells, n, COLUMNS);
    if (left)
        fputs("\nnot replayed\n", out);
    for (size_t i = 0; i < test->nrules; i++) {
        if (!test->rules[i].why_not)
            continue;
        fputs("  ", out);
        vg_show_text(out, test->rules[i].id);
        fprintf(out, ": %s\n", test->rules[i].why_not);
    }
    return 0;
}

static void print_unaware(const struct vg_backtest *test, FILE *out)
{
    bool first = true;
    for (size_t i = 0; test->nchanges && i < test->nrules; i++) {
        const struct vg_backtest_rule *rule = &test->rules[i];
        if (rule->why_not || !rule->unaware)
            continue;
        fputs(first ? "\nevaluated in part by the server, which saw the rows unchanged: " : ", ",
              out);
        vg_show_text(out, rule->id);
        first = false;
    }
    fputs(first ? "" : "\n", out);
}

int vg_backtest_print(struct vg_backtest *test, FILE *out)
{
    print_head(test, out);
    print_incidents(test, out);
    if (print_pages(test, out) < 0 || print_changes(test, out) < 0 || print_rules(test, out) < 0)
        return -1;
    print_unaware(test, out);
    if (test->tunes) {
        struct vg_buf yaml;
        vg_buf_init(&yaml, 4 << 20);
        vg_backtest_yaml(test, &yaml);
        bool failed = yaml.failed;
        fprintf(out, "\n%s", yaml.data);
        vg_buf_free(&yaml);
        if (failed)
            return -1;
    }
    return fflush(out) == EOF ? -1 : 0;
}
