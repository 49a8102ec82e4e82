/*
 * List files: one picture a line, its path below the list's folder, then its label after a tab or
 * the last space. Labels are class numbers if every one is a number, else names, numbered in byte
 * order. A path may not leave the folder.
 */
#include "data/open.h"

#include "file/file.h"
#include "base/memory.h"
#include "base/number.h"

#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES = 4096, NUMBER_DIGITS = 6 };
#define LIST_LIMIT (UINT64_C(1) << 30)

static gn_status bad_line(const char *path, uint64_t line, const char *what)
{
    char name[GN_PATH_TEXT];
    GN_FAIL(GN_STATUS_BAD_DATA, "%s: list: %s in line %llu", gn_printable(name, sizeof name, path),
            what, (unsigned long long)line);
}

/* Whether the path stays below the folder that it is joined to. */
static bool stays_below(const char *path)
{
    if (path[0] == '/')
        return false;
    for (const char *part = path; part != NULL; part = strchr(part, '/')) {
        part += *part == '/';
        const size_t n = strcspn(part, "/");
        if (n == 2 && part[0] == '.' && part[1] == '.')
            return false;
    }
    return true;
}

/* Splits a line without its end in two; a NUL ends each part. */
static gn_status split_line(char *line, const char *path, uint64_t number, const char **label)
{
    for (const char *p = line; *p != '\0'; p++)
        if ((unsigned char)*p < ' ' && *p != '\t')
            return bad_line(path, number, "a control character");
    char *gap = strrchr(line, '\t');
    if (gap == NULL)
        gap = strrchr(line, ' ');
    if (gap == NULL || gap == line || gap[1] == '\0')
        return bad_line(path, number, "no label after a tab or space");
    *gap = '\0';
    *label = gap + 1;
    if (!stays_below(line))
        return bad_line(path, number, "a path that leaves the list's folder");
    return GN_OK;
}

/* Adds all lines: paths to data->files, labels as texts to `labels`. */
static gn_status read_lines(struct gn_dataset *data, const struct gn_bytes *file, const char *path,
                            struct gn_names *labels)
{
    char line[LINE_BYTES];
    uint64_t number = 0;
    /* Editors of Windows begin a text with a byte order mark. */
    const bool marked = file->size >= 3 && memcmp(file->data, "\xef\xbb\xbf", 3) == 0;
    for (size_t at = marked ? 3 : 0; at < file->size;) {
        const uint8_t *begin = file->data + at;
        const uint8_t *end = memchr(begin, '\n', file->size - at);
        size_t n = end == NULL ? file->size - at : (size_t)(end - begin);
        at += n + 1;
        number++;
        if (n > 0 && begin[n - 1] == '\r')
            n--;
        if (n == 0)
            continue;
        if (n >= sizeof line)
            return bad_line(path, number, "more than 4095 bytes");
        if (memchr(begin, '\0', n) != NULL)
            return bad_line(path, number, "a control character");
        memcpy(line, begin, n);
        line[n] = '\0';
        const char *label = "";
        GN_TRY(split_line(line, path, number, &label));
        GN_TRY(gn_names_add(&data->files, line));
        GN_TRY(gn_names_add(labels, label));
    }
    if (labels->n == 0 || labels->n > INT32_MAX)
        GN_FAIL(GN_STATUS_BAD_DATA, "%s: list: %zu pictures, 1 to %d are possible", path, labels->n,
                INT32_MAX);
    return GN_OK;
}

/* The number that a text is, or -1. */
static int32_t number_of(const char *text)
{
    uint64_t number;
    const bool fits = strlen(text) <= NUMBER_DIGITS && gn_whole_parse(text, &number);
    return fits ? (int32_t)number : -1;
}

/* Adds the distinct texts, sorted. */
static gn_status find_classes(const struct gn_names *labels, struct gn_names *classes)
{
    struct gn_names sorted = { 0 };
    gn_status status = GN_OK;
    for (size_t i = 0; i < labels->n && status == GN_OK; i++)
        status = gn_names_add(&sorted, labels->text[i]);
    gn_names_sort(&sorted, 0);
    for (size_t i = 0; i < sorted.n && status == GN_OK; i++)
        if (i == 0 || strcmp(sorted.text[i], sorted.text[i - 1]) != 0)
            status = gn_names_add(classes, sorted.text[i]);
    gn_names_free(&sorted);
    return status;
}

static gn_status take_names(struct gn_dataset *data, const struct gn_names *labels)
{
    struct gn_names classes = { 0 };
    int32_t *numbers = NULL;
    gn_status status = find_classes(labels, &classes);
    if (status == GN_OK) {
        numbers = gn_calloc(classes.n, sizeof *numbers, "classes");
        status = numbers == NULL ? gn_last_status() : gn_number_classes(data, &classes, numbers);
    }
    for (size_t i = 0; i < labels->n && status == GN_OK; i++)
        data->labels[i] = numbers[gn_names_find(&classes, labels->text[i])];
    gn_free(numbers);
    gn_names_free(&classes);
    return status;
}

static gn_status number_labels(struct gn_dataset *data, const struct gn_names *labels)
{
    const int wanted = data->options.classes;
    int32_t most = 0;
    for (size_t i = 0; i < labels->n; i++) {
        const int32_t number = number_of(labels->text[i]);
        if (number < 0)
            return take_names(data, labels);
        data->labels[i] = number;
        most = number > most ? number : most;
    }
    if (wanted > 0 && most >= wanted)
        GN_FAIL(GN_STATUS_BAD_DATA, "%s: list: holds class %d, but only %d classes are expected",
                data->name, (int)most, wanted);
    data->classes = wanted > 0 ? wanted : most + 1;
    return GN_OK;
}

/* data->path becomes the list's folder. */
static gn_status set_folder(struct gn_dataset *data, const char *path)
{
    const char *slash = gn_path_slash(path);
    char folder[GN_PATH_BYTES] = ".";
    if (slash != NULL)
        (void)snprintf(folder, sizeof folder, "%.*s", slash == path ? 1 : (int)(slash - path),
                       path);
    gn_free(data->path);
    data->path = gn_strdup(folder);
    return data->path == NULL ? gn_last_status() : GN_OK;
}

/* A name that leads nowhere is better known now than in the middle of an epoch. */
static gn_status check_files(const struct gn_dataset *data, const char *list)
{
    char path[GN_PATH_BYTES], name[GN_PATH_TEXT], shown[GN_PATH_TEXT];
    if (data->options.on_bad_image == GN_BAD_SKIP)
        return GN_OK;
    for (uint64_t i = 0; i < data->files.n; i++)
        if (!gn_dataset_path(data, i, path) || !gn_path_exists(path))
            GN_FAIL(GN_STATUS_BAD_DATA, "%s: list: names %s, which does not exist",
                    gn_printable(name, sizeof name, list),
                    gn_printable(shown, sizeof shown, data->files.text[i]));
    return GN_OK;
}

gn_status gn_open_list(struct gn_dataset *data, const char *path)
{
    struct gn_bytes file;
    struct gn_names labels = { 0 };
    GN_TRY(set_folder(data, path));
    GN_TRY(gn_file_read(path, "list", GN_STATUS_BAD_DATA, LIST_LIMIT, &file));
    gn_status status = read_lines(data, &file, path, &labels);
    gn_free(file.data);
    if (status == GN_OK) {
        data->labels = gn_calloc(labels.n, sizeof *data->labels, "labels");
        status = data->labels == NULL ? gn_last_status() : number_labels(data, &labels);
    }
    gn_names_free(&labels);
    GN_TRY(status);
    GN_TRY(check_files(data, path));
    GN_TRY(gn_divide_files(data, data->labels));
    return gn_finish_files(data);
}
