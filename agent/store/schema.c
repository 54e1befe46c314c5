/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tables of the state store as numbered migrations.
 *
 * A migration that has been released is never changed: a change is a new one. Each runs in one
 * transaction together with the mark of its version, so a crash leaves the version before it. Knows
 * tables and columns, and nothing of what they mean.
 */
#include "agent/store/inner.h"

enum { STATEMENT_MAX = 4000 };

/* Times are microseconds since 1970 UTC; the largest integer is "never". A segment is "" for none.
 * Enums are stored as numbers, so their order is part of the schema. */
static const char *const first_tables[] = {
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) {table}",

    "CREATE TABLE dataset (dataset TEXT PRIMARY KEY, model TEXT, role {int} NOT NULL,"
    " first_seen_us {int} NOT NULL, watermark_us {int} NOT NULL, judged_us {int} NOT NULL,"
    " success_us {int} NOT NULL, tick_us {int} NOT NULL, retry_us {int} NOT NULL,"
    " failures {int} NOT NULL, scan_failures {int} NOT NULL, cycles {int} NOT NULL,"
    " cycle_failures {int} NOT NULL, ticks_skipped {int} NOT NULL,"
    " windows_skipped {int} NOT NULL, rows_scanned {int} NOT NULL) {table}",

    "CREATE TABLE scanned_window (dataset TEXT NOT NULL, start_us {int} NOT NULL,"
    " end_us {int} NOT NULL, repeated {int} NOT NULL, due_us {int} NOT NULL,"
    " committed_us {int} NOT NULL, status {int} NOT NULL, row_count {int} NOT NULL,"
    " probe_rows {int} NOT NULL, PRIMARY KEY (dataset, start_us)) {table}",
    "CREATE INDEX scanned_window_judged ON scanned_window (dataset, end_us)"
    " WHERE status = 0 AND row_count > 0",
    "CREATE INDEX scanned_window_open ON scanned_window (dataset, end_us) WHERE status = 1",
    "CREATE INDEX scanned_window_age ON scanned_window (end_us)",

    "CREATE TABLE result (id {id}, dataset TEXT NOT NULL, rule TEXT NOT NULL,"
    " segment TEXT NOT NULL, check_name TEXT NOT NULL, column_name TEXT, class {int} NOT NULL,"
    " cadence {int} NOT NULL, verdict {int} NOT NULL, severity {int} NOT NULL,"
    " unit {int} NOT NULL, at_us {int} NOT NULL, due_us {int} NOT NULL, window_start_us {int},"
    " window_end_us {int}, reference_version {int}, sample TEXT, value {real}, lo {real},"
    " hi {real}, limit_value {real}, warn_limit {real}, p_value {real}, level {real},"
    " effect {real}, n {real}, n_ref {real}, direction {int} NOT NULL, why TEXT NOT NULL) {table}",
    "CREATE INDEX result_window ON result (dataset, window_start_us)",
    "CREATE INDEX result_age ON result (at_us)",

    "CREATE TABLE latest (dataset TEXT NOT NULL, rule TEXT NOT NULL, segment TEXT NOT NULL,"
    " check_name TEXT NOT NULL, column_name TEXT, why TEXT NOT NULL, class {int} NOT NULL,"
    " cadence {int} NOT NULL, severity {int} NOT NULL, unit {int} NOT NULL,"
    " verdict {int} NOT NULL, at_us {int} NOT NULL, window_end_us {int} NOT NULL,"
    " decided {int} NOT NULL, decided_us {int} NOT NULL, decided_window_end_us {int} NOT NULL,"
    " value {real}, limit_value {real}, p_value {real}, kept_us {int} NOT NULL,"
    " PRIMARY KEY (dataset, rule, segment)) {table}",

    "CREATE TABLE summary (dataset TEXT NOT NULL, start_us {int} NOT NULL, end_us {int} NOT NULL,"
    " column_name TEXT NOT NULL, body {blob} NOT NULL,"
    " PRIMARY KEY (dataset, start_us, column_name)) {table}",
    "CREATE INDEX summary_age ON summary (end_us)",

    "CREATE TABLE reference (version {id}, dataset TEXT NOT NULL, spec TEXT NOT NULL,"
    " from_us {int} NOT NULL, to_us {int} NOT NULL, base_us {int} NOT NULL,"
    " captured_us {int} NOT NULL, row_count {int} NOT NULL, resolution {int} NOT NULL,"
    " columns {int} NOT NULL, windows {int} NOT NULL, state {int} NOT NULL,"
    " active {int} NOT NULL, error TEXT) {table}",
    "CREATE INDEX reference_dataset ON reference (dataset, version)",
    "CREATE UNIQUE INDEX reference_active ON reference (dataset) WHERE active = 1",
    "CREATE TABLE reference_column (version {int} NOT NULL REFERENCES reference"
    " ON DELETE CASCADE, position {int} NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL,"
    " kind {int} NOT NULL, not_null {int} NOT NULL, total {blob}, fine {blob},"
    " PRIMARY KEY (version, position)) {table}",
    "CREATE TABLE reference_window (version {int} NOT NULL REFERENCES reference"
    " ON DELETE CASCADE, column_name TEXT NOT NULL, start_us {int} NOT NULL,"
    " end_us {int} NOT NULL, repeated {int} NOT NULL, body {blob} NOT NULL,"
    " PRIMARY KEY (version, column_name, start_us)) {table}",

    "CREATE TABLE alert (dataset TEXT NOT NULL, rule TEXT NOT NULL, segment TEXT NOT NULL,"
    " check_name TEXT NOT NULL, column_name TEXT, class {int} NOT NULL, state {int} NOT NULL,"
    " severity {int} NOT NULL, good {int} NOT NULL, bad {int} NOT NULL, blind {int} NOT NULL,"
    " blind_since_us {int} NOT NULL, onset_us {int} NOT NULL, due_us {int} NOT NULL,"
    " changed_us {int} NOT NULL, reminded_us {int} NOT NULL, incident TEXT NOT NULL,"
    " untold {int} NOT NULL, why TEXT NOT NULL, value {real}, limit_value {real},"
    " unit {int} NOT NULL, verdict {int} NOT NULL, runbook TEXT,"
    " PRIMARY KEY (dataset, rule, segment)) {table}",

    "CREATE TABLE incident (key TEXT PRIMARY KEY, dataset TEXT NOT NULL, severity {int} NOT NULL,"
    " opened_due_us {int} NOT NULL, first_us {int} NOT NULL, closed_us {int} NOT NULL,"
    " onset_us {int} NOT NULL, told_us {int} NOT NULL) {table}",
    "CREATE INDEX incident_dataset ON incident (dataset, opened_due_us)",
    "CREATE INDEX incident_closed ON incident (closed_us)",
    "CREATE TABLE incident_receiver (key TEXT NOT NULL REFERENCES incident ON DELETE CASCADE,"
    " position {int} NOT NULL, receiver TEXT NOT NULL, PRIMARY KEY (key, position)) {table}",

    "CREATE TABLE outbox (id {id}, sink_kind {int} NOT NULL, sink TEXT NOT NULL,"
    " key TEXT NOT NULL, kind {int} NOT NULL, body TEXT NOT NULL, created_us {int} NOT NULL,"
    " next_us {int} NOT NULL, attempts {int} NOT NULL, last_error TEXT, state {int} NOT NULL,"
    " ended_us {int}) {table}",
    "CREATE INDEX outbox_waiting ON outbox (sink_kind, sink, key, id) WHERE state = 0",
    "CREATE INDEX outbox_age ON outbox (ended_us)",
    "CREATE TABLE outbox_total (sink_kind {int} NOT NULL, sink TEXT NOT NULL,"
    " sent {int} NOT NULL, dead {int} NOT NULL, PRIMARY KEY (sink_kind, sink)) {table}",

    "CREATE TABLE onset (key TEXT PRIMARY KEY, model TEXT NOT NULL, dataset TEXT NOT NULL,"
    " rule TEXT NOT NULL, check_name TEXT, column_name TEXT, due_us {int} NOT NULL,"
    " start_us {int} NOT NULL, end_us {int} NOT NULL, repeated {int} NOT NULL,"
    " state {int} NOT NULL, fired {int} NOT NULL, fired_us {int} NOT NULL,"
    " ended_us {int} NOT NULL, value {real}, limit_value {real}, row_count {int} NOT NULL) {table}",
    "CREATE INDEX onset_model ON onset (model, due_us)",
    "CREATE TABLE decision (id {id}, model TEXT NOT NULL, key TEXT NOT NULL, at_us {int} NOT NULL,"
    " kind {int} NOT NULL, reason TEXT NOT NULL) {table}",
    "CREATE INDEX decision_key ON decision (key, id)",
    "CREATE INDEX decision_model ON decision (model, id)",
    "CREATE INDEX decision_age ON decision (at_us)",

    "CREATE TABLE control (id {id}, verb TEXT NOT NULL, argument TEXT, given_by TEXT,"
    " at_us {int} NOT NULL, answer TEXT, done_us {int}) {table}",
    "CREATE INDEX control_pending ON control (id) WHERE done_us IS NULL",
    "CREATE TABLE rule_file (path TEXT PRIMARY KEY, body TEXT NOT NULL, at_us {int} NOT NULL)"
    " {table}",
    "CREATE TABLE pushed (dataset TEXT PRIMARY KEY, url TEXT NOT NULL) {table}",
    NULL,
};

static const char *const episodes[] = {
    "CREATE TABLE episode (dataset TEXT NOT NULL, rule TEXT NOT NULL, segment TEXT NOT NULL,"
    " due_us {int} NOT NULL, known {int} NOT NULL, check_name TEXT NOT NULL, column_name TEXT,"
    " class {int} NOT NULL, severity {int} NOT NULL, onset_us {int} NOT NULL,"
    " ended_us {int} NOT NULL, over {int} NOT NULL, incident TEXT NOT NULL, emits {int} NOT NULL,"
    " value {real}, limit_value {real}, p_value {real}, unit {int} NOT NULL,"
    " verdict {int} NOT NULL, why TEXT NOT NULL, runbook TEXT, receivers TEXT NOT NULL,"
    " PRIMARY KEY (dataset, rule, segment, due_us, known)) {table}",
    "CREATE INDEX episode_open ON episode (dataset) WHERE over = 0",
    NULL,
};

static const char *const fingerprints[] = {
    "CREATE TABLE fingerprint (dataset TEXT NOT NULL, start_us {int} NOT NULL,"
    " end_us {int} NOT NULL, rule TEXT NOT NULL, segment TEXT NOT NULL, hash {int} NOT NULL,"
    " PRIMARY KEY (dataset, start_us, rule, segment)) {table}",
    "CREATE INDEX fingerprint_age ON fingerprint (end_us)",
    NULL,
};

/* Of the tables that are watched: of each reference, and as last seen. */
static const char *const structures[] = {
    "ALTER TABLE reference ADD COLUMN structure TEXT",
    "CREATE TABLE structure (dataset TEXT PRIMARY KEY, body TEXT NOT NULL, at_us {int} NOT NULL)"
    " {table}",
    NULL,
};

/* Columns of a reference that a rule file computed. */
static const char *const computed[] = {
    "ALTER TABLE reference_column ADD COLUMN computed {int} NOT NULL DEFAULT 0",
    NULL,
};

/* Windows that are to be read again, the parts that theirs are of the summaries of longer base
 * windows, and tables that are not read while nothing changes. */
static const char *const revisits[] = {
    "CREATE TABLE checked_window (dataset TEXT NOT NULL, start_us {int} NOT NULL,"
    " end_us {int} NOT NULL, repeated {int} NOT NULL, checked_us {int} NOT NULL,"
    " read_us {int} NOT NULL, next_us {int} NOT NULL, failures {int} NOT NULL,"
    " body {blob} NOT NULL, PRIMARY KEY (dataset, start_us)) {table}",
    "CREATE INDEX checked_window_next ON checked_window (dataset, next_us)",
    "CREATE INDEX checked_window_age ON checked_window (end_us)",
    "CREATE TABLE summary_part (dataset TEXT NOT NULL, base_us {int} NOT NULL,"
    " column_name TEXT NOT NULL, start_us {int} NOT NULL, end_us {int} NOT NULL,"
    " body {blob} NOT NULL, PRIMARY KEY (dataset, base_us, column_name, start_us)) {table}",
    "CREATE INDEX summary_part_age ON summary_part (end_us)",
    "CREATE TABLE standstill (dataset TEXT PRIMARY KEY, body TEXT NOT NULL,"
    " since_us {int} NOT NULL) {table}",
    NULL,
};

/* Rows that offend: the keys shown of a rule's latest result, and those still to be written to a
 * table of the user's. */
static const char *const offending_rows[] = {
    "ALTER TABLE latest ADD COLUMN offending TEXT",
    "CREATE TABLE offenders (dataset TEXT NOT NULL, rule TEXT NOT NULL, start_us {int} NOT NULL,"
    " end_us {int} NOT NULL, repeated {int} NOT NULL, warn {int} NOT NULL, at_us {int} NOT NULL,"
    " state {int} NOT NULL, attempts {int} NOT NULL, next_us {int} NOT NULL,"
    " key_count {int} NOT NULL, cut {int} NOT NULL, why TEXT,"
    " PRIMARY KEY (dataset, rule, start_us)) {table}",
    "CREATE INDEX offenders_waiting ON offenders (next_us) WHERE state = 0",
    "CREATE INDEX offenders_age ON offenders (at_us)",
    NULL,
};

/* Coarse counts of the columns of a reference for each of its segments. */
static const char *const segments[] = {
    "CREATE TABLE reference_segment (version {int} NOT NULL REFERENCES reference"
    " ON DELETE CASCADE, segment TEXT NOT NULL, column_name TEXT NOT NULL, total {blob} NOT NULL,"
    " PRIMARY KEY (version, segment, column_name)) {table}",
    NULL,
};

/* The segment whose drift opened an onset. */
static const char *const onsets_of_segments[] = {
    "ALTER TABLE onset ADD COLUMN segment TEXT NOT NULL DEFAULT ''",
    NULL,
};

/* What the budget learnt from a reference, and the new values it has told of. */
static const char *const calibrations[] = {
    "CREATE TABLE calibration (id {id}, version {int} NOT NULL REFERENCES reference"
    " ON DELETE CASCADE, inputs TEXT NOT NULL, at_us {int} NOT NULL, body {blob}) {table}",
    "CREATE INDEX calibration_version ON calibration (version)",
    "CREATE TABLE calibration_part (calibration {int} NOT NULL REFERENCES calibration"
    " ON DELETE CASCADE, column_name TEXT NOT NULL, body {blob} NOT NULL,"
    " PRIMARY KEY (calibration, column_name)) {table}",
    "CREATE TABLE told_value (version {int} NOT NULL REFERENCES reference ON DELETE CASCADE,"
    " column_name TEXT NOT NULL, hash {int} NOT NULL, at_us {int} NOT NULL,"
    " PRIMARY KEY (version, column_name, hash)) {table}",
    NULL,
};

/* What receivers answered, messages of several requests, and those told again while they stand. */
static const char *const answers[] = {
    "ALTER TABLE outbox ADD COLUMN step {int} NOT NULL DEFAULT 0",
    "CREATE INDEX outbox_going ON outbox (next_us) WHERE state IN (0, 3)",
    "CREATE INDEX outbox_standing ON outbox (sink_kind, sink, key, id) WHERE state = 3",
    "CREATE TABLE kept (sink_kind {int} NOT NULL, sink TEXT NOT NULL, key TEXT NOT NULL,"
    " body TEXT NOT NULL, at_us {int} NOT NULL, PRIMARY KEY (sink_kind, sink, key)) {table}",
    "CREATE INDEX kept_age ON kept (at_us)",
    NULL,
};

/* Several references of a dataset, each with a name, those that follow time, and what became of
 * them. */
static const char *const references[] = {
    "ALTER TABLE reference ADD COLUMN name TEXT NOT NULL DEFAULT 'reference'",
    "ALTER TABLE reference ADD COLUMN rolling {int} NOT NULL DEFAULT 0",
    "ALTER TABLE reference ADD COLUMN stands_for TEXT",
    "ALTER TABLE reference ADD COLUMN given_by TEXT",
    "DROP INDEX reference_active",
    "CREATE UNIQUE INDEX reference_in_use ON reference (dataset, name) WHERE active = 1",
    "CREATE TABLE reference_change (id {id}, dataset TEXT NOT NULL, name TEXT NOT NULL,"
    " version {int} NOT NULL, former {int} NOT NULL, how {int} NOT NULL, given_by TEXT,"
    " at_us {int} NOT NULL) {table}",
    "CREATE INDEX reference_change_dataset ON reference_change (dataset, id)",
    "CREATE INDEX reference_change_age ON reference_change (at_us)",
    "ALTER TABLE alert ADD COLUMN proposed {int} NOT NULL DEFAULT 0",
    "ALTER TABLE latest ADD COLUMN prediction {int} NOT NULL DEFAULT 0",
    "ALTER TABLE latest ADD COLUMN moved {real}",
    "ALTER TABLE latest ADD COLUMN importance {real}",
    "ALTER TABLE latest ADD COLUMN rank {int} NOT NULL DEFAULT 0",
    NULL,
};

/* What a full outbox lets go of first, what may have reached a receiver unseen, receivers that fail
 * and were reported, silences, and who has taken an incident on. */
static const char *const quiet[] = {
    "ALTER TABLE outbox ADD COLUMN bytes {int} NOT NULL DEFAULT 0",
    "ALTER TABLE outbox ADD COLUMN touched {int} NOT NULL DEFAULT 0",
    "ALTER TABLE outbox ADD COLUMN held_us {int} NOT NULL DEFAULT 0",
    "CREATE INDEX outbox_room ON outbox (sink_kind, sink, kind, id, bytes) WHERE state = 0",
    "CREATE INDEX outbox_dead ON outbox (id) WHERE state = 2",
    "ALTER TABLE outbox_total ADD COLUMN dropped {int} NOT NULL DEFAULT 0",
    "ALTER TABLE incident ADD COLUMN acked_us {int} NOT NULL DEFAULT 9223372036854775807",
    "ALTER TABLE incident ADD COLUMN acked_by TEXT",
    "CREATE TABLE trouble (sink_kind {int} NOT NULL, sink TEXT NOT NULL, key TEXT NOT NULL,"
    " since_us {int} NOT NULL, told TEXT NOT NULL, PRIMARY KEY (sink_kind, sink)) {table}",
    "CREATE TABLE silence (id {id}, dataset TEXT, rule TEXT, tag TEXT, severities {int} NOT NULL,"
    " from_us {int} NOT NULL, until_us {int} NOT NULL, made_us {int} NOT NULL,"
    " given_by TEXT NOT NULL, why TEXT NOT NULL) {table}",
    "CREATE INDEX silence_end ON silence (until_us)",
    NULL,
};

/* How the numeric columns of a reference depend on each other. */
static const char *const pairs[] = {
    "CREATE TABLE reference_pairs (version {int} PRIMARY KEY REFERENCES reference"
    " ON DELETE CASCADE, body {blob} NOT NULL) {table}",
    NULL,
};

/* What becomes of requests for retraining. */
static const char *const runs[] = {
    "CREATE TABLE retrain_run (key TEXT PRIMARY KEY, model TEXT NOT NULL, system TEXT NOT NULL,"
    " run_id TEXT, url TEXT, state {int} NOT NULL, asked_us {int} NOT NULL,"
    " accepted_us {int} NOT NULL, changed_us {int} NOT NULL, ended_us {int} NOT NULL,"
    " next_us {int} NOT NULL, until_us {int} NOT NULL, looks {int} NOT NULL, answer TEXT) {table}",
    "CREATE INDEX retrain_run_model ON retrain_run (model, asked_us)",
    "CREATE INDEX retrain_run_next ON retrain_run (next_us)",
    NULL,
};

/* Who approved a retraining or not, what people were told, and who decided on what grounds. */
static const char *const approvals[] = {
    "ALTER TABLE onset ADD COLUMN by_hand {int} NOT NULL DEFAULT 0",
    "ALTER TABLE onset ADD COLUMN approval {int} NOT NULL DEFAULT 0",
    "ALTER TABLE onset ADD COLUMN approval_us {int} NOT NULL DEFAULT 9223372036854775807",
    "ALTER TABLE onset ADD COLUMN approval_by TEXT",
    "ALTER TABLE onset ADD COLUMN approval_why TEXT",
    "ALTER TABLE onset ADD COLUMN told {int} NOT NULL DEFAULT 0",
    "ALTER TABLE onset ADD COLUMN outcome {int} NOT NULL DEFAULT 0",
    "CREATE INDEX onset_outcome ON onset (key) WHERE fired = 1 AND outcome < 2",
    "ALTER TABLE decision ADD COLUMN given_by TEXT",
    "ALTER TABLE decision ADD COLUMN dataset TEXT",
    "ALTER TABLE decision ADD COLUMN rule TEXT",
    "ALTER TABLE decision ADD COLUMN start_us {int} NOT NULL DEFAULT 0",
    "ALTER TABLE decision ADD COLUMN end_us {int} NOT NULL DEFAULT 0",
    "ALTER TABLE decision ADD COLUMN repeated {int} NOT NULL DEFAULT 0",
    "ALTER TABLE decision ADD COLUMN value {real}",
    "ALTER TABLE decision ADD COLUMN limit_value {real}",
    "ALTER TABLE decision ADD COLUMN row_count {int} NOT NULL DEFAULT 0",
    NULL,
};

/* Who was told of a key, and what receivers asked for: both are asked for within transactions. */
static const char *const asked_often[] = {
    "CREATE INDEX outbox_told ON outbox (key, sink) WHERE sink_kind = 0 AND kind = 0",
    "CREATE INDEX outbox_held ON outbox (sink_kind, sink, held_us) WHERE held_us > 0",
    NULL,
};

/* What an incident is about. */
static const char *const abouts[] = {
    "ALTER TABLE incident ADD COLUMN rules TEXT",
    NULL,
};

const struct vg_migration vg_migrations[] = {
    {"the first tables", first_tables},
    {"what a catch-up holds back", episodes},
    {"what rules saw in windows", fingerprints},
    {"structures of tables", structures},
    {"columns that rule files compute", computed},
    {"windows to be read again", revisits},
    {"rows that offend", offending_rows},
    {"segments of references", segments},
    {"onsets of segments", onsets_of_segments},
    {"what the budget learns", calibrations},
    {"what receivers answered", answers},
    {"references that follow time, and several of them", references},
    {"the outbox's room, silences, acknowledgements", quiet},
    {"dependence between columns", pairs},
    {"what becomes of requests for retraining", runs},
    {"who approved a retraining", approvals},
    {"what is asked of the outbox often", asked_often},
    {"what an incident is about", abouts},
};
const size_t vg_migrations_n = sizeof vg_migrations / sizeof vg_migrations[0];

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

int vg_schema_migrate(struct vg_db *db, int64_t version, const struct vg_migration *steps, size_t n,
                      struct vg_error *err)
{
    for (size_t i = (size_t)version; i < n; i++) {
        if (run_migration(db, &steps[i], (int64_t)i + 1, err) < 0)
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
