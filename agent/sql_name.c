/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names of tables and columns as people write them, read by SQL's own rules and written in quotes
 * that nothing in them can end. Pure. */
#include <ctype.h>

#include "agent/sql.h"
#include "pgvigil/text.h"

enum { NAME_BYTES = 63 };

void vg_sql_put_name(struct vg_buf *out, const char *name)
{
    vg_buf_putc(out, '"');
    for (const char *c = name; *c; c++) {
        if (*c == '"')
            vg_buf_putc(out, '"');
        vg_buf_putc(out, *c);
    }
    vg_buf_putc(out, '"');
}

static bool is_plain(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

/* Reads one part of a name as SQL does, behind it; out may be NULL. NULL: it is none. */
static const char *read_part(const char *p, struct vg_buf *out)
{
    char name[NAME_BYTES + 1];
    size_t n = 0;
    bool quoted = *p == '"';
    for (p += quoted; *p && (quoted ? *p != '"' || p[1] == '"' : is_plain(*p)); p++) {
        if (n == NAME_BYTES)
            return NULL;
        p += quoted && *p == '"';
        bool upper = !quoted && *p >= 'A' && *p <= 'Z';
        name[n++] = (char)(upper ? *p - 'A' + 'a' : *p);
    }
    name[n] = '\0';
    if (!n || (quoted && *p++ != '"'))
        return NULL;
    if (out)
        vg_sql_put_name(out, name);
    return p;
}

const char *vg_sql_table_fault(const char *table)
{
    const char *p = read_part(table, NULL);
    if (p && !*p)
        return "write schema.table: statements are read with search_path pg_catalog";
    p = p && *p == '.' ? read_part(p + 1, NULL) : NULL;
    return p && !*p ? NULL : "write schema.table, parts with signs or capitals in double quotes";
}

void vg_sql_put_table(struct vg_buf *out, const char *table)
{
    if (vg_sql_table_fault(table))
        BUG("the table's name was not checked");
    const char *p = read_part(table, out);
    vg_buf_putc(out, '.');
    read_part(p + 1, out);
}
