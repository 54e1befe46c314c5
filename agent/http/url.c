/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a URL is allowed to be, and what may be shown of it. Pure.
 *
 * It is taken apart by the library that will connect to it, so that both see the same host.
 */
#include <curl/curl.h>
#include <string.h>

#include "agent/http/http.h"

struct parts {
    char *scheme, *host; /* of curl, NULL when the URL has none */
};

static void free_parts(struct parts *parts)
{
    curl_free(parts->scheme);
    curl_free(parts->host);
}

/* To be freed whatever it returns. */
static bool split_url(const char *url, struct parts *parts)
{
    *parts = (struct parts){0};
    CURLU *handle = curl_url();
    bool ok = handle && url && !curl_url_set(handle, CURLUPART_URL, url, 0) &&
              !curl_url_get(handle, CURLUPART_SCHEME, &parts->scheme, 0) &&
              !curl_url_get(handle, CURLUPART_HOST, &parts->host, 0);
    curl_url_cleanup(handle);
    return ok;
}

char *vg_http_where(const char *url, char out[VG_HTTP_WHERE_SIZE])
{
    struct parts parts;
    if (split_url(url, &parts))
        snprintf(out, VG_HTTP_WHERE_SIZE, "%.16s://%.255s", parts.scheme, parts.host);
    else
        snprintf(out, VG_HTTP_WHERE_SIZE, "(not a URL)");
    free_parts(&parts);
    return out;
}

/* curl turns 0177.1 and 2130706433 into 127.0.0.1: such a host is not written as loopback. */
static bool is_loopback_host(const char *url, const char *host)
{
    char written[VG_HTTP_WHERE_SIZE];
    snprintf(written, sizeof written, "://%s", host);
    if (!strcasestr(url, written)) {
        written[2] = '@';
        if (!strcasestr(url, written + 2))
            return false;
    }
    return !strncmp(host, "127.", 4) ? strspn(host, "0123456789.") == strlen(host)
                                     : !strcmp(host, "[::1]") || !strcasecmp(host, "localhost");
}

bool vg_http_is_loopback(const char *url)
{
    struct parts parts;
    bool loopback = split_url(url, &parts) && is_loopback_host(url, parts.host);
    free_parts(&parts);
    return loopback;
}

int vg_http_check_url(const char *url, bool insecure_http, struct vg_error *err)
{
    struct parts parts;
    char where[VG_HTTP_WHERE_SIZE];
    if (!split_url(url, &parts)) {
        free_parts(&parts);
        return vg_fail(err, VG_E_CONFIG, "this is not a URL with scheme and host");
    }
    bool https = !strcasecmp(parts.scheme, "https"), http = !strcasecmp(parts.scheme, "http");
    bool open = insecure_http || is_loopback_host(url, parts.host);
    free_parts(&parts);
    if (https || (http && open))
        return 0;
    vg_http_where(url, where);
    if (!http)
        return vg_fail(err, VG_E_CONFIG, "%s: the scheme must be https", where);
    vg_fail(err, VG_E_CONFIG, "%s: plain http is for loopback addresses only", where);
    return vg_hint(err, "use https, or set insecure_http: true");
}

int vg_http_check_mail_url(const char *url, struct vg_error *err)
{
    struct parts parts;
    char where[VG_HTTP_WHERE_SIZE];
    bool split = split_url(url, &parts);
    bool fine = split && (!strcasecmp(parts.scheme, "smtp") || !strcasecmp(parts.scheme, "smtps"));
    free_parts(&parts);
    if (fine)
        return 0;
    vg_fail(err, VG_E_CONFIG, "%s: the address of a mail server is smtp:// or smtps:// and a host",
            vg_http_where(url, where));
    return vg_hint(err, "smtp://mail.example.com:587");
}
