/*
 * What sets of picture files have in common: the division into training and test samples by seed,
 * the number of channels, the paths.
 */
#include "data/open.h"

#include "file/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "picture/picture.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { PICTURES_MEASURED = 64 };

static const double DEFAULT_FRACTION = 0.1;

bool gn_dataset_path(const struct gn_dataset *data, uint64_t i, char path[GN_PATH_BYTES])
{
    return gn_path_join(path, data->path, data->files.text[i]);
}

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

/* 3 when one of some pictures, evenly spread over the set, has colours, else 1. Those that cannot be
 * read say nothing. */
static gn_status count_channels(struct gn_dataset *data)
{
    struct gn_picture picture = { 0 };
    char path[GN_PATH_BYTES];
    int most = 0;
    const uint64_t n = data->samples < PICTURES_MEASURED ? data->samples : PICTURES_MEASURED;
    gn_status status = GN_OK;
    for (uint64_t i = 0; i < n && most < 3 && status == GN_OK; i++) {
        if (!gn_dataset_path(data, i * data->samples / n, path))
            continue;
        status = gn_picture_measure(&picture, path);
        if (status == GN_OK && picture.channels > most)
            most = picture.channels;
        if (status == GN_STATUS_BAD_DATA)
            status = GN_OK;
    }
    gn_picture_free(&picture);
    data->channels = most == 1 ? 1 : 3;
    return status;
}

/* The sizes of the largest files' pictures, from their headers, say what decoding takes. */
static gn_status measure_largest(struct gn_dataset *data)
{
    enum { MEASURED = 8 };
    struct gn_picture picture = { 0 };
    char path[GN_PATH_BYTES];
    gn_status status = GN_OK;
    uint64_t below = UINT64_MAX;
    for (int k = 0; k < MEASURED && status == GN_OK; k++) {
        uint64_t largest = 0, at = 0;
        for (uint64_t i = 0; i < data->samples; i++)
            if (data->facts[i].size < below && data->facts[i].size > largest) {
                largest = data->facts[i].size;
                at = i;
            }
        if (largest == 0 || !gn_dataset_path(data, at, path))
            break;
        below = largest;
        status = gn_picture_measure(&picture, path);
        if (status == GN_OK) {
            const uint64_t bytes = (uint64_t)picture.height * (uint64_t)picture.width * 3;
            data->largest_picture = bytes > data->largest_picture ? bytes : data->largest_picture;
            data->largest_file = largest > data->largest_file ? largest : data->largest_file;
        }
        if (status != GN_STATUS_NO_MEMORY && status != GN_STATUS_IO)
            status = GN_OK; /* what is wrong with it is said when it is used */
    }
    gn_picture_free(&picture);
    return status;
}

gn_status gn_finish_files(struct gn_dataset *data)
{
    const uint64_t limit = data->options.limit;
    if (limit > 0 && limit < data->samples)
        data->samples = limit;
    GN_TRY(gn_fingerprint_files(data));
    GN_TRY(measure_largest(data));
    data->channels = data->options.channels;
    return data->channels == 0 ? count_channels(data) : GN_OK;
}
