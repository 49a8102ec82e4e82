/* The one table of the options of a training: names, kinds, ranges, defaults, and what of them a
 * checkpoint records. */
#ifndef GN_TRAIN_OPTIONS_H
#define GN_TRAIN_OPTIONS_H

#include "base/status.h"

#include "file/json.h"

/* Every value on its own. BAD_ARGUMENT names the member. */
gn_status gn_options_check(const struct gn_fit_options *options);

/* Defaults in place of the zeros that stand for them; `threads` stays. */
void gn_options_fill(struct gn_fit_options *options);

/* Sets in `object` the options on which the bits of a run depend, by the names of their members.
 * Integers are plain JSON numbers, except the seed, which may need 64 bits and is a decimal string;
 * other numbers are hexadecimal-float strings, which return exactly. Options with their default
 * are mostly left out, so that a checkpoint of an earlier version, which lacks newer options, has
 * the same record. */
void gn_options_record(const struct gn_fit_options *options, json_t *object);

#endif
