/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the server's messages say of data, without the data. Pure. It puts values between quotes
 * and does not escape quotes in them: all from the first quote to the last goes. Messages on the
 * statement itself keep what they quote: names of the rule file and of the catalogue. */
#include <string.h>

#include "agent/pg/session.h"

/* Classes whose messages may quote a value: of data, of constraints, and of functions of others. */
static bool may_quote_values(const char *sqlstate, const char *text)
{
    static const char *const classes[] = {"21", "22", "23", "2F", "38", "39",
                                          "44", "F0", "HV", "P0", "XX"};
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        if (strncmp(sqlstate, classes[i], 2) == 0)
            return true;
    }
    /* A text that is no query is called a syntax error too. */
    return strcmp(sqlstate, "42601") == 0 && strstr(text, "tsquery");
}

/* Quotes of translated servers, opening and closing: which is which depends on the language. */
static void cut_foreign(char *text)
{
    static const char *const quotes[] = {"\u00ab", "\u00bb", "\u201e", "\u201c",
                                         "\u201d", "\u201a", "\u300c", "\u300e"};
    for (size_t i = 0; i < sizeof quotes / sizeof *quotes; i++) {
        char *at = strstr(text, quotes[i]);
        if (at)
            *at = '\0';
    }
}

void vg_pg_hide_values(const char *sqlstate, char *text, bool is_cut)
{
    if (!may_quote_values(sqlstate, text))
        return;
    char *first = strchr(text, '"');
    char *last = is_cut ? NULL : strrchr(text, '"');
    if (first && last && last > first)
        memmove(first + 1, last, strlen(last) + 1);
    else if (first)
        first[1] = '\0';
    cut_foreign(text);
}
