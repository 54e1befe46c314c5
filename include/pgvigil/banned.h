/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Functions that nobody may call here; layer 0.
 *
 * The Makefile includes this file before everything else (-include). A call becomes an unknown
 * identifier that says what to use instead. The system's headers are read first, so that their own
 * declarations stand. Variable-length arrays and alloca are forbidden by warnings too.
 */
#ifndef PGVIGIL_BANNED_H
#define PGVIGIL_BANNED_H

#include <alloca.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#undef strcpy
#undef strcat
#undef sprintf
#undef vsprintf
#undef gets
#undef atoi
#undef atol
#undef atof
#undef strtok
#undef alloca
#define strcpy(...)   strcpy_is_banned_use_vg_buf_or_snprintf
#define strcat(...)   strcat_is_banned_use_vg_buf_or_snprintf
#define sprintf(...)  sprintf_is_banned_use_snprintf
#define vsprintf(...) vsprintf_is_banned_use_vsnprintf
#define gets(...)     gets_is_banned_use_fgets
#define atoi(...)     atoi_is_banned_use_vg_parse_int64
#define atol(...)     atol_is_banned_use_vg_parse_int64
#define atof(...)     atof_is_banned_use_vg_parse_double
#define strtok(...)   strtok_is_banned_use_strcspn
#define alloca(...)   alloca_is_banned_use_an_arena

#endif
