/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a cycle to the samples of its dataset. Pure: no clock, no file, no lock. Promises absent
 * rather than NaN, no two series of one name and labels, and nothing of a private column that shows
 * a value of it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/metrics/board.h"
#include "agent/summary/private.h"
#include "pgvigil/summary.h"
#include "pgvigil/text.h"
#include "pgvigil/time.h"

enum { LABEL_CHARS = 200 }; /* longer values are cut and told apart by a hash */

/* --- Lists ----------------------------------------------------------------------------------- */

int vg_samples_init(struct vg_samples *samples, size_t most)
{
    *samples = (struct vg_samples){.arena = vg_arena_new(), .most = most};
    return samples->arena ? 0 : -1;
}

void vg_samples_free(struct vg_samples *samples)
{
    vg_arena_free(samples->arena);
    free(samples->items);
    *samples = (struct vg_samples){0};
}

static void put_escaped(struct vg_buf *out, const char *value, size_t n)
{
    for (const char *p = value; p < value + n; p++) {
        if (*p == '\n')
            vg_buf_puts(out, "\\n");
        else if (*p == '"' || *p == '\\')
            vg_buf_printf(out, "\\%c", *p);
        else
            vg_buf_putc(out, *p);
    }
}

/* A value that had to be cleaned or cut ends in a hash of what it was, so that two stay two. */
static void put_value(struct vg_buf *out, const char *value)
{
    size_t n = strlen(value), cut = vg_utf8_prefix(value, n, LABEL_CHARS);
    struct vg_buf clean;
    vg_buf_init(&clean, VG_METRICS_BYTES);
    vg_utf8_clean(&clean, value, cut, true);
    put_escaped(out, clean.data, clean.len);
    if (cut < n || clean.len != n || memcmp(clean.data, value, n))
        vg_buf_printf(out, "~%016llx", (unsigned long long)vg_hash64(value, n));
    out->failed = out->failed || clean.failed;
    vg_buf_free(&clean);
}

void vg_labels_put(struct vg_buf *out, const struct vg_label *labels, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        vg_buf_printf(out, "%s%s=\"", i ? "," : "", labels[i].name);
        put_value(out, labels[i].value ? labels[i].value : "");
        vg_buf_putc(out, '"');
    }
}

void vg_samples_add(struct vg_samples *samples, const struct vg_sample_value *sample)
{
    if (isnan(sample->value) || samples->failed)
        return;
    if (samples->n >= samples->most) {
        samples->dropped++;
        return;
    }
    struct vg_sample_value copy = *sample;
    copy.labels = vg_arena_strdup(samples->arena, sample->labels);
    copy.rule = vg_arena_strdup(samples->arena, sample->rule);
    void *items = samples->items;
    if (!copy.labels || (sample->rule && !copy.rule) ||
        vg_grow(&items, &samples->size, samples->n + 1, sizeof copy) < 0) {
        samples->failed = true;
        return;
    }
    samples->items = items;
    samples->items[samples->n++] = copy;
}

static int compare_series(const struct vg_sample_value *x, const struct vg_sample_value *y)
{
    if (x->metric != y->metric)
        return x->metric < y->metric ? -1 : 1;
    return strcmp(x->labels, y->labels);
}

/* Of one series the largest value first: of verdicts and states the gravest is kept. */
static int compare_samples(const void *a, const void *b)
{
    const struct vg_sample_value *x = a, *y = b;
    int order = compare_series(x, y);
    return order ? order : (x->value < y->value) - (x->value > y->value);
}

void vg_samples_finish(struct vg_samples *samples)
{
    if (samples->n < 2)
        return;
    qsort(samples->items, samples->n, sizeof samples->items[0], compare_samples);
    size_t kept = 1;
    for (size_t i = 1; i < samples->n; i++) {
        if (compare_series(&samples->items[kept - 1], &samples->items[i]))
            samples->items[kept++] = samples->items[i];
    }
    samples->dropped += samples->n - kept;
    samples->n = kept;
}

/* --- What a cycle says ----------------------------------------------------------------------- */

/* One source of samples: values are added to the same labels. */
struct origin {
    struct vg_samples *out;
    enum vg_sample_part part;
    const char *rule, *labels;
};

static void put(const struct origin *from, size_t metric, double value)
{
    struct vg_sample_value sample = {metric, from->part, from->rule, from->labels, value};
    vg_samples_add(from->out, &sample);
}

static void set_labels(struct origin *from, const struct vg_label *labels, size_t n)
{
    struct vg_buf text;
    vg_buf_init(&text, VG_METRICS_BYTES);
    vg_labels_put(&text, labels, n);
    from->labels = text.failed ? NULL : vg_arena_strndup(from->out->arena, text.data, text.len);
    vg_buf_free(&text);
    if (!from->labels)
        from->out->failed = true;
}

static double to_seconds(int64_t us)
{
    return us == VG_NEVER ? NAN : (double)us / (double)VG_US;
}

static void put_dataset(struct vg_samples *out, const struct vg_cycle *cycle)
{
    struct origin from = {.out = out, .part = VG_PART_DATASET};
    set_labels(&from, &(struct vg_label){"dataset", cycle->dataset}, 1);
    put(&from, VG_M_DATASET_UP, cycle->failed ? 0 : 1);
    put(&from, VG_M_CYCLES, (double)cycle->cycles);
    put(&from, VG_M_CYCLE_FAILURES, (double)cycle->cycle_failures);
    put(&from, VG_M_TICKS_SKIPPED, (double)cycle->ticks_skipped);
    put(&from, VG_M_WINDOWS_SKIPPED, (double)cycle->windows_skipped);
    put(&from, VG_M_ROWS_SCANNED, (double)cycle->rows_scanned);
    put(&from, VG_M_DATASET_LAST_SUCCESS, to_seconds(cycle->last_success_us));
    put(&from, VG_M_DATASET_INTERVAL, cycle->every_us ? to_seconds(cycle->every_us) : NAN);
    put(&from, VG_M_DATASET_NEWEST_ROW, to_seconds(cycle->newest_us));
    if (!cycle->failed && cycle->has_window && !cycle->unreadable) {
        put(&from, VG_M_DATASET_ROWS, (double)cycle->rows);
        put(&from, VG_M_DATASET_WINDOW_END, to_seconds(cycle->window.end_us));
    }
    bool untimed = cycle->has_untimed;
    put(&from, VG_M_DATASET_UNTIMED_ROWS, untimed ? (double)cycle->untimed_rows : NAN);
    put(&from, VG_M_DATASET_FUTURE_ROWS, untimed ? (double)cycle->future_rows : NAN);
    put(&from, VG_M_DRIFT_EXPECTED, cycle->has_expected ? cycle->expected_week : NAN);
    put(&from, VG_M_DATASET_LATE_ROWS, cycle->has_late_rows ? (double)cycle->late_rows : NAN);
}

static void put_limits(struct vg_samples *out, const struct vg_cycle *cycle)
{
    for (enum vg_limit limit = VG_LIMIT_COST; limit < VG_LIMITS; limit++) {
        const struct vg_label labels[] = {{"dataset", cycle->dataset},
                                          {"limit", vg_limit_name(limit)}};
        struct origin from = {.out = out, .part = VG_PART_LIMIT};
        if (!cycle->reached[limit].looked)
            continue;
        set_labels(&from, labels, 2);
        put(&from, VG_M_DATASET_LIMIT_REACHED, (double)cycle->reached[limit].n);
    }
}

static void put_alert(struct vg_samples *out, const struct vg_alert *alert)
{
    const struct vg_label labels[] = {
        {"dataset", alert->dataset},
        {"rule", alert->rule},
        {"column", alert->column},
        {"segment", alert->segment},
        {"severity", vg_severity_name(alert->severity)},
    };
    struct origin from = {.out = out, .part = VG_PART_ALERT, .rule = alert->rule};
    set_labels(&from, labels, sizeof labels / sizeof labels[0]);
    put(&from, VG_M_ALERT_STATE, (double)alert->state);
}

/* The statistics behind a verdict of the budget. None has a threshold: what fails is p against the
 * level, and a rule with several statistics would match a threshold more than once. */
static void put_readings(struct origin *from, struct vg_label labels[5],
                         const struct vg_result *result)
{
    static const struct {
        const char *statistic;
        size_t metric;
    } gauges[] = {
        {"spread", VG_M_DRIFT_SPREAD}, {"levels", VG_M_DRIFT_LEVELS}, {"nulls", VG_M_DRIFT_NULLS}};
    for (size_t i = 0; i < result->nreadings; i++) {
        const struct vg_reading *reading = &result->readings[i];
        size_t metric = vg_metric_drift(reading->statistic);
        for (size_t g = 0; g < sizeof gauges / sizeof gauges[0]; g++)
            metric = vg_streq(gauges[g].statistic, reading->statistic) ? gauges[g].metric : metric;
        set_labels(from, labels, 4);
        if (metric != SIZE_MAX)
            put(from, metric, reading->value);
        labels[4] = (struct vg_label){"statistic", reading->statistic};
        set_labels(from, labels, 5);
        put(from, VG_M_DRIFT_P_VALUE, reading->p_value);
        put(from, VG_M_DRIFT_ALARM_LEVEL, reading->level);
        put(from, VG_M_DRIFT_VISIBLE, reading->visible);
    }
}

/* The budget's verdicts come once per base window, and stand until the next. */
static enum vg_sample_part find_part(const struct vg_result *result)
{
    if (result->cadence == VG_ON_TICK)
        return VG_PART_TICK;
    return vg_streq(result->check, "budget") ? VG_PART_BASE : VG_PART_WINDOW;
}

static void put_result(struct vg_samples *out, const char *dataset, const struct vg_result *result)
{
    struct vg_label labels[] = {
        {"dataset", dataset},         {"rule", result->rule}, {"column", result->column},
        {"segment", result->segment}, {NULL, NULL},
    };
    struct origin from = {.out = out, .rule = result->rule};
    from.part = find_part(result);
    labels[4] = (struct vg_label){"severity", vg_severity_name(result->severity)};
    set_labels(&from, labels, 5);
    put(&from, VG_M_CHECK_STATUS, (double)result->verdict);
    put_readings(&from, labels, result);
    size_t drift = result->class == VG_CLASS_DRIFT ? vg_metric_drift(result->check) : SIZE_MAX;
    if (drift == SIZE_MAX)
        return;
    set_labels(&from, labels, 4);
    put(&from, drift, result->value);
    labels[4] = (struct vg_label){"level", "fail"};
    set_labels(&from, labels, 5);
    put(&from, drift + 1, result->limit);
    labels[4] = (struct vg_label){"level", "warn"};
    set_labels(&from, labels, 5);
    put(&from, drift + 1, result->warn_limit);
}

/* --- Statistics of columns ------------------------------------------------------------------- */

static bool has_name(const struct vg_strings *names, const char *name)
{
    for (size_t i = 0; i < names->n; i++) {
        if (!strcmp(names->items[i], name))
            return true;
    }
    return false;
}

static void put_numbers(const struct origin *from, const struct vg_column_summary *column,
                        bool is_private)
{
    uint64_t finite = vg_column_finite(column);
    double unit = column->kind == VG_KIND_TIME ? (double)VG_US : 1;
    if (!finite)
        return;
    if (!is_private) {
        put(from, VG_M_COLUMN_MIN, column->min / unit);
        put(from, VG_M_COLUMN_MAX, column->max / unit);
    }
    if (!is_private || finite >= VG_PRIVATE_ROWS) {
        put(from, VG_M_COLUMN_MEAN, vg_column_mean(column) / unit);
        put(from, VG_M_COLUMN_STDDEV, vg_column_stddev(column) / unit);
    }
}

static void put_column(struct vg_samples *out, const struct vg_cycle *cycle, const char *segment,
                       const struct vg_column_summary *column)
{
    const struct vg_label labels[] = {
        {"dataset", cycle->dataset}, {"column", column->name}, {"segment", segment}};
    struct origin from = {.out = out, .part = VG_PART_COLUMN};
    set_labels(&from, labels, sizeof labels / sizeof labels[0]);
    put(&from, VG_M_COLUMN_NULLS_RATIO, vg_column_null_ratio(column));
    bool number = column->kind == VG_KIND_NUMBER || column->kind == VG_KIND_TIME ||
                  column->kind == VG_KIND_BOOL;
    if (number)
        put_numbers(&from, column, has_name(&cycle->private_columns, column->name));
    if (column->hll && column->rows > column->nulls)
        put(&from, VG_M_COLUMN_DISTINCT, vg_column_distinct(column));
}

static void put_segment(struct vg_samples *out, const struct vg_cycle *cycle,
                        const struct vg_cycle_segment *segment)
{
    for (size_t i = 0; i < segment->summary->ncolumns; i++)
        put_column(out, cycle, segment->name, &segment->summary->columns[i]);
}

/* --- What stays of before -------------------------------------------------------------------- */

static bool judged_now(const struct vg_cycle *cycle, const char *rule)
{
    for (size_t i = 0; i < cycle->nresults; i++) {
        if (!strcmp(cycle->results[i].rule, rule))
            return true;
    }
    return false;
}

static bool is_alert(const struct vg_alert *alerts, size_t n, const char *rule)
{
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(alerts[i].rule, rule))
            return true;
    }
    return false;
}

/* A limit that this cycle looked at, or all of them where a window was read. */
static bool is_looked_at(const struct vg_cycle *cycle, const char *labels)
{
    bool found = cycle->has_window && !cycle->failed;
    for (enum vg_limit limit = VG_LIMIT_COST; limit < VG_LIMITS && !found; limit++) {
        char text[32];
        snprintf(text, sizeof text, ",limit=\"%s\"", vg_limit_name(limit));
        found = cycle->reached[limit].looked && strstr(labels, text);
    }
    return found;
}

/* A cycle that could read replaces all of its cadence, so that a rule that has gone goes; one that
 * could not replaces only what it has a verdict on. */
static bool is_replaced(const struct vg_sample_value *sample, const struct vg_cycle *cycle)
{
    bool window = cycle->has_window && !cycle->failed;
    switch (sample->part) {
    case VG_PART_TICK:
        return (cycle->ticked && !cycle->failed) || judged_now(cycle, sample->rule);
    case VG_PART_WINDOW:
        return window || judged_now(cycle, sample->rule);
    case VG_PART_BASE:
        return judged_now(cycle, sample->rule);
    case VG_PART_COLUMN:
        return window;
    case VG_PART_ALERT:
        return true;
    case VG_PART_LIMIT:
        return is_looked_at(cycle, sample->labels);
    case VG_PART_DATASET:
        break;
    }
    return false;
}

/* Older than what put_dataset() said, and so dropped by merging where that said something. */
static bool is_known(const struct vg_samples *samples, size_t n,
                     const struct vg_sample_value *other)
{
    for (size_t i = 0; i < n; i++) {
        if (samples->items[i].metric == other->metric)
            return true;
    }
    return false;
}

static void keep_old(struct vg_samples *out, const struct vg_samples *old,
                     const struct vg_cycle *cycle, const struct vg_alert *alerts, size_t n)
{
    for (size_t i = 0; i < old->n; i++) {
        const struct vg_sample_value *sample = &old->items[i];
        bool gone = sample->rule && n && !is_alert(alerts, n, sample->rule);
        if (sample->part != VG_PART_DATASET && !gone && !is_replaced(sample, cycle))
            vg_samples_add(out, sample);
    }
}

void vg_samples_of_cycle(struct vg_samples *out, const struct vg_samples *old,
                         const struct vg_cycle *cycle, const struct vg_alert *alerts, size_t n)
{
    put_dataset(out, cycle);
    size_t said = out->n;
    for (size_t i = 0; old && i < old->n; i++) {
        if (old->items[i].part == VG_PART_DATASET && !is_known(out, said, &old->items[i]))
            vg_samples_add(out, &old->items[i]);
    }
    put_limits(out, cycle);
    for (size_t i = 0; i < n; i++)
        put_alert(out, &alerts[i]);
    for (size_t i = 0; i < cycle->nresults; i++)
        put_result(out, cycle->dataset, &cycle->results[i]);
    if (old)
        keep_old(out, old, cycle, alerts, n);
    for (size_t i = 0; cycle->summary && !cycle->failed && i < cycle->summary->ncolumns; i++)
        put_column(out, cycle, NULL, &cycle->summary->columns[i]);
    for (size_t i = 0; !cycle->failed && i < cycle->nsegments; i++)
        put_segment(out, cycle, &cycle->segments[i]);
    vg_samples_finish(out);
}
