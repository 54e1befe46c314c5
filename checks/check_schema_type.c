/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Spellings of PostgreSQL's types, brought to the one of format_type(). Pure; works in fixed room
 * and compares what is too long to be a spelling of ours as it stands. */
#include "checks/check_schema_type.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 128 };

/* A type in parts: name "timestamp", modifiers "(3)", rest " with time zone", array "[]". */
struct spelling {
    char text[MOST]; /* lower case, single blanks */
    char name[MOST];
    char modifiers[MOST];
    char tail[MOST]; /* what follows the modifiers, brackets included */
};

static const struct alias {
    const char *name, *canon, *tail;
} aliases[] = {
    {"int8", "bigint", ""},
    {"bigserial", "bigint", ""},
    {"serial8", "bigint", ""},
    {"int4", "integer", ""},
    {"int", "integer", ""},
    {"serial", "integer", ""},
    {"serial4", "integer", ""},
    {"int2", "smallint", ""},
    {"smallserial", "smallint", ""},
    {"serial2", "smallint", ""},
    {"float8", "double precision", ""},
    {"float4", "real", ""},
    {"decimal", "numeric", ""},
    {"dec", "numeric", ""},
    {"bool", "boolean", ""},
    {"varchar", "character varying", ""},
    {"char varying", "character varying", ""},
    {"char", "character", ""},
    {"bpchar", "character", ""},
    {"varbit", "bit varying", ""},
    {"timestamptz", "timestamp", " with time zone"},
    {"timestamp", "timestamp", " without time zone"},
    {"timetz", "time", " with time zone"},
    {"time", "time", " without time zone"},
};

static void append(char *out, const char *s, size_t n)
{
    size_t used = strlen(out);
    if (used + n >= MOST)
        n = MOST - 1 - used;
    memcpy(out + used, s, n);
    out[used + n] = '\0';
}

/* Lower case outside quotes, one blank between words, none beside brackets and commas. */
static void fold(const char *s, char out[MOST])
{
    size_t n = 0;
    bool quoted = false;
    for (; *s && n < MOST - 1; s++) {
        quoted ^= *s == '"';
        bool blank = !quoted && isspace((unsigned char)*s);
        bool bare = n == 0 || strchr(" (,[", out[n - 1]);
        if (blank && bare)
            continue;
        if (!quoted && n && out[n - 1] == ' ' && strchr("(),[]", *s))
            n--;
        out[n++] = blank ? ' ' : quoted ? *s : (char)tolower((unsigned char)*s);
    }
    while (n && out[n - 1] == ' ')
        n--;
    out[n] = '\0';
}

static void split(const char *type, struct spelling *out)
{
    memset(out, 0, sizeof *out);
    fold(type, out->text);
    const char *s = out->text;
    if (!strncmp(s, "pg_catalog.", 11))
        s += 11;
    size_t name = strcspn(s, "([\"");
    append(out->name, s, name);
    s += name;
    if (*s == '(') {
        size_t inside = strcspn(s, ")");
        append(out->modifiers, s, inside + (s[inside] == ')'));
        s += inside + (s[inside] == ')');
    }
    append(out->tail, s, strlen(s));
}

/* Where the zone stands without modifiers: "timestamp with time zone" is "timestamp", " with ...".
 */
static void cut_zone(struct spelling *spelling)
{
    static const char *const zones[] = {" with time zone", " without time zone"};
    for (size_t i = 0; i < 2; i++) {
        size_t n = strlen(spelling->name), z = strlen(zones[i]);
        if (n <= z || strcmp(spelling->name + n - z, zones[i]))
            continue;
        char tail[MOST];
        snprintf(tail, sizeof tail, "%s", spelling->tail);
        snprintf(spelling->tail, sizeof spelling->tail, "%s%.64s", zones[i], tail);
        spelling->name[n - z] = '\0';
    }
}

static void apply_alias(struct spelling *spelling)
{
    bool zoned = !strncmp(spelling->tail, " with", 5);
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++) {
        if (strcmp(spelling->name, aliases[i].name))
            continue;
        char tail[MOST];
        snprintf(tail, sizeof tail, "%s", spelling->tail);
        snprintf(spelling->name, sizeof spelling->name, "%s", aliases[i].canon);
        snprintf(spelling->tail, sizeof spelling->tail, "%s%.64s", zoned ? "" : aliases[i].tail,
                 tail);
        return;
    }
}

/* Modifiers that PostgreSQL fills in: numeric(10) is numeric(10,0), char is character(1), float(n)
 * one of two types. bpchar alone has none. */
static void fill_modifiers(struct spelling *spelling, bool bpchar)
{
    char *name = spelling->name, *modifiers = spelling->modifiers;
    size_t n = strlen(modifiers);
    if (!strcmp(name, "numeric") && n > 2 && n < MOST - 2 && !strchr(modifiers, ','))
        snprintf(modifiers + n - 1, MOST - n + 1, ",0)");
    if ((!strcmp(name, "character") && !bpchar && !n) || (!strcmp(name, "bit") && !n))
        snprintf(modifiers, MOST, "(1)");
    if (!strcmp(name, "float")) {
        bool single = n && strtol(modifiers + 1, NULL, 10) <= 24;
        snprintf(name, MOST, "%s", single ? "real" : "double precision");
        modifiers[0] = '\0';
    }
}

bool vg_schema_type_same(const char *a, const char *b)
{
    if (!strcmp(a, b))
        return true;
    if (strlen(a) >= MOST || strlen(b) >= MOST)
        return false;
    const char *given[2] = {a, b};
    struct spelling parts[2];
    for (int i = 0; i < 2; i++) {
        split(given[i], &parts[i]);
        bool bpchar = !strcmp(parts[i].name, "bpchar");
        cut_zone(&parts[i]);
        apply_alias(&parts[i]);
        fill_modifiers(&parts[i], bpchar);
    }
    return !strcmp(parts[0].name, parts[1].name) &&
           !strcmp(parts[0].modifiers, parts[1].modifiers) && !strcmp(parts[0].tail, parts[1].tail);
}
