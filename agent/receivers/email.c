/* SPDX-License-Identifier: GPL-3.0-or-later */
/* E-mail: plain text in UTF-8, one mail a message, those of an incident in one thread.
 *
 * Pure. A mail sent twice has the same Message-ID, by which mail systems tell repetitions. No text
 * of rules or tables can make a header: the subject is an encoded word, the rest is base64.
 * Formats: RFC 5322, 2047, 2045, 3834.
 */
#include <string.h>

#include "agent/phrase.h"
#include "agent/receivers/letter.h"
#include "agent/receivers/receivers.h"
#include "pgvigil/digest.h"
#include "pgvigil/text.h"

enum {
    SUBJECT_UNITS = 200,
    WORD_BYTES = 42, /* of text in one encoded word: at most 75 characters with its marks */
    LINE_BYTES = 57, /* 76 characters of base64 */
    ITEMS = 50,
    BODY_UNITS = 100000,
    TEXT_BYTES = 1 << 20,
    MAIL_BYTES = 2 << 20,
};

/* Encoded words of whole characters, folded one on a line. */
static void put_words(struct vg_buf *out, const char *text)
{
    size_t n = strlen(text);
    for (size_t i = 0, k; i < n; i += k) {
        size_t chars = WORD_BYTES;
        while ((k = vg_utf8_prefix(text + i, n - i, chars)) > WORD_BYTES)
            chars--;
        vg_buf_puts(out, i ? "\r\n =?UTF-8?B?" : "=?UTF-8?B?");
        vg_base64_put(out, text + i, k);
        vg_buf_puts(out, "?=");
    }
    vg_buf_puts(out, "\r\n");
}

static void put_base64(struct vg_buf *out, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i += LINE_BYTES) {
        vg_base64_put(out, text + i, n - i < LINE_BYTES ? n - i : LINE_BYTES);
        vg_buf_puts(out, "\r\n");
    }
}

/* "Tue, 12 Jun 2001 00:00:00 +0000", whatever the locale. */
static void put_date(struct vg_buf *out, int64_t us)
{
    static const char days[] = "ThuFriSatSunMonTueWed";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char text[VG_TIME_TEXT];
    int64_t day = us / VG_DAY_US - (us % VG_DAY_US < 0);
    int64_t weekday = (day % 7 + 7) % 7;
    vg_format_time(us, text); /* 2001-06-12T00:00:00Z */
    int64_t month = 0;
    const char two[3] = {text[5], text[6], '\0'};
    if (vg_parse_int64(two, &month) < 0 || month < 1 || month > 12)
        month = 1;
    vg_buf_printf(out, "Date: %.3s, %.2s %.3s %.4s %.8s +0000\r\n", days + 3 * weekday, text + 8,
                  months + 3 * (month - 1), text, text + 11);
}

/* The first mail of an incident has the incident's own id; the others refer to it. */
static void put_ids(struct vg_buf *out, const struct vg_message *message, const char *domain)
{
    if (message->kind == VG_MSG_OPEN || message->gathered) {
        vg_buf_printf(out, "Message-ID: <%s@%s>\r\n", message->key, domain);
        return;
    }
    vg_buf_printf(out, "Message-ID: <%s.%s.%lld@%s>\r\n", message->key,
                  vg_message_kind_name(message->kind), (long long)message->at_us, domain);
    vg_buf_printf(out, "In-Reply-To: <%s@%s>\r\nReferences: <%s@%s>\r\n", message->key, domain,
                  message->key, domain);
}

static void put_head(struct vg_buf *out, const struct vg_sink_in *in, const char *title)
{
    const struct vg_receiver *receiver = in->receiver;
    const char *at = strrchr(receiver->from, '@');
    bool urgent = in->message->severity == VG_SEVERITY_CRITICAL && in->message->kind == VG_MSG_OPEN;
    vg_buf_printf(out, "From: pgvigil <%s>\r\nTo: ", receiver->from);
    for (size_t i = 0; i < receiver->to.n; i++)
        vg_buf_printf(out, i ? ",\r\n %s" : "%s", receiver->to.items[i]);
    vg_buf_puts(out, "\r\nSubject: ");
    put_words(out, title);
    put_date(out, in->now_us);
    put_ids(out, in->message, at ? at + 1 : "localhost");
    vg_buf_puts(out, urgent ? "Importance: high\r\n" : "");
    vg_buf_printf(out, "X-Pgvigil-Incident: %s\r\n", in->message->key);
    vg_buf_puts(out, "Auto-Submitted: auto-generated\r\n"
                     "MIME-Version: 1.0\r\n"
                     "Content-Type: text/plain; charset=utf-8\r\n"
                     "Content-Transfer-Encoding: base64\r\n\r\n");
}

/* Lines end by CRLF inside base64 too: it is text. */
static void put_body(struct vg_buf *out, const struct vg_letter *letter)
{
    struct vg_buf all, cut, lines;
    vg_buf_init(&all, TEXT_BYTES);
    vg_buf_init(&cut, TEXT_BYTES);
    vg_buf_init(&lines, MAIL_BYTES);
    vg_letter_write(&all, letter);
    vg_markup_put(&cut, VG_MARKUP_NONE, all.data, BODY_UNITS);
    for (const char *p = cut.data; *p; p++) {
        if (*p == '\n')
            vg_buf_putc(&lines, '\r');
        vg_buf_putc(&lines, *p);
    }
    put_base64(out, lines.data, lines.len);
    out->failed = out->failed || all.failed || cut.failed || lines.failed;
    vg_buf_free(&all);
    vg_buf_free(&cut);
    vg_buf_free(&lines);
}

static const char *make_mail(const struct vg_sink_in *in, struct vg_arena *arena,
                             struct vg_error *err)
{
    struct vg_letter letter;
    struct vg_buf out, subject;
    if (vg_letter_make(in, &(const struct vg_letter_room){ITEMS, BODY_UNITS}, arena, &letter, err) <
        0)
        return NULL;
    vg_buf_init(&out, MAIL_BYTES);
    vg_buf_init(&subject, TEXT_BYTES);
    vg_markup_put(&subject, VG_MARKUP_NONE, letter.title, SUBJECT_UNITS);
    put_head(&out, in, subject.data);
    put_body(&out, &letter);
    const char *mail = out.failed || subject.failed ? NULL : vg_arena_strdup(arena, out.data);
    vg_buf_free(&subject);
    vg_buf_free(&out);
    if (!mail)
        vg_fail(err, VG_E_MEMORY, "out of memory");
    return mail;
}

static int render(const struct vg_sink_in *in, struct vg_arena *arena, struct vg_request *out,
                  struct vg_error *err)
{
    const struct vg_receiver *receiver = in->receiver;
    const struct vg_endpoint *endpoint = &receiver->endpoint;
    *out = (struct vg_request){0};
    if (!endpoint->url || !receiver->from || !receiver->to.n)
        return vg_fail(err, VG_E_CONFIG, "no server, sender or recipient is given");
    struct vg_mail *mail = vg_arena_alloc(arena, sizeof *mail);
    const char *body = mail ? make_mail(in, arena, err) : NULL;
    if (!mail)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    if (!body)
        return -1;
    *mail = (struct vg_mail){
        .from = receiver->from,
        .to = receiver->to.items,
        .nto = receiver->to.n,
        .user = receiver->user,
        .password = in->secret,
    };
    *out = (struct vg_request){
        .method = "POST",
        .url = endpoint->url,
        .body = body,
        .body_size = strlen(body),
        .ca_file = endpoint->ca_file,
        .insecure_http = endpoint->insecure_http,
        .allow_private = endpoint->allow_private,
        .timeout_us = endpoint->timeout_us,
        .mail = mail,
    };
    return 0;
}

/* Reply codes of SMTP: 4xx passes, 5xx stays. */
static enum vg_outcome answer(const struct vg_response *response, int64_t *retry_after_us,
                              char *why, size_t why_size)
{
    (void)retry_after_us;
    if (response->status)
        snprintf(why, why_size, "SMTP reply %d%s%s", response->status,
                 response->error.msg[0] ? ": " : "", response->error.msg);
    else
        snprintf(why, why_size, "%s", response->error.msg);
    if (response->status >= 200 && response->status < 300)
        return VG_DELIVERED;
    return response->status >= 500 && response->status < 600 ? VG_PERMANENT : VG_RETRY;
}

const struct vg_sink_ops vg_receiver_email = {
    .name = "email",
    .doc = "e-mail over SMTP: plain text, the mails of an incident in one thread",
    .gathers = true,
    .spacing_us = VG_US,
    .burst = 10,
    .render = render,
    .answer = answer,
};
