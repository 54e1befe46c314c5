/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sorting what many files sort alike; layer 0. */
#ifndef PGVIGIL_SORT_H
#define PGVIGIL_SORT_H

#include <stddef.h>

/* Sorts n values, which may be none (x NULL), ascending; NANs are not allowed. */
void vg_sort_doubles(double *x, size_t n);

#endif
