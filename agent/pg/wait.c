/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Waiting for a server: never past a deadline, and never more than a fraction of a second past a
 * request to stop. The only place of the PostgreSQL source that sleeps. */
#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/pg/session.h"
#include "pgvigil/time.h"

/* How often a wait looks whether it should stop. */
enum { SLICE_MS = 200 };

int64_t vg_pg_now_us(void)
{
    return vg_clock_steady_us();
}

struct vg_pg_wait vg_pg_wait_for(int64_t timeout_us, const atomic_bool *stop)
{
    int64_t now = vg_pg_now_us();
    int64_t until = timeout_us > INT64_MAX - now ? INT64_MAX : now + timeout_us;
    return (struct vg_pg_wait){.until_us = until, .stop = stop};
}

int64_t vg_pg_timeout_ms(int64_t timeout_us)
{
    int64_t ms = timeout_us < 1000 ? 1 : timeout_us / 1000;
    return ms > INT32_MAX ? INT32_MAX : ms;
}

bool vg_pg_stopped(const atomic_bool *stop)
{
    return stop && atomic_load_explicit(stop, memory_order_relaxed);
}

int vg_pg_check(const struct vg_pg_wait *wait, struct vg_error *err)
{
    if (vg_pg_stopped(wait->stop))
        return vg_fail(err, VG_E_CANCELLED, "asked to stop");
    if (vg_pg_now_us() >= wait->until_us) {
        vg_fail(err, VG_E_TIMEOUT, "the server did not answer in time");
        return vg_pg_hint_timeout(err);
    }
    return 0;
}

int vg_pg_poll(int socket, short events, const struct vg_pg_wait *wait, short *ready,
               struct vg_error *err)
{
    *ready = 0;
    if (vg_pg_check(wait, err) != 0)
        return -1;
    int64_t left_ms = (wait->until_us - vg_pg_now_us()) / 1000 + 1;
    struct pollfd p = {.fd = socket, .events = events};
    int n = poll(&p, 1, left_ms < SLICE_MS ? (int)left_ms : SLICE_MS);
    if (n < 0 && errno != EINTR && errno != EAGAIN)
        return vg_fail(err, VG_E_INTERNAL, "poll: %s", strerror(errno));
    if (n > 0)
        *ready = p.revents;
    return 0;
}

int vg_pg_await(struct pg_conn *conn, const struct vg_pg_wait *wait, struct vg_error *err)
{
    short ready = 0;
    if (PQsocket(conn) < 0)
        return vg_pg_fault(conn, NULL, err);
    int unsent = PQflush(conn);
    if (vg_pg_poll(PQsocket(conn), unsent > 0 ? POLLIN | POLLOUT : POLLIN, wait, &ready, err) != 0)
        return -1;
    /* What could not be sent does not matter yet: the server may have said why before it closed. */
    if (unsent >= 0 && !(ready & (POLLIN | POLLERR | POLLHUP)))
        return 0;
    return PQconsumeInput(conn) ? 0 : vg_pg_fault(conn, NULL, err);
}
