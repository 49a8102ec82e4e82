/* A list of figures by name. */
#ifndef GN_RUN_METRICS_H
#define GN_RUN_METRICS_H

#include "base/status.h"

/* Adds a metric at the end. One that is not a number is left out, as is one for which there is no room
 * or whose name is too long. */
void gn_metrics_add(struct gn_metrics *metrics, const char *name, double value, bool is_time);

#endif
