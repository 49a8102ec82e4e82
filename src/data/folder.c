/*
 * Folders of pictures: a folder for each class, and pictures anywhere below it. Classes are numbered
 * by their names in byte order. Training and test pictures stand in train/ and test/ (or val/); a
 * set without this division is divided by seed. A file is a picture by its name, so that a damaged one
 * is missed by nobody, or by its first bytes.
 */
#include "data/open.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "picture/picture.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

enum { DEEPEST = 16, MOST_FOLDERS = 1 << 18, MOST_FILES = 1 << 26 };

static gn_status join(char path[GN_PATH_BYTES], const char *folder, const char *name)
{
    char text[GN_PATH_TEXT];
    if (!gn_path_join(path, folder, name))
        GN_FAIL(GN_STATUS_BAD_DATA, "%s: data set: a path below it is too long (%zu bytes)",
                gn_printable(text, sizeof text, folder), strlen(folder) + 1 + strlen(name));
    return GN_OK;
}

static bool is_folder(const char *folder, const char *name)
{
    char path[GN_PATH_BYTES];
    return gn_path_join(path, folder, name) && gn_path_is_folder(path);
}

/* Adds the names in `path` that are folders (or are not, as wanted), in byte order. Names that begin
 * with a dot are nobody's. */
static gn_status list_entries(const char *path, bool folders, struct gn_names *names)
{
    char text[GN_PATH_TEXT], reason[GN_ERRNO_TEXT];
    const size_t first = names->n;
    const struct dirent *entry;
    DIR *list = opendir(path);
    if (list == NULL)
        GN_FAIL(GN_STATUS_BAD_DATA, "%s: data set: the folder cannot be read: %s",
                gn_printable(text, sizeof text, path), gn_errno_text(errno, reason));
    gn_status status = GN_OK;
    while (status == GN_OK && (entry = readdir(list)) != NULL)
        if (entry->d_name[0] != '.' && is_folder(path, entry->d_name) == folders)
            status = gn_names_add(names, entry->d_name);
    (void)closedir(list);
    gn_names_sort(names, first);
    return status;
}

bool gn_holds_folders(const char *folder)
{
    struct gn_names names = { 0 };
    const bool holds = list_entries(folder, true, &names) == GN_OK && names.n > 0;
    gn_names_free(&names);
    return holds;
}

/* A walk through folders. Links are followed, and a few of them can make any number of paths: the whole
 * has a limit. */
struct walk {
    const char *root;
    struct gn_names *files; /* gets the pictures, as paths below root */
    uint64_t folders, seen; /* so far */
};

static gn_status check_limits(const struct walk *w)
{
    char name[GN_PATH_TEXT];
    if (w->folders <= MOST_FOLDERS && w->seen <= MOST_FILES)
        return GN_OK;
    GN_FAIL(GN_STATUS_BAD_DATA,
            "%s: data set: more than %d folders or %d files below it (do links lead back to it?)",
            gn_printable(name, sizeof name, w->root), MOST_FOLDERS, MOST_FILES);
}

static gn_status add_pictures_of(struct walk *w, const char *path, const char *below)
{
    char name[GN_PATH_BYTES], file[GN_PATH_BYTES];
    struct gn_names entries = { 0 };
    gn_status status = list_entries(path, false, &entries);
    w->seen += entries.n;
    if (status == GN_OK)
        status = check_limits(w);
    for (size_t i = 0; i < entries.n && status == GN_OK; i++) {
        status = join(file, path, entries.text[i]);
        if (status == GN_OK && !gn_picture_named(entries.text[i]) &&
            gn_picture_recognise_file(file) == NULL)
            continue;
        if (status == GN_OK && below[0] != '\0')
            status = join(name, below, entries.text[i]);
        if (status == GN_OK)
            status = gn_names_add(w->files, below[0] == '\0' ? entries.text[i] : name);
    }
    gn_names_free(&entries);
    return status;
}

static gn_status walk(struct walk *w, const char *below, int depth)
{
    char path[GN_PATH_BYTES], name[GN_PATH_BYTES];
    struct gn_names entries = { 0 };
    GN_TRY(join(path, w->root, below));
    if (depth > DEEPEST)
        GN_FAIL(GN_STATUS_BAD_DATA, "%s: data set: more than %d folders in each other",
                gn_printable(name, GN_PATH_TEXT, path), DEEPEST);
    w->folders++;
    gn_status status = add_pictures_of(w, path, below);
    if (status == GN_OK)
        status = list_entries(path, true, &entries);
    for (size_t i = 0; i < entries.n && status == GN_OK; i++) {
        status = below[0] == '\0' ? GN_OK : join(name, below, entries.text[i]);
        if (status == GN_OK)
            status = walk(w, below[0] == '\0' ? entries.text[i] : name, depth + 1);
    }
    gn_names_free(&entries);
    return status;
}

gn_status gn_walk_pictures(struct gn_names *files, const char *folder)
{
    const size_t first = files->n;
    struct walk w = { .root = folder, .files = files };
    GN_TRY(walk(&w, "", 0));
    gn_names_sort_paths(files, first);
    return GN_OK;
}

/* ---- Classes ---- */

/* The classes are the folders in `root`; numbers[i] gets the label of the i-th. */
static gn_status find_classes(struct gn_dataset *data, const char *root, struct gn_names *classes,
                              int32_t **numbers)
{
    char text[GN_PATH_TEXT];
    GN_TRY(list_entries(root, true, classes));
    if (classes->n == 0)
        GN_FAIL(GN_STATUS_BAD_DATA, "%s: data set: holds no folder of a class",
                gn_printable(text, sizeof text, root));
    *numbers = gn_calloc(classes->n, sizeof **numbers, "classes");
    return *numbers == NULL ? gn_last_status() : gn_number_classes(data, classes, *numbers);
}

/* ---- Pictures ---- */

/* Adds the pictures of the class in the folder `name` of data->path and their labels. */
static gn_status add_class(struct gn_dataset *data, struct walk *w, const char *name, int32_t label,
                           int32_t **labels)
{
    char root[GN_PATH_TEXT], shown[GN_PATH_TEXT];
    const size_t first = data->files.n;
    GN_TRY(walk(w, name, 0));
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
    struct walk w = { .root = data->path, .files = &data->files };
    gn_status status = list_entries(data->path, true, &folders);
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

static gn_status go_below(struct gn_dataset *data, const char *below)
{
    char path[GN_PATH_BYTES];
    GN_TRY(join(path, data->path, below));
    gn_free(data->path);
    data->path = gn_strdup(path);
    return data->path == NULL ? gn_last_status() : GN_OK;
}

/* ---- Splits ---- */

/* The split that a folder's name means, in any case, or -1. */
static int split_named(const char *name)
{
    static const struct {
        const char *name;
        gn_split split;
    } names[] = { { "train", GN_TRAIN },    { "training", GN_TRAIN }, { "test", GN_TEST },
                  { "testing", GN_TEST },   { "val", GN_VAL },        { "valid", GN_VAL },
                  { "validation", GN_VAL }, { "dev", GN_VAL } };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (gn_same_word(name, names[i].name))
            return (int)names[i].split;
    return -1;
}

/* A folder's splits among its entries: splits[gn_split] is the name or NULL. */
static gn_status find_splits(const char *folder, const struct gn_names *entries, gn_split wanted,
                             const char *splits[3])
{
    char text[GN_PATH_TEXT], a[GN_PATH_TEXT], b[GN_PATH_TEXT];
    const char *other = NULL, *some = NULL;
    (void)gn_printable(text, sizeof text, folder);
    for (size_t i = 0; i < entries->n; i++) {
        const char *name = entries->text[i];
        const int split = split_named(name);
        if (split < 0) {
            other = name;
            continue;
        }
        if (splits[split] != NULL)
            GN_FAIL(GN_STATUS_BAD_DATA,
                    "%s: data set: holds %s/ and %s/, which both look like the same split; rename "
                    "or remove one",
                    text, gn_printable(a, sizeof a, splits[split]),
                    gn_printable(b, sizeof b, name));
        some = splits[split] = name;
    }
    const bool whole =
        splits[GN_TRAIN] != NULL && (splits[GN_TEST] != NULL || splits[GN_VAL] != NULL);
    if (some != NULL && other != NULL && !whole)
        GN_FAIL(
            GN_STATUS_BAD_DATA,
            "%s: data set: holds %s/, which looks like a split, next to %s/, which looks like a "
            "class; a set has train/ and val/ or test/, or only folders of classes",
            text, gn_printable(a, sizeof a, some), gn_printable(b, sizeof b, other));
    if (some != NULL && splits[GN_TRAIN] == NULL && wanted == GN_TRAIN)
        GN_FAIL(GN_STATUS_BAD_DATA, "%s: data set: holds %s/ but no train/", text,
                gn_printable(a, sizeof a, some));
    return GN_OK;
}

/* A folder of a split holds folders of classes. */
static gn_status check_split(const char *path)
{
    char text[GN_PATH_TEXT];
    if (gn_holds_folders(path))
        return GN_OK;
    GN_FAIL(GN_STATUS_BAD_DATA,
            "%s: data set: by its name this is a split of the set, but it holds no folder of a "
            "class; a class must have another name",
            gn_printable(text, sizeof text, path));
}

/* The folder that says the classes, and that of the pictures, which becomes data->path. *divide: it
 * holds both splits. */
static gn_status find_folders(struct gn_dataset *data, char classes[GN_PATH_BYTES], bool *divide)
{
    const gn_split wanted = data->options.split;
    const char *splits[3] = { NULL };
    struct gn_names entries = { 0 };
    gn_status status = list_entries(data->path, true, &entries);
    if (status == GN_OK)
        status = find_splits(data->path, &entries, wanted, splits);
    const char *train = splits[GN_TRAIN] == NULL ? "" : splits[GN_TRAIN];
    const char *second = wanted == GN_TEST ? splits[GN_VAL] : splits[GN_TEST];
    const char *held = wanted == GN_TRAIN || splits[wanted] != NULL ? splits[wanted] : second;
    *divide = splits[GN_TEST] == NULL && splits[GN_VAL] == NULL;
    if (status == GN_OK)
        status = join(classes, data->path, train[0] == '\0' && held != NULL ? held : train);
    if (status == GN_OK)
        status = go_below(data, held == NULL ? train : held);
    if (status == GN_OK && train[0] != '\0')
        status = check_split(classes);
    if (status == GN_OK && train[0] != '\0')
        status = check_split(data->path);
    gn_names_free(&entries);
    return status;
}

gn_status gn_open_folder(struct gn_dataset *data)
{
    char root[GN_PATH_BYTES];
    struct gn_names classes = { 0 };
    int32_t *numbers = NULL, *labels = NULL;
    bool divide;
    GN_TRY(find_folders(data, root, &divide));
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
