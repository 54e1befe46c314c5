/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Typed values of YAML mappings by tables; layer 4.
 *
 * One table per mapping says for each key its type, where it goes, its default and what it means.
 * The tables drive reading, faults with hints, and documentation. A reader goes on after each
 * fault, so that all of them are reported at once.
 */
#ifndef PGVIGIL_VALUE_H
#define PGVIGIL_VALUE_H

#include "agent/yaml/yaml.h"
#include "pgvigil/rule.h"
#include "pgvigil/time.h"

enum vg_value_type {
    VG_VALUE_BOOL,     /* bool: true or false, nothing else */
    VG_VALUE_INT,      /* int64_t */
    VG_VALUE_NUMBER,   /* double, finite */
    VG_VALUE_RATIO,    /* double in 0 .. 1, written 1% or 0.01 */
    VG_VALUE_PERCENT,  /* double, written 10 or 10% */
    VG_VALUE_DURATION, /* int64_t microseconds */
    VG_VALUE_TIME,     /* int64_t microseconds since 1970; naive ones in the reader's zone */
    VG_VALUE_STRING,   /* const char *, not empty */
    VG_VALUE_STRINGS,  /* struct vg_strings; a list, or one text */
    VG_VALUE_CHOICE,   /* int: index into choices */
    VG_VALUE_NAME,     /* const char *: [A-Za-z0-9_.-]+, at most 100 bytes */
    VG_VALUE_NAMES,    /* struct vg_strings: names, each once; a list, or one */
    VG_VALUE_SQL,      /* const char *: an expression, exactly as written */
    VG_VALUE_QUERY,    /* const char *: one SELECT, exactly as written */
    VG_VALUE_URL,      /* const char *: http or https with a host */
    VG_VALUE_PATH,     /* const char *: relative ones joined to the reader's folder */
    VG_VALUE_NODE,     /* const struct vg_node *: read by its owner */
    VG_VALUE_REFUSED,  /* known, but an error: `doc` is the message, `fallback` the hint */
};

struct vg_key {
    const char *name;
    enum vg_value_type type;
    size_t offset; /* in the struct that is filled */
    bool required;
    bool blank;                 /* a text, or one of a list, may be empty or all blanks */
    const char *fallback;       /* default as it would be written; NULL: zero bytes */
    const char *const *choices; /* NULL-terminated, of VG_VALUE_CHOICE */
    const char *least, *most;   /* of numbers and durations, as written; NULL: no bound */
    const char *shown;          /* for documentation: type of a node, or a computed default */
    const char *doc;
};

struct vg_key_table {
    const char *mapping; /* name for people: "schedule" */
    const struct vg_key *keys;
    size_t n;
};

/* What the reading of one file needs. Results go to arena, what only lasts as long as the document
 * to scratch. */
struct vg_reader {
    struct vg_arena *arena, *scratch;
    struct vg_diags *diags;
    const struct vg_document *document;
    const char *folder;         /* base of relative paths, NULL: none */
    const struct vg_zone *zone; /* of naive times, NULL: UTC */
    size_t faults;              /* errors reported so far */
    bool memory;                /* ran out of it: the result is void */
};

enum { VG_PART_KEYS = 128 }; /* most keys of a table */

/* A table and the struct that it fills. */
struct vg_part {
    const struct vg_key *keys;
    size_t n;
    void *out;
    /* By index of key: it stands in the file; it was faulty. */
    bool given[VG_PART_KEYS], bad[VG_PART_KEYS];
    size_t nbad;
};

/* Reads a mapping through its parts; `what` names it in messages ("schedule"). Defaults are filled
 * in first. Unknown, refused, missing and faulty keys are reported. A node that is no mapping is
 * reported too. False when the mapping could not be read at all. */
bool vg_read_mapping(struct vg_reader *r, const struct vg_node *node, const char *what,
                     struct vg_part *parts, size_t nparts);
/* The same with one table. */
bool vg_read_table(struct vg_reader *r, const struct vg_node *node,
                   const struct vg_key_table *table, struct vg_part *part, void *out);
/* Fills in the defaults of a part alone. */
void vg_read_defaults(struct vg_reader *r, struct vg_part *part);
/* Whether the key stands in the file; whether it does and was read without fault. */
bool vg_part_given(const struct vg_part *part, const char *name);
bool vg_part_fine(const struct vg_part *part, const char *name);

/* Reads one value of a key into `out` (the field itself). False after a fault, which is reported
 * with `what` as the value's name; a list then holds NULL for each of its faulty items. */
bool vg_read_value(struct vg_reader *r, const struct vg_node *node, const struct vg_key *key,
                   const char *what, void *out);
/* Reads the text of a default or a bound. False when it does not fit its type: a bug of the table.
 */
bool vg_value_default(struct vg_reader *r, const struct vg_key *key, const char *text, void *out);

/* The text of a scalar with ${NAME}, ${NAME:-default} and $$ replaced; NULL after a fault. */
const char *vg_read_text(struct vg_reader *r, const struct vg_node *node, const char *what);

/* A fault where a text that people click on is an address that runs, as javascript: is; a warning
 * where it is another that no link is made of, with `needed` also where it is none. */
void vg_read_link(struct vg_reader *r, const struct vg_node *node, const char *what,
                  const char *text, bool needed);

/* [A-Za-z0-9_.-]+ of at most 100 bytes. */
bool vg_name_valid(const char *name);
/* What to write for a duration in other words, "5 min" -> "5m"; NULL when it cannot be guessed. */
const char *vg_duration_advice(const char *text, struct vg_arena *arena);

/* Reports a fault. hint may be NULL. */
void vg_read_fault(struct vg_reader *r, struct vg_loc loc, const char *hint, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void vg_read_warning(struct vg_reader *r, struct vg_loc loc, const char *hint, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Text in scratch, for hints; NULL without memory. */
const char *vg_read_printf(struct vg_reader *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* A text from the file as it may be shown in a message: cut and cleaned, without quotes. */
const char *vg_read_shown(struct vg_reader *r, const char *text);
/* "did you mean "x"?", or "known here: a, b", or NULL: the hint for a word that is none of these.
 */
const char *vg_read_advice(struct vg_reader *r, const char *given, const char *const *words,
                           size_t n);

/* For documentation: "duration", "ratio", "info|warning|critical" ... In arena. */
const char *vg_key_type_name(const struct vg_key *key, struct vg_arena *arena);
/* "5m", "smaller of window and 5m", or "" without a default. */
const char *vg_key_default(const struct vg_key *key);

/* Every mapping of pgvigil.yaml, and every mapping of a rule file without the checks' parameters.
 */
const struct vg_key_table *const *vg_config_tables(size_t *n);
const struct vg_key_table *const *vg_rule_tables(size_t *n);

#endif
