/* Inside of the Keras writer. */
#ifndef GN_KERAS_EXPORT_H
#define GN_KERAS_EXPORT_H

#include "file/file.h"
#include "net/net.h"

/* UNSUPPORTED, by name, for what the form does not have; NO_DEVICE, IO, NO_MEMORY. Also writes the Python
 * file with the model's definition. */
gn_status gn_keras_export(const gn_net *net, const struct gn_export_options *options);

/* A layer as Keras' code has it: in a stage (NULL: none), in a block (its name's length in `block`). */
enum gn_keras_part {
    GN_KERAS_CONV,
    GN_KERAS_NORM,
    GN_KERAS_POOL,
    GN_KERAS_MEAN_POOL,
    GN_KERAS_BLOCK,
    GN_KERAS_DENSE
};
struct gn_keras_step {
    enum gn_keras_part part;
    int layer;     /* of a block: its concatenation */
    int stage;     /* -1: none */
    int convs[6];  /* of a block: its convolutions in the order p1_1 ... p4_2 */
    int norms[6];  /* and their normalisations, -1: none */
    bool relu;     /* a ReLU follows */
    char path[96]; /* in .weights.h5: "layers/sequential_2/layers/inception_1" */
};

/* The network as steps: UNSUPPORTED with the layer's name. Free *steps with gn_free. */
gn_status gn_keras_steps(const gn_net *net, const char *name, bool as_model,
                         struct gn_keras_step **steps, int *n);

/* Writes a .keras file with the HDF5 file of the weights in it. IO, NO_MEMORY, UNSUPPORTED. */
gn_status gn_keras_archive(const gn_net *net, const char *path, const struct gn_keras_step *steps,
                           int n, const struct gn_bytes *weights);

/* What the Python file begins with. */
#define GN_KERAS_PYTHON_HEAD "\"\"\"A network of googlenet for Keras 3: "

/* The text of the Python file, to be freed with gn_free; NULL: NO_MEMORY. `weights` is the name of the file
 * of weights. */
char *gn_keras_python(const gn_net *net, const char *weights, const struct gn_keras_step *steps,
                      int n, bool as_model);

#endif
