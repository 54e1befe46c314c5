/* SPDX-License-Identifier: GPL-3.0-or-later */
/* YAML as a tree: kinds, places, plain and quoted scalars; what is refused, where, and that reading
 * goes on; every budget at its edge; hostile text in bounded time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent/yaml/yaml.h"

struct reading {
    struct vg_arena *arena;
    struct vg_diags diags;
    struct vg_document *document;
};

static struct reading read_text(const char *text, size_t n)
{
    struct reading r = {.arena = vg_arena_new()};
    assert_non_null(r.arena);
    assert_int_equal(vg_yaml_parse(text, n, "t.yaml", r.arena, &r.diags, &r.document), 0);
    return r;
}

static void forget(struct reading *r)
{
    vg_diags_free(&r->diags);
    vg_arena_free(r->arena);
}

static void assert_place(struct vg_loc loc, uint32_t line, uint32_t column)
{
    assert_string_equal(loc.file, "t.yaml");
    assert_int_equal(loc.line, line);
    assert_int_equal(loc.column, column);
}

static void test_tree(void **state)
{
    (void)state;
    static const char text[] = "# comment\n"
                               "a: {b: 1, \"c\": 'x'}\n"
                               "list:\n"
                               "  - yes\n"
                               "  - |\n"
                               "    two\n"
                               "    lines\n"
                               "empty:\n"
                               "é: ü\n";
    struct reading r = read_text(text, strlen(text));
    const struct vg_node *root = r.document->root;
    assert_int_equal(r.diags.n, 0);
    assert_int_equal(root->kind, VG_NODE_MAPPING);
    assert_int_equal(root->n, 4);
    const struct vg_node *a = vg_node_get(root, "a");
    assert_place(root->entries[0].loc, 2, 1);
    assert_place(a->loc, 2, 4);
    assert_true(vg_node_get(a, "b")->plain);
    assert_place(vg_node_get(a, "b")->loc, 2, 8);
    assert_false(vg_node_get(a, "c")->plain);
    assert_string_equal(vg_node_get(a, "c")->text, "x");
    const struct vg_node *list = vg_node_get(root, "list");
    assert_int_equal(list->kind, VG_NODE_SEQUENCE);
    assert_string_equal(list->items[0]->text, "yes");
    assert_place(list->items[0]->loc, 4, 5);
    assert_string_equal(list->items[1]->text, "two\nlines\n");
    assert_false(list->items[1]->plain);
    assert_true(vg_node_null(vg_node_get(root, "empty")));
    assert_place(vg_node_get(root, "é")->loc, 9, 4);
    assert_null(vg_node_get(root, "none"));
    assert_null(vg_node_get(list, "a"));
    forget(&r);
}

static void test_null(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool null;
    } rows[] = {{"a: null", true}, {"a: ~", true},      {"a:", true},      {"a: Null", true},
                {"a: ''", false},  {"a: \"~\"", false}, {"a: nul", false}, {"a: []", false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct reading r = read_text(rows[i].text, strlen(rows[i].text));
        assert_int_equal(vg_node_null(vg_node_get(r.document->root, "a")), rows[i].null);
        forget(&r);
    }
}

struct fault {
    const char *text;
    uint32_t line, column;
    const char *msg; /* begin of the first fault */
    size_t errors;
    bool root; /* something is left to be read */
};

static const struct fault faults[] = {
    {"", 1, 1, "the file is empty", 1, false},
    {"# nothing\n", 1, 1, "the file is empty", 1, false},
    {"---\n", 1, 1, "the file is empty", 1, false},
    {"~\n", 1, 1, "the file is empty", 1, false},
    {"- a\n", 1, 1, "the file must be a mapping, not a list", 1, false},
    {"word\n", 1, 1, "the file must be a mapping, not a single value", 1, false},
    {"a: 1\n---\nb: 2\n", 2, 1, "a second document begins here", 1, true},
    {"a: &x 1\n", 1, 4, "anchors are not allowed", 1, true},
    {"a: &x {b: 1}\n", 1, 4, "anchors are not allowed", 1, true},
    {"a: &x [1]\n", 1, 4, "anchors are not allowed", 1, true},
    {"a: *x\n", 1, 4, "aliases are not allowed", 1, true},
    {"a: !t 1\n", 1, 4, "tags are not allowed", 1, true},
    {"a: !!str 1\n", 1, 4, "tags are not allowed", 1, true},
    {"a: !t [1]\n", 1, 4, "tags are not allowed", 1, true},
    {"a: &x !t {b: 1}\n", 1, 4, "anchors are not allowed", 2, true},
    {"a: 1\nb: 2\na: 3\n", 3, 1, "the key \"a\" was given in line 1 already", 1, true},
    {"a: {b: 1, b: 2, b: 3}\n", 1, 11, "the key \"b\" was given in line 1 already", 2, true},
    {"? [a]\n: 1\n", 1, 3, "a key must be a single word, not a list", 1, true},
    {"a: {{x}}\n", 1, 5, "a key must be a single word, not a mapping", 1, true},
    {"'': 1\n", 1, 1, "a key is missing here", 1, true},
    {"? \n: 1\n", 1, 2, "a key is missing here", 1, true},
    {"a: \"x\\0y\"\n", 1, 4, "a text cannot hold the character NUL", 1, true},
    {"a: 1\n\tb: 2\n", 2, 1, "tabs cannot stand in a YAML file", 1, true},
    {"a:\t1\n", 1, 3, "tabs cannot stand in a YAML file", 1, true},
    {"a: 'x\ty'\n", 1, 6, "tabs cannot stand in a YAML file", 1, true},
    {"é: 'ü\tx'\n", 1, 6, "tabs cannot stand in a YAML file", 1, true},
    {"a: \xff\n", 1, 4, "this is not valid UTF-8", 1, true},
    {"a: é\xc0\xaf\n", 1, 5, "this is not valid UTF-8", 1, true},
    {"a: \xed\xa0\x80\n", 1, 4, "this is not valid UTF-8", 1, true},
    {"a: x\001y\n", 1, 5, "control characters cannot stand", 1, true},
    {"a: x\302\205y\n", 1, 5, "control characters cannot stand", 1, true},
    {"a: x\342\200\250y\n", 1, 5, "this invisible character cannot stand", 1, true},
    {"a: 1\n\357\273\277b: 2\n", 2, 1, "this invisible character cannot stand", 1, true},
    {"a: [1, 2\nb: 3\n", 2, 2, "did not find expected ',' or ']'", 1, true},
    {"a: 'x\nb: 3\n", 3, 1, "found unexpected end of stream", 1, true},
    {"a: b: c\n", 1, 5, "mapping values are not allowed", 1, true},
    {"a: 1\n b: 2\n", 2, 3, "mapping values are not allowed", 1, true},
    {"a: @x\n", 1, 4, "found character that cannot start any token", 1, true},
    {"a: 1\nb\n", 3, 1, "could not find expected ':'", 1, true},
};

static void test_faults(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        const struct fault *f = &faults[i];
        struct reading r = read_text(f->text, strlen(f->text));
        if (r.diags.errors != f->errors)
            vg_diags_print(&r.diags, stderr, false);
        assert_int_equal(r.diags.errors, f->errors);
        assert_int_equal(strncmp(r.diags.items[0].msg, f->msg, strlen(f->msg)), 0);
        assert_place(r.diags.items[0].loc, f->line, f->column);
        assert_int_equal(r.document->root != NULL, f->root);
        forget(&r);
    }
}

/* A NUL byte, of which no C string can be made. */
static void test_nul(void **state)
{
    (void)state;
    struct reading r = read_text("a: x\0y\nb: 1\n", 12);
    assert_int_equal(r.diags.errors, 1);
    assert_place(r.diags.items[0].loc, 1, 5);
    assert_string_equal(vg_node_get(r.document->root, "b")->text, "1");
    forget(&r);
}

/* What comes after a fault is read all the same, and what was cut short says so. */
static void test_goes_on(void **state)
{
    (void)state;
    static const char text[] = "a: &x 1\nb: !t 2\na: 3\n\tc: 4\nd: {e: 5}\nf: [1\n";
    struct reading r = read_text(text, strlen(text));
    const struct vg_node *root = r.document->root;
    assert_int_equal(r.diags.errors, 4);
    assert_string_equal(vg_node_get(root, "a")->text, "1");
    assert_int_equal(vg_node_get(root, "b")->kind, VG_NODE_BAD);
    assert_string_equal(vg_node_get(vg_node_get(root, "d"), "e")->text, "5");
    assert_true(root->partial);
    forget(&r);
    static const char cut[] = "a: {b: 1}\nc: {d: 1, e: [1, 2\n";
    r = read_text(cut, strlen(cut));
    root = r.document->root;
    assert_int_equal(r.diags.errors, 1);
    assert_true(root->partial);
    assert_false(vg_node_get(root, "a")->partial);
    assert_true(vg_node_get(root, "c")->partial);
    assert_int_equal(vg_node_get(vg_node_get(root, "c"), "e")->n, 2);
    forget(&r);
}

/* Comments and blank lines may hold tabs, a byte order mark may begin the file, lines may end as on
 * other systems. */
static void test_harmless(void **state)
{
    (void)state;
    static const char *const texts[] = {"\t# x\ta\n\t\na: 1\n",   "\357\273\277a: 1\n",
                                        "a: 1\r\n# b\r\n",        "# x\rb: 2\ra: 1\r",
                                        "%YAML 1.2\n---\na: 1\n", "a: 1\n...\n"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct reading r = read_text(texts[i], strlen(texts[i]));
        assert_int_equal(r.diags.n, 0);
        assert_string_equal(vg_node_get(r.document->root, "a")->text, "1");
        forget(&r);
    }
}

static char *repeat(const char *unit, size_t times, const char *end)
{
    struct vg_buf buf;
    vg_buf_init(&buf, 2 * VG_YAML_BYTES);
    for (size_t i = 0; i < times; i++)
        vg_buf_puts(&buf, unit);
    vg_buf_puts(&buf, end);
    return vg_buf_take(&buf);
}

static size_t count_errors(char *text, const char *msg)
{
    assert_non_null(text);
    struct reading r = read_text(text, strlen(text));
    size_t errors = r.diags.errors;
    if (errors)
        assert_non_null(strstr(r.diags.items[0].msg, msg));
    forget(&r);
    free(text);
    return errors;
}

static char *make_scalar(size_t n)
{
    char *x = repeat("x", n, ""), *out = NULL;
    assert_true(asprintf(&out, "a: %s\n", x) > 0);
    free(x);
    return out;
}

static char *make_nested(size_t depth)
{
    char *open = repeat("[", depth - 1, ""), *close = repeat("]", depth - 1, ""), *out = NULL;
    assert_true(asprintf(&out, "a: %s%s\n", open, close) > 0);
    free(open);
    free(close);
    return out;
}

static void test_budgets(void **state)
{
    (void)state;
    assert_int_equal(count_errors(make_scalar(VG_YAML_SCALAR), ""), 0);
    assert_int_equal(count_errors(make_scalar(VG_YAML_SCALAR + 1), "too long"), 1);
    assert_int_equal(count_errors(make_nested(VG_YAML_DEPTH), ""), 0);
    assert_int_equal(count_errors(make_nested(VG_YAML_DEPTH + 1), "too deep"), 1);
    /* The document has 6 events of its own, and two for its first key and list. */
    char *fits = repeat("- 1\n", VG_YAML_EVENTS - 9, ""), *text = NULL;
    assert_true(asprintf(&text, "a:\n%s", fits) > 0);
    assert_int_equal(count_errors(text, ""), 0);
    assert_true(asprintf(&text, "a:\n%s- 1\n", fits) > 0);
    assert_int_equal(count_errors(text, "too large: at most 50000"), 1);
    free(fits);
    char *line = repeat("#", VG_YAML_BYTES - 5, "\na: 1");
    assert_int_equal(count_errors(line, ""), 0);
    line = repeat("#", VG_YAML_BYTES - 4, "\na: 1");
    assert_int_equal(count_errors(line, "bytes, at most 262144 are read"), 1);
}

/* libyaml is quadratic in nesting, and other loops might be: the largest file of each evil unit
 * ends in errors, by the budgets, long before anybody would think the program hangs. */
static void test_hostile(void **state)
{
    (void)state;
    static const char *const units[] = {
        "[",      "{",        "- ",        "? ",  "a: ", "a:\n",  "[a,",   "{a: ",  "\"",  "'",
        "- a\n",  "&a ",      "*a ",       "!a ", "\t",  "a\t\n", "\xff",  "---\n", "|\n", "%",
        "a: b\n", "[a]: b\n", "password=", "://", "\\",  ":",     "\n \n", "{[",    "-\n"};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        char *text = repeat(units[i], VG_YAML_BYTES / strlen(units[i]), "");
        struct reading r = read_text(text, strlen(text));
        assert_true(r.diags.errors > 0);
        forget(&r);
        free(text);
    }
}

/* The line of a fault is shown without its secrets and without what could fool a terminal. */
static void test_lines(void **state)
{
    (void)state;
    static const struct {
        const char *text, *line;
    } rows[] = {
        {"a: &x {password: hunter2, b: 1}", "a: &x {password: **************"},
        {"a: &x postgres://me:hunter2@host/db", "a: &x postgres://me:*******@host/db"},
        {"a: &x \"host=h password='hunter2' user=u\"",
         "a: &x \"host=h password='*******' user=u\""},
        {"a: &x \xe2\x80\xaey", "a: &x \xef\xbf\xbdy"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct reading r = read_text(rows[i].text, strlen(rows[i].text));
        assert_int_equal(r.diags.n, 1);
        assert_string_equal(r.diags.items[0].line_text, rows[i].line);
        forget(&r);
    }
    char *text = repeat("x", 300, ": &a 1\n");
    struct reading r = read_text(text, strlen(text));
    assert_int_equal(r.diags.n, 1);
    assert_null(r.diags.items[0].line_text);
    forget(&r);
    free(text);
}

static int read_mode(mode_t mode, const char *content, struct vg_diags *diags, size_t *n)
{
    char path[] = "/tmp/pgvigil-test-XXXXXX";
    struct vg_arena *arena = vg_arena_new();
    int fd = mkstemp(path), rc;
    const char *text;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, strlen(content)), (ssize_t)strlen(content));
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_int_equal(fchmod(fd, mode), 0);
    rc = vg_yaml_read(fd, "f.yaml", arena, diags, &text, n);
    if (rc == 0)
        assert_string_equal(text, content);
    close(fd);
    unlink(path);
    vg_arena_free(arena);
    return rc;
}

static void test_files(void **state)
{
    (void)state;
    struct vg_diags diags = {0};
    size_t n = 0;
    assert_int_equal(read_mode(0644, "a: 1\n", &diags, &n), 0);
    assert_int_equal(n, 5);
    assert_int_equal(diags.n, 0);
    assert_int_equal(read_mode(0644, "", &diags, &n), 0);
    assert_int_equal(read_mode(0664, "a: 1\n", &diags, &n), 0);
    assert_int_equal(diags.n, 1);
    assert_int_equal(diags.errors, 0);
    assert_int_equal(read_mode(0646, "a: 1\n", &diags, &n), -1);
    assert_int_equal(diags.errors, 1);
    char *large = repeat("#", VG_YAML_BYTES + 1, "");
    assert_int_equal(read_mode(0644, large, &diags, &n), -1);
    assert_int_equal(diags.errors, 2);
    free(large);
    int folder = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const char *text;
    struct vg_arena *arena = vg_arena_new();
    assert_int_equal(vg_yaml_read(folder, "f.yaml", arena, &diags, &text, &n), -1);
    assert_string_equal(diags.items[3].msg, "this is not a regular file");
    close(folder);
    vg_arena_free(arena);
    vg_diags_free(&diags);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tree),    cmocka_unit_test(test_null),
        cmocka_unit_test(test_faults),  cmocka_unit_test(test_nul),
        cmocka_unit_test(test_goes_on), cmocka_unit_test(test_harmless),
        cmocka_unit_test(test_budgets), cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_lines),   cmocka_unit_test(test_files),
    };
    return cmocka_run_group_tests_name("yaml", tests, NULL, NULL);
}
