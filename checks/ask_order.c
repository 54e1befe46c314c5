/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Order and completeness, of numbers and of time. Pure. Slots below a day are equal spans of time,
 * days are those of the dataset's zone; a naive time column is compared with the wall clock. */
#include "checks/ask_order.h"

#include "checks/ask_segments.h"

#include <inttypes.h>
#include <string.h>

/* The segments of a row, and the row once for all rows and once for each of them. */
static void put_routes(struct vg_buf *out, const struct vg_asked *asked)
{
    for (size_t i = 0; i < asked->nsplits; i++) {
        vg_buf_puts(out, ",\n  ");
        vg_ask_put_route(out, &asked->splits[i]);
        vg_buf_printf(out, " AS s%zu", i + 1);
    }
}

static void put_unfolded(struct vg_buf *out, const struct vg_asked *asked)
{
    if (!asked->nsplits)
        return;
    vg_buf_puts(out, "\nCROSS JOIN LATERAL (VALUES (0, NULL::pg_catalog.text)");
    for (size_t i = 1; i <= asked->nsplits; i++)
        vg_buf_printf(out, ", (%zu, r.s%zu)", i, i);
    vg_buf_puts(out, ") AS x (sg, sv)");
}

void vg_ask_sequence(const struct vg_asked *asked, bool gapless, int order, struct vg_buf *out)
{
    struct vg_rows_of rows = vg_ask_rows(asked);
    const struct vg_ask_columns own = {.items = {asked->column}, .n = 1};
    bool up = order == VG_ASK_UP || order == VG_ASK_STRICTLY_UP;
    bool strictly = order == VG_ASK_STRICTLY_UP || order == VG_ASK_STRICTLY_DOWN;
    vg_buf_puts(out, "SELECT pg_catalog.count(*)");
    if (gapless)
        vg_buf_puts(out,
                    ",\n  pg_catalog.max(v)::pg_catalog.numeric - pg_catalog.min(v)"
                    " + 1 - pg_catalog.count(DISTINCT v) FILTER (WHERE v = pg_catalog.trunc(v)),\n"
                    "  pg_catalog.count(*) - pg_catalog.count(DISTINCT v)");
    else
        vg_buf_puts(out, ", NULL, NULL");
    if (order == VG_ASK_UNORDERED)
        vg_buf_puts(out, ", NULL");
    else
        vg_buf_printf(out, ",\n  pg_catalog.count(*) FILTER (WHERE v %s%s p)", up ? "<" : ">",
                      strictly ? "=" : "");
    bool split = asked->nsplits > 0;
    vg_buf_puts(out, split ? ", sg, sv" : "");
    vg_buf_puts(out, "\nFROM (SELECT v");
    if (order != VG_ASK_UNORDERED)
        vg_buf_printf(out, ", pg_catalog.lag(v) OVER (%sORDER BY t, v%s) AS p",
                      split ? "PARTITION BY sg, sv " : "", up ? "" : " DESC");
    vg_buf_printf(out, "%s\nFROM (SELECT %s%s AS v", split ? ", sg, sv" : "", asked->column->quoted,
                  gapless ? "::pg_catalog.numeric" : "");
    if (order != VG_ASK_UNORDERED)
        vg_buf_printf(out, ", %s AS t", rows.time->quoted);
    put_routes(out, asked);
    vg_ask_put_rows(out, &rows, &own, true);
    vg_buf_puts(out, ") AS r");
    put_unfolded(out, asked);
    vg_buf_printf(out, ") AS q%s", split ? "\nGROUP BY sg, sv" : "");
}

/* --- slots of time --- */

struct series {
    const struct vg_asked *asked;
    const struct vg_ask_slots *slots;
    bool days, naive; /* slots of whole days; a time column of wall clock */
    int64_t start_us;
};

static void put_zone(struct vg_buf *out, const struct series *s)
{
    vg_sql_put_text(out, s->asked->rows->dataset->zone->name);
}

/* The begin of slot `i`: as an instant, or on the wall clock. */
static void put_begin(struct vg_buf *out, const struct series *s, bool local, const char *i)
{
    char text[VG_TIME_TEXT];
    bool converts = local != s->days;
    const struct vg_zone *zone = s->asked->rows->dataset->zone;
    vg_format_time(s->days ? vg_zone_local(zone, s->start_us) : s->start_us, text);
    if (s->days)
        text[strlen(text) - 1] = '\0'; /* the Z */
    if (converts) {
        vg_buf_puts(out, "pg_catalog.timezone(");
        put_zone(out, s);
        vg_buf_puts(out, ", ");
    }
    vg_buf_printf(out, "'%s'::pg_catalog.%s + %s * ", text, s->days ? "timestamp" : "timestamptz",
                  i);
    vg_ask_put_interval(out, s->slots->every_us);
    if (converts)
        vg_buf_putc(out, ')');
}

/* The number of the slot in which a row lies. */
static void put_number(struct vg_buf *out, const struct series *s)
{
    const char *time = s->asked->rows->time->quoted;
    bool converts = s->naive != s->days;
    vg_buf_puts(out, "pg_catalog.floor(extract(epoch FROM ");
    if (converts) {
        vg_buf_puts(out, "pg_catalog.timezone(");
        put_zone(out, s);
        vg_buf_puts(out, ", ");
    }
    vg_buf_printf(out, "%s%s%s - (", time, s->naive ? "::pg_catalog.timestamp" : "",
                  converts ? ")" : "");
    put_begin(out, s, s->days, "0");
    vg_buf_printf(out, ")) / %" PRId64 ".%06" PRId64 ")::pg_catalog.int4",
                  s->slots->every_us / VG_US, s->slots->every_us % VG_US);
}

/* Whether a slot has rows: a look into the index for each, or one pass over the rows for all. */
static void put_filled(struct vg_buf *out, const struct series *s)
{
    struct vg_rows_of rows = vg_ask_rows(s->asked);
    struct vg_window span = {.start_us = s->start_us, .end_us = s->asked->window->end_us};
    if (rows.time->indexed_first) {
        struct vg_buf condition;
        vg_buf_init(&condition, 4096);
        vg_buf_printf(&condition, "%s >= pgvigil_slot.b AND %s < pgvigil_slot.e", rows.time->quoted,
                      rows.time->quoted);
        rows.range = NULL;
        vg_buf_puts(out, "EXISTS (SELECT 1");
        vg_sql_put_rows(out, &rows, condition.data);
        out->failed |= condition.failed;
        vg_buf_free(&condition);
    } else {
        rows.range = &span;
        vg_buf_puts(out, "pgvigil_slot.i IN (SELECT ");
        put_number(out, s);
        vg_sql_put_rows(out, &rows, NULL);
    }
    vg_buf_putc(out, ')');
}

static void put_open_slots(struct vg_buf *out, const struct vg_ask_calendar *open)
{
    const char *word = "\n  WHERE ";
    if (open->days_off) {
        vg_buf_printf(out, "%sNOT extract(isodow FROM l) IN (0", word);
        for (int day = 1; day <= 7; day++) {
            if (open->days_off >> day & 1)
                vg_buf_printf(out, ", %d", day);
        }
        vg_buf_putc(out, ')');
        word = " AND ";
    }
    if (!open->has_hours)
        return;
    bool night = strcmp(open->from, open->to) > 0;
    vg_buf_printf(out, "%s(l::pg_catalog.time >= ", word);
    vg_sql_put_text(out, open->from);
    vg_buf_printf(out, "::pg_catalog.time %s l::pg_catalog.time < ", night ? "OR" : "AND");
    vg_sql_put_text(out, open->to);
    vg_buf_puts(out, "::pg_catalog.time)");
}

void vg_ask_slots(const struct vg_asked *asked, const struct vg_ask_slots *slots,
                  struct vg_buf *out)
{
    struct vg_rows_of rows = vg_ask_rows(asked);
    struct series s = {.asked = asked, .slots = slots};
    int64_t back = (int64_t)slots->n * slots->every_us;
    const struct vg_zone *zone = rows.dataset->zone;
    s.days = slots->every_us % VG_DAY_US == 0;
    s.naive = vg_sql_naive(rows.time);
    s.start_us = s.days ? vg_zone_instant(zone, vg_zone_local(zone, asked->window->end_us) - back)
                        : asked->window->end_us - back;
    vg_buf_puts(out, "WITH s AS (SELECT i, t, b, e FROM (SELECT i, ");
    put_begin(out, &s, false, "i");
    vg_buf_puts(out, " AS t, ");
    put_begin(out, &s, true, "i");
    vg_buf_puts(out, " AS l,\n    ");
    put_begin(out, &s, s.naive, "i");
    vg_buf_puts(out, " AS b, ");
    put_begin(out, &s, s.naive, "(i + 1)");
    vg_buf_printf(out, " AS e\n  FROM pg_catalog.generate_series(0, %zu) AS i) AS x", slots->n - 1);
    put_open_slots(out, &slots->open);
    vg_buf_printf(out, "),\nf AS (SELECT pg_catalog.min(%s) AS first", rows.time->quoted);
    rows.range = NULL;
    vg_sql_put_rows(out, &rows, NULL);
    /* On a naive clock the first pass of a repeated hour ends where it began. */
    vg_buf_puts(out, ")\nSELECT pg_catalog.count(*), pg_catalog.count(*) FILTER (WHERE missing),"
                     " extract(epoch FROM pg_catalog.min(t) FILTER (WHERE missing))\n"
                     "FROM (SELECT t, b < e AND NOT ");
    put_filled(out, &s);
    vg_buf_puts(out, " AS missing\n  FROM s AS pgvigil_slot, f WHERE e > f.first) AS y");
}
