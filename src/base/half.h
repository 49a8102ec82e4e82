/* IEEE 754 binary16. */
#ifndef GN_BASE_HALF_H
#define GN_BASE_HALF_H

#include <stdint.h>

/* The nearest one, ties to even; infinity above the largest. */
uint16_t gn_half_from_float(float value);

#endif
