/* SPDX-License-Identifier: GPL-3.0-or-later */
/* quarantine: of a rule file, the table of the user's that takes the keys of all offending rows.
 * That it is written by another role than the one that reads is the user's to decide, and said. */
#include "agent/rules/reading.h"
#include "agent/sql.h"
#include "pgvigil/text.h"

static void check_connection(struct vg_rule_reading *in, const char *name)
{
    const struct vg_dataset *dataset = in->dataset;
    const struct vg_node *node = vg_node_get(in->raw.quarantine, "connection");
    vg_rule_connection(in, node, name);
    if (!vg_streq(name, dataset->connection))
        return;
    const struct vg_connection *of = in->names ? vg_config_connection(in->names, name) : NULL;
    if (of && of->max_connections == 1)
        vg_read_fault(&in->r, node->loc, "raise max_connections, or name a connection of its own",
                      "keys are written while rows are read, and connection \"%s\" has "
                      "max_connections 1",
                      vg_read_shown(&in->r, name));
    else
        vg_diag_add(in->r.diags, VG_GRADE_WARNING, dataset->quarantine.loc, NULL,
                    "name a connection of its own, whose role may write that table and no other",
                    "quarantine is written by the role that reads: what pgvigil watches is no "
                    "longer out of its reach");
}

void vg_rule_quarantine(struct vg_rule_reading *in)
{
    struct vg_dataset *dataset = in->dataset;
    const struct vg_node *node = in->raw.quarantine;
    struct vg_raw_quarantine raw = {0};
    struct vg_part part;
    if (!node)
        return;
    struct vg_loc loc = vg_key_loc(in->r.document->root, "quarantine");
    if (!vg_read_table(&in->r, node, &vg_quarantine_table, &part, &raw))
        return;
    dataset->quarantine =
        (struct vg_quarantine){raw.connection, raw.table, raw.limit, vg_rule_loc(in, loc)};
    if (vg_part_fine(&part, "connection"))
        check_connection(in, raw.connection);
    const char *hint = vg_part_fine(&part, "table") ? vg_sql_table_fault(raw.table) : NULL;
    if (hint)
        vg_read_fault(&in->r, vg_node_get(node, "table")->loc, hint, "\"%s\" is no name of a table",
                      vg_read_shown(&in->r, raw.table));
    if (in->raw.source && !dataset->key.n && !in->raw.source->partial)
        vg_read_fault(&in->r, loc, "source: {key: [id]}",
                      "quarantine writes keys, and the source has none");
}
