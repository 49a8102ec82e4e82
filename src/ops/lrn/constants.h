/* The attributes as the kernels compute with them: floats, as in the files of a model. */
#ifndef GN_OPS_LRN_CONSTANTS_H
#define GN_OPS_LRN_CONSTANTS_H

#include "ops/kernels.h"

struct gn_lrn_constants {
    int size;
    float alpha, beta, k;
};

static inline struct gn_lrn_constants gn_lrn_constants(const struct gn_args *a)
{
    const struct gn_lrn_options *o = a->attributes;
    return (struct gn_lrn_constants){ o->size, (float)o->alpha, (float)o->beta, (float)o->k };
}

#endif
