/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is set aside in an outbox in memory, and who is in trouble without a cause. A part of
 * fake_outbox.h. */
#ifndef TESTS_UNIT_FAKE_ASIDE_H
#define TESTS_UNIT_FAKE_ASIDE_H

int vg_store_outbox_aside(struct vg_store *self, const char *sink, int64_t *n, struct vg_error *err)
{
    (void)err;
    *n = 0;
    for (size_t i = 0; i < self->n; i++)
        *n += self->rows[i].state == FAKE_DEAD && self->rows[i].row.kind == VG_MSG_OPEN &&
              !strcmp(self->rows[i].row.sink, sink);
    return 0;
}

int vg_store_trouble_idle(struct vg_store *self, struct vg_arena *arena, struct vg_strings *out,
                          struct vg_error *err)
{
    const char **names = vg_arena_array(arena, self->ntroubles + 1, sizeof *names);
    (void)err;
    *out = (struct vg_strings){names, 0};
    for (size_t i = 0; i < self->ntroubles; i++) {
        const char *sink = self->troubles[i].sink;
        bool idle = *sink && self->troubles[i].row.sink_kind == VG_SINK_RECEIVER;
        for (size_t k = 0; k < self->n; k++)
            idle =
                idle && (strcmp(self->rows[k].row.sink, sink) != 0 ||
                         (self->rows[k].state != FAKE_DEAD && self->rows[k].state != FAKE_WAITING));
        if (idle)
            names[out->n++] = vg_arena_strdup(arena, sink);
    }
    return 0;
}

#endif
