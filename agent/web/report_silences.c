/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The silences of the status page: those that people made while the agent ran, and those that stand
 * in files. Every text is escaped, as on the whole page. */
#include "agent/phrase.h"
#include "agent/web/report.h"
#include "pgvigil/text.h"

struct row {
    const struct vg_match *match;
    const struct vg_hours *hours; /* NULL: all of them */
    int64_t from_us, until_us;
    const char *by, *why;
};

static void put_row(struct vg_buf *out, const struct row *row)
{
    struct vg_buf what, hours;
    vg_buf_init(&what, VG_REPORT_LINE);
    vg_buf_init(&hours, VG_REPORT_LINE);
    vg_phrase_match(&what, row->match);
    if (row->hours)
        vg_phrase_hours(&hours, row->hours);
    vg_buf_puts(out, "<tr>");
    vg_report_cell(out, "Silenced", what.failed ? "too long to be shown" : what.data);
    vg_report_time_cell(out, "From", row->from_us == INT64_MIN ? VG_NEVER : row->from_us);
    vg_report_time_cell(out, "Until", row->until_us);
    vg_report_cell(out, "Hours", hours.data);
    vg_report_cell(out, "By", row->by);
    vg_report_cell(out, "Why", row->why);
    vg_buf_puts(out, "</tr>\n");
    vg_buf_free(&what);
    vg_buf_free(&hours);
}

static void put_quiet(struct vg_buf *out, const struct vg_quiet *quiet)
{
    struct vg_buf place;
    vg_buf_init(&place, VG_REPORT_LINE);
    vg_buf_printf(&place, "%s:%u", quiet->loc.file, quiet->loc.line);
    const struct row row = {&quiet->match,   &quiet->hours, quiet->from_us,
                            quiet->until_us, place.data,    quiet->why};
    put_row(out, &row);
    vg_buf_free(&place);
}

void vg_report_silences(const struct vg_report *report, struct vg_buf *out)
{
    static const char *const heads[] = {"Silenced", "From", "Until", "Hours", "By", "Why", NULL};
    if (!report->nsilences && !report->nquiets)
        return;
    vg_buf_puts(out, "<section><h2>Silences</h2>\n<div class=box>");
    vg_report_heads(out, heads);
    for (size_t i = 0; i < report->nsilences; i++) {
        const struct vg_silence *silence = &report->silences[i];
        const struct row row = {&silence->match,   NULL,        silence->from_us,
                                silence->until_us, silence->by, silence->why};
        put_row(out, &row);
    }
    for (size_t i = 0; i < report->nquiets; i++)
        put_quiet(out, &report->quiets[i]);
    vg_buf_puts(out, "</tbody></table>\n</div></section>\n");
}
