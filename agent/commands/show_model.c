/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The model's own summary: means of its scores, shares of its classes, now and in the reference. */
#include "agent/commands/show_model.h"

#include <math.h>
#include <string.h>

#include "agent/commands/show.h"
#include "pgvigil/text.h"

enum { SHOWN = 5 };

static void put_number(FILE *out, double x)
{
    char text[VG_NUMBER_TEXT];
    fputs(isfinite(x) ? vg_format_human(x, 3, text) : "unknown", out);
}

static void print_classes(FILE *out, const struct vg_predicted *predicted)
{
    for (size_t i = 0; i < predicted->nclasses && i < SHOWN; i++) {
        const struct vg_predicted_class *item = &predicted->classes[i];
        fputs(i ? ", " : ": ", out);
        vg_show_text(out, item->label);
        fputc(' ', out);
        put_number(out, 100 * item->now);
        fputs(" % (", out);
        put_number(out, 100 * item->then);
        fputs(" %)", out);
    }
}

void vg_show_predicted(FILE *out, const struct vg_cycle *cycle)
{
    for (size_t i = 0; i < cycle->npredicted; i++) {
        const struct vg_predicted *predicted = &cycle->predicted[i];
        fputs(i ? "           " : "  model    ", out);
        vg_show_text(out, predicted->column);
        if (!isnan(predicted->mean)) {
            fputs(": mean ", out);
            put_number(out, predicted->mean);
            fputs(" (", out);
            put_number(out, predicted->mean_then);
            fputc(')', out);
        }
        print_classes(out, predicted);
        fputs(i ? "\n" : ", in brackets the reference's\n", out);
    }
}

static json_t *make_number(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

/* Labels come from rows, in whatever encoding the table has them. */
static json_t *make_text(const char *s)
{
    struct vg_buf clean;
    vg_buf_init(&clean, 1 << 16);
    vg_utf8_clean(&clean, s, strlen(s), false);
    json_t *made = clean.failed ? json_null() : json_stringn(clean.data, clean.len);
    vg_buf_free(&clean);
    return made;
}

json_t *vg_show_predictions(const struct vg_cycle *cycle)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < cycle->npredicted; i++) {
        const struct vg_predicted *predicted = &cycle->predicted[i];
        json_t *classes = json_array();
        for (size_t c = 0; c < predicted->nclasses; c++) {
            const struct vg_predicted_class *item = &predicted->classes[c];
            json_array_append_new(
                classes, json_pack("{s:o, s:o, s:o}", "class", make_text(item->label), "share",
                                   make_number(item->now), "share_ref", make_number(item->then)));
        }
        json_array_append_new(
            list,
            json_pack("{s:o, s:s, s:o, s:o, s:o}", "column", make_text(predicted->column), "kind",
                      vg_prediction_name(predicted->kind), "mean", make_number(predicted->mean),
                      "mean_ref", make_number(predicted->mean_then), "classes", classes));
    }
    return list;
}
