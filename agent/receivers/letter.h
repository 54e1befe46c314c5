/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A message for people, before it has the form of a receiver: title, alerts, place, links.
 *
 * Pure. All text is clean UTF-8 (no controls, nothing that reorders), not escaped: each receiver
 * escapes for its markup and cuts to its limits with vg_markup_put.
 */
#ifndef PGVIGIL_AGENT_LETTER_H
#define PGVIGIL_AGENT_LETTER_H

#include "pgvigil/ports.h"

struct json_t;

enum { VG_LETTER_LINKS = 3 };

struct vg_letter_link {
    const char *label, *url; /* the URL is safe to stand anywhere: vg_receiver_link */
};

struct vg_letter {
    const char *title;
    const char *lead;         /* the receiver's own text, may have lines; or NULL */
    const char *const *items; /* a few lines each */
    size_t nitems;
    size_t more;            /* alerts that are not among them */
    const char *place;      /* what stands now and where */
    const char *impact;     /* "may break: ...", or NULL */
    const char *retraining; /* of an end: "retraining of ...", or NULL */
    const char *footer;     /* incident and agent */
    struct vg_letter_link links[VG_LETTER_LINKS];
    size_t nlinks;
    /* Of many incidents, whose lines are numbered: "Runbook 3", "Dashboard 3". */
    const struct vg_letter_link *each;
    size_t neach;
    size_t nlines;
};
/* What there is room for. */
struct vg_letter_room {
    size_t items; /* at most */
    size_t units; /* the receiver cuts each to so many UTF-16 units */
};
/* Everything in arena. VG_E_MEMORY. */
int vg_letter_make(const struct vg_sink_in *in, const struct vg_letter_room *room,
                   struct vg_arena *arena, struct vg_letter *out, struct vg_error *err);
/* How many of letter->each find room in so many bytes with `beside` more for each. */
size_t vg_letter_fitting(const struct vg_letter *letter, size_t bytes, size_t beside);
/* All of it as plain text, lines ended by \n. */
void vg_letter_write(struct vg_buf *out, const struct vg_letter *letter);

enum vg_markup {
    VG_MARKUP_NONE,    /* plain text */
    VG_MARKUP_SLACK,   /* & < > as entities */
    VG_MARKUP_DISCORD, /* a backslash before what formats; @ can mention nobody */
    VG_MARKUP_TEAMS,   /* plain text, in which no <at> can be read */
};
/* Appends clean UTF-8 escaped, at most `max` UTF-16 units of result, which is how services count at
 * worst; "…" at the end where more was needed. Never cuts a character or an escape in two. */
void vg_markup_put(struct vg_buf *out, enum vg_markup markup, const char *text, size_t max);
/* The same as a JSON string; NULL when out of memory. */
struct json_t *vg_markup_text(enum vg_markup markup, const char *text, size_t max);
/* UTF-16 units of valid UTF-8. */
size_t vg_markup_units(const char *text);

#endif
