/* How an operator is written in C99: filled by its descriptor, for the exporter of C files. */
#ifndef GN_OPS_C99_H
#define GN_OPS_C99_H

#include "ops/kernels.h"

enum { GN_C99_NUMBERS = 4, GN_C99_ARRAYS = 3 };

/*
 * The function that a file holds once for all layers of the operator, and what a layer hands to it:
 *
 *   static void NAME(const struct step *s, const float *x, float *y)
 *
 * of an operator that `adds`, with the other input `x2` after x. It finds shapes, numbers and arrays in
 * *s (exchange/c99/source.c) and gives the bits of the generic kernels: ROUNDED is put around every
 * sum and product, so that no compiler keeps more digits of it.
 */
struct gn_c99 {
    const char *function, *code;
    const char *refused; /* why C cannot say this layer; NULL: it can */
    float numbers[GN_C99_NUMBERS];
    const float *arrays[GN_C99_ARRAYS]; /* NULL: none */
    size_t counts[GN_C99_ARRAYS];
};

/* `a` is a forward step of one image, with `shared` floats and a folded normalisation in w and b; of one
 * without parameters only function, code and `refused` are asked. */
#define GN_OPERATOR(ID, name) void gn_##name##_c99(const struct gn_args *a, struct gn_c99 *c);
GN_OPERATORS(GN_OPERATOR)
#undef GN_OPERATOR

#endif
