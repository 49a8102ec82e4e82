/* Members of a struct of options, by rows of a table (struct gn_option in the public header). */
#ifndef GN_BASE_OPTION_H
#define GN_BASE_OPTION_H

#include "base/status.h"

/* The value of a member: a whole number or the value of an enumeration; a real number; and the int
 * at `second` of a GN_OPTION_SHUFFLE or GN_OPTION_PLATEAU, the double there of a GN_OPTION_LOOKAHEAD. */
uint64_t gn_option_whole(const struct gn_option *option, const void *values);
double gn_option_real(const struct gn_option *option, const void *values);
int gn_option_second(const struct gn_option *option, const void *values);
double gn_option_second_real(const struct gn_option *option, const void *values);

#endif
