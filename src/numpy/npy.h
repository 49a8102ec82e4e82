/* NumPy's array format (NEP 1, numpy.lib.format): the head of an array, read and written. */
#ifndef GN_NUMPY_NPY_H
#define GN_NUMPY_NPY_H

#include "formats/safetensors.h"

enum { GN_NPY_HEAD = 256, GN_NPY_RANK = 8 };

struct gn_npy {
    bool is_text;        /* bytes ("|S"), of which `dtype` says nothing */
    enum gn_dtype dtype; /* floating point, or U8 */
    bool fortran;        /* the first dimension varies fastest */
    int rank;
    uint64_t shape[GN_NPY_RANK], count, item; /* numbers; bytes of one */
    const uint8_t *data;
};

/* The array of a .npy file of n bytes, whose values follow the head to the last byte. `name` is for
 * sentences, printable. BAD_MODEL; UNSUPPORTED for types that are not read. */
gn_status gn_npy_read(const char *name, const void *bytes, size_t n, struct gn_npy *array);

/* The same values with the last dimension fastest. */
void gn_npy_turn(const struct gn_npy *array, uint8_t *to);

/* The head of an array in C order; returns its length, a multiple of 64. `type` is "<f4" or the like. */
size_t gn_npy_head(uint8_t head[GN_NPY_HEAD], const char *type, int rank, const uint64_t *shape);

#endif
