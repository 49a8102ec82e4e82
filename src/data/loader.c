/*
 * Batches ahead: threads of the loader's own decode, augment, scale and resize while the network
 * computes.
 *
 * Three buffers are made once: the caller holds one, up to two wait. Batch i of an epoch lies in
 * buffer i mod 3, and the threads fill it a few samples at a time. What a sample holds is a function
 * of the options, the epoch and its index alone, so neither the threads' number nor their pace
 * matter, and an epoch may begin at any batch. What depends on the other samples of a batch - which
 * pictures are left out, what is mixed with what - happens when the caller takes it (loader_take.c).
 */
#include "data/loader_internal.h"

#include <string.h>

#include "base/memory.h"
#include "os/os.h"
#include "base/threads.h"
#include "data/order.h"
#include "picture/picture.h"

enum { UNIT_IMAGES = 16, UNIT_PICTURES = 4 };

/* ---- The threads ---- */

/* The buffer that the next batch needs is free: the caller holds batch taken-1. */
static bool has_work(const struct gn_loader *loader)
{
    return loader->begun < loader->batches && loader->begun < loader->taken + BUFFERS - 1;
}

static void make(struct worker *worker, uint64_t batch, int from, int to)
{
    const struct gn_loader *loader = worker->loader;
    const struct buffer *buffer = &loader->buffers[batch % BUFFERS];
    const struct part part = gn_loader_part(loader, batch);
    for (int k = from; k < to; k++) {
        const uint32_t i = gn_loader_sample(loader, batch, (part.from + k) % part.n);
        float *out = buffer->images + (size_t)k * loader->image_floats;
        buffer->labels[k] =
            loader->options.data->labels == NULL ? -1 : loader->options.data->labels[i];
        gn_free(buffer->faults[k]);
        buffer->faults[k] = NULL;
        buffer->states[k] = GN_OK;
        if (gn_loader_is_gone(loader, i))
            continue;
        buffer->states[k] = gn_sampler_make(worker->sampler, loader->epoch, i, out);
        buffer->digests[k] = gn_sampler_digest(worker->sampler);
        if (buffer->states[k] == GN_OK)
            continue;
        buffer->faults[k] = gn_strdup(gn_error_message());
        if (buffer->faults[k] == NULL)
            buffer->states[k] = GN_STATUS_NO_MEMORY;
    }
}

/* Takes the next samples for a thread; returns how many. The lock is held. */
static int take_unit(struct gn_loader *loader, uint64_t *batch, int *from)
{
    const int unit = loader->options.data->pixels == NULL ? UNIT_PICTURES : UNIT_IMAGES;
    const struct part part = gn_loader_part(loader, loader->begun);
    const int size = part.to - part.from + (part.after ? 1 : 0);
    struct buffer *buffer = &loader->buffers[loader->begun % BUFFERS];
    if (loader->handed == 0)
        buffer->left = size;
    *batch = loader->begun;
    *from = loader->handed;
    const int n = size - *from < unit ? size - *from : unit;
    loader->handed += n;
    if (loader->handed == size) {
        loader->begun++;
        loader->handed = 0;
    }
    return n;
}

static void *run(void *argument)
{
    struct worker *worker = argument;
    struct gn_loader *loader = worker->loader;
    (void)pthread_mutex_lock(&loader->lock);
    while (!loader->quit) {
        if (!has_work(loader)) {
            (void)pthread_cond_wait(&loader->changed, &loader->lock);
            continue;
        }
        uint64_t batch;
        int from;
        const int n = take_unit(loader, &batch, &from);
        loader->busy++;
        (void)pthread_mutex_unlock(&loader->lock);
        make(worker, batch, from, from + n);
        (void)pthread_mutex_lock(&loader->lock);
        loader->busy--;
        struct buffer *buffer = &loader->buffers[batch % BUFFERS];
        buffer->left -= n;
        if (buffer->left == 0 || loader->busy == 0)
            (void)pthread_cond_broadcast(&loader->changed);
    }
    (void)pthread_mutex_unlock(&loader->lock);
    return NULL;
}

static gn_status start_threads(struct gn_loader *loader)
{
    int error = pthread_mutex_init(&loader->lock, NULL);
    if (error == 0)
        error = pthread_cond_init(&loader->changed, NULL);
    loader->has_lock = error == 0;
    for (int i = 0; i < loader->n_workers && error == 0; i++) {
        struct worker *worker = &loader->workers[i];
        error = gn_thread_start(&worker->thread, run, worker);
        worker->runs = error == 0;
    }
    if (error != 0)
        GN_FAIL(GN_STATUS_NO_MEMORY, "cannot start the loader's thread: %s", strerror(error));
    return GN_OK;
}

/* ---- Making and freeing ---- */

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
    if (options->first >= data->samples)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "%s: sample %llu of %llu (counted from 0)", data->name,
                (unsigned long long)options->first, (unsigned long long)data->samples);
    if (!gn_channels_convert(data->channels, options->channels))
        GN_FAIL(GN_STATUS_BAD_SHAPE, "%s: images have %d channels, the network takes %d",
                data->name, data->channels, options->channels);
    return GN_OK;
}

static gn_status allocate_buffer(const struct gn_loader *loader, struct buffer *buffer,
                                 size_t bytes)
{
    const size_t batch = (size_t)loader->room;
    buffer->images = gn_alloc(bytes, "a prepared batch");
    buffer->labels = gn_calloc(batch, sizeof *buffer->labels, "labels of a batch");
    buffer->samples = gn_calloc(batch, sizeof *buffer->samples, "a batch");
    buffer->faults = gn_calloc(batch, sizeof *buffer->faults, "a batch");
    buffer->states = gn_calloc(batch, sizeof *buffer->states, "a batch");
    buffer->digests = gn_calloc(batch, sizeof *buffer->digests, "a batch");
    const bool lacks = buffer->images == NULL || buffer->labels == NULL || buffer->faults == NULL ||
                       buffer->states == NULL || buffer->samples == NULL || buffer->digests == NULL;
    return lacks ? gn_last_status() : GN_OK;
}

static gn_status allocate_mixing(struct gn_loader *loader)
{
    const size_t batch = (size_t)loader->room;
    if (!gn_augment_mixes(&loader->options.augment))
        return GN_OK;
    loader->others = gn_calloc(batch, sizeof *loader->others, "labels of a batch");
    loader->shares = gn_calloc(batch, sizeof *loader->shares, "labels of a batch");
    loader->draws = gn_calloc(batch, sizeof *loader->draws, "random numbers of a batch");
    loader->first = gn_calloc(loader->image_floats, sizeof *loader->first, "an image");
    const bool lacks = loader->others == NULL || loader->shares == NULL || loader->draws == NULL ||
                       loader->first == NULL;
    return lacks ? gn_last_status() : GN_OK;
}

static gn_status create_workers(struct gn_loader *loader)
{
    const struct gn_loader_options *o = &loader->options;
    const bool files = o->data->pixels == NULL;
    const int usable = files ? gn_usable_threads(NULL) : 1;
    const int n = o->threads > 0 ? o->threads : usable;
    loader->workers = gn_calloc((size_t)n, sizeof *loader->workers, "the loader's threads");
    if (loader->workers == NULL)
        return gn_last_status();
    for (; loader->n_workers < n; loader->n_workers++) {
        struct worker *worker = &loader->workers[loader->n_workers];
        worker->loader = loader;
        worker->sampler = gn_sampler_create(o);
        if (worker->sampler == NULL)
            return gn_last_status();
    }
    return GN_OK;
}

/* All memory of the loader, for good (pictures may need more than the ones before). */
static gn_status allocate(struct gn_loader *loader)
{
    const struct gn_loader_options *o = &loader->options;
    size_t floats = (size_t)o->height, bytes;
    if (__builtin_mul_overflow(floats, (size_t)o->width, &floats) ||
        __builtin_mul_overflow(floats, (size_t)o->channels, &floats) ||
        __builtin_mul_overflow(floats, (size_t)loader->room * sizeof(float), &bytes))
        GN_FAIL(GN_STATUS_NO_MEMORY, "no memory for batches of %d images of %dx%d", o->batch,
                o->height, o->width);
    loader->image_floats = floats;
    loader->order = gn_calloc(loader->samples, sizeof *loader->order, "the order of samples");
    loader->seen = gn_calloc((size_t)o->data->samples / 8 + 1, 1, "the list of bad pictures");
    loader->outcomes = gn_calloc((size_t)o->batch, sizeof *loader->outcomes, "a batch");
    loader->present = gn_calloc((size_t)o->batch, sizeof *loader->present, "a batch");
    if (loader->order == NULL || loader->seen == NULL || loader->outcomes == NULL ||
        loader->present == NULL)
        return gn_last_status();
    if (o->balanced)
        GN_TRY(gn_balance_reserve(&loader->balance, loader->samples, o->data->classes));
    for (int i = 0; i < BUFFERS; i++)
        GN_TRY(allocate_buffer(loader, &loader->buffers[i], bytes));
    GN_TRY(allocate_mixing(loader));
    return create_workers(loader);
}

struct gn_loader *gn_loader_create(const struct gn_loader_options *options)
{
    if (check(options) != GN_OK)
        return NULL;
    struct gn_loader *loader = gn_calloc(1, sizeof *loader, "the loader");
    if (loader == NULL)
        return NULL;
    loader->options = *options;
    loader->grain = options->grain > 0 ? options->grain : options->batch;
    const int grains = (options->batch + loader->grain - 1) / loader->grain;
    const int room = gn_ranks_most_grains(options->ranks, grains) * loader->grain + 1;
    loader->room = room < options->batch ? room : options->batch;
    const uint64_t all = options->data->samples - options->first, limit = options->limit;
    loader->samples = (uint32_t)(limit != 0 && limit < all ? limit : all);
    const uint64_t batch = (uint64_t)options->batch;
    loader->batches = (loader->samples + batch - 1) / batch;
    /* Nothing to make before the first gn_loader_start. */
    loader->begun = loader->taken = loader->batches;
    if (allocate(loader) != GN_OK || start_threads(loader) != GN_OK) {
        gn_loader_free(loader);
        return NULL;
    }
    return loader;
}

static void stop_threads(struct gn_loader *loader)
{
    if (!loader->has_lock)
        return;
    (void)pthread_mutex_lock(&loader->lock);
    loader->quit = true;
    (void)pthread_cond_broadcast(&loader->changed);
    (void)pthread_mutex_unlock(&loader->lock);
    for (int i = 0; i < loader->n_workers; i++)
        if (loader->workers[i].runs)
            (void)pthread_join(loader->workers[i].thread, NULL);
    (void)pthread_cond_destroy(&loader->changed);
    (void)pthread_mutex_destroy(&loader->lock);
}

static void forget_faults(const struct gn_loader *loader, struct buffer *buffer)
{
    for (int k = 0; buffer->faults != NULL && k < loader->room; k++) {
        gn_free(buffer->faults[k]);
        buffer->faults[k] = NULL;
    }
}

void gn_loader_free(struct gn_loader *loader)
{
    if (loader == NULL)
        return;
    stop_threads(loader);
    for (int i = 0; loader->workers != NULL && i < loader->n_workers; i++)
        gn_sampler_free(loader->workers[i].sampler);
    for (int i = 0; i < BUFFERS; i++) {
        struct buffer *buffer = &loader->buffers[i];
        forget_faults(loader, buffer);
        gn_free(buffer->images);
        gn_free(buffer->labels);
        gn_free(buffer->samples);
        gn_free(buffer->faults);
        gn_free(buffer->states);
        gn_free(buffer->digests);
    }
    gn_names_free(&loader->bad);
    gn_sampler_free(loader->latecomer);
    gn_free(loader->workers);
    gn_free(loader->outcomes);
    gn_free(loader->present);
    gn_free(loader->order);
    gn_balance_free(&loader->balance);
    gn_free(loader->seen);
    gn_free(loader->others);
    gn_free(loader->shares);
    gn_free(loader->draws);
    gn_free(loader->first);
    gn_free(loader);
}

/* ---- Taking batches ---- */

uint64_t gn_loader_samples(const struct gn_loader *loader)
{
    return loader->samples;
}

uint64_t gn_loader_batches(const struct gn_loader *loader)
{
    return loader->batches;
}

const char *gn_loader_bad(const struct gn_loader *loader, size_t i)
{
    return i < loader->bad.n ? loader->bad.text[i] : NULL;
}

gn_status gn_loader_start(struct gn_loader *loader, uint64_t epoch, uint64_t first)
{
    if (first > loader->batches)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "loader: batch %llu of an epoch of %llu batches",
                (unsigned long long)first, (unsigned long long)loader->batches);
    (void)pthread_mutex_lock(&loader->lock);
    loader->begun = loader->batches; /* no more of the old epoch */
    loader->handed = 0;
    while (loader->busy > 0)
        (void)pthread_cond_wait(&loader->changed, &loader->lock);
    for (int i = 0; i < BUFFERS; i++) {
        forget_faults(loader, &loader->buffers[i]);
        loader->buffers[i].left = 0;
    }
    const gn_status status =
        gn_order_samples(loader->order, loader->samples, &loader->options, &loader->balance, epoch);
    loader->epoch = epoch;
    loader->begun = loader->taken = status == GN_OK ? first : loader->batches;
    (void)pthread_cond_broadcast(&loader->changed);
    (void)pthread_mutex_unlock(&loader->lock);
    return status;
}

gn_status gn_loader_next(struct gn_loader *loader, struct gn_batch *batch)
{
    *batch = (struct gn_batch){ .n = 0 };
    (void)pthread_mutex_lock(&loader->lock);
    const uint64_t i = loader->taken;
    const bool there_is = i < loader->batches;
    if (there_is) {
        while (loader->begun <= i || loader->buffers[i % BUFFERS].left > 0)
            (void)pthread_cond_wait(&loader->changed, &loader->lock);
        loader->taken++;
        (void)pthread_cond_broadcast(&loader->changed);
    }
    (void)pthread_mutex_unlock(&loader->lock);
    if (!there_is)
        return GN_OK;
    return gn_loader_settle(loader, i, batch);
}
