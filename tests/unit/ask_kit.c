/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A small world for one check with statements of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tests/unit/ask_kit.h"

static const char *const key[] = {"id"};

static void add_column(struct ask_kit *kit, const char *name, enum vg_kind kind, uint32_t oid,
                       const char *type)
{
    struct vg_catalog_column *column = kit_column(&kit->base, name, type, kind);
    column->quoted = vg_arena_printf(kit->base.arena, "\"%s\"", name);
    column->wire_oid = oid;
    assert_non_null(column->quoted);
}

static void set_defaults(struct ask_kit *kit)
{
    const struct vg_check_type *type = kit->base.rule.type;
    for (size_t i = 0; i < type->nparams; i++) {
        const struct vg_param *param = &type->params[i];
        char *at = kit->params + param->offset;
        if (!param->fallback)
            continue;
        if (param->type == VG_PARAM_BOOL)
            *(bool *)at = !strcmp(param->fallback, "true");
        else if (param->type == VG_PARAM_INT)
            assert_int_equal(vg_parse_int64(param->fallback, (int64_t *)(void *)at), 0);
        else if (param->type == VG_PARAM_DURATION)
            assert_int_equal(vg_parse_duration(param->fallback, (int64_t *)(void *)at), 0);
    }
}

void ask_kit_init(struct ask_kit *kit, const char *check, const char *column)
{
    *kit = (struct ask_kit){0};
    struct kit *base = &kit->base;
    kit_init(base, check, column);
    base->dataset.connection = "warehouse";
    base->dataset.key = (struct vg_strings){key, 1};
    base->dataset.time_column = "at";
    base->dataset.max_offending = 10;
    base->catalog.quoted = "\"ml\".\"flights\"";
    add_column(kit, "id", VG_KIND_NUMBER, 20, "bigint");
    add_column(kit, "at", VG_KIND_TIME, 1184, "timestamp with time zone");
    add_column(kit, "origin", VG_KIND_TEXT, 25, "text");
    add_column(kit, "delay", VG_KIND_NUMBER, 701, "double precision");
    add_column(kit, "extra", VG_KIND_OTHER, 3802, "jsonb");
    base->window = (struct vg_window){992304000 * VG_US, 992390400 * VG_US, false};
    kit->params = vg_arena_alloc(base->arena, base->rule.type->params_size + 1);
    assert_non_null(kit->params);
    base->rule.params = kit->params;
    kit->rows = (struct vg_rows_of){.dataset = &base->dataset,
                                    .catalog = &base->catalog,
                                    .time = vg_catalog_find(&base->catalog, "at"),
                                    .range = &base->window};
    set_defaults(kit);
}

void ask_kit_free(struct ask_kit *kit)
{
    kit_free(&kit->base);
}

void *ask_kit_param(struct ask_kit *kit, const char *name)
{
    const struct vg_check_type *type = kit->base.rule.type;
    for (size_t i = 0; i < type->nparams; i++) {
        if (!strcmp(type->params[i].name, name))
            return kit->params + type->params[i].offset;
    }
    print_error("%s has no parameter %s\n", type->name, name);
    fail();
    return NULL;
}

void ask_kit_list(struct ask_kit *kit, const char *name, const char *const *items, size_t n)
{
    *(struct vg_strings *)ask_kit_param(kit, name) = (struct vg_strings){items, n};
}

static int ask(struct ask_kit *kit)
{
    struct kit *base = &kit->base;
    struct vg_asked asked = {
        .rule = &base->rule,
        .catalog = &base->catalog,
        .column = base->rule.column ? vg_catalog_find(&base->catalog, base->rule.column) : NULL,
        .rows = &kit->rows,
        .window = kit->rows.range,
        .answers = kit->answers,
        .nanswers = kit->nanswers,
        .shows_keys = !base->dataset.private_keys,
        .now_us = base->evidence.now_us,
    };
    struct vg_buf buf;
    vg_buf_init(&buf, sizeof kit->text - 1);
    kit->connection = NULL;
    base->err = (struct vg_error){0};
    int rc = base->rule.type->lookup(&asked, &buf, &kit->connection, &base->err);
    assert_false(buf.failed);
    snprintf(kit->text, sizeof kit->text, "%s", buf.data);
    vg_buf_free(&buf);
    return rc;
}

const char *ask_kit_next(struct ask_kit *kit)
{
    if (ask(kit) < 0) {
        print_error("%s\n", kit->base.err.msg);
        fail();
    }
    return kit->text;
}

enum vg_code ask_kit_refused(struct ask_kit *kit)
{
    assert_int_equal(ask(kit), -1);
    return kit->base.err.code;
}

void ask_kit_holds(const struct ask_kit *kit, const char *words)
{
    if (strstr(kit->text, words))
        return;
    print_error("'%s' is not in\n%s\n", words, kit->text);
    fail();
}

void ask_kit_answer(struct ask_kit *kit, const char *const *cells, size_t nrows, size_t ncols)
{
    assert_true(kit->nanswers < VG_LOOKUPS_MAX);
    kit->answers[kit->nanswers++] = (struct vg_rows){nrows, ncols, cells};
}

const struct vg_measure *ask_kit_measure(struct ask_kit *kit)
{
    kit->base.evidence.answers = kit->answers;
    kit->base.evidence.nanswers = kit->nanswers;
    return kit_measure(&kit->base, 1);
}

size_t ask_kit_faults(struct ask_kit *kit)
{
    struct vg_diags diags = {0};
    kit->base.rule.type->validate(&kit->base.rule, &diags);
    size_t n = diags.errors;
    snprintf(kit->text, sizeof kit->text, "%s (%s)", n ? diags.items[0].msg : "",
             n && diags.items[0].hint ? diags.items[0].hint : "");
    vg_diags_free(&diags);
    return n;
}
