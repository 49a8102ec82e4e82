/* What the option .whiten does before the first step of a run. */
#ifndef GN_TRAIN_FIT_WHITEN_H
#define GN_TRAIN_FIT_WHITEN_H

#include "train/settings.h"

/* The patterns of .freeze and the filters that are whitened, which `settings` have from now on; free the text with gn_free.
 * NULL: NO_MEMORY, or BAD_ARGUMENT when nothing is left to train. */
char *gn_fit_whiten_freeze(const struct gn_net *net, struct gn_settings *settings);

/* Makes the filters from training images, drawn by the seed. Every rank does it, with the same result. */
gn_status gn_fit_whiten(struct gn_net *net, const struct gn_settings *settings);

#endif
