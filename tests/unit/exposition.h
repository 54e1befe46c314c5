/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A reader of text format 0.0.4 for tests, written against the format's description and not against
 * the program's writer. It also holds what Pushgateways accept silently: see exposition_check(). */
#ifndef PGVIGIL_TESTS_EXPOSITION_H
#define PGVIGIL_TESTS_EXPOSITION_H

#include <stdbool.h>
#include <stddef.h>

/* Fails the test unless: every line is HELP, TYPE or a series; the text ends in a newline; each
 * family is one block with one HELP, one TYPE and at least one series; names and labels are valid
 * and escaped; values are numbers and none is NaN; no series occurs twice; buckets are cumulative
 * and end in +Inf. */
void exposition_check(const char *text);
/* The value of the series written exactly so, for example `up{job="a"}`; false when it is not
 * there. */
bool exposition_value(const char *text, const char *series, double *value);
/* How many series the text holds whose name is this one; NULL: all. */
size_t exposition_count(const char *text, const char *name);
/* The unescaped value of a label of the first series of this name; false without it. */
bool exposition_label(const char *text, const char *name, const char *label, char *out,
                      size_t size);
/* Fails the test unless `promtool check metrics` says nothing and returns 0. */
void exposition_promtool(const char *text);

#endif
