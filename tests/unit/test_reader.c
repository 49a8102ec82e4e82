/* labels: quick
 *
 * The checked reader and arithmetic: every width, every limit, every wrap. */
#include "file/reader.h"
#include "support/check.h"

#include <limits.h>

static const uint8_t bytes[] = { 0x01, 0x82, 0x03, 0x84, 0x05, 0x86, 0x07, 0x88, 0x09 };

static void reads_each_width_in_both_orders(void **state)
{
    (void)state;
    struct gn_reader reader;
    uint8_t u8 = 0;
    uint16_t u16 = 0;
    uint32_t u32 = 0;
    uint64_t u64 = 0;
    gn_rd_init(&reader, bytes, sizeof bytes);
    assert_true(gn_rd_u8(&reader, &u8) && u8 == 0x01);
    assert_true(gn_rd_seek(&reader, 0) && gn_rd_le16(&reader, &u16) && u16 == 0x8201);
    assert_true(gn_rd_seek(&reader, 0) && gn_rd_be16(&reader, &u16) && u16 == 0x0182);
    assert_true(gn_rd_seek(&reader, 0) && gn_rd_le32(&reader, &u32) && u32 == 0x84038201U);
    assert_true(gn_rd_seek(&reader, 0) && gn_rd_be32(&reader, &u32) && u32 == 0x01820384U);
    assert_true(gn_rd_seek(&reader, 0) && gn_rd_le64(&reader, &u64));
    assert_true(u64 == UINT64_C(0x8807860584038201));
    assert_true(gn_rd_seek(&reader, 1) && gn_rd_be64(&reader, &u64));
    assert_true(u64 == UINT64_C(0x8203840586078809));
    assert_int_equal(gn_rd_left(&reader), 0);
}

static void refuses_what_is_not_there(void **state)
{
    (void)state;
    for (size_t size = 0; size < 8; size++) {
        struct gn_reader reader;
        uint8_t u8 = 77;
        uint16_t u16 = 77;
        uint32_t u32 = 77;
        uint64_t u64 = 77;
        gn_rd_init(&reader, bytes, size);
        assert_false(gn_rd_le64(&reader, &u64) || gn_rd_be64(&reader, &u64));
        assert_int_equal(gn_rd_le32(&reader, &u32), size >= 4);
        assert_true(gn_rd_seek(&reader, 0));
        assert_int_equal(gn_rd_be32(&reader, &u32), size >= 4);
        assert_true(gn_rd_seek(&reader, 0));
        assert_int_equal(gn_rd_le16(&reader, &u16), size >= 2);
        assert_true(gn_rd_seek(&reader, 0));
        assert_int_equal(gn_rd_be16(&reader, &u16), size >= 2);
        assert_true(gn_rd_seek(&reader, 0));
        assert_int_equal(gn_rd_u8(&reader, &u8), size >= 1);
        assert_true(u64 == 77);
        assert_true(size >= 4 || u32 == 77);
        assert_true(size >= 2 || u16 == 77);
        assert_true(size >= 1 || u8 == 77);
    }
}

static void spans_stay_inside(void **state)
{
    (void)state;
    struct gn_reader reader;
    const uint8_t *span = NULL;
    gn_rd_init(&reader, bytes, 4);
    assert_true(gn_rd_skip(&reader, 1));
    static const uint64_t too_many[] = { 4, 5, INT32_MAX, UINT32_MAX, INT64_MAX, UINT64_MAX };
    for (size_t i = 0; i < sizeof too_many / sizeof too_many[0]; i++) {
        assert_false(gn_rd_bytes(&reader, too_many[i], &span));
        assert_false(gn_rd_skip(&reader, too_many[i]));
        assert_null(span);
        assert_int_equal(reader.at, 1);
    }
    assert_true(gn_rd_bytes(&reader, 3, &span) && span == bytes + 1);
    assert_true(gn_rd_bytes(&reader, 0, &span));
    assert_false(gn_rd_skip(&reader, 1));
    assert_true(gn_rd_seek(&reader, 4));
    assert_false(gn_rd_seek(&reader, 5));
    assert_false(gn_rd_seek(&reader, UINT64_MAX));
    assert_int_equal(reader.at, 4);
}

static void matches_only_equal_bytes(void **state)
{
    (void)state;
    struct gn_reader reader;
    gn_rd_init(&reader, "GGUF", 4);
    assert_false(gn_rd_match(&reader, "GGML", 4));
    assert_false(gn_rd_match(&reader, "GGUFX", 5));
    assert_int_equal(reader.at, 0);
    assert_true(gn_rd_match(&reader, "GG", 2) && gn_rd_match(&reader, "UF", 2));
    assert_true(gn_rd_match(&reader, "", 0));
}

static void arithmetic_refuses_to_wrap(void **state)
{
    (void)state;
    uint64_t r = 5;
    assert_true(gn_add_u64(UINT64_MAX, 0, &r) && r == UINT64_MAX);
    assert_true(gn_add_u64(UINT64_MAX - 7, 7, &r) && r == UINT64_MAX);
    r = 5;
    assert_false(gn_add_u64(UINT64_MAX, 1, &r) || gn_add_u64(1, UINT64_MAX, &r));
    assert_false(gn_add_u64(UINT64_MAX, UINT64_MAX, &r));
    assert_false(gn_mul_u64(UINT64_C(1) << 32, UINT64_C(1) << 32, &r));
    assert_false(gn_mul_u64(UINT64_MAX, 2, &r) || gn_mul_u64(2, UINT64_MAX, &r));
    assert_true(r == 5);
    assert_true(gn_mul_u64(UINT64_C(1) << 32, UINT32_MAX, &r) &&
                r == UINT32_MAX * (UINT64_C(1) << 32));
    assert_true(gn_mul_u64(UINT64_MAX, 1, &r) && r == UINT64_MAX);
    assert_true(gn_mul_u64(UINT64_MAX, 0, &r) && r == 0);
    assert_true(gn_mul_u64(0, UINT64_MAX, &r) && r == 0);

    const uint64_t dims[] = { 3, UINT64_C(1) << 62, 5 };
    assert_true(gn_product(dims, 0, &r) && r == 1);
    assert_true(gn_product(dims, 1, &r) && r == 3);
    assert_true(gn_product(dims, 2, &r));
    assert_false(gn_product(dims, 3, &r));
}

static void narrowing_is_checked(void **state)
{
    (void)state;
    int n = 5;
    size_t size = 0;
    assert_true(gn_to_int(0, &n) && n == 0);
    assert_true(gn_to_int(INT_MAX, &n) && n == INT_MAX);
    assert_false(gn_to_int((uint64_t)INT_MAX + 1, &n));
    assert_false(gn_to_int(UINT64_MAX, &n));
    assert_int_equal(n, INT_MAX);
    assert_true(gn_to_size(123, &size) && size == 123);
    assert_int_equal(gn_to_size(UINT64_MAX, &size), SIZE_MAX == UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_each_width_in_both_orders),
        cmocka_unit_test(refuses_what_is_not_there),
        cmocka_unit_test(spans_stay_inside),
        cmocka_unit_test(matches_only_equal_bytes),
        cmocka_unit_test(arithmetic_refuses_to_wrap),
        cmocka_unit_test(narrowing_is_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
