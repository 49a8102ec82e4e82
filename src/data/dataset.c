/*
 * Data sets: opening a folder of IDX files or a named set, with everything checked before anybody
 * sees it, and the public functions that look into one.
 */
#include "data/dataset.h"

#include "base/crc32c.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/reader.h"
#include "data/idx.h"
#include "data/known.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

enum { MOST_SAMPLES = INT32_MAX };

static bool is_folder(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

static bool exists(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0;
}

/* Whether the folder has a folder in it, as one with pictures by class does. */
static bool holds_folders(const char *folder)
{
    DIR *list = opendir(folder);
    if (list == NULL)
        return false;
    bool found = false;
    const struct dirent *entry;
    while (!found && (entry = readdir(list)) != NULL) {
        char path[GN_FOLDER_BYTES];
        const int n = snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        found = entry->d_name[0] != '.' && n > 0 && n < GN_FOLDER_BYTES && is_folder(path);
    }
    (void)closedir(list);
    return found;
}

/* The folder lacks a file of the split: names all of the four that are missing. */
static gn_status missing_files(const char *folder)
{
    char list[256] = "", path[GN_FOLDER_BYTES], name[GN_PATH_TEXT];
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
    if (missing == GN_IDX_FILES && holds_folders(folder))
        GN_FAIL(GN_STATUS_BAD_DATA,
                "%s: data set: holds folders but none of the IDX files; folders of pictures are "
                "not read by this version",
                name);
    GN_FAIL(GN_STATUS_BAD_DATA, "%s: data set: %s %s missing (each may be plain or .gz)", name,
            list, missing == 1 ? "is" : "are");
}

/* `data` is neither a folder nor a known name. */
static gn_status unknown_data(const char *data)
{
    char name[GN_PATH_TEXT];
    (void)gn_printable(name, sizeof name, data);
    if (exists(data))
        GN_FAIL(GN_STATUS_BAD_DATA, "%s: data set: is not a folder", name);
    if (strchr(data, '/') != NULL)
        GN_FAIL(GN_STATUS_BAD_DATA, "%s: data set: there is no such folder", name);
    (void)gn_fail(GN_STATUS_BAD_DATA, "%s: data set: neither a folder nor a known name", name);
    const char *nearest = gn_known_nearest(data);
    if (nearest != NULL)
        gn_hint("did you mean %s?", nearest);
    else
        gn_hint("known are fashion-mnist, mnist and kmnist");
    return GN_STATUS_BAD_DATA;
}

/* Finds the folder of the files; *set is NULL when it was named itself. */
static gn_status find_folder(char folder[GN_FOLDER_BYTES], const struct gn_known_set **set,
                             const struct gn_dataset_options *o)
{
    *set = NULL;
    if (is_folder(o->data)) {
        const int n = snprintf(folder, GN_FOLDER_BYTES, "%s", o->data);
        if (n < 0 || n >= GN_FOLDER_BYTES)
            GN_FAIL(GN_STATUS_BAD_DATA, "data set: the folder's name is too long (%d bytes)", n);
        return GN_OK;
    }
    *set = gn_known_find(o->data);
    if (*set == NULL || exists(o->data))
        return unknown_data(o->data);
    return gn_known_provide(folder, *set, o->data_dir, o->offline);
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
static gn_status count_classes(struct gn_dataset *data, gn_split split)
{
    const enum gn_idx_file other = split == GN_TRAIN ? GN_TEST_LABELS : GN_TRAIN_LABELS;
    int most = largest(data->labels, data->samples);
    char path[GN_FOLDER_BYTES];
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

static gn_status check_labels(const struct gn_dataset *data, const char *path)
{
    for (uint64_t i = 0; i < data->samples; i++)
        if (data->labels[i] >= data->classes) {
            char name[GN_PATH_TEXT];
            GN_FAIL(GN_STATUS_BAD_DATA,
                    "%s: IDX: label outside the classes (label=%d of sample %" PRIu64
                    ", classes=%d) at byte %" PRIu64,
                    gn_printable(name, sizeof name, path), (int)data->labels[i], i, data->classes,
                    8 + i);
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

/* Reads both opened files and verifies those of a named set. */
static gn_status read_pair(struct gn_dataset *data, struct gn_idx idx[2],
                           const enum gn_idx_file files[2], const struct gn_known_set *set)
{
    uint8_t **const values[2] = { &data->pixels, &data->labels };
    GN_TRY(check_pair(&idx[0], &idx[1]));
    data->samples = idx[0].dims[0];
    data->height = (int)idx[0].dims[1];
    data->width = (int)idx[0].dims[2];
    data->channels = (int)idx[0].dims[3];
    /* The labels first: they are small, and may be wrong too. */
    for (int i = 1; i >= 0; i--) {
        char md5[GN_MD5_HEX];
        GN_TRY(gn_idx_read(&idx[i], values[i], set != NULL ? md5 : NULL));
        if (set != NULL)
            GN_TRY(gn_known_check(set, files[i], &idx[i], md5));
    }
    if (data->options.classes > 0)
        data->classes = data->options.classes;
    else if (set != NULL)
        data->classes = set->classes;
    else
        GN_TRY(count_classes(data, data->options.split));
    if (set != NULL && data->classes == set->classes)
        data->label_names = set->labels;
    return check_labels(data, idx[1].path);
}

/* CRC32C over sizes, pixels and labels: two data sets of one fingerprint train alike. */
static uint32_t fingerprint(const struct gn_dataset *data)
{
    const uint64_t sizes[] = { data->samples, (uint64_t)data->height, (uint64_t)data->width,
                               (uint64_t)data->channels, (uint64_t)data->classes };
    uint32_t crc = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint8_t bytes[8];
        for (int k = 0; k < 8; k++)
            bytes[k] = (uint8_t)(sizes[i] >> (8 * k));
        crc = gn_crc32c(crc, bytes, sizeof bytes);
    }
    const size_t image = (size_t)data->height * (size_t)data->width * (size_t)data->channels;
    crc = gn_crc32c(crc, data->pixels, data->samples * image);
    return gn_crc32c(crc, data->labels, data->samples);
}

static gn_status load(struct gn_dataset *data)
{
    static const enum gn_idx_file split_files[2][2] = { { GN_TRAIN_IMAGES, GN_TRAIN_LABELS },
                                                        { GN_TEST_IMAGES, GN_TEST_LABELS } };
    const struct gn_dataset_options *o = &data->options;
    const enum gn_idx_file *files = split_files[o->split == GN_TEST];
    char folder[GN_FOLDER_BYTES], paths[2][GN_FOLDER_BYTES];
    const struct gn_known_set *set;
    GN_TRY(find_folder(folder, &set, o));
    data->name = gn_strdup(set != NULL ? set->name : o->data);
    data->path = gn_strdup(folder);
    if (data->name == NULL || data->path == NULL)
        return gn_last_status();
    if (!gn_idx_find(paths[0], folder, files[0]) || !gn_idx_find(paths[1], folder, files[1]))
        return missing_files(folder);
    struct gn_idx idx[2] = { { .rank = 0 }, { .rank = 0 } };
    gn_status status = gn_idx_open(&idx[0], paths[0], true, set != NULL);
    if (status == GN_OK)
        status = gn_idx_open(&idx[1], paths[1], false, set != NULL);
    if (status == GN_OK)
        status = read_pair(data, idx, files, set);
    gn_idx_close(&idx[0]);
    gn_idx_close(&idx[1]);
    GN_TRY(status);
    if (o->limit > 0 && o->limit < data->samples)
        data->samples = o->limit;
    data->fingerprint = fingerprint(data);
    return GN_OK;
}

static gn_status check_options(const struct gn_dataset_options *o)
{
    if (o == NULL || o->data == NULL || o->data[0] == '\0')
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "data set: neither a folder nor a name is given");
    if (o->split != GN_TRAIN && o->split != GN_TEST)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "data set: unknown split %d", (int)o->split);
    if (o->size < 0)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "data set: size %d is negative", o->size);
    if (o->classes < 0)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "data set: %d classes are negative", o->classes);
    if ((int)o->resize < 0 || o->resize > GN_RESIZE_PIL_BILINEAR)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "data set: unknown resize rule %d", (int)o->resize);
    return GN_OK;
}

/* The data set keeps its own copies of the strings. */
static gn_status copy_options(struct gn_dataset *data, const struct gn_dataset_options *options)
{
    data->options = *options;
    data->options.data = gn_strdup(options->data);
    data->options.data_dir = options->data_dir == NULL ? NULL : gn_strdup(options->data_dir);
    const bool lacks =
        data->options.data == NULL || (options->data_dir != NULL && data->options.data_dir == NULL);
    return lacks ? gn_last_status() : GN_OK;
}

gn_dataset *gn_open_dataset_with(const struct gn_dataset_options *options)
{
    if (check_options(options) != GN_OK)
        return NULL;
    struct gn_dataset *data = gn_calloc(1, sizeof *data, "a data set");
    if (data == NULL)
        return NULL;
    if (copy_options(data, options) != GN_OK || load(data) != GN_OK) {
        gn_close_dataset(data);
        return NULL;
    }
    return data;
}

/* The options' strings are the data set's own, whatever their type says. */
static void free_text(const char *text)
{
    union {
        const char *shown;
        char *owned;
    } p = { .shown = text };
    gn_free(p.owned);
}

void gn_close_dataset(gn_dataset *data)
{
    if (data == NULL)
        return;
    free_text(data->options.data);
    free_text(data->options.data_dir);
    gn_free(data->name);
    gn_free(data->path);
    gn_free(data->pixels);
    gn_free(data->labels);
    gn_free(data);
}

static gn_status describe(const gn_dataset *data, struct gn_dataset_info *info)
{
    if (data == NULL)
        return gn_last_status();
    if (info == NULL)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "%s: no place for the description is given", data->name);
    *info = (struct gn_dataset_info){
        .name = data->name,
        .path = data->path,
        .samples = data->samples,
        .height = data->height,
        .width = data->width,
        .channels = data->channels,
        .classes = data->classes,
        .labels = data->label_names,
    };
    return GN_OK;
}

static gn_status copy_sample(const gn_dataset *data, uint64_t i, uint8_t *pixels, int *label)
{
    if (data == NULL)
        return gn_last_status();
    if (i >= data->samples)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "%s: sample %" PRIu64 " of %" PRIu64 " (counted from 0)",
                data->name, i, data->samples);
    const size_t bytes = (size_t)data->height * (size_t)data->width * (size_t)data->channels;
    if (pixels != NULL)
        memcpy(pixels, data->pixels + i * bytes, bytes);
    if (label != NULL)
        *label = data->labels == NULL ? -1 : data->labels[i];
    return GN_OK;
}

static gn_status describe_known(int i, const char *data_dir, bool verify,
                                struct gn_known_dataset *known)
{
    /* Of the calling thread, as the last error is: the caller has nothing to free. */
    static _Thread_local char folder[GN_FOLDER_BYTES];
    const struct gn_known_set *set = gn_known_set(i);
    GN_NEED(known, "the description");
    if (set == NULL)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "data set: number %d is not known", i);
    *known = (struct gn_known_dataset){ .name = set->name, .classes = set->classes };
    if (!gn_known_locate(folder, set, data_dir))
        return GN_OK;
    known->where = folder;
    if (verify) {
        GN_TRY(gn_known_verify(set, folder));
        known->verified = true;
    }
    return GN_OK;
}

static gn_status get(const char *name, const char *data_dir, bool offline, char *where,
                     size_t where_size)
{
    char folder[GN_FOLDER_BYTES];
    if (name == NULL)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "data set: no name is given");
    const struct gn_known_set *set = gn_known_find(name);
    if (set == NULL)
        return unknown_data(name);
    GN_TRY(gn_known_provide(folder, set, data_dir, offline));
    GN_TRY(gn_known_verify(set, folder));
    if (where == NULL)
        return GN_OK;
    const int n = snprintf(where, where_size, "%s", folder);
    if (n < 0 || (size_t)n >= where_size)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "%s: its folder's name needs %d bytes, %zu are given",
                set->name, n + 1, where_size);
    return GN_OK;
}

int gn_dataset_describe(const gn_dataset *data, struct gn_dataset_info *info)
{
    return (int)describe(data, info);
}

int gn_dataset_sample(const gn_dataset *data, uint64_t i, uint8_t *pixels, int *label)
{
    return (int)copy_sample(data, i, pixels, label);
}

int gn_dataset_known(int i, const char *data_dir, bool verify, struct gn_known_dataset *known)
{
    return (int)describe_known(i, data_dir, verify, known);
}

int gn_dataset_get(const char *name, const char *data_dir, bool offline, char *where,
                   size_t where_size)
{
    return (int)get(name, data_dir, offline, where, where_size);
}
