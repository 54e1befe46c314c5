/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A backtest as one HTML document in the look of the status page: no script, nothing from
 * elsewhere, every text from outside cleaned and escaped. A function of the backtest alone. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "agent/commands/backtest_show.h"
#include "agent/web/report.h"
#include "pgvigil/text.h"

static void put_time(struct vg_buf *out, int64_t us)
{
    char text[VG_TIME_TEXT];
    if (us == VG_NEVER)
        vg_buf_puts(out, "–");
    else
        vg_buf_printf(out, "<time datetime=\"%s\">%.10s %.5s</time>", vg_format_time(us, text),
                      text, text + 11);
}

static void put_heads(struct vg_buf *out, const char *const *heads)
{
    vg_buf_puts(out, "<div class=box>");
    vg_report_heads(out, heads);
}

static void end_table(struct vg_buf *out)
{
    vg_buf_puts(out, "</tbody></table></div>\n");
}

static void put_cell(struct vg_buf *out, const char *label, const char *text)
{
    vg_buf_printf(out, "<td data-label=\"%s\">", label);
    vg_report_text(out, text);
    vg_buf_puts(out, "</td>");
}

static void put_number(struct vg_buf *out, const char *label, double x)
{
    char text[VG_NUMBER_TEXT];
    vg_buf_printf(out, "<td class=num data-label=\"%s\">%s</td>", label,
                  isnan(x) ? "" : vg_format_human(x, 3, text));
}

static void put_count(struct vg_buf *out, const char *label, uint64_t n)
{
    vg_buf_printf(out, "<td class=num data-label=\"%s\">%" PRIu64 "</td>", label, n);
}

static void put_head(struct vg_buf *out, const struct vg_backtest *test)
{
    char window[VG_DURATION_TEXT], seconds[VG_NUMBER_TEXT];
    vg_buf_puts(out, "<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8>\n"
                     "<meta name=viewport content=\"width=device-width,initial-scale=1\">\n"
                     "<title>backtest: ");
    vg_report_text(out, test->dataset);
    vg_buf_printf(
        out, "</title>\n<style>%s</style></head><body>\n<header><h1>backtest: ", vg_report_style);
    vg_report_text(out, test->dataset);
    vg_buf_puts(out, "</h1><p>");
    put_time(out, test->from_us);
    vg_buf_puts(out, " to ");
    put_time(out, test->to_us);
    vg_buf_puts(out, ", all times UTC</p></header>\n<ul class=sum>");
    vg_buf_printf(out,
                  "<li><b>%zu</b> incidents</li><li><b>%" PRIu64 "</b> windows of %s</li>"
                  "<li><b>%" PRIu64 "</b> without rows</li><li><b>%" PRIu64
                  "</b> rows</li><li><b>%s s</b> in all</li></ul>\n",
                  test->nincidents, test->windows, vg_format_duration(test->window_us, window),
                  test->empty, test->rows, vg_format_human(test->seconds, 3, seconds));
}

static void put_alert(struct vg_buf *out, const struct vg_backtest_alert *alert)
{
    vg_buf_puts(out, "<p><code>");
    vg_report_text(out, alert->rule);
    vg_buf_puts(out, "</code> ");
    if (alert->segment) {
        vg_buf_puts(out, "<span class=soft>");
        vg_report_text(out, alert->segment);
        vg_buf_puts(out, "</span> ");
    }
    vg_buf_puts(out, alert->blind ? "could not be looked at: " : "");
    vg_report_text(out, alert->why);
    vg_buf_puts(out, "</p>");
}

static void put_incidents(struct vg_buf *out, const struct vg_backtest *test)
{
    vg_buf_puts(out, "<section><h2>Incidents</h2>\n");
    if (!test->nincidents)
        vg_buf_puts(out, "<p>None.</p>\n");
    for (size_t i = 0; i < test->nincidents; i++) {
        const struct vg_backtest_incident *incident = &test->incidents[i];
        const char *severity = vg_severity_name(incident->severity);
        bool critical = incident->severity == VG_SEVERITY_CRITICAL;
        vg_buf_printf(out, "<div class=\"box %s\"><span class=\"tag %s\">%s</span> <strong>",
                      critical ? "fail" : "warn", severity, severity);
        put_time(out, incident->opened_us);
        vg_buf_puts(out, "</strong> <span class=soft>began ");
        put_time(out, incident->onset_us);
        vg_buf_puts(out, incident->closed_us == VG_NEVER ? " · open at the end" : " · resolved ");
        if (incident->closed_us != VG_NEVER)
            put_time(out, incident->closed_us);
        vg_buf_puts(out, "</span>");
        for (size_t a = 0; a < incident->nalerts; a++)
            put_alert(out, &incident->alerts[a]);
        vg_buf_puts(out, "</div>\n");
    }
    vg_buf_puts(out, "</section>\n");
}

static void put_pages(struct vg_buf *out, const struct vg_backtest *test)
{
    static const char *const heads[] = {"Receiver", "Week of", "#Pages", "#Other messages", NULL};
    vg_buf_puts(out, "<section><h2>Pages</h2>\n");
    if (!test->nweeks) {
        vg_buf_puts(out, "<p>None.</p></section>\n");
        return;
    }
    put_heads(out, heads);
    for (size_t i = 0; i < test->nweeks; i++) {
        const struct vg_backtest_week *week = &test->weeks[i];
        vg_buf_puts(out, "<tr>");
        put_cell(out, "Receiver", week->receiver);
        vg_buf_puts(out, "<td data-label=\"Week of\">");
        put_time(out, week->start_us);
        vg_buf_puts(out, "</td>");
        put_count(out, "Pages", week->opened);
        put_count(out, "Other messages", week->others);
        vg_buf_puts(out, "</tr>\n");
    }
    end_table(out);
    for (size_t i = 0; i < test->nweeks; i++) {
        const char *receiver = test->weeks[i].receiver;
        char text[VG_NUMBER_TEXT];
        if (i && !strcmp(test->weeks[i - 1].receiver, receiver))
            continue;
        vg_buf_puts(out, "<p>");
        vg_report_text(out, receiver);
        vg_buf_printf(out, ": %s pages a week in the mean</p>\n",
                      vg_format_human(vg_backtest_pages(test, receiver), 3, text));
    }
    vg_buf_puts(out, "</section>\n");
}

static void put_changes(struct vg_buf *out, struct vg_backtest *test)
{
    static const char *const heads[] = {"Found", "Change", "What became of it", NULL};
    if (!test->nchanges)
        return;
    vg_buf_puts(out, "<section><h2>Injected changes</h2>\n");
    put_heads(out, heads);
    for (size_t i = 0; i < test->nchanges; i++) {
        const struct vg_backtest_change *change = &test->changes[i];
        const char *said = vg_backtest_say_change(test, change, test->arena);
        vg_buf_printf(out, "<tr><td data-label=Found><span class=\"tag %s\">%s</span></td>",
                      change->found ? "pass" : "warn", change->found ? "found" : "not found");
        put_cell(out, "Change", change->injection->text);
        put_cell(out, "What became of it", said ? said : "");
        vg_buf_puts(out, "</tr>\n");
        out->failed = out->failed || !said;
    }
    end_table(out);
    vg_buf_puts(out, "</section>\n");
}

static void put_rule(struct vg_buf *out, const struct vg_backtest_rule *rule)
{
    vg_buf_puts(out, "<tr><td data-label=Rule><code>");
    vg_report_text(out, rule->id);
    vg_buf_puts(out, "</code></td>");
    put_count(out, "Passed", rule->verdicts[VG_PASS]);
    put_count(out, "Warned", rule->verdicts[VG_WARN]);
    put_count(out, "Failed", rule->verdicts[VG_FAIL]);
    put_count(out, "No data", rule->verdicts[VG_NODATA]);
    put_count(out, "Unknown", rule->verdicts[VG_UNKNOWN]);
    put_count(out, "Fired", rule->fired);
    put_number(out, "ns a row", rule->row_ns);
    put_number(out, "ms judging", (double)rule->judging_ns / 1e6);
    vg_buf_puts(out, "</tr>\n");
}

static void put_rules(struct vg_buf *out, const struct vg_backtest *test)
{
    static const char *const heads[] = {"Rule",        "#Passed",  "#Warned", "#Failed",
                                        "#No data",    "#Unknown", "#Fired",  "#ns a row",
                                        "#ms judging", NULL};
    vg_buf_puts(out, "<section><h2>Rules</h2>\n<p>ns a row: to count it alone; rules of one "
                     "column share what is counted once.</p>\n");
    put_heads(out, heads);
    for (size_t i = 0; i < test->nrules; i++) {
        if (!test->rules[i].why_not)
            put_rule(out, &test->rules[i]);
    }
    end_table(out);
    for (size_t i = 0; i < test->nrules; i++) {
        if (!test->rules[i].why_not)
            continue;
        vg_buf_puts(out, "<p>Not replayed: <code>");
        vg_report_text(out, test->rules[i].id);
        vg_buf_puts(out, "</code>, ");
        vg_report_text(out, test->rules[i].why_not);
        vg_buf_puts(out, "</p>\n");
    }
    vg_buf_puts(out, "</section>\n");
}

void vg_backtest_page(struct vg_backtest *test, struct vg_buf *out)
{
    put_head(out, test);
    put_incidents(out, test);
    put_pages(out, test);
    put_changes(out, test);
    put_rules(out, test);
    if (test->tunes) {
        struct vg_buf yaml;
        vg_buf_init(&yaml, 4 << 20);
        vg_backtest_yaml(test, &yaml);
        vg_buf_puts(out, "<section><h2>Thresholds</h2>\n<pre class=box>");
        for (char *line = yaml.data, *end; *line; line = end) {
            end = line + strcspn(line, "\n");
            bool more = *end != '\0';
            *end = '\0';
            vg_report_text(out, line);
            vg_buf_putc(out, '\n');
            end += more;
        }
        vg_buf_puts(out, "</pre></section>\n");
        out->failed = out->failed || yaml.failed;
        vg_buf_free(&yaml);
    }
    vg_buf_printf(out, "<footer>pgvigil %s</footer>\n</body></html>\n", VG_VERSION);
}
