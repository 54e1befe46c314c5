/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The board as text format 0.0.4. Promises what a Pushgateway and Prometheus do not check for us:
 * one block per family, HELP and TYPE before it and never without a series, a stable order, a last
 * line with a newline, buckets that are cumulative and end with +Inf. */
#include <stdlib.h>
#include <string.h>

#include "agent/metrics/board.h"
#include "pgvigil/log.h"
#include "pgvigil/text.h"

/* A list of samples being walked through in the order of metrics. */
struct walk {
    const struct vg_samples *samples;
    size_t at;
};

struct page {
    const struct vg_metrics *metrics;
    const struct vg_metrics_scope *scope;
    struct vg_samples own; /* the agent's, sorted; empty when not wanted */
    struct walk *walks;
    size_t nwalks;
};

static void put_head(struct vg_buf *out, const struct vg_metric_type *type)
{
    vg_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", type->name, type->help, type->name,
                  vg_metric_kind_name(type->kind));
}

static void put_sample(struct vg_buf *out, const struct vg_metric_type *type,
                       const struct vg_sample_value *sample)
{
    char number[VG_NUMBER_TEXT];
    vg_buf_puts(out, type->name);
    if (*sample->labels)
        vg_buf_printf(out, "{%s}", sample->labels);
    vg_buf_printf(out, " %s\n", vg_format_double(sample->value, number));
}

static void put_histogram(struct vg_buf *out, const struct vg_metric_type *type,
                          const struct vg_metrics *metrics)
{
    char number[VG_NUMBER_TEXT];
    uint64_t below = 0;
    put_head(out, type);
    for (size_t i = 0; i < VG_DURATION_BOUNDS; i++) {
        below += metrics->durations[i];
        vg_buf_printf(out, "%s_bucket{le=\"%s\"} %llu\n", type->name,
                      vg_format_double(vg_duration_bounds[i], number), (unsigned long long)below);
    }
    below += metrics->durations[VG_DURATION_BOUNDS];
    vg_buf_printf(out, "%s_bucket{le=\"+Inf\"} %llu\n", type->name, (unsigned long long)below);
    vg_buf_printf(out, "%s_sum %s\n", type->name, vg_format_double(metrics->duration_sum, number));
    vg_buf_printf(out, "%s_count %llu\n", type->name, (unsigned long long)below);
}

/* One family: the samples of this metric at the front of each walk. */
static void put_family(struct vg_buf *out, const struct vg_metric_type *type, size_t metric,
                       const struct page *page)
{
    bool begun = false;
    for (size_t i = 0; i < page->nwalks; i++) {
        struct walk *walk = &page->walks[i];
        for (; walk->at < walk->samples->n; walk->at++) {
            const struct vg_sample_value *sample = &walk->samples->items[walk->at];
            if (sample->metric != metric)
                break;
            if (!begun)
                put_head(out, type);
            begun = true;
            put_sample(out, type, sample);
        }
    }
}

/* Moves the walks past a family that is not wanted. */
static void pass_family(const struct page *page, size_t metric)
{
    for (size_t i = 0; i < page->nwalks; i++) {
        struct walk *walk = &page->walks[i];
        while (walk->at < walk->samples->n && walk->samples->items[walk->at].metric == metric)
            walk->at++;
    }
}

static void add_own(struct vg_samples *own, size_t metric, const char *labels, double value)
{
    vg_samples_add(own,
                   &(struct vg_sample_value){.metric = metric, .labels = labels, .value = value});
}

/* The agent's own series with what is asked for at every rendering. */
static int gather_own(const struct vg_metrics *metrics, struct vg_samples *own)
{
    if (vg_samples_init(own, SIZE_MAX) < 0)
        return -1;
    for (size_t i = 0; i < metrics->own.n; i++)
        vg_samples_add(own, &metrics->own.items[i]);
    for (int level = 0; level < VG_LOG_LEVELS; level++) {
        char labels[64];
        snprintf(labels, sizeof labels, "level=\"%s\"",
                 vg_log_level_name((enum vg_log_level)level));
        add_own(own, VG_M_LOG_MESSAGES, labels, (double)vg_log_count((enum vg_log_level)level));
    }
    struct vg_process process;
    vg_process_read(&process);
    add_own(own, VG_M_PROCESS_CPU, "", process.cpu_seconds);
    add_own(own, VG_M_PROCESS_START, "", process.start_seconds);
    add_own(own, VG_M_PROCESS_RESIDENT, "", process.resident_bytes);
    add_own(own, VG_M_PROCESS_VIRTUAL, "", process.virtual_bytes);
    add_own(own, VG_M_PROCESS_OPEN_FDS, "", process.open_fds);
    add_own(own, VG_M_PROCESS_MAX_FDS, "", process.max_fds);
    add_own(own, VG_M_PROCESS_THREADS, "", process.threads);
    vg_samples_finish(own);
    return own->failed ? -1 : 0;
}

static int open_page(struct page *page)
{
    const struct vg_metrics_scope *scope = page->scope;
    if (scope->agent && gather_own(page->metrics, &page->own) < 0)
        return -1;
    page->walks = vg_array(page->metrics->n + 1, sizeof page->walks[0]);
    if (!page->walks)
        return -1;
    for (size_t i = 0; i < page->metrics->n; i++) {
        const struct vg_board_dataset *dataset = &page->metrics->datasets[i];
        if (scope->datasets || (scope->dataset && !strcmp(scope->dataset, dataset->id)))
            page->walks[page->nwalks++].samples = &dataset->samples;
    }
    page->walks[page->nwalks++].samples = &page->own;
    return 0;
}

static void put_page(struct vg_buf *out, const struct page *page)
{
    const struct vg_metrics_scope *scope = page->scope;
    size_t n;
    const struct vg_metric_type *types = vg_metric_types(&n);
    for (size_t i = 0; i < n; i++) {
        bool wanted = !(scope->skip && scope->skip[i]) &&
                      !(scope->only && strcmp(scope->only, types[i].name) != 0);
        if (!wanted)
            pass_family(page, i);
        else if (types[i].kind != VG_METRIC_HISTOGRAM)
            put_family(out, &types[i], i, page);
        else if (scope->agent)
            put_histogram(out, &types[i], page->metrics);
    }
}

int vg_metrics_render(struct vg_metrics *metrics, const struct vg_metrics_scope *scope,
                      struct vg_buf *out)
{
    struct page page = {.metrics = metrics, .scope = scope};
    pthread_mutex_lock(&metrics->lock);
    int rc = open_page(&page);
    if (rc == 0)
        put_page(out, &page);
    pthread_mutex_unlock(&metrics->lock);
    free(page.walks);
    vg_samples_free(&page.own);
    return rc < 0 || out->failed ? -1 : 0;
}
