/* What a file says about pictures and classes besides its weights, or what the caller says. */
#ifndef GN_FOREIGN_SAID_H
#define GN_FOREIGN_SAID_H

#include "net/net.h"

enum { GN_SAID_TEXT = 256 };

/* Appends a part to options->note; parts are separated by "; ". */
void gn_said_note(const struct gn_import_options *options, const char *format, ...) GN_PRINTF(2, 3);

/* The steps of "preprocess" in our model files, as JSON of n bytes, which were made for this input.
 * BAD_MODEL, UNSUPPORTED. */
gn_status gn_said_steps(gn_net *net, struct gn_shape input, const char *name, const char *text,
                        size_t n);

/* The input of a network as "[height,width,channels]". False: the text (NULL: none) is not that. */
bool gn_said_input(const char *text, struct gn_shape *input);

/* Class names as a JSON array of n bytes. BAD_MODEL. */
gn_status gn_said_labels(gn_net *net, const char *name, const char *text, size_t n);

/* What the caller says instead: options->preprocess (a preset's name, or steps as JSON), ->resize and
 * ->labels (a file, a name a line). BAD_ARGUMENT, BAD_DATA, NO_MEMORY. */
gn_status gn_said_by_caller(gn_net *net, const struct gn_import_options *options);

/* The name of a file for messages; its end cut. */
const char *gn_said_name(const char *path, char name[GN_SAID_TEXT]);

/* The network of options->model, or of `otherwise` when that is NULL, for weights that come without one.
 * It has no parameters yet. `input`: zeros are the preset's, and the caller's size goes before. */
gn_net *gn_said_network(const struct gn_import_options *options, const char *otherwise,
                        struct gn_shape input, int classes, bool aux);

/* Appends what the network assumes about pictures, because the file does not say it. */
void gn_said_assumed(const gn_net *net, const struct gn_import_options *options);

#endif
