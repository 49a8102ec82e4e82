/*
 * The contract between the plan and every kernel, reference or fast.
 *
 * A kernel's work falls into units that may run in any order on any thread: no result depends on
 * who computes a unit, and every sum has a fixed order inside one unit. The executor hands the
 * units out and puts a barrier behind each step.
 */
#ifndef GN_OPS_KERNELS_H
#define GN_OPS_KERNELS_H

#include "ops/ops.h"
#include "ops/resize/filter.h"

/* n images in NHWC whose pixels stand `ld` floats apart: a whole tensor, or a slice of the
 * channels of a wider one (a branch inside a concatenation). Pixels are dense otherwise: image
 * and row strides are h*w*ld and w*ld. */
struct gn_view {
    float *data;
    int ld;
};

/* Batch normalisation: `c` values each. `stats` holds what its steps hand to each other, see
 * ops/batch_norm/norm.h. The folding steps turn weights w and bias b of the convolution in front of
 * it into those of a convolution that has the normalisation in it, as rows of y. */
struct gn_norm_args {
    const float *gamma, *beta;
    float *mean, *variance; /* running statistics */
    float *stats;
    bool frozen; /* a training step takes the running statistics too, and leaves them alone */
};

enum { GN_NO_TAP = 255 };

/* One call of an operator. What an operator does not use stays zero. */
struct gn_args {
    struct gn_geometry g;
    struct gn_view x, y;   /* input (n, h, w, c), output (n, oh, ow, oc) */
    struct gn_view dx, dy; /* their gradients */
    const float *w, *b;    /* weights [kh][kw][c][oc], bias [oc] */
    float *dw, *db;
    float *packed;      /* weights in the order that the forward kernel reads */
    float *packed_back; /* the same for backward-data */
    uint8_t *argmax; /* max pool: which tap won (n, oh, ow, oc), or GN_NO_TAP; NULL: not wanted */
    const float *zeros; /* at least max(kh*kw*c, oc) zeros, 64-byte aligned */
    bool relu;          /* forward: y = max(y, 0) */
    bool accumulate;    /* backward-data: dx += instead of dx = */
    bool mask;          /* backward-data: dx = x > 0 ? dx : 0, after accumulation: x is the
                              stored output of a ReLU, so this is its gradient. Max pool forward:
                              nobody wins where y is not positive, which is the same mask */
    const int32_t *const *labels; /* loss: classes of the slice, n of them */
    const int32_t *const *others; /* loss: of mixed images, the other class and its share; */
    const float *const *shares;   /* *others is NULL when nothing is mixed */
    double *loss;                 /* loss: sum over the slice is added */
    int *correct;                 /* loss: right arg-maxes are added */
    double smoothing;             /* loss: part of the target that all classes share */
    double weight;                /* loss: of this head in the whole */
    struct gn_constants constants;
    struct gn_norm_args norm;
    int number;  /* dropout: of the layer, so that no two draw the same */
    int tile;    /* Winograd kernels: output pixels a side of a tile */
    int threads; /* a hint for the number of units, never for the result */
};

/* The run that a step belongs to. */
struct gn_run {
    int n;      /* images in this slice */
    int batch;  /* images in the whole batch: the loss is their mean */
    bool first; /* first slice of the batch: parameter gradients are written, later ones added */
    bool train; /* statistics of the batch and dropout; false: running statistics, no dropout */
    int image;  /* number of the slice's first image in the batch */
    uint64_t seed, step; /* of dropout's draws */
};

struct gn_kernel {
    const char *name; /* "direct", "reference": shown by the benchmark */
    int (*units)(const struct gn_args *a, const struct gn_run *r);
    void (*run)(const struct gn_args *a, const struct gn_run *r, int unit, void *scratch);
    size_t (*scratch_bytes)(const struct gn_args *a); /* of one thread; NULL: none */
};

enum gn_kernel_id {
    GN_KERNEL_CONV_PACK,
    GN_KERNEL_CONV_PACK_BACK,
    GN_KERNEL_CONV_FORWARD,
    GN_KERNEL_CONV_BACK_DATA,
    GN_KERNEL_CONV_BACK_FILTER,
    GN_KERNEL_WINOGRAD_PACK,
    GN_KERNEL_WINOGRAD_PACK_BACK,
    GN_KERNEL_WINOGRAD_FORWARD,
    GN_KERNEL_WINOGRAD_BACK_DATA,
    GN_KERNEL_WINOGRAD_BACK_FILTER,
    GN_KERNEL_POOL_FORWARD,
    GN_KERNEL_POOL_BACK,
    GN_KERNEL_AVG_FORWARD,
    GN_KERNEL_AVG_BACK,
    GN_KERNEL_RELU_FORWARD,
    GN_KERNEL_RELU_BACK,
    GN_KERNEL_COPY_FORWARD, /* y = x for one input of a concatenation that is not in place */
    GN_KERNEL_COPY_BACK,
    GN_KERNEL_AVG_POOL_FORWARD,
    GN_KERNEL_AVG_POOL_BACK,
    GN_KERNEL_NORM_SUMS,  /* sums over chunks of pixels; entries may be missing */
    GN_KERNEL_NORM_STATS, /* the statistics and factors of each channel */
    GN_KERNEL_NORM_FORWARD,
    GN_KERNEL_NORM_BACK_SUMS,
    GN_KERNEL_NORM_BACK_STATS, /* gradients of gamma and beta, and factors of each channel */
    GN_KERNEL_NORM_BACK,
    GN_KERNEL_NORM_FOLD,      /* a normalisation into the weights in front of it, */
    GN_KERNEL_NORM_FOLD_BIAS, /* and into the bias */
    GN_KERNEL_LRN_FORWARD,
    GN_KERNEL_LRN_BACK,
    GN_KERNEL_DROPOUT_FORWARD,
    GN_KERNEL_DROPOUT_BACK,
    GN_KERNEL_LOSS,
    GN_KERNEL_COUNT
};

/* Kernels of one instruction set (or the reference). Entries with run == NULL do nothing. */
struct gn_kernel_set {
    const char *isa;
    /* Floats of gn_args.packed and gn_args.packed_back; `tile` 0: of the direct kernels. */
    size_t (*packed_floats)(const struct gn_geometry *g, int tile);
    size_t (*packed_back_floats)(const struct gn_geometry *g, int tile);
    struct gn_kernel table[GN_KERNEL_COUNT];
    struct gn_filter_kernels filter; /* of pictures, outside of any network */
};

/* The plain-C formulas: the oracle of every test. */
const struct gn_kernel_set *gn_reference_kernels(void);

/* The set that GOOGLENET_ISA names, or the best that this CPU can run. NULL with BAD_ARGUMENT for
 * an unknown or unsupported name. */
const struct gn_kernel_set *gn_cpu_kernels(void);

/* By name ("avx512", "avx2", "generic"); NULL when it is not built in or the CPU cannot run it. */
const struct gn_kernel_set *gn_cpu_kernels_named(const char *isa);

/* Kernel sets that can run here, best first: "avx2 generic". */
const char *gn_cpu_available(void);

/* What one file of an operator adds to the sets: reference kernels, and the fast ones of each
 * instruction set. src/ops/sets.c puts the sets together. */
#define GN_KERNELS_OF(op)                                                                          \
    void gn_##op##_kernels__ref(struct gn_kernel_set *set);                                        \
    void gn_##op##_kernels__generic(struct gn_kernel_set *set);                                    \
    void gn_##op##_kernels__avx2(struct gn_kernel_set *set);                                       \
    void gn_##op##_kernels__avx512(struct gn_kernel_set *set);
GN_KERNELS_OF(conv)
GN_KERNELS_OF(pool)
GN_KERNELS_OF(relu)
GN_KERNELS_OF(concat)
GN_KERNELS_OF(winograd)
GN_KERNELS_OF(avg_pool)
GN_KERNELS_OF(batch_norm)
GN_KERNELS_OF(lrn)
GN_KERNELS_OF(resize)
void gn_dropout_kernels(struct gn_kernel_set *set);
void gn_loss_kernels(struct gn_kernel_set *set);

/* A unit for every image, or one unit alone: for kernels that need no finer split. */
int gn_units_images(const struct gn_args *a, const struct gn_run *r);
int gn_units_one(const struct gn_args *a, const struct gn_run *r);

#endif
