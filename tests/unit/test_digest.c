/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unit tests of agent/base/digest.c against the published examples: FIPS 180-4, RFC 4231, RFC 4648
 * and the example of Standard Webhooks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "pgvigil/digest.h"

static void expect_hash(const char *text, size_t times, const char *hex)
{
    struct vg_sha256 sha;
    uint8_t digest[VG_SHA256_SIZE];
    char got[VG_SHA256_HEX];
    vg_sha256_begin(&sha);
    for (size_t i = 0; i < times; i++)
        vg_sha256_add(&sha, text, strlen(text));
    vg_sha256_end(&sha, digest);
    assert_string_equal(vg_sha256_hex(digest, got), hex);
}

static void test_sha256(void **state)
{
    (void)state;
    expect_hash("", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect_hash("abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect_hash("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    expect_hash("aaaaaaaaaa", 100000,
                "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void expect_mac(const void *key, size_t nkey, const char *text, const char *hex)
{
    const struct vg_bytes parts[] = {{text, 3}, {text + 3, strlen(text) - 3}};
    uint8_t digest[VG_SHA256_SIZE];
    char got[VG_SHA256_HEX];
    vg_hmac_sha256(key, nkey, parts, 2, digest);
    assert_string_equal(vg_sha256_hex(digest, got), hex);
}

static void test_hmac(void **state)
{
    uint8_t key[131];
    (void)state;
    memset(key, 0x0b, 20);
    expect_mac(key, 20, "Hi There",
               "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    expect_mac("Jefe", 4, "what do ya want for nothing?",
               "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof key);
    expect_mac(key, sizeof key, "Test Using Larger Than Block-Size Key - Hash Key First",
               "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void test_base64(void **state)
{
    static const struct {
        const char *plain, *coded;
    } cases[] = {{"", ""},
                 {"f", "Zg=="},
                 {"fo", "Zm8="},
                 {"foo", "Zm9v"},
                 {"foob", "Zm9vYg=="},
                 {"fooba", "Zm9vYmE="},
                 {"foobar", "Zm9vYmFy"},
                 {"\xff\xfe\xfd", "//79"}};
    static const char *const bad[] = {"Z", "Zg=a", "Zm9v!", "Zm 9", "===="};
    uint8_t bytes[64];
    struct vg_buf out;
    (void)state;
    vg_buf_init(&out, 100);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t n = strlen(cases[i].plain);
        vg_buf_clear(&out);
        vg_base64_put(&out, cases[i].plain, n);
        assert_string_equal(out.data, cases[i].coded);
        assert_int_equal(vg_base64_read(out.data, out.len, bytes, sizeof bytes), (int)n);
        assert_memory_equal(bytes, cases[i].plain, n);
        if (n)
            assert_int_equal(vg_base64_read(out.data, out.len, bytes, n - 1), -1);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(vg_base64_read(bad[i], strlen(bad[i]), bytes, sizeof bytes), -1);
    vg_buf_free(&out);
}

/* The example of the specification's own libraries. */
static void test_a_standard_webhook(void **state)
{
    static const char secret[] = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    static const char signed_text[] =
        "msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{\"test\": 2432232314}";
    uint8_t key[64], digest[VG_SHA256_SIZE];
    const struct vg_bytes parts[] = {{signed_text, sizeof signed_text - 1}};
    struct vg_buf out;
    (void)state;
    int n = vg_base64_read(secret, strlen(secret), key, sizeof key);
    assert_int_equal(n, 24);
    vg_hmac_sha256(key, (size_t)n, parts, 1, digest);
    vg_buf_init(&out, 100);
    vg_base64_put(&out, digest, sizeof digest);
    assert_string_equal(out.data, "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    vg_buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sha256),
        cmocka_unit_test(test_hmac),
        cmocka_unit_test(test_base64),
        cmocka_unit_test(test_a_standard_webhook),
    };
    return cmocka_run_group_tests_name("digest", tests, NULL, NULL);
}
