/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The structure of a table: written as lines of fields, and read back. Pure. It owns
 * the format, whose version stands in the first line, and promises that reading checks everything.
 * Fields are separated by tabs; tab, newline and backslash in a name are escaped. */
#include "pgvigil/catalog.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pgvigil/text.h"

static const char heading[] = "pgvigil schema 1";
enum { FIELDS = 12 };

bool vg_catalog_can_hold(const struct vg_catalog_column *column, const char *value)
{
    double number;
    bool named = column->nlabels == 0;
    for (size_t i = 0; i < column->nlabels && !named; i++)
        named = column->labels[i] == vg_hash64(value, strlen(value));
    if (column->kind == VG_KIND_BOOL)
        return vg_streq(value, "true") || vg_streq(value, "false");
    if (column->kind != VG_KIND_NUMBER)
        return named;
    return vg_parse_double(value, &number) == 0 || vg_streq(value, "NaN") ||
           vg_streq(value, "Infinity") || vg_streq(value, "-Infinity");
}

/* --- Writing ---------------------------------------------------------------------------------- */

static void put_text(struct vg_buf *out, const char *s)
{
    vg_buf_puts(out, "\t");
    for (; s && *s; s++) {
        if (*s == '\t' || *s == '\n' || *s == '\\')
            vg_buf_puts(out, *s == '\t' ? "\\t" : *s == '\n' ? "\\n" : "\\\\");
        else
            vg_buf_add(out, s, 1);
    }
}

static void put_mark(struct vg_buf *out, char mark)
{
    vg_buf_printf(out, "\t%c", mark ? mark : '-');
}

static void write_column(const struct vg_catalog_column *column, struct vg_buf *out)
{
    vg_buf_puts(out, "column");
    put_text(out, column->name);
    put_text(out, column->type);
    put_text(out, column->base_type);
    put_text(out, column->collation);
    vg_buf_printf(out, "\t%d", (int)column->kind);
    put_mark(out, column->not_null ? 'n' : 0);
    put_mark(out, column->unreadable ? 'u' : 0);
    put_mark(out, column->generated);
    put_mark(out, column->identity);
    vg_buf_printf(out, "\t%" PRIx64 "\t", column->value_hash);
    for (size_t i = 0; i < column->nlabels; i++)
        vg_buf_printf(out, "%s%" PRIx64, i ? "," : "", column->labels[i]);
    vg_buf_puts(out, "\n");
}

static void write_constraint(const struct vg_catalog_constraint *constraint, struct vg_buf *out)
{
    vg_buf_puts(out, "constraint");
    put_text(out, constraint->name);
    put_mark(out, constraint->kind);
    put_mark(out, constraint->valid ? 'v' : 0);
    vg_buf_printf(out, "\t%" PRIx64, constraint->hash);
    for (size_t i = 0; i < constraint->ncolumns; i++)
        put_text(out, constraint->columns[i]);
    vg_buf_puts(out, "\n");
}

void vg_catalog_write(const struct vg_catalog *catalog, struct vg_buf *out)
{
    vg_buf_printf(out, "%s\ntable", heading);
    put_text(out, catalog->relation ? catalog->relation : catalog->quoted);
    put_mark(out, catalog->relkind);
    put_mark(out, catalog->row_security ? 'r' : 0);
    vg_buf_printf(out, "\t%u\n", (unsigned)catalog->server_version / 10000);
    for (size_t i = 0; i < catalog->n; i++) {
        const struct vg_catalog_column *column = &catalog->columns[i];
        if (!column->computed && !column->route)
            write_column(column, out);
    }
    for (size_t i = 0; i < catalog->nconstraints; i++)
        write_constraint(&catalog->constraints[i], out);
}

/* --- Reading ---------------------------------------------------------------------------------- */

struct line {
    char **fields; /* the first is the word before the first tab */
    size_t n;
};

static int fail_memory(struct vg_error *err)
{
    return vg_fail(err, VG_E_MEMORY, "out of memory");
}

static int fail_text(struct vg_error *err)
{
    return vg_fail(err, VG_E_DATA, "the stored structure of a table cannot be read");
}

static void unescape(char *s)
{
    char *to = s;
    for (; *s; s++) {
        if (*s == '\\' && s[1])
            *to++ = *++s == 't' ? '\t' : *s == 'n' ? '\n' : *s;
        else
            *to++ = *s;
    }
    *to = '\0';
}

static size_t count_marks(const char *s, char mark)
{
    size_t n = 0;
    for (; *s; s++)
        n += *s == mark;
    return n;
}

static int split_line(char *text, struct vg_arena *arena, struct line *out, struct vg_error *err)
{
    size_t most = count_marks(text, '\t') + 1;
    *out = (struct line){vg_arena_array(arena, most, sizeof *out->fields), 0};
    if (!out->fields)
        return fail_memory(err);
    for (char *p = text; p;) {
        char *end = strchr(p, '\t');
        if (end)
            *end++ = '\0';
        unescape(p);
        out->fields[out->n++] = p;
        p = end;
    }
    return 0;
}

static bool read_hash(const char *s, uint64_t *out, const char **end)
{
    char *behind;
    errno = 0;
    *out = strtoull(s, &behind, 16);
    *end = behind;
    return behind != s && errno == 0 && *s != '-';
}

static char read_mark(const char *s)
{
    return *s == '-' ? '\0' : *s;
}

static int read_labels(const char *s, struct vg_arena *arena, struct vg_catalog_column *out,
                       struct vg_error *err)
{
    if (!*s)
        return 0;
    uint64_t *labels = vg_arena_array(arena, count_marks(s, ',') + 1, sizeof *labels);
    if (!labels)
        return fail_memory(err);
    out->labels = labels;
    for (const char *end; read_hash(s, &labels[out->nlabels], &end); s = end + 1) {
        out->nlabels++;
        if (!*end)
            return 0;
        if (*end != ',')
            break;
    }
    return fail_text(err);
}

static int read_column(const struct line *line, struct vg_arena *arena, struct vg_catalog *catalog,
                       struct vg_error *err)
{
    char **f = line->fields;
    const char *end;
    struct vg_catalog_column *out = &catalog->columns[catalog->n++];
    if (line->n != FIELDS || strlen(f[5]) != 1 || f[5][0] < '0' || f[5][0] > '0' + VG_KIND_TEXT)
        return fail_text(err);
    *out = (struct vg_catalog_column){
        .name = f[1],
        .type = f[2],
        .base_type = *f[3] ? f[3] : NULL,
        .collation = *f[4] ? f[4] : NULL,
        .kind = (enum vg_kind)(f[5][0] - '0'),
        .not_null = read_mark(f[6]),
        .unreadable = read_mark(f[7]),
        .generated = read_mark(f[8]),
        .identity = read_mark(f[9]),
    };
    if (!read_hash(f[10], &out->value_hash, &end) || *end)
        return fail_text(err);
    return read_labels(f[11], arena, out, err);
}

static int read_constraint(const struct line *line, struct vg_catalog *catalog,
                           struct vg_error *err)
{
    struct vg_catalog_constraint *out = &catalog->constraints[catalog->nconstraints++];
    const char *end;
    if (line->n < 5)
        return fail_text(err);
    *out = (struct vg_catalog_constraint){
        .name = line->fields[1],
        .kind = read_mark(line->fields[2]),
        .valid = read_mark(line->fields[3]),
        .columns = (const char *const *)line->fields + 5,
        .ncolumns = line->n - 5,
    };
    return read_hash(line->fields[4], &out->hash, &end) && !*end ? 0 : fail_text(err);
}

static int read_table(const struct line *line, struct vg_catalog *catalog, struct vg_error *err)
{
    if (line->n != 5)
        return fail_text(err);
    catalog->quoted = line->fields[1];
    catalog->relkind = read_mark(line->fields[2]);
    catalog->row_security = read_mark(line->fields[3]);
    catalog->server_version = (uint32_t)strtoul(line->fields[4], NULL, 10) * 10000;
    return 0;
}

static int read_line(char *text, struct vg_arena *arena, struct vg_catalog *catalog,
                     struct vg_error *err)
{
    struct line line;
    if (split_line(text, arena, &line, err) < 0)
        return -1;
    if (!strcmp(line.fields[0], "column"))
        return read_column(&line, arena, catalog, err);
    if (!strcmp(line.fields[0], "constraint"))
        return read_constraint(&line, catalog, err);
    return strcmp(line.fields[0], "table") ? fail_text(err) : read_table(&line, catalog, err);
}

int vg_catalog_read(const char *text, struct vg_arena *arena, const struct vg_catalog **out,
                    struct vg_error *err)
{
    size_t most = count_marks(text, '\n'), head = strlen(heading);
    struct vg_catalog *catalog = vg_arena_alloc(arena, sizeof *catalog);
    char *copy = vg_arena_strdup(arena, text);
    if (!catalog || !copy)
        return fail_memory(err);
    catalog->columns = vg_arena_array(arena, most, sizeof *catalog->columns);
    catalog->constraints = vg_arena_array(arena, most, sizeof *catalog->constraints);
    if (!catalog->columns || !catalog->constraints)
        return fail_memory(err);
    if (strncmp(copy, heading, head) || copy[head] != '\n')
        return fail_text(err);
    for (char *p = copy + head + 1; *p;) {
        char *end = strchr(p, '\n');
        if (!end)
            return fail_text(err);
        *end = '\0';
        if (read_line(p, arena, catalog, err) < 0)
            return -1;
        p = end + 1;
    }
    if (!catalog->quoted)
        return fail_text(err);
    *out = catalog;
    return 0;
}

/* --- Arrays ----------------------------------------------------------------------------------- */

static const struct {
    uint32_t element, array;
} arrays[] = {{VG_OID_BOOL, VG_OID_BOOLS},
              {VG_OID_BYTEA, VG_OID_BYTEAS},
              {VG_OID_INT2, VG_OID_INT2S},
              {VG_OID_INT4, VG_OID_INT4S},
              {VG_OID_TEXT, VG_OID_TEXTS},
              {VG_OID_VARCHAR, VG_OID_VARCHARS},
              {VG_OID_INT8, VG_OID_INT8S},
              {VG_OID_FLOAT4, VG_OID_FLOAT4S},
              {VG_OID_FLOAT8, VG_OID_FLOAT8S},
              {VG_OID_TIMESTAMP, VG_OID_TIMESTAMPS},
              {VG_OID_TIMESTAMPTZ, VG_OID_TIMESTAMPTZS},
              {VG_OID_NUMERIC, VG_OID_NUMERICS}};

uint32_t vg_array_of(uint32_t element)
{
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        if (arrays[i].element == element)
            return arrays[i].array;
    }
    return 0;
}

uint32_t vg_array_element(uint32_t array)
{
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        if (arrays[i].array == array)
            return arrays[i].element;
    }
    return 0;
}
