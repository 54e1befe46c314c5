/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Brings the tables of the state store to the version of this program, and tells whether they are
 * what they should be. The tables themselves are in migrations.c.
 *
 * Each migration runs in one transaction together with the mark of its version, so a crash leaves
 * the version before it. Knows tables and columns, and nothing of what they mean.
 */
#include "agent/store/inner.h"

enum { STATEMENT_MAX = 4000 };

static const char *dialect_word(const struct vg_dialect *dialect, const char *name, size_t len)
{
    const struct {
        const char *name, *word;
    } words[] = {
        {"int", dialect->integer}, {"real", dialect->real},   {"blob", dialect->blob},
        {"id", dialect->identity}, {"table", dialect->table},
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strlen(words[i].name) == len && !memcmp(words[i].name, name, len))
            return words[i].word;
    }
    BUG("a migration names {%.*s}, which no dialect has", (int)len, name);
}

static int run_statement(struct vg_db *db, const char *text, struct vg_error *err)
{
    struct vg_buf out;
    vg_buf_init(&out, STATEMENT_MAX);
    while (*text) {
        size_t plain = strcspn(text, "{");
        vg_buf_add(&out, text, plain);
        text += plain;
        if (!*text)
            break;
        size_t len = strcspn(text + 1, "}");
        vg_buf_puts(&out, dialect_word(db->ops->dialect, text + 1, len));
        text += len + 2;
    }
    int rc =
        out.failed ? vg_fail(err, VG_E_MEMORY, "out of memory") : db->ops->exec(db, out.data, err);
    vg_buf_free(&out);
    return rc;
}

static int record_version(struct vg_db *db, int64_t version, struct vg_error *err)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)version);
    if (db->ops->run(db,
                     &VG_SQL("INSERT INTO meta (key, value) VALUES ('schema', $1)"
                             " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                             vg_p_text(text)),
                     NULL, err) < 0)
        return -1;
    return db->ops->stamp(db, version, err);
}

static int run_migration(struct vg_db *db, const struct vg_migration *step, int64_t version,
                         struct vg_error *err)
{
    if (db->ops->begin(db, VG_DB_WRITE, err) < 0)
        return -1;
    int rc = 0;
    for (size_t i = 0; rc == 0 && step->statements[i]; i++)
        rc = run_statement(db, step->statements[i], err);
    if (rc == 0)
        rc = record_version(db, version, err);
    if (rc == 0)
        rc = db->ops->commit(db, err);
    db->ops->rollback(db);
    return rc < 0 ? vg_where(err, "migration to version %lld (%s)", (long long)version, step->what)
                  : 0;
}

int64_t vg_schema_latest(void)
{
    return VG_SCHEMA_UNRELEASED + (int64_t)vg_migrations_n;
}

int vg_schema_migrate(struct vg_db *db, int64_t version, const struct vg_migration *steps, size_t n,
                      struct vg_error *err)
{
    int64_t first = VG_SCHEMA_UNRELEASED;
    for (size_t i = version > first ? (size_t)(version - first) : 0; i < n; i++) {
        if (run_migration(db, &steps[i], first + (int64_t)i + 1, err) < 0)
            return -1;
    }
    return 0;
}

/* One number out of the store, before it is known whether it is sound. */
static int ask(struct vg_db *db, const char *text, int64_t *out, struct vg_error *err)
{
    struct vg_db_rows *rows = NULL;
    bool more = false;
    int rc = db->ops->query(db, &VG_SQL_PLAIN(text), &rows, err);
    if (rc == 0)
        rc = db->ops->next(rows, &more, err);
    if (rc == 0 && more)
        *out = db->ops->get_int(rows, 0);
    db->ops->done(rows);
    return rc;
}

int vg_schema_recorded(struct vg_db *db, int64_t *version, struct vg_error *err)
{
    *version = -1;
    return ask(db, "SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'schema'", version, err);
}

/* Tables, columns and indexes must be those that the migrations make; they are made once more in a
 * store of their own to compare with. */
static int compare_definitions(struct vg_db *db, bool *same, struct vg_error *err)
{
    struct vg_db *model = NULL;
    if (vg_sqlite_open(NULL, false, &model, err) < 0)
        return -1;
    int rc = vg_schema_migrate(model, 0, vg_migrations, vg_migrations_n, err);
    if (rc == 0)
        rc = db->ops->resembles(db, model, same, err);
    model->ops->close(model);
    return rc;
}

/* The largest value of an enum column; 99 stands for one below zero. */
#define WORST(column, table)                                                                       \
    "SELECT max(CASE WHEN " column " < 0 THEN 99 ELSE " column " END) FROM " table

int vg_schema_plausible(struct vg_db *db, bool *sound, struct vg_error *err)
{
    static const struct {
        const char *text;
        int most;
    } enums[] = {
        {WORST("role", "dataset"), VG_ROLE_LABELS},
        {WORST("status", "scanned_window"), VG_WINDOW_SKIPPED},
        {WORST("state", "alert"), VG_ALERT_FIRING},
        {WORST("class", "alert"), VG_CLASS_PERFORMANCE},
        {WORST("severity", "alert"), VG_SEVERITY_CRITICAL},
        {WORST("unit", "alert"), VG_UNIT_ROWS},
        {WORST("verdict", "alert"), VG_FAIL},
        {WORST("class", "latest"), VG_CLASS_PERFORMANCE},
        {WORST("cadence", "latest"), VG_ON_WINDOW},
        {WORST("severity", "latest"), VG_SEVERITY_CRITICAL},
        {WORST("unit", "latest"), VG_UNIT_ROWS},
        {WORST("verdict", "latest"), VG_FAIL},
        {WORST("decided", "latest"), VG_FAIL},
        {WORST("kind", "reference_column"), VG_KIND_TEXT},
        {WORST("severity", "incident"), VG_SEVERITY_CRITICAL},
        {WORST("class", "episode"), VG_CLASS_PERFORMANCE},
        {WORST("severity", "episode"), VG_SEVERITY_CRITICAL},
        {WORST("unit", "episode"), VG_UNIT_ROWS},
        {WORST("verdict", "episode"), VG_FAIL},
        {WORST("sink_kind", "outbox"), VG_SINK_RETRAIN},
        {WORST("kind", "outbox"), VG_MSG_KINDS - 1},
        {WORST("sink_kind", "trouble"), VG_SINK_RETRAIN},
        {WORST("severities", "silence"), (1 << VG_SEVERITIES) - 1},
        {WORST("state", "onset"), VG_ONSET_ENDED},
        {WORST("approval", "onset"), VG_APPROVALS - 1},
        {WORST("told", "onset"), VG_ONSET_TOLDS - 1},
        {WORST("outcome", "onset"), VG_ONSET_OUTCOMES - 1},
        {WORST("kind", "decision"), VG_DECISIONS - 1},
        {WORST("state", "retrain_run"), VG_RETRAIN_STATES - 1},
        {WORST("state", "offenders"), VG_OFFENDERS_GIVEN_UP},
        {WORST("how", "reference_change"), VG_REFERENCE_BACK},
    };
    if (compare_definitions(db, sound, err) < 0)
        return -1;
    for (size_t i = 0; *sound && i < sizeof enums / sizeof enums[0]; i++) {
        int64_t most = 0;
        if (ask(db, enums[i].text, &most, err) < 0)
            return -1;
        *sound = most <= enums[i].most;
        if (!*sound)
            vg_fail(err, VG_E_STATE, "a stored number is out of range: %s", enums[i].text);
    }
    return 0;
}
