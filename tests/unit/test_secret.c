/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Secrets: reading a file with its edges, what can be said without reading it, and the masking of
 * lines, with columns kept. */
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
#include <unistd.h>

#include "agent/secret.h"

static char folder[] = "/tmp/pgvigil-secret-XXXXXX";

static const char *put(const char *name, const void *data, size_t n, mode_t mode)
{
    static char path[64];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    for (size_t done = 0; done < n;) {
        ssize_t k = write(fd, (const char *)data + done, n - done);
        assert_true(k > 0);
        done += (size_t)k;
    }
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
    return path;
}

static void test_read(void **state)
{
    (void)state;
    static const struct {
        const char *data;
        size_t n;
        const char *text; /* NULL: refused */
        enum vg_code code;
    } rows[] = {
        {"hunter2", 7, "hunter2", VG_OK},   {"hunter2\n", 8, "hunter2", VG_OK},
        {" a b \r\n\n", 8, " a b ", VG_OK}, {"", 0, NULL, VG_E_CONFIG},
        {"\n", 1, NULL, VG_E_CONFIG},       {"a\0b", 3, NULL, VG_E_CONFIG},
        {"a\nb\n", 4, "a\nb", VG_OK},     {"  \n", 3, NULL, VG_E_CONFIG},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct vg_secret secret;
        struct vg_error err = {0};
        int rc = vg_secret_read(put("s", rows[i].data, rows[i].n, 0600), &secret, &err);
        assert_int_equal(rc, rows[i].text ? 0 : -1);
        assert_int_equal(err.code, rows[i].code);
        assert_null(strstr(err.msg, "hunter2"));
        if (rows[i].text) {
            assert_string_equal(secret.text, rows[i].text);
            assert_int_equal(secret.len, strlen(rows[i].text));
        }
        vg_secret_free(&secret);
        assert_null(secret.text);
        assert_int_equal(secret.len, 0);
    }
}

static void test_limit(void **state)
{
    (void)state;
    char *data = malloc(VG_SECRET_MAX + 1);
    assert_non_null(data);
    memset(data, 'x', VG_SECRET_MAX + 1);
    struct vg_secret secret;
    struct vg_error err = {0};
    assert_int_equal(vg_secret_read(put("s", data, VG_SECRET_MAX, 0600), &secret, &err), 0);
    assert_int_equal(secret.len, VG_SECRET_MAX);
    vg_secret_free(&secret);
    assert_int_equal(vg_secret_read(put("s", data, VG_SECRET_MAX + 1, 0600), &secret, &err), -1);
    assert_int_equal(err.code, VG_E_LIMIT);
    /* A trailing newline past the limit does not make it fit. */
    data[VG_SECRET_MAX] = '\n';
    assert_int_equal(vg_secret_read(put("s", data, VG_SECRET_MAX + 1, 0600), &secret, &err), -1);
    assert_int_equal(err.code, VG_E_LIMIT);
    free(data);
}

static void test_missing(void **state)
{
    (void)state;
    char path[64];
    struct vg_secret secret;
    struct vg_error err = {0};
    snprintf(path, sizeof path, "%s/none", folder);
    assert_int_equal(vg_secret_read(path, &secret, &err), -1);
    assert_int_equal(err.code, VG_E_NOT_FOUND);
    assert_non_null(strstr(err.msg, path));
    assert_int_equal(vg_secret_inspect(path), VG_SECRET_MISSING);
    assert_int_equal(vg_secret_read(folder, &secret, &err), -1);
    assert_int_equal(err.code, VG_E_CONFIG);
    assert_int_equal(vg_secret_inspect(folder), VG_SECRET_UNUSABLE);
    /* A FIFO that nobody writes to must not block. */
    snprintf(path, sizeof path, "%s/fifo", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(vg_secret_read(path, &secret, &err), -1);
    assert_int_equal(err.code, VG_E_CONFIG);
    assert_int_equal(vg_secret_inspect(path), VG_SECRET_UNUSABLE);
}

static void test_inspect(void **state)
{
    (void)state;
    assert_int_equal(vg_secret_inspect(put("s", "x", 1, 0600)), VG_SECRET_FINE);
    assert_int_equal(vg_secret_inspect(put("s", "x", 1, 0640)), VG_SECRET_FINE);
    assert_int_equal(vg_secret_inspect(put("s", "x", 1, 0644)), VG_SECRET_EXPOSED);
    assert_int_equal(vg_secret_inspect(put("s", "", 0, 0644)), VG_SECRET_EMPTY);
    assert_int_equal(vg_secret_inspect(put("s", "\n", 1, 0600)), VG_SECRET_EMPTY);
    assert_int_equal(vg_secret_inspect(put("s", "\r\n", 2, 0600)), VG_SECRET_EMPTY);
    assert_int_equal(vg_secret_inspect(put("s", "x\n", 2, 0600)), VG_SECRET_FINE);
    assert_int_equal(vg_secret_inspect(put("s", "\nx", 2, 0600)), VG_SECRET_FINE);
    /* Exposed or not, it is read: Kubernetes mounts are so. */
    struct vg_secret secret;
    struct vg_error err = {0};
    assert_int_equal(vg_secret_read(put("s", "x", 1, 0644), &secret, &err), 0);
    vg_secret_free(&secret);
}

static void test_mask(void **state)
{
    (void)state;
    static const struct {
        const char *line, *shown;
    } rows[] = {
        {"a: 1", "a: 1"},
        {"password: hunter2", "password: *******"},
        {"  Password : \"hunter 2\" # x", "  Password : **************"},
        {"'password': hunter2", "'password': *******"},
        {"password_file: /run/x", "password_file: /run/x"},
        {"token_file: /run/x", "token_file: /run/x"},
        {"passwords: 5", "passwords: 5"},
        {"token: {nulls: 1%}", "token: {nulls: 1%}"},
        {"token:", "token:"},
        {"{conninfo: \"host=h password=hunter2 user=u\"}",
         "{conninfo: \"host=h password=******* user=u\"}"},
        {"password = 'hunter 2' x", "password = '********' x"},
        {"password='hunter 2", "password='********"},
        {"postgresql://me:hunter2@h/db?a=b", "postgresql://me:*******@h/db?a=b"},
        {"https://hunter2@h/x", "https://*******@h/x"},
        {"https://h/x@y", "https://***@y"}, /* a password may hold a slash */
        {"https://h/hook?token=hunter2&a=b", "https://h/hook?token=*******&a=b"},
        {"url: https://hooks.slack.com/services/T1/B2/hunter2 x",
         "url: https://hooks.slack.com/********************** x"},
        {"Authorization: Bearer hunter2", "Authorization: **************"},
        {"x: \"Bearer hunter2\"", "x: \"Bearer *******\""},
        {"routing_key: 0123", "routing_key: ****"},
        {"apikey=h\xc3\xbcnter x", "apikey=****** x"},
        {"secret: \xc3\xa9\xc3\xa9", "secret: **"},
        {"design: a", "design: a"},
        {"sig=abc", "sig=***"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct vg_buf out;
        vg_buf_init(&out, 1000);
        vg_secret_mask(&out, rows[i].line, strlen(rows[i].line));
        assert_string_equal(out.data, rows[i].shown);
        vg_buf_free(&out);
    }
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    static const char *const names[] = {"s", "fifo"};
    char path[64];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),    cmocka_unit_test(test_limit),
        cmocka_unit_test(test_missing), cmocka_unit_test(test_inspect),
        cmocka_unit_test(test_mask),
    };
    return cmocka_run_group_tests_name("secret", tests, make_folder, remove_folder);
}
