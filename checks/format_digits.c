/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numbers of accounts, cards, books, telephones and letters, with their check digits. Pure. The
 * lengths of IBANs are those of SWIFT's IBAN registry (release 99). */
#include "checks/format.h"

#include <stdlib.h>
#include <string.h>

/* Country and length, sorted. */
/* clang-format off */
static const char ibans[] =
    "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29"
    "ES24FI18FK18FO18FR27GB22GE22GI23GL18GR27GT28HN28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20"
    "LB28LC32LI21LT20LU20LV21LY25MC27MD24ME22MK19MN20MR27MT31MU30NI28NL18NO15OM23PK24PL28PS29"
    "PT25QA29RO24RS22RU33SA24SC31SD18SE24SI19SK24SM27SO23ST25SV28TL23TN24TR26UA29VA22VG24XK20"
    "YE30";
/* clang-format on */

static int compare_two(const void *a, const void *b)
{
    return memcmp(a, b, 2);
}

static bool is_capital_or_digit(char c)
{
    return vg_format_digit(c) || (c >= 'A' && c <= 'Z');
}

/* The remainder mod 97 of the account, the country and the check digits behind it, letters being 10
 * to 35, is 1 (ISO 7064, MOD 97-10). */
bool vg_format_is_iban(struct vg_slice text)
{
    if (text.len < 5 || vg_format_digits(text.data + 2, 2) < 0 ||
        !vg_format_all(text.data, text.len, is_capital_or_digit))
        return false;
    const char *known = bsearch(text.data, ibans, strlen(ibans) / 4, 4, compare_two);
    if (!known || vg_format_digits(known + 2, 2) != (int)text.len)
        return false;
    int rest = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[(i + 4) % text.len];
        rest = vg_format_digit(c) ? rest * 10 + (c - '0') : rest * 100 + (c - 'A' + 10);
        rest %= 97;
    }
    return rest == 1;
}

/* Copies the digits out of digits with single spaces or hyphens between (never both kinds); a last
 * X counts as one with `x`. Returns how many, 0 for any other text or more than `size`. */
static size_t take_digits(struct vg_slice text, bool x, char *out, size_t size)
{
    size_t n = 0;
    char separator = 0;
    bool between = true; /* nothing before: no separator may stand here */
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        bool digit = vg_format_digit(c) || (x && i + 1 == text.len && c == 'X');
        bool parts = !between && (c == ' ' || c == '-') && (!separator || c == separator);
        if ((!digit && !parts) || (digit && n == size))
            return 0;
        if (digit)
            out[n++] = c;
        else
            separator = c;
        between = !digit;
    }
    return between ? 0 : n;
}

/* Luhn (ISO/IEC 7812-1): from the right every second digit doubled, digits summed, a multiple of
 * 10. */
bool vg_format_is_card(struct vg_slice text)
{
    char digits[19];
    size_t n = take_digits(text, false, digits, sizeof digits);
    int sum = 0;
    if (n < 12 || digits[0] == '0')
        return false;
    for (size_t i = 0; i < n; i++) {
        int digit = digits[n - 1 - i] - '0';
        sum += i % 2 == 0 ? digit : digit < 5 ? 2 * digit : 2 * digit - 9;
    }
    return sum % 10 == 0;
}

/* ISO 2108: ten digits weighted 10 to 1 are a multiple of 11 (X is 10), thirteen weighted 1 and 3
 * in turn of 10. */
bool vg_format_is_isbn(struct vg_slice text)
{
    char digits[13];
    size_t n = take_digits(text, true, digits, sizeof digits);
    size_t sum = 0;
    if (n == 13) {
        if (digits[12] == 'X' || (memcmp(digits, "978", 3) != 0 && memcmp(digits, "979", 3) != 0))
            return false;
        for (size_t i = 0; i < n; i++)
            sum += (size_t)(digits[i] - '0') * (i % 2 ? 3 : 1);
        return sum % 10 == 0;
    }
    for (size_t i = 0; i < n; i++)
        sum += (10 - i % 10) * (digits[i] == 'X' ? 10 : (size_t)(digits[i] - '0'));
    return n == 10 && sum % 11 == 0;
}

bool vg_format_is_phone(struct vg_slice text)
{
    return text.len >= 8 && text.len <= 16 && text.data[0] == '+' && text.data[1] != '0' &&
           vg_format_all(text.data + 1, text.len - 1, vg_format_digit);
}

bool vg_format_is_postcode_us(struct vg_slice text)
{
    bool five = text.len >= 5 && vg_format_digits(text.data, 5) >= 0;
    return five && (text.len == 5 || (text.len == 10 && text.data[5] == '-' &&
                                      vg_format_digits(text.data + 6, 4) >= 0));
}
