/*
 * Random numbers as functions of what they are for: a generator has no state to lose, so
 * neither the order of work nor an interruption can change them.
 */
#ifndef GN_BASE_RANDOM_H
#define GN_BASE_RANDOM_H

#include <stdint.h>

enum gn_purpose {
    GN_RANDOM_INIT = 1,
    GN_RANDOM_SHUFFLE = 2,
    GN_RANDOM_AUGMENT = 3,
    GN_RANDOM_DROPOUT = 4,
    GN_RANDOM_BALANCE = 5,
    GN_RANDOM_TEST = 100
};

/* splitmix64's output function (Steele, Lea, Flood: "Fast splittable pseudorandom number
 * generators", OOPSLA 2014). */
static inline uint64_t gn_mix64(uint64_t x)
{
    x += UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

/* 64 random bits for number b of object a. */
static inline uint64_t gn_random_bits(uint64_t seed, enum gn_purpose purpose, uint64_t a,
                                      uint64_t b)
{
    return gn_mix64(gn_mix64(gn_mix64(gn_mix64(seed) ^ (uint64_t)purpose) ^ a) ^ b);
}

/* Uniform in [0, 1), one of 2^24 values, exact in float. */
static inline float gn_random_unit(uint64_t seed, enum gn_purpose purpose, uint64_t a, uint64_t b)
{
    return (float)(gn_random_bits(seed, purpose, a, b) >> 40) * 0x1p-24F;
}

/* Uniform integer in [0, n), n > 0, by multiplication (Lemire 2019, without the rejection: the
 * bias is below n / 2^64). */
static inline uint64_t gn_random_below(uint64_t seed, enum gn_purpose purpose, uint64_t a,
                                       uint64_t b, uint64_t n)
{
    /* The upper half of their product, from four products of halves. */
    const uint64_t bits = gn_random_bits(seed, purpose, a, b);
    const uint64_t low = (bits & 0xffffffffU) * (n & 0xffffffffU);
    const uint64_t middle = (bits >> 32) * (n & 0xffffffffU) + (low >> 32);
    const uint64_t other = (bits & 0xffffffffU) * (n >> 32) + (middle & 0xffffffffU);
    return (bits >> 32) * (n >> 32) + (middle >> 32) + (other >> 32);
}

#endif
