/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is told together, of the outbox in memory: a part of fake_outbox.h, which includes it. */
#ifndef TESTS_UNIT_FAKE_MANY_H
#define TESTS_UNIT_FAKE_MANY_H

int vg_store_outbox_gather(struct vg_store *self, const char *sink, int64_t now_us,
                           struct vg_arena *arena, struct vg_outgoing **out, size_t *n,
                           struct vg_error *err)
{
    *n = 0;
    *out = vg_arena_array(arena, FAKE_ROWS, sizeof **out);
    if (!*out)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    pthread_mutex_lock(&store_lock);
    for (int severity = VG_SEVERITIES - 1; severity >= 0; severity--) {
        for (size_t i = 0; i < self->n; i++) {
            const struct vg_outgoing *row = &self->rows[i].row;
            if ((int)row->severity == severity && can_be_told(&self->rows[i]) &&
                !strcmp(row->sink, sink) && fake_is_due(i, now_us))
                (*out)[(*n)++] = fake_outgoing(&self->rows[i]);
        }
    }
    pthread_mutex_unlock(&store_lock);
    return 0;
}

int vg_store_outbox_first(struct vg_store *self, const struct vg_outbox_beside *of,
                          struct vg_arena *arena, struct vg_outgoing *out, bool *found,
                          struct vg_error *err)
{
    static const int sorts[] = {0, 0, 1, 2}; /* of VG_MSG_OPEN, UPDATE, REMIND, RESOLVE */
    (void)arena;
    (void)err;
    *found = false;
    for (size_t i = 0; i < self->n; i++) {
        const struct fake_row *row = &self->rows[i];
        bool but =
            row->row.id == of->but[0] || row->row.id == of->but[1] || row->row.id == of->but[2];
        if (row->row.sink_kind != VG_SINK_RECEIVER || strcmp(row->row.sink, of->sink) != 0 ||
            row->digest[0] || !fake_is_due(i, of->now_us) ||
            (can_be_told(row) && of->held[sorts[row->row.kind]] && !but))
            continue;
        if (!*found || row->row.attempts < out->attempts ||
            (row->row.attempts == out->attempts && fake_goes_before(&row->row, out)))
            *out = fake_outgoing(row);
        *found = true;
    }
    return 0;
}

int vg_store_outbox_begun(struct vg_store *self, const int64_t *ids, size_t n, const char *digest,
                          struct vg_error *err)
{
    (void)err;
    for (size_t i = 0; i < n; i++)
        memcpy(self->rows[ids[i] - 1].digest, digest, VG_KEY_SIZE);
    return 0;
}

int vg_store_outbox_digest(struct vg_store *self, const char *sink, const char *digest,
                           struct vg_arena *arena, struct vg_outgoing **out, size_t *n,
                           struct vg_error *err)
{
    *n = 0;
    *out = vg_arena_array(arena, FAKE_ROWS, sizeof **out);
    if (!*out)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    for (size_t i = 0; i < self->n; i++) {
        const struct fake_row *row = &self->rows[i];
        if (row->state == FAKE_WAITING && !strcmp(row->row.sink, sink) &&
            !strcmp(row->digest, digest))
            (*out)[(*n)++] = fake_outgoing(row);
    }
    return 0;
}

int vg_store_outbox_apart(struct vg_store *self, int64_t id, bool refused, struct vg_error *err)
{
    struct fake_row *row = &self->rows[id - 1];
    (void)err;
    if (refused || !row->touched)
        row->digest[0] = '\0';
    return 0;
}

int vg_store_outbox_body(struct vg_store *self, int64_t id, struct vg_arena *arena,
                         const char **out, struct vg_error *err)
{
    *out = vg_arena_strdup(arena, self->rows[id - 1].row.body);
    return *out ? 0 : vg_fail(err, VG_E_MEMORY, "out of memory");
}

#endif
