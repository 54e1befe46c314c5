/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The JSON of `pgvigil retrain list`. Fields are only ever added. */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "agent/commands/retrain_show.h"

static json_t *make_time(int64_t us)
{
    char text[VG_TIME_TEXT];
    return us == VG_NEVER ? json_null() : json_string(vg_format_time(us, text));
}

/* What was cut or came from elsewhere need not be UTF-8, without which there would be no JSON. */
static json_t *make_text(const char *text)
{
    struct vg_buf clean;
    if (!text)
        return json_null();
    vg_buf_init(&clean, 1 << 16);
    vg_utf8_clean(&clean, text, strlen(text), false);
    json_t *made = clean.failed ? NULL : json_stringn(clean.data, clean.len);
    vg_buf_free(&clean);
    return made;
}

static json_t *make_number(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

static json_t *make_onset(const struct vg_onset *onset)
{
    static const char *const states[] = {"open", "fired", "ended"};
    static const char *const approvals[] = {"none", "asked", "given", "denied"};
    return json_pack(
        "{s:s, s:s, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:o,"
        " s:s, s:o, s:o, s:o}",
        "key", onset->key, "state", states[onset->state], "fired", onset->fired, "by_hand",
        onset->by_hand, "dataset", make_text(onset->dataset), "rule", make_text(onset->rule),
        "column", make_text(onset->column), "check", make_text(onset->check), "segment",
        make_text(onset->segment), "due", make_time(onset->due_us), "window_from",
        make_time(onset->evidence.start_us), "window_to", make_time(onset->evidence.end_us),
        "value", make_number(onset->value), "limit", make_number(onset->limit), "rows",
        (json_int_t)onset->rows, "fired_at", make_time(onset->fired_us), "ended_at",
        make_time(onset->ended_us), "approval", approvals[onset->approval], "approval_at",
        make_time(onset->approval_us), "approval_by", make_text(onset->approval_by), "approval_why",
        make_text(onset->approval_why));
}

static json_t *make_run(const struct vg_retrain_run *run)
{
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o}", "onset", run->key,
                     "state", vg_retrain_state_name(run->state), "system", make_text(run->system),
                     "run", make_text(run->id), "url", make_text(run->url), "asked_at",
                     make_time(run->asked_us), "accepted_at", make_time(run->accepted_us),
                     "ended_at", make_time(run->ended_us), "followed", run->until_us != VG_NEVER,
                     "answer", make_text(run->answer));
}

/* The grounds as they were then; null where there was no onset. */
static json_t *make_evidence(const struct vg_decision *decision)
{
    if (!decision->dataset)
        return json_null();
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:I}", "dataset", make_text(decision->dataset),
                     "rule", make_text(decision->rule), "window_from",
                     make_time(decision->evidence.start_us), "window_to",
                     make_time(decision->evidence.end_us), "value", make_number(decision->value),
                     "limit", make_number(decision->limit), "rows", (json_int_t)decision->rows);
}

static json_t *make_decision(const struct vg_decision *decision)
{
    return json_pack("{s:o, s:s, s:s, s:o, s:o, s:o}", "at", make_time(decision->at_us), "onset",
                     decision->key, "decision", vg_decision_name(decision->kind), "by",
                     make_text(decision->by ? decision->by : "pgvigil"), "reason",
                     make_text(decision->reason), "evidence", make_evidence(decision));
}

static json_t *make_group(const struct vg_retrain_group *group)
{
    struct vg_buf line;
    json_t *onsets = json_array(), *runs = json_array(), *decisions = json_array();
    vg_buf_init(&line, 1 << 16);
    vg_retrain_state_say(&line, &group->standing);
    for (size_t i = 0; i < group->nonsets; i++)
        json_array_append_new(onsets, make_onset(&group->onsets[i]));
    for (size_t i = 0; i < group->nruns; i++)
        json_array_append_new(runs, make_run(&group->runs[i]));
    for (size_t i = 0; i < group->ndecisions; i++)
        json_array_append_new(decisions, make_decision(&group->decisions[i]));
    json_t *made = json_pack(
        "{s:s, s:s, s:o, s:s?, s:s, s:b, s:o, s:o, s:o}", "model", group->config->model, "state",
        vg_retrain_state_word(&group->standing), "says", make_text(line.failed ? "" : line.data),
        "onset", group->standing.onset ? group->standing.onset->key : NULL, "approval",
        group->config->manual ? "manual" : "automatic", "dry_run", group->config->dry_run, "onsets",
        onsets, "runs", runs, "decisions", decisions);
    vg_buf_free(&line);
    return made;
}

int vg_retrain_json(const struct vg_retrain_group *groups, size_t n)
{
    json_t *models = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(models, make_group(&groups[i]));
    json_t *root = json_pack("{s:i, s:o}", "schema", 1, "models", models);
    int rc = root ? json_dumpf(root, stdout, JSON_INDENT(2)) : -1;
    putchar('\n');
    json_decref(root);
    return rc < 0 ? VG_EXIT_INTERNAL : VG_EXIT_OK;
}
