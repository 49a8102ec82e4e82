/* Model files: a net's weights with the metadata that prediction needs. gn_save, gn_load and
 * gn_load_weights of the public header are implemented here, too. */
#ifndef GN_FORMATS_MODEL_H
#define GN_FORMATS_MODEL_H

#include "formats/safetensors.h"
#include "net/net.h"

/* The text of "gn.model" (JSON) for a net; to be freed with gn_free. NULL: NO_MEMORY. */
char *gn_model_metadata(const struct gn_net *net);

/* Fills the tensor table (graph->n_tensors entries) from a flat array in the layout of
 * net->params, names with `prefix` in front ("" for weights, "train/momentum/"). The names are
 * kept in `names`, graph->n_tensors * GN_ST_NAME_BYTES bytes given by the caller. */
enum { GN_ST_NAME_BYTES = 128 };
void gn_model_tensors(const struct gn_net *net, const float *values, const char *prefix,
                      char *names, struct gn_st_tensor *tensors);

/* Copies tensors "<prefix><name>" of the file into `values`. Missing or misshapen tensors are
 * BAD_MODEL with name and shapes; tensors of the file that no tensor of the net asked for are an
 * error too, except those below "train/". NaN or infinite weights: error for our files. */
gn_status gn_model_read_tensors(const struct gn_net *net, const struct gn_st_file *file,
                                const char *path, const char *prefix, float *values);

/* Gives the net the preprocessing that our file states, but for the resize rule. BAD_MODEL,
 * UNSUPPORTED. */
gn_status gn_model_read_pixels(struct gn_net *net, const struct gn_st_file *file, const char *path);

/* BAD_MODEL when our file is not of this network, its input and classes included; UNSUPPORTED. */
gn_status gn_model_check_file(const struct gn_net *net, const struct gn_st_file *file,
                              const char *path);

/* gn_save with extra metadata (gn.metrics ...). */
gn_status gn_model_write(const struct gn_net *net, const char *path, const struct gn_st_text *extra,
                         int n_extra);

#endif
