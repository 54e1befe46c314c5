/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Failpoints of test builds: the place passed last stands in a shared mapping that outlives the
 * process, so that a test that kills at random knows where it hit. Compiled to nothing otherwise.
 */
#include "pgvigil/failpoint.h"

#ifdef VG_FAILPOINTS

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PHASE_SIZE = 64 };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char *phase; /* PHASE_SIZE bytes of the file, or NULL */
static const char *wanted, *action;
static atomic_int passes; /* left until it acts */

static void set_up(void)
{
    const char *path = getenv("PGVIGIL_PHASE_FILE"), *spec = getenv("PGVIGIL_FAILPOINT");
    if (path) {
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (fd >= 0 && ftruncate(fd, PHASE_SIZE) == 0) {
            void *at = mmap(NULL, PHASE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
            phase = at == MAP_FAILED ? NULL : at;
        }
        if (fd >= 0)
            close(fd);
    }
    if (spec && strchr(spec, ':')) {
        wanted = spec;
        action = strchr(spec, ':') + 1;
        const char *count = strchr(action, ':');
        atomic_store(&passes, count ? (int)strtol(count + 1, NULL, 10) : 1);
    }
}

int vg_failpoint(const char *name)
{
    pthread_once(&once, set_up);
    if (phase)
        snprintf(phase, PHASE_SIZE, "%s", name);
    size_t n = strlen(name);
    if (!wanted || strncmp(wanted, name, n) || wanted[n] != ':')
        return 0;
    if (!strncmp(action, "kill", 4) && atomic_fetch_sub(&passes, 1) == 1)
        kill(getpid(), SIGKILL);
    if (!strcmp(action, "exit"))
        _exit(9);
    if (!strcmp(action, "wait"))
        pause();
    return !strcmp(action, "error") ? -1 : 0;
}

#else
typedef int vg_failpoint_unused;
#endif
