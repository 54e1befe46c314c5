/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Logging to stderr as logfmt or JSON lines; layer 0.
 *
 * One line per event, fields as key and value, never a secret and never a row's value. Only the
 * rim and the loop log; the core is silent. Thread-safe.
 */
#ifndef PGVIGIL_LOG_H
#define PGVIGIL_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum vg_log_level { VG_LOG_DEBUG, VG_LOG_INFO, VG_LOG_WARN, VG_LOG_ERROR, VG_LOG_LEVELS };

void vg_log_setup(enum vg_log_level least, bool json);
const char *vg_log_level_name(enum vg_log_level level);
/* fields: NULL-terminated pairs of key and value strings; a NULL value leaves its pair out.
 *   vg_log(VG_LOG_INFO, "window judged", "dataset", id, "rows", rows_text, NULL);  */
void vg_log(enum vg_log_level level, const char *msg, ...) __attribute__((sentinel));
/* Lines written so far at a level, for pgvigil_log_messages_total. */
uint64_t vg_log_count(enum vg_log_level level);

#endif
