/* What a Keras file holds: the weights in the order of its layers, and its texts. */
#ifndef GN_KERAS_CONTENT_H
#define GN_KERAS_CONTENT_H

#include "formats/safetensors.h"
#include "tensorflow/checkpoint.h"

#include <jansson.h>

enum gn_keras_kind {
    GN_KERAS_KERNEL, /* of a convolution */
    GN_KERAS_KERNEL_BIAS,
    GN_KERAS_MATRIX,
    GN_KERAS_MATRIX_BIAS,
    GN_KERAS_GAMMA,
    GN_KERAS_BETA,
    GN_KERAS_MEAN,
    GN_KERAS_VARIANCE,
    GN_KERAS_KINDS,
    GN_KERAS_OTHER = GN_KERAS_KINDS
};

struct gn_keras_content {
    struct gn_st_file *file;         /* what the converter answered, NULL: */
    struct gn_checkpoint checkpoint; /* of TensorFlow */
    json_t *attributes;
    const struct gn_st_tensor **all; /* everything that is there */
    int n_all;
    const struct gn_st_tensor **list; /* weights in order; free with gn_free */
    enum gn_keras_kind *kinds;
    int n;
    bool reversed; /* classes of containers in the other order of their names */
};

/* Of the converter's answer; `name` is the file's. BAD_MODEL, NO_MEMORY. Free also after an error. */
gn_status gn_keras_content(struct gn_keras_content *content, const char *name, const void *bytes,
                           size_t n);

/* Of a TensorFlow checkpoint. The same, and UNSUPPORTED. */
gn_status gn_keras_checkpoint(struct gn_keras_content *content, const char *path);
void gn_keras_content_free(struct gn_keras_content *content);

/* Orders the weights again, see `reversed`. */
void gn_keras_order(struct gn_keras_content *content);

/* An attribute of a group: its first text; NULL: none. */
const char *gn_keras_text(const struct gn_keras_content *content, const char *group,
                          const char *name);

/* Weight number i of a kind as an index into `list`, -1: there are fewer; and how many there are. */
int gn_keras_nth(const struct gn_keras_content *content, enum gn_keras_kind kind, int i);
int gn_keras_count(const struct gn_keras_content *content, enum gn_keras_kind kind);

/* The bias of the kernel or matrix list[i], -1: it has none. */
int gn_keras_bias(const struct gn_keras_content *content, int i);

#endif
