/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The seam of training systems: what each of them is asked, and what its answers mean.
 *
 * A system is one file agent/triggers/<name>.c and one line in pgvigil/triggers.def. It is pure: it
 * renders requests and reads answers; secrets, sockets, programs and clocks belong to whoever
 * drives it. An onset is asked for by a chain of requests, one after the other, each made from what
 * the answers before it said. A chain that ends before the system has said yes, and one that a
 * crash has cut off, begins anew: with its first request, so that a system without a key of its own
 * is asked for a run with ours before a second one could be started.
 */
#ifndef PGVIGIL_AGENT_TRIGGERS_SYSTEMS_H
#define PGVIGIL_AGENT_TRIGGERS_SYSTEMS_H

#include <stddef.h>

#include "agent/yaml/value.h"
#include "pgvigil/event.h"
#include "pgvigil/ports.h"
#include "pgvigil/rule.h"
#include "pgvigil/store_retraining.h"

enum vg_trigger_system {
#define VG_TRIGGER(upper, lower, doc) VG_TRIGGER_##upper,
#include "pgvigil/triggers.def"
#undef VG_TRIGGER
    VG_TRIGGER_SYSTEMS
};

/* A mapping of the user's with {{name}} in its texts: `node` while the file is read, afterwards
 * `text`, JSON whose names are all known, or NULL where it is not given. */
union vg_trigger_template {
    const struct vg_node *node;
    const char *text;
};

/* The beginning of what a system's table of keys fills in; see keys.h for the keys. A system's own
 * struct has this as its first member, its own keys behind it. Keys of type VG_VALUE_NODE, but for
 * `headers`, fill a union vg_trigger_template. */
struct vg_trigger_settings {
    const char *url, *url_file;
    int method; /* index into vg_http_methods */
    const struct vg_node *headers;
    const char *token_file, *user, *password_file;
    struct vg_strings token_command, run;
    const char *ca_file;
    bool insecure_http, allow_private;
    int64_t timeout_us;
    int64_t follow_for_us; /* 0: not followed */
    union vg_trigger_template parameters;
};

/* What a rendering and the reading of an answer may know. */
struct vg_trigger_in {
    const struct vg_retraining *retraining; /* with ->settings; NULL settings: none of them given */
    const char *url;                        /* the endpoint's, or what its url_file holds */
    const char *agent;                      /* name of the agent */
    const char *key;                        /* of the onset: the idempotency key */
    const struct vg_onset *onset;           /* NULL while a run is followed */
    const struct vg_retrain_run *run;       /* of following; else NULL */
    const char *token;    /* of token_file or token_command, or what a session gave; or NULL */
    const char *password; /* what password_file holds, or NULL */
    int step;             /* 0 first; then what the answer before said */
    const char *memory;   /* what the answers before have left, or NULL */
    int64_t asked_us;     /* when the run was first asked for: no run of ours is older */
    int64_t now_us;
};

/* What an answer means. Comes zeroed: outcome VG_DELIVERED, state VG_RETRAIN_ASKED. */
enum {
    VG_TRIGGER_WHY = 200,
    VG_TRIGGER_ID = 512,
    VG_TRIGGER_URL = 1024,
    VG_TRIGGER_MEMORY = 16384
};
struct vg_trigger_said {
    /* VG_DELIVERED: the chain is over, the request accepted, or, of following, something is known.
     * VG_RETRY: later again, from the first request. VG_PERMANENT: refused for good; of following,
     * the same as VG_RETRY. */
    enum vg_outcome outcome;
    bool more;                      /* of VG_DELIVERED: another request follows at once, with... */
    int step;                       /* ... this step, */
    char memory[VG_TRIGGER_MEMORY]; /* and this memory; "" leaves what is there */
    struct vg_buf
        token; /* a token that was asked for: in->token from here on; wiped, never stored */
    enum vg_retrain_state state; /* of the run; VG_RETRAIN_ASKED: accepted is all that is known */
    char id[VG_TRIGGER_ID];      /* what the system calls the run; "": as it was */
    char url[VG_TRIGGER_URL];    /* its page for people; "": as it was */
    int64_t retry_after_us;
    char why[VG_TRIGGER_WHY]; /* a short sentence, without a secret */
};

struct vg_trigger_ops {
    const char *name, *doc;
    const struct vg_key_table *keys; /* fills a struct of settings_size bytes */
    size_t settings_size;
    /* What token_file and token_command give may be a text of several lines, as JSON is; and where
     * neither is given, these variables of the environment, joined by colons, are the token: names
     * ended by NULL, the first two must be there. NULL: neither. */
    const char *const *environment;
    /* What the table cannot say, when the file is loaded: -1 with VG_E_CONFIG and perhaps a hint,
     * and in *key the key whose place is shown (NULL: that of the mapping). Or NULL. */
    int (*check)(const struct vg_retraining *retraining, const char **key, struct vg_error *err);
    /* The next request of the chain, in arena. */
    int (*render)(const struct vg_trigger_in *in, struct vg_arena *arena, struct vg_request *out,
                  struct vg_error *err);
    void (*answer)(const struct vg_trigger_in *in, const struct vg_response *response,
                   struct vg_trigger_said *said);
    /* The step that asks for the run. Before it this system only reads (GET), or posts_before: what
     * it is posted then leaves nothing behind. And, to show the chain without an answer, what the
     * answers before it might have left, or NULL. */
    int asks;
    bool posts_before;
    const char *recalls;
    /* The same for what became of the run in->run, whose id is not empty: a chain of its own. Both
     * or neither. */
    int (*follow)(const struct vg_trigger_in *in, struct vg_arena *arena, struct vg_request *out,
                  struct vg_error *err);
    void (*followed)(const struct vg_trigger_in *in, const struct vg_response *response,
                     struct vg_trigger_said *said);
};

#define VG_TRIGGER(upper, lower, doc) extern const struct vg_trigger_ops vg_trigger_##lower;
#include "pgvigil/triggers.def"
#undef VG_TRIGGER
const struct vg_trigger_ops *vg_trigger_system(enum vg_trigger_system system);
/* Of a retraining: its own, http where it names none. */
const struct vg_trigger_ops *vg_trigger_of(const struct vg_retraining *retraining);

/* --- What systems build their requests with (request.c) --------------------------------------- */

struct json_t;

/* A request: address, method, the endpoint's headers and rights, Content-Type `type` unless it is
 * NULL, and Authorization: Bearer with the token, or Basic with user and password, where there are
 * any. VG_E_CONFIG without a url. */
int vg_trigger_open(const struct vg_trigger_in *in, const char *method, const char *url,
                    const char *type, struct vg_arena *arena, struct vg_request *out,
                    struct vg_error *err);
/* The same with `body`, whose reference is stolen (NULL: out of memory), as JSON. */
int vg_trigger_post(const struct vg_trigger_in *in, const char *url, struct json_t *body,
                    struct vg_arena *arena, struct vg_request *out, struct vg_error *err);
int vg_trigger_get(const struct vg_trigger_in *in, const char *url, struct vg_arena *arena,
                   struct vg_request *out, struct vg_error *err);
/* POST of application/x-www-form-urlencoded. The body may hold a secret: it is in arena only. */
int vg_trigger_form(const struct vg_trigger_in *in, const char *url, const struct vg_pair *pairs,
                    size_t n, struct vg_arena *arena, struct vg_request *out, struct vg_error *err);
/* `format` behind in->url without its last slashes; each %s is percent-encoded as one segment of a
 * path or value of a query. No other conversion. In arena; NULL out of memory. */
const char *vg_trigger_url(const struct vg_trigger_in *in, struct vg_arena *arena,
                           const char *format, ...);
/* "pgvigil__" and the key: a name for the run; "pgvigil-" where it must be one of RFC 1123. In
 * arena. */
const char *vg_trigger_name(const struct vg_trigger_in *in, struct vg_arena *arena);
const char *vg_trigger_label(const struct vg_trigger_in *in, struct vg_arena *arena);

/* A sentence for those who see the run: why it is there. */
const char *vg_trigger_note(const struct vg_trigger_in *in);
/* The user's parameters (a mapping) with its {{name}} filled in; without any all that is known of
 * the onset. NULL out of memory. */
struct json_t *vg_trigger_parameters(const struct vg_trigger_in *in);
/* The same of another template; an empty mapping for NULL. */
struct json_t *vg_trigger_filled(const struct vg_trigger_in *in, const char *text);
/* A value as text, for systems whose parameters are texts: a text itself, numbers, true and false
 * as they are written, "" for null, JSON of all else. In arena; NULL out of memory. */
const char *vg_trigger_plain(const struct json_t *value, struct vg_arena *arena);
/* The members of `given`, whose reference is stolen, as such texts, behind `before` pairs that are
 * left to the caller; *n counts these, too. In arena. -1 out of memory, or where `given` is NULL.
 */
int vg_trigger_texts(struct json_t *given, size_t before, struct vg_arena *arena,
                     struct vg_pair **out, size_t *n);

/* --- What they read answers with -------------------------------------------------------------- */

/* The policy where a system has none of its own, as of receivers, but that 401 passes, and 403
 * where a limit of requests was meant: fills outcome, why and retry_after_us. True for 2xx. */
bool vg_trigger_took(const struct vg_response *response, struct vg_trigger_said *said);
/* The same of a run that is followed: 404 says that `what` was deleted, and the run is lost. */
bool vg_trigger_found(const struct vg_response *response, const char *what,
                      struct vg_trigger_said *said);
/* The body as JSON, to be released; JSON null when it is none. NULL out of memory is taken for it.
 */
struct json_t *vg_trigger_body(const struct vg_response *response);
/* What a look has found, to be released: a whole body, an object with a list of this name (NULL:
 * any object; "": the body is the list). Else NULL, and VG_RETRY is said: what cannot be read may
 * hide a run of ours. */
struct json_t *vg_trigger_look(const struct vg_response *response, const char *list,
                               struct vg_trigger_said *said);
/* The same of a run that a system without a second one of its name was asked for: true, too, of 409
 * that says it is there. Another conflict, and a quota of Kubernetes that is used up, pass. */
bool vg_trigger_made(const struct vg_response *response, struct vg_trigger_said *said);
/* Whether a 2xx tells of a run: a JSON object with a text or number at `path`; where it is cut off,
 * one that holds `ours` (NULL: nothing does). All else, a page to log in at for example, says
 * nothing of a run: VG_RETRY is said, and it is looked for before another is started. True of 409,
 * which has been understood before. */
bool vg_trigger_told(const struct vg_response *response, const char *path, const char *ours,
                     struct vg_trigger_said *said);
/* Whether the body says that what was to be created is there: code 6 of gRPC, or AlreadyExists. */
bool vg_trigger_exists(const struct vg_response *response);
/* The text or number at a path such as "runs/0/info/run_id" in out, cleaned and cut; "" where there
 * is none. Returns out. */
char *vg_trigger_at(const struct json_t *body, const char *path, char *out, size_t size);
/* Another request follows. */
void vg_trigger_more(struct vg_trigger_said *said, int step);
/* Refused for good, or again later, in these words. */
void vg_trigger_refuse(struct vg_trigger_said *said, enum vg_outcome outcome, const char *format,
                       ...) __attribute__((format(printf, 3, 4)));
/* What the words of a system mean: {"success", VG_RETRAIN_SUCCEEDED}, ...; VG_RETRAIN_ASKED for
 * one that is not in the list. Case does not count. */
struct vg_trigger_word {
    const char *word;
    enum vg_retrain_state state;
};
enum vg_retrain_state vg_trigger_state(const struct vg_trigger_word *words, size_t n,
                                       const char *word);
/* How a system tells of a run: said->state, and in said->why "the run is WORD: reason". */
struct vg_trigger_telling {
    const char *what;           /* "the run" */
    const char *state, *reason; /* paths in the body; reason may be NULL */
    const struct vg_trigger_word *words;
    size_t nwords;
};
void vg_trigger_tell(const struct vg_trigger_telling *telling, const struct json_t *body,
                     struct vg_trigger_said *said);
/* The page of the run for people, where there is room for it: `format`, as of vg_trigger_url,
 * behind `base`. */
void vg_trigger_page(struct vg_trigger_said *said, const char *base, const char *format, ...);

#endif
