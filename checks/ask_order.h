/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The statements about what should follow on each other: numbers without gaps, and slots of time
 * with rows; layer 3, pure. */
#ifndef PGVIGIL_ASK_ORDER_H
#define PGVIGIL_ASK_ORDER_H

#include "checks/ask_calendar.h"
#include "checks/ask_parts.h"

enum { VG_ASK_UNORDERED, VG_ASK_UP, VG_ASK_DOWN, VG_ASK_STRICTLY_UP, VG_ASK_STRICTLY_DOWN };

/* One row: (values, missing, repeated, out of order), those not asked for NULL. `order`: one of the
 * above, by the time column. */
void vg_ask_sequence(const struct vg_asked *asked, bool gapless, int order, struct vg_buf *out);

enum { VG_ASK_SLOTS_MAX = 10000 };
struct vg_ask_slots {
    int64_t every_us;
    size_t n;                    /* slots, the last ends where the window ends */
    struct vg_ask_calendar open; /* slots that begin at other times are left out */
};
/* One row: (slots, those without rows, begin of the first of them in seconds since 1970). Slots
 * before the table's first row do not count. */
void vg_ask_slots(const struct vg_asked *asked, const struct vg_ask_slots *slots,
                  struct vg_buf *out);

#endif
