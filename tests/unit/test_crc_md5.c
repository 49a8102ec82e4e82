/* labels: quick
 *
 * CRC32C, MD5 and SHA-256 against published values, in one piece and in all splits. */
#include "file/crc32c.h"
#include "file/md5.h"
#include "file/sha256.h"
#include "support/check.h"

#include <stdlib.h>

/* The vectors of RFC 3720, appendix B.4, and the usual check value. */
static void crc_has_the_published_values(void **state)
{
    (void)state;
    uint8_t buffer[32];
    assert_int_equal(gn_crc32c(0, "123456789", 9), 0xe3069283U);
    memset(buffer, 0, sizeof buffer);
    assert_int_equal(gn_crc32c(0, buffer, sizeof buffer), 0x8a9136aaU);
    memset(buffer, 0xff, sizeof buffer);
    assert_int_equal(gn_crc32c(0, buffer, sizeof buffer), 0x62a8ab43U);
    for (unsigned i = 0; i < sizeof buffer; i++)
        buffer[i] = (uint8_t)i;
    assert_int_equal(gn_crc32c(0, buffer, sizeof buffer), 0x46dd794eU);
    for (unsigned i = 0; i < sizeof buffer; i++)
        buffer[i] = (uint8_t)(31 - i);
    assert_int_equal(gn_crc32c(0, buffer, sizeof buffer), 0x113fdb5cU);
    assert_int_equal(gn_crc32c(0, NULL, 0), 0);
}

static void crc_is_the_same_in_pieces_and_without_instructions(void **state)
{
    (void)state;
    uint8_t buffer[67];
    for (unsigned i = 0; i < sizeof buffer; i++)
        buffer[i] = (uint8_t)(i * 37 + 11);
    for (size_t n = 0; n <= sizeof buffer; n++) {
        const uint32_t whole = gn_crc32c_portable(0, buffer, n);
        for (size_t cut = 0; cut <= n; cut++) {
            const uint32_t head = gn_crc32c(0, buffer, cut);
            assert_int_equal(gn_crc32c(head, buffer + cut, n - cut), whole);
        }
    }
}

/* The length of the first record of every event file of TensorFlow, 24 bytes, as its hex dumps show it:
 * 18 00 00 00 00 00 00 00 a3 7f 4b 22. And LevelDB's: a masked sum is neither the sum nor masked twice. */
static void masked_crc_has_the_published_values(void **state)
{
    (void)state;
    static const uint8_t length[8] = { 24 };
    assert_int_equal(gn_crc32c_masked(gn_crc32c(0, length, sizeof length)), 0x224b7fa3U);
    const uint32_t crc = gn_crc32c(0, "foo", 3);
    assert_int_not_equal(gn_crc32c_masked(crc), crc);
    assert_int_not_equal(gn_crc32c_masked(gn_crc32c_masked(crc)), crc);
}

/* The test suite of RFC 1321, appendix A.5. */
static void md5_has_the_published_values(void **state)
{
    (void)state;
    static const char *const vectors[][2] = {
        { "", "d41d8cd98f00b204e9800998ecf8427e" },
        { "a", "0cc175b9c0f1b6a831c399e269772661" },
        { "abc", "900150983cd24fb0d6963f7d28e17f72" },
        { "message digest", "f96b697d7cb7938d525a2f31aaf161d0" },
        { "abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b" },
        { "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
          "d174ab98d277d9f5a5611c2c9f419d9f" },
        { "1234567890123456789012345678901234567890123456789012345678901234567890123456789"
          "0",
          "57edf4a22be3c955ac49da2e2107b67a" },
    };
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        struct gn_md5 md5;
        char hex[GN_MD5_HEX];
        gn_md5_init(&md5);
        gn_md5_update(&md5, vectors[i][0], strlen(vectors[i][0]));
        gn_md5_final(&md5, hex);
        assert_string_equal(hex, vectors[i][1]);
    }
}

static void md5_is_the_same_in_pieces(void **state)
{
    (void)state;
    uint8_t buffer[200];
    for (unsigned i = 0; i < sizeof buffer; i++)
        buffer[i] = (uint8_t)(i * 91 + 3);
    for (size_t n = 0; n <= sizeof buffer; n++) {
        struct gn_md5 whole, pieces;
        char hex[GN_MD5_HEX], other[GN_MD5_HEX];
        gn_md5_init(&whole);
        gn_md5_update(&whole, buffer, n);
        gn_md5_final(&whole, hex);
        for (size_t step = 1; step <= 71; step += 14) {
            gn_md5_init(&pieces);
            for (size_t at = 0; at < n; at += step)
                gn_md5_update(&pieces, buffer + at, n - at < step ? n - at : step);
            gn_md5_final(&pieces, other);
            assert_string_equal(hex, other);
        }
    }
}

/* FIPS 180-4's examples, and the million of "a", in pieces of every size. */
static void sha256_has_the_published_values(void **state)
{
    (void)state;
    static const char *const vectors[][2] = {
        { "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
        { "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
        { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
    };
    struct gn_sha256 sha;
    char hex[65], piece[211];
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        gn_sha256_begin(&sha);
        gn_sha256_add(&sha, vectors[i][0], strlen(vectors[i][0]));
        gn_sha256_end(&sha, hex);
        assert_string_equal(hex, vectors[i][1]);
    }
    memset(piece, 'a', sizeof piece);
    gn_sha256_begin(&sha);
    for (size_t left = 1000000, n = 1; left > 0; n = n % sizeof piece + 1) {
        const size_t part = n < left ? n : left;
        gn_sha256_add(&sha, piece, part);
        left -= part;
    }
    gn_sha256_end(&sha, hex);
    assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    assert_int_equal(gn_sha256_file("missing", hex), GN_STATUS_BAD_DATA);
    check_error(GN_STATUS_BAD_DATA, "missing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc_has_the_published_values),
        cmocka_unit_test(masked_crc_has_the_published_values),
        cmocka_unit_test(crc_is_the_same_in_pieces_and_without_instructions),
        cmocka_unit_test(sha256_has_the_published_values),
        cmocka_unit_test(md5_has_the_published_values),
        cmocka_unit_test(md5_is_the_same_in_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
