/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The daemon's parts put together: store, source, delivery, metrics, web, and the loop that drives
 * them; layer 6. */
#ifndef PGVIGIL_DAEMON_H
#define PGVIGIL_DAEMON_H

#include "agent/commands/fixed.h"
#include "agent/commands/shell.h"
#include "agent/deliver/deliver.h"
#include "agent/loop/loop.h"
#include "agent/metrics/metrics.h"
#include "agent/metrics/push.h"
#include "agent/web/web.h"

struct vg_daemon {
    struct vg_shell shell; /* config and rules are handed to the first book */
    struct vg_http *http;
    struct vg_deliver *deliver;
    struct vg_metrics *metrics;
    struct vg_push *push; /* also where nothing is pushed: a reload may bring a Pushgateway */
    struct vg_fixed fixed;
    struct vg_web *web; /* NULL: no web server */
    struct vg_loop loop;
    bool loop_ready, threaded;
    const char *revived;        /* why the first book is of last good texts, or NULL */
    struct vg_strings only;     /* receivers of a replay */
    pthread_mutex_t book_mutex; /* guards problem against the web thread */
    char problem[200];          /* what is wrong with the configuration in force, or "" */
};

enum vg_daemon_mode { VG_DAEMON_RUN, VG_DAEMON_ONCE, VG_DAEMON_REPLAY };

/* Opens everything. 0 or an exit code, said on stderr. */
int vg_daemon_open(struct vg_daemon *daemon, const struct vg_options *options,
                   enum vg_daemon_mode mode, const struct vg_span *span);
void vg_daemon_close(struct vg_daemon *daemon);

/* The functions the loop needs of its shell (daemon_book.c). */
extern const struct vg_shell_ops vg_daemon_shell_ops;
/* A book of the configuration and rules just read into the shell; NULL when out of memory. */
struct vg_book *vg_daemon_book(struct vg_daemon *daemon);
/* Tells metrics and page what was loaded, and keeps the good texts in the store. */
void vg_daemon_tell(struct vg_daemon *daemon, const struct vg_book *book);
/* After the last cycle of a run without threads: pushes what its deliveries have changed. */
void vg_daemon_finish(struct vg_daemon *daemon);

#endif
