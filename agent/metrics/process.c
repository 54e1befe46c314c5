/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Figures of this process as /proc gives them. What cannot be read is NaN, never a guess; nothing
 * here fails or logs. */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "agent/metrics/board.h"

/* The first line of a small file; false when it cannot be read. */
static bool read_line(const char *path, char *out, size_t size)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    bool ok = fgets(out, (int)size, file) != NULL;
    return fclose(file) == 0 && ok;
}

/* Seconds since 1970 at which the system started. */
static double read_boot_time(void)
{
    double boot = NAN;
    char line[256];
    FILE *file = fopen("/proc/stat", "re");
    if (!file)
        return NAN;
    while (fgets(line, sizeof line, file)) {
        unsigned long long seconds;
        if (sscanf(line, "btime %llu", &seconds) == 1)
            boot = (double)seconds;
    }
    return fclose(file) == 0 ? boot : NAN;
}

/* proc(5), fields 14, 15 (ticks), 20 (threads), 22 (ticks since boot), 23 (bytes), 24 (pages). They
 * are counted from the last ')', since the name before it may hold anything. */
static void read_stat(struct vg_process *out)
{
    char line[1024];
    if (!read_line("/proc/self/stat", line, sizeof line))
        return;
    const char *rest = strrchr(line, ')');
    unsigned long long user, system, started, bytes;
    long long threads, pages;
    if (!rest || sscanf(rest + 1,
                        " %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu %llu %*s %*s %*s %*s "
                        "%lld %*s %llu %llu %lld",
                        &user, &system, &threads, &started, &bytes, &pages) != 6)
        return;
    double tick = (double)sysconf(_SC_CLK_TCK);
    out->cpu_seconds = (double)(user + system) / tick;
    out->start_seconds = read_boot_time() + (double)started / tick;
    out->threads = (double)threads;
    out->virtual_bytes = (double)bytes;
    out->resident_bytes = (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static double count_open_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    if (!dir)
        return NAN;
    double n = -1; /* the folder itself */
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        n += entry->d_name[0] != '.';
    return closedir(dir) == 0 ? n : NAN;
}

void vg_process_read(struct vg_process *out)
{
    *out = (struct vg_process){NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    read_stat(out);
    out->open_fds = count_open_fds();
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        out->max_fds = limit.rlim_cur == RLIM_INFINITY ? INFINITY : (double)limit.rlim_cur;
}
