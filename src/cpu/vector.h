/*
 * Vectors of floats in the compilers' vector extensions, one width for each instruction set. Only
 * files that are compiled once for each set include this; nothing of it crosses into other files.
 *
 *   GN_ISA_AVX512  16 lanes, 32 registers      GN_ISA_AVX2  8 lanes, 16 registers
 *   GN_ISA_SVE256  8 lanes, 32 registers       GN_ISA_NEON  4 lanes, 32 registers
 *   GN_ISA_GENERIC  4 lanes (128 bit, any machine)
 */
#ifndef GN_CPU_VECTOR_H
#define GN_CPU_VECTOR_H

#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <immintrin.h> /* what the extensions lack, see larger() */
#endif

#if defined(GN_ISA_AVX512)
#define VL                    16
#define GN_ISA_FUNCTION(name) name##__avx512
#elif defined(GN_ISA_AVX2)
#define VL                    8
#define GN_ISA_FUNCTION(name) name##__avx2
#elif defined(GN_ISA_SVE256)
#define VL                    8
#define GN_ISA_FUNCTION(name) name##__sve256
#elif defined(GN_ISA_NEON)
#define VL                    4
#define GN_ISA_FUNCTION(name) name##__neon
#else
#define VL                    4
#define GN_ISA_FUNCTION(name) name##__generic
#endif

/* Loads stay on their side of it. gcc 12 moves those of later steps of an unrolled loop to the front,
 * runs out of registers, and then a sum goes through memory in every round. */
#define KEEP_ORDER __asm__ volatile("" ::: "memory")
/* For ARM it would move those of later rows, too. */
#if defined(GN_ISA_NEON) || defined(GN_ISA_SVE256)
#define KEEP_ROW_ORDER KEEP_ORDER
#else
#define KEEP_ROW_ORDER
#endif

typedef float vf __attribute__((vector_size(VL * 4)));
typedef int32_t vi __attribute__((vector_size(VL * 4)));
typedef uint8_t vb __attribute__((vector_size(VL)));
typedef float vf_memory __attribute__((vector_size(VL * 4), aligned(4), may_alias));

#define INLINE static inline __attribute__((always_inline))

/* Under a sanitizer the unrolled loops would take minutes to compile. */
#if defined(__SANITIZE_ADDRESS__)
#define UNROLL
#elif defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 32")
#endif

INLINE vf load(const float *p)
{
    return *(const vf_memory *)p;
}

INLINE void store(float *p, vf v)
{
    *(vf_memory *)p = v;
}

/* The first n floats (1 to VL) of a vector, the others zero. */
INLINE vf load_some(const float *p, int n)
{
    vf v = { 0 };
    if (n == VL)
        return load(p);
    memcpy(&v, p, (size_t)n * sizeof *p);
    return v;
}

INLINE void store_some(float *p, vf v, int n)
{
    if (n == VL)
        store(p, v);
    else
        memcpy(p, &v, (size_t)n * sizeof *p);
}

/* VL bytes as numbers, and numbers from 0 to 255 as bytes: the compilers' own conversion goes lane by
 * lane. */
INLINE vi widen_bytes(const uint8_t *p)
{
#if VL == 8 && defined(__AVX2__)
    return (vi)_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p));
#elif VL == 16 && defined(__AVX512F__)
    return (vi)_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)p));
#else
    vb bytes;
    memcpy(&bytes, p, sizeof bytes);
    return __builtin_convertvector(bytes, vi);
#endif
}

INLINE vb narrow_to_bytes(vi v)
{
#if VL == 8 && defined(__AVX2__)
    const __m128i words = _mm_packus_epi32(_mm256_castsi256_si128((__m256i)v),
                                           _mm256_extracti128_si256((__m256i)v, 1));
    return (vb)_mm_cvtsi128_si64(_mm_packus_epi16(words, words));
#elif VL == 16 && defined(__AVX512F__)
    return (vb)_mm512_cvtepi32_epi8((__m512i)v);
#else
    return __builtin_convertvector(v, vb);
#endif
}

/* s - 0 keeps every bit of s; s + 0 would cost an addition, because of -0. */
INLINE vf splat(float s)
{
    return s - (vf){ 0 };
}

/* max(x, 0) that keeps NaN, so that a diverged network is seen. */
INLINE vf relu(vf x)
{
    return (vf)((vi)x & ~(x < (vf){ 0 }));
}

/* x > y ? x : y in each lane: y where one is NaN, as the processors' maximum has it. */
INLINE vf larger(vf x, vf y)
{
#if VL == 8 && defined(__AVX__)
    return _mm256_max_ps(x, y);
#elif VL == 16 && defined(__AVX512F__)
    return _mm512_max_ps(x, y);
#else
    vi wins = x > y;
#if defined(__ARM_FEATURE_SVE)
    __asm__("" : "+w"(wins)); /* gcc 12 breaks down when it sees what becomes of the comparison */
#endif
    return (vf)(((vi)x & wins) | ((vi)y & ~wins));
#endif
}

/* v where x > 0, otherwise 0: ReLU's gradient. */
INLINE vf where_positive(vf x, vf v)
{
    return (vf)((vi)v & (x > (vf){ 0 }));
}

#endif
