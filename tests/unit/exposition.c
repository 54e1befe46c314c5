/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The reader of text format 0.0.4. Small and strict. It takes the text apart into lines first: with
 * ASan's strict checks strchr() and strtod() read their string to its end. */
#include "tests/unit/exposition.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum { NAME_SIZE = 128, FAMILIES_MOST = 256 };

struct family {
    char name[NAME_SIZE];
    bool help, histogram;
    size_t series;
    double bucket; /* last of a histogram */
    bool infinite; /* its +Inf was seen */
};

struct reading {
    struct family families[FAMILIES_MOST];
    size_t n;
    char **series; /* each as `name{labels}`, to find doubles */
    size_t nseries, size;
};

/* The text, its lines ended by zeroes. */
struct lines {
    char *text, *next;
};

#define complain(line, what)                                                                       \
    do {                                                                                           \
        print_error("%s: %.200s\n", what, line);                                                   \
        fail();                                                                                    \
    } while (0)

static struct lines take_apart(const char *text)
{
    char *own = strdup(text);
    assert_non_null(own);
    return (struct lines){own, own};
}

/* The next line, or NULL behind the last. */
static const char *next_line(struct lines *lines)
{
    return lines->next && *lines->next ? strsep(&lines->next, "\n") : NULL;
}

static size_t measure_name(const char *s, bool metric)
{
    size_t n = 0;
    while (isalpha((unsigned char)s[n]) || s[n] == '_' || (metric && s[n] == ':') ||
           (n && isdigit((unsigned char)s[n])))
        n++;
    return n;
}

/* Past the quoted value at s, which starts after the opening quote. */
static const char *pass_value(const char *s, const char *line)
{
    for (; *s != '"'; s++) {
        if (*s == '\\' && !strchr("\\\"n", *++s))
            complain(line, "bad escape");
        if (!*s)
            complain(line, "label value without an end");
    }
    return s + 1;
}

/* Past `{a="b",...}`, if there is one. */
static const char *pass_labels(const char *s, const char *line)
{
    if (*s != '{')
        return s;
    s++;
    while (*s != '}') {
        size_t n = measure_name(s, false);
        if (!n || s[n] != '=' || s[n + 1] != '"')
            complain(line, "bad label");
        s = pass_value(s + n + 2, line);
        if (*s == ',' && s[1] != '}')
            s++;
        else if (*s != '}')
            complain(line, "labels not separated");
    }
    return s + 1;
}

static double read_value(const char *s, const char *line)
{
    char *end;
    if (!strcmp(s, "+Inf"))
        return INFINITY;
    if (!strcmp(s, "-Inf"))
        return -INFINITY;
    if (strspn(s, "0123456789.eE+-") == 0)
        complain(line, "not a number");
    double value = strtod(s, &end);
    if (*end || !isfinite(value))
        complain(line, "not a number");
    return value;
}

static void keep_series(struct reading *reading, const char *line, size_t n)
{
    if (reading->nseries == reading->size) {
        reading->size = reading->size ? 2 * reading->size : 64;
        reading->series = realloc(reading->series, reading->size * sizeof *reading->series);
        assert_non_null(reading->series);
    }
    reading->series[reading->nseries] = strndup(line, n);
    assert_non_null(reading->series[reading->nseries]);
    reading->nseries++;
}

static int compare_series(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void check_doubles(struct reading *reading)
{
    if (reading->nseries)
        qsort(reading->series, reading->nseries, sizeof *reading->series, compare_series);
    for (size_t i = 1; i < reading->nseries; i++) {
        if (!strcmp(reading->series[i - 1], reading->series[i]))
            complain(reading->series[i], "series twice");
    }
}

static void check_bucket(struct family *family, const char *line, double value)
{
    const char *suffix = line + strlen(family->name);
    if (strncmp(suffix, "_bucket{", 8) != 0)
        return;
    if (value < family->bucket || family->infinite)
        complain(line, "buckets are not cumulative");
    family->bucket = value;
    family->infinite = !strncmp(suffix, "_bucket{le=\"+Inf\"}", 18);
}

static void check_series(struct reading *reading, const char *line)
{
    struct family *family = reading->n ? &reading->families[reading->n - 1] : NULL;
    size_t n = measure_name(line, true);
    size_t own = family ? strlen(family->name) : 0;
    if (!n || !family || strncmp(line, family->name, own) != 0)
        complain(line, "series outside the block of its family");
    const char *suffix = line + own;
    bool part = !strncmp(suffix, "_bucket{", 8) || !strncmp(suffix, "_sum ", 5) ||
                !strncmp(suffix, "_count ", 7);
    if (family->histogram ? !part : n != own)
        complain(line, "series outside the block of its family");
    const char *rest = pass_labels(line + n, line);
    keep_series(reading, line, (size_t)(rest - line));
    if (*rest != ' ')
        complain(line, "no value");
    check_bucket(family, line, read_value(rest + 1, line));
    family->series++;
}

static void open_family(struct reading *reading, const char *line)
{
    const char *name = line + strlen("# HELP ");
    size_t n = measure_name(name, true);
    if (!n || n >= NAME_SIZE || name[n] != ' ' || !name[n + 1])
        complain(line, "bad HELP");
    for (size_t i = 0; i < reading->n; i++) {
        if (strlen(reading->families[i].name) == n && !strncmp(reading->families[i].name, name, n))
            complain(line, "family twice");
        if (!reading->families[i].series)
            complain(reading->families[i].name, "family without series");
    }
    assert_true(reading->n < FAMILIES_MOST);
    struct family *family = &reading->families[reading->n++];
    memset(family, 0, sizeof *family);
    memcpy(family->name, name, n);
    family->help = true;
}

static void type_family(struct reading *reading, const char *line)
{
    struct family *family = reading->n ? &reading->families[reading->n - 1] : NULL;
    size_t own = family ? strlen(family->name) : 0;
    const char *name = line + strlen("# TYPE ");
    if (!family || !family->help || family->series || strncmp(name, family->name, own) != 0 ||
        name[own] != ' ')
        complain(line, "TYPE not after HELP");
    const char *kind = name + own + 1;
    family->histogram = !strcmp(kind, "histogram");
    if (!family->histogram && strcmp(kind, "gauge") != 0 && strcmp(kind, "counter") != 0)
        complain(line, "unknown type");
    family->help = false; /* a second TYPE is a fault */
}

void exposition_check(const char *text)
{
    struct reading *reading = calloc(1, sizeof *reading);
    assert_non_null(reading);
    size_t n = strlen(text);
    if (n && text[n - 1] != '\n')
        complain(text, "no newline at the end");
    struct lines lines = take_apart(text);
    for (const char *line; (line = next_line(&lines)) != NULL;) {
        if (!strncmp(line, "# HELP ", 7))
            open_family(reading, line);
        else if (!strncmp(line, "# TYPE ", 7))
            type_family(reading, line);
        else
            check_series(reading, line);
    }
    check_doubles(reading);
    free(lines.text);
    for (size_t i = 0; i < reading->n; i++) {
        if (reading->families[i].histogram && !reading->families[i].infinite)
            complain(reading->families[i].name, "no +Inf bucket");
        if (!reading->families[i].series)
            complain(reading->families[i].name, "family without series");
    }
    for (size_t i = 0; i < reading->nseries; i++)
        free(reading->series[i]);
    free(reading->series);
    free(reading);
}

bool exposition_value(const char *text, const char *series, double *value)
{
    size_t n = strlen(series);
    struct lines lines = take_apart(text);
    const char *line;
    while ((line = next_line(&lines)) != NULL && (strncmp(line, series, n) != 0 || line[n] != ' '))
        continue;
    if (line)
        *value = strtod(line + n + 1, NULL);
    free(lines.text);
    return line != NULL;
}

size_t exposition_count(const char *text, const char *name)
{
    size_t count = 0, n = name ? strlen(name) : 0;
    struct lines lines = take_apart(text);
    for (const char *line; (line = next_line(&lines)) != NULL;) {
        if (*line != '#' && (!name || (!strncmp(line, name, n) && strchr(" {", line[n]))))
            count++;
    }
    free(lines.text);
    return count;
}

bool exposition_label(const char *text, const char *name, const char *label, char *out, size_t size)
{
    char start[NAME_SIZE];
    snprintf(start, sizeof start, "%s=\"", label);
    size_t n = strlen(name), used = 0;
    struct lines lines = take_apart(text);
    const char *line;
    while ((line = next_line(&lines)) != NULL && (strncmp(line, name, n) != 0 || line[n] != '{'))
        continue;
    const char *s = line ? strstr(line, start) : NULL;
    if (!s) {
        free(lines.text);
        return false;
    }
    for (s += strlen(start); *s != '"' && used + 1 < size; s++) {
        bool escaped = *s == '\\';
        s += escaped;
        out[used++] = escaped && *s == 'n' ? '\n' : *s;
    }
    out[used] = '\0';
    free(lines.text);
    return true;
}

void exposition_promtool(const char *text)
{
    char path[] = "/tmp/pgvigil-exposition-XXXXXX", command[200], said[2000];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    snprintf(command, sizeof command, "promtool check metrics <%s 2>&1", path);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t n = fread(said, 1, sizeof said - 1, pipe);
    said[n] = '\0';
    int rc = pclose(pipe);
    remove(path);
    if (n || !WIFEXITED(rc) || WEXITSTATUS(rc)) {
        print_error("promtool check metrics: status %d\n%s\n", rc, said);
        fail();
    }
}
