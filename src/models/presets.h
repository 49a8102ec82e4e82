/* A preset's network without parameters: gn_preset_with for what reads them from a file. */
#ifndef GN_MODELS_PRESETS_H
#define GN_MODELS_PRESETS_H

#include <googlenet.h>

gn_net *gn_preset_blank(const struct gn_preset_options *options);

#endif
