/* From a trained network to a quantised one. */
#include "infer/quantize/quantize.h"

#include "base/memory.h"
#include "infer/match.h"

gn_net *gn_quantize_with(const gn_net *net, const struct gn_quantize_options *options)
{
    if (net == NULL || options == NULL || options->data == NULL) {
        if (gn_error_status() == GN_OK)
            (void)gn_fail(GN_STATUS_BAD_ARGUMENT, "quantize: no %s is given",
                          net == NULL ? "network" : "data set");
        return NULL;
    }
    struct gn_quantizer *q = gn_calloc(1, sizeof *q, "quantisation");
    if (q == NULL)
        return NULL;
    gn_net *made = NULL;
    if (gn_check_data(net, options->data, "calibration") == GN_OK)
        q->net = gn_quantize_fold(net);
    if (q->net != NULL && gn_quantize_choose(q) == GN_OK &&
        gn_quantize_calibrate(q, options) == GN_OK)
        made = gn_quantize_build(q);
    if (made != NULL && options->info != NULL) {
        options->info->convolutions = q->n_int8 + q->n_kept;
        options->info->int8 = q->n_int8;
    }
    gn_free_net(q->net);
    gn_free(q);
    return made;
}
