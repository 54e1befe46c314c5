/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Routes, silences and guards that can never matter, or always do: a slip of the pen that only
 * shows when nobody comes. Looks at the files alone; what it cannot know it takes for possible. */
#include "agent/commands/validate_telling.h"

#include <stdio.h>
#include <string.h>

#include "agent/settle_quiet.h"
#include "pgvigil/text.h"

static bool has_star(const struct vg_dataset *dataset)
{
    bool found = false;
    for (size_t i = 0; i < dataset->ncolumns && !found; i++)
        found = vg_streq(dataset->columns[i].name, "*");
    return found;
}

static bool has_tag(const struct vg_rule *rule, const char *pattern)
{
    bool found = !pattern;
    for (size_t i = 0; i < rule->tags.n && !found; i++)
        found = vg_quiet_fits(pattern, rule->tags.items[i]);
    return found;
}

/* Whether an alert of the rule can have one of these severities: its own, and that of warnings. */
static bool has_severity(const struct vg_rule *rule, unsigned severities)
{
    unsigned own = 1u << rule->severity | 1u << VG_SEVERITY_WARNING;
    return !severities || severities & own;
}

static bool fits_rule(const struct vg_match *match, const struct vg_dataset *dataset,
                      const struct vg_rule *rule)
{
    bool named = vg_quiet_fits(match->rule, rule->id) || has_star(dataset);
    return vg_quiet_fits(match->dataset, dataset->id) && named && has_tag(rule, match->tag) &&
           has_severity(rule, match->severities);
}

/* How far a pattern comes: what it fits, and of that what is routed. */
struct reach {
    bool dataset, rule, routed;
};

static struct reach find_reach(const struct vg_match *match, const struct vg_ruleset *rules)
{
    struct reach reach = {0};
    for (size_t d = 0; d < rules->ndatasets; d++) {
        const struct vg_dataset *dataset = rules->datasets[d];
        if (!vg_quiet_fits(match->dataset, dataset->id))
            continue;
        reach.dataset = true;
        for (size_t i = 0; i < dataset->nrules; i++) {
            bool fits = fits_rule(match, dataset, &dataset->rules[i]);
            reach.rule = reach.rule || fits;
            reach.routed = reach.routed || (fits && dataset->rules[i].routed);
        }
    }
    return reach;
}

static bool takes_all_of(const struct vg_route *route, const struct vg_match *match)
{
    const struct vg_match *own = &route->match;
    bool dataset = !own->dataset || vg_streq(own->dataset, match->dataset);
    bool rule = !own->rule || vg_streq(own->rule, match->rule);
    bool tag = !own->tag || vg_streq(own->tag, match->tag);
    bool severity =
        !own->severities || (match->severities && !(match->severities & ~own->severities));
    return !route->more && !route->hours.given && dataset && rule && tag && severity;
}

enum { NAMES = 500 };

static void warn_unknown(const struct vg_match *match, const struct vg_ruleset *rules,
                         const char *what, struct vg_loc loc, struct vg_diags *diags)
{
    const char *ids[NAMES];
    size_t n = rules->ndatasets < NAMES ? rules->ndatasets : NAMES;
    char hint[200];
    for (size_t i = 0; i < n; i++)
        ids[i] = rules->datasets[i]->id;
    const char *best = vg_nearest(match->dataset, ids, n);
    snprintf(hint, sizeof hint, "did you mean \"%.150s\"?", best ? best : "");
    vg_diag_add(diags, VG_GRADE_WARNING, loc, NULL, best ? hint : NULL,
                "this %s never matches: there is no dataset \"%.100s\"", what, match->dataset);
}

static void check_route(const struct vg_config *config, size_t at, const struct vg_ruleset *rules,
                        struct vg_diags *diags)
{
    const struct vg_route *route = &config->routes[at];
    const struct reach reach = find_reach(&route->match, rules);
    size_t before = 0;
    while (before < at && !takes_all_of(&config->routes[before], &route->match))
        before++;
    if (!reach.dataset && route->match.dataset)
        warn_unknown(&route->match, rules, "route", route->loc, diags);
    else if (!reach.rule)
        vg_diag_add(diags, VG_GRADE_WARNING, route->loc, NULL, NULL,
                    "this route never matches: no rule has all that it asks for");
    else if (!reach.routed)
        vg_diag_add(diags, VG_GRADE_WARNING, route->loc, NULL,
                    "routes decide where no rule file says notify: {to: ...}",
                    "this route never matches: the files of all rules that it fits name receivers");
    else if (before < at)
        vg_diag_add(diags, VG_GRADE_WARNING, route->loc, NULL,
                    "put it before, or write continue: true there",
                    "this route never matches: that of line %u takes all that it fits",
                    (unsigned)config->routes[before].loc.line);
}

/* --- Rules of which nobody is told ------------------------------------------------------------ */

static bool has_route(const struct vg_config *config, const struct vg_dataset *dataset,
                      const struct vg_rule *rule)
{
    const unsigned critical = 1u << VG_SEVERITY_CRITICAL;
    bool found = false;
    for (size_t i = 0; i < config->nroutes && !found; i++) {
        const struct vg_route *route = &config->routes[i];
        bool grave = !route->match.severities || route->match.severities & critical;
        found = grave && route->to.n && fits_rule(&route->match, dataset, rule);
    }
    return found;
}

/* There are receivers, so somebody is meant to be told; of critical rules at least. */
static void check_told(const struct vg_config *config, const struct vg_dataset *dataset,
                       struct vg_diags *diags)
{
    const struct vg_rule *first = NULL;
    size_t n = 0;
    for (size_t i = 0; i < dataset->nrules && config->nreceivers; i++) {
        const struct vg_rule *rule = &dataset->rules[i];
        if (rule->severity != VG_SEVERITY_CRITICAL || !rule->routed ||
            has_route(config, dataset, rule))
            continue;
        first = first ? first : rule;
        n++;
    }
    if (n == 1)
        vg_diag_add(diags, VG_GRADE_WARNING, first->loc, NULL,
                    "notify: {to: [...]} in the rule file, or routes in pgvigil.yaml",
                    "nobody is told of %s, which is critical", first->id);
    else if (n)
        vg_diag_add(diags, VG_GRADE_WARNING, first->loc, NULL,
                    "notify: {to: [...]} in the rule file, or routes in pgvigil.yaml",
                    "nobody is told of %s, and of %zu more rules of %s that are critical",
                    first->id, n - 1, dataset->id);
}

/* --- Silences --------------------------------------------------------------------------------- */

/* One warning says enough of each. */
static bool warn_over(const struct vg_quiet *quiet, const char *what, int64_t now_us,
                      struct vg_diags *diags)
{
    char until[VG_TIME_TEXT];
    bool over = quiet->until_us <= now_us;
    if (over)
        vg_diag_add(diags, VG_GRADE_WARNING, quiet->loc, NULL, "leave it out",
                    "this %s is over since %s", what, vg_format_time(quiet->until_us, until));
    return over;
}

static bool is_endless(const struct vg_quiet *quiet)
{
    return quiet->until_us == VG_NEVER && !quiet->hours.given;
}

static bool is_any(const char *pattern)
{
    return !pattern || !pattern[strspn(pattern, "*")];
}

static bool takes_everything(const struct vg_match *match)
{
    unsigned all = (1u << VG_SEVERITIES) - 1;
    return is_any(match->dataset) && is_any(match->rule) && !match->tag &&
           (!match->severities || match->severities == all);
}

static void check_quiet(const struct vg_quiet *quiet, const struct vg_ruleset *rules,
                        int64_t now_us, struct vg_diags *diags)
{
    const struct reach reach = find_reach(&quiet->match, rules);
    if (warn_over(quiet, "silence", now_us, diags))
        return;
    if (is_endless(quiet) && takes_everything(&quiet->match))
        vg_diag_add(diags, VG_GRADE_WARNING, quiet->loc, NULL,
                    "say of what (dataset, rule, tag, severity), or until when",
                    "this silences everything without an end: nobody is told of anything");
    else if (!reach.dataset && quiet->match.dataset)
        warn_unknown(&quiet->match, rules, "silence", quiet->loc, diags);
    else if (!reach.rule)
        vg_diag_add(diags, VG_GRADE_WARNING, quiet->loc, NULL, NULL,
                    "this silence never matches: no rule has all that it asks for");
}

/* --- Retraining ------------------------------------------------------------------------------- */

static bool has_labels(const struct vg_ruleset *rules, const char *model)
{
    bool found = false;
    for (size_t i = 0; i < rules->ndatasets && !found; i++)
        found = rules->datasets[i]->role == VG_ROLE_LABELS &&
                vg_streq(rules->datasets[i]->model, model);
    return found;
}

static void check_retraining(const struct vg_retraining *retraining, const struct vg_ruleset *rules,
                             int64_t now_us, struct vg_diags *diags)
{
    for (size_t i = 0; i < retraining->nquiet; i++) {
        const struct vg_quiet *quiet = &retraining->quiet[i];
        if (!warn_over(quiet, "quiet time", now_us, diags) && is_endless(quiet))
            vg_diag_add(diags, VG_GRADE_WARNING, quiet->loc, NULL, "until: a time, days or between",
                        "this quiet time has no end: no request is ever made in it");
    }
    if (retraining->min_labels && rules->ndatasets && !has_labels(rules, retraining->model))
        vg_diag_add(diags, VG_GRADE_WARNING, retraining->min_labels_loc, NULL,
                    "role: labels, in the rule file of the table that holds them",
                    "min_labels: no dataset of %s holds labels, so nothing is ever asked for",
                    retraining->model);
}

void vg_validate_telling(const struct vg_config *config, const struct vg_ruleset *rules,
                         int64_t now_us, struct vg_diags *diags)
{
    for (size_t i = 0; i < config->nroutes && rules->ndatasets; i++)
        check_route(config, i, rules, diags);
    for (size_t i = 0; i < config->nquiet && rules->ndatasets; i++)
        check_quiet(&config->quiet[i], rules, now_us, diags);
    for (size_t i = 0; i < rules->ndatasets; i++) {
        const struct vg_dataset *dataset = rules->datasets[i];
        for (size_t k = 0; k < dataset->nquiet; k++)
            warn_over(&dataset->quiet[k], "silence", now_us, diags);
    }
    for (size_t i = 0; i < config->nretraining; i++)
        check_retraining(&config->retraining[i], rules, now_us, diags);
    for (size_t i = 0; i < rules->ndatasets; i++)
        check_told(config, rules->datasets[i], diags);
}
