/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a user's expression is made of: whether a cast to a simple type is the last that happens to
 * it, and to which. Pure. Follows PostgreSQL's grammar only where that is certain: anything in
 * doubt is no such cast, and the server converts as it always does. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "agent/sql.h"

enum { TYPE_MAX = 64 };

uint32_t vg_sql_type_oid(const char *type, size_t len)
{
    static const struct {
        const char *name;
        uint32_t oid;
    } types[] = {
        {"bool", VG_OID_BOOL},
        {"boolean", VG_OID_BOOL},
        {"bigint", VG_OID_INT8},
        {"int8", VG_OID_INT8},
        {"smallint", VG_OID_INT2},
        {"int2", VG_OID_INT2},
        {"integer", VG_OID_INT4},
        {"int", VG_OID_INT4},
        {"int4", VG_OID_INT4},
        {"real", VG_OID_FLOAT4},
        {"float4", VG_OID_FLOAT4},
        {"double precision", VG_OID_FLOAT8},
        {"float8", VG_OID_FLOAT8},
        {"float", VG_OID_FLOAT8},
        {"date", VG_OID_DATE},
        {"timestamp", VG_OID_TIMESTAMP},
        {"timestamp without time zone", VG_OID_TIMESTAMP},
        {"timestamptz", VG_OID_TIMESTAMPTZ},
        {"timestamp with time zone", VG_OID_TIMESTAMPTZ},
        {"numeric", VG_OID_NUMERIC},
        {"decimal", VG_OID_NUMERIC},
        {"dec", VG_OID_NUMERIC},
    };
    char plain[TYPE_MAX] = "";
    size_t n = 0;
    for (size_t i = 0; i < len && n < TYPE_MAX - 1; i++) {
        bool blank = isspace((unsigned char)type[i]);
        if (blank && (n == 0 || plain[n - 1] == ' '))
            continue;
        plain[n++] = blank ? ' ' : (char)tolower((unsigned char)type[i]);
    }
    n -= n && plain[n - 1] == ' ';
    plain[n] = '\0';
    const char *name = !strncmp(plain, "pg_catalog.", 11) ? plain + 11 : plain;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (!strcmp(types[i].name, name))
            return types[i].oid;
    }
    return 0;
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '"' || (unsigned char)c >= 0x80;
}

static bool is_comment(const char *p)
{
    return (p[0] == '-' && p[1] == '-') || (p[0] == '/' && p[1] == '*');
}

/* The piece at p, which may be a whole group in brackets; NULL when it never ends. */
static const char *skip_group(const char *start, const char *p)
{
    int depth = 0;
    do {
        if (!*p)
            return NULL;
        depth += (*p == '(' || *p == '[') - (*p == ')' || *p == ']');
        p = vg_sql_skip(start, p);
    } while (p && depth > 0);
    return p;
}

/* Whether this is one operand: names, calls, groups, subscripts, fields and casts without a blank
 * after a word (a word before a blank may be an operator: NOT, CASE). */
static bool is_operand(const char *text, const char *end)
{
    const char *p = text;
    char before = '\0';
    while (p && p < end) {
        bool joined = strchr("([.:", *p) || is_word(*p);
        if (!joined || is_comment(p) || (*p == '(' && p > text && isspace((unsigned char)p[-1])))
            break;
        before = *p;
        p = skip_group(text, p);
    }
    return p == end && before;
}

static const char *trim(const char *text, const char *end)
{
    while (end > text && isspace((unsigned char)end[-1]))
        end--;
    return end;
}

/* The last "::" outside brackets, or NULL; *plain: no comment anywhere. */
static const char *find_colons(const char *text, const char *end)
{
    const char *found = NULL;
    for (const char *p = text; p && p < end; p = skip_group(text, p)) {
        if (is_comment(p))
            return NULL;
        if (p[0] == ':' && p[1] == ':' && (p == text || p[-1] != ':'))
            found = p;
    }
    return found;
}

/* The last word AS of what stands in CAST( ... ), outside brackets. */
static const char *find_as(const char *text, const char *end)
{
    const char *found = NULL;
    for (const char *p = text; p && p < end; p = skip_group(text, p)) {
        if (is_comment(p))
            return NULL;
        bool word = !strncasecmp(p, "as", 2) && p > text && isspace((unsigned char)p[-1]);
        if (word && isspace((unsigned char)p[2]))
            found = p;
    }
    return found;
}

static bool take(const char *text, const char *end, const char *type, const char *type_end,
                 struct vg_sql_cast *out)
{
    text += strspn(text, " \t\r\n");
    out->inner = text;
    out->len = (size_t)(trim(text, end) - text);
    out->oid = vg_sql_type_oid(type, (size_t)(type_end - type));
    return out->oid && out->len;
}

bool vg_sql_cast_of(const char *expression, struct vg_sql_cast *out)
{
    const char *text = expression + strspn(expression, " \t\r\n");
    const char *end = trim(text, text + strlen(text));
    *out = (struct vg_sql_cast){0};
    /* (x::float8) is x::float8 */
    while (text < end && *text == '(' && skip_group(text, text) == end) {
        text += 1 + strspn(text + 1, " \t\r\n");
        end = trim(text, end - 1);
    }
    if (!strncasecmp(text, "cast(", 5) && skip_group(text, text + 4) == end) {
        const char *inner = text + 5, *as = find_as(inner, end - 1);
        return as && take(inner, as, as + 2, end - 1, out);
    }
    const char *colons = find_colons(text, end);
    if (!colons || !is_operand(text, trim(text, colons)))
        return false;
    return take(text, colons, colons + 2, end, out);
}

const char *vg_sql_query_fault(const char *query)
{
    static const char *const words[] = {"select", "with", "table", "values"};
    int depth = 0;
    const char *p = query;
    while (*p && (isspace((unsigned char)*p) || is_comment(p) || *p == '(')) {
        depth += *p == '(';
        p = vg_sql_skip(query, p);
        if (!p)
            return "a comment is not closed";
    }
    bool known = false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t n = strlen(words[i]);
        known |= !strncasecmp(p, words[i], n) && !is_word(p[n]);
    }
    if (!known)
        return "a query is one SELECT";
    while (*p) {
        depth += (*p == '(') - (*p == ')');
        if (depth < 0)
            return "a parenthesis is closed that was not opened";
        if (*p == ';')
            return "a query is one SELECT, without a semicolon";
        p = vg_sql_skip(query, p);
        if (!p)
            return "a quote or comment is not closed";
    }
    return depth ? "a parenthesis is not closed" : NULL;
}
