/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Time zones from the system's data by GLib's GTimeZone: the only file that knows GLib. Walks
 * from 1970 to 2100 and bisects each change to the second. (GLib 2.74 misreads the rule by which
 * Ireland's zone goes on after 2037: there its summers are an hour off.) */
#include "agent/zone.h"

#include <ctype.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "pgvigil/text.h"

static const int64_t last_s = INT64_C(4102444800); /* 2100-01-01 */
static const int64_t stride_s = 64 * 86400;
enum { NAME_MAX_BYTES = 100, NAMES_MAX = 2000 };

static const char *find_folder(void)
{
    const char *folder = getenv("TZDIR");
    return folder && *folder ? folder : "/usr/share/zoneinfo";
}

/* A name of the tz database, not an offset, a POSIX rule or a path. */
static bool has_form(const char *name)
{
    size_t n = strlen(name);
    bool fine = n && n <= NAME_MAX_BYTES && isalpha((unsigned char)name[0]) && !strstr(name, "..");
    for (size_t i = 0; fine && i < n; i++)
        fine = isalnum((unsigned char)name[i]) || strchr("_+-/", name[i]);
    return fine;
}

static bool is_known(const char *name)
{
    char path[512];
    int n = snprintf(path, sizeof path, "%s/%s", find_folder(), name);
    return has_form(name) && n > 0 && (size_t)n < sizeof path && access(path, R_OK) == 0;
}

/* The zone's name in a line of zone.tab: its third field. */
static char *take_name(char *line)
{
    char *name = line;
    for (int field = 0; field < 2 && name; field++) {
        name = strchr(name, '\t');
        if (name)
            name++;
    }
    if (name)
        name[strcspn(name, "\t\n")] = '\0';
    return line[0] == '#' ? NULL : name;
}

/* The known name nearest to what was given: the same city, else by distance. In arena, or NULL. */
static const char *find_nearest(const char *given, struct vg_arena *arena)
{
    char path[512], line[512];
    snprintf(path, sizeof path, "%s/zone.tab", find_folder());
    const char **names = vg_arena_array(arena, NAMES_MAX, sizeof *names);
    FILE *file = fopen(path, "re");
    size_t n = 0;
    const char *city = NULL;
    while (file && names && n < NAMES_MAX && fgets(line, sizeof line, file)) {
        const char *name = take_name(line);
        if (!name || !(names[n] = vg_arena_strdup(arena, name)))
            continue;
        const char *slash = strrchr(names[n], '/');
        if (!strcasecmp(names[n], given) || (slash && !strcasecmp(slash + 1, given)))
            city = names[n];
        n++;
    }
    if (file)
        fclose(file);
    return city ? city : names ? vg_nearest(given, names, n) : NULL;
}

struct steps {
    GTimeZone *zone;
    struct vg_zone_step *items;
    size_t n, size;
};

/* Adds a step unless the offset stays the same: an interval may differ in its name alone. */
static int add_step(struct steps *steps, int64_t from_us, int interval)
{
    int64_t offset_us = interval < 0 ? 0 : g_time_zone_get_offset(steps->zone, interval) * VG_US;
    if (steps->n && steps->items[steps->n - 1].offset_us == offset_us)
        return 0;
    if (vg_grow((void **)&steps->items, &steps->size, steps->n + 1, sizeof *steps->items) < 0)
        return -1;
    steps->items[steps->n++] = (struct vg_zone_step){from_us, offset_us};
    return 0;
}

struct instant {
    int64_t s;
    int interval;
};

static struct instant look_at(GTimeZone *zone, int64_t s)
{
    return (struct instant){s, g_time_zone_find_interval(zone, G_TIME_TYPE_UNIVERSAL, s)};
}

/* Adds the changes in (from, to]. Two instants in one interval have none between them. */
static int collect_between(struct steps *steps, struct instant from, struct instant to)
{
    if (from.interval == to.interval)
        return 0;
    if (to.s - from.s == 1)
        return add_step(steps, to.s * VG_US, to.interval);
    struct instant middle = look_at(steps->zone, from.s + (to.s - from.s) / 2);
    if (collect_between(steps, from, middle) < 0)
        return -1;
    return collect_between(steps, middle, to);
}

static int collect_steps(struct steps *steps)
{
    struct instant from = look_at(steps->zone, 0);
    if (add_step(steps, INT64_MIN, from.interval) < 0)
        return -1;
    while (from.s < last_s) {
        struct instant to = look_at(steps->zone, from.s + stride_s);
        if (collect_between(steps, from, to) < 0)
            return -1;
        from = to;
    }
    return 0;
}

static const struct vg_zone *keep_zone(const char *name, const struct steps *steps,
                                       struct vg_arena *arena)
{
    struct vg_zone *out = vg_arena_alloc(arena, sizeof *out);
    struct vg_zone_step *kept = vg_arena_array(arena, steps->n, sizeof *kept);
    if (!out || !kept || !(out->name = vg_arena_strdup(arena, name)))
        return NULL;
    memcpy(kept, steps->items, steps->n * sizeof *kept);
    out->steps = kept;
    out->n = steps->n;
    return out;
}

const struct vg_zone *vg_zone_load(const char *iana_name, struct vg_arena *arena,
                                   struct vg_error *err)
{
    if (!strcmp(iana_name, "UTC"))
        return &vg_utc;
    GTimeZone *zone = is_known(iana_name) ? g_time_zone_new_identifier(iana_name) : NULL;
    if (!zone) {
        const char *nearest = find_nearest(iana_name, arena);
        vg_fail(err, VG_E_NOT_FOUND, "the time zone \"%.60s\" is not known to this system",
                iana_name);
        vg_hint(err, nearest ? "did you mean %s?" : "an IANA name such as Europe/Berlin or UTC%s",
                nearest ? nearest : "");
        return NULL;
    }
    struct steps steps = {.zone = zone};
    const struct vg_zone *out = NULL;
    if (collect_steps(&steps) == 0)
        out = keep_zone(iana_name, &steps, arena);
    if (!out)
        vg_fail(err, VG_E_MEMORY, "out of memory");
    free(steps.items);
    g_time_zone_unref(zone);
    return out;
}
