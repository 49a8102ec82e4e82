/* Which epochs are shown. */
#include "tensorboard/observer.h"

#include "base/memory.h"
#include "tensorboard/board.h"
#include "tensorboard/tensors.h"

enum { HISTOGRAM_BYTES = 5000000, MOST_PICTURES = 10 };

struct gn_observer {
    int epochs;
    int histograms_every, pictures_every;
    struct gn_tensors *tensors; /* NULL: no histograms */
    struct gn_answers *answers;
    bool has_answers; /* of a validation in this epoch */
};

/* So that of `epochs` at most `most` are shown. */
static int every(int epochs, uint64_t most)
{
    const uint64_t n = epochs < 1 ? 1 : (uint64_t)epochs;
    return most == 0 ? epochs : (int)((n + most - 1) / most);
}

/* So many values take at most about 1% of the time of an epoch, whose length is told by the network's
 * multiplications, so that it does not depend on the machine: one value takes as long as some 6,000 of the
 * 3 that an image needs for each nominal one (measured on AVX2, two threads). */
static uint64_t most_values(const struct gn_graph *graph, double images)
{
    static const double a_value = 6000, share = 0.01, forward_and_back = 3;
    double macs = 0;
    for (int i = 0; i < graph->n_layers; i++)
        macs += (double)gn_layer_macs(graph, i);
    const double most = share * forward_and_back * macs * images / a_value;
    return most < 1 ? 1 : most < 1e15 ? (uint64_t)most : (uint64_t)1e15;
}

struct gn_observer *gn_observer_create(const struct gn_net *net,
                                       const struct gn_observer_options *options)
{
    struct gn_observer *o = gn_calloc(1, sizeof *o, "TensorBoard's values");
    if (o == NULL)
        return NULL;
    o->epochs = options->epochs;
    o->pictures_every = every(o->epochs, MOST_PICTURES);
    const bool histograms = options->histograms && gn_ranks_rank(options->ranks) == 0;
    o->answers = gn_answers_create(net, options->ranks);
    if (histograms)
        o->tensors = gn_tensors_create(net->graph, options->freeze, options->threads,
                                       most_values(net->graph, options->images));
    if (o->answers == NULL || (histograms && o->tensors == NULL)) {
        gn_observer_free(o);
        return NULL;
    }
    if (o->tensors != NULL) {
        const uint64_t bytes = gn_tensors_bytes(o->tensors);
        o->histograms_every = every(o->epochs, bytes == 0 ? 1 : HISTOGRAM_BYTES / bytes);
    }
    return o;
}

void gn_observer_free(struct gn_observer *observer)
{
    if (observer == NULL)
        return;
    gn_tensors_free(observer->tensors);
    gn_answers_free(observer->answers);
    gn_free(observer);
}

static bool is_due(const struct gn_observer *o, int epoch, int every)
{
    return epoch % every == 0 || epoch == o->epochs;
}

void gn_observer_before(struct gn_observer *observer, int epoch, const float *params)
{
    if (observer->tensors != NULL && is_due(observer, epoch, observer->histograms_every))
        gn_tensors_before(observer->tensors, params);
}

void gn_observer_begin(struct gn_observer *observer)
{
    gn_answers_begin(observer->answers);
    observer->has_answers = true;
}

void gn_observer_batch(struct gn_observer *observer, const struct gn_batch *batch,
                       const float *logits)
{
    gn_answers_batch(observer->answers, batch, logits);
}

gn_status gn_observer_epoch(struct gn_observer *observer, int epoch, const float *params,
                            const float *grads, struct gn_board *board)
{
    if (observer == NULL)
        return GN_OK;
    const bool shows = observer->has_answers && is_due(observer, epoch, observer->pictures_every);
    observer->has_answers = false;
    if (shows)
        GN_TRY(gn_answers_share(observer->answers));
    if (board != NULL && observer->tensors != NULL)
        gn_tensors_add(observer->tensors, params, grads, gn_board_values(board, false));
    if (board != NULL && shows)
        gn_answers_add(observer->answers, gn_board_values(board, true));
    return GN_OK;
}
