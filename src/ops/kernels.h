/*
 * The contract between the plan and every kernel, reference or fast.
 *
 * A kernel's work falls into units that may run in any order on any thread: no result depends on
 * who computes a unit, and every sum has a fixed order inside one unit. The executor hands the
 * units out and puts a barrier after each step.
 */
#ifndef GN_OPS_KERNELS_H
#define GN_OPS_KERNELS_H

#include "ops/op.h"

/* n images in NHWC whose pixels stand `ld` floats apart: a whole tensor, or a slice of the
 * channels of a wider one (a branch inside a concatenation). Pixels are dense otherwise: image
 * and row strides are h*w*ld and w*ld. */
struct gn_view {
    float *data;
    int ld;
};

/* Losses and right arg-maxes of a grain. */
struct gn_loss_sum {
    double loss;
    int correct;
};

/* What the loss of one head reads, and where its sums go. */
struct gn_loss_args {
    const int32_t *const *labels; /* classes of the slice, n of them */
    const int32_t *const *others; /* of mixed images, the other class and its share; */
    const float *const *shares;   /* *others is NULL when nothing is mixed */
    struct gn_loss_sum *sums;     /* of each grain, by its place in gn_run.grains: written */
    const float *class_weights;   /* factors of the loss by true class; NULL: 1 */
    double smoothing;             /* part of the target that all classes share */
    double weight;                /* of this head in the whole */
};

/* Where partial sums of a gradient lie besides the first one: slot 1 at `next`, each of the others so many
 * floats after the one before. */
struct gn_slots {
    float *next;
    size_t stride;
};

static inline float *gn_slot(float *first, const struct gn_slots *others, int slot)
{
    return slot == 0 ? first : others->next + (size_t)(slot - 1) * others->stride;
}

/*
 * Of passes on bytes: a value v from 0 on stands as the whole number q from 0 to 255 with v = q * scale, and
 * views count bytes in place of floats. The weights of a convolution are q * scale, too, q from -63 to 63 and
 * a scale of each output channel: so two products fit in 16 bits, and the sums of all instruction sets are the
 * same whole numbers.
 */
struct gn_scales {
    float in;           /* scale of x */
    float out;          /* of y; 0: y are floats */
    int first, columns; /* PACK_BYTES: the output channels of this layer in g.oc, those of all */
};
enum { GN_BYTES_WEIGHT = 63, GN_BYTES_VALUE = 255 };

enum { GN_CONV_SCALE = 2 }; /* the tensor of a convolution with the scales of its weights */

/* The whole numbers of `n` weights, rounded, whose scales follow each other `columns` at a time. */
void gn_int8_weights(const float *weights, const float *scales, size_t n, size_t columns,
                     int8_t *numbers);

/* Each of `n` weights becomes the nearest that these scales can say. */
void gn_int8_round(float *weights, const float *scales, size_t n, size_t columns);

/* What becomes of a sum of products of one output channel of a convolution on bytes: `bias` is added to it,
 * then it is multiplied. */
struct gn_int8_end {
    float factor;
    int32_t bias;
};
struct gn_int8_end gn_int8_end(const struct gn_scales *scales, float weight_scale, float bias);

/* Products that an output may sum: no sum of 32 bits overflows. */
enum { GN_BYTES_SUM = 1 << 16 };

/* One call of an operator. What it does not use stays zero. */
struct gn_args {
    struct gn_geometry g;
    const void *attributes; /* of the layer, in the operator's own struct */
    struct gn_view x, y;    /* input (n, h, w, c), output (n, oh, ow, oc) */
    struct gn_view x2;      /* forward, of an operator that `adds`: the other input */
    struct gn_view dx, dy;  /* their gradients */
    const float *w, *b;     /* weights [kh][kw][c][oc], bias [oc]; perhaps of several layers */
    float *dw, *db;         /* gradients of the layer's first two tensors: slot 0, */
    struct gn_slots dw_slots, db_slots; /* and the others, see gn_run.grains */
    float *tensors[GN_LAYER_TENSORS];   /* the layer's own, in the descriptor's order; NULL: none */
    float *packed;                      /* weights in the order that the forward kernel reads */
    float *packed_back;                 /* the same for the backward pass */
    uint8_t *kept; /* what the forward pass leaves to the backward pass; NULL: not wanted */
    float *shared; /* what the steps of a layer leave to each other */
    const struct gn_loss_args *loss;
    const float *zeros; /* at least max(kh*kw*c, oc) zeros, 64-byte aligned */
    bool relu;          /* forward: y = max(y, 0) */
    bool accumulate;    /* backward: dx += instead of dx = */
    bool mask;          /* backward: dx = x > 0 ? dx : 0, after accumulation: x is the stored output
                           of a ReLU, so this is its gradient. Forward, of an operator that
                           `keeps_relu_mask`: the same mask goes into `kept` */
    bool frozen;        /* training leaves the parameters alone */
    double *
        groups; /* statistics of each grain alone: those of the layer in grain 0, which the backward pass
                       leaves to GN_PASS_RUNNING; NULL: statistics of the batch */
    size_t groups_stride; /* doubles from a grain to the next */
    double keep; /* share of running statistics that a step keeps; 0: as the attributes say */
    int number;  /* of the layer, so that no two draw the same */
    struct gn_scales scales;
    int tile;    /* Winograd kernels: output pixels a side of a tile */
    bool half;   /* `packed` holds IEEE 754 binary16, twice as many in the same bytes */
    int threads; /* a hint for the number of units, never for the result */
};

/*
 * A part of a batch whose gradient is a sum of its own. The sums meet in the pairwise tree over grains
 * (base/pairwise.h), whose partial sums are the slots: that of a grain is written to `slot`, then the topmost
 * slot is added to the one below it, `additions` times.
 */
struct gn_grain {
    int first, n; /* images of the slice; n may be 0 */
    int number;   /* in the batch */
    int slot, additions;
};

/* The run that a step belongs to. */
struct gn_run {
    int n;                         /* images in this slice */
    int batch;                     /* images in the whole batch: the loss is their mean */
    bool train;                    /* a training step; false: inference */
    const struct gn_grain *grains; /* of the slice, in order; NULL: it is one */
    int n_grains;
    const int *counts; /* images of all grains of the batch, as far as others compute them, too; */
    int n_counts;      /* NULL: those of the slice are all */
    int image;         /* number of the slice's first image in the batch */
    uint64_t seed, step; /* of random draws */
};

/* What an operator can be asked to do. A pass without a kernel is left out of a plan. */
enum gn_pass {
    GN_PASS_PACK, /* weights into the order that a kernel reads */
    GN_PASS_PACK_BACK,
    GN_PASS_SUMS,       /* what FORWARD needs of all images at once: parts of it, */
    GN_PASS_GRAIN_SUMS, /* those of each grain, */
    GN_PASS_STATISTICS, /* then the whole */
    GN_PASS_FORWARD,
    GN_PASS_GRADIENT_SUMS, /* the same for the gradients of the parameters */
    GN_PASS_GRADIENT_GRAIN_SUMS,
    GN_PASS_GRADIENT,
    GN_PASS_BACK,    /* the gradient of the input */
    GN_PASS_RUNNING, /* with gn_args.groups, after all grains of a batch: the running statistics */
    GN_PASS_FOLD, /* a layer that fuses as GN_FUSE_NORM: y gets the weights w of the layer before */
    GN_PASS_FOLD_BIAS,  /* it with the layer in them; and its bias */
    GN_PASS_PACK_BYTES, /* weights of 8 bits into the order that a kernel reads: of one layer, to its
                             columns of the whole (gn_args.scales) */
    GN_PASS_FORWARD_BYTES /* FORWARD on bytes (quantize: to bytes). See struct gn_scales */
};
enum { GN_PASS_COUNT = GN_PASS_FORWARD_BYTES + 1 };

/* What a unit writes of dw, rows of `columns` floats for each tap, and of db. */
struct gn_region {
    size_t first, tap_stride, row_stride; /* floats */
    int taps, rows, columns;
    int bias, biases; /* the first one and how many; 0: none */
};

struct gn_kernel {
    const char *name; /* "direct", "reference": shown by the benchmark */
    int (*units)(const struct gn_args *a, const struct gn_run *r);
    void (*run)(const struct gn_args *a, const struct gn_run *r, int unit, void *scratch);
    /* GRADIENT of an operator that takes any images: what a unit writes, so that it can be asked for one
     * grain after the other. NULL: the kernel does what the grains say. */
    void (*region)(const struct gn_args *a, int unit, struct gn_region *region);
    size_t (*scratch_bytes)(const struct gn_args *a); /* of one thread; NULL: none */
    size_t (*packed_floats)(const struct gn_geometry *g,
                            int tile); /* PACK, PACK_BACK: of the result */
    /* What a step computes of each grain and every rank needs of all: the sums of the first grain of the batch, after
     * which those of the others follow, and the bytes of one. NULL: nothing. */
    void *(*shared)(const struct gn_args *a, size_t *bytes);
    bool of_grains;        /* it is run for a slice without images, too */
    bool by_image, simple; /* the operator's traits, as far as they hold for this pass */
};

/* Kernels of one instruction set (or the reference), a row of passes for each operator. Entries with
 * run == NULL do nothing. */
struct gn_kernel_set {
    const char *isa;
    struct gn_kernel table[GN_OP_COUNT][GN_PASS_COUNT];
};

/* Floats of gn_args.packed (PASS_PACK) or packed_back (PASS_PACK_BACK); `tile` 0: of the direct
 * kernels. 0: nothing is packed. */
size_t gn_packed_floats(const struct gn_kernel_set *set, enum gn_pass pass,
                        const struct gn_geometry *g, int tile);

/* The plain-C formulas: the oracle of every test. */
const struct gn_kernel_set *gn_reference_kernels(void);

/* The set that GOOGLENET_ISA names, or the best that this CPU can run. NULL with BAD_ARGUMENT for
 * an unknown or unsupported name. */
const struct gn_kernel_set *gn_cpu_kernels(void);

/* By name ("avx512", "neon", "generic"); NULL when it is not built in or the CPU cannot run it. */
const struct gn_kernel_set *gn_cpu_kernels_named(const char *isa);

/* A unit for every image, or one unit alone: for kernels that need no finer split. */
int gn_units_images(const struct gn_args *a, const struct gn_run *r);
int gn_units_one(const struct gn_args *a, const struct gn_run *r);

#endif
