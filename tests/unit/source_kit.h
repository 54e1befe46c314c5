/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A source without a server: rows in memory, read by the very statements a cycle sends, and failing
 * where a test says so. Its tables have the columns at (timestamptz), value (float8, may be null)
 * and id (bigint). */
#ifndef PGVIGIL_TESTS_SOURCE_KIT_H
#define PGVIGIL_TESTS_SOURCE_KIT_H

#include "pgvigil/ports.h"
#include "pgvigil/result.h"

enum { SOURCE_ROWS = 20000, SOURCE_SCANS = 256 };

struct source_row {
    int64_t at_us, id;
    double value;
    bool null;
};

/* Fails so many times, then works. */
struct source_trouble {
    int times;
    enum vg_code code;
    const char *sqlstate, *msg;
};

struct source_scan { /* one scan that was asked for */
    char table[64];
    int64_t from_us, to_us;
    bool conditional; /* it carried a condition of a rule */
};

struct source_kit {
    struct vg_source base;
    struct source_row *rows;
    size_t nrows;
    bool no_index;      /* on the time column */
    int64_t bytes;      /* size of the tables */
    bool null_times;    /* the time column lacks NOT NULL */
    bool rejects_where; /* scans with a condition fail with sqlstate 42703 */
    struct source_trouble open, scan, count;
    struct source_trouble begin, write, commit; /* of the table that is written */
    int writes, commits;
    char written[1000], statement[600], params[6][64]; /* by the last write, the keys apart */
    int opens, closes;                                 /* sessions, those that came to be */
    struct source_scan scans[SOURCE_SCANS];
    size_t nscans; /* may exceed SOURCE_SCANS */
    char connection[64];
    void (*during)(void *arg); /* called while a scan is on the way; may be NULL */
    void *during_arg;
};

void source_kit_init(struct source_kit *kit);
void source_kit_free(struct source_kit *kit);
/* n rows spread over [from, to): values first, first + step ... */
void source_kit_add(struct source_kit *kit, const struct vg_window *span, size_t n, double first,
                    double step);
/* The last n rows lose their value. */
void source_kit_spoil(struct source_kit *kit, size_t n);

#endif
