/*
 * The descriptor of an operator: all that the rest of the library knows about it. The builders, the
 * `.net` files, model files, the summary and the passes of a plan ask these fields and never for an
 * operator by name, so that a new one is a folder (src/ops/NAME) and a line in ops/table.h.
 */
#ifndef GN_OPS_OP_H
#define GN_OPS_OP_H

#include "cpu/isa.h"
#include "ops/onnx.h"
#include "ops/ops.h"
#include "ops/table.h"

struct gn_kernel;
struct gn_args;
struct gn_c99;

/* ---- Attributes: what a layer is made from, besides its inputs ---- */

enum gn_attribute_kind {
    GN_ATTRIBUTE_INT,  /* an int */
    GN_ATTRIBUTE_REAL, /* a double, finite */
    GN_ATTRIBUTE_FLAG  /* a bool */
};

/* One field of the struct that an operator takes. */
struct gn_attribute {
    const char *name; /* "stride": as files and messages write it */
    enum gn_attribute_kind kind;
    size_t offset;
    double otherwise; /* what zero stands for; 0: itself, or what the rule makes of it */
    int slot; /* its place in the hash of layers of version 0.1.0, counted from 1; 0: none */
};

enum { GN_ATTRIBUTE_BYTES = 128 }; /* of every operator's struct, at most */

double gn_attribute_value(const struct gn_attribute *a, const void *attributes);

/* False, and nothing is changed, when the value is not of the attribute's kind. */
bool gn_attribute_set(const struct gn_attribute *a, void *attributes, double value);

/* ---- Rules ---- */

/* What a rule is asked and answers. Errors name the layer and the numbers. */
struct gn_rule {
    const char *name; /* of the layer */
    const struct gn_shape *in;
    int n_in;
    void *attributes;     /* zeros are replaced; the rule settles those that depend on others */
    struct gn_geometry g; /* the answer: (oh, ow, oc) is the output */
};

/* ---- Tensors ---- */

enum gn_tensor_shape {
    GN_TENSOR_WINDOW,  /* [kh][kw][c][oc] */
    GN_TENSOR_MATRIX,  /* [kh*kw*c][oc] */
    GN_TENSOR_CHANNELS /* [oc] */
};

enum gn_tensor_start {
    GN_START_KERNEL,  /* drawn by the graph's rule */
    GN_START_BIAS,    /* the graph's constant for biases */
    GN_START_CONSTANT /* `constant` */
};

struct gn_tensor_rule {
    const char *suffix; /* "weight" */
    enum gn_tensor_shape shape;
    enum gn_tensor_start start;
    double constant;
    bool running;       /* statistics: not trained */
    const char *unless; /* the flag among the attributes with which it is left out; NULL: never */
    const char *only;   /* the flag without which it is; NULL: none */
};

enum { GN_LAYER_TENSORS = 4 };

/* ---- The descriptor ---- */

/* What a layer becomes part of when nothing else reads its input. */
enum gn_fusion {
    GN_FUSE_NONE,
    GN_FUSE_RELU,  /* of the layer before it, if that takes a ReLU: max(y, 0) as it is stored */
    GN_FUSE_NORM,  /* in inference, of the layer before it, if that takes one: its weights change */
    GN_FUSE_BYTES, /* in inference, of a convolution on bytes before it, see plan/bytes.c */
    GN_FUSE_SAME   /* in inference, of the layer before it, whoever reads that: nothing is done */
};

/* Fills an operator's row of one kernel set (kernels.h). */
typedef void gn_fill_kernels(struct gn_kernel *row);

enum { GN_ANY_INPUTS = -1, GN_MAX_INPUTS = 8 };

struct gn_operator {
    enum gn_op id;
    const char *name; /* "max_pool": in model files */
    const char *type; /* "MaxPooling2D": Keras' name */
    const char *kind; /* "pool": layers without a name are called so */
    int inputs;       /* 0, 1, or GN_ANY_INPUTS */

    const struct gn_attribute *attributes;
    int n_attributes;
    size_t attribute_bytes; /* of the struct */

    gn_status (*rule)(struct gn_rule *rule); /* NULL: kernels alone, never a layer */
    struct gn_tensor_rule tensors[GN_LAYER_TENSORS];
    gn_fill_kernels *kernels[GN_ISA_SETS]; /* NULL: none */

    /* In `.net` files: WORD NAME and the first attributes, of which `least` must be there. Words
     * that do more than that are in models/net_file.c. */
    const char *word;
    int least, most;
    const char *usage; /* "NAME RATE" */

    /* The ONNX node of a layer; NULL: none, and a layer that does nothing in prediction (GN_FUSE_SAME)
     * needs none. */
    void (*onnx)(const struct gn_geometry *g, const void *attributes, struct gn_onnx_op *op);

    /* The same as a function in C99, see ops/c99.h. */
    void (*c99)(const struct gn_args *a, struct gn_c99 *c);

    /* ---- Traits ---- */
    bool has_window;             /* kernel, stride and pads, as the geometry says */
    bool multiplies;             /* by weights, once for each tap, channel and output */
    bool makes_vector;           /* the output is a vector, not a map of one pixel */
    bool keeps_vector;           /* a vector stays a vector */
    bool joins;                  /* the inputs stand one after the other in the output's channels */
    bool adds;                   /* the output is the sum of the inputs, which have its shape */
    bool takes_relu, takes_norm; /* a layer after it may be fused into it */
    enum gn_fusion fuses;
    bool whole_batch;     /* a training step takes all images of a batch at once */
    bool by_image;        /* forward and backward compute each image by itself */
    bool simple;          /* its kernels touch x, y, dx, dy, `kept` and parameters alone */
    bool backs_in_place;  /* dx may be written over dy */
    bool back_reads_y;    /* the backward pass reads the output */
    bool keeps_relu_mask; /* `kept` can hold the mask of a ReLU before it, see gn_args.mask */
    size_t (*kept_bytes)(const struct gn_geometry *g); /* gn_args.kept, of an image; NULL: none */
    /* gn_args.shared, for so many images and grains of a batch */
    size_t (*shared_floats)(const struct gn_geometry *g, int images, int grains);
    size_t (*group_doubles)(const struct gn_geometry *g); /* of gn_args.groups, of a grain */
};

#define GN_OPERATOR(ID, name) extern const struct gn_operator gn_op_##name;
GN_OPERATORS(GN_OPERATOR)
#undef GN_OPERATOR

/* By number: the table. */
extern const struct gn_operator *const gn_operators[GN_OP_COUNT];

/* The layer operator with this name; NULL: none. */
const struct gn_operator *gn_operator_named(const char *name);

/* Copies the attributes of `from` (NULL: all zero), and nothing else that the struct holds. */
void gn_attributes_copy(const struct gn_operator *op, void *to, const void *from);

/* Replaces zeros by what they stand for and asks the rule. */
gn_status gn_operator_apply(const struct gn_operator *op, struct gn_rule *rule);

/* The attributes of a descriptor: fields of `type`. */
#define GN_INT(type, field, otherwise, slot)                                                       \
    GN_FIELD(type, field, GN_ATTRIBUTE_INT, otherwise, slot)
#define GN_REAL(type, field, otherwise, slot)                                                      \
    GN_FIELD(type, field, GN_ATTRIBUTE_REAL, otherwise, slot)
#define GN_FLAG(type, field, slot) GN_FIELD(type, field, GN_ATTRIBUTE_FLAG, 0, slot)
/* clang-format off */
#define GN_FIELD(type, field, kind, otherwise, slot)                                               \
    { #field, kind, offsetof(type, field), otherwise, slot }
/* clang-format on */
#define GN_ATTRIBUTES(list, type)                                                                  \
    .attributes = (list), .n_attributes = (int)(sizeof(list) / sizeof(list)[0]),                   \
    .attribute_bytes = sizeof(type)

/* What a library that only predicts lacks: references, which are for tests, and exports. */
#define GN_IN_FULL(function) (GN_TRAINING ? (function) : NULL)

/* The kernels of src/ops/NAME: a reference and one for each instruction set, or one for all. */
#define GN_DECLARE_KERNELS(name)                                                                   \
    void gn_##name##_kernels__ref(struct gn_kernel *row);                                          \
    void gn_##name##_kernels__generic(struct gn_kernel *row);                                      \
    void gn_##name##_kernels__neon(struct gn_kernel *row);                                         \
    void gn_##name##_kernels__sve256(struct gn_kernel *row);                                       \
    void gn_##name##_kernels__avx2(struct gn_kernel *row);                                         \
    void gn_##name##_kernels__avx512(struct gn_kernel *row)
#define GN_OPERATOR(ID, name) GN_DECLARE_KERNELS(name);
GN_OPERATORS(GN_OPERATOR)
#undef GN_OPERATOR
#define GN_KERNELS(name)                                                                           \
    .kernels = GN_ISA_ENTRIES(GN_IN_FULL(gn_##name##_kernels__ref), gn_##name##_kernels)
#define GN_ONE_KERNEL(name)                                                                        \
    .kernels = { gn_##name##_kernels__ref, gn_##name##_kernels__ref, gn_##name##_kernels__ref,     \
                 gn_##name##_kernels__ref, gn_##name##_kernels__ref, gn_##name##_kernels__ref }

#endif
