/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Addresses and connection strings as they are written; layer 4, known to this folder only.
 *
 * Pure: looks at text alone. What a name resolves to is judged when it is connected to.
 */
#ifndef PGVIGIL_CONFIG_URL_H
#define PGVIGIL_CONFIG_URL_H

#include <stdbool.h>
#include <stddef.h>

enum vg_host_kind {
    VG_HOST_NAME,     /* to be resolved */
    VG_HOST_LOOPBACK, /* 127.x.x.x, [::1], localhost */
    VG_HOST_PUBLIC,   /* a literal address that anybody may reach */
    VG_HOST_PRIVATE,  /* a literal address of a private or local network */
    VG_HOST_UNCLEAR,  /* an address in a notation that others read otherwise (octal, one number) */
};
enum { VG_HOST_TEXT = 256 };

/* The host of an http or https URL, lower case, IPv6 without brackets; false when it has none, is
 * longer than a name may be, or is followed by something that is no port. */
bool vg_url_host(const char *url, char out[VG_HOST_TEXT]);
enum vg_host_kind vg_host_kind(const char *host);
bool vg_url_is_plain(const char *url); /* http, not https */

/* Whether what is called so is a secret: X-Api-Key, access_token, sig; not Idempotency-Key. */
bool vg_word_is_secret(const char *name, size_t n);
/* Whether a URL holds what must not be written in clear: a user or password, a parameter whose name
 * says token, key, secret, password or signature, or the path of a service whose paths are keys. */
bool vg_url_has_secret(const char *url);
/* Whether a libpq connection string, of either form, holds a password. */
bool vg_conninfo_has_password(const char *conninfo);

#endif
