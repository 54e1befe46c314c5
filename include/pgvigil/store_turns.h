/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How many versions of a rolling reference a state keeps; layer 2. */
#ifndef PGVIGIL_STORE_TURNS_H
#define PGVIGIL_STORE_TURNS_H

#include "pgvigil/store.h"

/* From now on all of them: whoever captures them before the windows that they judge needs each. */
void vg_store_keep_turns(struct vg_store *store);

#endif
