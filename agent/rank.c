/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ranking what has moved. One scale for all columns, the share of rows that are elsewhere, so that
 * columns watched by different statistics can be told in one order; no verdict depends on it. */
#include "agent/rank.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "checks/stat_ks.h"

enum prediction_order { PREDICTION, PLAIN, FEATURE };

enum vg_prediction vg_rank_prediction(const struct vg_dataset *dataset, const char *column)
{
    for (size_t i = 0; column && i < dataset->ncolumns; i++) {
        if (!strcmp(dataset->columns[i].name, column))
            return dataset->columns[i].prediction;
    }
    return VG_PREDICTION_NONE;
}

bool vg_rank_wanted(const struct vg_dataset *dataset)
{
    bool found = dataset->nimportances > 0;
    for (size_t i = 0; i < dataset->ncolumns && !found; i++)
        found = dataset->columns[i].prediction != VG_PREDICTION_NONE;
    return found;
}

/* Values that neither side lists are what is left of each. */
static double compare_classes(const struct vg_top *now, const struct vg_top *then, double n,
                              double m)
{
    bool sampled_now, sampled_then;
    size_t room = vg_top_size(then) + 1, k;
    struct vg_top_entry *entries = calloc(room, sizeof *entries), first;
    double sum = 0, known_now = 0, known_then = 0;
    vg_top_largest(now, &first, 1, &sampled_now);
    k = entries ? vg_top_largest(then, entries, room, &sampled_then) : 0;
    bool known = entries && !sampled_now && !sampled_then && n > 0 && m > 0;
    for (size_t i = 0; known && i < k; i++) {
        double p = (double)vg_top_count_hash(now, entries[i].hash) / n;
        double q = (double)entries[i].count / m;
        sum += fabs(p - q);
        known_now += p;
        known_then += q;
    }
    free(entries);
    return known ? (sum + fabs((1 - known_now) - (1 - known_then))) / 2 : (double)NAN;
}

double vg_rank_distance(const struct vg_column_summary *now, const struct vg_reference_column *then)
{
    if (!now || !then || now->kind != then->kind)
        return (double)NAN;
    const struct vg_distribution *fine = then->fine;
    if (fine && now->fine && now->grid_id == fine->grid->id) {
        struct vg_ks_counts counts = {fine->cells, now->fine, 2 * (size_t)fine->grid->n + 1, true};
        struct vg_ks ks;
        vg_ks_compare(&counts, &ks);
        return ks.n && ks.m ? ks.d : (double)NAN;
    }
    if (now->top && then->total && then->total->top)
        return compare_classes(now->top, then->total->top, (double)vg_column_finite(now),
                               (double)vg_column_finite(then->total));
    return (double)NAN;
}

/* --- Order ------------------------------------------------------------------------------------ */

static int compare_scores(double a, double b)
{
    if (isnan(a) || isnan(b))
        return isnan(a) - isnan(b);
    return (a < b) - (a > b);
}

static int compare_moved(const void *pa, const void *pb)
{
    const struct vg_moved *a = pa, *b = pb;
    int order = b->prediction - a->prediction;
    if (!order)
        order = compare_scores(a->score, b->score);
    if (!order)
        order = compare_scores(a->moved, b->moved);
    return order ? order : strcmp(a->column, b->column);
}

void vg_rank_order(struct vg_moved *items, size_t n, bool weighted)
{
    int rank = 0;
    for (size_t i = 0; i < n; i++) {
        struct vg_moved *item = &items[i];
        double weight = isnan(item->importance) ? 0 : item->importance;
        item->score = item->prediction || !weighted ? item->moved : item->moved * weight;
    }
    if (n)
        qsort(items, n, sizeof *items, compare_moved);
    for (size_t i = 0; i < n; i++)
        items[i].rank = items[i].prediction || isnan(items[i].moved) ? 0 : ++rank;
}

/* --- Sorting what people read ----------------------------------------------------------------- */

struct place {
    const char *dataset; /* of other datasets nothing moves past it; or NULL */
    enum prediction_order order;
    int rank;
    size_t at;
};

static int compare_places(const void *pa, const void *pb)
{
    const struct place *a = pa, *b = pb;
    int order = a->dataset && b->dataset ? strcmp(a->dataset, b->dataset) : 0;
    if (!order)
        order = (int)a->order - (int)b->order;
    if (!order)
        order = (a->rank > b->rank) - (a->rank < b->rank);
    return order ? order : (a->at > b->at) - (a->at < b->at);
}

static struct place make_place(const char *dataset, bool prediction, int rank, size_t at)
{
    enum prediction_order order = prediction ? PREDICTION : rank ? FEATURE : PLAIN;
    return (struct place){dataset, order, rank, at};
}

/* The items in the order of their places. */
static int sort_by(void *items, size_t n, size_t size, struct place *places, struct vg_arena *arena)
{
    char *copy = vg_arena_alloc(arena, n * size + 1);
    bool any = false;
    for (size_t i = 0; i < n; i++)
        any |= places[i].order != PLAIN;
    if (!copy)
        return -1;
    if (!any)
        return 0;
    memcpy(copy, items, n * size);
    qsort(places, n, sizeof *places, compare_places);
    for (size_t i = 0; i < n; i++)
        memcpy((char *)items + i * size, copy + places[i].at * size, size);
    return 0;
}

int vg_rank_results(struct vg_result *results, size_t n, struct vg_arena *arena)
{
    struct place *places = vg_arena_array(arena, n + 1, sizeof *places);
    for (size_t i = 0; places && i < n; i++)
        places[i] = make_place(NULL, results[i].prediction, results[i].rank, i);
    return places ? sort_by(results, n, sizeof *results, places, arena) : -1;
}

int vg_rank_latest(struct vg_latest *latest, size_t n, struct vg_arena *arena)
{
    struct place *places = vg_arena_array(arena, n + 1, sizeof *places);
    for (size_t i = 0; places && i < n; i++)
        places[i] = make_place(latest[i].dataset, latest[i].prediction, latest[i].rank, i);
    return places ? sort_by(latest, n, sizeof *latest, places, arena) : -1;
}

int vg_rank_items(struct vg_message_item *items, size_t n, struct vg_arena *arena)
{
    struct place *places = vg_arena_array(arena, n + 1, sizeof *places);
    for (size_t i = 0; places && i < n; i++)
        places[i] = make_place(NULL, items[i].prediction, items[i].rank, i);
    return places ? sort_by(items, n, sizeof *items, places, arena) : -1;
}

size_t vg_rank_worst(const struct vg_latest *latest, size_t n, size_t *places)
{
    size_t found = 0;
    for (int verdict = VG_FAIL; verdict > VG_PASS; verdict--) {
        for (size_t i = 0; i < n; i++) {
            if ((int)latest[i].verdict == verdict)
                places[found++] = i;
        }
    }
    return found;
}
