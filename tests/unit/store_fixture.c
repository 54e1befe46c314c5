/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The fixture of the state store's tests: folders, stores, made-up data; see store_fixture.h. */
#include "tests/unit/store_fixture.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void fixture_must(int rc, const struct vg_error *err, const char *call, int line)
{
    if (rc != 0) {
        print_error("line %d: %s: %s: %s\n", line, call, vg_code_name(err->code), err->msg);
        fail();
    }
}

void fixture_refused(int rc, enum vg_code want, const struct vg_error *err, const char *call,
                     int line)
{
    if (rc != -1 || err->code != want || !*err->msg) {
        print_error("line %d: %s: returned %d with %s \"%s\", %s expected\n", line, call, rc,
                    vg_code_name(err->code), err->msg, vg_code_name(want));
        fail();
    }
}

int fixture_setup_closed(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    const char *base = getenv("TMPDIR");
    if (!f)
        return -1;
    snprintf(f->dir, sizeof f->dir, "%s/pgvigil-store-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(f->dir))
        return -1;
    snprintf(f->path, sizeof f->path, "%s/state.db", f->dir);
    f->arena = vg_arena_new();
    *state = f;
    return f->arena ? 0 : -1;
}

int fixture_setup(void **state)
{
    if (fixture_setup_closed(state) < 0)
        return -1;
    struct fixture *f = *state;
    return vg_store_open(f->path, VG_STORE_DAEMON, &f->store, &f->err);
}

static void each_file(const struct fixture *f,
                      void (*visit)(const char *dir, const char *name, void *arg), void *arg)
{
    DIR *dir = opendir(f->dir);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            visit(f->dir, entry->d_name, arg);
    }
    closedir(dir);
}

static void remove_file(const char *dir, const char *name, void *arg)
{
    char path[512];
    (void)arg;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    if (unlink(path) != 0)
        rmdir(path);
}

int fixture_teardown(void **state)
{
    struct fixture *f = *state;
    vg_store_close(f->store);
    vg_arena_free(f->arena);
    each_file(f, remove_file, NULL);
    rmdir(f->dir);
    free(f);
    return 0;
}

void fixture_open(struct fixture *f, enum vg_store_mode mode)
{
    assert_null(f->store);
    MUST(f, vg_store_open(f->path, mode, &f->store, &f->err));
}

void fixture_close(struct fixture *f)
{
    vg_store_close(f->store);
    f->store = NULL;
}

const char *fixture_beside(const struct fixture *f, const char *suffix)
{
    static char path[256];
    snprintf(path, sizeof path, "%s%s", f->path, suffix);
    return path;
}

struct counting {
    const char *part;
    size_t n;
};

static void count_file(const char *dir, const char *name, void *arg)
{
    struct counting *counting = arg;
    (void)dir;
    counting->n += strstr(name, counting->part) != NULL;
}

size_t fixture_files(const struct fixture *f, const char *part)
{
    struct counting counting = {part, 0};
    each_file(f, count_file, &counting);
    return counting.n;
}

char *fixture_read(const char *path, size_t *size)
{
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    fseek(in, 0, SEEK_END);
    *size = (size_t)ftell(in);
    rewind(in);
    char *data = malloc(*size + 1);
    assert_non_null(data);
    assert_int_equal(fread(data, 1, *size, in), *size);
    fclose(in);
    return data;
}

void fixture_write(const char *path, const void *data, size_t size)
{
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(data, 1, size, out), size);
    assert_int_equal(fclose(out), 0);
}

void fixture_exec(struct vg_store *store, const char *text)
{
    struct vg_error err;
    fixture_must(store->db->ops->exec(store->db, text, &err), &err, text, 0);
}

int64_t fixture_int(struct vg_store *store, const char *text)
{
    struct vg_error err;
    int64_t out = INT64_MIN;
    fixture_must(vg_sql_int(store, &VG_SQL_PLAIN(text), &out, &err), &err, text, 0);
    return out;
}

/* --- Made-up data ---------------------------------------------------------------------- */

struct vg_window made_hour(int hour)
{
    int64_t start = (275000 + hour) * VG_HOUR_US; /* in 2001 */
    return (struct vg_window){.start_us = start, .end_us = start + VG_HOUR_US};
}

struct vg_result made_result(const char *rule, enum vg_verdict verdict)
{
    return (struct vg_result){
        .rule = rule,
        .check = "ks",
        .column = "delay",
        .class = VG_CLASS_DRIFT,
        .cadence = VG_ON_WINDOW,
        .verdict = verdict,
        .severity = VG_SEVERITY_CRITICAL,
        .unit = VG_UNIT_RATIO,
        .value = 0.384,
        .bounded = true,
        .lo = 0.38,
        .hi = 0.39,
        .limit = 0.35,
        .warn_limit = NAN,
        .p_value = 0.001,
        .level = NAN,
        .effect = 0.384,
        .n = 3458,
        .n_ref = 105943,
        .direction = 1,
        .why = "D 0.384 is above 0.35",
    };
}

struct vg_cycle made_cycle(int hour, struct vg_result *results, size_t n)
{
    struct vg_cycle cycle = {
        .dataset = "d",
        .model = "m",
        .connection = "c",
        .role = VG_ROLE_FEATURES,
        .has_window = true,
        .window = made_hour(hour),
        .rows = 3458,
        .newest_us = VG_NEVER,
        .results = results,
        .nresults = n,
        .reference_version = 7,
    };
    cycle.due_us = cycle.window.end_us + 2 * VG_MINUTE_US;
    cycle.now_us = cycle.due_us + 5 * VG_US;
    return cycle;
}

struct vg_alert made_alert(const char *rule, enum vg_alert_state state)
{
    return (struct vg_alert){
        .dataset = "d",
        .rule = rule,
        .segment = "",
        .check = "ks",
        .column = "delay",
        .class = VG_CLASS_DRIFT,
        .state = state,
        .severity = VG_SEVERITY_CRITICAL,
        .good = 1,
        .bad = 2,
        .blind = 3,
        .blind_since_us = VG_NEVER,
        .onset_us = 4,
        .due_us = 5,
        .changed_us = 6,
        .reminded_us = VG_NEVER,
        .incident = "0123456789abcdef0123456789abcdef",
        .untold = VG_EMIT_FIRE | VG_EMIT_BLIND,
        .why = "D 0.384 is above 0.35",
        .value = 0.384,
        .limit = NAN,
        .unit = VG_UNIT_RATIO,
        .verdict = VG_FAIL,
        .is_private = true,
        .worst = {.at_us = 7, .value = 0.612, .limit = 0.35, .verdict = VG_FAIL},
        .runbook = "https://example.test/runbook",
    };
}

struct vg_outgoing made_outgoing(const char *sink, const char *key, int64_t next_us)
{
    struct vg_outgoing row = {
        .sink_kind = VG_SINK_RECEIVER,
        .sink = sink,
        .kind = VG_MSG_OPEN,
        .body = "{\"kind\": \"open\"}",
        .created_us = 1,
        .next_us = next_us,
    };
    snprintf(row.key, sizeof row.key, "%s", key);
    return row;
}

struct made_column *made_column(const char *name, int n, double step)
{
    double q[10], values[1000];
    uint8_t states[1000] = {VG_CELL_VALUE};
    struct vg_column rows = {.kind = VG_KIND_NUMBER, .state = states, .num = values};
    struct vg_error err;
    struct made_column *made = calloc(1, sizeof *made);
    assert_non_null(made);
    assert_in_range(n, 0, 1000);
    for (int i = 0; i < 10; i++)
        q[i] = i * step;
    for (int i = 0; i < n; i++)
        values[i] = i;
    made->grid = vg_grid_new(q, 10, true);
    assert_non_null(made->grid);
    fixture_must(vg_column_init(&made->column, name, VG_KIND_NUMBER, made->grid, VG_PART_HLL, &err),
                 &err, "vg_column_init", 0);
    fixture_must(vg_column_count(&made->column, &rows, (size_t)n, &err), &err, "vg_column_count",
                 0);
    return made;
}

void free_column(struct made_column *made)
{
    vg_column_clear(&made->column);
    vg_grid_free(made->grid);
    free(made);
}
