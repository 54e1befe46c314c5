/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pgvigil notify test RECEIVER: sends one harmless message and says what the receiver answered.
 * pgvigil notify example RECEIVER: prints what it would be sent, and sends nothing. */
#include <math.h>
#include <string.h>

#include "agent/commands/notify_example.h"
#include "agent/commands/shell.h"
#include "agent/deliver/deliver.h"
#include "agent/http/http.h"
#include "agent/run/run.h"
#include "pgvigil/text.h"

static void fill_test(struct vg_shell *shell, struct vg_message_item *item,
                      struct vg_message *message)
{
    int64_t now_us = shell->clock->ops->now_us(shell->clock);
    *item = (struct vg_message_item){
        .rule = "test",
        .check = "test",
        .class = "quality",
        .state = VG_ALERT_OK,
        .verdict = VG_PASS,
        .value = (double)NAN,
        .limit = (double)NAN,
        .p_value = (double)NAN,
        .onset_us = now_us,
        .why = "this is a test; nothing is wrong",
    };
    *message = (struct vg_message){
        .kind = VG_MSG_TEST,
        .agent = shell->config->name ? shell->config->name : "pgvigil",
        .dataset = "test",
        .severity = VG_SEVERITY_INFO,
        .at_us = now_us,
        .onset_us = now_us,
        .opened_us = now_us,
        .items = item,
        .nitems = 1,
        .url = shell->config->external_url,
    };
    const char *parts[] = {message->agent, "notify test"};
    vg_hash_hex(message->key, parts, 2);
}

static int send_test(struct vg_shell *shell, const struct vg_receiver *receiver)
{
    struct vg_error err = {0};
    struct vg_http *http;
    struct vg_message_item item;
    struct vg_message message;
    struct vg_deliver_said said;
    fill_test(shell, &item, &message);
    if (vg_http_new(&http, &err) < 0 || vg_run_new(http, &http, &err) < 0)
        return vg_shell_fail(&err);
    int rc = vg_deliver_once(http, receiver, &message, &said, &err);
    http->ops->free(http);
    if (rc < 0)
        return vg_shell_fail(&err);
    if (said.nothing)
        printf("%s is not sent such messages\n", receiver->name);
    else if (said.outcome == VG_DELIVERED)
        printf("%s accepted the test message (%s)\n", receiver->name, said.why);
    else
        fprintf(stderr, "pgvigil: %s did not accept the test message: %s\n", receiver->name,
                said.why);
    return said.outcome == VG_DELIVERED || said.nothing ? 0 : VG_EXIT_BLIND;
}

static int fail_receiver(const struct vg_shell *shell, const char *name)
{
    fprintf(stderr, "pgvigil: there is no receiver %s; there are:", name);
    for (size_t i = 0; i < shell->config->nreceivers; i++)
        fprintf(stderr, " %s", shell->config->receivers[i].name);
    fputc('\n', stderr);
    return VG_EXIT_USAGE;
}

static int show_examples(struct vg_shell *shell, const struct vg_receiver *receiver)
{
    struct vg_error err = {0};
    int64_t now_us = shell->clock->ops->now_us(shell->clock);
    return vg_notify_examples(shell->config, receiver, now_us, stdout, &err) < 0
               ? vg_shell_fail(&err)
               : 0;
}

static int run_notify(const struct vg_options *options)
{
    struct vg_shell shell;
    bool sends = !strcmp(options->arguments[0], "test");
    if (!sends && strcmp(options->arguments[0], "example") != 0) {
        fputs("usage: pgvigil notify test|example RECEIVER\n", stderr);
        return VG_EXIT_USAGE;
    }
    int rc = vg_shell_open(&shell, options);
    if (!rc) {
        const char *name = options->arguments[1];
        const struct vg_receiver *receiver = vg_config_receiver(shell.config, name);
        rc = !receiver ? fail_receiver(&shell, name)
             : sends   ? send_test(&shell, receiver)
                       : show_examples(&shell, receiver);
    }
    vg_shell_close(&shell);
    return rc;
}

extern const struct vg_command vg_command_notify;
const struct vg_command vg_command_notify = {
    .name = "notify",
    .arguments = "test|example RECEIVER",
    .doc = "send a test message to a receiver, or show what messages would say",
    .options = "",
    .least = 2,
    .most = 2,
    .run = run_notify,
};
