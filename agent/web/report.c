/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The status page as HTML. A function of what was loaded, the time given and nothing else. Promises
 * that no text from a table, a rule file or a server becomes markup. */
#include "agent/web/report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "agent/phrase.h"
#include "pgvigil/text.h"
#include "pgvigil/time.h"

/* --- Pieces ---------------------------------------------------------------------------------- */

void vg_report_text(struct vg_buf *out, const char *text)
{
    struct vg_buf clean;
    vg_buf_init(&clean, VG_REPORT_BYTES);
    vg_utf8_clean(&clean, text, strlen(text), true);
    for (const char *p = clean.data; *p; p++) {
        switch (*p) {
        case '&':
            vg_buf_puts(out, "&amp;");
            break;
        case '<':
            vg_buf_puts(out, "&lt;");
            break;
        case '>':
            vg_buf_puts(out, "&gt;");
            break;
        case '"':
            vg_buf_puts(out, "&quot;");
            break;
        case '\'':
            vg_buf_puts(out, "&#39;");
            break;
        default:
            vg_buf_putc(out, *p);
        }
    }
    out->failed = out->failed || clean.failed;
    vg_buf_free(&clean);
}

/* A word that also chooses the colour; both come from the program's own names. */
static void put_tag(struct vg_buf *out, const char *class, const char *word)
{
    vg_buf_printf(out, "<span class=\"tag %s\">%s</span>", class, word);
}

void vg_report_cell(struct vg_buf *out, const char *label, const char *text)
{
    vg_buf_printf(out, "<td data-label=\"%s\">", label);
    vg_report_text(out, text ? text : "");
    vg_buf_puts(out, "</td>");
}

static void put_count(struct vg_buf *out, const char *label, int64_t n)
{
    vg_buf_printf(out, "<td class=num data-label=\"%s\">%lld</td>", label, (long long)n);
}

void vg_report_heads(struct vg_buf *out, const char *const *heads)
{
    vg_buf_puts(out, "<table><thead><tr>");
    for (; *heads; heads++) {
        bool number = **heads == '#';
        vg_buf_printf(out, "<th scope=col%s>%s</th>", number ? " class=num" : "", *heads + number);
    }
    vg_buf_puts(out, "</tr></thead><tbody>\n");
}

static void end_table(struct vg_buf *out)
{
    vg_buf_puts(out, "</tbody></table>\n");
}

/* "3 d": a length of time in the largest unit of which there are at least two. */
static void put_length(struct vg_buf *out, int64_t us)
{
    static const struct {
        int64_t us;
        const char *name;
    } units[] = {{365 * VG_DAY_US, "years"},
                 {VG_DAY_US, "days"},
                 {VG_HOUR_US, "h"},
                 {VG_MINUTE_US, "min"},
                 {VG_US, "s"}};
    size_t i = 0;
    while (i < 4 && us < 2 * units[i].us)
        i++;
    vg_buf_printf(out, "%lld %s", (long long)(us / units[i].us), units[i].name);
}

/* "2001-06-13 00:10:00", with the exact time for machines. */
static void put_time(struct vg_buf *out, int64_t us)
{
    char text[VG_TIME_TEXT];
    if (us == VG_NEVER) {
        vg_buf_puts(out, "–");
        return;
    }
    vg_buf_printf(out, "<time datetime=\"%s\">", vg_format_time(us, text));
    vg_buf_printf(out, "%.10s %.5s</time>", text, text + 11);
}

/* The time, and how long before now that was. */
static void put_ago(struct vg_buf *out, int64_t us, int64_t now_us)
{
    put_time(out, us);
    if (us == VG_NEVER || us > now_us)
        return;
    vg_buf_puts(out, " <span class=soft>(");
    put_length(out, now_us - us);
    vg_buf_puts(out, " ago)</span>");
}

void vg_report_time_cell(struct vg_buf *out, const char *label, int64_t us)
{
    vg_buf_printf(out, "<td data-label=\"%s\">", label);
    put_time(out, us);
    vg_buf_puts(out, "</td>");
}

/* --- Head and foot --------------------------------------------------------------------------- */

static void put_tile(struct vg_buf *out, size_t n, const char *one, const char *many)
{
    vg_buf_printf(out, "<li><b>%zu</b>%s</li>", n, n == 1 ? one : many);
}

static size_t count_worst(const struct vg_report *report, enum vg_verdict worst)
{
    size_t n = 0;
    for (size_t i = 0; i < report->ndatasets; i++)
        n += report->datasets[i].worst == worst;
    return n;
}

static void put_tiles(struct vg_buf *out, const struct vg_report *report)
{
    int64_t waiting = 0;
    for (size_t i = 0; i < report->nsinks; i++)
        waiting += report->sinks[i].waiting;
    vg_buf_puts(out, "<ul class=sum>");
    put_tile(out, report->ndatasets, "dataset", "datasets");
    put_tile(out, count_worst(report, VG_FAIL), "failing", "failing");
    put_tile(out, count_worst(report, VG_UNKNOWN), "cannot be checked", "cannot be checked");
    put_tile(out, count_worst(report, VG_WARN), "with warnings", "with warnings");
    put_tile(out, count_worst(report, VG_NODATA), "without data", "without data");
    put_tile(out, count_worst(report, VG_PASS), "in order", "in order");
    put_tile(out, (size_t)waiting, "message waiting", "messages waiting");
    vg_buf_puts(out, "</ul>\n");
}

static void put_head(struct vg_buf *out, const struct vg_report *report,
                     const struct vg_report_about *about, int64_t now_us)
{
    vg_buf_puts(out, "<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8>\n"
                     "<meta name=viewport content=\"width=device-width,initial-scale=1\">\n"
                     "<title>pgvigil: ");
    vg_report_text(out, about->name);
    vg_buf_printf(
        out, "</title>\n<style>%s</style></head><body>\n<header><h1>pgvigil: ", vg_report_style);
    vg_report_text(out, about->name);
    vg_buf_puts(out, "</h1><p>as of ");
    put_time(out, now_us);
    vg_buf_puts(out, ", all times UTC</p></header>\n");
    if (about->problem) {
        vg_buf_puts(out, "<div class=\"box fail\" role=status>");
        vg_report_text(out, about->problem);
        vg_buf_puts(out, "</div>\n");
    }
    put_tiles(out, report);
}

static void put_foot(struct vg_buf *out, const struct vg_report_about *about)
{
    vg_buf_puts(out, "<footer>pgvigil ");
    vg_report_text(out, about->version);
    vg_buf_puts(out,
                " · <a href=\"metrics\">metrics</a> · <a href=\"-/ready\">ready?</a></footer>\n"
                "</body></html>\n");
}

/* --- Alerts ---------------------------------------------------------------------------------- */

static const char *choose_class(const struct vg_alert *alert)
{
    if (alert->state == VG_ALERT_BLIND || alert->state == VG_ALERT_FIRING_BLIND)
        return "blind";
    return alert->severity == VG_SEVERITY_CRITICAL ? "fail" : "warn";
}

static const char *explain_state(enum vg_alert_state state)
{
    switch (state) {
    case VG_ALERT_FIRING:
        return "firing";
    case VG_ALERT_CLEARING:
        return "clearing";
    case VG_ALERT_BLIND:
        return "cannot be checked";
    case VG_ALERT_FIRING_BLIND:
        return "firing, and cannot be checked now";
    default:
        return vg_alert_state_name(state);
    }
}

static void put_alert(struct vg_buf *out, const struct vg_alert *alert, int64_t now_us)
{
    vg_buf_printf(out, "<div class=\"box %s\">", choose_class(alert));
    put_tag(out, choose_class(alert), explain_state(alert->state));
    vg_buf_puts(out, " ");
    put_tag(out, vg_severity_name(alert->severity), vg_severity_name(alert->severity));
    vg_buf_puts(out, " <strong>");
    vg_report_text(out, alert->dataset);
    vg_buf_puts(out, "</strong> <code>");
    vg_report_text(out, alert->rule);
    vg_buf_puts(out, "</code><p>");
    vg_report_text(out, alert->why);
    vg_buf_puts(out, "</p><p class=soft>since ");
    put_ago(out, alert->onset_us == VG_NEVER ? alert->changed_us : alert->onset_us, now_us);
    if (alert->runbook) {
        vg_buf_puts(out, " · runbook: ");
        vg_report_text(out, alert->runbook);
    }
    vg_buf_puts(out, "</p></div>\n");
}

static void put_alerts(struct vg_buf *out, const struct vg_report *report, int64_t now_us)
{
    vg_buf_puts(out, "<section><h2>Alerts</h2>\n");
    if (!report->nalerts)
        vg_buf_puts(out, "<p>Nothing fires.</p>\n");
    for (size_t i = 0; i < report->nalerts; i++)
        put_alert(out, &report->alerts[i], now_us);
    vg_buf_puts(out, "</section>\n");
}

/* --- Datasets -------------------------------------------------------------------------------- */

enum { REPORT_KEYS = 10 };

static void put_value(struct vg_buf *out, const char *label, double value, enum vg_unit unit)
{
    char text[VG_VALUE_TEXT];
    vg_buf_printf(out, "<td class=num data-label=\"%s\">", label);
    if (!isnan(value))
        vg_report_text(out, vg_value_text(value, unit, 4, text));
    vg_buf_puts(out, "</td>");
}

/* The sentence, and the first rows that it is about. */
static void put_finding(struct vg_buf *out, const struct vg_latest *latest)
{
    size_t n = latest->keys.n < REPORT_KEYS ? latest->keys.n : REPORT_KEYS;
    vg_buf_puts(out, "<td data-label=Finding>");
    vg_report_text(out, latest->why);
    for (size_t i = 0; i < n; i++) {
        vg_buf_puts(out, i ? ", <code>" : "<br><span class=soft>rows <code>");
        vg_report_text(out, latest->keys.items[i]);
        vg_buf_puts(out, "</code>");
    }
    if (n < latest->keys.n)
        vg_buf_printf(out, " and %zu more", latest->keys.n - n);
    vg_buf_puts(out, n ? "</span></td>" : "</td>");
}

static void put_result(struct vg_buf *out, const struct vg_latest *latest)
{
    const char *verdict = vg_verdict_name(latest->verdict);
    vg_buf_puts(out, "<tr><td data-label=Verdict>");
    put_tag(out, verdict, verdict);
    vg_buf_puts(out, "</td><td data-label=Rule><code>");
    vg_report_text(out, latest->rule);
    vg_buf_puts(out, "</code>");
    if (*latest->segment) {
        vg_buf_puts(out, " <span class=soft>");
        vg_report_text(out, latest->segment);
        vg_buf_puts(out, "</span>");
    }
    vg_buf_puts(out, "</td>");
    put_value(out, "Value", latest->value, latest->unit);
    put_value(out, "Limit", latest->limit, latest->unit);
    put_finding(out, latest);
    vg_report_time_cell(out, "At", latest->at_us);
    vg_buf_puts(out, "</tr>\n");
}

static void put_window(struct vg_buf *out, const struct vg_report_dataset *dataset)
{
    if (!dataset->has_window) {
        vg_buf_puts(out, "no window judged yet");
        return;
    }
    vg_buf_puts(out, "last window ");
    put_time(out, dataset->window.window.start_us);
    vg_buf_puts(out, " – ");
    put_time(out, dataset->window.window.end_us);
    vg_buf_printf(out, ", %llu rows", (unsigned long long)dataset->window.rows);
}

static void put_dataset(struct vg_buf *out, const struct vg_report_dataset *dataset, int64_t now_us)
{
    static const char *const heads[] = {"Verdict", "Rule", "#Value", "#Limit",
                                        "Finding", "At",   NULL};
    const char *worst = dataset->n ? vg_verdict_name(dataset->worst) : "nodata";
    bool grave = dataset->worst == VG_FAIL || dataset->worst == VG_UNKNOWN;
    vg_buf_puts(out, "<details id=\"dataset-");
    vg_report_text(out, dataset->id);
    vg_buf_printf(out, "\" class=\"box %s\"%s><summary>", worst, grave ? " open" : "");
    put_tag(out, worst, worst);
    vg_buf_puts(out, "<strong>");
    vg_report_text(out, dataset->id);
    vg_buf_puts(out, "</strong>");
    if (dataset->progress.model) {
        vg_buf_puts(out, "<span class=soft>model ");
        vg_report_text(out, dataset->progress.model);
        vg_buf_puts(out, "</span>");
    }
    vg_buf_puts(out, "<span class=soft>");
    put_window(out, dataset);
    vg_buf_puts(out, "</span></summary>\n<p class=soft>last read ");
    put_ago(out, dataset->progress.success_us, now_us);
    vg_buf_printf(out, " · cycles: %lld, failed: %lld · windows skipped: %lld</p>\n",
                  (long long)dataset->progress.cycles, (long long)dataset->progress.cycle_failures,
                  (long long)dataset->progress.windows_skipped);
    vg_report_heads(out, heads);
    for (size_t i = 0; i < dataset->n && i < VG_REPORT_RESULTS; i++)
        put_result(out, &dataset->latest[i]);
    end_table(out);
    if (dataset->n > VG_REPORT_RESULTS)
        vg_buf_printf(out, "<p class=soft>and %zu more</p>\n", dataset->n - VG_REPORT_RESULTS);
    vg_buf_puts(out, "</details>\n");
}

static void put_datasets(struct vg_buf *out, const struct vg_report *report, int64_t now_us)
{
    vg_buf_puts(out, "<section><h2>Datasets</h2>\n");
    if (!report->ndatasets)
        vg_buf_puts(out, "<p>No dataset has been looked at yet.</p>\n");
    for (size_t i = 0; i < report->ndatasets; i++)
        put_dataset(out, &report->datasets[i], now_us);
    vg_buf_puts(out, "</section>\n");
}

/* --- Incidents, retraining, deliveries -------------------------------------------------------- */

static void put_incident(struct vg_buf *out, const struct vg_incident *incident)
{
    bool open = incident->closed_us == VG_NEVER;
    vg_buf_puts(out, "<tr><td data-label=State>");
    put_tag(out, open ? "firing" : "closed", open ? "open" : "closed");
    vg_buf_puts(out, "</td>");
    vg_report_cell(out, "Dataset", incident->dataset);
    vg_report_cell(out, "Severity", vg_severity_name(incident->severity));
    vg_report_cell(out, "Rules", incident->rules ? incident->rules : "");
    vg_report_time_cell(out, "Onset", incident->onset_us);
    vg_report_time_cell(out, "Opened", incident->opened_due_us);
    vg_report_time_cell(out, "Closed", incident->closed_us);
    vg_buf_puts(out, "<td data-label=Told>");
    for (size_t i = 0; i < incident->to.n; i++) {
        vg_buf_puts(out, i ? ", " : "");
        vg_report_text(out, incident->to.items[i]);
    }
    vg_buf_puts(out, "</td></tr>\n");
}

static void put_incidents(struct vg_buf *out, const struct vg_report *report)
{
    static const char *const heads[] = {"State",  "Dataset", "Severity", "Rules", "Onset",
                                        "Opened", "Closed",  "Told",     NULL};
    vg_buf_puts(out, "<section><h2>Incidents</h2>\n");
    if (!report->nincidents) {
        vg_buf_puts(out, "<p>None yet.</p></section>\n");
        return;
    }
    vg_buf_puts(out, "<div class=box>");
    vg_report_heads(out, heads);
    for (size_t i = 0; i < report->nincidents; i++)
        put_incident(out, &report->incidents[i]);
    end_table(out);
    vg_buf_puts(out, "</div></section>\n");
}

static void put_standing(struct vg_buf *out, const struct vg_retrain_standing *standing)
{
    struct vg_buf line;
    vg_buf_init(&line, VG_REPORT_LINE);
    vg_retrain_state_say(&line, standing);
    vg_buf_puts(out, "<p><b>");
    vg_report_text(out, standing->onset->model);
    vg_buf_puts(out, "</b>: ");
    vg_report_text(out, line.failed ? "too long to be shown" : line.data);
    vg_buf_puts(out, "</p>\n");
    vg_buf_free(&line);
}

static void put_decisions(struct vg_buf *out, const struct vg_report *report)
{
    static const char *const heads[] = {"At", "Model", "Decision", "By", "Reason", NULL};
    vg_buf_puts(out, "<section><h2>Retraining</h2>\n");
    for (size_t i = 0; i < report->nstandings; i++)
        put_standing(out, &report->standings[i]);
    if (!report->ndecisions) {
        vg_buf_puts(out, "<p>No decision yet.</p></section>\n");
        return;
    }
    vg_buf_puts(out, "<div class=box>");
    vg_report_heads(out, heads);
    for (size_t i = 0; i < report->ndecisions; i++) {
        const struct vg_decision *decision = &report->decisions[i];
        vg_buf_puts(out, "<tr>");
        vg_report_time_cell(out, "At", decision->at_us);
        vg_report_cell(out, "Model", decision->model);
        vg_buf_puts(out, "<td data-label=Decision>");
        put_tag(out, vg_decision_name(decision->kind), vg_decision_name(decision->kind));
        vg_buf_puts(out, "</td>");
        vg_report_cell(out, "By", decision->by ? decision->by : "pgvigil");
        vg_report_cell(out, "Reason", decision->reason);
        vg_buf_puts(out, "</tr>\n");
    }
    end_table(out);
    vg_buf_puts(out, "</div></section>\n");
}

static void put_sinks(struct vg_buf *out, const struct vg_report *report)
{
    static const char *const heads[] = {"Receiver", "#Waiting", "#Sent", "#Set aside", NULL};
    vg_buf_puts(out, "<section><h2>Deliveries</h2>\n");
    if (!report->nsinks) {
        vg_buf_puts(out, "<p>Nothing has been sent yet.</p></section>\n");
        return;
    }
    vg_buf_puts(out, "<div class=box>");
    vg_report_heads(out, heads);
    for (size_t i = 0; i < report->nsinks; i++) {
        const struct vg_outbox_count *sink = &report->sinks[i];
        vg_buf_puts(out, "<tr><td data-label=Receiver>");
        vg_buf_puts(out, sink->sink_kind == VG_SINK_RETRAIN ? "retraining of " : "");
        vg_report_text(out, sink->sink);
        vg_buf_puts(out, "</td>");
        put_count(out, "Waiting", sink->waiting);
        put_count(out, "Sent", sink->sent);
        put_count(out, "Set aside", sink->dead);
        vg_buf_puts(out, "</tr>\n");
    }
    end_table(out);
    vg_buf_puts(out, "</div></section>\n");
}

void vg_report_render(const struct vg_report *report, const struct vg_report_about *about,
                      int64_t now_us, struct vg_buf *out)
{
    put_head(out, report, about, now_us);
    put_alerts(out, report, now_us);
    vg_report_silences(report, out);
    put_datasets(out, report, now_us);
    put_incidents(out, report);
    put_decisions(out, report);
    put_sinks(out, report);
    put_foot(out, about);
}
