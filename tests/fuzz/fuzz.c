/* What the targets share. */
#define _GNU_SOURCE
#include "fuzz.h"

#include "base/path.h"
#include "support/files.h"

#include <dirent.h>
#include <string.h>
#include <unistd.h>

void (*fuzz_seed)(const void *bytes, size_t n);
unsigned fuzz_taken;

const struct fuzz_target *fuzz_target(int i)
{
    static const struct fuzz_target *const tables[] = { fuzz_data_targets,  fuzz_model_targets,
                                                        fuzz_train_targets, fuzz_picture_targets,
                                                        fuzz_text_targets,  fuzz_exchange_targets,
                                                        fuzz_serve_targets, fuzz_foreign_targets,
                                                        fuzz_array_targets };
    for (size_t k = 0; k < sizeof tables / sizeof tables[0]; k++)
        for (const struct fuzz_target *t = tables[k]; t->name != NULL; t++)
            if (i-- == 0)
                return t;
    return NULL;
}

const struct fuzz_target *fuzz_find(const char *name)
{
    const struct fuzz_target *t;
    for (int i = 0; (t = fuzz_target(i)) != NULL; i++)
        if (strcmp(t->name, name) == 0)
            return t;
    return NULL;
}

void fuzz_told(gn_status status)
{
    FUZZ_REQUIRE(status == GN_OK || (gn_error_status() == status && gn_error_message()[0] != '\0'));
    FUZZ_REQUIRE(status != GN_STATUS_INTERNAL);
    gn_clear_error();
    fuzz_taken += status == GN_OK;
}

char *fuzz_text(const uint8_t *bytes, size_t n)
{
    char *text = malloc(n + 1);
    FUZZ_REQUIRE(text != NULL);
    if (n > 0)
        memcpy(text, bytes, n);
    text[n] = '\0';
    return text;
}

/* ---- Files ---- */

static char scratch[64];

static void remove_scratch(void)
{
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", scratch);
    if (system(command) != 0) /* NOLINT: a name of ours */
        (void)fprintf(stderr, "%s is left\n", scratch);
}

const char *fuzz_path(const char *name)
{
    static char paths[2][GN_PATH_BYTES];
    static int turn;
    if (scratch[0] == '\0') {
        (void)snprintf(scratch, sizeof scratch, "%s/gn-fuzz-XXXXXX",
                       access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        FUZZ_REQUIRE(mkdtemp(scratch) != NULL);
        (void)atexit(remove_scratch);
    }
    turn = !turn;
    FUZZ_REQUIRE(gn_path_join(paths[turn], scratch, name));
    return paths[turn];
}

const char *fuzz_folder(const char *name)
{
    const char *path = fuzz_path(name);
    FUZZ_REQUIRE(gn_make_folders(path, NULL) == 0);
    return path;
}

const char *fuzz_file(const char *name, const void *bytes, size_t n)
{
    const char *path = fuzz_path(name);
    test_write_file(path, bytes, n);
    return path;
}

/* ---- Seeds ---- */

void fuzz_seed_file(const char *path)
{
    size_t n;
    uint8_t *bytes = test_read_file(path, &n);
    fuzz_seed(bytes, n);
    free(bytes);
}

void fuzz_each_seed(const struct fuzz_target *target)
{
    char folder[GN_PATH_BYTES], path[GN_PATH_BYTES];
    for (int i = 0; target->texts != NULL && target->texts[i] != NULL; i++)
        fuzz_seed(target->texts[i], strlen(target->texts[i]));
    if (target->make_seeds != NULL)
        target->make_seeds(target);
    (void)snprintf(folder, sizeof folder, "%s/tests/fuzz/seeds/%s", GN_SOURCE_DIR, target->name);
    DIR *list = opendir(folder);
    for (const struct dirent *entry; list != NULL && (entry = readdir(list)) != NULL;)
        if (entry->d_name[0] != '.' && gn_path_join(path, folder, entry->d_name))
            fuzz_seed_file(path);
    if (list != NULL)
        (void)closedir(list);
}
