/* A preset's network for who fills it: gn_preset_with without initial values, all parameters zero. */
#ifndef GN_MODELS_PRESETS_H
#define GN_MODELS_PRESETS_H

#include <googlenet.h>

gn_net *gn_preset_blank(const struct gn_preset_options *options);

#endif
