/* How an operator is written in C99: filled by its descriptor, for the exporter of C files. */
#ifndef GN_OPS_C99_H
#define GN_OPS_C99_H

#include "ops/kernels.h"

enum { GN_C99_NUMBERS = 4, GN_C99_PARTS = 3 };

/* The arrays of a step, each of its own type. */
enum gn_c99_slot {
    GN_C99_A, /* a, b and d: floats */
    GN_C99_B,
    GN_C99_D,
    GN_C99_M, /* m: whole numbers of 8 bits */
    GN_C99_N  /* n: whole numbers of 32 bits */
};
enum { GN_C99_ARRAYS = GN_C99_N + 1 };

struct gn_c99_array {
    const void *values; /* NULL: none */
    size_t count;
};

/*
 * The function that a file holds once for all layers that name it, and what a layer hands to it:
 *
 *   static void NAME(const struct step *s, const float *x, float *y)
 *
 * of an operator that `adds`, with the other input `x2` after x. It finds shapes, numbers and arrays in
 * *s (exchange/c99/source.c) and gives the bits of the generic kernels: ROUNDED is put around every
 * sum and product, so that no compiler keeps more digits of it.
 *
 * Where scales.in or scales.out of the layer are above 0, x or y are `unsigned char`, as in the pass
 * GN_PASS_FORWARD_BYTES. An operator that multiplies may also get floats for x and bytes for y: it rounds its
 * result as a layer `quantize` after it would, so that the floats need no memory.
 */
struct gn_c99 {
    const char *function;
    const char *code[GN_C99_PARTS]; /* the last one is the function; others, before it, are what it
                                       shares: each is written once */
    const char *refused;            /* why C cannot say this layer; NULL: it can */
    bool on_bytes;                  /* the function is one for these scales */
    float numbers[GN_C99_NUMBERS];
    struct gn_c99_array arrays[GN_C99_ARRAYS];
    size_t room; /* bytes that it takes in args.packed for arrays that it makes */
};

/* Part of a file: `static unsigned char nearest_byte(float v)`, as cpu/bytes.h rounds. */
extern const char gn_c99_nearest_byte[];

/* `a` is a forward step of one image, with `shared` floats and a folded normalisation in w and b, and `room` in
 * `packed`; one without parameters is asked for all but numbers and values. */
#define GN_OPERATOR(ID, name) void gn_##name##_c99(const struct gn_args *a, struct gn_c99 *c);
GN_OPERATORS(GN_OPERATOR)
#undef GN_OPERATOR

#endif
