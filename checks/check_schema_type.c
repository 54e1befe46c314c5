/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether one type holds all that another held. Numbers by digits before and behind the point and
 * bits of the mantissa, text and times by their length. Pure. */
#include "checks/check_schema_type.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checks/check_schema_spelling.h"

enum { ANY = INT_MAX };

/* What a type of a known family can hold. */
struct room {
    enum { NO_FAMILY, BINARY, DECIMAL, TEXT, INSTANT, JSON } family;
    int whole; /* digits before the point; characters of text */
    int bits;  /* of the mantissa, that is numbers up to 2^bits; 0: as digits say */
    int scale; /* digits behind the point; of seconds */
};

static const struct known {
    const char *name;
    struct room room;
} known[] = {
    {"smallint", {DECIMAL, 5, 15, 0}},
    {"integer", {DECIMAL, 10, 31, 0}},
    {"bigint", {DECIMAL, 19, 63, 0}},
    {"real", {BINARY, 38, 24, ANY}},
    {"double precision", {BINARY, 308, 53, ANY}},
    {"numeric", {DECIMAL, ANY, 0, ANY}},
    {"text", {TEXT, ANY, 0, 0}},
    {"character varying", {TEXT, ANY, 0, 0}},
    {"name", {TEXT, 63, 0, 0}},
    {"date", {INSTANT, 0, 0, -1}},
    {"timestamp", {INSTANT, 0, 0, 6}},
    {"json", {JSON, 1, 0, 0}}, /* as it was written; jsonb only as it is meant */
    {"jsonb", {JSON, 0, 0, 0}},
};

/* "(10,2)": the numbers in it. */
static int read_modifiers(const char *s, int out[2])
{
    char *end;
    int n = 0;
    for (; *s && n < 2 && strchr("(,", *s); s = end, n++) {
        out[n] = (int)strtol(s + 1, &end, 10);
        if (end == s + 1)
            return 0;
    }
    return n;
}

static struct room find_room(const struct vg_spelling *spelling)
{
    int given[2] = {0, 0};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(spelling->name, known[i].name))
            continue;
        struct room room = known[i].room;
        int n = read_modifiers(spelling->modifiers, given);
        if (n == 2 && room.whole == ANY)
            room.whole = given[0] - given[1], room.scale = given[1];
        else if (n == 1 && room.family == TEXT)
            room.whole = given[0];
        else if (n == 1 && room.family == INSTANT)
            room.scale = given[0];
        return room;
    }
    return (struct room){0};
}

static bool holds(const struct room *is, const struct room *was)
{
    if (is->family == BINARY)
        return was->bits && was->bits <= is->bits && was->whole <= is->whole;
    if (was->family == BINARY || is->scale < was->scale)
        return false;
    if (is->bits) /* 10 digits do not all fit in 31 bits, but 31 bits do */
        return was->bits ? was->bits <= is->bits : was->whole < is->whole;
    return was->whole <= is->whole;
}

/* One name with other modifiers, as bit varying(8) and (16). */
static bool has_grown(const struct vg_spelling *was, const struct vg_spelling *is)
{
    int from[2] = {0, 0}, to[2] = {0, 0};
    bool plain = !strcmp(is->name, "bit varying") || !strcmp(is->name, "time");
    int n = read_modifiers(is->modifiers, to);
    return plain && (n == 0 || (read_modifiers(was->modifiers, from) == 1 && from[0] <= to[0]));
}

enum vg_schema_class vg_schema_type_change(const struct vg_schema_typed *was,
                                           const struct vg_schema_typed *is)
{
    struct vg_spelling from, to;
    bool alike = was->kind == is->kind && is->kind != VG_KIND_OTHER;
    if (vg_schema_spell(was->type, &from) < 0 || vg_schema_spell(is->type, &to) < 0)
        return alike ? VG_SCHEMA_LOSSY : VG_SCHEMA_BREAKING;
    if (!strcmp(from.name, "date") && !*from.tail) /* midnight, of no time zone either */
        snprintf(from.tail, sizeof from.tail, " without time zone");
    bool same_tail = !strcmp(from.tail, to.tail), same_name = !strcmp(from.name, to.name);
    struct room before = find_room(&from), after = find_room(&to);
    bool numbers =
        before.family && before.family <= DECIMAL && after.family && after.family <= DECIMAL;
    bool family = before.family && (numbers || before.family == after.family);
    if (same_tail && family)
        return holds(&after, &before) ? VG_SCHEMA_SAFE : VG_SCHEMA_LOSSY;
    if (same_tail && same_name)
        return has_grown(&from, &to) || !strcmp(from.modifiers, to.modifiers) ? VG_SCHEMA_SAFE
                                                                              : VG_SCHEMA_LOSSY;
    return alike ? VG_SCHEMA_LOSSY : VG_SCHEMA_BREAKING;
}
