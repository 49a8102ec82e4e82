/*
 * The walk through folders of pictures. A file is a picture by its name, so that a damaged one is missed
 * by nobody, or by its first bytes; every other file is counted, so that it can be said what a set
 * leaves out.
 */
#include "data/walk.h"

#include "file/file.h"
#include "base/text.h"
#include "data/open.h"
#include "picture/picture.h"

#include <errno.h>
#include <string.h>

enum { DEEPEST = 16, MOST_FOLDERS = 1 << 18, MOST_FILES = 1 << 26 };

gn_status gn_walk_join(char path[GN_PATH_BYTES], const char *folder, const char *name)
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

gn_status gn_list_entries(const char *path, bool folders, struct gn_names *names, uint64_t *hidden)
{
    char text[GN_PATH_TEXT], reason[GN_ERRNO_TEXT];
    const size_t first = names->n;
    const char *name;
    struct gn_listing *list = gn_list_folder(path);
    if (list == NULL)
        GN_FAIL(GN_STATUS_BAD_DATA, "%s: data set: the folder cannot be read: %s",
                gn_printable(text, sizeof text, path), gn_errno_text(errno, reason));
    gn_status status = GN_OK;
    while (status == GN_OK && (name = gn_list_next(list)) != NULL) {
        const bool is_self = strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
        if (name[0] != '.' && is_folder(path, name) == folders)
            status = gn_names_add(names, name);
        else if (name[0] == '.' && !is_self && hidden != NULL)
            ++*hidden;
    }
    gn_list_end(list);
    gn_names_sort(names, first);
    return status;
}

bool gn_holds_folders(const char *folder)
{
    struct gn_names names = { 0 };
    const bool holds = gn_list_entries(folder, true, &names, NULL) == GN_OK && names.n > 0;
    gn_names_free(&names);
    return holds;
}

/* ---- What is left out ---- */

void gn_leave_out(struct gn_unused *unused, const char *kind, uint64_t files)
{
    if (unused == NULL || files == 0)
        return;
    int i = 0;
    while (i < unused->n && !gn_same_word(unused->kinds[i].kind, kind))
        i++;
    if (i == GN_MOST_UNUSED)
        kind = "other", i--; /* the last place is that of all the rest */
    if (i == unused->n)
        unused->n++;
    (void)snprintf(unused->kinds[i].kind, sizeof unused->kinds[i].kind, "%s", kind);
    unused->kinds[i].files += files;
    unused->files += files;
}

static void leave_out_file(struct gn_unused *unused, const char *name)
{
    const char *ending = gn_path_extension(name);
    const bool is_short = strlen(ending) < sizeof unused->kinds[0].kind;
    gn_leave_out(unused,
                 ending[0] == '\0'                     ? "no extension"
                 : is_short && gn_is_printable(ending) ? ending
                                                       : "other",
                 1);
}

static void leave_out_lacking(struct gn_unused *unused, const char *name, const char *library)
{
    char kind[sizeof unused->kinds[0].kind];
    const char *ending = gn_path_extension(name);
    (void)snprintf(kind, sizeof kind, "%s without %s",
                   strlen(ending) < 8 && ending[0] != '\0' && gn_is_printable(ending) ? ending
                                                                                      : "picture",
                   library);
    gn_leave_out(unused, kind, 1);
}

/* ---- The walk ---- */

static gn_status check_limits(const struct gn_walk *w)
{
    char name[GN_PATH_TEXT];
    if (w->folders <= MOST_FOLDERS && w->seen <= MOST_FILES)
        return GN_OK;
    GN_FAIL(GN_STATUS_BAD_DATA,
            "%s: data set: more than %d folders or %d files below it (do links lead back to it?)",
            gn_printable(name, sizeof name, w->root), MOST_FOLDERS, MOST_FILES);
}

/* Of another file, that it is left out is kept in mind. */
static gn_status is_picture(const char *folder, const char *name, struct gn_unused *unused,
                            bool *is)
{
    char file[GN_PATH_BYTES];
    GN_TRY(gn_walk_join(file, folder, name));
    const char *library;
    *is = gn_picture_usable(file, &library);
    if (library != NULL)
        leave_out_lacking(unused, name, library);
    else if (!*is)
        leave_out_file(unused, name);
    return GN_OK;
}

static gn_status add_pictures_of(struct gn_walk *w, const char *path, const char *below)
{
    char name[GN_PATH_BYTES];
    struct gn_names entries = { 0 };
    uint64_t hidden = 0;
    gn_status status = gn_list_entries(path, false, &entries, &hidden);
    gn_leave_out(w->unused, "hidden", hidden);
    w->seen += entries.n + hidden;
    if (status == GN_OK)
        status = check_limits(w);
    for (size_t i = 0; i < entries.n && status == GN_OK; i++) {
        bool is;
        status = is_picture(path, entries.text[i], w->unused, &is);
        if (status != GN_OK || !is)
            continue;
        if (below[0] != '\0')
            status = gn_walk_join(name, below, entries.text[i]);
        if (status == GN_OK)
            status = gn_names_add(w->files, below[0] == '\0' ? entries.text[i] : name);
    }
    gn_names_free(&entries);
    return status;
}

static gn_status walk(struct gn_walk *w, const char *below, int depth)
{
    char path[GN_PATH_BYTES], name[GN_PATH_BYTES];
    struct gn_names entries = { 0 };
    GN_TRY(gn_walk_join(path, w->root, below));
    if (depth > DEEPEST)
        GN_FAIL(GN_STATUS_BAD_DATA, "%s: data set: more than %d folders in each other",
                gn_printable(name, GN_PATH_TEXT, path), DEEPEST);
    w->folders++;
    gn_status status = add_pictures_of(w, path, below);
    if (status == GN_OK)
        status = gn_list_entries(path, true, &entries, NULL);
    for (size_t i = 0; i < entries.n && status == GN_OK; i++) {
        status = below[0] == '\0' ? GN_OK : gn_walk_join(name, below, entries.text[i]);
        if (status == GN_OK)
            status = walk(w, below[0] == '\0' ? entries.text[i] : name, depth + 1);
    }
    gn_names_free(&entries);
    return status;
}

gn_status gn_walk_below(struct gn_walk *w, const char *below)
{
    return walk(w, below, 0);
}

gn_status gn_count_outside(const char *folder, struct gn_unused *unused, uint64_t *pictures)
{
    struct gn_names entries = { 0 };
    uint64_t hidden = 0, count = 0;
    gn_status status = gn_list_entries(folder, false, &entries, &hidden);
    gn_leave_out(unused, "hidden", hidden);
    for (size_t i = 0; i < entries.n && status == GN_OK; i++) {
        bool is;
        status = is_picture(folder, entries.text[i], unused, &is);
        count += status == GN_OK && is;
    }
    gn_leave_out(unused, "picture outside of a class", count);
    gn_names_free(&entries);
    if (pictures != NULL)
        *pictures = count;
    return status;
}
