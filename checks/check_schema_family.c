/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of changes of type: which family a type belongs to, what its members hold, and what a
 * change from one family to another does to values. Within a family a type has room for another by
 * digits before and behind the point or bits of the mantissa, text and times by length. Pure. */
#include "checks/check_schema_family.h"

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { ANY = INT_MAX };

/* Families are told apart by what a reader of the values gets: 3 is another thing as integer,
 * numeric and double precision, since it is divided, compared and printed in another way, and
 * nothing keeps the next value from being 3.5. */
enum family { NO_FAMILY, WHOLE, DECIMAL, BINARY, TEXT, CHAR, DATE, INSTANT, JSON, JSONB, FAMILIES };

/* What a type of a known family can hold. */
struct room {
    enum family family;
    int whole; /* digits before the point, bits of a whole number or mantissa; characters of text */
    int scale; /* digits behind the point; of seconds */
};

static const struct known {
    const char *name;
    struct room room;
} known[] = {
    {"smallint", {WHOLE, 15, 0}},   {"integer", {WHOLE, 31, 0}},
    {"bigint", {WHOLE, 63, 0}},     {"numeric", {DECIMAL, ANY, ANY}},
    {"real", {BINARY, 24, 0}},      {"double precision", {BINARY, 53, 0}},
    {"text", {TEXT, ANY, 0}},       {"character varying", {TEXT, ANY, 0}},
    {"name", {TEXT, 63, 0}},        {"character", {CHAR, ANY, 0}},
    {"bpchar", {CHAR, ANY, 0}},     {"date", {DATE, 0, 0}},
    {"timestamp", {INSTANT, 0, 6}}, /* with or without time zone, as its tail says */
    {"json", {JSON, 0, 0}},         /* as it was written; jsonb only as it is meant */
    {"jsonb", {JSONB, 0, 0}},
};

/* From a row's family to a column's; FITS where there is room for every old value, else CUTS. Types
 * without family (bool, enum, uuid, interval, ...) are not in it. */
#define CUTS VG_SCHEMA_CUTS
#define FITS VG_SCHEMA_FITS
static const enum vg_schema_move changes[FAMILIES][FAMILIES] = {
    [WHOLE] = {[WHOLE] = FITS, [DECIMAL] = CUTS, [BINARY] = CUTS},
    [DECIMAL] = {[WHOLE] = CUTS, [DECIMAL] = FITS, [BINARY] = CUTS},
    [BINARY] = {[WHOLE] = CUTS, [DECIMAL] = CUTS, [BINARY] = FITS},
    [TEXT] = {[TEXT] = FITS, [CHAR] = CUTS},
    [CHAR] = {[TEXT] = CUTS, [CHAR] = CUTS}, /* blanks are added, or are no longer */
    [DATE] = {[DATE] = FITS, [INSTANT] = CUTS},
    [INSTANT] = {[DATE] = CUTS, [INSTANT] = FITS},
    [JSON] = {[JSON] = FITS, [JSONB] = CUTS},
    [JSONB] = {[JSON] = CUTS, [JSONB] = FITS},
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
        if (n == 2 && room.family == DECIMAL)
            room.whole = given[0] - given[1], room.scale = given[1];
        else if (n == 1 && (room.family == TEXT || room.family == CHAR))
            room.whole = given[0];
        else if (n == 1 && room.family == INSTANT)
            room.scale = given[0];
        return room;
    }
    return (struct room){0};
}

static bool holds(const struct room *is, const struct room *was)
{
    return was->whole <= is->whole && was->scale <= is->scale;
}

/* One name with other modifiers, as bit varying(8) and (16). */
static bool has_grown(const struct vg_spelling *was, const struct vg_spelling *is)
{
    int from[2] = {0, 0}, to[2] = {0, 0};
    bool plain = !strcmp(is->name, "bit varying") || !strcmp(is->name, "time");
    int n = read_modifiers(is->modifiers, to);
    return plain && (n == 0 || (read_modifiers(was->modifiers, from) == 1 && from[0] <= to[0]));
}

enum vg_schema_move vg_schema_move(const struct vg_spelling *was, const struct vg_spelling *is)
{
    struct room before = find_room(was), after = find_room(is);
    enum vg_schema_move move = changes[before.family][after.family];
    bool same_name = !strcmp(was->name, is->name);
    if (same_name && (!strcmp(was->modifiers, is->modifiers) || has_grown(was, is)))
        return VG_SCHEMA_FITS;
    if (move == VG_SCHEMA_FITS && !holds(&after, &before))
        return VG_SCHEMA_CUTS;
    return same_name && move == VG_SCHEMA_APART ? VG_SCHEMA_CUTS : move;
}
