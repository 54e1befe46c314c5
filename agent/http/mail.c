/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Mail over SMTP: what of libcurl's settings is other than with HTTP.
 *
 * A connection is encrypted before anything is said (smtps) or by STARTTLS, without which nothing
 * is sent, unless the host is a loopback address or the configuration allows plain text. User and
 * password are given only over such a connection; where the server does not take them, nothing is
 * sent.
 */
#include "agent/http/mail.h"

#include <stdlib.h>
#include <string.h>

#include "agent/http/http.h"
#include "pgvigil/mem.h"

struct vg_mail_upload {
    struct curl_slist *to;
    char *text;
    size_t n, sent;
    bool must_log_in, logged_in;
};

void vg_mail_hear(struct vg_mail_upload *upload, const char *reply, size_t n)
{
    upload->logged_in = upload->logged_in || (n >= 3 && !memcmp(reply, "235", 3));
}

bool vg_mail_is_stranger(const struct vg_mail_upload *upload)
{
    return upload->must_log_in && !upload->logged_in;
}

static size_t give_text(char *data, size_t size, size_t n, void *arg)
{
    struct vg_mail_upload *upload = arg;
    if (vg_mail_is_stranger(upload))
        return CURL_READFUNC_ABORT;
    size_t room = size * n, left = upload->n - upload->sent;
    size_t k = room < left ? room : left;
    memcpy(data, upload->text + upload->sent, k);
    upload->sent += k;
    return k;
}

static CURLcode add_recipients(const struct vg_mail *mail, struct vg_mail_upload *upload)
{
    for (size_t i = 0; i < mail->nto; i++) {
        struct curl_slist *longer = curl_slist_append(upload->to, mail->to[i]);
        if (!longer)
            return CURLE_OUT_OF_MEMORY;
        upload->to = longer;
    }
    return CURLE_OK;
}

static long choose_tls(const struct vg_request *request)
{
    if (vg_http_is_loopback(request->url))
        return request->mail->password ? CURLUSESSL_TRY : CURLUSESSL_NONE;
    return request->insecure_http ? CURLUSESSL_TRY : CURLUSESSL_ALL;
}

static CURLcode set_texts(CURL *easy, const struct vg_mail *mail)
{
    const struct {
        CURLoption option;
        const char *text;
    } settings[] = {
        {CURLOPT_PROTOCOLS_STR, "smtp,smtps"},
        {CURLOPT_MAIL_FROM, mail->from},
        {CURLOPT_USERNAME, mail->user},
        {CURLOPT_PASSWORD, mail->user ? mail->password : NULL},
    };
    CURLcode code = CURLE_OK;
    for (size_t i = 0; i < sizeof settings / sizeof settings[0] && !code; i++)
        code = settings[i].text ? curl_easy_setopt(easy, settings[i].option, settings[i].text)
                                : CURLE_OK;
    return code;
}

CURLcode vg_mail_set(CURL *easy, const struct vg_request *request, struct vg_mail_upload **out)
{
    struct vg_mail_upload *upload = vg_array(1, sizeof *upload);
    *out = upload;
    if (!upload || !(upload->text = malloc(request->body_size + 1)))
        return CURLE_OUT_OF_MEMORY;
    memcpy(upload->text, request->body, request->body_size);
    upload->n = request->body_size;
    upload->must_log_in = request->mail->user != NULL;
    CURLcode code = add_recipients(request->mail, upload);
    code = code ? code : set_texts(easy, request->mail);
    /* the method of HTTP would be taken for a command of SMTP */
    code = code ? code : curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, NULL);
    code = code ? code : curl_easy_setopt(easy, CURLOPT_USE_SSL, choose_tls(request));
    /* on a connection of its own, so that the reply to its log-in is heard */
    code =
        code ? code : curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, upload->must_log_in ? 1L : 0L);
    code = code ? code : curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, upload->to);
    code = code ? code : curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    code = code ? code : curl_easy_setopt(easy, CURLOPT_READFUNCTION, give_text);
    return code ? code : curl_easy_setopt(easy, CURLOPT_READDATA, upload);
}

void vg_mail_free(struct vg_mail_upload *upload)
{
    if (!upload)
        return;
    curl_slist_free_all(upload->to);
    free(upload->text);
    free(upload);
}
