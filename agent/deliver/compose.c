/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One message of many incidents: what all of them have in common, a line of each, and a key.
 *
 * Before it is sent for the first time the store keeps with each of its rows that they are told in
 * it: whoever got it and could not say so gets the same again, under the same key, and not another
 * one that tells of some of them twice.
 */
#include <inttypes.h>
#include <string.h>

#include "agent/deliver/parts.h"
#include "agent/message.h"
#include "agent/phrase.h"
#include "pgvigil/text.h"

enum { LINES = 20, LINE_BYTES = 16 << 10 };

/* --- What the incidents have in common -------------------------------------------------------- */

/* One of many; the rest of its message is forgotten. */
struct member {
    enum vg_severity severity;
    const char *line, *runbook, *dashboard;
};

struct composing {
    struct vg_deliver *deliver;
    struct vg_lane *lane;
    int sort;                  /* of its rows */
    struct vg_outgoing *first; /* of them */
    struct vg_arena *arena;
    struct vg_message *message;
    struct vg_gathered *many;
    struct member *members;
    const char **datasets; /* all that were named */
};

/* A text that all have in common, or NULL. The first decides, the others can only differ. */
static int join(const struct composing *in, const char *text, const char **common)
{
    if (in->many->incidents == 0)
        *common = vg_arena_strdup(in->arena, text);
    else if (*common && !vg_streq(*common, text))
        *common = NULL;
    return !in->many->incidents && text && !*common ? -1 : 0;
}

/* The page, without the place of one dataset in it. */
static int join_page(const struct composing *in, const char *url)
{
    const char *page = url ? vg_arena_strndup(in->arena, url, strcspn(url, "#")) : NULL;
    return url && !page ? -1 : join(in, page, &in->message->url);
}

static int add_model(const struct composing *in, const char *model)
{
    struct vg_gathered *many = in->many;
    enum { NAMED = sizeof many->models / sizeof many->models[0] };
    bool known = !model || !*model;
    for (size_t i = 0; i < many->nmodels && i < NAMED && !known; i++)
        known = vg_streq(many->models[i], model);
    if (known)
        return 0;
    if (many->nmodels < NAMED && !(many->models[many->nmodels] = vg_arena_strdup(in->arena, model)))
        return -1;
    many->nmodels++;
    return 0;
}

static int add_dataset(const struct composing *in, const char *dataset)
{
    struct vg_gathered *many = in->many;
    bool known = false;
    for (size_t i = 0; i < many->datasets && !known; i++)
        known = vg_streq(in->datasets[i], dataset);
    if (!known && !(in->datasets[many->datasets++] = vg_arena_strdup(in->arena, dataset)))
        return -1;
    return 0;
}

static const char *make_line(const struct composing *in, const struct vg_message *one)
{
    struct vg_buf text;
    vg_buf_init(&text, LINE_BYTES);
    vg_phrase_one(&text, one);
    const char *line = text.failed ? NULL : vg_arena_strdup(in->arena, text.data);
    vg_buf_free(&text);
    return line;
}

/* A text that may be missing, into the arena. */
static int keep(const struct composing *in, const char *text, const char **out)
{
    *out = vg_arena_strdup(in->arena, text);
    return text && !*out ? -1 : 0;
}

static int add_one(struct composing *in, const struct vg_message *one)
{
    struct vg_message *all = in->message;
    struct vg_gathered *many = in->many;
    const struct vg_message_item *lead = vg_phrase_lead(one);
    struct member *member = &in->members[many->incidents];
    const char *runbook = vg_phrase_runbook(one);
    *member = (struct member){.severity = one->severity, .line = make_line(in, one)};
    if (!member->line || keep(in, runbook, &member->runbook) < 0 ||
        keep(in, one->dashboard, &member->dashboard) < 0 ||
        join(in, one->connection, &all->connection) < 0 || join(in, one->owner, &all->owner) < 0 ||
        join(in, runbook, &all->runbook) < 0 || join(in, one->dashboard, &all->dashboard) < 0 ||
        join_page(in, one->url) < 0 || join(in, lead ? lead->check : NULL, &many->check) < 0 ||
        add_model(in, one->model) < 0 || add_dataset(in, one->dataset) < 0)
        return -1;
    all->severity = one->severity > all->severity ? one->severity : all->severity;
    all->onset_us = one->onset_us < all->onset_us ? one->onset_us : all->onset_us;
    many->by_severity[one->severity]++;
    many->updates += one->kind == VG_MSG_UPDATE;
    many->incidents++;
    return 0;
}

/* What leads further is told once of each dataset, and where it is that of all not at all. */
static const char *choose_link(const char *url, const char *common, const char *const *before,
                               size_t n)
{
    bool known = !url || vg_streq(url, common);
    for (size_t i = 0; i < n && !known; i++)
        known = vg_streq(before[i], url);
    return known ? NULL : url;
}

/* The gravest first, of equal ones the oldest. */
static int choose_lines(struct composing *in)
{
    struct vg_gathered *many = in->many;
    const char **lines = vg_arena_array(in->arena, LINES, sizeof *lines);
    const char **runbooks = vg_arena_array(in->arena, LINES, sizeof *runbooks);
    const char **dashboards = vg_arena_array(in->arena, LINES, sizeof *dashboards);
    bool ends = in->sort == vg_gather_sort(VG_MSG_RESOLVE);
    if (!lines || !runbooks || !dashboards)
        return -1;
    for (int severity = VG_SEVERITIES - 1; severity >= 0; severity--) {
        for (size_t i = 0; i < many->incidents && many->nlines < LINES; i++) {
            const struct member *member = &in->members[i];
            size_t n = many->nlines;
            if ((int)member->severity != severity)
                continue;
            runbooks[n] =
                ends ? NULL : choose_link(member->runbook, in->message->runbook, runbooks, n);
            dashboards[n] = choose_link(member->dashboard, in->message->dashboard, dashboards, n);
            lines[many->nlines++] = member->line;
        }
    }
    many->lines = lines;
    many->runbooks = runbooks;
    many->dashboards = dashboards;
    return 0;
}

/* Reads one row's message in an arena of its own, for it may be long. *read false: it cannot be
 * read, and stays for its own turn. */
static int take_row(struct vg_deliver *deliver, struct composing *in, const struct vg_outgoing *row,
                    bool *read, struct vg_error *err)
{
    struct vg_message one;
    const char *body;
    struct vg_arena *arena = vg_arena_new();
    int rc = arena ? vg_store_outbox_body(deliver->store, row->id, arena, &body, err)
                   : vg_fail(err, VG_E_MEMORY, "out of memory");
    *read = false;
    if (!rc && vg_message_read(body, arena, &one, err) == 0) {
        *read = true;
        rc = add_one(in, &one) < 0 ? vg_fail(err, VG_E_MEMORY, "out of memory") : 0;
    } else if (!rc && err && err->code == VG_E_MEMORY) {
        rc = -1;
    }
    vg_arena_free(arena);
    return rc;
}

/* --- The message ------------------------------------------------------------------------------ */

/* Of the agent, the receiver and the rows it was made of. */
static int make_key(const struct vg_deliver *deliver, const struct vg_lane *lane,
                    struct vg_arena *arena, char key[VG_KEY_SIZE])
{
    size_t n = lane->nmembers + 2;
    const char **parts = vg_arena_array(arena, n, sizeof *parts);
    bool fine = parts != NULL;
    for (size_t i = 0; fine && i < lane->nmembers; i++)
        fine = (parts[i + 2] = vg_arena_printf(arena, "%" PRId64, lane->members[i])) != NULL;
    if (!fine)
        return -1;
    parts[0] = deliver->agent;
    parts[1] = lane->name;
    vg_hash_hex(key, parts, n);
    return 0;
}

static int start_composing(struct composing *in, struct vg_arena *arena)
{
    in->arena = arena;
    in->message = vg_arena_alloc(arena, sizeof *in->message);
    in->many = vg_arena_alloc(arena, sizeof *in->many);
    in->members = vg_arena_array(arena, VG_GATHER_MOST, sizeof *in->members);
    in->datasets = vg_arena_array(arena, VG_GATHER_MOST, sizeof *in->datasets);
    if (!in->message || !in->many || !in->members || !in->datasets)
        return -1;
    *in->many = (struct vg_gathered){0};
    *in->message = (struct vg_message){
        .agent = in->deliver->agent,
        .dataset = "many",
        .at_us = in->deliver->turn_us,
        .onset_us = VG_NEVER,
        .gathered = in->many,
    };
    return 0;
}

/* All of the sort that can be read, into the message. */
static int add_rows(struct composing *in, const struct vg_outgoing *rows, size_t n,
                    struct vg_error *err)
{
    struct vg_lane *lane = in->lane;
    struct vg_outgoing *first = in->first;
    lane->nmembers = 0;
    for (size_t i = 0; i < n && lane->nmembers < VG_GATHER_MOST; i++) {
        const struct vg_outgoing *row = &rows[i];
        bool read;
        if (vg_gather_sort(row->kind) != in->sort)
            continue;
        if (take_row(in->deliver, in, row, &read, err) < 0)
            return -1;
        if (!read)
            continue;
        if (!lane->nmembers)
            *first = *row;
        else if (!vg_streq(first->kept, row->kept))
            first->kept = NULL;
        first->attempts = row->attempts > first->attempts ? row->attempts : first->attempts;
        lane->members[lane->nmembers++] = row->id;
    }
    return 0;
}

/* Its lines and what else is of all of it; the key is in in->message->key. */
static int end_composing(struct composing *in, struct vg_error *err)
{
    static const enum vg_message_kind kinds[VG_GATHER_SORTS] = {VG_MSG_OPEN, VG_MSG_REMIND,
                                                                VG_MSG_RESOLVE};
    if (choose_lines(in) < 0)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    in->message->kind = kinds[in->sort];
    memcpy(in->first->key, in->message->key, VG_KEY_SIZE);
    in->first->kind = in->message->kind;
    return 0;
}

int vg_gather_compose(struct vg_deliver *deliver, struct vg_lane *lane,
                      const struct vg_gather *gather, struct vg_outgoing *first,
                      struct vg_arena *arena, const struct vg_message **message,
                      struct vg_error *err)
{
    struct composing in = {
        .deliver = deliver, .lane = lane, .sort = gather->together, .first = first};
    *message = NULL;
    if (start_composing(&in, arena) < 0)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    if (add_rows(&in, gather->rows, gather->n, err) < 0)
        return -1;
    if (lane->nmembers < 2)
        return 0;
    if (make_key(deliver, lane, arena, in.message->key) < 0)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    if (end_composing(&in, err) < 0 ||
        vg_store_outbox_begun(deliver->store, lane->members, lane->nmembers, in.message->key, err) <
            0)
        return -1;
    lane->gathering[in.sort] = false;
    *message = in.message;
    return 0;
}

/* A receiver of this name may have become one that hears of each. */
static bool can_gather(struct vg_deliver *deliver, const struct vg_lane *lane)
{
    pthread_mutex_lock(&deliver->lock);
    const struct vg_receiver *receiver = vg_config_receiver(deliver->config, lane->name);
    bool can = !receiver || vg_sink_of(receiver->kind)->gathers;
    pthread_mutex_unlock(&deliver->lock);
    return can;
}

static int let_go(struct vg_deliver *deliver, const struct vg_outgoing *rows, size_t n,
                  struct vg_error *err)
{
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = vg_store_outbox_apart(deliver->store, rows[i].id, true, err);
    return rc;
}

int vg_gather_again(struct vg_deliver *deliver, struct vg_lane *lane,
                    const struct vg_gather *gather, struct vg_outgoing *first,
                    struct vg_arena *arena, const struct vg_message **message, struct vg_error *err)
{
    struct composing in = {.deliver = deliver, .lane = lane, .first = first};
    struct vg_outgoing *rows;
    size_t n;
    *message = NULL;
    if (start_composing(&in, arena) < 0)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    if (vg_store_outbox_digest(deliver->store, lane->name, gather->begun, arena, &rows, &n, err) <
        0)
        return -1;
    in.sort = n ? vg_gather_sort(rows[0].kind) : -1;
    lane->nmembers = 0;
    if (can_gather(deliver, lane) && in.sort >= 0 && add_rows(&in, rows, n, err) < 0)
        return -1;
    if (lane->nmembers < 2) /* people have dropped the others */
        return let_go(deliver, rows, n, err);
    snprintf(in.message->key, VG_KEY_SIZE, "%s", gather->begun);
    if (end_composing(&in, err) < 0)
        return -1;
    *message = in.message;
    return 0;
}
