/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For tests of the decoder: streams of binary COPY built by hand, decoded in pieces of any size,
 * and what came out of them joined for comparison. */
#ifndef PGVIGIL_TESTS_STREAM_KIT_H
#define PGVIGIL_TESTS_STREAM_KIT_H

#include "agent/pg/decode.h"
#include "pgvigil/mem.h"

void kit_put_int(struct vg_buf *buf, uint64_t value, int bytes);
void kit_put_field(struct vg_buf *buf, uint64_t value, int bytes);
void kit_put_null(struct vg_buf *buf);
void kit_put_text(struct vg_buf *buf, const char *text, size_t n);
void kit_begin_stream(struct vg_buf *buf);
void kit_end_stream(struct vg_buf *buf);

enum { KIT_MIXED = 4, KIT_SEEN = 4096 };
extern const struct vg_query_column kit_mixed[KIT_MIXED]; /* int4, numeric, bool, text */
/* Rows of kit_mixed: the row's number (every 7th null), the same as a numeric, whether it is odd,
 * text of less than `longest` bytes. */
void kit_make_mixed(struct vg_buf *stream, size_t rows, size_t longest);

/* What the batches of a stream held, joined. */
struct seen {
    size_t nrows, nbatches, largest;
    size_t stop_after;       /* batches, then the callback fails; 0: never */
    double num[KIT_SEEN];    /* of column 0 */
    uint8_t state[KIT_SEEN]; /* of column 0 */
    struct vg_buf raw;       /* of the last column: every slice, then a bar */
    size_t special;          /* of column 0 */
    const struct vg_column *columns;
    size_t ncols;
};

int kit_note_batch(void *arg, const struct vg_batch *batch, struct vg_error *err);
void kit_clear_seen(struct seen *seen);
/* Feeds the stream in pieces of `piece` bytes, each in memory of its own so that the sanitizer sees
 * any step beyond it. */
int kit_decode(const struct vg_query_column *columns, size_t n, const struct vg_buf *stream,
               size_t piece, struct seen *seen, struct vg_error *err);

#endif
