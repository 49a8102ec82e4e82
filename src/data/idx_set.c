/*
 * A data set of IDX files: images and labels of a split, checked against each other and, for a
 * named set, against its digests, before anybody sees them. Unpacking and digesting the images takes
 * longer than all else before a first step, so it happens in a thread of its own.
 */
#include "data/open.h"

#include "file/file.h"
#include "base/memory.h"
#include "base/task.h"
#include "data/idx.h"
#include "data/known.h"

#include <inttypes.h>
#include <string.h>

enum { MOST_SAMPLES = INT32_MAX };

/* The folder lacks a file of the split: names all of the four that are missing. */
static gn_status missing_files(const char *folder)
{
    char list[256] = "", path[GN_PATH_BYTES], name[GN_PATH_TEXT];
    size_t used = 0;
    int missing = 0;
    for (int i = 0; i < GN_IDX_FILES; i++) {
        if (gn_idx_find(path, folder, (enum gn_idx_file)i))
            continue;
        (void)snprintf(list + used, sizeof list - used, "%s%s", missing > 0 ? ", " : "",
                       gn_idx_file_names[i]);
        used = strlen(list);
        missing++;
    }
    (void)gn_printable(name, sizeof name, folder);
    GN_FAIL(GN_STATUS_BAD_DATA, "%s: data set: %s %s missing (each may be plain or .gz)", name,
            list, missing == 1 ? "is" : "are");
}

static int largest(const uint8_t *labels, uint64_t n)
{
    int most = 0;
    for (uint64_t i = 0; i < n; i++)
        most = labels[i] > most ? labels[i] : most;
    return most;
}

/* The number of classes when nobody says it: one more than the largest label of both splits, so
 * that training and test set of a folder agree. */
static gn_status count_classes(struct gn_dataset *data, const uint8_t *own)
{
    const enum gn_idx_file other =
        data->options.split == GN_TRAIN ? GN_TEST_LABELS : GN_TRAIN_LABELS;
    int most = largest(own, data->samples);
    char path[GN_PATH_BYTES];
    if (gn_idx_find(path, data->path, other)) {
        struct gn_idx idx;
        uint8_t *labels = NULL;
        GN_TRY(gn_idx_open(&idx, path, false, false));
        const gn_status status = gn_idx_read(&idx, &labels, NULL);
        if (status == GN_OK) {
            const int theirs = largest(labels, idx.dims[0]);
            most = theirs > most ? theirs : most;
        }
        gn_free(labels);
        gn_idx_close(&idx);
        GN_TRY(status);
    }
    data->classes = most + 1;
    return GN_OK;
}

/* A split that is being read. */
struct idx_split {
    struct gn_coming coming; /* the first, see split_of */
    struct gn_dataset *data;
    const struct gn_known_set *set; /* NULL: none */
    const enum gn_idx_file *files;  /* images, labels */
    struct gn_idx idx[2];           /* of these */
    uint8_t *labels;                /* as stored */
    struct gn_task task;
};

/* Checks all labels of the file, and keeps those of the set's samples as numbers. */
static gn_status take_labels(struct gn_dataset *data, const uint8_t *labels,
                             const struct gn_idx *idx)
{
    data->labels = gn_calloc((size_t)data->samples, sizeof *data->labels, "labels");
    if (data->labels == NULL)
        return gn_last_status();
    for (uint64_t i = 0; i < idx->dims[0]; i++) {
        if (i < data->samples)
            data->labels[i] = labels[i];
        if (labels[i] >= data->classes) {
            char name[GN_PATH_TEXT];
            GN_FAIL(GN_STATUS_BAD_DATA,
                    "%s: IDX: label outside the classes (label=%d of sample %" PRIu64
                    ", classes=%d) at byte %" PRIu64,
                    gn_printable(name, sizeof name, idx->path), (int)labels[i], i, data->classes,
                    8 + i);
        }
    }
    return GN_OK;
}

/* Both files are open: they must belong together. */
static gn_status check_pair(const struct gn_idx *images, const struct gn_idx *labels)
{
    char a[GN_PATH_TEXT], b[GN_PATH_TEXT];
    (void)gn_printable(a, sizeof a, images->path);
    if (images->dims[0] != labels->dims[0])
        GN_FAIL(GN_STATUS_BAD_DATA,
                "%s: IDX: counts differ (%" PRIu64 " images, but %" PRIu64
                " labels in %s) at byte 4",
                a, images->dims[0], labels->dims[0], gn_printable(b, sizeof b, labels->path));
    if (images->dims[0] > MOST_SAMPLES)
        GN_FAIL(GN_STATUS_BAD_DATA,
                "%s: IDX: too many samples (count=%" PRIu64 ", limit %d) at byte 4", a,
                images->dims[0], MOST_SAMPLES);
    return GN_OK;
}

static int count_from(const struct gn_dataset *data, const struct gn_known_set *set)
{
    return data->options.classes > 0 ? data->options.classes : set != NULL ? set->classes : 0;
}

/* Reads one of both files and verifies it when the set is a named one. */
static gn_status read_file(struct idx_split *split, int i, uint8_t **values)
{
    char md5[GN_MD5_HEX];
    GN_TRY(gn_idx_read(&split->idx[i], values, split->set != NULL ? md5 : NULL));
    return split->set == NULL ? GN_OK
                              : gn_known_check(split->set, split->files[i], &split->idx[i], md5);
}

/* Sizes and classes. The labels are read for it: they are small, and may be wrong too. */
static gn_status begin(struct idx_split *split)
{
    struct gn_dataset *data = split->data;
    const struct gn_idx *images = &split->idx[0];
    const uint64_t limit = data->options.limit;
    GN_TRY(check_pair(images, &split->idx[1]));
    data->samples = images->dims[0];
    data->height = (int)images->dims[1];
    data->width = (int)images->dims[2];
    data->channels = (int)images->dims[3];
    GN_TRY(read_file(split, 1, &split->labels));
    data->classes = count_from(data, split->set);
    if (data->classes == 0)
        GN_TRY(count_classes(data, split->labels));
    if (split->set != NULL && data->classes == split->set->classes)
        data->label_names = split->set->labels;
    if (limit > 0 && limit < data->samples) {
        data->unread = data->samples - limit;
        data->samples = limit;
        gn_idx_limit(&split->idx[0], limit);
    }
    return GN_OK;
}

/* The rest, concurrently with the caller. */
static gn_status finish(void *argument)
{
    struct idx_split *split = argument;
    GN_TRY(read_file(split, 0, &split->data->pixels));
    GN_TRY(take_labels(split->data, split->labels, &split->idx[1]));
    gn_fingerprint_images(split->data);
    return GN_OK;
}

bool gn_holds_idx(const char *folder)
{
    char path[GN_PATH_BYTES];
    for (int i = 0; i < GN_IDX_FILES; i++)
        if (gn_idx_find(path, folder, (enum gn_idx_file)i))
            return true;
    return false;
}

static struct idx_split *split_of(const struct gn_dataset *data)
{
    return (struct idx_split *)(void *)data->coming;
}

static void give_up(struct gn_dataset *data)
{
    struct idx_split *split = split_of(data);
    gn_task_wait(&split->task);
    gn_free(split->labels);
    gn_idx_close(&split->idx[0]);
    gn_idx_close(&split->idx[1]);
    gn_free(split);
    data->coming = NULL;
}

static gn_status wait_for_rest(struct gn_dataset *data)
{
    GN_TRY(gn_task_join(&split_of(data)->task));
    give_up(data);
    return GN_OK;
}

gn_status gn_open_idx(struct gn_dataset *data, const struct gn_known_set *set)
{
    static const enum gn_idx_file split_files[2][2] = { { GN_TRAIN_IMAGES, GN_TRAIN_LABELS },
                                                        { GN_TEST_IMAGES, GN_TEST_LABELS } };
    const enum gn_idx_file *files = split_files[data->options.split != GN_TRAIN];
    char paths[2][GN_PATH_BYTES];
    if (!gn_idx_find(paths[0], data->path, files[0]) ||
        !gn_idx_find(paths[1], data->path, files[1]))
        return missing_files(data->path);
    struct idx_split *split = gn_calloc(1, sizeof *split, "reading a data set");
    if (split == NULL)
        return gn_last_status();
    split->coming = (struct gn_coming){ wait_for_rest, give_up };
    data->coming = &split->coming; /* given up with the data set after an error */
    split->data = data;
    split->set = set;
    split->files = files;
    GN_TRY(gn_idx_open(&split->idx[0], paths[0], true, set != NULL));
    GN_TRY(gn_idx_open(&split->idx[1], paths[1], false, set != NULL));
    GN_TRY(begin(split));
    gn_task_start(&split->task, finish, split);
    return GN_OK;
}
