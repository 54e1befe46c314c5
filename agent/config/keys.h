/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keys that several tables of pgvigil.yaml have in common; known to this folder only. */
#ifndef PGVIGIL_CONFIG_KEYS_H
#define PGVIGIL_CONFIG_KEYS_H

#include <stddef.h>

#include "agent/config/reading.h"

#define TABLE(keys) keys, sizeof keys / sizeof *keys
#define NODE(name_, struct_, shown_, doc_)                                                         \
    {                                                                                              \
        .name = #name_, .type = VG_VALUE_NODE, .offset = offsetof(struct struct_, name_),          \
        .shown = shown_, .doc = doc_                                                               \
    }
#define SECRET(name_, file_)                                                                       \
    {                                                                                              \
        .name = name_, .type = VG_VALUE_REFUSED,                                                   \
        .fallback = "write it to a file and name that: " file_,                                    \
        .doc = "a secret does not stand in this file"                                              \
    }

#define IN_ENDPOINT(field) offsetof(struct vg_raw_endpoint, field)

#define URL(doc_)                                                                                  \
    {                                                                                              \
        "url", VG_VALUE_URL, IN_ENDPOINT(url), .doc = doc_                                         \
    }
#define URL_FILE                                                                                   \
    {                                                                                              \
        "url_file", VG_VALUE_PATH, IN_ENDPOINT(url_file),                                          \
            .doc = "file that holds the address, where it is a secret"                             \
    }
#define RIGHTS                                                                                     \
    {"ca_file", VG_VALUE_PATH, IN_ENDPOINT(ca_file), .shown = "the system's",                      \
     .doc = "certificates to trust"},                                                              \
        {"insecure_http", VG_VALUE_BOOL, IN_ENDPOINT(insecure_http), .fallback = "false",          \
         .doc = "allows http to other than loopback addresses"},                                   \
        {"allow_private", VG_VALUE_BOOL, IN_ENDPOINT(allow_private), .fallback = "false",          \
         .doc = "allows private and local addresses"},                                             \
    {                                                                                              \
        "timeout", VG_VALUE_DURATION, IN_ENDPOINT(timeout_us),                                     \
            .fallback = "10s", .least = "100ms", .most = "30s", .doc = "limit of one request"      \
    }
#define HEADERS                                                                                    \
    {.name = "headers",                                                                            \
     .type = VG_VALUE_NODE,                                                                        \
     .offset = IN_ENDPOINT(headers),                                                               \
     .shown = "header to text",                                                                    \
     .doc = "further headers, none of them secret"},                                               \
        {"token_file", VG_VALUE_PATH, IN_ENDPOINT(token_file),                                     \
         .doc = "file that holds the token of Authorization: Bearer"},                             \
        SECRET("token", "token_file"), SECRET("password", "token_file")
#define METHOD                                                                                     \
    {                                                                                              \
        "method", VG_VALUE_CHOICE, IN_ENDPOINT(method), .choices = vg_http_methods,                \
                                                        .fallback = "POST", .doc = "HTTP method"   \
    }

#endif
