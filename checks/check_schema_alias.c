/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Other names of PostgreSQL's types, and modifiers that it fills in. Pure. */
#include "checks/check_schema_spelling.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static void apply_alias(struct vg_spelling *spelling)
{
    bool zoned = !strncmp(spelling->tail, " with", 5);
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++) {
        if (strcmp(spelling->name, aliases[i].name))
            continue;
        char tail[VG_SPELLING];
        snprintf(tail, sizeof tail, "%s", spelling->tail);
        snprintf(spelling->name, sizeof spelling->name, "%s", aliases[i].canon);
        snprintf(spelling->tail, sizeof spelling->tail, "%s%.64s", zoned ? "" : aliases[i].tail,
                 tail);
        return;
    }
}

/* Modifiers that PostgreSQL fills in: numeric(10) is numeric(10,0), char is character(1), float(n)
 * one of two types. bpchar alone has none. */
static void fill_modifiers(struct vg_spelling *spelling, bool bpchar)
{
    char *name = spelling->name, *modifiers = spelling->modifiers;
    size_t n = strlen(modifiers);
    if (!strcmp(name, "numeric") && n > 2 && n < VG_SPELLING - 2 && !strchr(modifiers, ','))
        snprintf(modifiers + n - 1, VG_SPELLING - n + 1, ",0)");
    if ((!strcmp(name, "character") && !bpchar && !n) || (!strcmp(name, "bit") && !n))
        snprintf(modifiers, VG_SPELLING, "(1)");
    if (!strcmp(name, "float")) {
        bool single = n && strtol(modifiers + 1, NULL, 10) <= 24;
        snprintf(name, VG_SPELLING, "%s", single ? "real" : "double precision");
        modifiers[0] = '\0';
    }
}

void vg_schema_spell_out(struct vg_spelling *spelling)
{
    bool bpchar = !strcmp(spelling->name, "bpchar");
    apply_alias(spelling);
    fill_modifiers(spelling, bpchar);
}
