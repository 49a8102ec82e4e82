/*
 * Taking a batch: what depends on its other samples. Which pictures could not be read is told to all ranks, so
 * that each knows which samples the batch has, and comes to the same end; the own ones close up and are mixed.
 */
#include "data/loader_internal.h"

#include <string.h>

#include "base/memory.h"

enum { FEW_BAD = 10, BAD_PERCENT = 5, FAULT_BYTES = 512 };

static int batch_size(const struct gn_loader *loader, uint64_t i)
{
    const uint64_t batch = (uint64_t)loader->options.batch, left = loader->samples - i * batch;
    return (int)(left < batch ? left : batch);
}

uint32_t gn_loader_sample(const struct gn_loader *loader, uint64_t i, int place)
{
    const uint64_t at = i * (uint64_t)loader->options.batch + (uint64_t)place;
    return (uint32_t)loader->options.first + loader->order[at];
}

bool gn_loader_is_gone(const struct gn_loader *loader, uint32_t sample)
{
    return loader->options.pictures != NULL && loader->options.pictures[sample].gone;
}

/* The end of the places that rank r makes, of a batch of n. */
static int end_of_rank(const struct gn_loader *loader, int n, int r)
{
    const int grains = (n + loader->grain - 1) / loader->grain;
    const gn_ranks *ranks = loader->options.ranks;
    const int first = loader->options.equal ? gn_ranks_equal_grain(ranks, grains, r + 1)
                                            : gn_ranks_first_grain(ranks, grains, r + 1);
    const int end = first * loader->grain;
    return end < n ? end : n;
}

struct part gn_loader_part(const struct gn_loader *loader, uint64_t i)
{
    const int n = batch_size(loader, i), rank = gn_ranks_rank(loader->options.ranks);
    struct part p = { .n = n, .to = end_of_rank(loader, n, rank) };
    p.from = rank == 0 ? 0 : end_of_rank(loader, n, rank - 1);
    p.after = loader->draws != NULL && p.to > p.from && p.to - p.from < n;
    return p;
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

/* What became of the samples of batch i, those of all ranks. */
static gn_status tell_outcomes(struct gn_loader *loader, uint64_t i, const struct part *part)
{
    const struct buffer *buffer = &loader->buffers[i % BUFFERS];
    size_t offsets[GN_MOST_RANKS + 1] = { 0 };
    for (int p = part->from; p < part->to; p++) {
        const int k = p - part->from;
        loader->outcomes[p] = (struct outcome){ buffer->digests[k], (int32_t)buffer->states[k] };
    }
    for (int r = 0; r < gn_ranks_size(loader->options.ranks); r++)
        offsets[r + 1] = (size_t)end_of_rank(loader, part->n, r) * sizeof *loader->outcomes;
    return gn_ranks_share(loader->options.ranks, loader->outcomes, offsets);
}

/* The sentences of what could not be read, in the order of places, FAULT_BYTES each; NULL in *texts: all could. */
static gn_status tell_faults(struct gn_loader *loader, uint64_t i, const struct part *part,
                             char **texts)
{
    const struct buffer *buffer = &loader->buffers[i % BUFFERS];
    size_t offsets[GN_MOST_RANKS + 1] = { 0 };
    int faults = 0;
    for (int r = 0, p = 0; r < gn_ranks_size(loader->options.ranks); r++) {
        for (; p < end_of_rank(loader, part->n, r); p++)
            faults += loader->outcomes[p].state != GN_OK;
        offsets[r + 1] = (size_t)faults * FAULT_BYTES;
    }
    *texts = NULL;
    if (faults == 0)
        return GN_OK;
    *texts = gn_calloc((size_t)faults, FAULT_BYTES, "what is wrong with pictures");
    if (*texts == NULL)
        return gn_last_status();
    char *at = *texts + offsets[gn_ranks_rank(loader->options.ranks)];
    for (int k = 0; k < part->to - part->from; k++) {
        if (buffer->states[k] == GN_OK)
            continue;
        (void)snprintf(at, FAULT_BYTES, "%s",
                       buffer->faults[k] == NULL ? "no memory" : buffer->faults[k]);
        at += FAULT_BYTES;
    }
    return gn_ranks_share(loader->options.ranks, *texts, offsets);
}

/* Which samples of batch i are in it; the first that ends the run is named, on all ranks alike. */
static gn_status judge(struct gn_loader *loader, uint64_t i, int n, const char *text)
{
    for (int p = 0; p < n; p++) {
        const uint32_t sample = gn_loader_sample(loader, i, p);
        const gn_status state = (gn_status)loader->outcomes[p].state;
        const bool gone = gn_loader_is_gone(loader, sample);
        loader->present[p] = state == GN_OK && !gone;
        if (gone)
            continue;
        if (state == GN_OK || state == GN_STATUS_BAD_DATA)
            GN_TRY(gn_picture_note(&loader->options, sample,
                                   state == GN_OK ? loader->outcomes[p].digest : 0));
        if (state == GN_OK)
            continue;
        const char *why = text;
        text += FAULT_BYTES;
        if (loader->options.report_bad && state == GN_STATUS_BAD_DATA)
            continue;
        if (loader->options.data->options.on_bad_image != GN_BAD_SKIP ||
            state != GN_STATUS_BAD_DATA)
            return gn_fail(state, "%s", why);
        GN_TRY(note_bad(loader, sample, why));
    }
    return GN_OK;
}

/* The own samples that are in the batch close up. */
static int close_up(struct gn_loader *loader, uint64_t i, const struct part *part)
{
    struct buffer *buffer = &loader->buffers[i % BUFFERS];
    const size_t image = loader->image_floats;
    int kept = 0;
    for (int p = part->from; p < part->to; p++) {
        const int k = p - part->from;
        if (!loader->present[p])
            continue;
        if (kept < k) {
            memcpy(buffer->images + (size_t)kept * image, buffer->images + (size_t)k * image,
                   image * sizeof(float));
            buffer->labels[kept] = buffer->labels[k];
        }
        buffer->samples[kept] = gn_loader_sample(loader, i, p);
        if (loader->draws != NULL)
            loader->draws[kept] =
                gn_draws_of(loader->options.seed, loader->epoch, buffer->samples[kept]);
        kept++;
    }
    return kept;
}

/* Leaves out the pictures of batch i that could not be read. */
static gn_status sort_out(struct gn_loader *loader, uint64_t i, struct gn_batch *batch)
{
    const struct part part = gn_loader_part(loader, i);
    struct buffer *buffer = &loader->buffers[i % BUFFERS];
    char *texts = NULL;
    int all = 0;
    GN_TRY(tell_outcomes(loader, i, &part));
    gn_status status = tell_faults(loader, i, &part, &texts);
    if (status == GN_OK)
        status = judge(loader, i, part.n, texts);
    gn_free(texts);
    GN_TRY(status);
    const int kept = close_up(loader, i, &part);
    for (int p = 0; p < part.n; p++)
        all += loader->present[p];
    *batch = (struct gn_batch){ .images = buffer->images,
                                .labels = buffer->labels,
                                .samples = buffer->samples,
                                .present = loader->present,
                                .n = kept,
                                .all = all,
                                .left_out = part.n - all,
                                .faults = buffer->faults };
    return GN_OK;
}

/* The image that the last own one is mixed with: that of the next place in the batch that is present. */
static gn_status find_after(struct gn_loader *loader, uint64_t i, const struct part *part,
                            const float **image, int32_t *label)
{
    struct buffer *buffer = &loader->buffers[i % BUFFERS];
    const size_t own = (size_t)(part->to - part->from);
    float *place = buffer->images + own * loader->image_floats;
    int p = part->to % part->n;
    while (!loader->present[p])
        p = (p + 1) % part->n;
    if (p >= part->from && p < part->to)
        return GN_OK; /* nobody else has one */
    const uint32_t sample = gn_loader_sample(loader, i, p);
    *image = place;
    *label = loader->options.data->labels == NULL ? -1 : loader->options.data->labels[sample];
    if (p == part->to % part->n && buffer->states[own] == GN_OK)
        return GN_OK;
    if (loader->latecomer == NULL)
        loader->latecomer = gn_sampler_create(&loader->options);
    return loader->latecomer == NULL
               ? gn_last_status()
               : gn_sampler_make(loader->latecomer, loader->epoch, sample, place);
}

static gn_status mix(struct gn_loader *loader, uint64_t i, struct gn_batch *batch)
{
    const struct gn_loader_options *o = &loader->options;
    const struct part part = gn_loader_part(loader, i);
    const struct buffer *buffer = &loader->buffers[i % BUFFERS];
    const float *after = loader->first;
    int32_t label = buffer->labels[0];
    batch->others = loader->others;
    batch->shares = loader->shares;
    if (batch->n == 0)
        return GN_OK;
    memcpy(loader->first, buffer->images, loader->image_floats * sizeof *loader->first);
    if (part.after)
        GN_TRY(find_after(loader, i, &part, &after, &label));
    gn_augment_mix(&o->augment, loader->draws, buffer->images, batch->n, o->height, o->width,
                   o->channels, after, label, buffer->labels, loader->others, loader->shares);
    return GN_OK;
}

gn_status gn_loader_settle(struct gn_loader *loader, uint64_t i, struct gn_batch *batch)
{
    GN_TRY(sort_out(loader, i, batch));
    return loader->draws != NULL ? mix(loader, i, batch) : GN_OK;
}
