/*
 * Dividing a set: a part for testing, or folds of which one is held back. Each class is divided by itself,
 * and a sample's part is told by the seed and its name or number.
 */
#include "data/open.h"

#include "file/file.h"
#include "base/memory.h"
#include "base/random.h"

#include <stdlib.h>
#include <string.h>

static const double DEFAULT_FRACTION = 0.1;

/* A picture's turn in the draw of its class. */
struct draw {
    int32_t label;
    uint32_t picture;
    uint64_t rank;
};

static int by_class_and_rank(const void *pa, const void *pb)
{
    const struct draw *a = pa, *b = pb;
    if (a->label != b->label)
        return a->label < b->label ? -1 : 1;
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    return a->picture < b->picture ? -1 : a->picture > b->picture;
}

/* A picture keeps its rank when others come and go, and when the folder is moved. */
static uint64_t rank_of(uint64_t seed, const char *name)
{
    uint64_t rank = gn_mix64(seed);
    for (const char *p = name; *p != '\0'; p++)
        rank = gn_mix64(rank ^ (uint8_t)*p);
    return rank;
}

/* Marks the test pictures: of each class its share, so that the sum over the classes so far is
 * `fraction` of their pictures, rounded. */
static void choose_test(const struct draw *draws, size_t n, double fraction, bool *is_test)
{
    size_t taken = 0;
    for (size_t first = 0, end; first < n; first = end) {
        for (end = first; end < n && draws[end].label == draws[first].label; end++)
            continue;
        const size_t due = (size_t)(fraction * (double)end + 0.5);
        for (size_t i = first; i < end && taken < due; i++, taken++)
            is_test[draws[i].picture] = true;
    }
}

static gn_status check_division(const struct gn_dataset *data, double fraction)
{
    char name[GN_PATH_TEXT];
    if (data->samples > 0)
        return GN_OK;
    GN_FAIL(GN_STATUS_BAD_DATA,
            "%s: data set: a validation fraction of %g leaves no picture for %s",
            gn_printable(name, sizeof name, data->path), fraction,
            data->options.split != GN_TRAIN ? "testing" : "training");
}

gn_status gn_divide_files(struct gn_dataset *data, int32_t *labels)
{
    const struct gn_dataset_options *o = &data->options;
    struct gn_names *files = &data->files;
    data->divided = true;
    if (o->folds > 1)
        return GN_OK; /* gn_take_fold divides it */
    const double given = o->val_fraction > 0 ? o->val_fraction : DEFAULT_FRACTION;
    const double fraction = o->no_val_fraction ? 0 : given;
    struct draw *draws = gn_calloc(files->n, sizeof *draws, "the division of a data set");
    bool *is_test = gn_calloc(files->n, sizeof *is_test, "the division of a data set");
    if (draws == NULL || is_test == NULL) {
        gn_free(draws);
        gn_free(is_test);
        return gn_last_status();
    }
    for (size_t i = 0; i < files->n; i++)
        draws[i] = (struct draw){ .label = labels[i],
                                  .picture = (uint32_t)i,
                                  .rank = rank_of(o->seed, files->text[i]) };
    qsort(draws, files->n, sizeof *draws, by_class_and_rank);
    choose_test(draws, files->n, fraction, is_test);
    size_t kept = 0;
    for (size_t i = 0; i < files->n; i++)
        if (is_test[i] == (o->split != GN_TRAIN)) {
            files->text[kept] = files->text[i];
            labels[kept++] = labels[i];
        }
    files->n = kept;
    data->samples = kept;
    gn_free(draws);
    gn_free(is_test);
    return check_division(data, fraction);
}

/* ---- Folds ---- */

/* Sample i of a sorted draw belongs to fold i mod folds: every fold has its share of each class, and folds
 * differ by one sample. */
static void mark_fold(const struct gn_dataset *data, struct draw *draws, bool *held)
{
    const struct gn_dataset_options *o = &data->options;
    for (uint64_t i = 0; i < data->samples; i++)
        draws[i] =
            (struct draw){ .label = data->labels[i],
                           .picture = (uint32_t)i,
                           .rank = data->pixels == NULL ? rank_of(o->seed, data->files.text[i])
                                                        : gn_mix64(gn_mix64(o->seed) ^ i) };
    qsort(draws, (size_t)data->samples, sizeof *draws, by_class_and_rank);
    for (uint64_t i = 0; i < data->samples; i++)
        held[draws[i].picture] = i % (uint64_t)o->folds == (uint64_t)o->fold;
}

static void keep(struct gn_dataset *data, uint64_t to, uint64_t from)
{
    const size_t bytes = (size_t)data->height * (size_t)data->width * (size_t)data->channels;
    data->labels[to] = data->labels[from];
    if (data->pixels == NULL)
        data->files.text[to] = data->files.text[from];
    else if (to != from)
        memcpy(data->pixels + to * bytes, data->pixels + from * bytes, bytes);
}

gn_status gn_take_fold(struct gn_dataset *data)
{
    const struct gn_dataset_options *o = &data->options;
    char name[GN_PATH_TEXT];
    if (o->folds < 2 || (o->split != GN_TRAIN && !data->divided))
        return GN_OK;
    if (data->labels == NULL || data->samples < (uint64_t)o->folds)
        GN_FAIL(GN_STATUS_BAD_DATA, "%s: data set: %llu samples cannot be divided into %d folds",
                gn_printable(name, sizeof name, data->path),
                data->labels == NULL ? 0ULL : (unsigned long long)data->samples, o->folds);
    struct draw *draws =
        gn_calloc((size_t)data->samples, sizeof *draws, "the division of a data set");
    bool *held = gn_calloc((size_t)data->samples, sizeof *held, "the division of a data set");
    if (draws == NULL || held == NULL) {
        gn_free(draws);
        gn_free(held);
        return gn_last_status();
    }
    mark_fold(data, draws, held);
    uint64_t kept = 0;
    for (uint64_t i = 0; i < data->samples; i++)
        if (held[i] == data->fold_is_held)
            keep(data, kept++, i);
    data->samples = kept;
    if (data->pixels == NULL)
        data->files.n = (size_t)kept;
    data->has_val = true;
    gn_free(draws);
    gn_free(held);
    return GN_OK;
}
