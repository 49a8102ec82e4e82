/* What the files of the model format share. */
#ifndef GN_FORMATS_MODEL_INTERNAL_H
#define GN_FORMATS_MODEL_INTERNAL_H

#include "formats/model.h"
#include "ops/rules.h"

#include "file/json.h"

/* Limits of a geometry that a file states; the tensors must confirm it. */
enum {
    GN_MODEL_MAX_SIDE = 16384, /* of the picture that the input is cut out of */
    GN_MODEL_MAX_CLASSES = GN_MAX_CHANNELS
};

/* The fields of "gn.model", and the texts from which a network is built. Texts belong to `root` or to
 * the file. */
struct gn_model_fields {
    json_t *root;
    const char *graph;  /* "gn.graph"; NULL: a file of version 0.1.0, which has what follows */
    const char *preset; /* later files: where the network came from */
    const char *layers; /* hash of the layer table */
    const char *net;    /* text of the .net file that the network was built from, or NULL */
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
void gn_model_fields_free(struct gn_model_fields *fields);

/* The list "preprocess" of a net; NULL: NO_MEMORY. And the fields that such a list gives. */
json_t *gn_preprocess_make(const struct gn_net *net);
gn_status gn_preprocess_read(const char *name, struct gn_model_fields *fields);

/* Sentences about a field of "gn.model". */
gn_status gn_model_bad_field(const char *name, const char *field, const char *what);
gn_status gn_model_not_supported(const char *name, const char *field, const json_t *value);

/* A whole number from 1 to `limit`. */
bool gn_model_read_count(const json_t *value, int limit, int *number);

/* The network of a file as it is, all heads included, without parameters: of its graph, or for files
 * of version 0.1.0, files of other tools and a preset of the caller by the preset's name. */
gn_net *gn_model_network(const struct gn_load_options *options, const struct gn_st_file *file,
                         const struct gn_model_fields *fields, const char *name);

/* Whether weights of the file fit a net: BAD_MODEL when the file is of another network. */
gn_status gn_model_check_network(const struct gn_net *net, const struct gn_model_fields *fields,
                                 const char *name);

struct gn_class_map;

/* The tensors that a graph wants from a file. */
struct gn_model_search {
    const struct gn_st_file *file;
    const char *name;             /* the file's, for messages */
    const char *prefix;           /* "" for weights */
    const struct gn_graph *graph; /* whose tensors are wanted */
    const struct gn_graph *held; /* the file may hold those of this one, too; NULL: only wanted ones
                                     and, as version 0.1.0 named them, those of heads */
    const bool *logits;          /* layers whose width may differ from the file's; NULL: none */
    const struct gn_class_map
        *map;  /* of their last dimension, which is copied by it; NULL: as it is */
    int drawn; /* gets the number of tensors that are drawn, wholly or for some classes */
};

/* Which classes of a net are classes of the file that its weights come from. */
struct gn_class_map {
    int *from;         /* [classes of the net]: the class of the file, -1: none; NULL: by number */
    int classes, kept; /* of the net; those that have one */
    int held;          /* classes of the file */
};

/* Compares the names that the caller wants with those of the file. map->from stays NULL where one
 * side has no names, or both have the same. NO_MEMORY. The caller frees map->from. */
gn_status gn_class_map_make(struct gn_class_map *map, const struct gn_load_options *options,
                            const struct gn_model_fields *fields, int classes);

/* A sentence without its subject, the file, about what became of the classes; "" when nothing did.
 * `drawn`: tensors. */
void gn_class_map_note(const struct gn_class_map *map, const struct gn_load_options *options,
                       const struct gn_model_fields *fields, int drawn);

/* Copies the columns of a tensor whose last dimension is the classes; the others stay. NO_MEMORY. */
gn_status gn_class_map_copy(const struct gn_class_map *map, const struct gn_st_tensor *stored,
                            float *values);

/* A tensor of a file, and how it is taken. */
struct gn_model_found {
    const struct gn_st_tensor *tensor; /* NULL: the values are drawn */
    bool by_class;                     /* only the columns that the search's map knows */
};

/* Finds every tensor, each with a value that can be taken, and no other one in the file: found[i] of
 * tensor i of the graph. BAD_MODEL. */
gn_status gn_model_find(struct gn_model_search *search, struct gn_model_found *found);

/* Copies what was found. */
gn_status gn_model_copy(const struct gn_model_search *search, const struct gn_model_found *found,
                        float *values);

/* Both: on an error the values are as they were. */
gn_status gn_model_read(struct gn_model_search *search, float *values);

#endif
