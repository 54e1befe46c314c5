/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an address or a connection string gives away by its text: the kind of its host, and whether
 * a secret stands in it. When in doubt it says that one does. */
#include "agent/config/url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pgvigil/text.h"

static const char *skip_scheme(const char *url)
{
    const char *colon = strstr(url, "://");
    return colon ? colon + 3 : NULL;
}

bool vg_url_is_plain(const char *url)
{
    return !strncasecmp(url, "http://", 7);
}

/* The last @ before the path: what stands before it is a user. */
static const char *skip_user(const char *authority)
{
    size_t n = strcspn(authority, "/?#");
    const char *at = memrchr(authority, '@', n);
    return at ? at + 1 : authority;
}

/* Whether s, behind a host, names no port or one that there is. */
static bool is_port(const char *s)
{
    size_t digits = strspn(s + (*s == ':'), "0123456789");
    if (*s != ':')
        return true;
    unsigned long port = digits && digits <= 5 ? strtoul(s + 1, NULL, 10) : 0;
    return port >= 1 && port <= UINT16_MAX;
}

bool vg_url_host(const char *url, char out[VG_HOST_TEXT])
{
    const char *authority = skip_scheme(url);
    if (!authority)
        return false;
    const char *host = skip_user(authority);
    bool bracketed = *host == '[';
    host += bracketed;
    size_t n = strcspn(host, bracketed ? "]/?#" : ":/?#");
    if (!n || n >= VG_HOST_TEXT || (bracketed && host[n] != ']'))
        return false;
    for (size_t i = 0; i < n; i++)
        out[i] = (char)tolower((unsigned char)host[i]);
    out[n] = '\0';
    const char *rest = host + n + bracketed;
    return (!*rest || strchr(":/?#", *rest)) && is_port(rest);
}

static enum vg_host_kind judge_v4(uint32_t a)
{
    static const struct {
        uint32_t network;
        int bits;
    } closed[] = {{0x00000000, 8},  {0x0a000000, 8},  {0x64400000, 10},
                  {0xa9fe0000, 16}, {0xac100000, 12}, {0xc0000000, 24},
                  {0xc0a80000, 16}, {0xc6120000, 15}, {0xe0000000, 3}};
    if (a >> 24 == 127)
        return VG_HOST_LOOPBACK;
    for (size_t i = 0; i < sizeof closed / sizeof closed[0]; i++) {
        if ((a & UINT32_MAX << (32 - closed[i].bits)) == closed[i].network)
            return VG_HOST_PRIVATE;
    }
    return VG_HOST_PUBLIC;
}

static enum vg_host_kind judge_v6(const struct in6_addr *a)
{
    uint32_t last;
    memcpy(&last, a->s6_addr + 12, sizeof last);
    if (IN6_IS_ADDR_LOOPBACK(a))
        return VG_HOST_LOOPBACK;
    /* An address of the other family in disguise is judged by no one's rules but the strictest. */
    if (IN6_IS_ADDR_V4MAPPED(a) && judge_v4(ntohl(last)) == VG_HOST_PUBLIC)
        return VG_HOST_PUBLIC;
    return (a->s6_addr[0] & 0xe0) == 0x20 && !(a->s6_addr[0] == 0x20 && a->s6_addr[1] == 0x02)
               ? VG_HOST_PUBLIC
               : VG_HOST_PRIVATE;
}

enum vg_host_kind vg_host_kind(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (!strcmp(host, "localhost"))
        return VG_HOST_LOOPBACK;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return judge_v4(ntohl(v4.s_addr));
    if (inet_pton(AF_INET6, host, &v6) == 1)
        return judge_v6(&v6);
    if (strchr(host, ':'))
        return VG_HOST_UNCLEAR;
    /* Resolvers take a last label that begins with a digit for a number: 0177.1, 2130706433, 0x7f.
     */
    size_t n = strlen(host);
    while (n && host[n - 1] == '.')
        n--;
    while (n && host[n - 1] != '.')
        n--;
    return isdigit((unsigned char)host[n]) ? VG_HOST_UNCLEAR : VG_HOST_NAME;
}

/* --- Secrets ---------------------------------------------------------------------------------- */

static bool is_secret_part(const char *s, size_t n)
{
    static const char *const whole[] = {"key", "sig", "auth", "authorization", "pwd", "cookie"};
    static const char *const ends[] = {"token",     "secret", "password",  "passwd",
                                       "signature", "apikey", "accesskey", "secretkey"};
    bool found = false;
    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++)
        found = found || (n == strlen(whole[i]) && !strncasecmp(s, whole[i], n));
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        size_t k = strlen(ends[i]);
        found = found || (n >= k && !strncasecmp(s + n - k, ends[i], k));
    }
    return found;
}

bool vg_word_is_secret(const char *name, size_t n)
{
    static const char harmless[] = "idempotency";
    bool found = false;
    if (n >= strlen(harmless) && !strncasecmp(name, harmless, strlen(harmless)))
        return false;
    for (size_t i = 0, k; i < n && !found; i += k + 1) {
        k = 0;
        while (i + k < n && isalnum((unsigned char)name[i + k]))
            k++;
        found = is_secret_part(name + i, k);
    }
    return found;
}

static bool has_secret_parameter(const char *url)
{
    const char *s = strchr(url, '?');
    bool found = false;
    while (s && !found) {
        s++;
        size_t name = strcspn(s, "=&#");
        found = s[name] == '=' && vg_word_is_secret(s, name);
        s = strpbrk(s, "&");
    }
    return found;
}

static bool ends_in(const char *host, const char *domain)
{
    size_t n = strlen(host), k = strlen(domain);
    return n >= k && !strcmp(host + n - k, domain) && (n == k || host[n - k - 1] == '.');
}

bool vg_url_has_secret(const char *url)
{
    static const char *const keyed[] = {"hooks.slack.com",    "discord.com", "discordapp.com",
                                        "webhook.office.com", "hc-ping.com", "logic.azure.com",
                                        "powerplatform.com"};
    char host[VG_HOST_TEXT];
    const char *authority = skip_scheme(url);
    if (!authority || !vg_url_host(url, host))
        return false;
    bool found = skip_user(authority) != authority || has_secret_parameter(url);
    for (size_t i = 0; i < sizeof keyed / sizeof keyed[0]; i++)
        found = found || ends_in(host, keyed[i]);
    return found;
}

static const char *skip_blanks(const char *s)
{
    return s + strspn(s, " \t\n\r");
}

/* One value of the form key = value, quoted or not; returns what follows it. */
static const char *skip_value(const char *s)
{
    bool quoted = *s == '\'';
    s += quoted;
    while (*s && (quoted ? *s != '\'' : !strchr(" \t\n\r", *s)))
        s += s[0] == '\\' && s[1] ? 2 : 1;
    return s + (quoted && *s);
}

static bool has_password_pair(const char *s)
{
    bool found = false;
    for (s = skip_blanks(s); *s && !found; s = skip_blanks(s)) {
        size_t n = strcspn(s, "= \t\n\r");
        const char *name = s;
        s = skip_blanks(s + n);
        if (*s != '=')
            return strcasestr(name, "passw");
        s = skip_value(skip_blanks(s + 1));
        found = (n == 8 && !strncasecmp(name, "password", n)) ||
                (n == 11 && !strncasecmp(name, "sslpassword", n));
    }
    return found;
}

bool vg_conninfo_has_password(const char *conninfo)
{
    const char *s = skip_blanks(conninfo);
    if (strncmp(s, "postgresql://", 13) && strncmp(s, "postgres://", 11))
        return has_password_pair(s);
    const char *authority = skip_scheme(s), *host = skip_user(authority);
    bool user = host != authority && memchr(authority, ':', (size_t)(host - authority));
    return user || strcasestr(s, "password=");
}
