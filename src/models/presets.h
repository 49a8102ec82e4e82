/* A preset's network without parameters: gn_preset_with for what reads them from a file. */
#ifndef GN_MODELS_PRESETS_H
#define GN_MODELS_PRESETS_H

#include <googlenet.h>

gn_net *gn_preset_blank(const struct gn_preset_options *options);

/* A size beyond GN_MAX_SIZE is a wrong number; but when a single image of it exceeds the memory that is
 * the error, with the estimate, like every size that does not fit: NO_MEMORY. `largest` is the network
 * at the largest size (NULL: its error is returned), which is freed. */
gn_status gn_preset_check_size(gn_net *largest, int size);

#endif
