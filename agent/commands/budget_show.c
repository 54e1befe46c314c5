/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the budget has learnt, for people and as JSON: the honest sentence about its replay, and
 * each stream with its level and what it can see. Reads the calibration out of the store. */
#include "agent/commands/budget_show.h"

#include <math.h>
#include <string.h>

#include "agent/commands/show.h"
#include "agent/loop/calibrate.h"
#include "agent/plan_budget.h"
#include "checks/check_budget_text.h"
#include "pgvigil/text.h"

static double count_days(const struct vg_budget *budget)
{
    return budget->nwindows / budget->per_day;
}

/* One past the last of the struck windows that follow each other from `first` on. */
static uint32_t end_run(const struct vg_budget *budget, uint32_t first)
{
    uint32_t end = first + 1;
    while (end < budget->nstruck &&
           budget->struck[end] - budget->struck[end - 1] <= budget->base_us + VG_HOUR_US)
        end++;
    return end;
}

static void print_struck(const struct vg_budget *budget, FILE *out)
{
    char from[VG_TIME_TEXT], to[VG_TIME_TEXT];
    for (uint32_t i = 0, end; i < budget->nstruck; i = end) {
        end = end_run(budget, i);
        fprintf(out, "    struck out as a disaster: %s to %s\n",
                vg_format_time(budget->struck[i], from),
                vg_format_time(budget->struck[end - 1] + budget->base_us, to));
    }
}

static bool is_one(const char *number)
{
    return !strcmp(number, "1");
}

/* What the rule file calls too small to alarm. */
static void print_least(const struct vg_dataset *dataset, FILE *out)
{
    const struct {
        const char *what, *unit;
        double least;
    } floors[] = {{"a distance D of ", "", dataset->min_distance},
                  {"a standard deviation changed by ", "%", 100 * dataset->min_spread},
                  {"a share moved by ", "", dataset->min_share}};
    const char *before = "  no alarm below ";
    for (size_t i = 0; i < sizeof floors / sizeof *floors; i++) {
        char number[VG_NUMBER_TEXT];
        if (!(floors[i].least > 0))
            continue;
        fprintf(out, "%s%s%s%s", before, floors[i].what,
                vg_format_human(floors[i].least, 3, number), floors[i].unit);
        before = ", ";
    }
    if (*before == ',')
        fputc('\n', out);
}

/* With what a base window is compared: fewer kinds of day where the reference is too short. */
static const char *say_kinds(const struct vg_budget *budget)
{
    static const char *const kinds[] = {
        "the whole reference: it is too short to know the hours of a day",
        "its hours of all days: the reference is too short to know weekends",
        "its hours of weekdays or weekends: the reference is too short to know Saturdays",
        "its hours of weekdays, Saturdays or Sundays",
    };
    if (!budget->day_types && budget->per_day < 4)
        return "the whole reference: days of fewer than four base windows have no hours";
    return kinds[budget->day_types < 4 ? budget->day_types : 0];
}

static void print_replay(const struct vg_dataset *dataset, const struct vg_budget *budget,
                         FILE *out)
{
    char rate[VG_NUMBER_TEXT], base[VG_DURATION_TEXT], days[VG_NUMBER_TEXT], week[VG_NUMBER_TEXT];
    vg_format_human(7 * budget->budget, 3, rate);
    fprintf(out,
            "%s: drift: true, at most %s false incident%s a week: %u stream%s of %u column%s, "
            "base windows of %s\n",
            dataset->id, rate, is_one(rate) ? "" : "s", budget->nstreams,
            budget->nstreams == 1 ? "" : "s", budget->ncolumns, budget->ncolumns == 1 ? "" : "s",
            vg_format_duration(budget->base_us, base));
    vg_format_human(count_days(budget), 3, days);
    vg_format_human(budget->expected_week, 2, week);
    if (budget->uncalibrated)
        fprintf(
            out,
            "  uncalibrated (assumes independent rows): the reference of %u base window%s is too"
            " short for a replay; expect %s false incident%s a week if they are, else more\n",
            budget->nwindows, budget->nwindows == 1 ? "" : "s", week, is_one(week) ? "" : "s");
    else
        fprintf(out,
                "  %u alarm-day%s of the dataset in the replay of %s day%s, %u base window%s"
                " struck out; expect %s false incident%s a week\n",
                budget->replay_days, budget->replay_days == 1 ? "" : "s", days,
                is_one(days) ? "" : "s", budget->nstruck, budget->nstruck == 1 ? "" : "s", week,
                is_one(week) ? "" : "s");
    fprintf(out, "  each base window is compared with %s\n", say_kinds(budget));
    if (dataset->nsegments)
        fputs("  of all rows together: segments have no budget\n", out);
    print_struck(budget, out);
    print_least(dataset, out);
}

enum { COLUMNS = 5 };

static int fill_stream(struct vg_shell *shell, const struct vg_budget *budget, uint32_t i,
                       const double *least, const char **cells)
{
    const struct vg_budget_stream *stream = &budget->streams[i];
    struct vg_budget_stream seen = *stream;
    char why[VG_WHY], visible[VG_WHY / 2];
    seen.visible = vg_budget_visible(stream, least);
    vg_budget_say_stream(stream, why);
    vg_budget_say_visible(&seen, visible);
    const char *note = strchr(why, ':'); /* the stream is named in a column of its own */
    cells[0] = budget->columns[stream->column].name;
    cells[1] = vg_budget_say_kind(stream->kind);
    cells[2] = vg_arena_printf(shell->arena, "%.2g", stream->level);
    cells[3] = vg_arena_strdup(shell->arena, visible);
    cells[4] = note ? vg_arena_strdup(shell->arena, note + 2) : "";
    return cells[2] && cells[3] && cells[4] ? 0 : -1;
}

static int print_streams(struct vg_shell *shell, const struct vg_dataset *dataset,
                         const struct vg_budget *budget, FILE *out)
{
    double least[VG_BUDGET_KINDS];
    static const char *const head[] = {"column", "stream", "level", "smallest change seen", ""};
    const char **cells =
        vg_arena_array(shell->arena, (budget->nstreams + 1) * (size_t)COLUMNS, sizeof *cells);
    if (!cells)
        return -1;
    memcpy(cells, head, sizeof head);
    vg_plan_budget_least(dataset, least);
    for (uint32_t i = 0; i < budget->nstreams; i++) {
        if (fill_stream(shell, budget, i, least, cells + (i + 1) * (size_t)COLUMNS) < 0)
            return -1;
    }
    if (budget->nstreams)
        vg_show_table(out, cells, budget->nstreams + 1, COLUMNS);
    for (uint32_t i = 0; i < budget->ncolumns; i++) {
        const char *why = vg_budget_say_reason(&budget->columns[i]);
        if (*why)
            fprintf(out, "  %s: %s\n", budget->columns[i].name, why);
    }
    return 0;
}

/* NULL where it is not calibrated; *why it cannot be, NULL where that only has not come yet. */
static int load_budget(struct vg_shell *shell, const struct vg_dataset *dataset,
                       struct vg_budget **out, const char **why)
{
    struct vg_error err = {0};
    if (vg_calibrate_load(shell->store, dataset, out, &err) == 0 &&
        (*out || vg_calibrate_hindrance(shell->store, dataset, shell->arena, why, &err) == 0))
        return 0;
    vg_shell_fail(&err);
    return -1;
}

int vg_budget_print(struct vg_shell *shell, const struct vg_dataset *dataset, FILE *out)
{
    struct vg_budget *budget = NULL;
    const char *why = NULL;
    if (!shell->store || !vg_plan_has_budget(dataset))
        return 0;
    if (load_budget(shell, dataset, &budget, &why) < 0)
        return -1;
    int rc = 0;
    if (budget) {
        print_replay(dataset, budget, out);
        rc = print_streams(shell, dataset, budget, out);
    } else {
        fprintf(out, "%s: drift: true is not calibrated%s%s\n", dataset->id, why ? ": " : " yet",
                why ? why : "");
    }
    vg_budget_free(budget);
    return rc;
}

/* --- JSON ------------------------------------------------------------------------------------- */

static json_t *make_number(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

static json_t *make_time(int64_t us)
{
    char text[VG_TIME_TEXT];
    return json_string(vg_format_time(us, text));
}

static json_t *make_struck(const struct vg_budget *budget)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < budget->nstruck; i++)
        json_array_append_new(list, make_time(budget->struck[i]));
    return list;
}

static json_t *make_stream(const struct vg_budget *budget, const struct vg_budget_stream *stream,
                           const double *least)
{
    return json_pack(
        "{s:s, s:s, s:o, s:o, s:o, s:i, s:o, s:b, s:b, s:b}", "column",
        budget->columns[stream->column].name, "statistic", vg_budget_kind_name(stream->kind),
        "level", make_number(stream->level), "own_level", make_number(stream->own),
        "smallest_visible", make_number(vg_budget_visible(stream, least)), "alarm_days_at_alpha0",
        (int)stream->days, "share_at_alpha0", make_number(stream->share), "not_stationary",
        stream->not_stationary, "noisy", stream->noisy, "blind", stream->blind);
}

static json_t *make_streams(const struct vg_dataset *dataset, const struct vg_budget *budget)
{
    double least[VG_BUDGET_KINDS];
    json_t *list = json_array();
    vg_plan_budget_least(dataset, least);
    for (uint32_t i = 0; i < budget->nstreams; i++)
        json_array_append_new(list, make_stream(budget, &budget->streams[i], least));
    return list;
}

static json_t *make_columns(const struct vg_budget *budget)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < budget->ncolumns; i++) {
        const struct vg_budget_column *column = &budget->columns[i];
        json_array_append_new(list, json_pack("{s:s, s:s, s:b}", "column", column->name, "values",
                                              vg_budget_reason_name(column->reason), "new_values",
                                              column->new_values));
    }
    return list;
}

static json_t *make_dataset(const struct vg_dataset *dataset, const struct vg_budget *budget,
                            const char *why)
{
    if (!budget)
        return json_pack("{s:s, s:b, s:s?}", "dataset", dataset->id, "calibrated", false, "why",
                         why);
    json_t *out =
        json_pack("{s:s, s:b, s:o, s:o, s:i, s:o, s:o, s:o, s:o}", "dataset", dataset->id,
                  "calibrated", !budget->uncalibrated, "budget_per_week",
                  make_number(7 * budget->budget), "expected_per_week",
                  make_number(budget->expected_week), "replay_alarm_days", (int)budget->replay_days,
                  "replay_days", make_number(count_days(budget)), "struck_out", make_struck(budget),
                  "streams", make_streams(dataset, budget), "columns", make_columns(budget));
    if (out)
        json_object_update_new(
            out, json_pack("{s:f, s:i, s:f, s:f, s:f}", "base_seconds",
                           (double)budget->base_us / (double)VG_US, "day_types",
                           (int)budget->day_types, "min_distance", dataset->min_distance,
                           "min_spread", dataset->min_spread, "min_share", dataset->min_share));
    return out;
}

json_t *vg_budget_json(struct vg_shell *shell)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < shell->rules->ndatasets; i++) {
        struct vg_budget *budget = NULL;
        const struct vg_dataset *dataset = shell->rules->datasets[i];
        if (!vg_plan_has_budget(dataset))
            continue;
        const char *why = NULL;
        if (load_budget(shell, dataset, &budget, &why) < 0) {
            json_decref(list);
            return NULL;
        }
        json_array_append_new(list, make_dataset(dataset, budget, why));
        vg_budget_free(budget);
    }
    return list;
}
