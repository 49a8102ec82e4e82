/*
 * Batches ahead: threads of the loader's own decode, augment, scale and resize while the network
 * computes.
 *
 * Three buffers are made once: the caller holds one, up to two wait. Batch i of an epoch lies in
 * buffer i mod 3, and the threads fill it a few samples at a time. What a sample holds is a function
 * of the options, the epoch and its index alone, so neither the threads' number nor their pace
 * matter, and an epoch may begin at any batch. What depends on the other samples of a batch - which
 * pictures are left out, what is mixed with what - happens when the caller takes it.
 */
#include "data/loader.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "base/memory.h"
#include "base/threads.h"
#include "data/order.h"
#include "picture/picture.h"

enum { BUFFERS = 3, UNIT_IMAGES = 16, UNIT_PICTURES = 4, FEW_BAD = 10, BAD_PERCENT = 5 };

struct buffer {
    float *images;     /* [batch][height][width][channels] */
    int32_t *labels;   /* [batch] */
    uint32_t *samples; /* [batch]: indices */
    int *places;       /* [batch]: positions of those that are kept */
    char **faults;     /* [batch]: why a picture could not be read, or NULL */
    gn_status *states;
    uint32_t *digests; /* [batch], of picture files */
    int left;          /* samples not yet made */
};

struct worker {
    struct gn_loader *loader;
    struct gn_sampler *sampler;
    pthread_t thread;
    bool runs;
};

struct gn_loader {
    struct gn_loader_options options;
    uint32_t samples;
    uint64_t batches;
    size_t image_floats;
    uint32_t *order;           /* [samples] */
    struct gn_balance balance; /* of a balanced one */
    struct buffer buffers[BUFFERS];
    int32_t *others; /* [batch]; these four are for mixing, NULL without it */
    float *shares;
    struct gn_draws *draws;
    float *first;
    uint8_t *seen;       /* a bit a sample: it is on the list below */
    struct gn_names bad; /* sentences of the pictures that were left out */

    struct worker *workers;
    int n_workers;
    bool has_lock;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* anything below has */
    bool quit;
    int busy; /* threads that fill a part of a buffer */
    uint64_t epoch;
    uint64_t begun; /* the batch being handed out to threads, and how many samples of it */
    int handed;
    uint64_t taken; /* batches of this epoch that the caller had */
};

/* Samples of batch i. */
static int batch_size(const struct gn_loader *loader, uint64_t i)
{
    const uint64_t batch = (uint64_t)loader->options.batch, left = loader->samples - i * batch;
    return (int)(left < batch ? left : batch);
}

/* Sample `place` of batch i, as an index into the data set. */
static uint32_t sample_at(const struct gn_loader *loader, uint64_t i, int place)
{
    const uint64_t at = i * (uint64_t)loader->options.batch + (uint64_t)place;
    return (uint32_t)loader->options.first + loader->order[at];
}

/* Whether a picture was removed since the run began. */
static bool is_gone(const struct gn_loader *loader, uint32_t sample)
{
    return loader->options.pictures != NULL && loader->options.pictures[sample].gone;
}

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
    for (int k = from; k < to; k++) {
        const uint32_t i = sample_at(loader, batch, k);
        float *out = buffer->images + (size_t)k * loader->image_floats;
        buffer->labels[k] =
            loader->options.data->labels == NULL ? -1 : loader->options.data->labels[i];
        gn_free(buffer->faults[k]);
        buffer->faults[k] = NULL;
        buffer->states[k] = GN_OK;
        if (is_gone(loader, i))
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
    const int size = batch_size(loader, loader->begun);
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

/* Signals are for the caller's threads: a handler must not interrupt these. */
static gn_status start_threads(struct gn_loader *loader)
{
    int error = pthread_mutex_init(&loader->lock, NULL);
    if (error == 0)
        error = pthread_cond_init(&loader->changed, NULL);
    loader->has_lock = error == 0;
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    for (int i = 0; i < loader->n_workers && error == 0; i++) {
        struct worker *worker = &loader->workers[i];
        error = pthread_create(&worker->thread, NULL, run, worker);
        worker->runs = error == 0;
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
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
    const size_t batch = (size_t)loader->options.batch;
    buffer->images = gn_alloc(bytes, "a prepared batch");
    buffer->labels = gn_calloc(batch, sizeof *buffer->labels, "labels of a batch");
    buffer->samples = gn_calloc(batch, sizeof *buffer->samples, "a batch");
    buffer->places = gn_calloc(batch, sizeof *buffer->places, "a batch");
    buffer->faults = gn_calloc(batch, sizeof *buffer->faults, "a batch");
    buffer->states = gn_calloc(batch, sizeof *buffer->states, "a batch");
    buffer->digests = gn_calloc(batch, sizeof *buffer->digests, "a batch");
    const bool lacks = buffer->images == NULL || buffer->labels == NULL || buffer->faults == NULL ||
                       buffer->states == NULL || buffer->samples == NULL ||
                       buffer->digests == NULL || buffer->places == NULL;
    return lacks ? gn_last_status() : GN_OK;
}

static gn_status allocate_mixing(struct gn_loader *loader)
{
    const size_t batch = (size_t)loader->options.batch;
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
        __builtin_mul_overflow(floats, (size_t)o->batch * sizeof(float), &bytes))
        GN_FAIL(GN_STATUS_NO_MEMORY, "no memory for batches of %d images of %dx%d", o->batch,
                o->height, o->width);
    loader->image_floats = floats;
    loader->order = gn_calloc(loader->samples, sizeof *loader->order, "the order of samples");
    loader->seen = gn_calloc((size_t)o->data->samples / 8 + 1, 1, "the list of bad pictures");
    if (loader->order == NULL || loader->seen == NULL)
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
    for (int k = 0; buffer->faults != NULL && k < loader->options.batch; k++) {
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
        gn_free(buffer->places);
        gn_free(buffer->faults);
        gn_free(buffer->states);
        gn_free(buffer->digests);
    }
    gn_names_free(&loader->bad);
    gn_free(loader->workers);
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

/* The sentence of a picture without the set's own folder, which may be named in many ways. */
static const char *below_folder(const struct gn_dataset *data, const char *why)
{
    const size_t n = strlen(data->path);
    return n > 0 && strncmp(why, data->path, n) == 0 && why[n] == '/' ? why + n + 1 : why;
}

/* Puts a picture that is left out on the list, unless it is there. */
static gn_status note_bad(struct gn_loader *loader, uint32_t sample, const char *why)
{
    uint8_t *byte = &loader->seen[sample / 8];
    const uint8_t bit = (uint8_t)(1U << (sample % 8));
    if ((*byte & bit) != 0)
        return GN_OK;
    *byte |= bit;
    GN_TRY(gn_names_add(&loader->bad, below_folder(loader->options.data, why)));
    const uint64_t most = (uint64_t)loader->samples * BAD_PERCENT / 100;
    if (loader->bad.n == loader->samples)
        GN_FAIL(GN_STATUS_BAD_DATA, "%s: none of the %u pictures can be read; the last one: %s",
                loader->options.data->name, loader->samples, why);
    if (loader->bad.n > FEW_BAD && loader->bad.n > most)
        GN_FAIL(GN_STATUS_BAD_DATA,
                "%s: more than %d%% of the %u pictures cannot be read; the last one: %s",
                loader->options.data->name, BAD_PERCENT, loader->samples, why);
    return GN_OK;
}

/* Leaves out the pictures of batch i that could not be read; the others close up. */
static gn_status sort_out(struct gn_loader *loader, uint64_t i, struct gn_batch *batch)
{
    struct buffer *buffer = &loader->buffers[i % BUFFERS];
    const int n = batch_size(loader, i);
    const size_t image = loader->image_floats;
    int kept = 0;
    for (int k = 0; k < n; k++) {
        const uint32_t sample = sample_at(loader, i, k);
        if (is_gone(loader, sample))
            continue;
        if (buffer->states[k] == GN_OK || buffer->states[k] == GN_STATUS_BAD_DATA)
            GN_TRY(gn_picture_note(&loader->options, sample,
                                   buffer->states[k] == GN_OK ? buffer->digests[k] : 0));
        if (buffer->faults[k] != NULL || buffer->states[k] != GN_OK) {
            const char *why = buffer->faults[k] == NULL ? "no memory" : buffer->faults[k];
            if (loader->options.report_bad && buffer->states[k] == GN_STATUS_BAD_DATA)
                continue;
            if (loader->options.data->options.on_bad_image != GN_BAD_SKIP ||
                buffer->states[k] != GN_STATUS_BAD_DATA)
                return gn_fail(buffer->states[k], "%s", why);
            GN_TRY(note_bad(loader, sample, why));
            gn_free(buffer->faults[k]);
            buffer->faults[k] = NULL;
            continue;
        }
        if (kept < k) {
            memcpy(buffer->images + (size_t)kept * image, buffer->images + (size_t)k * image,
                   image * sizeof(float));
            buffer->labels[kept] = buffer->labels[k];
        }
        buffer->samples[kept] = sample;
        buffer->places[kept] = k;
        if (loader->draws != NULL)
            loader->draws[kept] = gn_draws_of(loader->options.seed, loader->epoch, sample);
        kept++;
    }
    *batch = (struct gn_batch){ .images = buffer->images,
                                .labels = buffer->labels,
                                .samples = buffer->samples,
                                .places = buffer->places,
                                .n = kept,
                                .left_out = n - kept,
                                .faults = buffer->faults };
    return GN_OK;
}

static void mix(struct gn_loader *loader, uint64_t i, struct gn_batch *batch)
{
    const struct gn_loader_options *o = &loader->options;
    const struct buffer *buffer = &loader->buffers[i % BUFFERS];
    gn_augment_mix(&o->augment, loader->draws, buffer->images, batch->n, o->height, o->width,
                   o->channels, loader->first, buffer->labels, loader->others, loader->shares);
    batch->others = loader->others;
    batch->shares = loader->shares;
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
    GN_TRY(sort_out(loader, i, batch));
    if (loader->draws != NULL)
        mix(loader, i, batch);
    return GN_OK;
}
