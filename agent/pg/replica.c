/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How far a standby is behind. An idle primary sends nothing for hours, and its standby is not old:
 * where the connection to the primary stands and all that came was replayed, the lag is zero. Where
 * it does not stand, nobody knows what is missing, and the time of the last transaction counts. */
#include <inttypes.h>
#include <libpq-fe.h>
#include <string.h>

#include "agent/pg/session.h"
#include "pgvigil/text.h"
#include "pgvigil/time.h"

/* One row: in recovery, receiving, all replayed, microseconds since the last transaction that was
 * replayed committed (NULL: none since it was started). Who may not read the receiver's figures
 * sees its process all the same. */
static const char lag_sql[] =
    "SELECT pg_catalog.pg_is_in_recovery(),"
    " EXISTS (SELECT 1 FROM pg_catalog.pg_stat_wal_receiver WHERE pid IS NOT NULL"
    " AND (status IS NULL OR status = 'streaming')),"
    " pg_catalog.pg_last_wal_receive_lsn() IS NOT DISTINCT FROM pg_catalog.pg_last_wal_replay_lsn()"
    " OR pg_catalog.pg_last_wal_receive_lsn() < pg_catalog.pg_last_wal_replay_lsn(),"
    " (extract(epoch FROM pg_catalog.clock_timestamp()"
    " - pg_catalog.pg_last_xact_replay_timestamp()) * 1000000)::pg_catalog.int8";
enum { IN_RECOVERY, RECEIVING, REPLAYED, SINCE, COLUMNS };

static bool is_true(const PGresult *result, int column)
{
    return strcmp(PQgetvalue(result, 0, column), "t") == 0;
}

static int judge_lag(const PGresult *result, int64_t max_lag_us, struct vg_error *err)
{
    char is[VG_DURATION_TEXT], most[VG_DURATION_TEXT];
    int64_t since_us = 0;
    if (PQntuples(result) != 1 || PQnfields(result) != COLUMNS)
        return vg_fail(err, VG_E_DATA, "the server does not say how far it is behind");
    if (!is_true(result, IN_RECOVERY))
        return 0;
    bool receiving = is_true(result, RECEIVING);
    if (receiving && is_true(result, REPLAYED))
        return 0;
    bool known = !PQgetisnull(result, 0, SINCE) &&
                 vg_parse_int64(PQgetvalue(result, 0, SINCE), &since_us) == 0;
    if (known && since_us <= max_lag_us)
        return 0;
    vg_format_duration(max_lag_us, most);
    vg_format_duration(since_us / VG_US * VG_US, is);
    if (known)
        vg_fail(err, VG_E_BLIND, "the standby is %s behind its primary%s, allowed are %s", is,
                receiving ? "" : " or more, and not connected to it", most);
    else
        vg_fail(err, VG_E_BLIND, "it cannot be known how far the standby is behind its primary%s",
                receiving ? "" : ": it is not connected to it");
    return vg_hint(err,
                   "see pg_stat_wal_receiver on the standby; max_replica_lag of the connection "
                   "says how old its rows may be");
}

int vg_pg_replica_check(struct vg_session *session, int64_t max_lag_us, struct vg_error *err)
{
    PGresult *result = NULL;
    struct vg_pg_statement st = {.sql = lag_sql, .timeout_us = session->timeout_us};
    int rc = vg_pg_exec(session, &st, &result, err);
    if (rc == 0)
        rc = judge_lag(result, max_lag_us, err);
    PQclear(result);
    return rc;
}
