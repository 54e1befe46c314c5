/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of TLS in the HTTP client (agent/http/http.c): whose certificates are taken, those of
 * a private CA among them, and that whatever is refused has not been sent anything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/http/http.h"
#include "pgvigil/text.h"
#include "tests/unit/receiver_kit.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
enum { PATH = 200 };

static struct vg_http *http;
static char folder[] = P_tmpdir "/pgvigil-test-tls-XXXXXX";

/* <folder>/<name>.<kind> */
static const char *path_of(const char *name, const char *kind, char out[PATH])
{
    snprintf(out, PATH, "%s/%s.%s", folder, name, kind);
    return out;
}

/* Certificates: who signs (NULL: itself), what it is for, when it ends. */
static const struct made {
    const char *name, *issuer, *extensions, *days;
} made[] = {
    {"ca", NULL, "basicConstraints=critical,CA:TRUE", "2"},
    {"other-ca", NULL, "basicConstraints=critical,CA:TRUE", "2"},
    {"old-ca", NULL, "basicConstraints=critical,CA:TRUE", "-1"},
    {"between", "ca", "basicConstraints=critical,CA:TRUE", "2"},
    {"good", "ca", "subjectAltName=IP:127.0.0.1", "2"},
    {"expired", "ca", "subjectAltName=IP:127.0.0.1", "-1"},
    {"other-name", "ca", "subjectAltName=DNS:other.test", "2"},
    {"other-address", "ca", "subjectAltName=IP:127.0.0.2,DNS:127.0.0.1.other.test", "2"},
    {"by-other", "other-ca", "subjectAltName=IP:127.0.0.1", "2"},
    {"by-old", "old-ca", "subjectAltName=IP:127.0.0.1", "2"},
    {"by-between", "between", "subjectAltName=IP:127.0.0.1", "2"},
    {"by-good", "good", "subjectAltName=IP:127.0.0.1", "2"},
    {"alone", NULL, "subjectAltName=IP:127.0.0.1", "2"},
};

static void make_certificate(const struct made *one)
{
    char key[PATH], request[PATH], certificate[PATH], ca[PATH], ca_key[PATH], subject[60];
    path_of(one->name, "key", key);
    path_of(one->name, "csr", request);
    path_of(one->name, "pem", certificate);
    path_of(one->issuer ? one->issuer : one->name, "pem", ca);
    path_of(one->issuer ? one->issuer : one->name, "key", ca_key);
    snprintf(subject, sizeof subject, "/CN=%s", one->name);
    const char *const ask[] = {"openssl",
                               "req",
                               "-new",
                               "-newkey",
                               "ec",
                               "-pkeyopt",
                               "ec_paramgen_curve:P-256",
                               "-nodes",
                               "-keyout",
                               key,
                               "-out",
                               request,
                               "-subj",
                               subject,
                               "-addext",
                               one->extensions,
                               "-batch",
                               NULL};
    const char *const alone[] = {"openssl",   "x509",     "-req",    "-in",
                                 request,     "-signkey", key,       "-out",
                                 certificate, "-days",    one->days, "-copy_extensions",
                                 "copyall",   NULL};
    const char *const sign[] = {"openssl", "x509",      "-req",   "-in",     request,
                                "-CA",     ca,          "-CAkey", ca_key,    "-CAcreateserial",
                                "-out",    certificate, "-days",  one->days, "-copy_extensions",
                                "copyall", NULL};
    assert_int_equal(kit_run(ask), 0);
    assert_int_equal(kit_run(one->issuer ? sign : alone), 0);
}

/* What a server shows that knows who stands between it and the CA. */
static void make_chain(void)
{
    char line[4000], key[PATH], from[PATH], to[PATH];
    static const char *const parts[] = {"by-between", "between"};
    FILE *out = fopen(path_of("chain", "pem", to), "w");
    assert_non_null(out);
    for (size_t i = 0; i < COUNT(parts); i++) {
        FILE *in = fopen(path_of(parts[i], "pem", from), "r");
        assert_non_null(in);
        while (fgets(line, sizeof line, in))
            assert_true(fputs(line, out) >= 0);
        fclose(in);
    }
    assert_int_equal(fclose(out), 0);
    const char *const copy[] = {"cp", path_of("by-between", "key", key),
                                path_of("chain", "key", to), NULL};
    assert_int_equal(kit_run(copy), 0);
}

static int set_up(void **state)
{
    struct vg_error err = {0};
    (void)state;
    if (!mkdtemp(folder) || vg_http_new(&http, &err) < 0)
        return -1;
    for (size_t i = 0; i < COUNT(made); i++)
        make_certificate(&made[i]);
    make_chain();
    return 0;
}

static int tear_down(void **state)
{
    const char *const clean[] = {"rm", "-r", folder, NULL};
    (void)state;
    http->ops->free(http);
    return kit_run(clean);
}

struct tls_case {
    const char *served, *trusted; /* certificates; trusted NULL: the system's */
    bool old;                     /* the server speaks TLS 1.1 at most */
    const char *complaint;        /* NULL: it is taken */
};

static void try_tls(const struct tls_case *given)
{
    char key[PATH], certificate[PATH], trusted[PATH], log[PATH], url[60], line[10];
    struct kit_receiver receiver;
    path_of(given->served, "key", key);
    path_of(given->served, "pem", certificate);
    path_of(given->trusted ? given->trusted : "", "pem", trusted);
    path_of("requests", "log", log);
    remove(log);
    const char *const more[] = {
        "--log", log, "--tls", certificate, key, given->old ? "--tls-old" : NULL, NULL};
    kit_start(&receiver, more);
    snprintf(url, sizeof url, "https://127.0.0.1:%d/secret", receiver.port);
    const struct vg_request request = {
        .method = "GET", .url = url, .ca_file = given->trusted ? trusted : NULL};
    const struct vg_response *response = kit_exchange(http, &request);
    kit_stop(&receiver);
    const char *said = response->error.msg;
    FILE *arrived = fopen(log, "r");
    assert_non_null(arrived);
    bool any = fgets(line, sizeof line, arrived) != NULL;
    fclose(arrived);
    if (response->status != (given->complaint ? 0 : 404) || any != !given->complaint)
        fail_msg("%s, trusting %s: status %d, %s", given->served,
                 given->trusted ? given->trusted : "the system", response->status, said);
    if (!given->complaint)
        return;
    assert_true(response->error.code == VG_E_CONNECT || response->error.code == VG_E_HTTP);
    if (!strstr(said, given->complaint) || strstr(said, "secret"))
        fail_msg("%s: not '%s' but: %s", given->served, given->complaint, said);
}

static void try_all(const struct tls_case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++)
        try_tls(&cases[i]);
}

static void test_a_private_ca_is_trusted(void **state)
{
    static const struct tls_case cases[] = {
        {"good", "ca", false, NULL},
        {"chain", "ca", false, NULL},
        {"alone", "alone", false, NULL},
    };
    (void)state;
    try_all(cases, COUNT(cases));
}

static void test_others_are_not(void **state)
{
    static const struct tls_case cases[] = {
        {"good", NULL, false, "unable to get local issuer"},
        {"by-other", "ca", false, "unable to get local issuer"},
        {"by-between", "ca", false, "unable to get local issuer"},
        {"by-good", "ca", false, "certificate"},
        {"alone", "ca", false, "self-signed certificate"},
        {"alone", NULL, false, "self-signed certificate"},
        {"good", "missing", false, "certificate"},
    };
    (void)state;
    try_all(cases, COUNT(cases));
}

static void test_time_and_name_are_verified(void **state)
{
    static const struct tls_case cases[] = {
        {"expired", "ca", false, "certificate has expired"},
        {"by-old", "old-ca", false, "certificate has expired"},
        {"other-name", "ca", false, "subject name"},
        {"other-address", "ca", false, "subject name"},
        {"good", "ca", true, "protocol version"},
    };
    (void)state;
    try_all(cases, COUNT(cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_private_ca_is_trusted),
        cmocka_unit_test(test_others_are_not),
        cmocka_unit_test(test_time_and_name_are_verified),
    };
    return cmocka_run_group_tests_name("http_tls", tests, set_up, tear_down);
}
