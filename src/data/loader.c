/*
 * Batches ahead: a thread of the loader's own shuffles, scales and resizes while the network
 * computes.
 *
 * Three buffers are made once: the caller holds one, up to two wait. Batch i of an epoch lies in
 * buffer i mod 3. What a batch holds is a function of the options, the epoch and i alone, so the
 * thread's pace never matters and an epoch may begin at any batch.
 */
#include "data/dataset.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "base/memory.h"

enum { BUFFERS = 3 };

struct gn_loader {
    struct gn_loader_options options;
    uint32_t samples;
    uint64_t batches;
    size_t image_floats;
    uint32_t *order;        /* [samples] */
    float *images[BUFFERS]; /* [batch][height][width][channels] */
    int32_t *labels[BUFFERS];
    void *scratch; /* of the resize, the thread's alone */

    pthread_t thread;
    bool has_thread, has_lock;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* anything below has */
    bool quit, busy;        /* busy: the thread is filling buffer made mod 3 */
    uint64_t made, taken;   /* batches of this epoch that are ready; that the caller had */
};

/* Samples of batch i. */
static int batch_size(const struct gn_loader *loader, uint64_t i)
{
    const uint64_t batch = (uint64_t)loader->options.batch, left = loader->samples - i * batch;
    return (int)(left < batch ? left : batch);
}

static void fill(struct gn_loader *loader, uint64_t i)
{
    const struct gn_dataset *data = loader->options.data;
    const size_t bytes = (size_t)data->height * (size_t)data->width * (size_t)data->channels;
    const uint32_t *order = loader->order + i * (uint64_t)loader->options.batch;
    float *images = loader->images[i % BUFFERS];
    int32_t *labels = loader->labels[i % BUFFERS];
    const int n = batch_size(loader, i);
    for (int k = 0; k < n; k++) {
        gn_resize_apply(images, data->pixels + order[k] * bytes, loader->scratch);
        images += loader->image_floats;
        labels[k] = data->labels[order[k]];
    }
}

/* The buffer that batch `made` needs is free: the caller holds batch taken-1. */
static bool has_work(const struct gn_loader *loader)
{
    return loader->made < loader->batches && loader->made < loader->taken + BUFFERS - 1;
}

static void *run(void *argument)
{
    struct gn_loader *loader = argument;
    (void)pthread_mutex_lock(&loader->lock);
    while (!loader->quit) {
        if (!has_work(loader)) {
            (void)pthread_cond_wait(&loader->changed, &loader->lock);
            continue;
        }
        loader->busy = true;
        (void)pthread_mutex_unlock(&loader->lock);
        fill(loader, loader->made);
        (void)pthread_mutex_lock(&loader->lock);
        loader->busy = false;
        loader->made++;
        (void)pthread_cond_broadcast(&loader->changed);
    }
    (void)pthread_mutex_unlock(&loader->lock);
    return NULL;
}

static gn_status check(const struct gn_loader_options *options)
{
    const struct gn_dataset *data = options->data;
    if (options->batch <= 0)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "loader: batch %d is not positive", options->batch);
    if (options->height <= 0 || options->width <= 0)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "loader: image size %dx%d is not positive", options->height,
                options->width);
    if (options->window < 0)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "loader: shuffle window %d is negative", options->window);
    if (data->labels == NULL)
        GN_FAIL(GN_STATUS_BAD_DATA, "%s: images without labels", data->name);
    if (options->channels != data->channels)
        GN_FAIL(GN_STATUS_BAD_SHAPE, "%s: images have %d channels, the network takes %d",
                data->name, data->channels, options->channels);
    return GN_OK;
}

/* All memory of the loader, for good. */
static gn_status allocate(struct gn_loader *loader)
{
    const struct gn_loader_options *o = &loader->options;
    const struct gn_dataset *data = o->data;
    size_t floats = (size_t)o->height, bytes;
    if (__builtin_mul_overflow(floats, (size_t)o->width, &floats) ||
        __builtin_mul_overflow(floats, (size_t)o->channels, &floats) ||
        __builtin_mul_overflow(floats, (size_t)o->batch * sizeof(float), &bytes))
        GN_FAIL(GN_STATUS_NO_MEMORY, "no memory for batches of %d images of %dx%d", o->batch,
                o->height, o->width);
    loader->image_floats = floats;
    loader->order = gn_calloc(loader->samples, sizeof *loader->order, "the order of samples");
    if (loader->order == NULL)
        return gn_last_status();
    for (int i = 0; i < BUFFERS; i++) {
        loader->images[i] = gn_alloc(bytes, "a prepared batch");
        loader->labels[i] = gn_calloc((size_t)o->batch, sizeof(int32_t), "labels of a batch");
        if (loader->images[i] == NULL || loader->labels[i] == NULL)
            return gn_last_status();
    }
    loader->scratch = gn_alloc(gn_resize_scratch_bytes(o->height, o->width, data->height,
                                                       data->width, data->channels, o->rule),
                               "tables of the resize");
    if (loader->scratch == NULL)
        return gn_last_status();
    gn_resize_prepare(loader->scratch, o->height, o->width, data->height, data->width,
                      data->channels, o->rule);
    return GN_OK;
}

/* Signals are for the caller's threads: a handler must not interrupt this one. */
static gn_status start_thread(struct gn_loader *loader)
{
    int error = pthread_mutex_init(&loader->lock, NULL);
    if (error == 0)
        error = pthread_cond_init(&loader->changed, NULL);
    loader->has_lock = error == 0;
    if (error == 0) {
        sigset_t all, before;
        (void)sigfillset(&all);
        (void)pthread_sigmask(SIG_SETMASK, &all, &before);
        error = pthread_create(&loader->thread, NULL, run, loader);
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
        loader->has_thread = error == 0;
    }
    if (error != 0)
        GN_FAIL(GN_STATUS_NO_MEMORY, "cannot start the loader's thread: %s", strerror(error));
    return GN_OK;
}

struct gn_loader *gn_loader_create(const struct gn_loader_options *options)
{
    if (check(options) != GN_OK)
        return NULL;
    struct gn_loader *loader = gn_calloc(1, sizeof *loader, "the loader");
    if (loader == NULL)
        return NULL;
    loader->options = *options;
    const uint64_t all = options->data->samples, limit = options->limit;
    loader->samples = (uint32_t)(limit != 0 && limit < all ? limit : all);
    const uint64_t batch = (uint64_t)options->batch;
    loader->batches = (loader->samples + batch - 1) / batch;
    /* Nothing to make before the first gn_loader_start. */
    loader->made = loader->taken = loader->batches;
    if (allocate(loader) != GN_OK || start_thread(loader) != GN_OK) {
        gn_loader_free(loader);
        return NULL;
    }
    return loader;
}

void gn_loader_free(struct gn_loader *loader)
{
    if (loader == NULL)
        return;
    if (loader->has_thread) {
        (void)pthread_mutex_lock(&loader->lock);
        loader->quit = true;
        (void)pthread_cond_broadcast(&loader->changed);
        (void)pthread_mutex_unlock(&loader->lock);
        (void)pthread_join(loader->thread, NULL);
    }
    if (loader->has_lock) {
        (void)pthread_cond_destroy(&loader->changed);
        (void)pthread_mutex_destroy(&loader->lock);
    }
    for (int i = 0; i < BUFFERS; i++) {
        gn_free(loader->images[i]);
        gn_free(loader->labels[i]);
    }
    gn_free(loader->order);
    gn_free(loader->scratch);
    gn_free(loader);
}

uint64_t gn_loader_samples(const struct gn_loader *loader)
{
    return loader->samples;
}

uint64_t gn_loader_batches(const struct gn_loader *loader)
{
    return loader->batches;
}

gn_status gn_loader_start(struct gn_loader *loader, uint64_t epoch, uint64_t first)
{
    if (first > loader->batches)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "loader: batch %llu of an epoch of %llu batches",
                (unsigned long long)first, (unsigned long long)loader->batches);
    const struct gn_loader_options *o = &loader->options;
    (void)pthread_mutex_lock(&loader->lock);
    while (loader->busy)
        (void)pthread_cond_wait(&loader->changed, &loader->lock);
    const gn_status status =
        gn_shuffle_order(loader->order, loader->samples, o->shuffle, o->window, o->seed, epoch);
    loader->made = loader->taken = status == GN_OK ? first : loader->batches;
    (void)pthread_cond_broadcast(&loader->changed);
    (void)pthread_mutex_unlock(&loader->lock);
    return status;
}

gn_status gn_loader_next(struct gn_loader *loader, struct gn_batch *batch)
{
    *batch = (struct gn_batch){ .n = 0 };
    (void)pthread_mutex_lock(&loader->lock);
    if (loader->taken < loader->batches) {
        while (loader->made == loader->taken)
            (void)pthread_cond_wait(&loader->changed, &loader->lock);
        const uint64_t i = loader->taken++;
        *batch = (struct gn_batch){ .images = loader->images[i % BUFFERS],
                                    .labels = loader->labels[i % BUFFERS],
                                    .n = batch_size(loader, i) };
        (void)pthread_cond_broadcast(&loader->changed);
    }
    (void)pthread_mutex_unlock(&loader->lock);
    return GN_OK;
}
