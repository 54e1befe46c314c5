/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Settings that only a start takes up: name, state, web.listen, workers. A reload that changes one
 * is told so and is successful all the same; the value of the start stays in force. */
#include "agent/commands/fixed.h"

#include <string.h>

#include "pgvigil/log.h"
#include "pgvigil/text.h"

static const char *write_listen(struct vg_arena *arena, const struct vg_config *config)
{
    bool v6 = config->listen_host && strchr(config->listen_host, ':');
    return config->listen_host ? vg_arena_printf(arena, v6 ? "[%s]:%d" : "%s:%d",
                                                 config->listen_host, config->listen_port)
                               : NULL;
}

int vg_fixed_note(const struct vg_shell *shell, struct vg_fixed *out)
{
    struct vg_error err = {0};
    const struct vg_config *config = shell->config;
    *out = (struct vg_fixed){
        .name = shell->agent,
        .listen = write_listen(shell->arena, config),
        .state = shell->options->state ? NULL : vg_arena_strdup(shell->arena, config->state),
        .workers = config->workers,
    };
    if ((config->listen_host && !out->listen) || (!shell->options->state && !out->state))
        vg_fail(&err, VG_E_MEMORY, "out of memory");
    else if (vg_store_notice_put(shell->store, NULL, &err) == 0)
        return 0;
    return vg_shell_fail(&err);
}

static void compare(struct vg_buf *out, const char *key, const char *from, const char *to)
{
    if (vg_streq(from, to))
        return;
    from = from ? from : "none";
    to = to ? to : "none";
    vg_buf_printf(out, "%s%s: changed from %s to %s; takes effect after a restart",
                  out->len ? "\n" : "", key, from, to);
    vg_log(VG_LOG_WARN, "this setting takes effect after a restart", "setting", key, "changed_from",
           from, "to", to, NULL);
}

void vg_fixed_compare(const struct vg_shell *shell, const struct vg_fixed *fixed,
                      const struct vg_config *config, char out[VG_FIXED_TEXT])
{
    char was[24], is[24];
    struct vg_error err = {0};
    struct vg_buf text;
    vg_buf_init(&text, 1 << 16);
    struct vg_arena *arena = vg_arena_new();
    snprintf(was, sizeof was, "%zu", fixed->workers);
    snprintf(is, sizeof is, "%zu", config->workers);
    if (config->name) /* without one the name that was in use stays */
        compare(&text, "name", fixed->name, config->name);
    if (fixed->state)
        compare(&text, "state", fixed->state, config->state);
    if (arena)
        compare(&text, "web.listen", fixed->listen, write_listen(arena, config));
    compare(&text, "workers", was, is);
    if (vg_store_notice_put(shell->store, text.len ? text.data : NULL, &err) < 0)
        vg_log(VG_LOG_ERROR, "the notice for pgvigil status is not stored", "error", err.msg, NULL);
    snprintf(out, VG_FIXED_TEXT, "%s", text.data);
    vg_arena_free(arena);
    vg_buf_free(&text);
}
