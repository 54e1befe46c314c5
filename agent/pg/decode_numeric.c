/* SPDX-License-Identifier: GPL-3.0-or-later */
/* numeric on the wire: 16-bit words ndigits, weight, sign, scale, then base-10000 digits; the value
 * is the sum of digit[i] * 10000^(weight - i).
 *
 * Correctly rounded in every case. A mantissa of at most 2^53 times or over a power of ten of at
 * most 10^22 takes one exact operation (W. D. Clinger, How to Read Floating Point Numbers
 * Accurately, 1990). Up to 32 digits with at most 27 decimals take one division in 128 bits, whose
 * remainder decides the rounding. All others go through decimal text and strtod(). */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/pg/decode.h"
#include "agent/pg/decode_wire.h"

enum {
    HEADER = 8,
    BASE = 10000,
    BASE_DIGITS = 4,
    SIGN_POSITIVE = 0x0000,
    SIGN_NEGATIVE = 0x4000,
    SIGN_NAN = 0xC000,
    SIGN_PINF = 0xD000,
    SIGN_NINF = 0xF000,
    EXACT_POWERS = 22, /* 10^22 is the largest power of ten that is a double */
    WORDS_64 = 4,      /* 16 digits always fit 64 bits */
    WORDS_128 = 8,
    FIVES = 27, /* 5^27 is the largest power of five below 2^63 */
    /* No double needs more than 767 digits to be told from its neighbour's midpoint; what comes
     * after them matters only by being zero or not. */
    KEPT_WORDS = 200,
};
#define EXACT_MANTISSA (UINT64_C(1) << 53)

static const double powers[EXACT_POWERS + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                                1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

#ifdef __SIZEOF_INT128__
__extension__ typedef unsigned __int128 wide;
#else
typedef uint64_t wide;
#endif

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

/* n words from the i-th on as an integer; *largest is raised to the largest of them. */
static uint64_t join_words(const struct numeric *x, size_t i, size_t n, unsigned *largest)
{
    uint64_t value = 0;
    for (const uint8_t *p = x->words + 2 * i; n--; p += 2) {
        unsigned word = read_u16(p);
        *largest = word > *largest ? word : *largest;
        value = value * BASE + word;
    }
    return value;
}

/* mantissa / 10^decimals. The quotient has 64 bits or more, so that its last one can stand for all
 * that are cut off, and turning it into a double rounds only once. */
static bool divide_exactly(wide mantissa, int decimals, double *out)
{
#ifdef __SIZEOF_INT128__
    static const uint64_t tens_of_fives[] = {1, 9765625, UINT64_C(95367431640625)};
    static const uint64_t fives[] = {1, 5, 25, 125, 625, 3125, 15625, 78125, 390625, 1953125};
    if (decimals < 0 || decimals > FIVES || mantissa == 0)
        return false;
    uint64_t high = (uint64_t)(mantissa >> 64), low = (uint64_t)mantissa;
    int shift = high ? __builtin_clzll(high) : 64 + __builtin_clzll(low);
    uint64_t divisor = tens_of_fives[decimals / 10] * fives[decimals % 10];
    wide dividend = mantissa << shift;
    wide quotient = dividend / divisor;
    if (quotient * divisor != dividend)
        quotient |= 1;
    *out = ldexp((double)quotient, -shift - decimals);
    return true;
#else
    (void)mantissa;
    (void)decimals;
    (void)out;
    return false;
#endif
}

/* Whether one exact operation was enough. */
static bool convert_exactly(const struct numeric *x, double *out)
{
    unsigned largest = 0;
    size_t head = x->n > WORDS_64 ? x->n - WORDS_64 : 0;
    if (x->n > (sizeof(wide) > sizeof(uint64_t) ? WORDS_128 : WORDS_64))
        return false;
    wide mantissa = join_words(x, head, x->n - head, &largest);
    if (head)
        mantissa += (wide)join_words(x, 0, head, &largest) * UINT64_C(10000000000000000);
    int exponent = BASE_DIGITS * (x->weight - (int)x->n + 1);
    if (largest >= BASE)
        return false;
    if (mantissa > EXACT_MANTISSA || exponent > EXACT_POWERS || exponent < -EXACT_POWERS)
        return divide_exactly(mantissa, -exponent, out);
    double whole = (double)(uint64_t)mantissa;
    *out = exponent < 0 ? whole / powers[-exponent] : whole * powers[exponent];
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
