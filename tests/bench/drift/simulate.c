/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One run of made columns under the policy `budget`, by the program's own functions, and under the
 * policies of others: learns the reference, counts false alarms over weeks in which nothing has
 * changed, then measures how long each change takes to be found. Prints one JSON object.
 *
 *   simulate TABLE LAW SEED [columns=100] [null=28] [drift=14] [bad=0] [kind=storm] [step=1]
 *            [peers=0]
 *
 * TABLE numeric, category or nulls; LAW iid, ar, harsh or over. */
#include <gsl/gsl_errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "watch.h"

struct options {
    enum draw_table table;
    const struct draw_law *law;
    const char *kind; /* of the bad columns */
    unsigned long seed;
    long columns, null_days, drift_days, bad, peers;
    double step;
};

static const struct draw_drift numeric_drifts[] = {
    {"mean +0.1 sd", .1, 1, 0, 0}, {"mean +0.25 sd", .25, 1, 0, 0}, {"mean +0.5 sd", .5, 1, 0, 0},
    {"sd x1.1", 0, 1.1, 0, 0},     {"sd x1.25", 0, 1.25, 0, 0},     {0}};
static const struct draw_drift category_drifts[] = {
    {"10% -> 15%", 0, 1, 4, .15}, {"10% -> 12%", 0, 1, 4, .12}, {"5% -> 0%", 0, 1, 6, 0}, {0}};
static const struct draw_drift null_drifts[] = {{"1% -> 2%", 0, 1, 1, .02},
                                                {"1% -> 3%", 0, 1, 1, .03},
                                                {"1% -> 5%", 0, 1, 1, .05},
                                                {"1% -> 0%", 0, 1, 1, 0},
                                                {0}};
static const struct draw_drift *const drifts[] = {numeric_drifts, category_drifts, null_drifts};
static const char *const tables[] = {"numeric", "category", "nulls"};

static void refuse(const char *what)
{
    fprintf(stderr, "simulate: what is '%s'? see the head of simulate.c\n", what);
    exit(64);
}

static void parse_option(const char *text, struct options *out)
{
    struct {
        const char *name;
        long *value;
    } numbers[] = {{"columns=", &out->columns},
                   {"null=", &out->null_days},
                   {"drift=", &out->drift_days},
                   {"bad=", &out->bad},
                   {"peers=", &out->peers}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        size_t len = strlen(numbers[i].name);
        if (!strncmp(text, numbers[i].name, len)) {
            *numbers[i].value = strtol(text + len, NULL, 10);
            return;
        }
    }
    if (!strncmp(text, "kind=", 5))
        out->kind = text + 5;
    else if (!strncmp(text, "step=", 5))
        out->step = strtod(text + 5, NULL);
    else
        refuse(text);
}

static struct options parse(int argc, char **argv)
{
    struct options out = {.columns = 100, .null_days = 28, .drift_days = 14, .kind = "storm"};
    size_t table = 0;
    out.step = 1;
    if (argc < 4)
        refuse("nothing");
    while (table < 3 && strcmp(argv[1], tables[table]))
        table++;
    if (table == 3)
        refuse(argv[1]);
    out.table = (enum draw_table)table;
    out.law = draw_law_find(argv[2]);
    if (!out.law)
        refuse(argv[2]);
    out.seed = strtoul(argv[3], NULL, 10);
    for (int i = 4; i < argc; i++)
        parse_option(argv[i], &out);
    return out;
}

static struct draw_law law_of(const struct options *options, long column)
{
    if (column < options->columns - options->bad)
        return *options->law;
    struct draw_law step = *options->law;
    step.step = options->step;
    const struct draw_law *bad = draw_law_find(options->kind);
    return bad ? *bad : step;
}

/* --- False alarms ----------------------------------------------------------------------------- */

static size_t count_incidents(const bool *alarm, size_t n, size_t gap)
{
    size_t incidents = 0, last = 0;
    for (size_t i = 0; i < n; i++) {
        if (!alarm[i])
            continue;
        incidents += !incidents || i - last > gap;
        last = i;
    }
    return incidents;
}

struct tally { /* of one policy over the quiet weeks */
    size_t alarms, incidents;
    bool *any; /* per hour: a column was in alarm */
};

static void add_alarms(struct tally *tally, const bool *alarm, size_t hours)
{
    for (size_t h = 0; h < hours; h++) {
        tally->alarms += alarm[h];
        tally->any[h] |= alarm[h];
    }
    tally->incidents += count_incidents(alarm, hours, 24);
}

enum { BUDGET, NAIVE, BONFERRONI, EVIDENTLY, NANNYML, HOURLY }; /* policies judged every hour */
static const char *const hourly_names[HOURLY] = {"budget", "naive", "bonferroni", "evidently",
                                                 "nannyml"};
struct quiet {
    struct tally hourly[HOURLY];
    size_t days[2]; /* alarms of naive and Evidently once a day */
    struct peer_polls polls;
    double *p; /* hour x column, of the naive test */
};

static void look_hourly(const struct options *options, const struct peer_reference *reference,
                        const struct draw_series *series, struct quiet *quiet, size_t column)
{
    size_t hours = series->hours;
    bool *alarm = calloc(HOURLY * hours, sizeof *alarm);
    if (!alarm)
        exit(70);
    for (size_t h = 0; h < hours; h++) {
        struct peer_look look = peer_look(reference, series, h, 1);
        quiet->p[h * (size_t)options->columns + column] = look.p;
        alarm[NAIVE * hours + h] = look.p < .05;
        alarm[BONFERRONI * hours + h] = look.p < .05 / (double)options->columns;
        alarm[EVIDENTLY * hours + h] = look.distance >= .1;
        alarm[NANNYML * hours + h] = look.d > reference->d_limit;
        if (h % 24 == 23) {
            look = peer_look(reference, series, h, 24);
            quiet->days[0] += look.p < .05;
            quiet->days[1] += look.distance >= .1;
        }
    }
    for (size_t policy = NAIVE; policy < HOURLY; policy++)
        add_alarms(&quiet->hourly[policy], &alarm[policy * hours], hours);
    free(alarm);
}

static void watch_quiet(const struct options *options, struct watch *watch, struct quiet *out)
{
    size_t hours = (size_t)options->null_days * 24;
    struct draw_plan plan = {.first_day = watch->plan.days,
                             .days = options->null_days,
                             .reference_days = watch->plan.days};
    bool *alarm = calloc(hours, sizeof *alarm);
    out->p = calloc(hours * watch->n, sizeof *out->p);
    for (size_t policy = 0; policy < HOURLY; policy++)
        out->hourly[policy].any = calloc(hours, sizeof(bool));
    for (size_t i = 0; i < watch->n; i++) {
        struct draw_series series;
        bool numbers = options->peers && options->table == DRAW_NUMERIC;
        draw_series(watch->rng, &watch->columns[i], &plan, numbers, &series);
        watch_series(watch, i, &series, 0, hours, alarm);
        add_alarms(&out->hourly[BUDGET], alarm, hours);
        if (options->peers)
            look_hourly(options, &watch->peers[i], &series, out, i);
        if (numbers) {
            struct peer_polls polls = peer_poll(&watch->peers[i], &series);
            out->polls.naive += polls.naive;
            out->polls.evidently += polls.evidently;
        }
        draw_series_free(&series);
    }
    free(alarm);
}

static json_t *report_quiet(const struct options *options, struct quiet *quiet)
{
    size_t hours = (size_t)options->null_days * 24, rejected = 0;
    double days = (double)options->null_days;
    json_t *out = json_object();
    for (size_t policy = 0; policy < (options->peers ? HOURLY : 1u); policy++) {
        const struct tally *tally = &quiet->hourly[policy];
        size_t together = count_incidents(tally->any, hours, 24);
        json_object_set_new(out, hourly_names[policy],
                            json_pack("{s:f, s:f, s:f}", "alarms", (double)tally->alarms / days,
                                      "incidents", (double)tally->incidents / days, "dataset",
                                      (double)together / days));
    }
    if (options->peers) {
        for (size_t h = 0; h < hours; h++)
            rejected +=
                peer_rejected(&quiet->p[h * (size_t)options->columns], (size_t)options->columns);
        const struct {
            const char *name;
            size_t alarms;
        } more[] = {{"bh", rejected},
                    {"naive daily", quiet->days[0]},
                    {"evidently daily", quiet->days[1]},
                    {"naive 5 min", quiet->polls.naive},
                    {"evidently 5 min", quiet->polls.evidently}};
        for (size_t i = 0; i < sizeof more / sizeof *more; i++)
            json_object_set_new(out, more[i].name,
                                json_pack("{s:f}", "alarms", (double)more[i].alarms / days));
    }
    for (size_t policy = 0; policy < HOURLY; policy++)
        free(quiet->hourly[policy].any);
    free(quiet->p);
    return out;
}

/* --- Delays ----------------------------------------------------------------------------------- */

enum { D_BUDGET, D_CUT, D_EVIDENTLY, D_NANNYML, D_MULTISCALE, D_DETECTOR, DELAYS };
static const char *const delay_names[DELAYS] = {"budget",  "bonferroni cut", "evidently",
                                                "nannyml", "multiscale",     "detector"};

static double first_alarm(const bool *alarm, size_t from, size_t hours)
{
    for (size_t h = from; h < hours; h++) {
        if (alarm[h])
            return (double)(h - from + 1);
    }
    return (double)INFINITY;
}

static void delay_peers(const struct options *options, const struct peer_reference *reference,
                        const struct draw_series *series, size_t from, double *delays)
{
    size_t hours = series->hours;
    double *p = calloc(hours, sizeof *p);
    if (!p)
        exit(70);
    for (size_t i = D_CUT; i < DELAYS; i++)
        delays[i] = (double)INFINITY;
    for (size_t h = hours; h-- > 0;) {
        struct peer_look look = peer_look(reference, series, h, 1);
        p[h] = look.p;
        if (h < from)
            continue;
        double delay = (double)(h - from + 1);
        delays[D_CUT] = look.p < 1 / 7.0 / 2400 ? delay : delays[D_CUT];
        delays[D_EVIDENTLY] = look.distance >= .1 ? delay : delays[D_EVIDENTLY];
        delays[D_NANNYML] = look.d > reference->d_limit ? delay : delays[D_NANNYML];
    }
    if (options->table == DRAW_NUMERIC) {
        size_t at = peer_multiscale(reference, series, from);
        delays[D_MULTISCALE] = at < hours ? (double)(at - from + 1) : (double)INFINITY;
        at = peer_detector(p, hours, from);
        delays[D_DETECTOR] = at < hours ? (double)(at - from + 1) : (double)INFINITY;
    }
    free(p);
}

static json_t *report_delays(const double *delays, size_t n, size_t policies)
{
    json_t *out = json_object();
    for (size_t policy = 0; policy < policies; policy++) {
        json_t *all = json_array();
        for (size_t i = 0; i < n; i++) {
            double delay = delays[i * DELAYS + policy];
            json_array_append_new(all, isfinite(delay) ? json_real(delay) : json_null());
        }
        json_object_set_new(out, delay_names[policy], all);
    }
    return out;
}

enum { DAY = 24 };

/* How long until the first alarm; without other policies, which look further back, only the hours
 * that it takes are drawn. */
static double delay_of_budget(const struct options *options, struct watch *watch, size_t column,
                              struct draw_series *series, size_t from)
{
    size_t hours = series->hours;
    double delay = INFINITY;
    bool *alarm = calloc(hours, sizeof *alarm);
    if (!alarm)
        exit(70);
    for (size_t h = from, to; h < hours && isinf(delay); h = to) {
        to = h + DAY < hours ? h + DAY : hours;
        draw_until(watch->rng, &watch->columns[column], series, options->peers ? hours : to);
        watch_series(watch, column, series, h, to, alarm);
        delay = first_alarm(alarm, from, to);
    }
    free(alarm);
    return delay;
}

static json_t *watch_drift(const struct options *options, struct watch *watch,
                           const struct draw_drift *drift)
{
    size_t good = (size_t)(options->columns - options->bad);
    double *delays = calloc(good * DELAYS, sizeof *delays);
    for (size_t i = 0; i < good; i++) {
        long from = 168 + (long)gsl_rng_uniform_int(watch->rng, DAY);
        struct draw_plan plan = {.first_day = watch->plan.days,
                                 .days = options->drift_days,
                                 .drift = drift,
                                 .from_hour = from,
                                 .reference_days = watch->plan.days,
                                 .skip_hours = options->peers ? 0 : from - VG_BUDGET_LOOK};
        struct draw_series series;
        draw_begin(watch->rng, &watch->columns[i], &plan, false, &series);
        delays[i * DELAYS + D_BUDGET] = delay_of_budget(options, watch, i, &series, (size_t)from);
        if (options->peers)
            delay_peers(options, &watch->peers[i], &series, (size_t)from, &delays[i * DELAYS]);
        draw_series_free(&series);
    }
    json_t *out = report_delays(delays, good, options->peers ? DELAYS : 1);
    free(delays);
    return out;
}

int main(int argc, char **argv)
{
    gsl_set_error_handler_off();
    struct options options = parse(argc, argv);
    struct watch watch;
    struct quiet quiet = {0};
    watch_begin(&watch, options.seed, (size_t)options.columns, options.peers);
    for (long i = 0; i < options.columns; i++)
        watch_add(&watch, (size_t)i, options.table, law_of(&options, i));
    watch_learn(&watch);
    json_t *out = watch_report(&watch);
    json_object_set_new(out, "seed", json_integer((json_int_t)options.seed));
    watch_quiet(&options, &watch, &quiet);
    json_object_set_new(out, "quiet", report_quiet(&options, &quiet));
    json_t *found = json_object();
    const struct draw_drift *drift = drifts[options.table];
    for (; options.drift_days && drift->name; drift++)
        json_object_set_new(found, drift->name, watch_drift(&options, &watch, drift));
    json_object_set_new(out, "delays", found);
    int rc = json_dumpf(out, stdout, JSON_COMPACT | JSON_SORT_KEYS);
    putchar('\n');
    json_decref(out);
    watch_end(&watch);
    return rc < 0 || ferror(stdout) ? 70 : 0;
}
