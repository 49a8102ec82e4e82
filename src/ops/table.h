/*
 * The one table of operators: a line each. The number of an operator is its place: it stands in the
 * hash of layers in files of version 0.1.0, so new ones follow at the end.
 *
 * The folder src/ops/NAME holds `gn_op_NAME`, its descriptor (op.h), and its kernels; Winograd's are in
 * that of the convolution.
 */
#ifndef GN_OPS_TABLE_H
#define GN_OPS_TABLE_H

/* clang-format off */
#define GN_OPERATORS(X)                                                                            \
    X(INPUT, input)                                                                                \
    X(CONV, conv)                                                                                  \
    X(RELU, relu)                                                                                  \
    X(MAX_POOL, max_pool)                                                                          \
    X(GLOBAL_AVG_POOL, global_avg_pool)                                                            \
    X(CONCAT, concat)                                                                              \
    X(DENSE, dense)                                                                                \
    X(BATCH_NORM, batch_norm)                                                                      \
    X(AVG_POOL, avg_pool)                                                                          \
    X(LRN, lrn)                                                                                    \
    X(DROPOUT, dropout)                                                                            \
    X(WINOGRAD, winograd) /* kernels of a convolution alone: never a layer */                      \
    X(LOSS, loss)         /* the same */                                                           \
    X(SUM, sum)                                                                                    \
    X(CLIP, clip)                                                                                  \
    X(QUANTIZE, quantize)
/* clang-format on */

enum gn_op {
#define GN_OPERATOR(ID, name) GN_OP_##ID,
    GN_OPERATORS(GN_OPERATOR)
#undef GN_OPERATOR
        GN_OP_COUNT
};

#endif
