/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The results of a check as a table and as JSON (CONTRACT: fields are only ever added; non-finite
 * numbers are null, with the reason in why). */
#include "agent/commands/show.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/commands/shell.h"
#include "agent/commands/show_model.h"
#include "agent/commands/show_story.h"
#include "pgvigil/text.h"

struct vg_show {
    FILE *out;
    bool json, colour;
    json_t *root, *datasets;
};

struct vg_show *vg_show_begin(FILE *out, bool json, int64_t at_us)
{
    struct vg_show *show = calloc(1, sizeof *show);
    if (!show)
        return NULL;
    show->out = out;
    show->json = json;
    show->colour = vg_shell_colour(out);
    if (!json)
        return show;
    char at[VG_TIME_TEXT];
    show->datasets = json_array();
    show->root = json_pack("{s:i, s:s, s:o}", "schema", 1, "at", vg_format_time(at_us, at),
                           "datasets", show->datasets);
    if (!show->root) {
        json_decref(show->datasets);
        free(show);
        return NULL;
    }
    return show;
}

/* --- JSON ------------------------------------------------------------------------------------- */

static json_t *make_number(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

static json_t *make_count(double x)
{
    return isfinite(x) ? json_integer((json_int_t)llround(x)) : json_null();
}

static json_t *make_time(int64_t us)
{
    char text[VG_TIME_TEXT];
    return us == VG_NEVER ? json_null() : json_string(vg_format_time(us, text));
}

static json_t *make_keys(const struct vg_result *result)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < result->nkeys; i++)
        json_array_append_new(list, vg_show_json_text(result->keys[i]));
    return list;
}

static const char *name_direction(int direction)
{
    return direction > 0 ? "up" : direction < 0 ? "down" : NULL;
}

/* The statistics behind a verdict of the budget. */
static json_t *make_readings(const struct vg_result *result)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < result->nreadings; i++) {
        const struct vg_reading *r = &result->readings[i];
        json_array_append_new(
            list, json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "statistic", r->statistic, "value",
                            make_number(r->value), "limit", make_number(r->limit), "p_value",
                            make_number(r->p_value), "level", make_number(r->level),
                            "smallest_visible", make_number(r->visible)));
    }
    return list;
}

static json_t *make_result(const struct vg_result *result)
{
    json_t *bounds = json_null();
    if (result->bounded)
        bounds = json_pack("[o, o]", make_number(result->lo), make_number(result->hi));
    json_t *out = json_pack(
        "{s:o, s:s, s:s, s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:o}", "rule",
        vg_show_json_text(result->rule), "check", result->check, "class",
        vg_class_name(result->class), "column", vg_show_json_text(result->column), "segment",
        vg_show_json_text(result->segment), "verdict", vg_verdict_name(result->verdict), "severity",
        vg_severity_name(result->severity), "value", make_number(result->value), "bounds", bounds,
        "limit", make_number(result->limit), "warn_limit", make_number(result->warn_limit));
    if (!out)
        return NULL;
    json_t *more =
        json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I}", "unit",
                  vg_unit_name(result->unit), "p_value", make_number(result->p_value), "level",
                  make_number(result->level), "effect", make_number(result->effect), "direction",
                  vg_show_json_text(name_direction(result->direction)), "n", make_count(result->n),
                  "n_ref", make_count(result->n_ref), "why", vg_show_json_text(result->why),
                  "story", vg_show_story(result->story), "keys", make_keys(result), "file",
                  vg_show_json_text(result->file), "line", (json_int_t)result->line);
    if (more && result->class == VG_CLASS_DRIFT) {
        json_object_set_new(more, "prediction", json_boolean(result->prediction));
        json_object_set_new(more, "moved", make_number(result->moved));
        json_object_set_new(more, "importance", make_number(result->importance));
        json_object_set_new(more, "rank", result->rank ? json_integer(result->rank) : json_null());
    }
    if (!more || json_object_update(out, more) < 0) {
        json_decref(out);
        out = NULL;
    }
    json_decref(more);
    if (out && result->nreadings)
        json_object_set_new(out, "streams", make_readings(result));
    return out;
}

static json_t *make_reference(const struct vg_cycle *cycle)
{
    if (!cycle->reference_version)
        return json_null();
    return json_pack("{s:I, s:o, s:o, s:I}", "version", (json_int_t)cycle->reference_version,
                     "from", make_time(cycle->reference_from_us), "to",
                     make_time(cycle->reference_to_us), "rows", (json_int_t)cycle->reference_rows);
}

static json_t *make_references(const struct vg_cycle *cycle)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < cycle->nreferences; i++) {
        const struct vg_cycle_reference *reference = &cycle->references[i];
        json_array_append_new(
            list, json_pack("{s:s, s:s?, s:I, s:o, s:o, s:I}", "name", reference->name, "season",
                            reference->season, "version", (json_int_t)reference->version, "from",
                            make_time(reference->from_us), "to", make_time(reference->to_us),
                            "rows", (json_int_t)reference->rows));
    }
    return list;
}

static json_t *make_failure(const struct vg_error *error)
{
    return json_pack("{s:s, s:o, s:o, s:o}", "code", vg_code_name(error->code), "message",
                     vg_show_json_text(error->msg), "hint",
                     vg_show_json_text(*error->hint ? error->hint : NULL), "sqlstate",
                     vg_show_json_text(*error->sqlstate ? error->sqlstate : NULL));
}

static int add_json(struct vg_show *show, const struct vg_cycle *cycle, bool timed)
{
    json_t *out = json_pack("{s:o, s:o, s:o}", "dataset", vg_show_json_text(cycle->dataset),
                            "model", vg_show_json_text(cycle->model), "connection",
                            vg_show_json_text(cycle->connection));
    if (!out || json_array_append_new(show->datasets, out) < 0)
        return -1;
    if (cycle->failed)
        return json_object_set_new(out, "error", make_failure(&cycle->error));
    json_t *window = json_null(), *results = json_array();
    if (timed)
        window = json_pack("{s:o, s:o}", "from", make_time(cycle->window.start_us), "to",
                           make_time(cycle->window.end_us));
    for (size_t i = 0; i < cycle->nresults; i++)
        json_array_append_new(results, make_result(&cycle->results[i]));
    int rc = json_object_set_new(out, "window", window);
    rc |= json_object_set_new(out, "rows", json_integer((json_int_t)cycle->rows));
    if (cycle->has_untimed) {
        rc |=
            json_object_set_new(out, "untimed_rows", json_integer((json_int_t)cycle->untimed_rows));
        rc |= json_object_set_new(out, "future_rows", json_integer((json_int_t)cycle->future_rows));
    }
    rc |= json_object_set_new(out, "sample", vg_show_json_text(cycle->sample));
    rc |= json_object_set_new(out, "reference", make_reference(cycle));
    rc |= json_object_set_new(out, "references", make_references(cycle));
    rc |= json_object_set_new(out, "predictions", vg_show_predictions(cycle));
    rc |= json_object_set_new(out, "results", results);
    return rc;
}

/* --- table ------------------------------------------------------------------------------------ */

/* Code points, which is what most terminals give one column each. */
static size_t measure_text(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

/* What would move the cursor, colour or reorder is U+FFFD, and the end of a line a blank. */
static void put_padded(FILE *out, const char *text, size_t width)
{
    struct vg_buf clean;
    vg_buf_init(&clean, 1 << 20);
    vg_utf8_clean(&clean, text, strlen(text), true);
    for (size_t i = 0; i < clean.len; i++) {
        if (clean.data[i] == '\n' || clean.data[i] == '\t')
            clean.data[i] = ' ';
    }
    size_t n = measure_text(clean.data);
    fprintf(out, "%s%*s", clean.data, n < width ? (int)(width - n) : 0, "");
    vg_buf_free(&clean);
}

void vg_show_text(FILE *out, const char *text)
{
    put_padded(out, text, 0);
}

static const char *colour_verdict(enum vg_verdict verdict)
{
    switch (verdict) {
    case VG_PASS:
        return "\033[32m";
    case VG_FAIL:
        return "\033[1;31m";
    case VG_WARN:
        return "\033[33m";
    case VG_UNKNOWN:
        return "\033[1;35m";
    default:
        return "\033[2m";
    }
}

static void print_head(FILE *out, const struct vg_cycle *cycle, bool timed)
{
    char from[VG_TIME_TEXT], to[VG_TIME_TEXT];
    vg_show_text(out, cycle->dataset);
    if (timed)
        fprintf(out, "  %s to %s", vg_format_time(cycle->window.start_us, from),
                vg_format_time(cycle->window.end_us, to));
    if (!cycle->failed)
        fprintf(out, "  %llu rows", (unsigned long long)cycle->rows);
    if (cycle->sample)
        fprintf(out, " (sample of %s)", cycle->sample);
    if (cycle->reference_version)
        fprintf(out, "  reference %lld (%llu rows)", (long long)cycle->reference_version,
                (unsigned long long)cycle->reference_rows);
    fputc('\n', out);
}

static void print_result(const struct vg_show *show, const struct vg_result *result, size_t width)
{
    fprintf(show->out, "  %s%-7s%s  ", show->colour ? colour_verdict(result->verdict) : "",
            vg_verdict_name(result->verdict), show->colour ? "\033[0m" : "");
    put_padded(show->out, result->rule, width);
    fputs("  ", show->out);
    if (result->segment) {
        vg_show_text(show->out, result->segment);
        fputs(": ", show->out);
    }
    vg_show_text(show->out, result->why);
    fputc('\n', show->out);
    bool several = false; /* columns: their values are joined by commas, as the rows are */
    for (size_t i = 0; i < result->nkeys; i++)
        several |= strstr(result->keys[i], ", ") != NULL;
    for (size_t i = 0; i < result->nkeys; i++) {
        fputs(i ? ", " : "           rows: ", show->out);
        fputs(several ? "(" : "", show->out);
        vg_show_text(show->out, result->keys[i]);
        fputs(several ? ")" : "", show->out);
    }
    if (result->nkeys)
        fputc('\n', show->out);
}

static void print_cycle(const struct vg_show *show, const struct vg_cycle *cycle, bool timed)
{
    print_head(show->out, cycle, timed);
    if (cycle->failed) {
        fputs("  could not be read: ", show->out);
        vg_show_text(show->out, cycle->error.msg);
        fputs(*cycle->error.hint ? "\n  hint: " : "", show->out);
        vg_show_text(show->out, cycle->error.hint);
        fputc('\n', show->out);
        return;
    }
    size_t width = 0;
    for (size_t i = 0; i < cycle->nresults; i++) {
        size_t n = measure_text(cycle->results[i].rule);
        width = n > width ? n : width;
    }
    vg_show_predicted(show->out, cycle);
    for (size_t i = 0; i < cycle->nresults; i++)
        print_result(show, &cycle->results[i], width < 40 ? width : 40);
}

int vg_show_cycle(struct vg_show *show, const struct vg_cycle *cycle, bool timed)
{
    if (show->json)
        return add_json(show, cycle, timed);
    print_cycle(show, cycle, timed);
    return 0;
}

int vg_show_end(struct vg_show *show)
{
    int rc = 0;
    if (show->json) {
        rc = json_dumpf(show->root, show->out, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
        fputc('\n', show->out);
        json_decref(show->root);
    }
    if (fflush(show->out) || ferror(show->out))
        rc = -1;
    free(show);
    return rc;
}

void vg_show_table(FILE *out, const char *const *cells, size_t rows, size_t columns)
{
    size_t widths[16] = {0};
    for (size_t i = 0; i < rows * columns; i++) {
        size_t n = measure_text(cells[i] ? cells[i] : "-"), *width = &widths[i % columns];
        *width = n > *width ? n : *width;
    }
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = 0; c < columns; c++) {
            const char *cell = cells[r * columns + c] ? cells[r * columns + c] : "-";
            bool last = c + 1 == columns;
            put_padded(out, cell, last ? 0 : widths[c]);
            fputs(last ? "\n" : "  ", out);
        }
    }
}
