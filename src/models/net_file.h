/* Networks from a text file. */
#ifndef GN_MODELS_NET_FILE_H
#define GN_MODELS_NET_FILE_H

#include "net/net.h"

/* Whether a preset's name is that of a file: it ends in ".net". */
bool gn_is_net_file(const char *name);

/* The network of options->net_text, or of the file options->preset, without weights. NULL:
 * BAD_MODEL when there is no such file, BAD_ARGUMENT with file and line when it has a fault. */
gn_net *gn_net_file_blank(const struct gn_preset_options *options);

#endif
