/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A small world for one check with statements of its own: the kit of a check, whose table
 * ml.flights has a key and a time column, its params by their names, and answers written down. */
#ifndef PGVIGIL_TESTS_ASK_KIT_H
#define PGVIGIL_TESTS_ASK_KIT_H

#include "agent/sql.h"
#include "tests/unit/check_kit.h"

struct ask_kit {
    struct kit base;
    char *params; /* with their defaults */
    struct vg_rows_of rows;
    struct vg_rows answers[VG_LOOKUPS_MAX];
    size_t nanswers;
    const char *connection; /* of the last statement; NULL: the dataset's */
    char text[65536];       /* that statement */
};

/* id (int8) is the key, at (timestamptz) the time of a day in June 2001; origin (text), delay
 * (float8) and extra (jsonb) follow. Keys are not private. */
void ask_kit_init(struct ask_kit *kit, const char *check, const char *column);
void ask_kit_free(struct ask_kit *kit);
/* The place of a parameter; lists and texts are set through it. */
void *ask_kit_param(struct ask_kit *kit, const char *name);
void ask_kit_list(struct ask_kit *kit, const char *name, const char *const *items, size_t n);
/* The next statement; "" when there is none. */
const char *ask_kit_next(struct ask_kit *kit);
/* The code of the error that comes instead; its words are in the kit's err. */
enum vg_code ask_kit_refused(struct ask_kit *kit);
/* Asserts that the statement holds these words. */
void ask_kit_holds(const struct ask_kit *kit, const char *words);
/* Adds an answer of nrows * ncols cells. */
void ask_kit_answer(struct ask_kit *kit, const char *const *cells, size_t nrows, size_t ncols);
/* The one measure of the answers. */
const struct vg_measure *ask_kit_measure(struct ask_kit *kit);
/* How many faults the check finds in its parameters; their words go to `text`. */
size_t ask_kit_faults(struct ask_kit *kit);

#endif
