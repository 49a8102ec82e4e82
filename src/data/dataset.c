/*
 * Data sets: finding out what a name or folder holds, and the public functions that look into a set.
 * What the kinds of sets look like on disk is known to one file each.
 */
#include "data/dataset.h"

#include "file/file.h"
#include "base/memory.h"
#include "data/archive.h"
#include "data/known.h"
#include "data/open.h"
#include "picture/picture.h"

#include <inttypes.h>
#include <string.h>

/* `data` is neither a folder nor a known name. */
static gn_status unknown_data(const char *data)
{
    char name[GN_PATH_TEXT];
    (void)gn_printable(name, sizeof name, data);
    if (gn_path_exists(data)) {
        (void)gn_fail(GN_STATUS_BAD_DATA, "%s: data set: is not a folder", name);
        gn_hint("a list of pictures has a name that ends in .txt or .tsv");
        return GN_STATUS_BAD_DATA;
    }
    if (gn_path_slash(data) != NULL)
        GN_FAIL(GN_STATUS_BAD_DATA, "%s: data set: there is no such folder", name);
    (void)gn_fail(GN_STATUS_BAD_DATA, "%s: data set: neither a folder nor a known name", name);
    const char *nearest = gn_known_nearest(data);
    if (nearest != NULL)
        gn_hint("did you mean %s?", nearest);
    else
        gn_hint("known are fashion-mnist, mnist, kmnist, cifar-10 and cifar-100");
    return GN_STATUS_BAD_DATA;
}

/* Finds the folder of the files; *set is NULL when it was named itself. */
static gn_status find_folder(char folder[GN_PATH_BYTES], const struct gn_known_set **set,
                             const struct gn_dataset_options *o)
{
    *set = NULL;
    if (gn_path_is_folder(o->data)) {
        if (!gn_path_join(folder, o->data, ""))
            GN_FAIL(GN_STATUS_BAD_DATA, "data set: the folder's name is too long (%zu bytes)",
                    strlen(o->data));
        return GN_OK;
    }
    const struct gn_archive *archive = gn_archive_find(o->data);
    if (archive != NULL && !gn_path_exists(o->data))
        return gn_archive_provide(folder, archive, o->data_dir, o->offline);
    *set = gn_known_find(o->data);
    if (*set == NULL || gn_path_exists(o->data))
        return unknown_data(o->data);
    return gn_known_provide(folder, *set, o->data_dir, o->offline);
}

/* List files are told by their names. */
static bool is_list(const char *path)
{
    const char *ending = gn_path_extension(path);
    return (strcmp(ending, ".txt") == 0 || strcmp(ending, ".tsv") == 0) && gn_path_is_file(path);
}

/* Images that are kept in memory: IDX or CIFAR. */
static gn_status load_images(struct gn_dataset *data, const struct gn_known_set *set)
{
    char inner[GN_PATH_BYTES];
    const enum gn_cifar kind = gn_cifar_find(data->path, inner);
    if (kind == GN_CIFAR_NONE || gn_holds_idx(data->path)) {
        GN_TRY(gn_open_idx(data, set));
        if (data->options.beside && data->options.folds < 2)
            return GN_OK;
        GN_TRY(gn_dataset_wait(data));
        if (data->options.folds < 2)
            return GN_OK;
        GN_TRY(gn_take_fold(data));
        gn_fingerprint_images(data);
        return GN_OK;
    }
    GN_TRY(gn_open_cifar(data, inner, kind));
    const uint64_t limit = data->options.limit;
    if (limit > 0 && limit < data->samples)
        data->samples = limit;
    GN_TRY(gn_take_fold(data));
    gn_fingerprint_images(data);
    return GN_OK;
}

static gn_status load(struct gn_dataset *data)
{
    const struct gn_dataset_options *o = &data->options;
    char folder[GN_PATH_BYTES], inner[GN_PATH_BYTES];
    const struct gn_known_set *set = NULL;
    const bool list = is_list(o->data);
    if (!list)
        GN_TRY(find_folder(folder, &set, o));
    data->name = gn_strdup(set != NULL ? set->name : o->data);
    data->path = gn_strdup(list ? o->data : folder);
    if (data->name == NULL || data->path == NULL)
        return gn_last_status();
    if (list)
        return gn_open_list(data, o->data);
    data->has_test =
        set != NULL || gn_holds_idx(folder) || gn_cifar_find(folder, inner) != GN_CIFAR_NONE;
    if (data->has_test)
        return load_images(data, set);
    if (gn_holds_folders(folder))
        return gn_open_folder(data);
    GN_TRY(gn_check_flat(folder));
    return load_images(data, set); /* which says what it lacks */
}

static gn_status check_options(const struct gn_dataset_options *o)
{
    if (o == NULL || o->data == NULL || o->data[0] == '\0')
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "data set: neither a folder nor a name is given");
    if ((int)o->split < 0 || o->split > GN_VAL)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "data set: unknown split %d", (int)o->split);
    if (o->size < 0)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "data set: size %d is negative", o->size);
    if (o->classes < 0)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "data set: %d classes are negative", o->classes);
    if (o->labels != NULL && o->classes == 0)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                "data set: .labels is given without .classes, their number");
    if ((int)o->resize < 0 || o->resize > GN_RESIZE_PIL_BILINEAR)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "data set: unknown resize rule %d", (int)o->resize);
    if (!(o->val_fraction >= 0) || o->val_fraction > 1)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "data set: val_fraction is %g, it must be 0 to 1",
                o->val_fraction);
    if (o->folds < 0 || o->folds == 1 || (o->folds > 0 && (o->fold < 0 || o->fold >= o->folds)))
        GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                "data set: fold %d of %d: there must be two or more, counted from 0", o->fold,
                o->folds);
    if (o->channels != 0 && o->channels != 1 && o->channels != 3)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "data set: pictures have 1 or 3 channels, not %d",
                o->channels);
    if ((int)o->on_bad_image < 0 || o->on_bad_image > GN_BAD_SKIP)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "data set: unknown policy %d for bad pictures",
                (int)o->on_bad_image);
    return GN_OK;
}

/* The data set keeps its own copies of the strings. */
static gn_status copy_options(struct gn_dataset *data, const struct gn_dataset_options *options)
{
    data->options = *options;
    data->fold_is_held = options->folds > 1 && options->split != GN_TRAIN;
    if (options->folds > 1 && options->split == GN_VAL)
        data->options.split = GN_TRAIN;
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
    data->options.labels = NULL; /* the caller's, and needed no more */
    char name[GN_PATH_TEXT];
    gn_say(GN_LOG_INFO, "%s: opened, %llu images of %d classes",
           gn_printable(name, sizeof name, data->name), (unsigned long long)data->samples,
           data->classes);
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
    if (data->coming != NULL)
        data->coming->give_up(data);
    free_text(data->options.data);
    free_text(data->options.data_dir);
    gn_free(data->name);
    gn_free(data->path);
    gn_free(data->pixels);
    gn_free(data->labels);
    gn_free(data->facts);
    gn_names_free(&data->files);
    gn_names_free(&data->own_names);
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
        .divided = data->divided,
        .unread = data->unread,
        .has_val = data->has_val,
        .has_test = data->has_test,
        .unused = data->unused.files,
        .n_unused = data->unused.n,
        .unused_kinds = data->unused.kinds,
    };
    return GN_OK;
}

gn_status gn_dataset_ready(const struct gn_dataset *data)
{
    if (data->coming != NULL)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                "%s: its images are not there; gn_dataset_wait waits for them", data->name);
    return GN_OK;
}

static gn_status check_sample(const gn_dataset *data, uint64_t i)
{
    if (data == NULL)
        return gn_last_status();
    GN_TRY(gn_dataset_ready(data));
    if (i >= data->samples)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "%s: sample %" PRIu64 " of %" PRIu64 " (counted from 0)",
                data->name, i, data->samples);
    return GN_OK;
}

static gn_status copy_sample(const gn_dataset *data, uint64_t i, uint8_t *pixels, int *label)
{
    GN_TRY(check_sample(data, i));
    const size_t bytes = (size_t)data->height * (size_t)data->width * (size_t)data->channels;
    if (pixels != NULL && data->pixels == NULL)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                "%s: pictures have sizes of their own; gn_dataset_picture gives one", data->name);
    if (pixels != NULL)
        memcpy(pixels, data->pixels + i * bytes, bytes);
    if (label != NULL)
        *label = data->labels == NULL ? -1 : data->labels[i];
    return GN_OK;
}

/* Decodes or copies sample i. */
static gn_status take_picture(const gn_dataset *data, uint64_t i, struct gn_picture *picture)
{
    char path[GN_PATH_BYTES];
    if (data->pixels == NULL) {
        if (!gn_dataset_path(data, i, path))
            GN_FAIL(GN_STATUS_BAD_DATA, "%s: the path of a picture is too long", data->name);
        return gn_picture_read(picture, path, 0);
    }
    const size_t bytes = (size_t)data->height * (size_t)data->width * (size_t)data->channels;
    picture->height = data->height;
    picture->width = data->width;
    picture->channels = data->channels;
    picture->pixels = gn_alloc(bytes, "a picture");
    if (picture->pixels == NULL)
        return gn_last_status();
    memcpy(picture->pixels, data->pixels + i * bytes, bytes);
    return GN_OK;
}

/* The pixels are the caller's afterwards. */
static gn_status copy_picture(const gn_dataset *data, uint64_t i, struct gn_image *image)
{
    struct gn_picture picture = { 0 };
    GN_NEED(image, "the picture");
    *image = (struct gn_image){ 0 };
    GN_TRY(check_sample(data, i));
    const gn_status status = take_picture(data, i, &picture);
    if (status == GN_OK) {
        image->height = picture.height;
        image->width = picture.width;
        image->channels = picture.channels;
        image->pixels = picture.pixels;
        picture.pixels = NULL;
    }
    gn_picture_free(&picture);
    return status;
}

static gn_status describe_known(int i, const char *data_dir, bool verify,
                                struct gn_known_dataset *known)
{
    /* Of the calling thread, as the last error is: the caller has nothing to free. */
    static _Thread_local char folder[GN_PATH_BYTES];
    const struct gn_known_set *set = gn_known_set(i);
    int first = 0; /* archives are numbered after the sets of IDX files */
    while (gn_known_set(first) != NULL)
        first++;
    const struct gn_archive *archive = gn_archive_set(i - first);
    GN_NEED(known, "the description");
    if (set == NULL && archive == NULL)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "data set: number %d is not known", i);
    *known = set != NULL
                 ? (struct gn_known_dataset){ .name = set->name, .classes = set->classes }
                 : (struct gn_known_dataset){ .name = archive->name, .classes = archive->classes };
    if (set != NULL ? !gn_known_locate(folder, set, data_dir)
                    : !gn_archive_locate(folder, archive, data_dir))
        return GN_OK;
    known->where = folder;
    return verify && set != NULL ? gn_known_verify(set, folder, &known->verified) : GN_OK;
}

static gn_status provide(const char *name, const char *data_dir, bool offline,
                         char folder[GN_PATH_BYTES])
{
    const struct gn_known_set *set = gn_known_find(name);
    const struct gn_archive *archive = gn_archive_find(name);
    bool verified;
    if (archive != NULL)
        return gn_archive_provide(folder, archive, data_dir, offline);
    if (set == NULL)
        return unknown_data(name);
    GN_TRY(gn_known_provide(folder, set, data_dir, offline));
    return gn_known_verify(set, folder, &verified);
}

static gn_status get(const char *name, const char *data_dir, bool offline, char *where,
                     size_t where_size)
{
    char folder[GN_PATH_BYTES];
    if (name == NULL)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "data set: no name is given");
    GN_TRY(provide(name, data_dir, offline, folder));
    if (where == NULL)
        return GN_OK;
    const int n = snprintf(where, where_size, "%s", folder);
    if (n < 0 || (size_t)n >= where_size)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "%s: its folder's name needs %d bytes, %zu are given", name,
                n + 1, where_size);
    return GN_OK;
}

gn_status gn_dataset_wait(gn_dataset *data)
{
    if (data == NULL)
        return gn_last_status();
    return data->coming == NULL ? GN_OK : data->coming->wait(data);
}

gn_status gn_dataset_describe(const gn_dataset *data, struct gn_dataset_info *info)
{
    return describe(data, info);
}

gn_status gn_dataset_sample(const gn_dataset *data, uint64_t i, uint8_t *pixels, int *label)
{
    return copy_sample(data, i, pixels, label);
}

gn_status gn_dataset_picture(const gn_dataset *data, uint64_t i, struct gn_image *image)
{
    return copy_picture(data, i, image);
}

const char *gn_dataset_file(const gn_dataset *data, uint64_t i)
{
    if (data == NULL || data->height > 0 || i >= data->samples)
        return NULL;
    return data->files.text[i];
}

gn_status gn_dataset_known(int i, const char *data_dir, bool verify, struct gn_known_dataset *known)
{
    return describe_known(i, data_dir, verify, known);
}

gn_status gn_dataset_get(const char *name, const char *data_dir, bool offline, char *where,
                         size_t where_size)
{
    return get(name, data_dir, offline, where, where_size);
}
