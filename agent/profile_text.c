/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What all texts of a column have in common: a named format, the sorts of their characters. A
 * format that one text does not have is not tried again, so that most columns soon cost nothing. */
#include "agent/profile.h"
#include "checks/format.h"

static bool (*const formats[])(struct vg_slice text) = {
#define VG_FORMAT(name, doc) vg_format_is_##name,
#include "checks/formats.def"
#undef VG_FORMAT
};
static const char *const names[] = {
#define VG_FORMAT(name, doc) #name,
#include "checks/formats.def"
#undef VG_FORMAT
};
enum { FORMATS = sizeof formats / sizeof formats[0] };
_Static_assert(FORMATS < 64, "each format is a bit of a word");

/* From the most telling on. A text of few characters is of many formats by chance: hex, base64,
 * boolean, postcode_us, latitude and longitude say nothing of where it comes from. */
static const char *const telling[] = {
    "uuid",     "email",    "url",      "ipv4",         "ipv6",     "ip",
    "cidr",     "mac",      "sha256",   "sha1",         "md5",      "iban",
    "iso_date", "phone",    "iso_time", "iso_datetime", "currency", "country3",
    "country2", "language", "semver",   "integer",      "number",   "json",
};
enum { TELLING = sizeof telling / sizeof telling[0] };

void vg_profile_text_begin(struct vg_profile_text *text)
{
    *text = (struct vg_profile_text){.formats = (UINT64_C(1) << FORMATS) - 1};
}

static unsigned sort_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return VG_PROFILE_UPPER;
    if (c >= 'a' && c <= 'z')
        return VG_PROFILE_LOWER;
    return c >= '0' && c <= '9' ? VG_PROFILE_DIGIT : VG_PROFILE_REST;
}

static bool is_blank(struct vg_slice value)
{
    for (uint32_t i = 0; i < value.len; i++) {
        if (value.data[i] != ' ' && (value.data[i] < '\t' || value.data[i] > '\r'))
            return false;
    }
    return true;
}

void vg_profile_text_add(struct vg_profile_text *text, struct vg_slice value)
{
    text->blank += is_blank(value);
    for (uint32_t i = 0; i < value.len && !(text->sorts & VG_PROFILE_REST); i++)
        text->sorts |= sort_of(value.data[i]);
    for (size_t i = 0; text->formats >> i; i++) {
        if ((text->formats >> i & 1) && !formats[i](value))
            text->formats &= ~(UINT64_C(1) << i);
    }
}

const char *vg_profile_text_format(const struct vg_profile_text *text)
{
    for (size_t t = 0; t < TELLING; t++) {
        for (size_t i = 0; i < FORMATS; i++) {
            if ((text->formats >> i & 1) && vg_streq(names[i], telling[t]))
                return names[i];
        }
    }
    return NULL;
}
