/* SPDX-License-Identifier: GPL-3.0-or-later */
/* YAML text as a tree of nodes that know their places; layer 4.
 *
 * The only family of files that knows libyaml. A strict subset of YAML 1.2: one document, one root
 * mapping, no anchors, aliases or tags, no duplicate keys, no tabs, valid UTF-8, everything
 * bounded. Every fault is reported with its place, and reading goes on where that makes sense.
 */
#ifndef PGVIGIL_YAML_H
#define PGVIGIL_YAML_H

#include "pgvigil/error.h"
#include "pgvigil/mem.h"

enum {
    VG_YAML_BYTES = 256 * 1024, /* of a file */
    VG_YAML_DEPTH = 32,         /* nested collections */
    VG_YAML_EVENTS = 50000,
    VG_YAML_SCALAR = 8 * 1024, /* bytes of one scalar or key */
};

enum vg_node_kind {
    VG_NODE_BAD, /* was reported already; to be passed over in silence */
    VG_NODE_SCALAR,
    VG_NODE_SEQUENCE,
    VG_NODE_MAPPING,
};

struct vg_node;
struct vg_entry {
    const char *key; /* NUL-terminated, holds no NUL */
    struct vg_loc loc;
    const struct vg_node *value;
};
struct vg_node {
    enum vg_node_kind kind;
    struct vg_loc loc;
    bool plain;       /* a scalar without quotes and not a block */
    bool partial;     /* a collection whose rest could not be read */
    const char *text; /* of a scalar: NUL-terminated, holds no NUL */
    size_t n;         /* bytes of text, items or entries */
    const struct vg_node *const *items;
    const struct vg_entry *entries;
};

/* From this place to the end of its line nothing is shown. */
struct vg_hidden {
    uint32_t line, column;
    const struct vg_hidden *next;
};

/* A file as it was read. Lives in the arena given, as does everything it points to. */
struct vg_document {
    const char *path;
    const char *text;
    size_t size;
    const uint32_t *lines; /* offset of each line */
    size_t nlines;
    const struct vg_node *root; /* a mapping, or NULL */
    const struct vg_hidden *hidden;
};

/* Reads text. Faults go to diags; *out is set unless memory ran out (-1), and its root is NULL when
 * nothing in the text can be used. path is copied. */
int vg_yaml_parse(const char *text, size_t n, const char *path, struct vg_arena *arena,
                  struct vg_diags *diags, struct vg_document **out) VG_MUST_CHECK;

/* The value of a key in a mapping, or NULL. */
const struct vg_node *vg_node_get(const struct vg_node *mapping, const char *key);
/* "a list", "a mapping", "a string": what a node is, for people. */
const char *vg_node_noun(const struct vg_node *node);
/* A plain scalar that means "no value": null, ~ or nothing at all. */
bool vg_node_null(const struct vg_node *node);

/* Adds a fault in this document, with its line; what looks like a secret in the line is masked.
 * hint may be NULL. */
void vg_document_fault(const struct vg_document *document, struct vg_diags *diags,
                       enum vg_grade grade, struct vg_loc loc, const char *hint, const char *fmt,
                       ...) __attribute__((format(printf, 6, 7)));

/* Keeps the rest of a line, from loc on, out of all faults reported from now on: a secret that its
 * looks do not give away. -1 without memory. */
int vg_document_hide(struct vg_document *document, struct vg_loc loc,
                     struct vg_arena *arena) VG_MUST_CHECK;
/* Gives the diagnostics from the index `from` on, which others added about this document, the text
 * of their lines. */
void vg_document_complete(const struct vg_document *document, struct vg_diags *diags, size_t from);

/* Reads an open file whole (NUL-terminated, in arena): a regular file of at most VG_YAML_BYTES that
 * not everybody may write (an error) and preferably no group (a warning). Faults go to diags under
 * path. 0, or -1 after a fault or without memory. */
int vg_yaml_read(int fd, const char *path, struct vg_arena *arena, struct vg_diags *diags,
                 const char **text, size_t *n) VG_MUST_CHECK;

#endif
