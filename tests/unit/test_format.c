/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of checks/format_*.c: for each format texts that are of it and texts that are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "checks/format.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define SIXTY    "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghij"

enum { TEXTS = 24 };
struct example {
    const char *name;
    const char *good[TEXTS], *bad[TEXTS];
};

static const struct example net[] = {
    {"email",
     {"a@b.de", "first.last+tag@sub.example.co.uk", "x_y!#$%&'*/=?^`{|}~-@a-b.museum", "1@2.io",
      SIXTY "abcd@x.org"},
     {"a",
      "@b.de",
      "a@",
      "a@b",
      "a b@c.de",
      "a@b@c.de",
      ".a@b.de",
      "a.@b.de",
      "a..b@c.de",
      "a@-b.de",
      "a@b-.de",
      "a@b..de",
      "a@b.de.",
      "a@1.2.3.4",
      "a@b.de ",
      "\xc3\xa4@b.de",
      "a@b_c.de",
      SIXTY "abcde@x.org",
      "\"a b\"@c.de",
      "a@" SIXTY "abcd.de"}},
    {"uuid",
     {"f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6"},
     {"f81d4fae7dec11d0a76500a0c91e6bf6", "f81d4fae-7dec-11d0-a765-00a0c91e6bf",
      "f81d4fae-7dec-11d0-a765-00a0c91e6bf6 ", "g81d4fae-7dec-11d0-a765-00a0c91e6bf6",
      "{f81d4fae-7dec-11d0-a765-00a0c91e6bf}", "f81d4fae-7dec-11d0-a765000a0c91e6bf6"}},
    {"ipv4",
     {"0.0.0.0", "255.255.255.255", "192.168.0.1"},
     {"256.0.0.1", "1.2.3", "1.2.3.4.5", "1.2.3.", ".1.2.3", "01.2.3.4", "1.2.3.4 ", "1.2.3.a",
      "1..2.3", "1.2.3.1000", "1.2.3.4/8", "-1.2.3.4", "1.2.3.4."}},
    {"ipv6",
     {"::", "::1", "1::", "2001:db8::8a2e:370:7334", "1:2:3:4:5:6:7:8", "FE80::0:1",
      "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "::ffff:192.0.2.1", "1:2:3:4:5:6:1.2.3.4",
      "1:2:3:4:5::1.2.3.4", "a::b:c"},
     {":",
      ":::",
      "1",
      "1:2",
      "1:",
      ":1",
      "1:2:3:4:5:6:7",
      "1:2:3:4:5:6:7:8:9",
      "1::2::3",
      "12345::",
      "g::1",
      "::1 ",
      "1:2:3:4:5:6:7:1.2.3.4",
      "fe80::1%eth0",
      "1:2:3:4:5:6:7:8::",
      "::1.2.3",
      "1.2.3.4",
      "1:2:3:4:5:6:7:",
      "::1:",
      "1:2:3:4:5:6::1.2.3.4",
      "::1.2.3.4:1"}},
    {"ip", {"1.2.3.4", "::1"}, {"", "1.2.3", "x", "1.2.3.4/8"}},
    {"cidr",
     {"10.0.0.0/8", "0.0.0.0/0", "1.2.3.4/32", "2001:db8::/32", "::/128", "::/0"},
     {"10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/08", "::/129", "/8", "1.2.3/8", "::/1000",
      "10.0.0.0/-1", "10.0.0.0/8/8", "10.0.0.0/8 "}},
    {"mac",
     {"00:1a:2B:3c:4d:5e", "00-1A-2B-3C-4D-5E", "001a.2b3c.4d5e"},
     {"00:1a:2b:3c:4d", "00:1a:2b:3c:4d:5g", "00:1a-2b:3c:4d:5e", "001a2b3c4d5e",
      "00:1a:2b:3c:4d:5e:6f", "001a-2b3c-4d5e", ":::::::::::::::::"}},
    {"url",
     {"http://a", "https://example.org/", "https://user:pass@example.org:8080/a/b?c=d&e=%20#f",
      "ftp://1.2.3.4/x", "http://[::1]:80/", "http://[::1]", "s3+x://bucket.name/key", "http://a?b",
      "http://a#", "http://localhost:/", "HTTP://A.B/c;d=e,f"},
     {"example.org",    "//example.org",     "http:/a",      "http://",           "http:///a",
      "1http://a",      "http://a b",        "http://a/%2",  "http://a/%zz",      "http://a:99999/",
      "http://a:b/",    "http://[::1/",      "http://[1]",   "http://a/\xc3\xa4", "http://a/<b>",
      "http://-a.de/",  "http://a..b/",      "http://a#b#c", "mailto:a@b.de",     " http://a",
      "http://[::1]x/", "http://1.2.3.999/", "://a"}},
};

static const struct example times[] = {
    {"iso_date",
     {"2001-06-12", "2000-02-29", "2024-02-29", "0001-01-01", "9999-12-31"},
     {"2001-02-29", "1900-02-29", "2001-04-31", "2001-13-01", "2001-00-10", "2001-01-00",
      "2001-1-1", "20010612", "12.06.2001", "2001-06-12 ", "2001/06/12", "0000-01-01",
      "2001-06-12T00:00", "abcd-ef-gh"}},
    {"iso_time",
     {"00:00", "23:59", "23:59:59", "23:59:60", "12:30:00.5", "12:30:00.123456789", "12:30Z",
      "12:30:00Z", "12:30:00.1+02", "12:30:00-0330", "12:30+05:45"},
     {"24:00", "12:60", "12:30:61", "1:30", "12:30:", "12:30:00.", "12:30z", "12:30 Z", "12",
      "12:30+2", "12:30+16:00", "12:30+02:60", "12:30:0", "12:30:00,5", "12.30", "12:30+02:0"}},
    {"iso_datetime",
     {"2001-06-12T23:59:59Z", "2001-06-12 23:59", "2001-06-12T00:00:00.000001+00:00",
      "2001-06-12 23:59:59.5+02"},
     {"2001-06-12", "2001-06-12T", "2001-06-31T00:00", "2001-06-12t00:00", "2001-06-12  00:00",
      "2001-06-12T25:00", "2001-06-1200:00", "2001-06-12T00:00:00Z "}},
};

static const struct example codes[] = {
    {"country2", {"AD", "DE", "GB", "ZW", "US"}, {"de", "UK", "EU", "XX", "D", "DEU", "ZZ", "AA"}},
    {"country3", {"ABW", "DEU", "GBR", "ZWE"}, {"deu", "GER", "DE", "XXX", "DEUX", "AAB"}},
    {"currency",
     {"AED", "EUR", "USD", "ZWG", "HRK", "XCG", "BTN"},
     {"eur", "EU", "DEM", "EURO", "ABC", "UROX", "EDA"}},
    {"language", {"aa", "de", "en", "zu"}, {"DE", "xx", "deu", "d", "sh", "zz"}},
    {"phone",
     {"+4915112345678", "+1234567", "+123456789012345"},
     {"4915112345678", "+0151123456", "+123456", "+1234567890123456", "+49 151 1234567", "++491511",
      "0049151123456", "+49151-12345"}},
    {"postcode_us",
     {"12345", "12345-6789", "00501"},
     {"1234", "123456", "12345-678", "12345 6789", "123456789", "1234a", "12345-67890"}},
    {"iban",
     {"DE89370400440532013000", "GB82WEST12345698765432", "FR1420041010050500013M02606",
      "NO9386011117947", "MT84MALT011000012345MTLCAST001S", "BR1500000000000010932840814P2"},
     {"DE89370400440532013001", "DE88370400440532013000", "de89370400440532013000",
      "DE89 3704 0044 0532 0130 00", "DE8937040044053201300", "XX89370400440532013000", "DE89",
      "GB82WEST1234569876543", "GB28WEST12345698765432", "US89370400440532013000", "DE",
      "DEAA370400440532013000", "DE8937040044053201300\xc3\xa4"}},
    {"card",
     {"4111111111111111", "5555 5555 5555 4444", "3782-822463-10005", "6011000990139424",
      "4222222222222", "6759649826438453"},
     {"4111111111111112", "0000000000000000", "411111111111111", "41111111111",
      "4111  111111111111", "4111 1111-1111 1111", " 4111111111111111", "4111111111111111 ",
      "4111111111111111a", "41111111111111111111111"}},
    {"isbn",
     {"0306406152", "0-306-40615-2", "080442957X", "9780306406157", "978-0-306-40615-7",
      "979 10 90636 07 1"},
     {"0306406153", "9780306406158", "9770306406150", "030640615", "0--306-40615-2", "080442957x",
      "X804429570", "978030640615X", "-0306406152", "97803064061570", "12345678901"}},
};

static const struct example numbers[] = {
    {"integer",
     {"0", "-1", "+17", "007", "123456789012345678901234567890"},
     {"1.0", "1e3", "-", "+", "1 ", "0x1", "1,000", "--1", "\xd9\xa1"}},
    {"number",
     {"0", "-1.5", "+.5", "5.", "1e10", "1.5E-3", "00.1"},
     {".", "-", "1e", "e5", "1.2.3", "1,5", "NaN", "inf", " 1", "1e5.5", "0x10", "1e+", "-.e1"}},
    {"boolean",
     {"true", "FALSE", "t", "F", "yes", "No", "y", "n", "on", "OFF", "1", "0"},
     {"tru", "2", "ja", "truee", " true", "o", "10"}},
    {"latitude",
     {"0", "-90", "90.0", "+52.5", "4.5e1"},
     {"90.0001", "-91", "52,5", "52.5N", "1e9", "NaN",
      "0.00000000000000000000000000000000000000000000000000000000000000001"}},
    {"longitude", {"180", "-180", "13.4"}, {"180.1", "-200", "E13"}},
    {"semver",
     {"0.0.0", "1.2.3", "1.2.3-rc.1", "1.2.3+5", "1.2.3-a-b.0+001.x", "10.20.30--", "1.0.0-0A"},
     {"1.2", "1.2.3.4", "v1.2.3", "01.2.3", "1.2.3-", "1.2.3-01", "1.2.3+", "1.2.3-a..b", "1.2.x",
      "1.2.3-a_b", "1.2.3+a+b", "-1.2.3", "1..3"}},
    {"hex", {"0", "deadBEEF", "00ff"}, {"0x1", "g", "a b", "#fff"}},
    {"base64",
     {"YQ==", "YWI=", "YWJj", "+/+/", "AAAAAAAA"},
     {"YQ", "YQ=", "Y===", "====", "YQ==YQ==", "YW=j", "YWJ*", "YW Jj", "YWJj\n", "_-_-"}},
    {"md5", {"d41d8cd98f00b204e9800998ecf8427e"}, {"d41d8cd98f00b204e9800998ecf8427", "x"}},
    {"sha1",
     {"da39a3ee5e6b4b0d3255bfef95601890afd80709"},
     {"da39a3ee5e6b4b0d3255bfef95601890afd8070", "da39a3ee5e6b4b0d3255bfef95601890afd8070g"}},
    {"sha256",
     {"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
     {"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85"}},
};

static const struct example json[] = {
    {"json",
     {"{}", "[]", " [1, -0.5e+3, \"a\\u00e4\\n\", null, true, false] ", "{\"a\": {\"b\": [ ]}}",
      "1", "\"\"", "null", "0", "-0", "1E5", "\"\xc3\xa4\"", "{\"a\":1,\"a\":2}", "\t[\r\n]"},
     {"{",     "[1,]", "{\"a\"}", "{\"a\":}", "{a: 1}",  "{'a': 1}",    "01",       "1.",
      ".5",    "+1",   "nul",     "\"a",      "\"\\x\"", "\"\\u12g4\"", "\"\t\"",   "[1 2]",
      "{} {}", "NaN",  "[1],",    "tru",      "-",       "{\"a\":1,}",  "\"\xc3\"", "]"}},
};

static bool (*find(const char *name))(struct vg_slice text)
{
#define VG_FORMAT(known, doc)                                                                      \
    if (!strcmp(#known, name))                                                                     \
        return vg_format_is_##known;
#include "checks/formats.def"
#undef VG_FORMAT
    fail_msg("there is no format %s", name);
    return NULL;
}

/* A copy without a NUL behind it, so that a sanitizer sees who reads on. */
static bool ask(bool (*is)(struct vg_slice text), const char *text)
{
    size_t n = strlen(text);
    char *copy = malloc(n ? n : 1);
    assert_non_null(copy);
    memcpy(copy, text, n);
    bool answer = is((struct vg_slice){copy, (uint32_t)n});
    free(copy);
    return answer;
}

static void check(const struct example *examples, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bool (*is)(struct vg_slice text) = find(examples[i].name);
        for (size_t t = 0; t < TEXTS && examples[i].good[t]; t++) {
            if (!ask(is, examples[i].good[t]))
                fail_msg("'%s' is no %s", examples[i].good[t], examples[i].name);
        }
        for (size_t t = 0; t < TEXTS && examples[i].bad[t]; t++) {
            if (ask(is, examples[i].bad[t]))
                fail_msg("'%s' is a %s", examples[i].bad[t], examples[i].name);
        }
        assert_false(ask(is, ""));
        assert_false(is((struct vg_slice){NULL, 0}));
        assert_false(ask(is, " "));
    }
}

static void test_net(void **state)
{
    (void)state;
    check(net, COUNT(net));
}

static void test_times(void **state)
{
    (void)state;
    check(times, COUNT(times));
}

static void test_codes(void **state)
{
    (void)state;
    check(codes, COUNT(codes));
}

static void test_numbers(void **state)
{
    (void)state;
    check(numbers, COUNT(numbers));
}

static void test_json(void **state)
{
    (void)state;
    check(json, COUNT(json));
}

/* A text with each of its bytes changed in turn; returns how many they are. */
static size_t change_bytes(bool (*is)(struct vg_slice text), const char *good)
{
    char text[128];
    size_t n = strlen(good);
    assert_true(n < sizeof text);
    for (size_t i = 0; i < n; i++) {
        memcpy(text, good, n + 1);
        text[i] = '\xff';
        assert_false(ask(is, text));
        text[i] = '\0';
        ask(is, text);
        assert_false(is((struct vg_slice){text, (uint32_t)n}));
    }
    return n;
}

/* Every beginning of a text, and every text with a byte that fits nowhere, is read within its
 * bytes. */
static void test_cut_and_changed_texts(void **state)
{
    (void)state;
    const struct example *all[] = {net, times, codes, numbers, json};
    const size_t sizes[] = {COUNT(net), COUNT(times), COUNT(codes), COUNT(numbers), COUNT(json)};
    size_t asked = 0;
    for (size_t i = 0; i < COUNT(all); i++) {
        for (const struct example *e = all[i]; e < all[i] + sizes[i]; e++) {
            for (size_t t = 0; t < TEXTS && e->good[t]; t++)
                asked += change_bytes(find(e->name), e->good[t]);
        }
    }
    assert_true(asked > 1000);
}

static void test_depth_of_json(void **state)
{
    (void)state;
    enum { DEEP = 100000 };
    char *text = malloc(2 * DEEP + 1);
    assert_non_null(text);
    for (size_t depth = 199; depth <= DEEP; depth = depth < 201 ? depth + 1 : depth * 10) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        bool fine = vg_format_is_json((struct vg_slice){text, (uint32_t)(2 * depth)});
        assert_int_equal(fine, depth <= 200);
        assert_false(vg_format_is_json((struct vg_slice){text, (uint32_t)depth}));
    }
    free(text);
}

static void test_every_format_has_examples(void **state)
{
    (void)state;
    size_t formats = 0;
#define VG_FORMAT(name, doc) formats++;
#include "checks/formats.def"
#undef VG_FORMAT
    assert_int_equal(formats,
                     COUNT(net) + COUNT(times) + COUNT(codes) + COUNT(numbers) + COUNT(json));
}

/* The tables are sorted and whole: every code is found, and nothing between them. */
static void test_lists_of_codes(void **state)
{
    (void)state;
    size_t countries2 = 0, countries3 = 0, currencies = 0, languages = 0;
    char text[3];
    for (int i = 0; i < 26 * 26 * 26; i++) {
        text[0] = (char)('A' + i / 676);
        text[1] = (char)('A' + i / 26 % 26);
        text[2] = (char)('A' + i % 26);
        countries3 += vg_format_is_country3((struct vg_slice){text, 3});
        currencies += vg_format_is_currency((struct vg_slice){text, 3});
        if (i % 26)
            continue;
        countries2 += vg_format_is_country2((struct vg_slice){text, 2});
        char small[2] = {(char)(text[0] + 32), (char)(text[1] + 32)};
        languages += vg_format_is_language((struct vg_slice){small, 2});
    }
    assert_int_equal(countries2, 249);
    assert_int_equal(countries3, 249);
    assert_int_equal(currencies, 184);
    assert_int_equal(languages, 184);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_net),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_codes),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_cut_and_changed_texts),
        cmocka_unit_test(test_depth_of_json),
        cmocka_unit_test(test_every_format_has_examples),
        cmocka_unit_test(test_lists_of_codes),
    };
    return cmocka_run_group_tests_name("format", tests, NULL, NULL);
}
