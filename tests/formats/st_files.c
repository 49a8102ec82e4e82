/* Hand-made safetensors files of tests. */
#include "st_files.h"

#include "base/endian.h"
#include "file/crc32c.h"
#include "formats/safetensors.h"
#include "support/check.h"
#include "support/files.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint8_t *join(const char *json, size_t n, size_t *size)
{
    const uint64_t length = strlen(json);
    *size = 8 + (size_t)length + n;
    uint8_t *bytes = malloc(*size);
    if (bytes == NULL)
        abort();
    gn_copy_little(bytes, &length, 1, 8);
    memcpy(bytes + 8, json, (size_t)length);
    for (size_t i = 0; i < n; i++)
        bytes[8 + (size_t)length + i] = (uint8_t)i;
    return bytes;
}

void st_make(const char *path, const char *json, size_t n)
{
    size_t size;
    uint8_t *bytes = join(json, n, &size);
    test_write_file(path, bytes, size);
    free(bytes);
}

void st_make_ours(const char *path, const char *json, size_t n)
{
    enum { DIGITS_AT = 45 };
    size_t size;
    char digits[9];
    uint8_t *bytes = join(json, n, &size);
    memcpy(bytes + DIGITS_AT, "00000000", 8);
    (void)snprintf(digits, sizeof digits, "%08" PRIx32, gn_crc32c(0, bytes, size - n));
    memcpy(bytes + DIGITS_AT, digits, 8);
    test_write_file(path, bytes, size);
    free(bytes);
}

void st_refused(const char *path, const char *part)
{
    assert_null(gn_st_open(path));
    check_error(GN_STATUS_BAD_MODEL, part);
}
