/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the HTTP client may send, which resolved addresses it may connect to, and how long it is
 * asked to wait. Pure.
 *
 * Addresses: a table of IPv4 networks; IPv6 addresses that carry an IPv4 address (mapped,
 * compatible, 6to4, NAT64) are judged by it too, so that no notation leads around the table.
 */
#include <curl/curl.h>
#include <math.h>
#include <netinet/in.h>
#include <string.h>

#include "agent/http/http.h"
#include "pgvigil/text.h"

static const struct network {
    uint32_t address;
    int bits;
} closed_networks[] = {
    {0x00000000, 8},  /* this host */
    {0x0a000000, 8},  /* private */
    {0x64400000, 10}, /* carrier-grade NAT */
    {0x7f000000, 8},  /* loopback */
    {0xa9fe0000, 16}, /* link-local, cloud metadata */
    {0xac100000, 12}, /* private */
    {0xc0000000, 24}, /* protocol assignments */
    {0xc0a80000, 16}, /* private */
    {0xc6120000, 15}, /* benchmarking */
    {0xe0000000, 3},  /* multicast, reserved, broadcast */
};

static bool is_open_v4(uint32_t address)
{
    for (size_t i = 0; i < sizeof closed_networks / sizeof closed_networks[0]; i++) {
        uint32_t mask = UINT32_MAX << (32 - closed_networks[i].bits);
        if ((address & mask) == closed_networks[i].address)
            return false;
    }
    return true;
}

static uint32_t read_v4(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static bool is_open_v6(const uint8_t *a)
{
    static const uint8_t zeros[12], mapped[12] = {[10] = 0xff, [11] = 0xff};
    static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};
    if (!memcmp(a, zeros, 12) || !memcmp(a, mapped, 12) || !memcmp(a, nat64, 12))
        return is_open_v4(read_v4(a + 12)); /* zeros: also :: and ::1 */
    if (a[0] == 0x20 && a[1] == 0x02)
        return is_open_v4(read_v4(a + 2));
    /* global unicast is 2000::/3; of the rest only the above is anything but local */
    return (a[0] & 0xe0) == 0x20;
}

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, address, sizeof v4);
        return ntohl(v4.sin_addr.s_addr) >> 24 == 127;
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, address, sizeof v6);
        return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
    }
    return false;
}

bool vg_http_address_allowed(const struct sockaddr *address, bool loopback_host, bool allow_private)
{
    if (loopback_host)
        return is_loopback(address);
    if (allow_private)
        return true;
    if (address->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, address, sizeof v4);
        return is_open_v4(ntohl(v4.sin_addr.s_addr));
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, address, sizeof v6);
        return is_open_v6(v6.sin6_addr.s6_addr);
    }
    return false;
}

bool vg_http_token(const char *s)
{
    return *s && s[strspn(s, "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                             "ABCDEFGHIJKLMNOPQRSTUVWXYZ")] == '\0';
}

bool vg_http_value(const char *s)
{
    for (; *s; s++) {
        if (((unsigned char)*s < 0x20 && *s != '\t') || *s == 0x7f)
            return false;
    }
    return true;
}

int64_t vg_http_retry_after(const char *text, int64_t now_s)
{
    double seconds;
    if (vg_parse_double(text, &seconds) < 0) {
        time_t date = curl_getdate(text, NULL);
        seconds = date < 0 ? 0 : (double)((int64_t)date - now_s);
    }
    if (!(seconds > 0))
        return 0;
    return seconds > 1e12 ? INT64_C(1000000000000) * VG_US : (int64_t)ceil(seconds * 1e6);
}
