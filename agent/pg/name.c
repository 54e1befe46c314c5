/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names of tables, read by SQL's own rules, so that what works in psql works in a rule file. What
 * is parsed here goes to the server as parameters, never as text of a statement. */
#include "agent/pg/name.h"

#include <stdbool.h>
#include <string.h>

#include "pgvigil/text.h"

static int refuse(const char *text, const char *why, struct vg_error *err)
{
    vg_fail(err, VG_E_CONFIG, "\"%.120s\" is no name of a table: %s", text, why);
    return vg_hint(err, "write schema.table; a part with capitals, dots or signs in double quotes, "
                        "as in '\"My Schema\".\"T\"'");
}

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '$' || (c & 0x80);
}

static int append_byte(char *part, size_t *len, char c)
{
    if (*len == VG_PG_NAME_MAX)
        return -1;
    part[(*len)++] = c;
    part[*len] = '\0';
    return 0;
}

/* Reads one part; NULL or why it cannot be read. */
static const char *read_part(const char **at, char *part)
{
    const char *p = *at;
    size_t len = 0;
    bool quoted = *p == '"';
    part[0] = '\0';
    if (quoted)
        p++;
    for (; *p && (quoted ? *p != '"' || p[1] == '"' : is_plain(*p)); p++) {
        char c = *p;
        if (quoted && c == '"')
            p++;
        else if (!quoted && c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if (append_byte(part, &len, c) != 0)
            return "a part is longer than 63 bytes";
    }
    if (quoted && *p++ != '"')
        return "a double quote is not closed";
    *at = p;
    return len == 0 ? "a part is empty" : NULL;
}

int vg_pg_name_parse(const char *text, struct vg_pg_name *out, struct vg_error *err)
{
    const char *at = text;
    *out = (struct vg_pg_name){0};
    if (!vg_utf8_valid(text, strlen(text)))
        return refuse("?", "it is no valid UTF-8", err);
    const char *why = read_part(&at, out->table);
    if (why)
        return refuse(text, why, err);
    if (*at == '.') {
        at++;
        memcpy(out->schema, out->table, sizeof out->schema);
        why = read_part(&at, out->table);
        if (why)
            return refuse(text, why, err);
    }
    if (*at == '.')
        return refuse(text, "it has more than two parts", err);
    if (*at)
        return refuse(text, "there is a character that needs double quotes", err);
    return 0;
}
