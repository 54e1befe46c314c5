/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From what PostgreSQL and libpq say to one error struct: code by SQLSTATE, message on one line,
 * a hint where one helps. Keeps passwords out, and the values of rows: the server quotes them in
 * its messages on data, and DETAIL is never taken. */
#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>

#include "agent/pg/session.h"
#include "pgvigil/text.h"

/* Prefixes of SQLSTATE, the longest that fits counts. */
static const struct fault {
    const char *prefix;
    enum vg_code code;
    const char *hint;
} faults[] = {
    {"08", VG_E_CONNECT, NULL},
    {"22", VG_E_QUERY, "a condition of the rule file, or a view, fails on some row"},
    {"2201B", VG_E_QUERY, "it must be a regular expression as PostgreSQL's operator ~ takes it"},
    {"22021", VG_E_DATA, "the table holds text that is invalid in the database's encoding"},
    {"22P05", VG_E_DATA, "the table holds text that has no equivalent in UTF-8"},
    {"25P03", VG_E_CONNECT, NULL},
    {"28", VG_E_PERMISSION, "check the role, its password_file and the server's pg_hba.conf"},
    {"3D000", VG_E_CONNECT, "check dbname in the conninfo"},
    {"40", VG_E_QUERY,
     "on a standby, hot_standby_feedback or a larger "
     "max_standby_streaming_delay lets long reads finish"},
    {"42501", VG_E_PERMISSION, "the role needs USAGE on the schema and SELECT on the table"},
    {"42P01", VG_E_QUERY, "conditions are read with search_path pg_catalog: write schema.table"},
    {"42703", VG_E_QUERY, NULL},
    {"42704", VG_E_QUERY, "conditions are read with search_path pg_catalog: write schema.type"},
    {"42883", VG_E_QUERY,
     "conditions are read with search_path pg_catalog: write schema.function; "
     "operators of extensions as OPERATOR(schema.op)"},
    {"53300", VG_E_CONNECT, "the server, or the role's CONNECTION LIMIT, has no connection left"},
    {"55P03", VG_E_TIMEOUT,
     "another transaction holds a lock on the table for longer than "
     "pgvigil waits, DDL or LOCK TABLE for instance"},
    {"57014", VG_E_TIMEOUT,
     "raise `timeout` (catalogue and ticks) or `scan_timeout` (scans) of the "
     "dataset, or index its time column"},
    {"57P", VG_E_CONNECT, NULL},
};

static const struct fault *find_fault(const char *sqlstate)
{
    const struct fault *best = NULL;
    size_t best_len = 0;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        size_t n = strlen(faults[i].prefix);
        if (n > best_len && strncmp(faults[i].prefix, sqlstate, n) == 0) {
            best = &faults[i];
            best_len = n;
        }
    }
    return best;
}

int vg_pg_hint_timeout(struct vg_error *err)
{
    return vg_hint(err, "%s", find_fault("57014")->hint);
}

/* One line, and valid UTF-8 whatever the server's encoding and wherever the text was cut. */
static void make_line(char *text)
{
    size_t out = 0, n = strlen(text);
    while (n && strchr("\r\n\t ", text[n - 1]))
        n--;
    for (size_t i = 0; i < n;) {
        size_t k = vg_utf8_prefix(text + i, n - i, 1);
        bool blank = strchr("\r\n\t", text[i]) != NULL;
        if (blank && out && text[out - 1] == ' ')
            i += k;
        else if (blank || !vg_utf8_valid(text + i, k)) {
            text[out++] = blank ? ' ' : '?';
            i += k;
        } else
            while (k--)
                text[out++] = text[i++];
    }
    text[out] = '\0';
}

static void set_sqlstate(struct vg_error *err, const char *sqlstate)
{
    if (err)
        snprintf(err->sqlstate, sizeof err->sqlstate, "%s", sqlstate);
}

/* A connection that broke without a word from the server: killed, or cut. */
static int fill_broken(const struct pg_conn *conn, struct vg_error *err)
{
    char text[300];
    snprintf(text, sizeof text, "%s", PQerrorMessage(conn));
    make_line(text);
    vg_fail(err, VG_E_CONNECT, "the connection was lost: %s", *text ? text : "no reason given");
    return vg_hint(err, "the server's log says whether it was stopped or has crashed");
}

int vg_pg_fault(const struct pg_conn *conn, const struct pg_result *result, struct vg_error *err)
{
    const char *sqlstate = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    if (!sqlstate && PQstatus(conn) == CONNECTION_BAD)
        return fill_broken(conn, err);
    const struct fault *fault = sqlstate ? find_fault(sqlstate) : NULL;
    const char *primary = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    char text[320];
    int said = snprintf(text, sizeof text, "%s", primary ? primary : PQerrorMessage(conn));
    make_line(text);
    if (!sqlstate)
        return vg_fail(err, VG_E_INTERNAL, "libpq: %s", *text ? text : "no reason given");
    vg_pg_hide_values(sqlstate, text, said < 0 || (size_t)said >= sizeof text);
    vg_fail(err, fault ? fault->code : VG_E_QUERY, "%s", text);
    set_sqlstate(err, sqlstate);
    if (fault && fault->hint)
        vg_hint(err, "%s", fault->hint);
    /* Whatever the reason: with FATAL the connection went too, and a new one may help. */
    if (err && err->code == VG_E_QUERY && PQstatus(conn) == CONNECTION_BAD)
        err->code = VG_E_CONNECT;
    return -1;
}

/* Puts asterisks in the place of every occurrence of the secret. */
static void hide_secret(char *text, const char *secret)
{
    size_t n = secret ? strlen(secret) : 0;
    for (char *at = text; n && (at = strstr(at, secret)); at += n)
        memset(at, '*', n);
}

/* While connecting the verbose form is on, because it alone tells the SQLSTATE: "FATAL:  28P01:
 * ...", in any language. Takes the last one out of the text. */
static void take_sqlstate(char *text, char sqlstate[6])
{
    for (char *at = text; (at = strstr(at, ":  ")); at += 3) {
        size_t n = strspn(at + 3, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ");
        if (n != 5 || at[8] != ':' || at[9] != ' ')
            continue;
        memcpy(sqlstate, at + 3, 5);
        memmove(at + 3, at + 10, strlen(at + 10) + 1);
    }
}

/* Drops lines that name a place in the server's own source: "LOCATION:  auth_failed, auth.c:323".
 */
static void drop_locations(char *text)
{
    char *out = text;
    for (char *line = text; *line;) {
        size_t n = strcspn(line, "\n");
        size_t next = line[n] ? n + 1 : n;
        char *dot = memchr(line, '.', n);
        while (dot && strncmp(dot, ".c:", 3) != 0)
            dot = memchr(dot + 1, '.', (size_t)(line + n - dot - 1));
        bool location = dot && strspn(dot + 3, "0123456789") == (size_t)(line + n - dot - 3);
        if (!location) {
            memmove(out, line, next);
            out += next;
        }
        line += next;
    }
    *out = '\0';
}

int vg_pg_fault_connect(struct pg_conn *conn, const char *password, struct vg_error *err)
{
    char text[2048], sqlstate[6] = "";
    snprintf(text, sizeof text, "%s", PQerrorMessage(conn));
    hide_secret(text, password);
    hide_secret(text, PQpass(conn));
    drop_locations(text);
    take_sqlstate(text, sqlstate);
    make_line(text);
    const struct fault *fault = *sqlstate ? find_fault(sqlstate) : NULL;
    bool wants_password = PQconnectionNeedsPassword(conn);
    bool refused = wants_password || (fault && fault->code == VG_E_PERMISSION);
    vg_fail(err, refused ? VG_E_PERMISSION : VG_E_CONNECT, "%.360s",
            *text ? text : "the connection failed without a reason");
    set_sqlstate(err, sqlstate);
    if (wants_password)
        return vg_hint(err, "the server asks for a password: name a password_file");
    if (fault && fault->hint)
        return vg_hint(err, "%s", fault->hint);
    return vg_hint(err, "check host and port in the conninfo, and that the server is running");
}
