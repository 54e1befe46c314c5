/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keys that several training systems have in common, for their tables. */
#ifndef PGVIGIL_AGENT_TRIGGERS_KEYS_H
#define PGVIGIL_AGENT_TRIGGERS_KEYS_H

#include "agent/triggers/systems.h"

#define VG_KEYS(keys)      keys, sizeof keys / sizeof *keys
#define VG_WORDS(words)    words, sizeof words / sizeof *words
#define IN_SETTINGS(field) offsetof(struct vg_trigger_settings, field)

#define VG_KEY_SECRET(name_, file_)                                                                \
    {                                                                                              \
        .name = name_, .type = VG_VALUE_REFUSED,                                                   \
        .fallback = "write it to a file and name that: " file_,                                    \
        .doc = "a secret does not stand in this file"                                              \
    }
/* An address that must be given, and one that has a default. */
#define VG_KEY_URL(doc_)                                                                           \
    {                                                                                              \
        "url", VG_VALUE_URL, IN_SETTINGS(url), .required = true, .doc = doc_                       \
    }
#define VG_KEY_URL_OR(fallback_, doc_)                                                             \
    {                                                                                              \
        "url", VG_VALUE_URL, IN_SETTINGS(url), .fallback = fallback_, .doc = doc_                  \
    }
#define VG_KEYS_TOKEN(doc_)                                                                        \
    {"token_file", VG_VALUE_PATH, IN_SETTINGS(token_file), .doc = "file that holds " doc_},        \
        {"token_command", VG_VALUE_STRINGS, IN_SETTINGS(token_command),                            \
         .doc = "or a program, by its absolute path, and arguments, that prints it"},              \
        VG_KEY_SECRET("token", "token_file")
#define VG_KEYS_USER(doc_)                                                                         \
    {"user", VG_VALUE_STRING, IN_SETTINGS(user), .doc = doc_},                                     \
        {"password_file", VG_VALUE_PATH, IN_SETTINGS(password_file),                               \
         .doc = "file that holds the user's password"},                                            \
        VG_KEY_SECRET("password", "password_file")
#define VG_KEY_PARAMETERS(doc_)                                                                    \
    {                                                                                              \
        .name = "parameters", .type = VG_VALUE_NODE, .offset = IN_SETTINGS(parameters),            \
        .shown = "all that is known", .doc = doc_                                                  \
    }
/* The same for systems that refuse what they do not know: nothing is sent without it. */
#define VG_KEY_INPUTS(doc_)                                                                        \
    {                                                                                              \
        .name = "parameters", .type = VG_VALUE_NODE, .offset = IN_SETTINGS(parameters),            \
        .shown = "name to value", .doc = doc_                                                      \
    }
#define VG_KEY_FOLLOW                                                                              \
    {                                                                                              \
        "follow_for", VG_VALUE_DURATION, IN_SETTINGS(follow_for_us),                               \
            .fallback = "24h", .most = "52w",                                                      \
            .doc = "how long its run is followed at most; 0s: not at all"                          \
    }
#define VG_KEY_TIMEOUT(fallback_, most_, doc_)                                                     \
    {                                                                                              \
        "timeout", VG_VALUE_DURATION, IN_SETTINGS(timeout_us),                                     \
            .fallback = fallback_, .least = "100ms", .most = most_, .doc = doc_                    \
    }
#define VG_KEYS_RIGHTS                                                                             \
    {.name = "headers",                                                                            \
     .type = VG_VALUE_NODE,                                                                        \
     .offset = IN_SETTINGS(headers),                                                               \
     .shown = "header to text",                                                                    \
     .doc = "further headers, none of them secret"},                                               \
        {"ca_file", VG_VALUE_PATH, IN_SETTINGS(ca_file), .shown = "the system's",                  \
         .doc = "certificates to trust"},                                                          \
        {"insecure_http", VG_VALUE_BOOL, IN_SETTINGS(insecure_http), .fallback = "false",          \
         .doc = "allows http to other than loopback addresses"},                                   \
        {"allow_private", VG_VALUE_BOOL, IN_SETTINGS(allow_private), .fallback = "false",          \
         .doc = "allows private and local addresses"},                                             \
        VG_KEY_TIMEOUT("10s", "30s", "limit of one request")

#endif
