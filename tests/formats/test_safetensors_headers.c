/* labels: quick
 *
 * Headers of safetensors files that lie, are too large or incomplete; files of other tools, and files of
 * other formats. */
#include "base/endian.h"
#include "base/memory.h"
#include "formats/safetensors.h"
#include "st_files.h"
#include "support/check.h"
#include "support/files.h"

#include <stdlib.h>

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
    { F32_4("[0,16]"), 17, "bytes after the last tensor (the tensors need 16 bytes, the file" },
    { "{}", 1, "bytes after the last tensor" },
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
        st_refused("lie", lies[i].part);
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
        gn_copy_little(bytes, &cases[i].length, 1, 8);
        test_write_file("lie", bytes, sizeof bytes);
        st_refused("lie", cases[i].part);
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
        st_refused("lie", cases[i].part);
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
            st_refused("many", "too many tensors (16385, limit 16384)");
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
    uint8_t stored[4];
    const uint8_t expected[] = { 1, 2, 3, 4 };
    gn_copy_little(stored, &value, 1, 4);
    assert_memory_equal(stored, expected, 4);
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
        { "c", HEAD("\x89HDF\r\n\x1a\n\0\0\0\0\0"),
          "c: Keras: a Keras (HDF5) file is imported first" },
        { "d.keras", HEAD("PK\x03\x04......................\x0d\0\0\0metadata.json...."),
          "Keras: a .keras file" },
        { "e.zip", HEAD("PK\x03\x04......................\x05\0\0\0a.txt...."), "e.zip: zip: " },
        { "f.zip", HEAD("PK\x03\x04"), "f.zip: zip: a zip archive is no model" },
        { "g", HEAD("\x08\x07\x12\x07pytorch\x1a\x05"), "g: ONNX: an ONNX file is imported first" },
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
        st_refused(cases[i].path, cases[i].part);
    }
    st_refused("not there", "not there: safetensors: there is no such file");
    st_refused(".", ".: safetensors: is a folder, not a file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lies_are_named),
        cmocka_unit_test(lengths_that_lie_are_named),
        cmocka_unit_test(large_headers_are_bounded),
        cmocka_unit_test(too_many_tensors_are_refused),
        cmocka_unit_test(our_keys_must_be_complete),
        cmocka_unit_test(files_without_our_keys_are_read),
        cmocka_unit_test(other_formats_are_recognised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
