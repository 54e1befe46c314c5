/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Named places at which test builds can be watched or stopped; layer 0. Nothing in a release.
 *
 * With -DVG_FAILPOINTS: PGVIGIL_PHASE_FILE names a file that always holds the name of the place
 * passed last (it survives kill -9); PGVIGIL_FAILPOINT=name:action acts there: exit, wait, error,
 * or kill:N, which is kill -9 when it is passed for the Nth time.
 */
#ifndef PGVIGIL_FAILPOINT_H
#define PGVIGIL_FAILPOINT_H

#ifdef VG_FAILPOINTS
/* 0, or -1 when the action is to fail. */
int vg_failpoint(const char *name);
#else
static inline int vg_failpoint(const char *name)
{
    (void)name;
    return 0;
}
#endif

#endif
