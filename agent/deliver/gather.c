/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Many incidents at once: which rows wait for others, and the one message that tells of them all.
 *
 * Of each sort (news, reminders, ends) a receiver is sent a few messages singly, as many as its
 * `digest` says within `digest_within`. What exceeds them is told together, by its end.
 * Rows stay in the outbox, each for itself, until the message that told of them was delivered, and
 * which of them it tells of is found out anew at every attempt: so order, pairs and crashes are
 * what they are for a single message.
 */
#include <inttypes.h>
#include <string.h>

#include "agent/deliver/parts.h"
#include "agent/message.h"
#include "agent/phrase.h"
#include "pgvigil/log.h"
#include "pgvigil/text.h"

enum { LINES = 20, LINE_BYTES = 16 << 10 };

int vg_gather_sort(enum vg_message_kind kind)
{
    switch (kind) {
    case VG_MSG_OPEN:
    case VG_MSG_UPDATE:
        return 0;
    case VG_MSG_REMIND:
        return 1;
    case VG_MSG_RESOLVE:
        return 2;
    default:
        return -1;
    }
}

/* --- When ------------------------------------------------------------------------------------- */

struct crowd {
    int most; /* single messages within so long; 0: any number */
    int64_t within_us;
};

static struct crowd find_crowd(struct vg_deliver *deliver, const struct vg_lane *lane,
                               int64_t now_us)
{
    struct crowd crowd = {0};
    pthread_mutex_lock(&deliver->lock);
    const struct vg_receiver *receiver =
        lane->kind == VG_SINK_RECEIVER ? vg_config_receiver(deliver->config, lane->name) : NULL;
    if (receiver && vg_sink_of(receiver->kind)->gathers && lane->singly_us <= now_us)
        crowd = (struct crowd){receiver->digest, receiver->digest_within_us};
    pthread_mutex_unlock(&deliver->lock);
    return crowd;
}

/* How many may be sent one by one now: each leaves a trace for its share of the time. A trace that
 * reaches further than the time itself is of a clock that was set back. */
static int64_t count_free(const struct vg_deliver *deliver, const struct vg_lane *lane, int sort,
                          const struct crowd *crowd, int64_t now_us)
{
    int64_t left_us = lane->crowd_us[sort] - now_us;
    if (!deliver->paced || left_us <= 0 || left_us > crowd->within_us)
        return crowd->most;
    int64_t share_us = crowd->within_us / crowd->most;
    return crowd->most - (left_us + share_us - 1) / share_us;
}

/* What becomes of n rows of a sort, the oldest of which is so old. True: they wait. */
static bool must_wait(struct vg_lane *lane, struct vg_gather *out, int sort, int64_t oldest_us,
                      const struct crowd *crowd, int64_t now_us)
{
    int64_t until_us = oldest_us + crowd->within_us;
    if (until_us <= now_us || until_us - now_us > crowd->within_us)
        return false;
    if (!lane->gather_us || until_us < lane->gather_us)
        lane->gather_us = until_us;
    out->held[sort] = lane->gathering[sort] = true;
    return true;
}

static void decide(const struct vg_deliver *deliver, struct vg_lane *lane,
                   const struct crowd *crowd, struct vg_gather *out)
{
    int64_t now_us = deliver->turn_us;
    for (int sort = 0; sort < VG_GATHER_SORTS; sort++) {
        int64_t n = 0, oldest_us = VG_NEVER;
        for (size_t i = 0; i < out->n; i++) {
            const struct vg_outgoing *row = &out->rows[i];
            bool own = vg_gather_sort(row->kind) == sort;
            n += own;
            oldest_us = own && row->created_us < oldest_us ? row->created_us : oldest_us;
        }
        int64_t spare = count_free(deliver, lane, sort, crowd, now_us);
        bool began = lane->gathering[sort] && n;
        lane->gathering[sort] = false;
        if (n <= spare && !began)
            continue;
        if ((began || spare < crowd->most) && must_wait(lane, out, sort, oldest_us, crowd, now_us))
            continue;
        if (n > 1 && out->together < 0)
            out->together = sort;
    }
}

int vg_deliver_gather(struct vg_deliver *deliver, struct vg_lane *lane, struct vg_arena *arena,
                      struct vg_gather *out, struct vg_error *err)
{
    const struct crowd crowd = find_crowd(deliver, lane, deliver->turn_us);
    *out = (struct vg_gather){.together = -1};
    lane->gather_us = 0;
    if (crowd.most <= 0)
        return 0;
    if (vg_store_outbox_gather(deliver->store, lane->name, deliver->turn_us, arena, &out->rows,
                               &out->n, err) < 0)
        return -1;
    decide(deliver, lane, &crowd, out);
    return 0;
}

bool vg_gather_holds(const struct vg_gather *gather, const struct vg_outgoing *row)
{
    int sort = vg_gather_sort(row->kind);
    bool found = false;
    for (size_t i = 0; sort >= 0 && gather->held[sort] && i < gather->n && !found; i++)
        found = gather->rows[i].id == row->id;
    return found;
}

void vg_gather_count(struct vg_deliver *deliver, struct vg_lane *lane, enum vg_message_kind kind,
                     int64_t now_us)
{
    const struct crowd crowd = find_crowd(deliver, lane, now_us);
    int sort = vg_gather_sort(kind);
    if (crowd.most <= 0 || sort < 0)
        return;
    int64_t *until_us = &lane->crowd_us[sort];
    int64_t left_us = *until_us - now_us;
    bool fresh = left_us <= 0 || left_us > crowd.within_us;
    int64_t next_us = (fresh ? now_us : *until_us) + crowd.within_us / crowd.most;
    *until_us = next_us < now_us + crowd.within_us ? next_us : now_us + crowd.within_us;
}

/* --- What ------------------------------------------------------------------------------------- */

/* One of many; the rest of its message is forgotten. */
struct member {
    enum vg_severity severity;
    const char *line;
};

struct composing {
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

static int add_one(struct composing *in, const struct vg_message *one)
{
    struct vg_message *all = in->message;
    struct vg_gathered *many = in->many;
    const struct vg_message_item *lead = vg_phrase_lead(one);
    struct member *member = &in->members[many->incidents];
    *member = (struct member){one->severity, make_line(in, one)};
    if (!member->line || join(in, one->connection, &all->connection) < 0 ||
        join(in, one->owner, &all->owner) < 0 || join(in, one->runbook, &all->runbook) < 0 ||
        join(in, one->url, &all->url) < 0 ||
        join(in, lead ? lead->check : NULL, &many->check) < 0 || add_model(in, one->model) < 0 ||
        add_dataset(in, one->dataset) < 0)
        return -1;
    all->severity = one->severity > all->severity ? one->severity : all->severity;
    all->onset_us = one->onset_us < all->onset_us ? one->onset_us : all->onset_us;
    many->by_severity[one->severity]++;
    many->incidents++;
    return 0;
}

/* The gravest first, of equal ones the oldest. */
static int choose_lines(struct composing *in)
{
    struct vg_gathered *many = in->many;
    const char **lines = vg_arena_array(in->arena, LINES, sizeof *lines);
    if (!lines)
        return -1;
    for (int severity = VG_SEVERITIES - 1; severity >= 0; severity--) {
        for (size_t i = 0; i < many->incidents && many->nlines < LINES; i++) {
            if ((int)in->members[i].severity == severity)
                lines[many->nlines++] = in->members[i].line;
        }
    }
    many->lines = lines;
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

/* The same of the same rows, so that who tells repetitions apart can do so. */
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

static int start_composing(struct composing *in, const struct vg_deliver *deliver,
                           struct vg_arena *arena)
{
    *in = (struct composing){
        .arena = arena,
        .message = vg_arena_alloc(arena, sizeof *in->message),
        .many = vg_arena_alloc(arena, sizeof *in->many),
        .members = vg_arena_array(arena, VG_GATHER_MOST, sizeof *in->members),
        .datasets = vg_arena_array(arena, VG_GATHER_MOST, sizeof *in->datasets),
    };
    if (!in->message || !in->many || !in->members || !in->datasets)
        return -1;
    *in->many = (struct vg_gathered){0};
    *in->message = (struct vg_message){
        .agent = deliver->agent,
        .dataset = "many",
        .at_us = deliver->turn_us,
        .onset_us = VG_NEVER,
        .gathered = in->many,
    };
    return 0;
}

int vg_gather_compose(struct vg_deliver *deliver, struct vg_lane *lane,
                      const struct vg_gather *gather, struct vg_outgoing *first,
                      struct vg_arena *arena, const struct vg_message **message,
                      struct vg_error *err)
{
    static const enum vg_message_kind kinds[VG_GATHER_SORTS] = {VG_MSG_OPEN, VG_MSG_REMIND,
                                                                VG_MSG_RESOLVE};
    struct composing in;
    *message = NULL;
    lane->nmembers = 0;
    if (start_composing(&in, deliver, arena) < 0)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    for (size_t i = 0; i < gather->n && lane->nmembers < VG_GATHER_MOST; i++) {
        const struct vg_outgoing *row = &gather->rows[i];
        bool read;
        if (vg_gather_sort(row->kind) != gather->together)
            continue;
        if (take_row(deliver, &in, row, &read, err) < 0)
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
    if (lane->nmembers < 2)
        return 0;
    in.message->kind = kinds[gather->together];
    if (choose_lines(&in) < 0 || make_key(deliver, lane, arena, in.message->key) < 0)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    memcpy(first->key, in.message->key, VG_KEY_SIZE);
    first->kind = in.message->kind;
    const struct crowd crowd = find_crowd(deliver, lane, deliver->turn_us);
    lane->crowd_us[gather->together] = deliver->turn_us + crowd.within_us;
    *message = in.message;
    return 0;
}
