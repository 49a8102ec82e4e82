/* config.json of a run: the options it was begun with, for people and for `train --resume`. */
#ifndef GN_TRAIN_FIT_CONFIG_H
#define GN_TRAIN_FIT_CONFIG_H

#include "train/settings.h"

/* Writes the file atomically. BAD_ARGUMENT when options.config is not a JSON object; IO, NO_MEMORY. */
gn_status gn_config_write(const struct gn_net *net, const struct gn_settings *settings,
                          const char *path);

#endif
