/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads what is to be silenced, and for how long. A variable of the shell that is empty must not
 * silence everything: what is not restricted has to be asked for in so many words.
 * Stores nothing. */
#include "agent/commands/silence_wish.h"

#include <stddef.h>
#include <string.h>

#include "agent/settle_quiet.h"
#include "agent/yaml/value.h"
#include "pgvigil/text.h"

static const int64_t long_us = 30 * VG_DAY_US;

struct wish {
    const char *dataset, *rule, *tag, *severity, *from, *until, *for_, *by, *why;
};

static const struct word {
    const char *name;
    size_t offset;
    bool may_be_empty;
} words[] = {
    {"dataset", offsetof(struct wish, dataset), false},
    {"rule", offsetof(struct wish, rule), false},
    {"tag", offsetof(struct wish, tag), false},
    {"severity", offsetof(struct wish, severity), false},
    {"from", offsetof(struct wish, from), false},
    {"until", offsetof(struct wish, until), false},
    {"for", offsetof(struct wish, for_), false},
    {"by", offsetof(struct wish, by), true},
    {"why", offsetof(struct wish, why), true},
};

static int take_argument(const char *argument, struct wish *wish, struct vg_error *err)
{
    const struct word *word = words, *end = words + sizeof words / sizeof words[0];
    size_t n = strcspn(argument, "=");
    while (word < end && (strlen(word->name) != n || strncmp(word->name, argument, n) != 0))
        word++;
    if (!argument[n] || word == end)
        return vg_fail(err, VG_E_USAGE,
                       "'%.100s' is none of dataset= rule= tag= severity= from= until= for= by="
                       " why=",
                       argument);
    const char **value = (const char **)(void *)((char *)wish + word->offset);
    if (*value)
        return vg_fail(err, VG_E_USAGE, "%s= is given twice; a pattern stands for several: %s='a*'",
                       word->name, word->name);
    if (!argument[n + 1] && !word->may_be_empty)
        return vg_fail(err, VG_E_USAGE, "%s= is empty", word->name);
    *value = argument + n + 1;
    return 0;
}

static int read_span(const struct wish *wish, int64_t now_us, struct vg_arena *arena,
                     struct vg_silence *out, struct vg_error *err)
{
    static const struct vg_key span = {.name = "for", .type = VG_VALUE_DURATION};
    struct vg_reader reader = {.arena = arena, .scratch = arena};
    int64_t us = 0;
    out->from_us = now_us;
    if (wish->for_ && wish->until)
        return vg_fail(err, VG_E_USAGE, "for= and until= exclude each other");
    if (!wish->for_ && !wish->until)
        return vg_fail(err, VG_E_USAGE, "a silence has an end: for=2h or until=TIME");
    if (wish->from && vg_parse_time(wish->from, &vg_utc, &out->from_us) < 0)
        return vg_fail(err, VG_E_USAGE, "from=%.60s is not a time", wish->from);
    if (wish->until && vg_parse_time(wish->until, &vg_utc, &out->until_us) < 0)
        return vg_fail(err, VG_E_USAGE, "until=%.60s is not a time", wish->until);
    if (wish->for_ && !vg_value_default(&reader, &span, wish->for_, &us))
        return vg_fail(err, VG_E_USAGE, "for=%.60s is not a duration such as 90m or 2h",
                       wish->for_);
    if (wish->for_)
        out->until_us = out->from_us + us;
    return 0;
}

static int read_severities(const char *text, unsigned *out, struct vg_error *err)
{
    *out = 0;
    while (text && *text) {
        size_t n = strcspn(text, ",");
        unsigned bit = 0;
        for (unsigned i = 0; i < VG_SEVERITIES; i++) {
            const char *name = vg_severity_name((enum vg_severity)i);
            bit |= strlen(name) == n && !strncmp(name, text, n) ? 1u << i : 0;
        }
        if (!bit)
            return vg_fail(err, VG_E_USAGE, "severity= takes info, warning, critical");
        *out |= bit;
        text += n + (text[n] == ',');
    }
    return 0;
}

int vg_silence_read(char *const *arguments, int n, int64_t now_us, struct vg_arena *arena,
                    struct vg_silence *out, struct vg_error *err)
{
    struct wish wish = {0};
    *out = (struct vg_silence){.made_us = now_us};
    for (int i = 0; i < n; i++) {
        if (take_argument(arguments[i], &wish, err) < 0)
            return -1;
    }
    if (!wish.dataset && !wish.rule && !wish.tag && !wish.severity)
        return vg_fail(err, VG_E_USAGE,
                       "what is to be silenced? dataset= rule= tag= or severity=;"
                       " everything: dataset='*'");
    if (read_severities(wish.severity, &out->match.severities, err) < 0 ||
        read_span(&wish, now_us, arena, out, err) < 0)
        return -1;
    out->match.dataset = wish.dataset;
    out->match.rule = wish.rule;
    out->match.tag = wish.tag;
    out->by = wish.by;
    out->why = wish.why;
    return 0;
}

int vg_silence_doubt(struct vg_store *store, const struct vg_silence *row, struct vg_arena *arena,
                     struct vg_buf *out, struct vg_error *err)
{
    struct vg_strings names;
    const char *dataset = row->match.dataset;
    if (vg_store_datasets(store, arena, &names, err) < 0)
        return -1;
    bool known = !dataset;
    for (size_t i = 0; i < names.n && !known; i++)
        known = vg_quiet_fits(dataset, names.items[i]);
    if (!known)
        vg_buf_printf(out, "no dataset that was judged so far fits dataset=%s\n", dataset);
    if (row->until_us - row->from_us > long_us)
        vg_buf_printf(out, "it lasts %lld days\n",
                      (long long)((row->until_us - row->from_us) / VG_DAY_US));
    return 0;
}
