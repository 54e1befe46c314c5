/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pgvigil quarantine ddl: the statements that make the tables which the rule files name. They are
 * printed and never run: what is made in a database, and for whom, is its owner's to decide. */
#include <string.h>

#include "agent/commands/shell.h"
#include "agent/sql.h"
#include "pgvigil/text.h"

static void put_ddl(struct vg_buf *out, const struct vg_quarantine *quarantine)
{
    struct vg_buf table;
    vg_buf_init(&table, 1024);
    vg_sql_put_table(&table, quarantine->table);
    vg_buf_printf(out,
                  "CREATE TABLE IF NOT EXISTS %s (\n"
                  "    agent text NOT NULL,\n"
                  "    dataset text NOT NULL,\n"
                  "    rule text NOT NULL,\n"
                  "    window_start timestamptz NOT NULL,\n"
                  "    window_end timestamptz NOT NULL,\n"
                  "    key jsonb NOT NULL,\n"
                  "    found_at timestamptz NOT NULL,\n"
                  "    PRIMARY KEY (agent, dataset, rule, window_start, key)\n"
                  ");\n"
                  "-- for the role that writes, with USAGE on the schema:\n"
                  "-- GRANT SELECT, INSERT ON %s TO ...;\n",
                  table.data, table.data);
    out->failed |= table.failed;
    vg_buf_free(&table);
}

/* Whether one before it names the same table of the same connection. */
static bool is_known(const struct vg_dataset *const *datasets, size_t i)
{
    bool known = false;
    for (size_t k = 0; k < i && !known; k++)
        known = vg_streq(datasets[k]->quarantine.connection, datasets[i]->quarantine.connection) &&
                vg_streq(datasets[k]->quarantine.table, datasets[i]->quarantine.table);
    return known;
}

static int print_ddl(const struct vg_dataset *const *datasets, size_t n)
{
    struct vg_buf buf;
    vg_buf_init(&buf, 64 << 20);
    for (size_t i = 0; i < n; i++) {
        const struct vg_quarantine *quarantine = &datasets[i]->quarantine;
        if (!quarantine->connection || is_known(datasets, i))
            continue;
        vg_buf_printf(&buf, "%s-- connection %s\n", buf.len ? "\n" : "", quarantine->connection);
        put_ddl(&buf, quarantine);
    }
    int rc = buf.failed ? VG_EXIT_INTERNAL : VG_EXIT_OK;
    if (!rc && !buf.len) {
        fputs("pgvigil: no rule file has a quarantine: {connection: ..., table: schema.name}\n",
              stderr);
        rc = VG_EXIT_USAGE;
    } else if (!rc) {
        fputs(buf.data, stdout);
    }
    vg_buf_free(&buf);
    return rc;
}

static int run_quarantine(const struct vg_options *options)
{
    struct vg_shell shell;
    struct vg_options rest = *options;
    const struct vg_dataset *const *datasets;
    size_t n;
    if (strcmp(options->arguments[0], "ddl") != 0) {
        fprintf(stderr, "pgvigil: there is no quarantine %s\n    hint: pgvigil quarantine ddl\n",
                options->arguments[0]);
        return VG_EXIT_USAGE;
    }
    rest.arguments++;
    rest.narguments--;
    int rc = vg_shell_open(&shell, &rest);
    if (!rc)
        rc = vg_shell_rules(&shell);
    if (!rc)
        rc = vg_shell_datasets(&shell, &datasets, &n);
    if (!rc)
        rc = print_ddl(datasets, n);
    if (shell.faulty)
        rc = vg_exit_worst(rc, VG_EXIT_CONFIG);
    vg_shell_close(&shell);
    return rc;
}

extern const struct vg_command vg_command_quarantine;
const struct vg_command vg_command_quarantine = {
    .name = "quarantine",
    .arguments = "ddl [DATASET...]",
    .doc = "the tables that take the keys of offending rows, as SQL",
    .options = "",
    .least = 1,
    .most = -1,
    .run = run_quarantine,
};
