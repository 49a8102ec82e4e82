/* Element types of model files: sizes, names and conversion to float32. */
#include "formats/safetensors_internal.h"

#include <math.h>
#include <string.h>

static const struct {
    char name[5];
    uint8_t size;
} dtypes[] = {
    [GN_F64] = { "F64", 8 },   [GN_F32] = { "F32", 4 }, [GN_F16] = { "F16", 2 },
    [GN_BF16] = { "BF16", 2 }, [GN_I64] = { "I64", 8 }, [GN_I32] = { "I32", 4 },
    [GN_I8] = { "I8", 1 },     [GN_U8] = { "U8", 1 },
};

uint64_t gn_dtype_size(enum gn_dtype dtype)
{
    return dtypes[dtype].size;
}

const char *gn_dtype_name(enum gn_dtype dtype)
{
    return dtypes[dtype].name;
}

bool gn_dtype_parse(const char *name, enum gn_dtype *dtype)
{
    for (size_t i = 0; i < sizeof dtypes / sizeof dtypes[0]; i++)
        if (strcmp(name, dtypes[i].name) == 0) {
            *dtype = (enum gn_dtype)i;
            return true;
        }
    return false;
}

static float from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* IEEE 754 binary16: 1 sign, 5 exponent (bias 15) and 10 fraction bits. */
static float from_half(uint16_t half)
{
    const uint32_t sign = (uint32_t)(half & 0x8000) << 16;
    const uint32_t exponent = half >> 10 & 31, fraction = half & 0x3ff;
    if (exponent == 0) {
        /* Zero or subnormal: fraction * 2^-24, exact in float. */
        const float value = (float)fraction * 0x1p-24F;
        return sign != 0 ? -value : value;
    }
    if (exponent == 31)
        return from_bits(sign | 0x7f800000U | fraction << 13);
    return from_bits(sign | (exponent + 112) << 23 | fraction << 13);
}

/* Elements first .. first + n - 1. The bytes of a foreign file may be at any address, so each
 * element is copied out before it is read. */
static bool convert(const struct gn_st_tensor *tensor, uint64_t first, uint64_t n, float *out)
{
    const uint8_t *bytes = (const uint8_t *)tensor->data + first * gn_dtype_size(tensor->dtype);
    switch (tensor->dtype) {
    case GN_F32:
        if (n > 0)
            memcpy(out, bytes, (size_t)n * sizeof *out);
        return true;
    case GN_F64:
        for (uint64_t i = 0; i < n; i++) {
            double value;
            memcpy(&value, bytes + 8 * i, sizeof value);
            out[i] = (float)value;
        }
        return true;
    case GN_F16:
    case GN_BF16:
        for (uint64_t i = 0; i < n; i++) {
            uint16_t value;
            memcpy(&value, bytes + 2 * i, sizeof value);
            out[i] = tensor->dtype == GN_F16 ? from_half(value) : from_bits((uint32_t)value << 16);
        }
        return true;
    case GN_I64:
    case GN_I32:
    case GN_I8:
    case GN_U8:
        break;
    }
    return false;
}

bool gn_st_to_float(const struct gn_st_tensor *tensor, float *out)
{
    return convert(tensor, 0, tensor->count, out);
}

enum { CHUNK = 1024 };

/* Whether a whole chunk of float32 has no exponent of ones: without a branch, in vectors. */
static bool chunk_is_finite(const uint8_t *bytes)
{
    uint32_t found = 0;
    for (int i = 0; i < CHUNK; i++) {
        uint32_t bits;
        memcpy(&bits, bytes + 4 * i, sizeof bits);
        found |= (bits & 0x7f800000U) == 0x7f800000U;
    }
    return found == 0;
}

bool gn_st_is_finite(const struct gn_st_tensor *tensor, uint64_t *where)
{
    float values[CHUNK];
    for (uint64_t first = 0; first < tensor->count; first += CHUNK) {
        const uint64_t left = tensor->count - first, n = left < CHUNK ? left : CHUNK;
        if (tensor->dtype == GN_F32 && n == CHUNK &&
            chunk_is_finite((const uint8_t *)tensor->data + 4 * first))
            continue;
        if (!convert(tensor, first, n, values))
            return true;
        for (uint64_t i = 0; i < n; i++)
            if (!isfinite(values[i])) {
                *where = first + i;
                return false;
            }
    }
    return true;
}
