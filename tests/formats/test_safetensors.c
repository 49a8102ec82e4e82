/* labels: quick
 *
 * The safetensors reader and writer: round trips, damage of every kind, files that lie. */
#include "base/memory.h"
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

/* Opening fails with this status; 0 accepts any of the two for bad files. */
static void check_refused(const char *path, const char *part)
{
    struct gn_st_file *file = gn_st_open(path);
    assert_null(file);
    check_error(GN_STATUS_BAD_MODEL, part);
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
    memcpy(&length, bytes, 8);
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
        check_refused("cut", "cut: safetensors: truncated (");
    }
    uint8_t *longer = calloc(size + 1, 1);
    assert_non_null(longer);
    memcpy(longer, bytes, size);
    test_write_file("longer", longer, size + 1);
    check_refused("longer", "bytes behind the last tensor");
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
        check_refused("flipped", "flipped: ");
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
        check_refused("flipped", "tensor \"large\" is damaged (CRC32C ");
        bytes[where] ^= (uint8_t)(1U << at / PAGE % 8);
    }
    free(bytes);
    free(values);
}

/* ---- Headers that lie ---- */

#define T(fields)      "{\"w\":{" fields "}}"
#define F32_4(offsets) T("\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":" offsets)

static const struct {
    const char *json;
    size_t n; /* bytes of data */
    const char *part;
} lies[] = {
    { "{}x", 0, "only spaces may follow the header's object at byte 10" },
    { "{}\n", 0, "only spaces may follow the header's object at byte 10" },
    { "{}{}", 0, "only spaces may follow" },
    { "[]", 0, "does not start with \"{\"" },
    { " {}", 0, "does not start with \"{\"" },
    { "{", 0, "this is no model file" },
    { "{\"a\":", 0, "the header is no JSON" },
    { "{\"a\":1,}", 0, "the header is no JSON" },
    { "{\"a\" 1}", 0, "the header is no JSON" },
    { "{\"\xff\":1}", 0, "the header is not UTF-8 at byte 10" },
    { "{\"\xc0\x80\":1}", 0, "the header is not UTF-8" },
    { "{\"\xed\xa0\x80\":1}", 0, "the header is not UTF-8" },
    { "{\"\xf4\x90\x80\x80\":1}", 0, "the header is not UTF-8" },
    { "{\"a\\u0000b\":{}}", 0, "the header is no JSON" },
    { "{\"a\":[[[[1]]]]}", 0, "the header has too many levels (limit 4)" },
    { "{\"a\":1}", 0, "tensor \"a\" must have exactly dtype, shape and data_offsets" },
    { "{\"a\":null}", 0, "must have exactly" },
    { "{\"a\":{}}", 0, "must have exactly" },
    { "{\"__metadata__\":1}", 0, "\"__metadata__\" is no object" },
    { "{\"__metadata__\":{\"a\":1}}", 0, "the metadata \"a\" is no string" },
    { "{\"__metadata__\":{\"a\":{\"b\":\"c\"}}}", 0, "the metadata \"a\" is no string" },
    { "{\"__metadata__\":{\"a\":\"b\",\"a\":\"b\"}}", 0, "duplicate object key" },
    { "{\"__metadata__\":{\"gn.format\":\"1\"}}", 0, "the header is damaged (keys \"gn.*\"" },
    { T("\"dtype\":\"F32\",\"shape\":[4]"), 16, "must have exactly" },
    { T("\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16],\"x\":1"), 16,
      "must have exactly" },
    { T("\"dtype\":\"F32\",\"shape\":[4],\"offsets\":[0,16]"), 16, "must have exactly" },
    { T("\"dtype\":\"F8\",\"shape\":[4],\"data_offsets\":[0,4]"), 4,
      "has a dtype that is none of" },
    { T("\"dtype\":1,\"shape\":[4],\"data_offsets\":[0,4]"), 4, "has a dtype that is none of" },
    { T("\"dtype\":\"F32\",\"shape\":4,\"data_offsets\":[0,16]"), 16, "a shape that is no array" },
    { T("\"dtype\":\"U8\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,1]"), 1,
      "has more than 8 dimensions" },
    { T("\"dtype\":\"F32\",\"shape\":[-4],\"data_offsets\":[0,16]"), 16,
      "has a dimension that is" },
    { T("\"dtype\":\"F32\",\"shape\":[4.0],\"data_offsets\":[0,16]"), 16,
      "has a dimension that is" },
    { T("\"dtype\":\"F32\",\"shape\":[\"4\"],\"data_offsets\":[0,16]"), 16,
      "has a dimension that is" },
    { T("\"dtype\":\"F32\",\"shape\":[null],\"data_offsets\":[0,16]"), 16,
      "has a dimension that is" },
    { T("\"dtype\":\"F32\",\"shape\":[2147483648],\"data_offsets\":[0,16]"), 16,
      "has a dimension that is" },
    { T("\"dtype\":\"F32\",\"shape\":[99999999999999999999],\"data_offsets\":[0,16]"), 16,
      "the header is no JSON" },
    { T("\"dtype\":\"U8\",\"shape\":[2147483647,2147483647,2147483647],\"data_offsets\":[0,1]"), 1,
      "has more elements than fit in 64 bits" },
    { T("\"dtype\":\"F64\",\"shape\":[2147483647,2147483647],\"data_offsets\":[0,16]"), 16,
      "has more bytes than fit in 64 bits" },
    { T("\"dtype\":\"F32\",\"shape\":[1073741824,4],\"data_offsets\":[0,16]"), 16,
      "of F32 [1073741824,4] needs 17179869184 bytes, its data_offsets hold 16" },
    { F32_4("[0,12]"), 12, "of F32 [4] needs 16 bytes, its data_offsets hold 12 at byte 9" },
    { F32_4("[16,0]"), 16, "ends before it begins" },
    { F32_4("[-16,0]"), 16, "has data_offsets that are not two whole numbers" },
    { F32_4("[0]"), 16, "has data_offsets that are not two whole numbers" },
    { F32_4("[0,16,32]"), 16, "has data_offsets that are not two whole numbers" },
    { F32_4("[0.0,16]"), 16, "has data_offsets that are not two whole numbers" },
    { F32_4("{\"a\":0}"), 16, "has data_offsets that are not two whole numbers" },
    { F32_4("[9007199254740993,9007199254741009]"), 16, "not two whole numbers up to 2^53" },
    { F32_4("[9007199254740976,9007199254740992]"), 16, "starts at 9007199254740976, expected 0" },
    { F32_4("[4,20]"), 20, "starts at 4, expected 0 (no holes, no overlap)" },
    { F32_4("[0,16]"), 15, "truncated (the tensors need 16 bytes, the file holds 15)" },
    { F32_4("[0,16]"), 17, "bytes behind the last tensor (the tensors need 16 bytes, the file" },
    { "{}", 1, "bytes behind the last tensor" },
    { "{\"w\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
      "\"w\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}",
      2, "duplicate object key" },
    { "{\"v\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
      "\"w\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]}}",
      3, "tensor \"w\" starts at 1, expected 2 (no holes, no overlap)" },
    { "{\"v\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
      "\"w\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[3,5]}}",
      5, "tensor \"w\" starts at 3, expected 2 (no holes, no overlap)" },
    { "{\"v\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
      "\"w\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}}",
      2, "starts at 0, expected 2 (no holes, no overlap)" },
    { "{\"a\\nb\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1,
      "tensor \"a?b\" has a name with control characters" },
};

static void lies_are_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        st_make("lie", lies[i].json, lies[i].n);
        check_refused("lie", lies[i].part);
    }
}

static void lengths_that_lie_are_named(void **state)
{
    (void)state;
    static const struct {
        uint64_t length;
        const char *part;
    } cases[] = {
        { 0, "this is no model file" },
        { 1, "this is no model file" },
        { 5, "truncated (header length 5, file holds 12 bytes) at byte 0" },
        { 16 << 20, "truncated (header length 16777216, file holds 12 bytes)" },
        { (16 << 20) + 1, "(header length 16777217, limit 16777216)" },
        { INT64_MAX, "limit 16777216" },
        { UINT64_MAX - 7, "limit 16777216" },
        { UINT64_MAX, "limit 16777216" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t bytes[12] = { [8] = '{', '}', ' ', ' ' };
        memcpy(bytes, &cases[i].length, 8);
        test_write_file("lie", bytes, sizeof bytes);
        check_refused("lie", cases[i].part);
    }
}

/* `before`, then n times `again`, then `after`. */
static char *repeat(const char *before, const char *again, size_t n, const char *after)
{
    const size_t a = strlen(before), b = strlen(again);
    char *text = malloc(a + n * b + strlen(after) + 1);
    assert_non_null(text);
    memcpy(text, before, a);
    for (size_t i = 0; i < n; i++)
        memcpy(text + a + i * b, again, b);
    memcpy(text + a + n * b, after, strlen(after) + 1);
    return text;
}

static void large_headers_are_bounded(void **state)
{
    (void)state;
    static const struct {
        const char *before, *again;
        size_t n;
        const char *after, *part;
    } cases[] = {
        { "{\"a\":", "[", 100000, "", "too many levels (limit 4)" },
        { "", "{\"a\":", 100000, "", "too many levels (limit 4)" },
        { "{\"a\":[0", ",0", 1000000, "]}", "too many values (limit 1000000)" },
        { "{\"__metadata__\":{\"a\":\"", "x", 8 << 20, "\"}}", "the metadata is too large" },
        { "{\"", "x", 256, "\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}",
          "or over 255 bytes" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *json = repeat(cases[i].before, cases[i].again, cases[i].n, cases[i].after);
        st_make("lie", json, 0);
        check_refused("lie", cases[i].part);
        free(json);
    }
}

static void too_many_tensors_are_refused(void **state)
{
    (void)state;
    enum { ENTRY = 64 };
    for (int n = 16384; n <= 16385; n++) {
        char *json = malloc((size_t)n * ENTRY + 3);
        assert_non_null(json);
        size_t used = 0;
        for (int i = 0; i < n; i++)
            used += (size_t)snprintf(json + used, ENTRY + 1,
                                     "%c\"%d\":{\"dtype\":\"U8\",\"shape\":[0],"
                                     "\"data_offsets\":[0,0]}",
                                     i == 0 ? '{' : ',', i);
        memcpy(json + used, "}", 2);
        st_make("many", json, 0);
        free(json);
        if (n > 16384) {
            check_refused("many", "too many tensors (16385, limit 16384)");
            continue;
        }
        struct gn_st_file *file = gn_st_open("many");
        assert_non_null(file);
        assert_non_null(gn_st_find(file, "16383"));
        gn_st_close(file);
    }
}

/* Files with our keys and a right header checksum, but wrong contents. */
static void our_keys_must_be_complete(void **state)
{
    (void)state;
#define OURS(rest) "{\"__metadata__\":{\"gn.header_crc32c\":\"00000000\"" rest
#define W4         ",\"w\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}"
    static const struct {
        const char *json;
        gn_status status;
        const char *part;
    } cases[] = {
        { OURS("}" W4), GN_STATUS_BAD_MODEL, "\"gn.format\" is missing" },
        { OURS(",\"gn.format\":\"2\"}" W4), GN_STATUS_UNSUPPORTED,
          "format version 2, this program reads version 1" },
        { OURS(",\"gn.format\":\"1\"}" W4), GN_STATUS_BAD_MODEL, "a checksum for each of" },
        { OURS(",\"gn.format\":\"1\",\"gn.crc32c\":\"[]\"}" W4), GN_STATUS_BAD_MODEL,
          "a checksum for each of the 1 tensors" },
        { OURS(",\"gn.format\":\"1\",\"gn.crc32c\":\"{\\\"v\\\":\\\"d9331aa3\\\"}\"}" W4),
          GN_STATUS_BAD_MODEL, "tensor \"w\" has no checksum" },
        { OURS(",\"gn.format\":\"1\",\"gn.crc32c\":\"{\\\"w\\\":5}\"}" W4), GN_STATUS_BAD_MODEL,
          "tensor \"w\" has no checksum" },
        { OURS(",\"gn.format\":\"1\",\"gn.crc32c\":\"{\\\"w\\\":\\\"12345678\\\"}\"}" W4),
          GN_STATUS_BAD_MODEL, "tensor \"w\" is damaged (CRC32C d9331aa3, stored 12345678)" },
        { OURS(",\"gn.format\":\"1\",\"gn.crc32c\":\"{\\\"w\\\":\\\"d9331aa3\\\"}\"}" W4), GN_OK,
          "" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        st_make_ours("ours", cases[i].json, 4);
        struct gn_st_file *file = gn_st_open("ours");
        assert_true((file != NULL) == (cases[i].status == GN_OK));
        if (file == NULL)
            check_error(cases[i].status, cases[i].part);
        gn_st_close(file);
    }
}

/* ---- Files of others ---- */

static void files_without_our_keys_are_read(void **state)
{
    (void)state;
    st_make("foreign",
            "{\"__metadata__\":{\"format\":\"pt\"},"
            "\"b\":{\"data_offsets\":[1,5],\"shape\":[1],\"dtype\":\"F32\"},"
            "\"a\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]}}  ",
            5);
    struct gn_st_file *file = gn_st_open("foreign");
    assert_non_null(file);
    assert_false(gn_st_is_ours(file));
    assert_string_equal(gn_st_metadata(file, "format"), "pt");
    /* "b" is at an odd address. */
    float value = 0;
    assert_true(gn_st_to_float(gn_st_find(file, "b"), &value));
    const uint8_t expected[] = { 1, 2, 3, 4 };
    assert_memory_equal(&value, expected, 4);
    assert_false(gn_st_to_float(gn_st_find(file, "a"), &value));
    gn_st_close(file);
}

static void other_formats_are_recognised(void **state)
{
    (void)state;
#define HEAD(text) text, sizeof text - 1
    static const struct {
        const char *path, *bytes;
        size_t n;
        const char *part;
    } cases[] = {
        { "a.pth", HEAD("PK\x03\x04......................\x10\0\0\0archive/data.pkl....."),
          "a.pth: PyTorch: a pickle file can run code and is not read at byte 0" },
        { "b", HEAD("\x80\x02}q\x01(X\x05\0\0\0model"), "PyTorch: a pickle file" },
        { "c", HEAD("\x89HDF\r\n\x1a\n\0\0\0\0\0"), "c: Keras: a Keras (HDF5) file is not read" },
        { "d.keras", HEAD("PK\x03\x04......................\x0d\0\0\0metadata.json...."),
          "Keras: a .keras file" },
        { "e.zip", HEAD("PK\x03\x04......................\x05\0\0\0a.txt...."), "e.zip: zip: " },
        { "f.zip", HEAD("PK\x03\x04"), "f.zip: zip: a zip archive is no model" },
        { "g", HEAD("\x08\x07\x12\x07pytorch\x1a\x05"), "g: ONNX: an ONNX file is not read" },
        { "h.onnx", HEAD("whatever it is"), "h.onnx: ONNX: " },
        { "i.caffemodel", HEAD("\x0a\x09GoogleNet"), "i.caffemodel: Caffe: " },
        { "j", HEAD("GGUF\x03\0\0\0\0\0\0\0"), "j: GGUF: " },
        { "k.gz", HEAD("\x1f\x8b\x08\0\0\0\0\0\0\0"), "k.gz: gzip: " },
        { "l", HEAD("\0\0\x08\x03\0\0\xea\x60\0\0\0\x1c\0\0\0\x1c"), "l: IDX: a data set" },
        { "m.pth", HEAD("{"), "m.pth: PyTorch: " },
        { "n", HEAD("hello, this is a text file"),
          "n: safetensors: this is no model file (header" },
        { "o", HEAD(""), "o: safetensors: truncated (0 bytes" },
        { "p", HEAD("version https://git-lfs.github.com/spec/v1\n"), "p: Git LFS: " },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        test_write_file(cases[i].path, cases[i].bytes, cases[i].n);
        check_refused(cases[i].path, cases[i].part);
    }
    check_refused("not there", "not there: safetensors: there is no such file");
    check_refused(".", ".: safetensors: is a folder, not a file");
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
        cmocka_unit_test(lies_are_named),
        cmocka_unit_test(lengths_that_lie_are_named),
        cmocka_unit_test(large_headers_are_bounded),
        cmocka_unit_test(too_many_tensors_are_refused),
        cmocka_unit_test(our_keys_must_be_complete),
        cmocka_unit_test(files_without_our_keys_are_read),
        cmocka_unit_test(other_formats_are_recognised),
        cmocka_unit_test(all_halves_convert_exactly),
        cmocka_unit_test(bfloat16_and_double_convert),
        cmocka_unit_test(the_first_bad_value_is_found),
        cmocka_unit_test(random_damage_is_survived),
        cmocka_unit_test(every_failing_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
