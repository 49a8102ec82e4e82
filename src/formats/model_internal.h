/* What the files of the model format share. */
#ifndef GN_FORMATS_MODEL_INTERNAL_H
#define GN_FORMATS_MODEL_INTERNAL_H

#include "formats/model.h"

#include <jansson.h>

/* Limits of a geometry that a file states; the tensors must confirm it. */
enum { GN_MODEL_MAX_SIZE = 16384, GN_MODEL_MAX_CHANNELS = 1024, GN_MODEL_MAX_CLASSES = 1 << 16 };

/* The fields of "gn.model" that build a network. Texts belong to `root`. */
struct gn_model_fields {
    json_t *root;
    const char *preset, *layers;
    const char *net; /* text of the .net file that the network was built from, or NULL */
    int h, w, channels, classes;
    const json_t *labels; /* an array of `classes` strings, or NULL */
    gn_resize resize;
    bool has_heads; /* auxiliary ones */
    struct gn_pixel_rule pixels;
};

/* Reads and checks "gn.model" of our file: BAD_MODEL when it is missing or contradicts itself,
 * UNSUPPORTED when it asks for what this version cannot do. `name` is the file's for messages.
 * The caller releases with gn_model_fields_free, also after an error. */
gn_status gn_model_fields_read(const struct gn_st_file *file, const char *name,
                               struct gn_model_fields *fields);
/* Whether normalisations of the file's network are those of `net`; UNSUPPORTED when not. */
gn_status gn_model_fields_check(const struct gn_net *net, const char *name,
                                const struct gn_model_fields *fields);
void gn_model_fields_free(struct gn_model_fields *fields);

#endif
