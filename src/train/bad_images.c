/*
 * Pictures that a run left out because they cannot be read: a warning for each, once, and
 * bad-images.txt in the run's folder, a line each. A resumed run adds to the list of the part before.
 */
#include "train/bad_images.h"

#include "file/file.h"
#include "base/memory.h"

#include <string.h>

enum { LIST_LIMIT = 64 << 20 };

/* A growing text. */
struct text {
    char *bytes;
    size_t n;
};

static gn_status append(struct text *text, const char *line, size_t n)
{
    char *grown = gn_realloc(text->bytes, text->n + n + 2, "the list of bad pictures");
    if (grown == NULL)
        return gn_last_status();
    memcpy(grown + text->n, line, n);
    text->bytes = grown;
    text->n += n;
    grown[text->n++] = '\n';
    grown[text->n] = '\0';
    return GN_OK;
}

static bool holds_line(const struct text *text, const char *line, size_t n)
{
    for (const char *at = text->bytes; at != NULL && *at != '\0'; at = strchr(at, '\n') + 1)
        if (strncmp(at, line, n) == 0 && at[n] == '\n')
            return true;
    return false;
}

/* What an earlier part of the run wrote; nothing when there is no such list. */
static void read_list(struct text *text, const char *path)
{
    struct gn_bytes file;
    if (gn_file_read(path, "list", GN_STATUS_BAD_DATA, LIST_LIMIT, &file) == GN_OK) {
        const char *end = memchr(file.data, '\0', file.size);
        size_t n = end == NULL ? file.size : 0;
        while (n > 0 && file.data[n - 1] == '\n')
            n--;
        if (n > 0)
            (void)append(text, (const char *)file.data, n);
        gn_free(file.data);
    }
    gn_clear_error();
}

static gn_status write_list(const struct gn_bad_images *bad, const struct gn_run_folder *folder)
{
    struct text text = { NULL, 0 };
    char path[GN_RUN_PATH];
    const char *why;
    gn_run_file(folder, "bad-images.txt", path);
    read_list(&text, path);
    gn_status status = GN_OK;
    for (int k = 0; k < 2; k++)
        for (size_t i = 0; status == GN_OK && bad->loaders[k] != NULL &&
                           (why = gn_loader_bad(bad->loaders[k], i)) != NULL;
             i++) {
            const size_t n = strcspn(why, "\n");
            if (!holds_line(&text, why, n))
                status = append(&text, why, n);
        }
    if (status == GN_OK)
        status = gn_file_write(path, "list", text.bytes, text.n, NULL);
    gn_free(text.bytes);
    return status;
}

void gn_bad_images_report(struct gn_bad_images *bad, const struct gn_run_folder *folder,
                          struct gn_reporter *reporter)
{
    const char *why;
    bool is_news = false;
    for (int k = 0; k < 2; k++)
        while (bad->loaders[k] != NULL &&
               (why = gn_loader_bad(bad->loaders[k], bad->told[k])) != NULL) {
            bad->told[k]++;
            is_news = true;
            gn_report_warning(reporter, NULL, "left out: %s", why);
        }
    if (is_news && folder != NULL && write_list(bad, folder) != GN_OK)
        gn_report_error(reporter, "training goes on without the list");
}
