/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Clocks. The real one sleeps in poll() on an eventfd, so that a wake is never lost and is safe in
 * a signal handler. The virtual one is read by several threads and moved by one. */
#include "agent/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "pgvigil/time.h"

struct real_clock {
    struct vg_clock base;
    int fd;
};

struct virtual_clock {
    struct vg_clock base;
    _Atomic int64_t now_us;
};

static int64_t read_real(struct vg_clock *self)
{
    (void)self;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * VG_US + now.tv_nsec / 1000;
}

static void sleep_real(struct vg_clock *self, int64_t until_us)
{
    struct real_clock *clock = (struct real_clock *)self;
    int64_t left = until_us - read_real(self);
    if (left <= 0)
        return;
    /* A clock that is set forward must not oversleep: wake at least once a second. */
    int timeout_ms = left > VG_US ? 1000 : (int)((left + 999) / 1000);
    struct pollfd pfd = {.fd = clock->fd, .events = POLLIN};
    if (poll(&pfd, 1, timeout_ms) > 0) {
        uint64_t n;
        if (read(clock->fd, &n, sizeof n) < 0)
            return; /* another sleeper took it */
    }
}

static void wake_real(struct vg_clock *self)
{
    struct real_clock *clock = (struct real_clock *)self;
    uint64_t one = 1;
    int saved = errno;
    if (write(clock->fd, &one, sizeof one) < 0)
        errno = saved; /* full: a wake is pending anyway */
    errno = saved;
}

static int64_t read_virtual(struct vg_clock *self)
{
    return ((struct virtual_clock *)self)->now_us;
}

static void sleep_virtual(struct vg_clock *self, int64_t until_us)
{
    struct virtual_clock *clock = (struct virtual_clock *)self;
    if (until_us > clock->now_us && until_us != VG_NEVER)
        clock->now_us = until_us;
}

static void wake_virtual(struct vg_clock *self)
{
    (void)self;
}

static const struct vg_clock_ops real_ops = {read_real, sleep_real, wake_real};
static const struct vg_clock_ops virtual_ops = {read_virtual, sleep_virtual, wake_virtual};

int vg_clock_real(struct vg_clock **out, struct vg_error *err)
{
    struct real_clock *clock = calloc(1, sizeof *clock);
    if (!clock)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    clock->base.ops = &real_ops;
    clock->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (clock->fd < 0) {
        free(clock);
        return vg_fail(err, VG_E_IO, "eventfd: %s", strerror(errno));
    }
    *out = &clock->base;
    return 0;
}

int vg_clock_virtual(int64_t start_us, struct vg_clock **out, struct vg_error *err)
{
    struct virtual_clock *clock = calloc(1, sizeof *clock);
    if (!clock)
        return vg_fail(err, VG_E_MEMORY, "out of memory");
    clock->base.ops = &virtual_ops;
    clock->now_us = start_us;
    *out = &clock->base;
    return 0;
}

void vg_clock_free(struct vg_clock *clock)
{
    if (clock && clock->ops == &real_ops)
        close(((struct real_clock *)clock)->fd);
    free(clock);
}

int64_t vg_clock_steady_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * VG_US + now.tv_nsec / 1000;
}
