/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Silences that stand in files, as people are shown them: which are not over, and in which hours.
 *
 * Pure. Texts are those of the files; nothing is escaped.
 */
#include "agent/phrase.h"
#include "pgvigil/text.h"

static void add_all(const struct vg_quiet *items, size_t n, const char *dataset, int64_t now_us,
                    struct vg_quiet *out, size_t *nout)
{
    for (size_t i = 0; i < n; i++) {
        if (items[i].until_us <= now_us)
            continue;
        out[*nout] = items[i];
        if (dataset && !out[*nout].match.dataset)
            out[*nout].match.dataset = dataset;
        ++*nout;
    }
}

int vg_phrase_quiets(const struct vg_config *config, const struct vg_ruleset *rules, int64_t now_us,
                     struct vg_arena *arena, struct vg_quiet **out, size_t *n)
{
    size_t most = config ? config->nquiet : 0, ndatasets = rules ? rules->ndatasets : 0;
    for (size_t i = 0; i < ndatasets; i++)
        most += rules->datasets[i]->nquiet;
    *n = 0;
    *out = vg_arena_array(arena, most + 1, sizeof **out);
    if (!*out)
        return -1;
    if (config)
        add_all(config->quiet, config->nquiet, NULL, now_us, *out, n);
    for (size_t i = 0; i < ndatasets; i++) {
        const struct vg_dataset *dataset = rules->datasets[i];
        add_all(dataset->quiet, dataset->nquiet, dataset->id, now_us, *out, n);
    }
    return 0;
}

const char *vg_phrase_day(unsigned day)
{
    static const char *const days[VG_WEEKDAYS] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    return day < VG_WEEKDAYS ? days[day] : NULL;
}

void vg_phrase_between(struct vg_buf *out, const struct vg_hours *hours)
{
    int from = (int)(hours->from_us / VG_MINUTE_US), until = (int)(hours->until_us / VG_MINUTE_US);
    if (hours->from_us != 0 || hours->until_us != VG_DAY_US)
        vg_buf_printf(out, "%02d:%02d-%02d:%02d", from / 60, from % 60, until / 60, until % 60);
}

void vg_phrase_hours(struct vg_buf *out, const struct vg_hours *hours)
{
    size_t start = out->len;
    if (!hours->given)
        return;
    for (unsigned day = 0; day < VG_WEEKDAYS && hours->days != (1u << VG_WEEKDAYS) - 1; day++) {
        if (hours->days >> day & 1)
            vg_buf_printf(out, "%s%s", out->len > start ? " " : "", vg_phrase_day(day));
    }
    if (out->len > start)
        vg_buf_putc(out, ' ');
    vg_phrase_between(out, hours);
    if (out->len > start && out->data[out->len - 1] != ' ')
        vg_buf_putc(out, ' ');
    vg_buf_puts(out, hours->zone ? hours->zone->name : "UTC");
}
