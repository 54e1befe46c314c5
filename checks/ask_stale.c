/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How old what is newest is. Pure. One statement for all names of a long source: the newest time of
 * each. A name that is known, but has no row up to now, is older than any limit. */
#include "checks/ask_stale.h"

#include <math.h>
#include <stdio.h>

#include "pgvigil/text.h"
#include "pgvigil/time.h"

static const struct vg_catalog_column *find_time(const struct vg_asked *asked, struct vg_error *err)
{
    const struct vg_ask_stale *params = asked->rule->params;
    const struct vg_strings names = {&params->by, 1};
    struct vg_ask_columns found;
    if (vg_ask_find(asked, &names, &found, err) < 0)
        return NULL;
    if (found.items[0]->kind != VG_KIND_TIME || found.items[0]->route)
        vg_fail(err, VG_E_CONFIG, "by: column %s is no time column; its type is %s", params->by,
                found.items[0]->type);
    else if (vg_dataset_is_private(asked->rule->dataset, params->by))
        vg_fail(err, VG_E_CONFIG, "by: column %s is private, and its newest value would be shown",
                params->by);
    else
        return found.items[0];
    return NULL;
}

static bool is_by_name(const struct vg_rule *rule, const struct vg_catalog *catalog)
{
    return !rule->column && catalog && catalog->names;
}

int vg_ask_stale(const struct vg_asked *asked, struct vg_buf *out, struct vg_error *err)
{
    const struct vg_catalog_column *time = find_time(asked, err);
    struct vg_rows_of rows = vg_ask_rows(asked);
    struct vg_ask_columns own = {.n = 0};
    if (!time || (asked->rule->column && vg_ask_own(asked, &rows.dataset->key, &own, err) < 0))
        return -1;
    bool by_name = is_by_name(asked->rule, asked->catalog);
    bool present = own.n && !own.items[0]->only;
    const char *names =
        by_name ? vg_catalog_find(asked->catalog, asked->catalog->names)->quoted : NULL;
    vg_buf_printf(out,
                  "SELECT (extract(epoch FROM pg_catalog.max(t)) * 1000000)::pg_catalog.int8, n\n"
                  "FROM (SELECT %s AS t, %s%s AS n",
                  time->quoted, by_name ? names : "NULL", "::pg_catalog.text");
    vg_ask_put_rows(out, &rows, &own, present);
    vg_buf_puts(out, ") AS x\nWHERE t > '-infinity' AND t <= ");
    vg_sql_put_moment(out, rows.dataset->zone, asked->now_us);
    vg_buf_printf(out, "\nGROUP BY n ORDER BY 1, 2 LIMIT %d", 2 * VG_LONG_NAMES);
    return 0;
}

/* The age of a name (NULL: of all rows), infinite where no row has it. */
static double find_age(const struct vg_rule *rule, const struct vg_evidence *evidence,
                       const char *name)
{
    const struct vg_ask_stale *params = rule->params;
    const struct vg_rows *rows = &evidence->answers[0];
    const struct vg_catalog_column *time =
        evidence->catalog ? vg_catalog_find(evidence->catalog, params->by) : NULL;
    for (size_t i = 0; i < rows->nrows; i++) {
        double us = vg_ask_number(rows, i, 0);
        if (isnan(us) || (name && !vg_streq(vg_ask_cell(rows, i, 1), name)))
            continue;
        int64_t at = time ? vg_sql_cell_instant(rule->dataset, time, us) : llround(us);
        return fmax(0, (double)(evidence->now_us - at) / (double)VG_US);
    }
    return INFINITY;
}

static void say(struct vg_measure *measure, const struct vg_rule *rule, const char *name, size_t n)
{
    const struct vg_ask_stale *params = rule->params;
    char text[VG_VALUE_TEXT];
    int used =
        n ? snprintf(measure->why, sizeof measure->why, "oldest of %zu names is %.60s: ", n, name)
          : 0;
    if (isinf(measure->value))
        snprintf(measure->why + used, sizeof measure->why - (size_t)used,
                 "no row with %.60s up to now", params->by);
    else
        snprintf(measure->why + used, sizeof measure->why - (size_t)used, "newest %.60s is %s old",
                 params->by, vg_value_text(measure->value, VG_UNIT_SECONDS, 3, text));
}

int vg_ask_stale_measure(const struct vg_rule *rule, const struct vg_evidence *evidence,
                         struct vg_measures *measures, struct vg_error *err)
{
    const struct vg_catalog *catalog = evidence->catalog;
    struct vg_measure *measure = vg_measure_add(measures, rule);
    if (!measure)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    const char *oldest = NULL;
    size_t n = 0;
    double most = -1;
    for (size_t i = 0; is_by_name(rule, catalog) && i < catalog->n; i++) {
        if (!catalog->columns[i].route)
            continue;
        double age = find_age(rule, evidence, catalog->columns[i].name);
        n++;
        if (age > most) {
            most = age;
            oldest = catalog->columns[i].name;
        }
    }
    measure->value = n ? most : find_age(rule, evidence, NULL);
    say(measure, rule, oldest, n);
    return 0;
}
