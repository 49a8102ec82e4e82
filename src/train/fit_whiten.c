/*
 * Images are those with which the first epoch of a full shuffle would begin, without augmentation. A patch of a
 * large input costs more, and there are more of them, so fewer images are taken where that would last long.
 */
#include "train/fit_whiten.h"

#include "base/memory.h"
#include "data/loader.h"
#include "train/pictures.h"
#include "whiten/whiten.h"

#include <string.h>

enum { MOST_IMAGES = 5000, FEWEST_IMAGES = 100 };

static const double MOST_PRODUCTS = 4e9; /* some seconds */

char *gn_fit_whiten_freeze(const struct gn_net *net, struct gn_settings *settings)
{
    const char *own = settings->options.freeze;
    const char *name = net->graph->tensors[gn_whiten_layer(net->graph)->weight].name;
    const size_t size = (own == NULL ? 0 : strlen(own)) + strlen(name) + 2;
    char *list = gn_alloc(size, "the list of frozen tensors");
    if (list == NULL)
        return NULL;
    (void)snprintf(list, size, "%s%s%s", own == NULL ? "" : own,
                   own == NULL || own[0] == '\0' ? "" : ",", name);
    if (gn_settings_check_freeze(net->graph, list) != GN_OK) {
        gn_free(list);
        return NULL;
    }
    settings->freeze = settings->optimizer.freeze = list;
    return list;
}

static uint64_t images_for(const struct gn_geometry *g, uint64_t samples)
{
    const double values = gn_whiten_values(g);
    const double images = MOST_PRODUCTS / (values * (values + 1) / 2 * gn_whiten_patches(g));
    const uint64_t most = images > MOST_IMAGES     ? MOST_IMAGES
                          : images < FEWEST_IMAGES ? FEWEST_IMAGES
                                                   : (uint64_t)images;
    return samples < most ? samples : most;
}

static gn_status add_images(struct gn_whitener *whitener, struct gn_loader *loader, uint64_t wanted)
{
    uint64_t taken = 0;
    struct gn_batch batch;
    GN_TRY(gn_loader_start(loader, 0, 0));
    for (bool more = true; more && taken < wanted;) {
        GN_TRY(gn_loader_next(loader, &batch));
        const uint64_t left = wanted - taken;
        const int n = (uint64_t)batch.n < left ? batch.n : (int)left;
        gn_whitener_add(whitener, batch.images, n);
        taken += (uint64_t)n;
        more = batch.all + batch.left_out > 0;
    }
    if (taken == 0)
        GN_FAIL(GN_STATUS_BAD_DATA, "training data: no picture can be read to whiten with");
    return GN_OK;
}

gn_status gn_fit_whiten(struct gn_net *net, const struct gn_settings *settings)
{
    const struct gn_fit_options *o = &settings->options;
    const struct gn_layer *layer = gn_whiten_layer(net->graph);
    const struct gn_tensor *tensors = net->graph->tensors;
    struct gn_loader_options options =
        gn_loader_for(net, o->train, o->limit_train, GN_WHITEN_IMAGES, settings->rule);
    options.shuffle = GN_SHUFFLE_FULL;
    options.seed = o->seed;
    options.pictures = settings->pictures->states[0];
    options.pictures_changed = &settings->pictures->changed;
    struct gn_loader *loader = gn_loader_create(&options);
    struct gn_whitener *whitener = gn_whitener_create(&layer->window, o->threads);
    gn_status status = loader == NULL || whitener == NULL ? gn_last_status() : GN_OK;
    if (status == GN_OK)
        status = add_images(whitener, loader, images_for(&layer->window, settings->n_train));
    if (status == GN_OK)
        status =
            gn_whitener_filters(whitener, net->params + tensors[layer->weight].offset,
                                layer->bias < 0 ? NULL : net->params + tensors[layer->bias].offset);
    gn_whitener_free(whitener);
    if (loader != NULL)
        gn_loader_free(loader);
    return status;
}
