/*
 * Weights as floats or as IEEE 754 binary16, for loops over either: which one is known where these are
 * inlined. Every half is a float, so the widened value is the same for all instruction sets.
 */
#ifndef GN_CPU_HALF_H
#define GN_CPU_HALF_H

#include "base/half.h"
#include "cpu/vector.h"

#include <stdbool.h>
#include <stddef.h>

#if defined(GN_ISA_NEON)
#include <arm_neon.h>
#elif defined(GN_ISA_SVE256)
#include <arm_sve.h>
#endif

/* VL of them; without an instruction for it, exponent and mantissa become those of a float. */
INLINE vf load_half(const uint16_t *p)
{
#if VL == 8 && defined(__F16C__)
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)p));
#elif VL == 16 && defined(__AVX512F__)
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)p));
#elif defined(GN_ISA_NEON)
    return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
#elif defined(GN_ISA_SVE256)
    const svbool_t all = svptrue_b32();
    return svcvt_f32_f16_x(all, svreinterpret_f16_u32(svld1uh_u32(all, p)));
#else
    typedef uint16_t vh __attribute__((vector_size(VL * 2)));
    vh half;
    memcpy(&half, p, sizeof half);
    const vi bits = __builtin_convertvector(half, vi), mantissa = bits & 0x3ff;
    const vi exponent = bits >> 10 & 31, sign = (bits & 0x8000) << 16;
    const vi normal = ((exponent + 112) << 23) | (mantissa << 13);
    const vi small = (vi)(__builtin_convertvector(mantissa, vf) * splat(0x1p-24F));
    const vi is_small = exponent == 0;
    return (vf)(sign | (is_small & small) | (~is_small & normal));
#endif
}

/* The nearest ones, ties to even. */
INLINE void store_half(uint16_t *p, vf v)
{
#if VL == 8 && defined(__F16C__)
    _mm_storeu_si128((__m128i *)(void *)p, _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
#elif VL == 16 && defined(__AVX512F__)
    _mm256_storeu_si256((__m256i *)(void *)p, _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
#elif defined(GN_ISA_NEON)
    vst1_u16(p, vreinterpret_u16_f16(vcvt_f16_f32(v)));
#else
    for (int i = 0; i < VL; i++)
        p[i] = gn_half_from_float(v[i]);
#endif
}

/* Where weight number i of an array is. */
INLINE const void *weight_at(bool half, const void *weights, ptrdiff_t i)
{
    return (const char *)weights +
           i * (half ? (ptrdiff_t)sizeof(uint16_t) : (ptrdiff_t)sizeof(float));
}

INLINE vf load_weights(bool half, const void *weights, ptrdiff_t i)
{
    const void *at = weight_at(half, weights, i);
    return half ? load_half(at) : load(at);
}

INLINE void store_weights(bool half, void *weights, ptrdiff_t i, vf v)
{
    if (half)
        store_half((uint16_t *)weights + i, v);
    else
        store((float *)weights + i, v);
}

#endif
