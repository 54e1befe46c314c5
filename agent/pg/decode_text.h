/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Texts as values of a type, by PostgreSQL's own rules of input; layer 4, pure. */
#ifndef PGVIGIL_AGENT_PG_DECODE_TEXT_H
#define PGVIGIL_AGENT_PG_DECODE_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "pgvigil/batch.h"

/* The value of a text as the server's cast to the type (its fixed identity) gives it; times are
 * microseconds since 1970, those without an offset in UTC. VG_CELL_VALUE, NAN, PINF, NINF with *out
 * as the decoder gives it, or VG_CELL_UNCAST with *out 0: the server would refuse it.
 *
 * Accepted, with blanks around them (docs/rules.md says so to users):
 *   bool         true false yes no on off, every beginning of them that is not of two, 1 0
 *   integers     [+-] digits, in the range of the type
 *   floats       [+-] digits with a point and an exponent, nan, inf, infinity; in the range of the
 *                type and not rounded to zero
 *   numeric      the same without limits but its own (131072 digits before, 16383 after the point);
 *                what exceeds a double is infinite
 *   dates        YYYY-MM-DD or YYYYMMDD, also with a time that is then ignored; infinity
 *   timestamps   a date, a blank or T, HH:MM[:SS[.fraction]], Z or an offset; infinity
 * The server also takes words (yesterday, January 8), hexadecimal numbers and times before the
 * year 1: these count as not converted. Texts of more than 1000 bytes do too. */
enum vg_cell vg_text_convert(uint32_t oid, const char *text, size_t len, double *out);

#endif
