/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a group stands on a Pushgateway. Pure. Promises a path that decodes to exactly the values
 * given, whatever characters they hold. */
#include <string.h>

#include "agent/metrics/push.h"

static void put_base64(struct vg_buf *out, const char *value)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const unsigned char *p = (const unsigned char *)value;
    size_t n = strlen(value);
    if (!n)
        vg_buf_putc(out, '=');
    for (size_t i = 0; i < n; i += 3) {
        size_t left = n - i < 3 ? n - i : 3;
        unsigned bits = (unsigned)p[i] << 16;
        bits |= left > 1 ? (unsigned)p[i + 1] << 8 : 0;
        bits |= left > 2 ? p[i + 2] : 0;
        for (size_t k = 0; k <= left; k++)
            vg_buf_putc(out, digits[bits >> (18 - 6 * k) & 63]);
    }
}

/* Whether a value may stand in a path as it is; "." and ".." would be resolved on the way. */
static bool is_plain(const char *value)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~-";
    return *value && *value != '.' && value[strspn(value, plain)] == '\0';
}

static void put_label(struct vg_buf *out, const char *name, const char *value)
{
    if (is_plain(value)) {
        vg_buf_printf(out, "/%s/%s", name, value);
        return;
    }
    vg_buf_printf(out, "/%s@base64/", name);
    put_base64(out, value);
}

void vg_push_url(struct vg_buf *out, const struct vg_push_target *target, const char *dataset)
{
    size_t n = strlen(target->url);
    while (n && target->url[n - 1] == '/')
        n--;
    vg_buf_add(out, target->url, n);
    vg_buf_puts(out, "/metrics");
    put_label(out, "job", target->job);
    put_label(out, "instance", target->instance);
    if (dataset) {
        vg_buf_puts(out, "/dataset@base64/");
        put_base64(out, dataset);
    }
}
