/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether a user's condition stays inside the parentheses it is put into. Pure: follows
 * PostgreSQL's quoting (strings, identifiers, dollar quotes, comments) just far enough to count
 * parentheses. */
#include <ctype.h>
#include <string.h>

#include "agent/sql.h"

/* Behind the closing quote, which is doubled inside; with escapes a backslash hides the next
 * character. NULL: it never ends. */
static const char *skip_quoted(const char *p, char quote, bool escapes)
{
    for (; *p; p++) {
        if (escapes && *p == '\\' && p[1]) {
            p++;
        } else if (*p == quote) {
            if (p[1] != quote)
                return p + 1;
            p++;
        }
    }
    return NULL;
}

/* Comments nest. */
static const char *skip_comment(const char *p)
{
    int depth = 1;
    for (; *p && depth; p++) {
        if (p[0] == '/' && p[1] == '*')
            depth++, p++;
        else if (p[0] == '*' && p[1] == '/')
            depth--, p++;
    }
    return depth ? NULL : p;
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

/* At a dollar sign: behind a dollar-quoted text, behind the sign if there is none, NULL without
 * end. */
static const char *skip_dollar(const char *p)
{
    const char *end = p + 1;
    while (is_word(*end))
        end++;
    if (*end != '$' || isdigit((unsigned char)p[1]))
        return p + 1;
    size_t n = (size_t)(end + 1 - p);
    for (const char *at = end + 1; *at; at++) {
        if (!strncmp(at, p, n))
            return at + n;
    }
    return NULL;
}

const char *vg_sql_skip(const char *start, const char *p)
{
    bool escapes =
        p > start && (p[-1] == 'e' || p[-1] == 'E') && (p - start < 2 || !is_word(p[-2]));
    if (*p == '\'' || *p == '"')
        return skip_quoted(p + 1, *p, *p == '\'' && escapes);
    if (p[0] == '-' && p[1] == '-')
        return p + strcspn(p, "\n");
    if (p[0] == '/' && p[1] == '*')
        return skip_comment(p + 2);
    if (*p == '$' && (p == start || !is_word(p[-1])))
        return skip_dollar(p);
    return p + 1;
}

const char *vg_sql_condition_fault(const char *condition)
{
    int depth = 0;
    for (const char *p = condition; *p;) {
        depth += (*p == '(') - (*p == ')');
        if (depth < 0)
            return "a parenthesis is closed that was not opened";
        if (*p == ';')
            return "a condition is one expression: no semicolon";
        if (*p == ',' && depth == 0)
            return "a condition is one expression: no comma outside parentheses";
        p = vg_sql_skip(condition, p);
        if (!p)
            return "a quote or comment is not closed";
    }
    return depth ? "a parenthesis is not closed" : NULL;
}
