/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Streams of binary COPY built by hand, and a look at what the decoder makes of them. */
#include "tests/unit/stream_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char header[19] = "PGCOPY\n\377\r\n";

void kit_put_int(struct vg_buf *buf, uint64_t value, int bytes)
{
    while (bytes-- > 0)
        vg_buf_putc(buf, (char)(value >> (8 * bytes)));
}

void kit_put_field(struct vg_buf *buf, uint64_t value, int bytes)
{
    kit_put_int(buf, (uint64_t)bytes, 4);
    kit_put_int(buf, value, bytes);
}

void kit_put_null(struct vg_buf *buf)
{
    kit_put_int(buf, UINT32_MAX, 4);
}

void kit_put_text(struct vg_buf *buf, const char *text, size_t n)
{
    kit_put_int(buf, n, 4);
    vg_buf_add(buf, text, n);
}

void kit_begin_stream(struct vg_buf *buf)
{
    vg_buf_init(buf, 64 << 20);
    vg_buf_add(buf, header, sizeof header);
}

void kit_end_stream(struct vg_buf *buf)
{
    kit_put_int(buf, 0xffff, 2);
    assert_false(buf->failed);
}

int kit_note_batch(void *arg, const struct vg_batch *batch, struct vg_error *err)
{
    struct seen *seen = arg;
    const struct vg_column *first = &batch->cols[0];
    const struct vg_column *last = batch->ncols ? &batch->cols[batch->ncols - 1] : NULL;
    for (size_t r = 0; r < batch->nrows && batch->ncols; r++) {
        size_t at = (seen->nrows + r) % 4096;
        seen->num[at] = first->num ? first->num[r] : 0;
        seen->state[at] = first->state[r];
        if (last->raw) {
            vg_buf_add(&seen->raw, last->raw[r].data, last->raw[r].len);
            vg_buf_putc(&seen->raw, '|');
        }
    }
    seen->special += batch->ncols ? first->special : 0;
    seen->nrows += batch->nrows;
    seen->ncols = batch->ncols;
    seen->largest = batch->nrows > seen->largest ? batch->nrows : seen->largest;
    if (++seen->nbatches == seen->stop_after)
        return vg_fail(err, VG_E_BLIND, "enough");
    return 0;
}

void kit_clear_seen(struct seen *seen)
{
    memset(seen, 0, sizeof *seen);
    vg_buf_init(&seen->raw, 64 << 20);
}

/* Feeds the stream in pieces of `piece` bytes, each in memory of its own so that the sanitizer sees
 * any step beyond it. */
int kit_decode(const struct vg_query_column *columns, size_t n, const struct vg_buf *stream,
               size_t piece, struct seen *seen, struct vg_error *err)
{
    struct vg_decoder *decoder;
    if (vg_decoder_new(columns, n, kit_note_batch, seen, &decoder, err) != 0)
        return -1;
    int rc = 0;
    for (size_t at = 0; rc == 0 && at < stream->len; at += piece) {
        size_t len = stream->len - at < piece ? stream->len - at : piece;
        char *copy = malloc(len);
        assert_non_null(copy);
        memcpy(copy, stream->data + at, len);
        rc = vg_decoder_feed(decoder, copy, len, err);
        free(copy);
    }
    if (rc == 0)
        rc = vg_decoder_finish(decoder, err);
    if (rc == 0)
        assert_int_equal(vg_decoder_rows(decoder), seen->nrows);
    vg_decoder_free(decoder);
    return rc;
}

const struct vg_query_column kit_mixed[KIT_MIXED] = {
    {.kind = VG_KIND_NUMBER, .wire_oid = VG_OID_INT4},
    {.kind = VG_KIND_NUMBER, .wire_oid = VG_OID_NUMERIC},
    {.kind = VG_KIND_BOOL, .wire_oid = VG_OID_BOOL},
    {.kind = VG_KIND_TEXT, .wire_oid = VG_OID_TEXT},
};

/* Row i: i (every 7th null), i in words of a numeric, a bool, text of up to `longest` bytes. */
static void put_mixed_row(struct vg_buf *stream, size_t i, size_t longest)
{
    kit_put_int(stream, 4, 2);
    if (i % 7 == 3)
        kit_put_null(stream);
    else
        kit_put_field(stream, i, 4);
    kit_put_int(stream, 10, 4);
    kit_put_int(stream, 1, 2);
    kit_put_int(stream, 0, 6);
    kit_put_int(stream, i % 10000, 2);
    kit_put_field(stream, i % 2, 1);
    kit_put_int(stream, longest ? i % longest : 0, 4);
    for (size_t k = 0; longest && k < i % longest; k++)
        vg_buf_putc(stream, (char)('a' + (i + k) % 26));
}

void kit_make_mixed(struct vg_buf *stream, size_t rows, size_t longest)
{
    kit_begin_stream(stream);
    for (size_t i = 0; i < rows; i++)
        put_mixed_row(stream, i, longest);
    kit_end_stream(stream);
}
