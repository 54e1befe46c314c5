/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading a profile: what is to be read is found first, by the catalogue and by statements that an
 * index serves; then all rows pass once. */
#include "agent/loop/profile.h"

#include <stdlib.h>
#include <string.h>

#include "agent/sql_profile.h"
#include "agent/tally.h"
#include "agent/window.h"
#include "pgvigil/text.h"

enum { GROUP_BYTES = 40 << 20, HOURS_BACK = 14 * 24, LONE_DAYS = 3, LONE_BEFORE = 365 };
static const int64_t patience_us = VG_DAY_US, catalogue_us = 25 * VG_US;
static const int64_t first_year_us = INT64_C(-62135510400) * VG_US; /* 0001-01-02 */

struct reading {
    const struct vg_cycle_env *env;
    const struct vg_profile_ask *ask;
    struct vg_profile *profile;
    struct vg_arena *arena;
    struct vg_session *session;
    struct vg_dataset dataset; /* what the statements must know */
    struct vg_window range;    /* of the rows */
    struct vg_collect *collect;
    const char **items;
    struct vg_query_column *query;
    size_t *source;
};

static int fail_memory(struct vg_error *err)
{
    return vg_fail(err, VG_E_MEMORY, "out of memory");
}

static int ask_server(struct reading *reading, const char *sql, struct vg_rows *rows,
                      struct vg_error *err)
{
    if (!sql)
        return fail_memory(err);
    return reading->env->source->ops->ask(reading->session, sql, patience_us, reading->arena, rows,
                                          err);
}

static struct vg_rows_of rows_of(const struct reading *reading, const struct vg_window *range)
{
    return (struct vg_rows_of){
        .dataset = &reading->dataset,
        .catalog = reading->profile->catalog,
        .time = reading->profile->time,
        .range = range,
    };
}

/* --- Time column ------------------------------------------------------------------------------ */

static int fail_column(const struct reading *reading, struct vg_error *err)
{
    const struct vg_catalog *catalog = reading->profile->catalog;
    const char **names = vg_arena_array(reading->arena, catalog->n, sizeof *names);
    for (size_t i = 0; names && i < catalog->n; i++)
        names[i] = catalog->columns[i].name;
    const char *near = names ? vg_nearest(reading->ask->time_column, names, catalog->n) : NULL;
    vg_fail(err, VG_E_NOT_FOUND, "%s has no column %s", reading->ask->table,
            reading->ask->time_column);
    return near ? vg_hint(err, "did you mean %s?", near) : -1;
}

static int find_time(struct reading *reading, struct vg_error *err)
{
    struct vg_profile *profile = reading->profile;
    const struct vg_profile_ask *ask = reading->ask;
    if (!ask->time_column)
        profile->time = vg_profile_time(profile->catalog);
    else if (*ask->time_column)
        profile->time = vg_catalog_find(profile->catalog, ask->time_column);
    bool limited = ask->from_us != INT64_MIN || ask->to_us != VG_NEVER;
    if (ask->time_column && *ask->time_column && !profile->time)
        return fail_column(reading, err);
    if (profile->time && profile->time->kind != VG_KIND_TIME)
        return vg_fail(err, VG_E_CONFIG, "%s is no date or timestamp, but %s", profile->time->name,
                       profile->time->type);
    if (!profile->time && limited) {
        vg_fail(err, VG_E_CONFIG, "--from and --to need a time column, and %s has none",
                ask->table);
        return vg_hint(err, "name it with --time-column");
    }
    reading->dataset.time_column = profile->time ? profile->time->name : NULL;
    return 0;
}

/* --- Key -------------------------------------------------------------------------------------- */

static bool take_key(struct vg_profile *profile, const char *const *columns, size_t n,
                     const char *why)
{
    if (!n || n > VG_PROFILE_KEY)
        return false;
    for (size_t i = 0; i < n; i++)
        profile->key[i] = columns[i];
    profile->nkey = n;
    profile->key_why = why;
    return true;
}

static int take_index(struct reading *reading, const char *joined, bool *done)
{
    const char *columns[VG_PROFILE_KEY];
    size_t n = 0;
    while (joined && n < VG_PROFILE_KEY) {
        size_t length = strcspn(joined, "\x1f");
        columns[n] = vg_arena_strndup(reading->arena, joined, length);
        if (!columns[n++])
            return -1;
        joined = joined[length] ? joined + length + 1 : NULL;
    }
    *done = !joined && take_key(reading->profile, columns, n, "a unique index");
    return 0;
}

static int find_key(struct reading *reading, struct vg_error *err)
{
    struct vg_profile *profile = reading->profile;
    const struct vg_catalog *catalog = profile->catalog;
    for (size_t i = 0; i < catalog->nconstraints; i++) {
        const struct vg_catalog_constraint *constraint = &catalog->constraints[i];
        if (constraint->kind == 'p' &&
            take_key(profile, constraint->columns, constraint->ncolumns, "the primary key"))
            return 0;
    }
    struct vg_rows rows;
    bool done = false;
    if (ask_server(reading, vg_sql_unique_indexes(catalog, reading->arena), &rows, err) < 0)
        return -1;
    for (size_t i = 0; !done && i < rows.nrows; i++) {
        if (take_index(reading, rows.cells[i], &done) < 0)
            return fail_memory(err);
    }
    return 0;
}

/* --- Range ------------------------------------------------------------------------------------ */

static int find_edge(struct reading *reading, const struct vg_window *within, bool last,
                     int64_t *out, struct vg_error *err)
{
    struct vg_rows_of of = rows_of(reading, within);
    struct vg_rows rows;
    int64_t value;
    if (ask_server(reading, vg_sql_edge(&of, last, reading->arena), &rows, err) < 0)
        return -1;
    if (!rows.nrows || !rows.cells[0] || vg_parse_int64(rows.cells[0], &value) < 0)
        return vg_fail(err, VG_E_DATA, "%s has no rows to suggest rules from", reading->ask->table);
    *out = vg_sql_instant(&of, value);
    return 0;
}

static int compare_counts(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Of all hours of two weeks at most, those without rows included. */
static int find_median(struct reading *reading, int64_t oldest_us, int64_t newest_us,
                       struct vg_error *err)
{
    struct vg_rows rows;
    uint64_t counts[HOURS_BACK] = {0};
    struct vg_window hours;
    vg_window_at(reading->profile->zone, VG_HOUR_US, newest_us, &hours);
    int64_t span = (hours.end_us - oldest_us) / VG_HOUR_US;
    size_t n = span >= HOURS_BACK ? HOURS_BACK : span > 0 ? (size_t)span : 1;
    hours.start_us = hours.end_us - (int64_t)n * VG_HOUR_US;
    struct vg_rows_of of = rows_of(reading, &hours);
    if (ask_server(reading, vg_sql_hours(&of, reading->arena), &rows, err) < 0)
        return -1;
    for (size_t i = 0; i < rows.nrows && i < n; i++) {
        int64_t count;
        if (vg_parse_int64(rows.cells[i], &count) == 0)
            counts[i] = (uint64_t)count;
    }
    qsort(counts, n, sizeof *counts, compare_counts);
    reading->profile->hour_median = counts[n / 2];
    return 0;
}

/* A day more than a year before all others (1970-01-01, 1900-01-01) says that its rows have no
 * time: nothing is suggested from them. */
static int skip_lone_days(struct reading *reading, const struct vg_window *within,
                          int64_t newest_us, int64_t *oldest_us, struct vg_error *err)
{
    for (size_t i = 0; i < LONE_DAYS; i++) {
        struct vg_window day, later = *within;
        int64_t next_us;
        vg_window_at(reading->profile->zone, VG_DAY_US, *oldest_us, &day);
        later.start_us = day.end_us;
        if (newest_us < day.end_us)
            return 0;
        if (find_edge(reading, &later, false, &next_us, err) < 0)
            return -1;
        if (next_us - day.end_us < LONE_BEFORE * VG_DAY_US)
            return 0;
        *oldest_us = next_us;
        reading->profile->left_before_us = next_us;
    }
    return 0;
}

static int find_range(struct reading *reading, struct vg_error *err)
{
    struct vg_profile *profile = reading->profile;
    const struct vg_profile_ask *ask = reading->ask;
    int64_t oldest, newest;
    profile->window_us = VG_DAY_US;
    if (!profile->time)
        return 0;
    struct vg_window within = {ask->from_us, ask->to_us, false};
    if (within.start_us < first_year_us) /* no window holds what came before it */
        within.start_us = first_year_us;
    if (profile->made_us + 1 < within.end_us) /* rows of the future wait */
        within.end_us = profile->made_us + 1;
    if (find_edge(reading, &within, false, &oldest, err) < 0 ||
        find_edge(reading, &within, true, &newest, err) < 0 ||
        skip_lone_days(reading, &within, newest, &oldest, err) < 0 ||
        find_median(reading, oldest, newest, err) < 0)
        return -1;
    profile->window_us = vg_profile_window_us(profile->time, profile->hour_median);
    struct vg_window last;
    vg_window_at(profile->zone, profile->window_us, oldest, &profile->range);
    vg_window_at(profile->zone, profile->window_us, newest, &last);
    profile->range.end_us = last.end_us;
    profile->reference = vg_profile_reference(profile->zone, &profile->range);
    reading->range = profile->range;
    if (ask->from_us > reading->range.start_us)
        reading->range.start_us = ask->from_us;
    if (within.end_us < reading->range.end_us)
        reading->range.end_us = within.end_us;
    return 0;
}

/* --- Rows ------------------------------------------------------------------------------------- */

static int choose_columns(struct reading *reading, struct vg_error *err)
{
    struct vg_profile *profile = reading->profile;
    const struct vg_catalog *catalog = profile->catalog;
    size_t n = catalog->n + 1;
    profile->columns = vg_arena_array(reading->arena, n, sizeof *profile->columns);
    reading->items = vg_arena_array(reading->arena, n, sizeof *reading->items);
    reading->query = vg_arena_array(reading->arena, n, sizeof *reading->query);
    reading->source = vg_arena_array(reading->arena, n, sizeof *reading->source);
    if (!profile->columns || !reading->items || !reading->query || !reading->source)
        return fail_memory(err);
    for (size_t i = 0; i < catalog->n; i++) {
        if (!catalog->columns[i].unreadable)
            profile->columns[profile->ncolumns++].column = &catalog->columns[i];
    }
    return 0;
}

static size_t measure_group(const struct vg_profile *profile, size_t first)
{
    const struct vg_window *reference = &profile->reference;
    size_t windows = (size_t)((reference->end_us - reference->start_us) / profile->window_us) + 1;
    size_t bytes = 0, n = 0;
    for (size_t i = first; i < profile->ncolumns; i++, n++) {
        bytes += vg_collect_bytes(profile->columns[i].column->kind, windows);
        if (n && bytes > GROUP_BYTES)
            break;
    }
    return n;
}

static void report_progress(void *arg, uint64_t rows)
{
    struct reading *reading = arg;
    if (reading->env->progress)
        reading->env->progress(reading->env->progress_arg, reading->ask->table, rows);
}

static int collect_batch(void *arg, const struct vg_batch *batch, struct vg_error *err)
{
    struct reading *reading = arg;
    return vg_collect_add(reading->collect, batch, err);
}

static int scan_group(struct reading *reading, size_t nitems, struct vg_error *err)
{
    struct vg_rows_of of = rows_of(reading, reading->profile->time ? &reading->range : NULL);
    struct vg_query query = {
        .sql = vg_sql_copy(&of, reading->items, nitems, true, reading->arena),
        .columns = reading->query,
        .ncolumns = nitems,
        .timeout_us = patience_us,
        .progress = report_progress,
        .progress_arg = reading,
    };
    if (!query.sql)
        return fail_memory(err);
    return reading->env->source->ops->scan(reading->session, &query, collect_batch, reading, err);
}

static int read_group(struct reading *reading, size_t first, size_t n, struct vg_error *err)
{
    struct vg_profile *profile = reading->profile;
    struct vg_collect_spec spec = {.profile = profile,
                                   .arena = reading->arena,
                                   .first = first,
                                   .n = n,
                                   .source = reading->source,
                                   .time = VG_TALLY_NONE};
    size_t nitems = 0;
    for (size_t i = 0; i < n; i++) {
        const struct vg_catalog_column *column = profile->columns[first + i].column;
        reading->source[i] = nitems;
        if (column == profile->time)
            spec.time = nitems;
        reading->items[nitems] = vg_sql_item(column);
        reading->query[nitems++] = vg_sql_query_column(column);
    }
    if (profile->time && spec.time == VG_TALLY_NONE) {
        spec.time = nitems;
        reading->items[nitems] = vg_sql_item(profile->time);
        reading->query[nitems++] = vg_sql_query_column(profile->time);
    }
    int rc = vg_collect_new(&spec, &reading->collect, err);
    if (rc == 0)
        rc = scan_group(reading, nitems, err);
    if (rc == 0)
        rc = vg_collect_finish(reading->collect, err);
    vg_collect_free(reading->collect);
    return rc;
}

static int read_rows(struct reading *reading, struct vg_error *err)
{
    struct vg_profile *profile = reading->profile;
    if (choose_columns(reading, err) < 0)
        return -1;
    for (size_t first = 0; first < profile->ncolumns;) {
        size_t n = measure_group(profile, first);
        if (read_group(reading, first, n, err) < 0)
            return -1;
        first += n;
    }
    if (!profile->rows)
        return vg_fail(err, VG_E_DATA, "%s has no rows to suggest rules from", reading->ask->table);
    return 0;
}

int vg_profile_read(const struct vg_cycle_env *env, const struct vg_profile_ask *ask,
                    struct vg_arena *arena, struct vg_profile *out, struct vg_error *err)
{
    struct reading reading = {.env = env, .ask = ask, .profile = out, .arena = arena};
    struct vg_limits_of_session limits = {catalogue_us, env->stop};
    *out = (struct vg_profile){.connection = ask->connection,
                               .table = ask->table,
                               .dataset = ask->dataset,
                               .timezone = ask->timezone,
                               .zone = ask->zone,
                               .made_us = env->clock->ops->now_us(env->clock)};
    reading.dataset = (struct vg_dataset){
        .id = ask->dataset, .connection = ask->connection, .table = ask->table, .zone = ask->zone};
    int rc = env->source->ops->open(env->source, ask->connection, &limits, &reading.session, err);
    if (rc == 0)
        rc = env->source->ops->catalog(reading.session, ask->table, arena, &out->catalog, err);
    if (rc == 0)
        rc = find_time(&reading, err);
    if (rc == 0)
        rc = find_key(&reading, err);
    if (rc == 0)
        rc = find_range(&reading, err);
    if (rc == 0)
        rc = read_rows(&reading, err);
    env->source->ops->close(reading.session);
    return rc;
}
