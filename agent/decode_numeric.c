/* SPDX-License-Identifier: GPL-3.0-or-later */
/* numeric on the wire: 16-bit words ndigits, weight, sign, scale, then base-10000 digits; the value
 * is the sum of digit[i] * 10000^(weight - i).
 *
 * Correctly rounded. A mantissa of at most 2^53 times or over a power of ten of at most 10^22 takes
 * one exact operation (W. D. Clinger, How to Read Floating Point Numbers Accurately, 1990); all
 * others go through decimal text and strtod(), which glibc rounds correctly. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/decode.h"
#include "agent/decode_wire.h"

enum {
    HEADER = 8,
    BASE = 10000,
    BASE_DIGITS = 4,
    SIGN_POSITIVE = 0x0000,
    SIGN_NEGATIVE = 0x4000,
    SIGN_NAN = 0xC000,
    SIGN_PINF = 0xD000,
    SIGN_NINF = 0xF000,
    FAST_WORDS = 4,    /* 16 digits always fit 64 bits */
    EXACT_POWERS = 22, /* 10^22 is the largest power of ten that is a double */
    /* No double needs more than 767 digits to be told from its neighbour's midpoint; what comes
     * after them matters only by being zero or not. */
    KEPT_WORDS = 200,
};
#define EXACT_MANTISSA (UINT64_C(1) << 53)

static const double powers[EXACT_POWERS + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                                1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

struct numeric {
    const uint8_t *words; /* n base-10000 digits */
    size_t n;
    int weight;
    unsigned sign, scale;
};

static int open_numeric(const uint8_t *wire, size_t size, struct numeric *x)
{
    if (size < HEADER)
        return -1;
    *x = (struct numeric){.words = wire + HEADER,
                          .n = read_u16(wire),
                          .weight = (int16_t)read_u16(wire + 2),
                          .sign = read_u16(wire + 4),
                          .scale = read_u16(wire + 6)};
    if (size != HEADER + 2 * x->n)
        return -1;
    return x->sign == SIGN_POSITIVE || x->sign == SIGN_NEGATIVE || x->sign == SIGN_NAN ||
                   x->sign == SIGN_PINF || x->sign == SIGN_NINF
               ? 0
               : -1;
}

static void put_word(char *out, unsigned word)
{
    out[0] = (char)('0' + word / 1000);
    out[1] = (char)('0' + word / 100 % 10);
    out[2] = (char)('0' + word / 10 % 10);
    out[3] = (char)('0' + word % 10);
}

/* Digits and an exponent, no decimal point: the same in any locale. */
static int convert_by_text(const struct numeric *x, double *out)
{
    char text[BASE_DIGITS * KEPT_WORDS + 1 + 16];
    size_t len = 0;
    bool rest = false;
    for (size_t i = 0; i < x->n; i++) {
        unsigned word = read_u16(x->words + 2 * i);
        if (word >= BASE)
            return -1;
        if (i < KEPT_WORDS) {
            put_word(text + len, word);
            len += BASE_DIGITS;
        } else {
            rest |= word != 0;
        }
    }
    int kept = (int)(len / BASE_DIGITS);
    int exponent = BASE_DIGITS * (x->weight - kept + 1);
    if (rest) {
        text[len++] = '1';
        exponent--;
    }
    if (len == 0)
        text[len++] = '0';
    if (snprintf(text + len, sizeof text - len, "e%d", exponent) < 0)
        return -1;
    *out = strtod(text, NULL);
    return 0;
}

/* Whether the one exact operation was enough. */
static bool convert_exactly(const struct numeric *x, double *out)
{
    if (x->n > FAST_WORDS)
        return false;
    uint64_t mantissa = 0;
    unsigned largest = 0;
    for (size_t i = 0; i < x->n; i++) {
        unsigned word = read_u16(x->words + 2 * i);
        largest = word > largest ? word : largest;
        mantissa = mantissa * BASE + word;
    }
    int exponent = BASE_DIGITS * (x->weight - (int)x->n + 1);
    if (largest >= BASE)
        return false;
    while (mantissa > EXACT_MANTISSA && mantissa % 10 == 0) {
        mantissa /= 10;
        exponent++;
    }
    if (mantissa > EXACT_MANTISSA || exponent > EXACT_POWERS || exponent < -EXACT_POWERS)
        return false;
    *out =
        exponent < 0 ? (double)mantissa / powers[-exponent] : (double)mantissa * powers[exponent];
    return true;
}

int vg_numeric_double(const uint8_t *wire, size_t size, double *out)
{
    struct numeric x;
    if (open_numeric(wire, size, &x) != 0)
        return -1;
    switch (x.sign) {
    case SIGN_NAN:
        *out = NAN;
        return 0;
    case SIGN_PINF:
        *out = INFINITY;
        return 0;
    case SIGN_NINF:
        *out = -INFINITY;
        return 0;
    default:
        break;
    }
    if (!convert_exactly(&x, out) && convert_by_text(&x, out) != 0)
        return -1;
    if (x.sign == SIGN_NEGATIVE && *out != 0)
        *out = -*out;
    return 0;
}

/* One byte of text; what does not fit is dropped. */
static void append_char(char *out, size_t size, size_t *len, char c)
{
    if (*len + 1 < size)
        out[(*len)++] = c;
}

/* The decimal digit of 10^position, from the words. */
static char digit_at(const struct numeric *x, int position)
{
    int power =
        position >= 0 ? position / BASE_DIGITS : -((-position + BASE_DIGITS - 1) / BASE_DIGITS);
    int word = x->weight - power;
    if (word < 0 || (size_t)word >= x->n)
        return '0';
    char digits[BASE_DIGITS];
    put_word(digits, read_u16(x->words + 2 * (size_t)word));
    return digits[BASE_DIGITS - 1 - (position - power * BASE_DIGITS)];
}

static const char *name_special(unsigned sign)
{
    return sign == SIGN_NAN    ? "NaN"
           : sign == SIGN_PINF ? "+Inf"
           : sign == SIGN_NINF ? "-Inf"
                               : NULL;
}

static bool has_digits_only(const struct numeric *x)
{
    for (size_t i = 0; i < x->n; i++)
        if (read_u16(x->words + 2 * i) >= BASE)
            return false;
    return true;
}

char *vg_numeric_text(const uint8_t *wire, size_t wire_size, char *out, size_t size)
{
    struct numeric x;
    size_t len = 0;
    out[0] = '\0';
    if (open_numeric(wire, wire_size, &x) != 0 || !has_digits_only(&x))
        return out;
    const char *special = name_special(x.sign);
    if (special) {
        for (; *special; special++)
            append_char(out, size, &len, *special);
        out[len] = '\0';
        return out;
    }
    if (x.sign == SIGN_NEGATIVE)
        append_char(out, size, &len, '-');
    int first = x.weight > 0 ? BASE_DIGITS * x.weight + BASE_DIGITS - 1 : BASE_DIGITS - 1;
    while (first > 0 && digit_at(&x, first) == '0')
        first--;
    for (int p = first; p >= -(int)x.scale && len + 1 < size; p--) {
        if (p == -1)
            append_char(out, size, &len, '.');
        append_char(out, size, &len, digit_at(&x, p));
    }
    out[len] = '\0';
    return out;
}
