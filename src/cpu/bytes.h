/*
 * Bytes in place of floats: how a value becomes a whole number from 0 to 255, and the sums of products of such
 * numbers with weights from -63 to 63. Only for files that are compiled once for each instruction set; all of
 * them have equal bits here, those without FMA, too: nothing is both multiplied and added in floats.
 */
#ifndef GN_CPU_BYTES_H
#define GN_CPU_BYTES_H

#include "cpu/vector.h"

typedef int32_t vi_memory __attribute__((vector_size(VL * 4), aligned(1), may_alias));
typedef int16_t vs __attribute__((vector_size(VL * 4)));

INLINE vi load_ints(const void *p)
{
    return *(const vi_memory *)p;
}

INLINE vi splat_int(int32_t x)
{
    return (vi){ 0 } + x;
}

/* Four bytes at any address, in every lane. */
INLINE vi splat_four(const uint8_t *p)
{
    int32_t four;
    memcpy(&four, p, sizeof four);
    return splat_int(four);
}

/* The nearest whole number (of two, the even one) from 0 to 255; NaN: 0. */
INLINE vi nearest_byte(vf v)
{
    const vf most = splat(255), magic = splat(0x1.8p23F);
    v = larger(v, (vf){ 0 });
    v = larger(-v, -most); /* -min(v, most) */
    return (vi)(magic - v) - (vi)magic;
}

/* As a float. */
INLINE vf nearest_byte_value(vf v)
{
    return __builtin_convertvector(nearest_byte(v), vf);
}

INLINE void store_bytes(uint8_t *p, vi v, int n)
{
    const vb bytes = narrow_to_bytes(v);
    if (n == VL)
        memcpy(p, &bytes, VL);
    else
        memcpy(p, &bytes, (size_t)n);
}

/* ---- Four products a lane ---- */

/* acc + a0 w0 + a1 w1 + a2 w2 + a3 w3 in each lane, a its four bytes without sign, w those with sign. */
INLINE vi dot_plain(vi acc, vi a, vi w)
{
#if VL == 4 && defined(__SSE2__)
    const vs even = ((vs)w << 8) >> 8, odd = (vs)w >> 8;
    const vs a_even = (vs)a & 255, a_odd = (vs)((vi)a >> 8) & 255;
    return acc + (vi)_mm_madd_epi16((__m128i)a_even, (__m128i)even) +
           (vi)_mm_madd_epi16((__m128i)a_odd, (__m128i)odd);
#else
    acc += (a & 255) * ((w << 24) >> 24);
    acc += ((a >> 8) & 255) * ((w << 16) >> 24);
    acc += ((a >> 16) & 255) * ((w << 8) >> 24);
    return acc + ((a >> 24) & 255) * (w >> 24);
#endif
}

/* The same by instructions that add two products in 16 bits, which weights of 63 and values of 255 do not
 * exceed: 2 * 63 * 255 = 32130. */
INLINE vi dot_pairs(vi acc, vi a, vi w)
{
#if VL == 16 && defined(__AVX512BW__)
    const __m512i pairs = _mm512_maddubs_epi16((__m512i)a, (__m512i)w);
    return acc + (vi)_mm512_madd_epi16(pairs, _mm512_set1_epi16(1));
#elif VL == 8 && defined(__AVX2__)
    const __m256i pairs = _mm256_maddubs_epi16((__m256i)a, (__m256i)w);
    return acc + (vi)_mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
#else
    return dot_plain(acc, a, w);
#endif
}

/* And by one instruction (VNNI), written as assembly since the rest of the file must run without it. */
#if defined(GN_EMULATE_AVX512) && VL == 16
#define HAS_DOT_VNNI 1
INLINE vi dot_vnni(vi acc, vi a, vi w)
{
    return dot_plain(acc, a, w);
}
#elif defined(GN_HAVE_VNNI) && VL == 16 && defined(__AVX512F__)
#define HAS_DOT_VNNI 1
INLINE vi dot_vnni(vi acc, vi a, vi w)
{
    __asm__("vpdpbusd %2, %1, %0" : "+v"(acc) : "v"(a), "v"(w));
    return acc;
}
#elif defined(GN_HAVE_AVX_VNNI) && VL == 8 && defined(__AVX2__)
#define HAS_DOT_VNNI 1
INLINE vi dot_vnni(vi acc, vi a, vi w)
{
    __asm__("%{vex%} vpdpbusd %2, %1, %0" : "+x"(acc) : "x"(a), "x"(w));
    return acc;
}
#endif

#endif
