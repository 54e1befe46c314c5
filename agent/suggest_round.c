/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Figures that people read and would have chosen themselves: limits rounded outwards. Pure. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "agent/suggest_parts.h"

/* Wilson (1927): (p + z^2/2n + z sqrt(p (1 - p)/n + z^2/4n^2)) / (1 + z^2/n). */
double vg_suggest_wilson(uint64_t hits, uint64_t n, double z)
{
    if (!n)
        return 1;
    double m = (double)n, p = (double)hits / m, square = z * z / m;
    return fmin(1, (p + square / 2 + sqrt(square * (p * (1 - p) + square / 4))) / (1 + square));
}

static const double shares[] = {0.001, 0.002, 0.003, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.07,
                                0.1,   0.15,  0.2,   0.25,  0.3,  0.4,   0.5,  0.6,  0.7};
enum { SHARES = sizeof shares / sizeof shares[0] };

double vg_suggest_share_up(double share)
{
    for (size_t i = 0; i < SHARES; i++) {
        if (share <= shares[i])
            return shares[i];
    }
    return 1;
}

double vg_suggest_share_down(double share)
{
    for (size_t i = SHARES; i-- > 0;) {
        if (share >= shares[i])
            return shares[i];
    }
    return 0;
}

static double find_step(double span)
{
    static const double leads[] = {5, 2, 1};
    double target = span / 20;
    if (!(target > 0) || !isfinite(target))
        return 1;
    double ten = pow(10, floor(log10(target)));
    for (size_t i = 0; i < sizeof leads / sizeof leads[0]; i++) {
        if (leads[i] * ten <= target)
            return leads[i] * ten;
    }
    return ten;
}

double vg_suggest_down(double x, double span)
{
    double step = find_step(span);
    return floor(x / step) * step + 0.0;
}

double vg_suggest_up(double x, double span)
{
    double step = find_step(span);
    return ceil(x / step) * step + 0.0;
}

static double find_two_digits(double n)
{
    return n < 100 ? 1 : pow(10, floor(log10(n)) - 1);
}

uint64_t vg_suggest_count_down(double n)
{
    if (!(n > 0))
        return 0;
    double unit = find_two_digits(n);
    return (uint64_t)(floor(n / unit) * unit);
}

uint64_t vg_suggest_count_up(double n)
{
    if (!(n > 0))
        return 0;
    double unit = find_two_digits(n);
    return (uint64_t)(ceil(n / unit) * unit);
}

char *vg_suggest_duration(int64_t us, char out[VG_DURATION_TEXT])
{
    static const char *const lengths[] = {"1m", "2m", "5m", "10m", "15m", "30m", "1h",  "2h", "3h",
                                          "4h", "6h", "8h", "12h", "18h", "1d",  "36h", "2d", "3d",
                                          "4d", "1w", "2w", "4w",  "13w", "26w", "52w"};
    size_t last = sizeof lengths / sizeof lengths[0] - 1;
    int64_t length;
    for (size_t i = 0; i < last; i++) {
        if (vg_parse_duration(lengths[i], &length) == 0 && length >= us) {
            snprintf(out, VG_DURATION_TEXT, "%s", lengths[i]);
            return out;
        }
    }
    snprintf(out, VG_DURATION_TEXT, "%s", lengths[last]);
    return out;
}

char *vg_suggest_commas(uint64_t n, char out[VG_COUNT_TEXT])
{
    char digits[VG_COUNT_TEXT];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, n), at = 0;
    for (int i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
    return out;
}

char *vg_suggest_of(uint64_t hits, uint64_t n, char out[2 * VG_COUNT_TEXT])
{
    char a[VG_COUNT_TEXT], b[VG_COUNT_TEXT];
    snprintf(out, 2 * VG_COUNT_TEXT, "%.28s of %.28s", vg_suggest_commas(hits, a),
             vg_suggest_commas(n, b));
    return out;
}
