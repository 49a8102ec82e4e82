/*
 * The JSON header of a safetensors file: from bytes that may hold anything to a table of tensors
 * whose places are certain. One linear scan bounds nesting and the number of values before the
 * JSON library sees the text.
 */
#include "formats/safetensors_internal.h"

#include "file/crc32c.h"
#include "base/memory.h"
#include "file/reader.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_TEXT = 128, SHAPE_TEXT = 128 };
static const uint64_t max_dim = INT32_MAX;
static const json_int_t max_integer = INT64_C(1) << 53;

static const char damaged_hint[] =
    "take another copy of the file; a tool that rewrites it must drop the keys \"gn.*\"";

/* ---- Helpers of messages ---- */

uint64_t gn_st_header_offset(const struct gn_st_file *file, const char *name)
{
    char quoted[GN_ST_MAX_NAME + 4];
    const int n = snprintf(quoted, sizeof quoted, "\"%s\"", name);
    if (n <= 0 || (size_t)n >= sizeof quoted)
        return GN_ST_LENGTH_BYTES;
    struct gn_reader reader;
    gn_rd_init(&reader, file->header, GN_ST_LENGTH_BYTES + (size_t)file->header_size);
    for (; gn_rd_left(&reader) >= (size_t)n; (void)gn_rd_skip(&reader, 1)) {
        const uint64_t at = reader.at;
        if (gn_rd_match(&reader, quoted, (size_t)n))
            return at;
    }
    return GN_ST_LENGTH_BYTES;
}

const char *gn_st_shape_text(char *buffer, size_t size, const uint64_t *shape, int rank)
{
    size_t used = 0;
    for (int i = 0; i <= rank && used < size; i++) {
        const int n = i == rank ? snprintf(buffer + used, size - used, rank == 0 ? "[]" : "]")
                                : snprintf(buffer + used, size - used, "%s%" PRIu64,
                                           i == 0 ? "[" : ",", shape[i]);
        used += n > 0 ? (size_t)n : 0;
    }
    return buffer;
}

/* Fails with a sentence about the tensor `name`. */
static gn_status bad_tensor(const struct gn_st_file *file, const char *name, const char *what)
{
    char text[NAME_TEXT];
    GN_FAIL(GN_STATUS_BAD_MODEL, "%s: safetensors: tensor \"%s\" %s at byte %" PRIu64, file->text,
            gn_printable(text, sizeof text, name), what, gn_st_header_offset(file, name));
}

/* ---- Before parsing ---- */

uint32_t gn_st_header_crc(const uint8_t *header, size_t size)
{
    const size_t digits_end = GN_ST_DIGITS_AT + GN_ST_DIGITS;
    uint32_t crc = gn_crc32c(0, header, GN_ST_DIGITS_AT);
    crc = gn_crc32c(crc, "00000000", GN_ST_DIGITS);
    return gn_crc32c(crc, header + digits_end, GN_ST_LENGTH_BYTES + size - digits_end);
}

static bool has_our_start(const struct gn_st_file *file)
{
    return file->header_size >= GN_ST_DIGITS_AT + GN_ST_DIGITS &&
           memcmp(file->header + GN_ST_LENGTH_BYTES, GN_ST_OUR_START, sizeof GN_ST_OUR_START - 1) ==
               0;
}

static gn_status check_header_crc(const struct gn_st_file *file)
{
    char stored[GN_ST_DIGITS + 1], computed[GN_ST_DIGITS + 1], shown[4 * GN_ST_DIGITS];
    memcpy(stored, file->header + GN_ST_DIGITS_AT, GN_ST_DIGITS);
    stored[GN_ST_DIGITS] = '\0';
    (void)snprintf(computed, sizeof computed, "%08" PRIx32,
                   gn_st_header_crc(file->header, (size_t)file->header_size));
    if (GN_SKIP_CHECKSUMS || memcmp(stored, computed, GN_ST_DIGITS) == 0)
        return GN_OK;
    (void)gn_fail(GN_STATUS_BAD_MODEL,
                  "%s: safetensors: the header is damaged (CRC32C %s, stored %s) at byte %d",
                  file->text, computed, gn_printable(shown, sizeof shown, stored), GN_ST_DIGITS_AT);
    gn_hint("%s", damaged_hint);
    return GN_STATUS_BAD_MODEL;
}

/* Length of the UTF-8 sequence that begins with the reader's next byte (Unicode, table 3-7), 0
 * for none. */
static size_t utf8_length(const struct gn_reader *reader)
{
    struct gn_reader ahead = *reader;
    uint8_t first, next;
    if (!gn_rd_u8(&ahead, &first))
        return 0;
    if (first < 0x80)
        return 1;
    const size_t n = first >= 0xc2 && first < 0xe0   ? 2
                     : first >= 0xe0 && first < 0xf0 ? 3
                     : first >= 0xf0 && first < 0xf5 ? 4
                                                     : 0;
    uint8_t low = 0x80,
            high = 0xbf; /* the second byte's range excludes long forms and surrogates */
    if (first == 0xe0)
        low = 0xa0;
    else if (first == 0xed)
        high = 0x9f;
    else if (first == 0xf0)
        low = 0x90;
    else if (first == 0xf4)
        high = 0x8f;
    for (size_t i = 1; i < n; i++, low = 0x80, high = 0xbf)
        if (!gn_rd_u8(&ahead, &next) || next < low || next > high)
            return 0;
    return n;
}

/* UTF-8, nesting and number of values; what follows the object may only be spaces. */
static gn_status scan_header(const struct gn_st_file *file)
{
    struct gn_reader reader;
    gn_rd_init(&reader, file->header, GN_ST_LENGTH_BYTES + (size_t)file->header_size);
    (void)gn_rd_skip(&reader, GN_ST_LENGTH_BYTES);
    bool in_string = false, escaped = false, closed = false;
    int depth = 0, values = 0;
    for (size_t n; gn_rd_left(&reader) > 0; (void)gn_rd_skip(&reader, n)) {
        const uint8_t c = reader.data[reader.at];
        n = utf8_length(&reader);
        if (n == 0)
            GN_FAIL(GN_STATUS_BAD_MODEL, "%s: safetensors: the header is not UTF-8 at byte %zu",
                    file->text, reader.at);
        if (closed && c != ' ')
            GN_FAIL(GN_STATUS_BAD_MODEL,
                    "%s: safetensors: only spaces may follow the header's object at byte %zu",
                    file->text, reader.at);
        if (in_string) {
            in_string = escaped || c != '"';
            escaped = !escaped && c == '\\';
            continue;
        }
        in_string = c == '"';
        if (c == '{' || c == '[')
            depth++;
        if (c == '}' || c == ']')
            closed = --depth <= 0;
        values += c == ',' || c == ':' || c == '[';
        if (depth > GN_ST_MAX_DEPTH || values > GN_ST_MAX_VALUES)
            GN_FAIL(GN_STATUS_BAD_MODEL,
                    "%s: safetensors: the header has too many %s (limit %d) at byte %zu",
                    file->text, depth > GN_ST_MAX_DEPTH ? "levels" : "values",
                    depth > GN_ST_MAX_DEPTH ? GN_ST_MAX_DEPTH : GN_ST_MAX_VALUES, reader.at);
    }
    return GN_OK;
}

static gn_status load_json(struct gn_st_file *file)
{
    json_error_t error;
    GN_TRY(gn_json_load((const char *)file->header + GN_ST_LENGTH_BYTES, (size_t)file->header_size,
                        &file->root, &error));
    if (file->root == NULL) {
        char text[JSON_ERROR_TEXT_LENGTH];
        GN_FAIL(GN_STATUS_BAD_MODEL, "%s: safetensors: the header is no JSON: %s at byte %d",
                file->text, gn_printable(text, sizeof text, error.text),
                GN_ST_LENGTH_BYTES + (error.position > 0 ? error.position - 1 : 0));
    }
    if (!json_is_object(file->root))
        GN_FAIL(GN_STATUS_BAD_MODEL, "%s: safetensors: the header is no object at byte %d",
                file->text, GN_ST_LENGTH_BYTES);
    return GN_OK;
}

/* ---- Metadata ---- */

static gn_status parse_metadata(struct gn_st_file *file)
{
    json_t *metadata = json_object_get(file->root, "__metadata__");
    if (metadata == NULL || json_is_null(metadata)) /* null is none, as the reference reads it */
        return GN_OK;
    const uint64_t at = gn_st_header_offset(file, "__metadata__");
    if (!json_is_object(metadata))
        GN_FAIL(GN_STATUS_BAD_MODEL,
                "%s: safetensors: \"__metadata__\" is no object at byte %" PRIu64, file->text, at);
    size_t bytes = 0;
    const char *key;
    json_t *value;
    json_object_foreach(metadata, key, value)
    {
        char text[NAME_TEXT];
        if (!json_is_string(value))
            GN_FAIL(GN_STATUS_BAD_MODEL,
                    "%s: safetensors: the metadata \"%s\" is no string at byte %" PRIu64,
                    file->text, gn_printable(text, sizeof text, key), at);
        bytes += strlen(key) + json_string_length(value);
        file->ours = file->ours || strncmp(key, "gn.", 3) == 0;
    }
    if (bytes > GN_ST_MAX_METADATA)
        GN_FAIL(GN_STATUS_BAD_MODEL,
                "%s: safetensors: the metadata is too large (%zu bytes, limit %d) at byte %" PRIu64,
                file->text, bytes, GN_ST_MAX_METADATA, at);
    file->metadata = metadata;
    return GN_OK;
}

/* The keys of our own files: checksum first and verified, a version that is known. */
static gn_status check_our_keys(const struct gn_st_file *file)
{
    if (!has_our_start(file)) {
        (void)gn_fail(GN_STATUS_BAD_MODEL,
                      "%s: safetensors: the header is damaged (keys \"gn.*\" without the leading "
                      "\"gn.header_crc32c\") at byte %d",
                      file->text, GN_ST_LENGTH_BYTES);
        gn_hint("%s", damaged_hint);
        return GN_STATUS_BAD_MODEL;
    }
    const char *format = json_string_value(json_object_get(file->metadata, "gn.format"));
    if (format == NULL)
        GN_FAIL(GN_STATUS_BAD_MODEL,
                "%s: safetensors: the metadata \"gn.format\" is missing at "
                "byte %d",
                file->text, GN_ST_LENGTH_BYTES);
    if (strcmp(format, "1") != 0) {
        char text[NAME_TEXT];
        (void)gn_fail(GN_STATUS_UNSUPPORTED,
                      "%s: safetensors: format version %s, this program reads version 1 at byte "
                      "%" PRIu64,
                      file->text, gn_printable(text, sizeof text, format),
                      gn_st_header_offset(file, "gn.format"));
        gn_hint("a newer googlenet wrote this file");
        return GN_STATUS_UNSUPPORTED;
    }
    return GN_OK;
}

/* ---- Tensors ---- */

/* A whole number from 0 to 2^53. */
static bool read_integer(const json_t *value, uint64_t *number)
{
    if (!json_is_integer(value))
        return false;
    const json_int_t n = json_integer_value(value);
    if (n < 0 || n > max_integer)
        return false;
    *number = (uint64_t)n;
    return true;
}

static bool is_good_name(const char *name)
{
    const size_t n = strlen(name);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f)
            return false;
    return n <= GN_ST_MAX_NAME;
}

static gn_status parse_shape(const struct gn_st_file *file, const char *name, const json_t *value,
                             struct gn_st_tensor *tensor)
{
    if (!json_is_array(value))
        return bad_tensor(file, name, "has a shape that is no array");
    if (json_array_size(value) > GN_ST_MAX_RANK)
        return bad_tensor(file, name, "has more than 8 dimensions");
    tensor->rank = (int)json_array_size(value);
    for (int i = 0; i < tensor->rank; i++)
        if (!read_integer(json_array_get(value, (size_t)i), &tensor->shape[i]) ||
            tensor->shape[i] > max_dim)
            return bad_tensor(file, name,
                              "has a dimension that is no whole number from 0 to 2147483647");
    if (!gn_product(tensor->shape, tensor->rank, &tensor->count))
        return bad_tensor(file, name, "has more elements than fit in 64 bits");
    return GN_OK;
}

static gn_status parse_tensor(const struct gn_st_file *file, const char *name, const json_t *value,
                              struct gn_st_entry *entry)
{
    struct gn_st_tensor *tensor = &entry->tensor;
    if (!is_good_name(name))
        return bad_tensor(file, name, "has a name with control characters or over 255 bytes");
    const json_t *dtype = json_object_get(value, "dtype"), *shape = json_object_get(value, "shape"),
                 *offsets = json_object_get(value, "data_offsets");
    if (dtype == NULL || shape == NULL || offsets == NULL || json_object_size(value) != 3)
        return bad_tensor(file, name, "must have exactly dtype, shape and data_offsets");
    tensor->name = name;
    if (!json_is_string(dtype) || !gn_dtype_parse(json_string_value(dtype), &tensor->dtype))
        return bad_tensor(file, name, "has a dtype that is none of F64 F32 F16 BF16 I64 I32 I8 U8");
    GN_TRY(parse_shape(file, name, shape, tensor));
    if (!json_is_array(offsets) || json_array_size(offsets) != 2 ||
        !read_integer(json_array_get(offsets, 0), &entry->begin) ||
        !read_integer(json_array_get(offsets, 1), &entry->end))
        return bad_tensor(file, name, "has data_offsets that are not two whole numbers up to 2^53");
    if (entry->begin > entry->end)
        return bad_tensor(file, name, "ends before it begins");
    uint64_t bytes;
    if (!gn_mul_u64(tensor->count, gn_dtype_size(tensor->dtype), &bytes))
        return bad_tensor(file, name, "has more bytes than fit in 64 bits");
    if (bytes != entry->end - entry->begin) {
        char what[256], text[SHAPE_TEXT];
        (void)snprintf(what, sizeof what,
                       "of %s %s needs %" PRIu64 " bytes, its data_offsets hold %" PRIu64,
                       gn_dtype_name(tensor->dtype),
                       gn_st_shape_text(text, sizeof text, tensor->shape, tensor->rank), bytes,
                       entry->end - entry->begin);
        return bad_tensor(file, name, what);
    }
    return GN_OK;
}

static int by_offset(const void *a, const void *b)
{
    const struct gn_st_entry *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return x->end == y->end ? strcmp(x->tensor.name, y->tensor.name) : x->end < y->end ? -1 : 1;
}

/* Together the tensors must be the data: from its first byte to its last, each byte once. */
static gn_status check_places(const struct gn_st_file *file)
{
    uint64_t expected = 0;
    for (int i = 0; i < file->n; i++) {
        const struct gn_st_entry *entry = &file->entries[i];
        if (entry->begin != expected) {
            char what[160];
            (void)snprintf(what, sizeof what,
                           "starts at %" PRIu64 ", expected %" PRIu64 " (no holes, no overlap)",
                           entry->begin, expected);
            return bad_tensor(file, entry->tensor.name, what);
        }
        expected = entry->end;
    }
    if (expected != file->data_size)
        GN_FAIL(GN_STATUS_BAD_MODEL,
                "%s: safetensors: %s (the tensors need %" PRIu64 " bytes, the file holds %" PRIu64
                ") at byte %" PRIu64,
                file->text,
                expected > file->data_size ? "truncated" : "bytes after the last tensor", expected,
                file->data_size,
                GN_ST_LENGTH_BYTES + file->header_size +
                    (expected < file->data_size ? expected : file->data_size));
    return GN_OK;
}

static gn_status parse_tensors(struct gn_st_file *file)
{
    const size_t n = json_object_size(file->root) -
                     (json_object_get(file->root, "__metadata__") != NULL ? 1 : 0);
    if (n > GN_ST_MAX_TENSORS)
        GN_FAIL(GN_STATUS_BAD_MODEL, "%s: safetensors: too many tensors (%zu, limit %d) at byte %d",
                file->text, n, GN_ST_MAX_TENSORS, GN_ST_LENGTH_BYTES);
    file->entries = gn_calloc(n, sizeof *file->entries, "the table of tensors");
    if (file->entries == NULL)
        return gn_last_status();
    const char *name;
    json_t *value;
    json_object_foreach(file->root, name, value)
    {
        if (strcmp(name, "__metadata__") == 0)
            continue;
        GN_TRY(parse_tensor(file, name, value, &file->entries[file->n]));
        file->n++;
    }
    qsort(file->entries, n, sizeof *file->entries, by_offset);
    return check_places(file);
}

gn_status gn_st_parse_header(struct gn_st_file *file)
{
    if (has_our_start(file))
        GN_TRY(check_header_crc(file));
    GN_TRY(scan_header(file));
    GN_TRY(load_json(file));
    GN_TRY(parse_metadata(file));
    if (file->ours)
        GN_TRY(check_our_keys(file));
    return parse_tensors(file);
}
