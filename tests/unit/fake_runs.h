/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs of training systems, of the outbox in memory: a part of fake_outbox.h, which includes it. */
#ifndef TESTS_UNIT_FAKE_RUNS_H
#define TESTS_UNIT_FAKE_RUNS_H

static inline const char *fake_copy(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from ? from : "");
    return from ? to : NULL;
}

int vg_store_retrain_run_put(struct vg_store *self, const struct vg_retrain_run *run,
                             struct vg_error *err)
{
    (void)err;
    size_t i = 0;
    while (i < self->nruns && strcmp(self->runs[i].row.key, run->key) != 0)
        i++;
    struct fake_run *at = &self->runs[i];
    if (i == FAKE_RUNS)
        return vg_fail(err, VG_E_LIMIT, "too many runs for this fake");
    self->nruns += i == self->nruns;
    self->run_puts++;
    at->row = *run;
    at->row.model = fake_copy(at->model, sizeof at->model, run->model);
    at->row.system = fake_copy(at->system, sizeof at->system, run->system);
    at->row.id = fake_copy(at->id, sizeof at->id, run->id);
    at->row.url = fake_copy(at->url, sizeof at->url, run->url);
    at->row.answer = fake_copy(at->answer, sizeof at->answer, run->answer);
    at->row.place = fake_copy(at->place, sizeof at->place, run->place);
    return 0;
}

/* In arena, as what is put again must not be what is read. */
int vg_store_retrain_run(struct vg_store *self, const char *key, struct vg_arena *arena,
                         struct vg_retrain_run *out, bool *found, struct vg_error *err)
{
    (void)err;
    *found = false;
    for (size_t i = 0; i < self->nruns && !*found; i++) {
        const struct vg_retrain_run *row = &self->runs[i].row;
        *found = !strcmp(row->key, key);
        *out = *row;
        out->model = vg_arena_strdup(arena, row->model);
        out->system = vg_arena_strdup(arena, row->system);
        out->id = vg_arena_strdup(arena, row->id);
        out->url = vg_arena_strdup(arena, row->url);
        out->answer = vg_arena_strdup(arena, row->answer);
        out->place = vg_arena_strdup(arena, row->place);
    }
    return 0;
}

int vg_store_retrain_runs_due(struct vg_store *self, int64_t now_us, struct vg_arena *arena,
                              struct vg_retrain_run **out, size_t *n, struct vg_error *err)
{
    *n = 0;
    *out = vg_arena_array(arena, FAKE_RUNS, sizeof **out);
    if (!*out)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    for (size_t i = 0; i < self->nruns; i++) {
        if (self->runs[i].row.next_us <= now_us)
            (*out)[(*n)++] = self->runs[i].row;
    }
    return 0;
}

int vg_store_retrain_runs_next(struct vg_store *self, int64_t now_us, int64_t *out,
                               struct vg_error *err)
{
    (void)err;
    *out = VG_NEVER;
    for (size_t i = 0; i < self->nruns; i++) {
        int64_t next_us = self->runs[i].row.next_us;
        if (next_us > now_us && next_us < *out)
            *out = next_us;
    }
    return 0;
}

#endif
