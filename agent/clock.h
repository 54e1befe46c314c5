/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The two clocks: the machine's, and a virtual one that jumps; layer 4. */
#ifndef PGVIGIL_CLOCK_H
#define PGVIGIL_CLOCK_H

#include "pgvigil/error.h"
#include "pgvigil/ports.h"

/* Wall-clock time. Sleeps end early on wake(), which a signal handler may call. */
int vg_clock_real(struct vg_clock **out, struct vg_error *err);
/* Stands at start until sleep_until() moves it forward. */
int vg_clock_virtual(int64_t start_us, struct vg_clock **out, struct vg_error *err);
void vg_clock_free(struct vg_clock *clock);

/* Microseconds since some time before: for how long something takes, whichever clock is in use and
 * whatever is done to the machine's. */
int64_t vg_clock_steady_us(void);

#endif
