/*
 * Folders of pictures: a folder for each class, and pictures anywhere below it. Classes are numbered
 * by their names in byte order, or as the caller's labels are.
 */
#include "data/open.h"

#include "file/file.h"
#include "base/memory.h"
#include "data/walk.h"

gn_status gn_walk_pictures(struct gn_dataset *data)
{
    struct gn_walk walk = { .root = data->path, .files = &data->files, .unused = &data->unused };
    GN_TRY(gn_walk_below(&walk, ""));
    gn_names_sort_paths(&data->files, 0);
    return GN_OK;
}

/* The classes are the folders in `root`; numbers[i] gets the label of the i-th. */
static gn_status find_classes(struct gn_dataset *data, const char *root, struct gn_names *classes,
                              int32_t **numbers)
{
    char text[GN_PATH_TEXT];
    GN_TRY(gn_list_entries(root, true, classes, NULL));
    if (classes->n == 0)
        GN_FAIL(GN_STATUS_BAD_DATA, "%s: data set: holds no folder of a class",
                gn_printable(text, sizeof text, root));
    *numbers = gn_calloc(classes->n, sizeof **numbers, "classes");
    return *numbers == NULL ? gn_last_status() : gn_number_classes(data, classes, *numbers);
}

/* Adds the pictures of the class in the folder `name` of data->path and their labels. */
static gn_status add_class(struct gn_dataset *data, struct gn_walk *w, const char *name,
                           int32_t label, int32_t **labels)
{
    char root[GN_PATH_TEXT], shown[GN_PATH_TEXT];
    const size_t first = data->files.n;
    GN_TRY(gn_walk_below(w, name));
    gn_names_sort_paths(&data->files, first);
    if (data->files.n == first)
        GN_FAIL(GN_STATUS_BAD_DATA, "%s: data set: the class \"%s\" holds no picture",
                gn_printable(root, sizeof root, data->path),
                gn_printable(shown, sizeof shown, name));
    if (data->files.n > INT32_MAX)
        GN_FAIL(GN_STATUS_BAD_DATA, "%s: data set: more than %d pictures",
                gn_printable(root, sizeof root, data->path), INT32_MAX);
    int32_t *grown = gn_realloc(*labels, data->files.n * sizeof *grown, "labels");
    if (grown == NULL)
        return gn_last_status();
    *labels = grown;
    for (size_t i = first; i < data->files.n; i++)
        grown[i] = label;
    return GN_OK;
}

/* The pictures of all classes that have a folder in data->path. */
static gn_status add_pictures(struct gn_dataset *data, const struct gn_names *classes,
                              const int32_t *numbers, int32_t **labels)
{
    char root[GN_PATH_TEXT], shown[GN_PATH_TEXT];
    struct gn_names folders = { 0 };
    struct gn_walk w = { .root = data->path, .files = &data->files, .unused = &data->unused };
    gn_status status = gn_list_entries(data->path, true, &folders, NULL);
    for (size_t i = 0; i < folders.n && status == GN_OK; i++) {
        const int class = gn_names_find(classes, folders.text[i]);
        if (class < 0)
            status = gn_fail(GN_STATUS_BAD_DATA,
                             "%s: data set: the class \"%s\" has no training pictures",
                             gn_printable(root, sizeof root, data->path),
                             gn_printable(shown, sizeof shown, folders.text[i]));
        else
            status = add_class(data, &w, folders.text[i], numbers[class], labels);
    }
    gn_names_free(&folders);
    return status;
}

gn_status gn_open_folder(struct gn_dataset *data)
{
    char root[GN_PATH_BYTES];
    struct gn_names classes = { 0 };
    int32_t *numbers = NULL, *labels = NULL;
    bool divide;
    GN_TRY(gn_find_split(data, root, &divide));
    gn_status status = find_classes(data, root, &classes, &numbers);
    if (status == GN_OK)
        status = add_pictures(data, &classes, numbers, &labels);
    if (status == GN_OK && divide)
        status = gn_divide_files(data, labels);
    gn_names_free(&classes);
    gn_free(numbers);
    data->labels = labels;
    data->samples = data->files.n;
    GN_TRY(status);
    return gn_finish_files(data);
}
