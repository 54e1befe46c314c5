/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What other policies say of a made column: each compares an hour, five minutes or a day with all
 * of the reference, row by independent row.
 *
 *   naive      KS, or chi-square of categories, p < .05
 *   Evidently  Wasserstein-1 / sd >= .1, or Jensen-Shannon distance >= .1 of categories
 *   NannyML    D above the mean + 3 sd of the D of the reference's own hours
 */
#ifndef PGVIGIL_TESTS_BENCH_DRIFT_PEERS_H
#define PGVIGIL_TESTS_BENCH_DRIFT_PEERS_H

#include "draw.h"

struct peer_reference {
    const struct vg_grid *grid; /* borrowed; NULL of categories */
    uint64_t *cells;            /* of all hours; of categories their counts */
    size_t ncells;
    double rows;
    double d_limit; /* of NannyML; NAN of categories */
};
void peer_learn(const struct draw_column *column, const struct draw_series *reference,
                struct peer_reference *out);
void peer_free(struct peer_reference *reference);

struct peer_look {
    double p;        /* of KS or chi-square */
    double d;        /* NAN of categories */
    double distance; /* Wasserstein-1 / sd, or Jensen-Shannon */
};
/* The `scale` hours that end with `hour`. */
struct peer_look peer_look(const struct peer_reference *reference, const struct draw_series *series,
                           size_t hour, size_t scale);

struct peer_polls { /* polls every five minutes of the last hour, with drawn steps */
    size_t polls, naive, evidently; /* alarms */
};
struct peer_polls peer_poll(const struct peer_reference *reference,
                            const struct draw_series *series);

/* Of one hour's p of all columns, how many Benjamini and Hochberg reject at .05; sorts p. */
size_t peer_rejected(double *p, size_t n);

enum { PEER_SCALES = 7 };
/* The first hour from `from` on, or series->hours, that is an alarm of: KS at scales of 1, 2, 4 ..
 * 64 hours, p below 8.5e-6; a Shiryaev-Roberts detector on the hourly p, at 16 800, which starts
 * with the series. */
size_t peer_multiscale(const struct peer_reference *reference, const struct draw_series *series,
                       size_t from);
size_t peer_detector(const double *p, size_t hours, size_t from);

#endif
