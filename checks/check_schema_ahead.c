/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is wrong with a table whatever it was: rows of the time to come that no partition takes, and
 * policies that choose the rows we see. Bounds are read as the server writes them in UTC; one that
 * cannot be read makes nothing of it. Pure. */
#include "checks/check_schema_diff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgvigil/text.h"

struct span {
    int64_t from_us, to_us;
};

/* The first value behind `word`: MINVALUE, MAXVALUE or a time in quotes. 0 or -1. */
static int read_bound(const char *text, const char *word, const struct vg_zone *zone, int64_t *out)
{
    char copy[VG_TIME_TEXT + 8];
    const char *s = strstr(text, word);
    if (!s)
        return -1;
    s += strlen(word);
    if (!strncmp(s, "MINVALUE", 8) || !strncmp(s, "'-infinity'", 11))
        *out = INT64_MIN;
    else if (!strncmp(s, "MAXVALUE", 8) || !strncmp(s, "'infinity'", 10))
        *out = INT64_MAX;
    else {
        size_t n = *s == '\'' ? strcspn(s + 1, "'") : 0;
        if (!n || n >= VG_TIME_TEXT)
            return -1;
        bool utc = n > 3 && !strncmp(s + 1 + n - 3, "+00", 3);
        snprintf(copy, sizeof copy, "%.*s%s", (int)n, s + 1, utc ? ":00" : "");
        return vg_parse_time(copy, zone, out);
    }
    return 0;
}

/* 0 a span, 1 the default partition, -1 neither. */
static int read_span(const char *text, const struct vg_zone *zone, struct span *out)
{
    if (!strcmp(text, "DEFAULT"))
        return 1;
    bool read = read_bound(text, "FROM (", zone, &out->from_us) == 0 &&
                read_bound(text, "TO (", zone, &out->to_us) == 0;
    return read ? 0 : -1;
}

static int compare_spans(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    return (x->from_us > y->from_us) - (x->from_us < y->from_us);
}

/* The first instant from now on that no partition takes. */
static int64_t find_gap(struct span *spans, size_t n, int64_t now_us)
{
    int64_t at = now_us;
    if (n)
        qsort(spans, n, sizeof *spans, compare_spans);
    for (size_t i = 0; i < n && spans[i].from_us <= at; i++) {
        if (spans[i].to_us > at)
            at = spans[i].to_us;
    }
    return at;
}

static void look_at_partitions(struct vg_schema_view *view)
{
    const struct vg_catalog *now = view->now;
    const struct vg_zone *zone = view->dataset->zone ? view->dataset->zone : &vg_utc;
    if (!now->range_column || !vg_streq(now->range_column, view->dataset->time_column))
        return;
    struct span *spans = vg_arena_array(view->arena, now->nbounds, sizeof *spans);
    view->failed |= !spans;
    for (size_t i = 0; spans && i < now->nbounds; i++) {
        if (read_span(now->bounds[i], zone, &spans[i]) != 0)
            return;
    }
    int64_t gap_us = spans ? find_gap(spans, now->nbounds, view->now_us) : INT64_MAX;
    if (gap_us >= view->now_us + view->ahead_us)
        return;
    vg_schema_tell_of(view, (struct vg_schema_difference){.kind = VG_SCHEMA_PARTITION,
                                                          .class = gap_us <= view->now_us
                                                                       ? VG_SCHEMA_BREAKING
                                                                       : VG_SCHEMA_LOSSY,
                                                          .at_us = gap_us});
}

static void look_at_policies(const struct vg_schema_view *view)
{
    bool now = view->now->row_security;
    const struct vg_catalog *base = view->then ? view->then : view->last;
    bool changed = base && base->row_security != now;
    bool stands = now && !view->then; /* nothing says that this is as it should be */
    if (!changed && !stands)
        return;
    vg_schema_tell_of(
        view, (struct vg_schema_difference){
                  .kind = VG_SCHEMA_ROW_SECURITY,
                  .class = changed && now ? VG_SCHEMA_BREAKING : VG_SCHEMA_LOSSY,
                  .since = changed && !view->then ? VG_SCHEMA_OF_LAST_LOOK : VG_SCHEMA_OF_REFERENCE,
                  .what = now ? "row-level security may hide rows from the role"
                              : "row-level security no longer hides rows"});
}

void vg_schema_look_ahead(struct vg_schema_view *view)
{
    look_at_policies(view);
    look_at_partitions(view);
}
