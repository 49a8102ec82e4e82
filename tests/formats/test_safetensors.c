/* labels: quick
 *
 * The safetensors reader and writer: round trips, damage of every kind, conversions. */
#include "base/memory.h"
#include "base/endian.h"
#include "base/random.h"
#include "formats/safetensors.h"
#include "st_files.h"
#include "support/check.h"
#include "support/files.h"

#include <math.h>
#include <stdlib.h>

static const double f64[2] = { 1.5, -2.25 };
static const float f32[6] = { 0, 1, -1, 0.5F, 3e38F, -1e-40F };
static const uint16_t f16[3] = { 0x3c00, 0xc000, 0x0001 };
static const uint16_t bf16[2] = { 0x3f80, 0xc000 };
static const int64_t i64[1] = { -5 };
static const int32_t i32[2] = { 7, -8 };
static const uint8_t u8[5] = { 1, 2, 3, 4, 255 };

static const struct gn_st_tensor tensors[] = {
    { .name = "bytes", .dtype = GN_U8, .rank = 1, .shape = { 5 }, .count = 5, .data = u8 },
    { .name = "b.weight", .dtype = GN_F32, .rank = 2, .shape = { 2, 3 }, .count = 6, .data = f32 },
    { .name = "a.half", .dtype = GN_F16, .rank = 1, .shape = { 3 }, .count = 3, .data = f16 },
    { .name = "z.wide", .dtype = GN_F64, .rank = 1, .shape = { 2 }, .count = 2, .data = f64 },
    { .name = "a.brain", .dtype = GN_BF16, .rank = 1, .shape = { 2 }, .count = 2, .data = bf16 },
    { .name = "scalar", .dtype = GN_I64, .rank = 0, .count = 1, .data = i64 },
    { .name = "a.int", .dtype = GN_I32, .rank = 1, .shape = { 2 }, .count = 2, .data = i32 },
    { .name = "empty", .dtype = GN_I8, .rank = 2, .shape = { 0, 4 }, .count = 0, .data = u8 },
};
enum { TENSORS = sizeof tensors / sizeof tensors[0] };
static const struct gn_st_text texts[] = { { "gn.note", "quote \" backslash \\ \xc3\xa9" },
                                           { "other", "" } };

static void write_sample(const char *path)
{
    assert_int_equal(gn_st_write(path, tensors, TENSORS, texts, 2, NULL), GN_OK);
}

/* ---- What is written can be read ---- */

static void everything_comes_back(void **state)
{
    (void)state;
    write_sample("m");
    struct gn_st_file *file = gn_st_open("m");
    assert_non_null(file);
    assert_true(gn_st_is_ours(file));
    assert_int_equal(gn_st_count(file), TENSORS);
    assert_string_equal(gn_st_metadata(file, "gn.note"), texts[0].value);
    assert_string_equal(gn_st_metadata(file, "other"), "");
    assert_string_equal(gn_st_metadata(file, "gn.format"), "1");
    assert_null(gn_st_metadata(file, "none"));
    assert_null(gn_st_find(file, "none"));
    assert_null(gn_st_tensor(file, -1));
    assert_null(gn_st_tensor(file, TENSORS));
    static const size_t widths[] = { 1, 4, 2, 8, 2, 8, 4, 1 };
    for (int i = 0; i < TENSORS; i++) {
        const struct gn_st_tensor *tensor = gn_st_find(file, tensors[i].name);
        assert_non_null(tensor);
        assert_int_equal(tensor->dtype, tensors[i].dtype);
        assert_int_equal(tensor->rank, tensors[i].rank);
        assert_int_equal(tensor->count, tensors[i].count);
        for (int d = 0; d < tensor->rank; d++)
            assert_int_equal(tensor->shape[d], tensors[i].shape[d]);
        assert_memory_equal(tensor->data, tensors[i].data, tensor->count * widths[i]);
        assert_int_equal((uintptr_t)tensor->data % widths[i], 0);
    }
    gn_st_close(file);
}

static void layout_is_as_promised(void **state)
{
    (void)state;
    static const char start[] = "{\"__metadata__\":{\"gn.header_crc32c\":\"";
    static const char *const order[] = { "scalar",  "z.wide", "a.int", "b.weight",
                                         "a.brain", "a.half", "bytes", "empty" };
    write_sample("m");
    write_sample("n");
    size_t size;
    uint64_t length;
    uint8_t *bytes = test_read_file("m", &size);
    assert_true(test_file_is("n", bytes, size));
    gn_copy_little(&length, bytes, 1, 8);
    assert_int_equal((8 + length) % 64, 0);
    assert_memory_equal(bytes + 8, start, sizeof start - 1);
    assert_int_equal(8 + sizeof start - 1, 45);
    assert_int_equal(bytes[53], '"');
    free(bytes);
    struct gn_st_file *file = gn_st_open("m");
    assert_non_null(file);
    /* "bytes" and "empty" have one-byte elements; the empty one is behind by its name. */
    for (int i = 0; i < TENSORS; i++)
        assert_string_equal(gn_st_tensor(file, i)->name, order[i]);
    gn_st_close(file);
}

static void keeps_the_generation_before(void **state)
{
    (void)state;
    write_sample("m");
    size_t size;
    uint8_t *bytes = test_read_file("m", &size);
    assert_int_equal(gn_st_write("m", tensors, 1, NULL, 0, "m.previous"), GN_OK);
    assert_true(test_file_is("m.previous", bytes, size));
    assert_false(test_file_is("m", bytes, size));
    free(bytes);
}

static void refuses_to_write_nonsense(void **state)
{
    (void)state;
    const struct gn_st_tensor twice[] = { tensors[0], tensors[0] };
    const struct gn_st_text latin1 = { "k", "\xe9" };
    assert_int_equal(gn_st_write("bad", twice, 2, NULL, 0, NULL), GN_STATUS_BAD_ARGUMENT);
    check_error(GN_STATUS_BAD_ARGUMENT, "two tensors have the name \"bytes\"");
    assert_int_equal(gn_st_write("bad", tensors, 1, &latin1, 1, NULL), GN_STATUS_BAD_ARGUMENT);
    check_error(GN_STATUS_BAD_ARGUMENT, "not UTF-8");
    assert_int_equal(gn_st_write(NULL, tensors, 1, NULL, 0, NULL), GN_STATUS_BAD_ARGUMENT);
    assert_null(gn_st_open(NULL));
    gn_clear_error();
    assert_false(test_exists("bad"));
}

/* ---- Damage ---- */

static void every_truncation_is_found(void **state)
{
    (void)state;
    size_t size;
    write_sample("m");
    uint8_t *bytes = test_read_file("m", &size);
    for (size_t n = 0; n < size; n++) {
        test_write_file("cut", bytes, n);
        st_refused("cut", "cut: safetensors: truncated (");
    }
    uint8_t *longer = calloc(size + 1, 1);
    assert_non_null(longer);
    memcpy(longer, bytes, size);
    test_write_file("longer", longer, size + 1);
    st_refused("longer", "bytes after the last tensor");
    free(longer);
    free(bytes);
}

static void every_bit_of_a_small_file_counts(void **state)
{
    (void)state;
    size_t size;
    write_sample("m");
    uint8_t *bytes = test_read_file("m", &size);
    for (size_t bit = 0; bit < 8 * size; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
        test_write_file("flipped", bytes, size);
        st_refused("flipped", "flipped: ");
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    free(bytes);
}

static void a_bit_in_each_4_kib_of_data_counts(void **state)
{
    (void)state;
    enum { COUNT = 1 << 16, PAGE = 4096 };
    float *values = calloc(COUNT, sizeof *values);
    assert_non_null(values);
    const struct gn_st_tensor large = { .name = "large",
                                        .dtype = GN_F32,
                                        .rank = 1,
                                        .shape = { COUNT },
                                        .count = COUNT,
                                        .data = values };
    assert_int_equal(gn_st_write("large", &large, 1, NULL, 0, NULL), GN_OK);
    size_t size;
    uint8_t *bytes = test_read_file("large", &size);
    const size_t data = size - COUNT * sizeof *values;
    for (size_t at = data; at < size; at += PAGE) {
        const size_t where = at + gn_random_below(1, GN_RANDOM_TEST, at, 0, PAGE);
        bytes[where] ^= (uint8_t)(1U << at / PAGE % 8);
        test_write_file("flipped", bytes, size);
        st_refused("flipped", "tensor \"large\" is damaged (CRC32C ");
        bytes[where] ^= (uint8_t)(1U << at / PAGE % 8);
    }
    free(bytes);
    free(values);
}

/* ---- Conversion ---- */

static void all_halves_convert_exactly(void **state)
{
    (void)state;
    for (uint32_t bits = 0; bits < 0x10000; bits++) {
        const uint16_t half = (uint16_t)bits;
        const struct gn_st_tensor tensor = { .dtype = GN_F16, .count = 1, .data = &half };
        const int exponent = (int)(bits >> 10 & 31), fraction = (int)(bits & 0x3ff);
        float value;
        assert_true(gn_st_to_float(&tensor, &value));
        double expected =
            exponent == 0 ? ldexp(fraction, -24) : ldexp(1024 + fraction, exponent - 25);
        if (exponent == 31)
            expected = fraction == 0 ? (double)INFINITY : (double)NAN;
        assert_int_equal(signbit(value) != 0, bits >> 15);
        assert_true(isnan(expected) ? isnan(value) : fabs((double)value) == expected);
    }
}

static void bfloat16_and_double_convert(void **state)
{
    (void)state;
    static const uint16_t brain[] = { 0x0000, 0x8000, 0x3f80, 0xc049, 0x0001, 0x7f7f, 0xff80 };
    static const double wide[] = { 0, -0.0, 1, 1.0000000001, 1e-46, 1e300, -1e-40 };
    static const uint32_t of_brain[] = { 0x00000000, 0x80000000, 0x3f800000, 0xc0490000,
                                         0x00010000, 0x7f7f0000, 0xff800000 };
    float out[7];
    const struct gn_st_tensor b = { .dtype = GN_BF16, .count = 7, .data = brain };
    assert_true(gn_st_to_float(&b, out));
    assert_memory_equal(out, of_brain, sizeof out);
    const struct gn_st_tensor d = { .dtype = GN_F64, .count = 7, .data = wide };
    assert_true(gn_st_to_float(&d, out));
    assert_true(out[0] == 0 && out[1] == 0 && signbit(out[1]) && out[2] == 1 && out[3] == 1);
    assert_true(out[4] == 0 && isinf(out[5]) && out[6] == -1e-40F);
}

static void the_first_bad_value_is_found(void **state)
{
    (void)state;
    enum { COUNT = 3000 };
    static float values[COUNT];
    const struct gn_st_tensor tensor = { .dtype = GN_F32, .count = COUNT, .data = values };
    uint64_t where = 0;
    assert_true(gn_st_is_finite(&tensor, &where));
    values[2999] = NAN;
    assert_false(gn_st_is_finite(&tensor, &where));
    assert_int_equal(where, 2999);
    values[1024] = -INFINITY;
    assert_false(gn_st_is_finite(&tensor, &where));
    assert_int_equal(where, 1024);
}

/* ---- No input and no machine is fatal ---- */

/* Whatever opens must be usable to its last byte (the sanitizers watch). */
static void open_and_touch(const char *path)
{
    struct gn_st_file *file = gn_st_open(path);
    if (file == NULL) {
        assert_true(gn_error_message()[0] != '\0');
        return;
    }
    for (int i = 0; i < gn_st_count(file); i++) {
        const struct gn_st_tensor *tensor = gn_st_tensor(file, i);
        float *values = malloc((size_t)tensor->count * sizeof *values + 1);
        assert_non_null(values);
        (void)gn_st_to_float(tensor, values);
        assert_non_null(gn_st_find(file, tensor->name));
        free(values);
    }
    gn_st_close(file);
}

static void random_damage_is_survived(void **state)
{
    (void)state;
    static const char json[] = "{\"a\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},"
                               "\"b\":{\"dtype\":\"F16\",\"shape\":[4],\"data_offsets\":[24,32]}}";
    static const char alphabet[] = "{}[],:\"0123456789-.eF\\ \xff\x80";
    st_make("whole", json, 32);
    size_t size;
    uint8_t *whole = test_read_file("whole", &size), *bytes = malloc(size);
    assert_non_null(bytes);
    for (uint64_t round = 0; round < 4000; round++) {
        memcpy(bytes, whole, size);
        const uint64_t changes = 1 + gn_random_below(2, GN_RANDOM_TEST, round, 0, 4);
        for (uint64_t i = 1; i <= changes; i++) {
            const size_t at = (size_t)gn_random_below(2, GN_RANDOM_TEST, round, 2 * i, size);
            bytes[at] = (uint8_t)
                alphabet[gn_random_below(2, GN_RANDOM_TEST, round, 2 * i + 1, sizeof alphabet - 1)];
        }
        test_write_file("damaged", bytes, size);
        open_and_touch("damaged");
    }
    free(bytes);
    free(whole);
    gn_clear_error();
}

static void every_failing_allocation_is_survived(void **state)
{
    (void)state;
    write_sample("m");
    size_t size;
    uint8_t *bytes = test_read_file("m", &size);
    const uint64_t before = gn_alloc_count();
    gn_st_close(gn_st_open("m"));
    const uint64_t opening = gn_alloc_count() - before;
    write_sample("m");
    const uint64_t writing = gn_alloc_count() - before - opening;
    for (int persistent = 0; persistent < 2; persistent++) {
        for (uint64_t k = 1; k <= opening; k++) {
            gn_alloc_fail_after(k, persistent != 0);
            assert_null(gn_st_open("m"));
            gn_alloc_fail_after(0, false);
            check_error(GN_STATUS_NO_MEMORY, "no memory for");
        }
        for (uint64_t k = 1; k <= writing; k++) {
            gn_alloc_fail_after(k, persistent != 0);
            assert_int_equal(gn_st_write("m", tensors, TENSORS, NULL, 0, NULL),
                             GN_STATUS_NO_MEMORY);
            gn_alloc_fail_after(0, false);
            gn_clear_error();
            assert_true(test_file_is("m", bytes, size));
        }
    }
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_comes_back),
        cmocka_unit_test(layout_is_as_promised),
        cmocka_unit_test(keeps_the_generation_before),
        cmocka_unit_test(refuses_to_write_nonsense),
        cmocka_unit_test(every_truncation_is_found),
        cmocka_unit_test(every_bit_of_a_small_file_counts),
        cmocka_unit_test(a_bit_in_each_4_kib_of_data_counts),
        cmocka_unit_test(all_halves_convert_exactly),
        cmocka_unit_test(bfloat16_and_double_convert),
        cmocka_unit_test(the_first_bad_value_is_found),
        cmocka_unit_test(random_damage_is_survived),
        cmocka_unit_test(every_failing_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
