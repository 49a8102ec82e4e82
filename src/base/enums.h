/* Names of the values of the public enumerations, as flags, files and messages have them; those of
 * gn_resize, gn_algorithm and gn_bad_image are public. NULL for a value that there is not. */
#ifndef GN_BASE_ENUMS_H
#define GN_BASE_ENUMS_H

#include "base/status.h"

const char *gn_optimizer_name(int i);
const char *gn_schedule_name(int i);
const char *gn_shuffle_name(int i);
const char *gn_bn_group_name(int i);
const char *gn_initial_name(int i);

/* The value whose name is `text`, from `first` on; -1: none. */
int gn_enum_find(const char *(*name)(int i), int first, const char *text);

#endif
