/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The planner's estimate as a guard. It is asked each time, not for new statements only: a dropped
 * index or a grown table makes another plan of the same text. EXPLAIN runs nothing and takes about
 * a millisecond. */
#include "agent/loop/cost.h"

#include <stdlib.h>
#include <string.h>

#include "pgvigil/text.h"

/* A name in the line may hold anything: the estimate stands behind all of them. */
static const char *find_last(const char *text, const char *part)
{
    const char *found = NULL;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at++)
        found = at;
    return found;
}

double vg_cost_read(const char *line)
{
    const char *cost = line ? find_last(line, "  (cost=") : NULL;
    const char *total = cost ? strstr(cost, "..") : NULL;
    char number[VG_NUMBER_TEXT];
    double value;
    if (!total)
        return -1;
    total += 2;
    size_t n = strspn(total, "0123456789.");
    if (!n || n >= sizeof number)
        return -1;
    memcpy(number, total, n);
    number[n] = '\0';
    return vg_parse_double(number, &value) == 0 ? value : -1;
}

int vg_cost_guard(const struct vg_cost_of *of, const char *select, struct vg_arena *arena,
                  struct vg_error *err)
{
    struct vg_rows rows;
    char found[VG_NUMBER_TEXT], most[VG_NUMBER_TEXT];
    if (of->most <= 0)
        return 0;
    const char *sql = vg_arena_printf(arena, "EXPLAIN %s", select);
    if (!sql)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    if (of->source->ops->ask(of->session, sql, of->timeout_us, arena, &rows, err) < 0)
        return -1;
    double cost = rows.nrows ? vg_cost_read(rows.cells[0]) : -1;
    if (cost < 0)
        return vg_fail(err, VG_E_DATA, "the server's estimate of a statement cannot be read");
    if (cost <= of->most)
        return 0;
    vg_fail(err, VG_E_LIMIT, "refused: the server estimates a cost of %s, limits.cost is %s",
            vg_format_human(cost, 4, found), vg_format_human(of->most, 4, most));
    return vg_hint(err, "index the time column, take a sample, or raise limits.cost above %s",
                   vg_format_human(cost, 4, found));
}
