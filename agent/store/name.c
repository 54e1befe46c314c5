/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The agent's name, the first part of every key: given, or made once and kept; and the daemon's
 * notice to the commands beside it. */
#include <errno.h>
#include <sys/random.h>

#include "agent/store/inner.h"

enum { NAME_TEXT = 24 };

static int make_name(char out[NAME_TEXT], struct vg_error *err)
{
    uint32_t bits;
    if (getrandom(&bits, sizeof bits, 0) != (ssize_t)sizeof bits)
        return vg_fail(err, VG_E_INTERNAL, "no random numbers for the agent's name: %s",
                       strerror(errno));
    snprintf(out, NAME_TEXT, "agent-%08x", bits);
    return 0;
}

static void read_name(struct vg_sql_row *row, void *item)
{
    *(const char **)item = vg_row_text(row);
}

static int find_name(struct vg_store *store, struct vg_arena *arena, const char **out, bool *found,
                     struct vg_error *err)
{
    const struct vg_sql_shape shape = {sizeof *out, read_name, arena};
    return vg_sql_one(store, &VG_SQL_PLAIN("SELECT value FROM meta WHERE key = 'name'"), &shape,
                      out, found, err);
}

static int remember_name(struct vg_store *store, const char *given, struct vg_error *err)
{
    return vg_sql_run(store,
                      &VG_SQL("INSERT INTO meta (key, value) VALUES ('name', $1)"
                              " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                              vg_p_text(given)),
                      err);
}

int vg_store_name(struct vg_store *store, const char *given, struct vg_arena *arena,
                  const char **out, struct vg_error *err)
{
    char made[NAME_TEXT];
    bool found;
    *out = NULL;
    if (find_name(store, arena, out, &found, err) < 0)
        return -1;
    if (found && (!given || !strcmp(given, *out)))
        return 0;
    if (given) {
        *out = vg_arena_strdup(arena, given);
        return *out ? remember_name(store, given, err) : vg_fail(err, VG_E_MEMORY, "out of memory");
    }
    /* A command beside the daemon may make one at the same moment: the first stays. */
    if (make_name(made, err) < 0 ||
        vg_sql_run(store,
                   &VG_SQL("INSERT INTO meta (key, value) VALUES ('name', $1)"
                           " ON CONFLICT (key) DO NOTHING",
                           vg_p_text(made)),
                   err) < 0)
        return -1;
    return find_name(store, arena, out, &found, err);
}

/* --- The notice ------------------------------------------------------------------------ */

int vg_store_notice_put(struct vg_store *store, const char *text, struct vg_error *err)
{
    static const char upsert[] =
        "INSERT INTO meta (key, value) VALUES ('notice', $1) ON CONFLICT (key) DO UPDATE SET"
        " value = excluded.value WHERE meta.value <> excluded.value";
    if (!text)
        return vg_sql_run(store, &VG_SQL_PLAIN("DELETE FROM meta WHERE key = 'notice'"), err);
    return vg_sql_run(store, &VG_SQL(upsert, vg_p_text(text)), err);
}

int vg_store_notice(struct vg_store *store, struct vg_arena *arena, const char **out,
                    struct vg_error *err)
{
    const struct vg_sql_shape shape = {sizeof *out, read_name, arena};
    bool found;
    *out = NULL;
    return vg_sql_one(store, &VG_SQL_PLAIN("SELECT value FROM meta WHERE key = 'notice'"), &shape,
                      out, &found, err);
}
