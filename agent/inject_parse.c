/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading a change as it is written on a command line. Owns the little language; promises that
 * every fault says what is wrong and how it is written. Pure. */
#include <math.h>
#include <string.h>

#include "agent/inject.h"
#include "pgvigil/text.h"

enum argument { ARGUMENT_NONE, ARGUMENT_AMOUNT, ARGUMENT_RATIO, ARGUMENT_VALUE_RATIO };

static const struct form {
    const char *name;
    enum argument argument;
    bool of_rows;
    const char *example;
} forms[VG_INJECT_KINDS] = {
    [VG_INJECT_SHIFT] = {"shift", ARGUMENT_AMOUNT, false,
                         "delay_minutes: shift 0.25sd from 2001-04-01"},
    [VG_INJECT_SCALE] = {"scale", ARGUMENT_AMOUNT, false,
                         "delay_minutes: scale 1.5 from 2001-04-01"},
    [VG_INJECT_UNIT] = {"unit", ARGUMENT_AMOUNT, false, "delay_minutes: unit 60 from 2001-04-01"},
    [VG_INJECT_NULLS] = {"nulls", ARGUMENT_RATIO, false,
                         "delay_minutes: nulls 5% from 2001-04-01 to 2001-04-08"},
    [VG_INJECT_SHARE] = {"share", ARGUMENT_VALUE_RATIO, false,
                         "origin: share 'ORD' 10% from 2001-04-01"},
    [VG_INJECT_NEW] = {"new", ARGUMENT_VALUE_RATIO, false, "origin: new 1% from 2001-04-01"},
    [VG_INJECT_STUCK] = {"stuck", ARGUMENT_NONE, false, "delay_minutes: stuck from 2001-04-01"},
    [VG_INJECT_DUPLICATED] = {"duplicated", ARGUMENT_RATIO, true,
                              "*: duplicated 10% from 2001-04-01"},
    [VG_INJECT_MISSING] = {"missing", ARGUMENT_RATIO, true, "*: missing 30% from 2001-04-01"},
};

const char *vg_inject_kind_name(enum vg_inject_kind kind)
{
    return forms[kind].name;
}

enum { WORDS = 8 };

struct words {
    const char *items[WORDS]; /* in arena */
    size_t n;
};

static int fail_form(const struct vg_injection *out, struct vg_error *err)
{
    return vg_hint(err, "as in --inject \"%s\"", forms[out->kind].example);
}

/* A text in quotes, in which a doubled quote is one, or up to a blank or `end`. */
static const char *read_word(const char *p, char end, struct vg_arena *arena, const char **out)
{
    char quote = *p == '\'' || *p == '"' ? *p : 0;
    struct vg_buf buf;
    vg_buf_init(&buf, 4096);
    p += quote != 0;
    while (*p && (quote || (*p != ' ' && *p != '\t' && *p != end))) {
        if (*p == quote && p[1] != quote)
            break;
        p += *p == quote;
        vg_buf_putc(&buf, *p++);
    }
    bool closed = !quote || *p == quote;
    *out = closed && !buf.failed ? vg_arena_strdup(arena, buf.len ? buf.data : "") : NULL;
    vg_buf_free(&buf);
    return p + (quote && closed);
}

static const char *skip_blanks(const char *p)
{
    while (*p == ' ' || *p == '\t')
        p++;
    return p;
}

static int read_words(const char *p, struct vg_arena *arena, struct words *out,
                      struct vg_error *err)
{
    for (p = skip_blanks(p); *p; p = skip_blanks(p)) {
        if (out->n == WORDS)
            return vg_fail(err, VG_E_USAGE, "too many words");
        p = read_word(p, 0, arena, &out->items[out->n]);
        if (!out->items[out->n++])
            return vg_fail(err, VG_E_USAGE, "a quote is not closed");
    }
    return 0;
}

static int find_kind(const char *word, struct vg_injection *out, struct vg_error *err)
{
    const char *names[VG_INJECT_KINDS];
    for (int k = 0; k < VG_INJECT_KINDS; k++) {
        names[k] = forms[k].name;
        if (word && !strcmp(word, names[k])) {
            out->kind = (enum vg_inject_kind)k;
            return 0;
        }
    }
    const char *near = word ? vg_nearest(word, names, VG_INJECT_KINDS) : NULL;
    if (!word)
        vg_fail(err, VG_E_USAGE, "what changes is missing behind the column");
    else
        vg_fail(err, VG_E_USAGE, "there is no change %s%s%s", word, near ? ", but " : "",
                near ? near : "");
    return vg_hint(err, "shift, scale, unit, nulls, share, new, stuck; of rows (*): duplicated, "
                        "missing");
}

static int read_amount(const char *word, struct vg_injection *out, struct vg_error *err)
{
    char number[64];
    size_t n = word ? strlen(word) : 0;
    out->in_sd = out->kind == VG_INJECT_SHIFT && n > 2 && !strcmp(word + n - 2, "sd");
    n -= out->in_sd ? 2 : 0;
    if (!n || n >= sizeof number)
        return vg_fail(err, VG_E_USAGE, "%s needs a number", forms[out->kind].name);
    memcpy(number, word, n);
    number[n] = '\0';
    bool fine = vg_parse_double(number, &out->amount) == 0 && isfinite(out->amount);
    if (!fine)
        return vg_fail(err, VG_E_USAGE, "%s is not a number", word);
    if (out->amount == (out->kind == VG_INJECT_SHIFT ? 0 : 1))
        return vg_fail(err, VG_E_USAGE, "%s %s changes nothing", forms[out->kind].name, word);
    return 0;
}

static int read_share(const char *word, struct vg_injection *out, struct vg_error *err)
{
    if (!word)
        return vg_fail(err, VG_E_USAGE, "%s needs a share of the rows", forms[out->kind].name);
    if (vg_parse_ratio(word, &out->amount) < 0 || !(out->amount > 0) || out->amount > 1)
        return vg_fail(err, VG_E_USAGE, "%s is not a share of the rows above 0, to 100%%", word);
    return 0;
}

static int read_arguments(const struct words *words, size_t *at, struct vg_injection *out,
                          struct vg_error *err)
{
    const struct form *form = &forms[out->kind];
    if (form->argument == ARGUMENT_VALUE_RATIO) {
        bool value = *at + 1 < words->n && strcmp(words->items[*at + 1], "from") != 0;
        if (value)
            out->value = words->items[(*at)++];
        else if (out->kind == VG_INJECT_NEW)
            out->value = "(injected)";
        else
            return vg_fail(err, VG_E_USAGE, "%s needs a value and a share", form->name);
    }
    const char *word = *at < words->n ? words->items[*at] : NULL;
    if (form->argument == ARGUMENT_NONE)
        return 0;
    ++*at;
    return form->argument == ARGUMENT_AMOUNT ? read_amount(word, out, err)
                                             : read_share(word, out, err);
}

static int read_time(const struct words *words, size_t *at, const char *which, int64_t *out,
                     struct vg_error *err)
{
    if (*at >= words->n || strcmp(words->items[*at], which) != 0)
        return 0;
    const char *text = *at + 1 < words->n ? words->items[*at + 1] : "";
    *at += 2;
    if (vg_parse_time(text, &vg_utc, out) == 0)
        return 0;
    return vg_fail(err, VG_E_USAGE, "%s %s is not a time", which, text);
}

static int read_change(const struct words *words, struct vg_injection *out, struct vg_error *err)
{
    size_t at = 1;
    if (read_arguments(words, &at, out, err) < 0 ||
        read_time(words, &at, "from", &out->from_us, err) < 0 ||
        read_time(words, &at, "to", &out->to_us, err) < 0)
        return -1;
    if (at < words->n)
        return vg_fail(err, VG_E_USAGE, "%s is not understood there", words->items[at]);
    if (out->from_us == VG_NEVER)
        return vg_fail(err, VG_E_USAGE, "it does not say from when on");
    if (out->to_us <= out->from_us)
        return vg_fail(err, VG_E_USAGE, "it ends before it begins");
    if (forms[out->kind].of_rows != !out->column)
        return vg_fail(err, VG_E_USAGE, "%s is of %s", forms[out->kind].name,
                       out->column ? "whole rows, written *" : "a column, not of *");
    return 0;
}

int vg_inject_parse(const char *text, struct vg_arena *arena, struct vg_injection *out,
                    struct vg_error *err)
{
    struct words words = {.n = 0};
    const char *column;
    *out = (struct vg_injection){.text = text, .from_us = VG_NEVER, .to_us = VG_NEVER};
    const char *p = skip_blanks(text);
    bool quoted = *p == '"';
    p = skip_blanks(read_word(p, ':', arena, &column));
    if (!column || !*column || *p != ':') {
        vg_fail(err, VG_E_USAGE, "--inject \"%s\": the column, and a colon, are missing", text);
        return fail_form(out, err);
    }
    if (quoted || strcmp(column, "*") != 0)
        out->column = column;
    if (read_words(p + 1, arena, &words, err) < 0 ||
        find_kind(words.n ? words.items[0] : NULL, out, err) < 0)
        return vg_where(err, "--inject \"%s\"", text);
    if (read_change(&words, out, err) == 0)
        return 0;
    vg_where(err, "--inject \"%s\"", text);
    return fail_form(out, err);
}
