/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names of the words of rule.h, and finding things by name in configuration and rules; layer 1.
 * Pure; borrows what it returns from what it was given. */
#include <string.h>

#include "pgvigil/rule.h"
#include "pgvigil/text.h"

const char *vg_class_name(enum vg_class class)
{
    static const char *const names[VG_CLASSES] = {
        [VG_CLASS_SCHEMA] = "schema",       [VG_CLASS_QUALITY] = "quality",
        [VG_CLASS_FRESHNESS] = "freshness", [VG_CLASS_VOLUME] = "volume",
        [VG_CLASS_DRIFT] = "drift",         [VG_CLASS_PERFORMANCE] = "performance",
    };
    return names[class];
}

const char *vg_cadence_name(enum vg_cadence cadence)
{
    return cadence == VG_ON_TICK ? "tick" : "window";
}

const char *vg_severity_name(enum vg_severity severity)
{
    static const char *const names[VG_SEVERITIES] = {
        [VG_SEVERITY_INFO] = "info",
        [VG_SEVERITY_WARNING] = "warning",
        [VG_SEVERITY_CRITICAL] = "critical",
    };
    return names[severity];
}

const char *vg_policy_name(enum vg_policy policy)
{
    static const char *const names[] = {
        [VG_POLICY_THRESHOLD] = "threshold",
        [VG_POLICY_P_VALUE] = "p_value",
        [VG_POLICY_BH] = "bh",
        [VG_POLICY_BUDGET] = "budget",
    };
    return names[policy];
}

const char *vg_season_name(enum vg_season season)
{
    static const char *const names[] = {
        [VG_SEASON_NONE] = NULL,
        [VG_SEASON_HOUR_OF_DAY] = "this hour of the day",
        [VG_SEASON_DAY_TYPE] = "this hour of such days",
        [VG_SEASON_HOUR_OF_WEEK] = "this hour of the week",
    };
    return names[season];
}

const char *vg_prediction_name(enum vg_prediction prediction)
{
    static const char *const names[] = {
        [VG_PREDICTION_NONE] = NULL,
        [VG_PREDICTION_PROBABILITY] = "probability",
        [VG_PREDICTION_CLASS] = "class",
        [VG_PREDICTION_SCORE] = "score",
        [VG_PREDICTION_CONFIDENCE] = "confidence",
    };
    return names[prediction];
}

const char *vg_role_name(enum vg_role role)
{
    static const char *const names[] = {
        [VG_ROLE_NONE] = NULL,
        [VG_ROLE_FEATURES] = "features",
        [VG_ROLE_PREDICTIONS] = "predictions",
        [VG_ROLE_LABELS] = "labels",
    };
    return names[role];
}

const char *vg_receiver_kind_name(enum vg_receiver_kind kind)
{
    static const char *const names[] = {
#define VG_RECEIVER(upper, lower, doc) [VG_RECEIVER_##upper] = #lower,
#include "pgvigil/receivers.def"
#undef VG_RECEIVER
    };
    return names[kind];
}

const struct vg_receiver *vg_config_receiver(const struct vg_config *config, const char *name)
{
    for (size_t i = 0; i < config->nreceivers; i++) {
        if (vg_streq(config->receivers[i].name, name))
            return &config->receivers[i];
    }
    return NULL;
}

const struct vg_connection *vg_config_connection(const struct vg_config *config, const char *name)
{
    for (size_t i = 0; i < config->nconnections; i++) {
        if (vg_streq(config->connections[i].name, name))
            return &config->connections[i];
    }
    return NULL;
}

const struct vg_retraining *vg_config_retraining(const struct vg_config *config, const char *model)
{
    for (size_t i = 0; i < config->nretraining; i++) {
        if (vg_streq(config->retraining[i].model, model))
            return &config->retraining[i];
    }
    return NULL;
}

/* What repeats the values or keys of a decoded source, private ones among them, in another form. */
static bool is_stored(const struct vg_long_source *wide, const char *column)
{
    return wide->codec && (vg_streq(column, wide->value) || vg_streq(column, wide->entity_key) ||
                           !strcmp(column, "value_text") || !strcmp(column, "vector_value"));
}

bool vg_dataset_is_private(const struct vg_dataset *dataset, const char *column)
{
    for (size_t i = 0; i < dataset->ncolumns; i++) {
        const struct vg_column_spec *spec = &dataset->columns[i];
        bool meant = !strcmp(spec->name, column) || !strcmp(spec->name, "*") ||
                     vg_streq(spec->name, dataset->long_source.value);
        if (spec->is_private && meant)
            return true;
    }
    for (size_t i = 0; dataset->private_keys && i < dataset->key.n; i++) {
        if (!strcmp(dataset->key.items[i], column))
            return true;
    }
    return is_stored(&dataset->long_source, column);
}

/* The datasets are sorted by id. */
const struct vg_dataset *vg_ruleset_find(const struct vg_ruleset *rules, const char *id)
{
    size_t from = 0, to = rules->ndatasets;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        int order = strcmp(rules->datasets[middle]->id, id);
        if (order == 0)
            return rules->datasets[middle];
        if (order < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return NULL;
}
