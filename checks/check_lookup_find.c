/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lookup: what a rule of it means, and the keys of the rows that offend, where the other table is
 * on the same connection; values that were carried to another one are not looked for again. */
#include "checks/check_lookup.h"

#include "pgvigil/text.h"

bool vg_lookup_elsewhere(const struct vg_rule *rule)
{
    const struct vg_lookup_params *params = rule->params;
    return params->connection && !vg_streq(params->connection, rule->dataset->connection);
}

struct vg_strings vg_lookup_theirs(const struct vg_rule *rule)
{
    const struct vg_lookup_params *params = rule->params;
    struct vg_strings column = {&rule->column, 1};
    return params->columns.n ? params->columns : rule->column ? column : params->own;
}

int vg_lookup_find(const struct vg_asked *asked, struct vg_buf *out, struct vg_error *err)
{
    const struct vg_lookup_params *params = asked->rule->params;
    struct vg_ask_columns own;
    if (vg_lookup_elsewhere(asked->rule))
        return 0;
    if (vg_ask_own(asked, &params->own, &own, err) < 0)
        return -1;
    struct vg_ask_lookup lookup = {&own, vg_lookup_theirs(asked->rule), params->table, false};
    return vg_ask_unknown(asked, &lookup, out, err);
}
