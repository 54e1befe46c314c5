/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Routes and silences that can never matter: a slip of the pen that only shows when nobody comes.
 * Looks at the files alone; what it cannot know it takes for possible. */
#include "agent/commands/validate_telling.h"

#include <stdio.h>

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

static void check_quiet(const struct vg_quiet *quiet, const struct vg_ruleset *rules,
                        struct vg_diags *diags)
{
    const struct reach reach = find_reach(&quiet->match, rules);
    if (!reach.dataset && quiet->match.dataset)
        warn_unknown(&quiet->match, rules, "silence", quiet->loc, diags);
    else if (!reach.rule)
        vg_diag_add(diags, VG_GRADE_WARNING, quiet->loc, NULL, NULL,
                    "this silence never matches: no rule has all that it asks for");
}

void vg_validate_telling(const struct vg_config *config, const struct vg_ruleset *rules,
                         struct vg_diags *diags)
{
    for (size_t i = 0; i < config->nroutes && rules->ndatasets; i++)
        check_route(config, i, rules, diags);
    for (size_t i = 0; i < config->nquiet && rules->ndatasets; i++)
        check_quiet(&config->quiet[i], rules, diags);
}
