/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A type's spelling taken apart, and two compared. Pure; works in fixed room, and compares what is
 * too long to be a spelling of ours as it stands. */
#include "checks/check_schema_spelling.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "checks/check_schema_type.h"

static void append(char *out, const char *s, size_t n)
{
    size_t used = strlen(out);
    if (used + n >= VG_SPELLING)
        n = VG_SPELLING - 1 - used;
    memcpy(out + used, s, n);
    out[used + n] = '\0';
}

/* Lower case outside quotes, one blank between words, none beside brackets and commas. */
static void fold(const char *s, char out[VG_SPELLING])
{
    size_t n = 0;
    bool quoted = false;
    for (; *s && n < VG_SPELLING - 1; s++) {
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

static void split(const char *type, struct vg_spelling *out)
{
    char text[VG_SPELLING]; /* lower case, single blanks */
    memset(out, 0, sizeof *out);
    fold(type, text);
    const char *s = text;
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
static void cut_zone(struct vg_spelling *spelling)
{
    static const char *const zones[] = {" with time zone", " without time zone"};
    for (size_t i = 0; i < 2; i++) {
        size_t n = strlen(spelling->name), z = strlen(zones[i]);
        if (n <= z || strcmp(spelling->name + n - z, zones[i]))
            continue;
        char tail[VG_SPELLING];
        snprintf(tail, sizeof tail, "%s", spelling->tail);
        snprintf(spelling->tail, sizeof spelling->tail, "%s%.64s", zones[i], tail);
        spelling->name[n - z] = '\0';
    }
}

int vg_schema_spell(const char *type, struct vg_spelling *out)
{
    if (strlen(type) >= VG_SPELLING)
        return -1;
    split(type, out);
    cut_zone(out);
    vg_schema_spell_out(out);
    return 0;
}

bool vg_schema_type_same(const char *a, const char *b)
{
    struct vg_spelling x, y;
    if (!strcmp(a, b))
        return true;
    if (vg_schema_spell(a, &x) < 0 || vg_schema_spell(b, &y) < 0)
        return false;
    return !strcmp(x.name, y.name) && !strcmp(x.modifiers, y.modifiers) && !strcmp(x.tail, y.tail);
}
