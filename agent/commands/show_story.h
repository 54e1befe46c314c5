/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The story of a drift for programs; layer 6. */
#ifndef PGVIGIL_SHOW_STORY_H
#define PGVIGIL_SHOW_STORY_H

#include <jansson.h>

#include "pgvigil/result.h"

/* Text as valid UTF-8; null for NULL. NULL when out of memory. */
json_t *vg_show_json_text(const char *s);
/* null without a story; NULL when out of memory. */
json_t *vg_show_story(const struct vg_story *story);

#endif
