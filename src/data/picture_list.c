/*
 * A line a picture: label, size, time of the last change in nanoseconds, digest or "-", name, separated
 * by tabs. A name may hold any character but NUL; line ends, tabs and backslashes in it are written as
 * \n, \r, \t and \\.
 */
#include "data/picture_list.h"

#include "file/file.h"
#include "base/memory.h"
#include "os/folders.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define HEAD       "googlenet pictures 1\n"
#define LIST_LIMIT (UINT64_C(4) << 30)

static const char *const split_names[2] = { "train", "validation" };

void gn_picture_list_free(struct gn_picture_list *list)
{
    gn_names_free(&list->names);
    gn_free(list->rows);
    *list = (struct gn_picture_list){ 0 };
}

bool gn_picture_stat(const struct gn_dataset *data, const char *name,
                     struct gn_picture_facts *facts)
{
    char path[GN_PATH_BYTES];
    struct gn_path_facts found;
    *facts = (struct gn_picture_facts){ 0 };
    if (!gn_path_join(path, data->path, name) || !gn_path_examine(path, &found))
        return false;
    facts->size = found.size;
    facts->changed = found.changed;
    return true;
}

/* ---- Writing ---- */

static void append_name(struct gn_file_writer *writer, const char *name)
{
    static const char special[] = "\n\r\t\\", letters[] = "nrt\\";
    for (;;) {
        const size_t n = strcspn(name, special);
        (void)gn_file_append(writer, name, n);
        name += n;
        if (*name == '\0')
            break;
        const char escaped[2] = { '\\', letters[strchr(special, *name) - special] };
        (void)gn_file_append(writer, escaped, sizeof escaped);
        name++;
    }
    (void)gn_file_append(writer, "\n", 1);
}

static void append_split(struct gn_file_writer *writer, const char *split,
                         const struct gn_dataset *data, const struct gn_picture_state *states)
{
    char text[128];
    int n = snprintf(text, sizeof text, "%s\t%08" PRIx32 "\t%" PRIu64 "\n", split,
                     data->fingerprint, data->samples);
    (void)gn_file_append(writer, text, (size_t)n);
    for (uint64_t i = 0; i < data->samples; i++) {
        char digest[16] = "-";
        if (states[i].digest != 0)
            (void)snprintf(digest, sizeof digest, "%08" PRIx32, states[i].digest);
        n = snprintf(text, sizeof text, "%" PRId32 "\t%" PRIu64 "\t%" PRId64 "\t%s\t",
                     data->labels[i], data->facts[i].size, data->facts[i].changed, digest);
        (void)gn_file_append(writer, text, (size_t)n);
        append_name(writer, data->files.text[i]);
    }
}

gn_status gn_picture_list_write(const char *path, const struct gn_dataset *first,
                                const struct gn_picture_state *first_states,
                                const struct gn_dataset *second,
                                const struct gn_picture_state *second_states)
{
    struct gn_file_writer *writer = gn_file_begin(path, "list of pictures", 0);
    if (writer == NULL)
        return gn_last_status();
    (void)gn_file_append(writer, HEAD, sizeof HEAD - 1);
    append_split(writer, split_names[0], first, first_states);
    if (second != NULL)
        append_split(writer, split_names[1], second, second_states);
    return gn_file_commit(writer, NULL);
}

/* ---- Reading ---- */

/* The next field of a line, which ends where it does; NULL after the last. */
static char *next_field(char **line)
{
    char *field = *line;
    if (field == NULL)
        return NULL;
    char *tab = strchr(field, '\t');
    if (tab != NULL)
        *tab++ = '\0';
    *line = tab;
    return field;
}

static bool next_number(char **line, int base, long long *number)
{
    char *end;
    const char *field = next_field(line);
    if (field == NULL || *field == '\0')
        return false;
    *number = strtoll(field, &end, base);
    return *end == '\0';
}

static void unescape(char *name)
{
    char *to = name;
    for (; *name != '\0'; name++) {
        char c = *name;
        if (c == '\\' && name[1] != '\0') {
            c = *++name;
            c = c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c;
        }
        *to++ = c;
    }
    *to = '\0';
}

/* Takes a line out of the text; NULL at its end. */
static char *next_line(char **text)
{
    char *line = *text, *end = strchr(line, '\n');
    if (end == NULL)
        return NULL;
    *end = '\0';
    *text = end + 1;
    return line;
}

/* False: the line is not one of ours. */
static bool parse_row(char *line, struct gn_picture_row *row, char **name)
{
    long long label, size, changed, digest = 0;
    if (!next_number(&line, 10, &label) || !next_number(&line, 10, &size) ||
        !next_number(&line, 10, &changed) || line == NULL)
        return false;
    if (strncmp(line, "-\t", 2) == 0)
        (void)next_field(&line);
    else if (!next_number(&line, 16, &digest))
        return false;
    if (line == NULL || label < 0 || label > INT32_MAX || size < 0 || digest < 0 ||
        digest > UINT32_MAX)
        return false;
    unescape(line);
    *name = line;
    *row = (struct gn_picture_row){ .size = (uint64_t)size,
                                    .changed = changed,
                                    .label = (int32_t)label,
                                    .digest = (uint32_t)digest };
    return **name != '\0';
}

/* One split: its head and as many lines as that says. *good: it is one. */
static gn_status parse_split(char **text, const char *split, struct gn_picture_list *list,
                             bool *good)
{
    char *line = next_line(text), *name = line == NULL ? NULL : next_field(&line);
    long long fingerprint = 0, n = 0;
    const size_t most = strlen(*text); /* a line has more than one byte */
    *good = name != NULL && strcmp(name, split) == 0 && next_number(&line, 16, &fingerprint) &&
            next_number(&line, 10, &n) && fingerprint >= 0 && fingerprint <= UINT32_MAX && n > 0 &&
            (size_t)n < most;
    if (!*good)
        return GN_OK;
    list->fingerprint = (uint32_t)fingerprint;
    list->rows = gn_calloc((size_t)n, sizeof *list->rows, "the run's pictures");
    if (list->rows == NULL)
        return gn_last_status();
    for (long long i = 0; i < n && *good; i++) {
        line = next_line(text);
        *good = line != NULL && parse_row(line, &list->rows[i], &name);
        if (*good)
            GN_TRY(gn_names_add(&list->names, name));
    }
    return GN_OK;
}

gn_status gn_picture_list_read(const char *path, struct gn_picture_list lists[2])
{
    struct gn_bytes file;
    GN_TRY(gn_file_read(path, "list of pictures", GN_STATUS_BAD_DATA, LIST_LIMIT, &file));
    char *copy = gn_alloc(file.size + 1, "the run's pictures");
    gn_status status = copy == NULL ? gn_last_status() : GN_OK;
    bool good = file.size > sizeof HEAD && memcmp(file.data, HEAD, sizeof HEAD - 1) == 0 &&
                memchr(file.data, '\0', file.size) == NULL;
    if (status == GN_OK && good) {
        memcpy(copy, file.data, file.size);
        copy[file.size] = '\0';
        char *text = copy + sizeof HEAD - 1;
        status = parse_split(&text, split_names[0], &lists[0], &good);
        if (status == GN_OK && good && *text != '\0')
            status = parse_split(&text, split_names[1], &lists[1], &good);
        good = good && *text == '\0';
    }
    gn_free(copy);
    gn_free(file.data);
    if (status == GN_OK && !good) {
        char name[GN_PATH_TEXT];
        status = gn_fail(GN_STATUS_BAD_DATA, "%s: list of pictures: damaged",
                         gn_printable(name, sizeof name, path));
    }
    if (status != GN_OK)
        for (int i = 0; i < 2; i++)
            gn_picture_list_free(&lists[i]);
    return status;
}
