/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The HTTP client: one curl multi handle, one easy handle a request. What libcurl held is
 * overwritten when it is freed, as secrets are in it.
 *
 * Every request has a connection of its own, so that none rides on rights that another had. A
 * status that has arrived is an answer, whatever becomes of the body behind it. Addresses:
 * http_address.c.
 */
#include "agent/http/http.h"
#include "agent/http/mail.h"

#include <curl/curl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/clock.h"
#include "pgvigil/log.h"
#include "pgvigil/text.h"

enum { CONNECT_MS = 5000, DEFAULT_MS = 10000, HEADER_BYTES = 1 << 16, POLL_MS = 60000 };

struct transfer {
    struct transfer *next;
    CURL *easy;
    struct curl_slist *headers;
    struct vg_mail_upload *mail; /* or NULL */
    void *tag;
    struct vg_buf body;
    struct vg_buf hidden; /* what of the answer is not for others' eyes */
    size_t header_bytes;
    bool loopback_host, allow_private;
    bool refused; /* an address was not allowed */
    char where[VG_HTTP_WHERE_SIZE];
    char detail[CURL_ERROR_SIZE];
};

struct client {
    struct vg_http port;
    CURLM *multi;
    atomic_bool woken;
    struct transfer *transfers;
    struct vg_response response;
};

static struct client *client_of(struct vg_http *port)
{
    return (struct client *)port;
}

/* --- Callbacks of a transfer ------------------------------------------------------------------ */

static size_t take_body(char *data, size_t size, size_t n, void *arg)
{
    struct transfer *transfer = arg;
    size_t bytes = size * n, room = VG_HTTP_BODY_BYTES - transfer->body.len;
    vg_buf_add(&transfer->body, data, bytes < room ? bytes : room);
    return bytes > room || transfer->body.failed ? 0 : bytes;
}

static size_t count_header(char *data, size_t size, size_t n, void *arg)
{
    struct transfer *transfer = arg;
    if (transfer->mail)
        vg_mail_hear(transfer->mail, data, size * n);
    transfer->header_bytes += size * n;
    return transfer->header_bytes > HEADER_BYTES ? 0 : size * n;
}

static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct transfer *transfer = arg;
    (void)purpose;
    if (!vg_http_address_allowed(&address->addr, transfer->loopback_host,
                                 transfer->allow_private)) {
        transfer->refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* --- Starting --------------------------------------------------------------------------------- */

static void free_transfer(struct transfer *transfer)
{
    if (!transfer)
        return;
    curl_easy_cleanup(transfer->easy);
    curl_slist_free_all(transfer->headers);
    vg_mail_free(transfer->mail);
    vg_buf_free(&transfer->body);
    vg_buf_free(&transfer->hidden);
    free(transfer);
}

static int append_header(struct transfer *transfer, const char *line, struct vg_error *err)
{
    struct curl_slist *longer = curl_slist_append(transfer->headers, line);
    if (!longer)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    transfer->headers = longer;
    return 0;
}

static int add_headers(struct transfer *transfer, const struct vg_request *request,
                       struct vg_error *err)
{
    bool typed = false;
    struct vg_buf line;
    vg_buf_init_wiped(&line, 1 << 14);
    /* libcurl signs even what is only taken away, and no body here is so long that it would expect
     * an answer before it */
    int rc = request->aws ? 0 : append_header(transfer, "Expect:", err);
    for (size_t i = 0; !rc && i < request->nheaders; i++) {
        const struct vg_pair *pair = &request->headers[i];
        typed = typed || !strcasecmp(pair->key, "Content-Type");
        vg_buf_clear(&line);
        /* no printf, which keeps pieces on the stack; curl wants a semicolon where no value is */
        vg_buf_puts(&line, pair->key);
        vg_buf_puts(&line, *pair->value ? ": " : ";");
        vg_buf_puts(&line, pair->value);
        if (!vg_http_token(pair->key) || !vg_http_value(pair->value) || line.failed)
            rc = vg_fail(err, VG_E_CONFIG, "%s: header %zu cannot be sent as it is",
                         transfer->where, i + 1);
        else
            rc = append_header(transfer, line.data, err);
    }
    if (!rc && !typed)
        rc = append_header(transfer, "Content-Type:", err);
    vg_buf_free(&line);
    return rc;
}

static CURLcode set_numbers(CURL *easy, const struct vg_request *request)
{
    int64_t asked_ms = (request->timeout_us + 999) / 1000;
    long total_ms = asked_ms > 0 && asked_ms < INT32_MAX ? (long)asked_ms : DEFAULT_MS;
    const struct {
        CURLoption option;
        long number;
    } settings[] = {
        {CURLOPT_FOLLOWLOCATION, 0},
        {CURLOPT_NOSIGNAL, 1},
        {CURLOPT_QUICK_EXIT, 1}, /* a stuck resolver must not delay the end of the program */
        {CURLOPT_FRESH_CONNECT, 1},
        {CURLOPT_FORBID_REUSE, 1},
        {CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
        {CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
        {CURLOPT_SSL_VERIFYPEER, 1},
        {CURLOPT_SSL_VERIFYHOST, 2},
        {CURLOPT_TIMEOUT_MS, total_ms},
        {CURLOPT_CONNECTTIMEOUT_MS, total_ms < CONNECT_MS ? total_ms : CONNECT_MS},
        {CURLOPT_NOBODY, !strcmp(request->method, "HEAD")},
    };
    CURLcode code = CURLE_OK;
    for (size_t i = 0; i < sizeof settings / sizeof settings[0] && !code; i++)
        code = curl_easy_setopt(easy, settings[i].option, settings[i].number);
    return code;
}

static CURLcode set_texts(CURL *easy, const struct vg_request *request)
{
    const struct {
        CURLoption option;
        const char *text;
    } settings[] = {
        {CURLOPT_URL, request->url},
        {CURLOPT_PROTOCOLS_STR, "http,https"},
        {CURLOPT_PROXY, ""},
        {CURLOPT_USERAGENT, "pgvigil/" VG_VERSION},
        {CURLOPT_CAINFO, request->ca_file},
        {CURLOPT_CUSTOMREQUEST, request->method},
    };
    CURLcode code = CURLE_OK;
    for (size_t i = 0; i < sizeof settings / sizeof settings[0] && !code; i++) {
        if (settings[i].text)
            code = curl_easy_setopt(easy, settings[i].option, settings[i].text);
    }
    /* a CA file is the only trust then: the system's folder of CAs would be read beside it */
    if (!code && request->ca_file)
        code = curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    return code;
}

/* Signed are the host, the date, the headers given and the body. */
static CURLcode set_signature(CURL *easy, const struct vg_aws *aws)
{
    char scope[200];
    if (!aws)
        return CURLE_OK;
    int n = snprintf(scope, sizeof scope, "aws:amz:%s:%s", aws->region, aws->service);
    if (n < 0 || (size_t)n >= sizeof scope)
        return CURLE_BAD_FUNCTION_ARGUMENT;
    CURLcode code = curl_easy_setopt(easy, CURLOPT_AWS_SIGV4, scope);
    code = code ? code : curl_easy_setopt(easy, CURLOPT_USERNAME, aws->id);
    return code ? code : curl_easy_setopt(easy, CURLOPT_PASSWORD, aws->secret);
}

static CURLcode set_body(CURL *easy, const struct vg_request *request)
{
    bool wanted = !strcmp(request->method, "POST") || !strcmp(request->method, "PUT");
    if (!request->body && !wanted)
        return CURLE_OK;
    curl_off_t size = request->body ? (curl_off_t)request->body_size : 0;
    CURLcode code = curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, size);
    const void *body = request->body ? request->body : "";
    return code ? code : curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, body);
}

static CURLcode set_callbacks(struct transfer *transfer)
{
    CURL *easy = transfer->easy;
    CURLcode code = curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
    code = code ? code : curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    code = code ? code : curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    code = code ? code : curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, count_header);
    code = code ? code : curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    code = code ? code : curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    code = code ? code : curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
    code = code ? code : curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->detail);
    return code ? code : curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
}

static int fill_transfer(struct transfer *transfer, const struct vg_request *request,
                         struct vg_error *err)
{
    vg_http_where(request->url, transfer->where);
    int rc = request->mail ? vg_http_check_mail_url(request->url, err)
                           : vg_http_check_url(request->url, request->insecure_http, err);
    if (rc < 0)
        return -1;
    if (!request->method || !vg_http_token(request->method))
        return vg_fail(err, VG_E_CONFIG, "%s: the method is not a word", transfer->where);
    transfer->loopback_host = vg_http_is_loopback(request->url);
    transfer->allow_private = request->allow_private;
    transfer->easy = curl_easy_init();
    if (!transfer->easy)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    if (!request->mail && add_headers(transfer, request, err) < 0)
        return -1;
    CURLcode code = set_numbers(transfer->easy, request);
    code = code ? code : set_texts(transfer->easy, request);
    code = code ? code : set_signature(transfer->easy, request->aws);
    code = code ? code : set_callbacks(transfer);
    if (request->mail)
        code = code ? code : vg_mail_set(transfer->easy, request, &transfer->mail);
    else
        code = code ? code : set_body(transfer->easy, request);
    if (!code)
        return 0;
    return vg_fail(err, code == CURLE_OUT_OF_MEMORY ? VG_E_MEMORY : VG_E_HTTP, "%s: %s",
                   transfer->where, curl_easy_strerror(code));
}

static int start_request(struct vg_http *self, const struct vg_request *request, void *tag,
                         struct vg_error *err)
{
    struct client *client = client_of(self);
    struct transfer *transfer = vg_array(1, sizeof *transfer);
    if (!transfer)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    vg_buf_init_wiped(&transfer->body, VG_HTTP_BODY_BYTES + 1);
    transfer->tag = tag;
    vg_http_note_secrets(request, &transfer->hidden);
    if (fill_transfer(transfer, request, err) < 0)
        goto fail;
    CURLMcode code = curl_multi_add_handle(client->multi, transfer->easy);
    if (code) {
        vg_fail(err, VG_E_HTTP, "%s: %s", transfer->where, curl_multi_strerror(code));
        goto fail;
    }
    transfer->next = client->transfers;
    client->transfers = transfer;
    return 0;
fail:
    free_transfer(transfer);
    return -1;
}

/* --- Answers ---------------------------------------------------------------------------------- */

/* What may be said of a failure: libcurl's detail where it names host, port or certificate only. */
static void explain_failure(const struct transfer *transfer, CURLcode code, struct vg_error *err)
{
    bool told = code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_CONNECT ||
                code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CONNECT_ERROR ||
                code == CURLE_SSL_CACERT_BADFILE || code == CURLE_OPERATION_TIMEDOUT ||
                code == CURLE_USE_SSL_FAILED;
    /* what nothing was sent to is told apart: that request has certainly not arrived */
    bool unsent = code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST ||
                  code == CURLE_SSL_CONNECT_ERROR || code == CURLE_PEER_FAILED_VERIFICATION;
    enum vg_code kind = code == CURLE_OPERATION_TIMEDOUT ? VG_E_TIMEOUT
                        : code == CURLE_OUT_OF_MEMORY    ? VG_E_MEMORY
                        : unsent                         ? VG_E_CONNECT
                                                         : VG_E_HTTP;
    if (transfer->refused && code == CURLE_COULDNT_CONNECT) {
        vg_fail(err, VG_E_PERMISSION, "%s: its address is private, link-local or loopback",
                transfer->where);
        vg_hint(err, "set allow_private: true if that is meant");
        return;
    }
    vg_fail(err, kind, "%s: %s", transfer->where,
            told && *transfer->detail ? transfer->detail : curl_easy_strerror(code));
}

/* GitHub's way to say 403 for the time being. */
static int64_t read_rate_limit(CURL *easy, int64_t now_s)
{
    struct curl_header *left, *reset;
    double at_s;
    if (curl_easy_header(easy, "X-RateLimit-Remaining", 0, CURLH_HEADER, -1, &left) ||
        strcmp(left->value, "0") != 0)
        return 0;
    bool told = !curl_easy_header(easy, "X-RateLimit-Reset", 0, CURLH_HEADER, -1, &reset) &&
                !vg_parse_double(reset->value, &at_s);
    double wait_s = told ? at_s - (double)now_s : 1;
    return (int64_t)(wait_s > 1 && wait_s < 1e6 ? wait_s : 1) * VG_US;
}

static int64_t read_retry_after(CURL *easy, int status)
{
    struct curl_header *header;
    int64_t now_s = (int64_t)time(NULL);
    /* the server's own clock decides what its date means */
    if (!curl_easy_header(easy, "Date", 0, CURLH_HEADER, -1, &header)) {
        time_t date = curl_getdate(header->value, NULL);
        now_s = date > 0 ? (int64_t)date : now_s;
    }
    if (curl_easy_header(easy, "Retry-After", 0, CURLH_HEADER, -1, &header))
        return status == 403 ? read_rate_limit(easy, now_s) : 0;
    return vg_http_retry_after(header->value, now_s);
}

static void read_location(CURL *easy, char *out, size_t size)
{
    struct curl_header *header;
    *out = '\0';
    if (!curl_easy_header(easy, "Location", 0, CURLH_HEADER, -1, &header) &&
        strlen(header->value) < size)
        memcpy(out, header->value, strlen(header->value) + 1);
}

static void finish_transfer(struct client *client, struct transfer *transfer, CURLcode code)
{
    struct vg_response *response = &client->response;
    long status = 0;
    if (curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status))
        status = 0;
    response->status = status >= 200 && status <= 999 ? (int)status : 0;
    /* each command of a mail has a reply: only the last of a whole dialogue is the answer */
    if (transfer->mail && code && response->status < 400)
        response->status = 0;
    explicit_bzero(response->body, response->body_size); /* it may have been a token */
    response->body_size = transfer->body.len;
    memcpy(response->body, transfer->body.data, transfer->body.len);
    response->body[transfer->body.len] = '\0';
    vg_http_strike(&transfer->hidden, response->body, &response->body_size);
    response->whole = response->status && !code;
    response->retry_after_us =
        response->status ? read_retry_after(transfer->easy, response->status) : 0;
    read_location(transfer->easy, response->location, sizeof response->location);
    size_t location_size = strlen(response->location);
    vg_http_strike(&transfer->hidden, response->location, &location_size);
    response->error = (struct vg_error){0};
    if (!response->status || (transfer->mail && code))
        explain_failure(transfer, code ? code : CURLE_GOT_NOTHING, &response->error);
    if (transfer->mail && code == CURLE_ABORTED_BY_CALLBACK && vg_mail_is_stranger(transfer->mail))
        vg_fail(&response->error, VG_E_PERMISSION,
                "the mail server offers no log-in for the user: nothing was sent");

    struct transfer **link = &client->transfers;
    while (*link != transfer)
        link = &(*link)->next;
    *link = transfer->next;
    curl_multi_remove_handle(client->multi, transfer->easy);
    free_transfer(transfer);
}

static bool take_answer(struct client *client, void **tag)
{
    CURLMsg *msg;
    int left;
    while ((msg = curl_multi_info_read(client->multi, &left))) {
        char *data = NULL;
        if (msg->msg != CURLMSG_DONE)
            continue;
        if (curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &data) || !data)
            BUG("a transfer without its data");
        struct transfer *transfer = (struct transfer *)(void *)data;
        *tag = transfer->tag;
        finish_transfer(client, transfer, msg->data.result);
        return true;
    }
    return false;
}

static void complain(CURLMcode code)
{
    const struct timespec pause = {.tv_nsec = 100 * 1000 * 1000};
    vg_log(VG_LOG_ERROR, "http client failed", "error", curl_multi_strerror(code), NULL);
    nanosleep(&pause, NULL);
}

static bool poll_answers(struct vg_http *self, int64_t timeout_us, void **tag,
                         const struct vg_response **out)
{
    struct client *client = client_of(self);
    int64_t start_us = vg_clock_steady_us();
    for (;;) {
        int running;
        CURLMcode code = curl_multi_perform(client->multi, &running);
        if (take_answer(client, tag)) {
            *out = &client->response;
            return true;
        }
        int64_t left_us = timeout_us - (vg_clock_steady_us() - start_us);
        if (atomic_exchange(&client->woken, false) || left_us <= 0)
            return false;
        int64_t left_ms = left_us / 1000 + 1;
        if (!code)
            code = curl_multi_poll(client->multi, NULL, 0,
                                   left_ms < POLL_MS ? (int)left_ms : POLL_MS, NULL);
        if (code)
            complain(code);
    }
}

static void wake_client(struct vg_http *self)
{
    struct client *client = client_of(self);
    atomic_store(&client->woken, true);
    CURLMcode code = curl_multi_wakeup(client->multi);
    if (code)
        complain(code);
}

static void free_client(struct vg_http *self)
{
    if (!self)
        return;
    struct client *client = client_of(self);
    while (client->transfers) {
        struct transfer *transfer = client->transfers;
        client->transfers = transfer->next;
        curl_multi_remove_handle(client->multi, transfer->easy);
        free_transfer(transfer);
    }
    curl_multi_cleanup(client->multi);
    curl_global_cleanup();
    explicit_bzero(client->response.body, client->response.body_size);
    free(client);
}

static const struct vg_http_ops client_ops = {
    .start = start_request, .poll = poll_answers, .wake = wake_client, .free = free_client};

int vg_http_new(struct vg_http **out, struct vg_error *err)
{
    struct sigaction old;
    *out = NULL;
    /* with NOSIGNAL libcurl leaves SIGPIPE to the program, and TLS can raise it */
    if (!sigaction(SIGPIPE, NULL, &old) && old.sa_handler == SIG_DFL)
        signal(SIGPIPE, SIG_IGN);
    /* Requests hold secrets, of which libcurl makes copies: header lines, URL, body, buffers. */
    if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, vg_wiped_malloc, vg_wiped_free, vg_wiped_realloc,
                             vg_wiped_strdup, vg_wiped_calloc))
        return vg_fail(err, VG_E_INTERNAL, "libcurl cannot be initialised");
    struct client *client = vg_array(1, sizeof *client);
    CURLM *multi = client ? curl_multi_init() : NULL;
    if (!multi) {
        free(client);
        curl_global_cleanup();
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    }
    client->port.ops = &client_ops;
    client->multi = multi;
    *out = &client->port;
    return 0;
}
