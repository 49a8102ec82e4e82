/* A list of figures by name. */
#include "run/metrics.h"

#include <math.h>
#include <string.h>

void gn_metrics_add(struct gn_metrics *metrics, const char *name, double value, bool is_time)
{
    if (isnan(value) || metrics->n == GN_MOST_METRICS || strlen(name) >= GN_METRIC_NAME)
        return;
    struct gn_metric *metric = &metrics->list[metrics->n++];
    *metric = (struct gn_metric){ .value = value, .is_time = is_time };
    memcpy(metric->name, name, strlen(name) + 1);
}

double gn_metric_value(const struct gn_metrics *metrics, const char *name)
{
    for (int i = 0; metrics != NULL && name != NULL && i < metrics->n; i++)
        if (strcmp(metrics->list[i].name, name) == 0)
            return metrics->list[i].value;
    return (double)NAN;
}
