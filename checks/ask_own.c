/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Statements of the user's: :from, :until and :table are replaced outside of quotes and comments,
 * and the whole is read from in parentheses, so that it can only be one SELECT. Pure. */
#include "checks/ask_own.h"

#include <ctype.h>
#include <string.h>

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

/* Whether the placeholder stands at p, which is no cast (::) and no bound of a slice ([a:b]). */
static bool stands_at(const char *start, const char *p, const char *name)
{
    size_t n = strlen(name);
    bool before = p == start || (p[-1] != ':' && !is_word(p[-1]));
    return before && !strncmp(p, name, n) && !is_word(p[n]);
}

static int put_bound(const struct vg_asked *asked, bool until, struct vg_buf *out,
                     struct vg_error *err)
{
    const struct vg_window *window = asked->window;
    if (!window || !asked->rows->time)
        return vg_fail(err, VG_E_CONFIG,
                       "there is no window, so :%s has no value: the dataset has "
                       "no time column",
                       until ? "until" : "from");
    vg_sql_put_instant(out, asked->rows, until ? window->end_us : window->start_us);
    return 0;
}

static int put_statement(const struct vg_asked *asked, const char *sql, struct vg_buf *out,
                         struct vg_error *err)
{
    for (const char *p = sql; *p;) {
        bool from = stands_at(sql, p, ":from"), until = stands_at(sql, p, ":until");
        if (from || until) {
            if (put_bound(asked, until, out, err) < 0)
                return -1;
            p += until ? strlen(":until") : strlen(":from");
        } else if (stands_at(sql, p, ":table")) {
            vg_buf_puts(out, asked->catalog->quoted);
            p += strlen(":table");
        } else {
            const char *next = vg_sql_skip(sql, p);
            if (!next)
                return vg_fail(err, VG_E_CONFIG, "a quote or comment is not closed");
            vg_buf_add(out, p, (size_t)(next - p));
            p = next;
        }
    }
    return 0;
}

/* The first placeholder in [p, end), or NULL. */
static const char *find_placeholder(const char *sql, const char *p, const char *end)
{
    static const char *const names[] = {":from", ":until", ":table"};
    for (; p < end; p++) {
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            if (stands_at(sql, p, names[i]))
                return names[i];
        }
    }
    return NULL;
}

/* A quote by itself is one character: it is never closed, and that is said elsewhere. */
static void look_into(const char *sql, const char *p, const char *next, const struct vg_rule *rule,
                      struct vg_diags *diags)
{
    const char *name = find_placeholder(sql, p, next);
    if (name && strchr("'\"$", *p))
        vg_diag_add(diags, VG_GRADE_ERROR, rule->loc, NULL,
                    "write it without the quotes: it stands for a value with its quotes and type, "
                    ":table for a name",
                    "%s: %s stands in quotes, where it is text and not replaced", rule->id, name);
}

void vg_ask_own_validate(const struct vg_rule *rule, const char *sql, struct vg_diags *diags)
{
    const char *next;
    for (const char *p = sql; p && *p; p = next) {
        next = vg_sql_skip(sql, p);
        if (!next)
            return;
        if (next > p + 1)
            look_into(sql, p, next, rule, diags);
    }
}

int vg_ask_metric(const struct vg_asked *asked, const char *sql, struct vg_buf *out,
                  struct vg_error *err)
{
    vg_buf_puts(out, "SELECT * FROM (\n");
    if (put_statement(asked, sql, out, err) < 0)
        return -1;
    vg_buf_puts(out, "\n) AS q\nLIMIT 2");
    return 0;
}

/* Its columns are not known, nor what they hold: none is shown where the dataset keeps any secret.
 */
static size_t choose_most(const struct vg_asked *asked)
{
    for (size_t i = 0; i < asked->catalog->n; i++) {
        if (vg_dataset_is_private(asked->rule->dataset, asked->catalog->columns[i].name))
            return 0;
    }
    return vg_ask_most_keys(asked);
}

int vg_ask_failing(const struct vg_asked *asked, const char *sql, struct vg_buf *out,
                   struct vg_error *err)
{
    size_t most = choose_most(asked);
    vg_buf_printf(out, "WITH q%s AS (SELECT * FROM (\n", most ? " (k)" : "");
    if (put_statement(asked, sql, out, err) < 0)
        return -1;
    vg_buf_puts(out, "\n) AS x)\nSELECT 0 AS o, pg_catalog.count(*) AS n,"
                     " NULL::pg_catalog.text AS k FROM q");
    if (most)
        vg_buf_printf(out,
                      "\nUNION ALL (SELECT 1, NULL, pg_catalog.left(q.k::pg_catalog.text, %d)"
                      " FROM q\nORDER BY 3 LIMIT %zu)\nORDER BY o, k",
                      VG_KEY_TEXT / 2, most);
    return 0;
}

int vg_ask_failed(const struct vg_asked *asked, const char *sql, struct vg_buf *out,
                  struct vg_error *err)
{
    const struct vg_strings *key = &asked->rule->dataset->key;
    vg_buf_puts(out, "SELECT ");
    for (size_t i = 0; i < key->n; i++) {
        vg_buf_puts(out, i ? ", q." : "q.");
        vg_ask_put_name(out, key->items[i]);
        vg_buf_printf(out, " AS k%zu", i + 1);
    }
    vg_buf_puts(out, " FROM (\n");
    if (put_statement(asked, sql, out, err) < 0)
        return -1;
    vg_buf_puts(out, "\n) AS q");
    return 0;
}
