/* SPDX-License-Identifier: GPL-3.0-or-later */
/* After messages and pushes have been delivered, and a training system was logged in to, this
 * process holds no copy of the secrets they were sent with: all of its writable memory is searched.
 * The secrets stand here in disguise, and another process writes their files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/clock.h"
#include "agent/deliver/deliver.h"
#include "agent/http/http.h"
#include "agent/message.h"
#include "agent/secret.h"
#include "pgvigil/log.h"
#include "tests/unit/delivery_kit.h"
#include "tests/unit/receiver_kit.h"
#include "tests/unit/store_fixture.h"
#include "tests/unit/systems_kit.h"

#define NOW (KIT_JUNE_12 + VG_DAY_US)
enum { DISGUISE = 0x55, SECRET = 32, SECRETS = 6, CHUNK = 1 << 20, LARGEST_REGION = 256 << 20 };

/* Letters and digits, each turned by DISGUISE; one for each use. */
static const char *const disguised[SECRETS] = {
    "\x22\x30\x37\x3d\x3a\x3a\x3e\x01\x3a\x3e\x30\x3b\x64\x67\x66\x61"
    "\x60\x63\x62\x6d\x6c\x65\x14\x17\x16\x11\x10\x13\x12\x1d\x1c\x1f",
    "\x67\x64\x66\x60\x61\x62\x63\x6c\x6d\x65\x34\x37\x36\x31\x30\x33"
    "\x33\x30\x31\x36\x37\x34\x65\x6d\x6c\x63\x62\x61\x60\x66\x64\x67",
    "\x06\x39\x34\x36\x3e\x05\x34\x21\x3d\x02\x0c\x0f\x0d\x01\x00\x03"
    "\x02\x1e\x19\x18\x1b\x1a\x05\x04\x07\x06\x65\x6c\x6d\x62\x63\x60",
    "\x05\x20\x26\x3d\x01\x3a\x3e\x30\x3b\x0c\x0f\x0d\x02\x03\x00\x01"
    "\x06\x07\x04\x05\x1a\x1b\x18\x19\x1e\x1f\x1c\x1d\x12\x13\x10\x11",
    "\x04\x62\x27\x01\x67\x38\x0f\x2d\x6c\x19\x25\x02\x61\x3e\x03\x37"
    "\x6d\x1b\x36\x0c\x66\x3d\x12\x31\x63\x1f\x33\x06\x64\x24\x0d\x30",
    "\x20\x10\x60\x2c\x07\x65\x21\x1c\x6d\x3a\x05\x66\x34\x06\x63\x31"
    "\x13\x64\x32\x1d\x61\x3f\x1e\x62\x39\x0f\x67\x2d\x16\x6c\x23\x17",
};

/* How often each secret stands in a region of the memory of this process. */
static void search_region(int fd, uint64_t from, uint64_t to, char *chunk, size_t found[SECRETS])
{
    char *fresh = chunk + SECRET, *start = fresh; /* the end of the last chunk before it */
    for (uint64_t at = from; at < to;) {
        size_t want = to - at < CHUNK ? (size_t)(to - at) : CHUNK;
        ssize_t got = pread(fd, fresh, want, (off_t)at);
        if (got <= 0)
            return; /* a guard page */
        uint64_t *words = (uint64_t *)(void *)fresh;
        for (size_t i = 0; i < (size_t)got / sizeof *words; i++)
            words[i] ^= DISGUISE * UINT64_C(0x0101010101010101);
        char *end = fresh + got;
        for (size_t k = 0; k < SECRETS; k++) {
            for (char *p = start; (p = memmem(p, (size_t)(end - p), disguised[k], SECRET)); p++)
                found[k]++;
        }
        start = fresh - (SECRET - 1);
        memmove(start, end - (SECRET - 1), SECRET - 1);
        at += (size_t)got;
    }
}

static void search_all(size_t found[SECRETS])
{
    char line[4096];
    /* Shared, so that it is a region of its own, which is left out. */
    char *chunk =
        mmap(NULL, CHUNK + SECRET, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    FILE *maps = fopen("/proc/self/maps", "r");
    int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    assert_true(maps && chunk != MAP_FAILED && fd >= 0);
    memset(found, 0, SECRETS * sizeof *found);
    while (fgets(line, sizeof line, maps)) {
        unsigned long long from, to;
        char rights[5];
        /* Larger ones are the sanitizers' own. */
        if (sscanf(line, "%llx-%llx %4s", &from, &to, rights) == 3 && rights[1] == 'w' &&
            to - from <= LARGEST_REGION && from != (uintptr_t)chunk)
            search_region(fd, from, to, chunk, found);
    }
    close(fd);
    fclose(maps);
    munmap(chunk, CHUNK + SECRET);
}

static size_t search_memory(size_t secret)
{
    size_t found[SECRETS];
    search_all(found);
    return found[secret];
}

/* Another process writes `prefix` and the secret, so that this one never has it. */
static void write_secret(const char *path, const char *prefix, const char *secret)
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (!child) {
        char plain[SECRET];
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        for (size_t i = 0; i < SECRET; i++)
            plain[i] = secret[i] ^ DISGUISE;
        bool fine = fd >= 0 && write(fd, prefix, strlen(prefix)) == (ssize_t)strlen(prefix) &&
                    write(fd, plain, SECRET) == SECRET && write(fd, "\n", 1) == 1;
        _exit(fine ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void test_the_search_finds(void **state)
{
    (void)state;
    char *plain = malloc(SECRET);
    assert_non_null(plain);
    assert_int_equal(search_memory(0), 0);
    for (size_t i = 0; i < SECRET; i++)
        plain[i] = disguised[0][i] ^ DISGUISE;
    assert_int_equal(search_memory(0), 1);
    explicit_bzero(plain, SECRET);
    free(plain);
    assert_int_equal(search_memory(0), 0);
}

static void put(struct fixture *f, const char *sink)
{
    struct vg_message_item item;
    struct vg_message message = kit_message(&item);
    struct vg_outgoing row = {.sink_kind = VG_SINK_RECEIVER,
                              .sink = sink,
                              .kind = message.kind,
                              .created_us = NOW,
                              .next_us = NOW};
    memcpy(row.key, message.key, VG_KEY_SIZE);
    MUST(f, vg_message_write(&message, f->arena, &row.body, &f->err));
    MUST(f, vg_store_outbox_put(f->store, &row, &f->err));
}

static void deliver_all(struct fixture *f, const struct vg_config *config, struct vg_http *http)
{
    struct vg_clock *clock;
    struct vg_deliver *engine;
    struct vg_outbox_count *counts;
    size_t n;
    char group[100];
    MUST(f, vg_clock_real(&clock, &f->err));
    MUST(f, vg_deliver_new(f->store, http, clock, config, &engine, &f->err));
    for (size_t i = 0; i < config->nreceivers; i++)
        put(f, config->receivers[i].name);
    snprintf(group, sizeof group, "%s/metrics/job/pgvigil", config->push_url);
    MUST(f, vg_deliver_push(engine, group, "PUT", strdup("up 1\n"), 5));
    MUST(f, vg_deliver_drain(engine, NOW, &f->err));
    MUST(f, vg_store_outbox_counts(f->store, f->arena, &counts, &n, &f->err));
    assert_int_equal(n, config->nreceivers);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(counts[i].sent, 1);
    size_t copies[SECRETS];
    search_all(copies);
    for (size_t i = 0; i < SECRETS; i++) {
        if (copies[i])
            print_error("secret %zu: %zu copies\n", i, copies[i]);
        assert_int_equal(copies[i], 0);
    }
    vg_deliver_free(engine);
    vg_clock_free(clock);
}

static void test_deliveries_leave_no_secret(void **state)
{
    struct fixture *f = *state;
    struct kit_receiver server;
    struct vg_http *http;
    char base[64], slack[100], key_url[100], hook[100], discord[100], paths[SECRETS][200];
    vg_log_setup(VG_LOG_LEVELS, false);
    kit_start(&server, NULL);
    MUST(f, vg_http_new(&http, &f->err));
    snprintf(base, sizeof base, "http://127.0.0.1:%d", server.port);
    snprintf(slack, sizeof slack, "%s/slack/", base);
    snprintf(key_url, sizeof key_url, "%s/v2/enqueue", base);
    snprintf(hook, sizeof hook, "%s/hook", base);
    snprintf(discord, sizeof discord, "%s/discord/", base);
    const char *const before[SECRETS] = {"", "", slack, "", "whsec_", discord};
    for (size_t i = 0; i < SECRETS; i++) {
        snprintf(paths[i], sizeof paths[i], "%s/secret-%zu", f->dir, i);
        write_secret(paths[i], before[i], disguised[i]);
    }
    struct vg_receiver receivers[] = {
        {.name = "audit",
         .kind = VG_RECEIVER_WEBHOOK,
         .endpoint = {.url = hook, .token_file = paths[0]},
         .signing_file = paths[4]},
        {.name = "oncall",
         .kind = VG_RECEIVER_PAGERDUTY,
         .endpoint = {.url = key_url},
         .routing_key_file = paths[1]},
        {.name = "ops", .kind = VG_RECEIVER_SLACK, .endpoint = {.url_file = paths[2]}},
        {.name = "chat", .kind = VG_RECEIVER_DISCORD, .endpoint = {.url_file = paths[5]}},
    };
    struct vg_config config = {.name = "prod",
                               .receivers = receivers,
                               .nreceivers = 4,
                               .push_url = base,
                               .push = {.url = base, .token_file = paths[3]}};
    deliver_all(f, &config, http);
    http->ops->free(http);
    kit_stop(&server);
    for (size_t i = 0; i < SECRETS; i++)
        remove(paths[i]);
}

/* A password that stands in the JSON of a request, and a token in that of its answer. */
static void test_a_log_in_leaves_no_secret(void **state)
{
    static const char before[] = "{\"access_token\":\"", after[] = "\"}";
    struct fixture *f = *state;
    struct asked asked;
    struct vg_secret password;
    char path[200];
    systems_begin(&asked, "airflow: {url: \"https://a.test\", dag: d, user: u, password_file: f}");
    vg_arena_free(asked.arena);
    asked.arena = vg_arena_new_wiped();
    snprintf(path, sizeof path, "%s/password", f->dir);
    write_secret(path, "", disguised[0]);
    MUST(f, vg_secret_read(path, &password, &f->err));
    asked.in.token = NULL;
    asked.in.password = password.text;
    systems_ask(&asked, 0);
    assert_true(asked.request.body_size > SECRET);
    struct vg_response *response = kit_response(201, "");
    response->body_size = sizeof before - 1 + SECRET + sizeof after - 1;
    memcpy(response->body, before, sizeof before);
    memcpy(response->body + sizeof before - 1, password.text, SECRET);
    memcpy(response->body + sizeof before - 1 + SECRET, after, sizeof after);
    vg_buf_init_wiped(&asked.said.token, VG_SECRET_MAX);
    asked.system->answer(&asked.in, response, &asked.said);
    assert_int_equal(asked.said.token.len, SECRET);
    explicit_bzero(response->body, sizeof response->body);
    vg_buf_free(&asked.said.token);
    vg_secret_free(&password);
    systems_end(&asked);
    assert_int_equal(search_memory(0), 0);
    remove(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_search_finds),
        cmocka_unit_test_setup_teardown(test_a_log_in_leaves_no_secret, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_deliveries_leave_no_secret, fixture_setup,
                                        fixture_teardown),
    };
    json_set_alloc_funcs(vg_wiped_malloc, vg_wiped_free);
    return cmocka_run_group_tests_name("secret_memory", tests, NULL, NULL);
}
