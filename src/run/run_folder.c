/*
 * Order of things: make the folder, lock it, look for an earlier run, remove what a dead process
 * left half written, try to write. The lock is an open-file-description lock: the kernel drops it
 * when the process dies, so a dead holder blocks nobody; `.lock` itself stays, since removing it
 * would let two processes lock two files of that name.
 */
#include "run/run_folder.h"

#include "file/file.h"
#include "base/memory.h"
#include "base/path.h"
#include "os/files.h"
#include "os/os.h"

#include <errno.h>
#include <string.h>

enum { LONGEST_NAME = 64, HOLDER_TEXT = 128 };

struct gn_run_folder {
    int lock; /* descriptor of .lock, -1: none */
    char path[GN_RUN_PATH - LONGEST_NAME];
    char name[GN_PATH_TEXT];
};

static const char *const run_files[] = { "checkpoint.safetensors",
                                         "checkpoint.previous.safetensors",
                                         "model.safetensors",
                                         "best.safetensors",
                                         "best.previous.safetensors",
                                         "ema.safetensors",
                                         "history.csv",
                                         "history.jsonl",
                                         "curves.svg",
                                         "pictures.tsv",
                                         "bad-images.txt",
                                         "test.json",
                                         "result.json",
                                         "card.md",
                                         "tensorboard/train/events.out.tfevents.googlenet",
                                         "tensorboard/validation/events.out.tfevents.googlenet" };
enum { N_RUN_FILES = sizeof run_files / sizeof run_files[0], N_CHECKPOINTS = 2 };

const char *gn_run_file(const struct gn_run_folder *folder, const char *name,
                        char buffer[GN_RUN_PATH])
{
    (void)snprintf(buffer, GN_RUN_PATH, "%s/%.*s", folder->path, LONGEST_NAME - 2, name);
    return buffer;
}

const char *gn_run_folder_name(const struct gn_run_folder *folder)
{
    return folder->name;
}

static gn_status io_error(const struct gn_run_folder *folder, const char *what, int number)
{
    char text[GN_ERRNO_TEXT];
    GN_FAIL(GN_STATUS_IO, "%s: run folder: cannot %s: %s", folder->name, what,
            gn_errno_text(number, text));
}

static gn_status make_folder(const struct gn_run_folder *folder)
{
    const int number = gn_make_folders(folder->path, NULL);
    return number == 0 ? GN_OK : io_error(folder, "make it", number);
}

static gn_status busy_error(const struct gn_run_folder *folder)
{
    char holder[HOLDER_TEXT] = "", shown[HOLDER_TEXT];
    const int64_t n = gn_system_read_at(folder->lock, holder, sizeof holder - 1, 0);
    holder[n > 0 ? n : 0] = '\0';
    holder[strcspn(holder, "\n")] = '\0';
    (void)gn_fail(GN_STATUS_BUSY, "%s: run folder: another process trains here (%s)", folder->name,
                  holder[0] == '\0' ? "unknown" : gn_printable(shown, sizeof shown, holder));
    gn_hint("wait for it, stop it, or choose another folder");
    return GN_STATUS_BUSY;
}

static gn_status lock_folder(struct gn_run_folder *folder)
{
    char path[GN_RUN_PATH];
    folder->lock = gn_system_open_own(gn_run_file(folder, ".lock", path), GN_OPEN_MAKE);
    struct gn_system_file about;
    if (folder->lock < 0 || !gn_system_examine(folder->lock, &about))
        return io_error(folder, "create .lock in it", errno);
    if (about.other != NULL)
        GN_FAIL(GN_STATUS_IO, "%s: run folder: .lock in it is not a file", folder->name);
    if (gn_system_lock(folder->lock) != 0) {
        if (errno == EAGAIN || errno == EACCES)
            return busy_error(folder);
        return io_error(folder, "lock .lock in it", errno);
    }
    char host[HOLDER_TEXT / 2] = "", text[HOLDER_TEXT];
    gn_system_host(host, sizeof host);
    const int n = snprintf(text, sizeof text, "pid %ld on %s\n", gn_system_process(), host);
    /* The text only serves the message of a process that comes second. */
    if (gn_system_empty(folder->lock) == 0)
        (void)gn_system_write_at(folder->lock, text, (size_t)n, 0);
    return GN_OK;
}

static bool has_file(const struct gn_run_folder *folder, const char *name)
{
    char path[GN_RUN_PATH];
    return gn_path_exists(gn_run_file(folder, name, path));
}

/* Checkpoints go last, and the options after them: a process that dies here leaves a run that can be
 * resumed, or no run. */
static gn_status remove_run(const struct gn_run_folder *folder)
{
    static const char *const inner[] = { "tensorboard/train", "tensorboard/validation",
                                         "tensorboard" };
    char path[GN_RUN_PATH];
    for (int i = N_RUN_FILES - 1; i >= 0; i--)
        if (gn_system_remove(gn_run_file(folder, run_files[i], path)) != 0 && errno != ENOENT)
            return io_error(folder, "remove the earlier run", errno);
    for (size_t i = 0; i < sizeof inner / sizeof inner[0]; i++)
        (void)gn_system_remove_folder(
            gn_run_file(folder, inner[i], path)); /* if nothing else is in it */
    if (gn_system_remove(gn_run_file(folder, "config.json", path)) != 0 && errno != ENOENT)
        return io_error(folder, "remove the earlier run", errno);
    return GN_OK;
}

static gn_status check_content(const struct gn_run_folder *folder, enum gn_run_mode mode)
{
    if (mode == GN_RUN_RESUME) {
        for (int i = 0; i < N_CHECKPOINTS; i++)
            if (has_file(folder, run_files[i]))
                return GN_OK;
        GN_FAIL(GN_STATUS_BAD_DATA,
                "%s: run folder: no checkpoint.safetensors in it to resume from", folder->name);
    }
    for (int i = 0; mode == GN_RUN_NEW && i < N_RUN_FILES; i++) {
        if (!has_file(folder, run_files[i]))
            continue;
        (void)gn_fail(GN_STATUS_IO, "%s: run folder: holds a run already (%s)", folder->name,
                      run_files[i]);
        gn_hint("resume it, overwrite it, or choose another folder");
        return GN_STATUS_IO;
    }
    return mode == GN_RUN_OVERWRITE ? remove_run(folder) : GN_OK;
}

/* Whether a file of that name is one of the run's, as gn_file_begin names it before it is whole:
 * NAME.tmp.PID. */
static bool is_leftover(const char *name)
{
    static const char middle[] = ".tmp.";
    static const char *const others[] = { "config.json", ".trial" };
    const char *end = strstr(name, middle);
    if (end == NULL)
        return false;
    const char *pid = end + sizeof middle - 1;
    if (*pid == '\0' || pid[strspn(pid, "0123456789")] != '\0')
        return false;
    const size_t length = (size_t)(end - name);
    for (int i = 0; i < N_RUN_FILES + 2; i++) {
        const char *ours = i < N_RUN_FILES ? run_files[i] : others[i - N_RUN_FILES];
        if (strlen(ours) == length && memcmp(ours, name, length) == 0)
            return true;
    }
    return false;
}

/* What a killed process left. */
static void remove_leftovers(const struct gn_run_folder *folder)
{
    struct gn_listing *list = gn_list_folder(folder->path);
    struct gn_place place;
    if (list != NULL && gn_place_open(&place, folder->path) == 0) {
        for (const char *name; (name = gn_list_next(list)) != NULL;)
            if (is_leftover(name))
                (void)gn_place_remove(&place, name);
        gn_place_close(&place);
    }
    gn_list_end(list);
}

/* Whether files can be made here. What a disk says to their bytes shows the first checkpoint. */
static gn_status try_to_write(const struct gn_run_folder *folder)
{
    char path[GN_RUN_PATH];
    struct gn_file_writer *trial =
        gn_file_begin(gn_run_file(folder, ".trial", path), "run folder", 0);
    gn_file_abort(trial);
    return trial == NULL ? gn_last_status() : GN_OK;
}

static gn_status open_folder(struct gn_run_folder *folder, enum gn_run_mode mode)
{
    if (mode == GN_RUN_READ)
        return check_content(folder, GN_RUN_RESUME);
    if (mode == GN_RUN_RESUME)
        GN_TRY(check_content(folder, mode)); /* before anything is made */
    GN_TRY(make_folder(folder));
    GN_TRY(lock_folder(folder));
    GN_TRY(check_content(folder, mode));
    remove_leftovers(folder);
    return try_to_write(folder);
}

struct gn_run_folder *gn_run_folder_open(const char *path, enum gn_run_mode mode)
{
    struct gn_run_folder *folder = gn_calloc(1, sizeof *folder, "the run folder");
    if (folder == NULL)
        return NULL;
    folder->lock = -1;
    (void)gn_printable(folder->name, sizeof folder->name, path);
    gn_status status = GN_OK;
    if (path[0] == '\0' || strlen(path) >= sizeof folder->path)
        status = gn_fail(GN_STATUS_IO, "%s: run folder: the path is %s", folder->name,
                         path[0] == '\0' ? "empty" : "too long");
    if (status == GN_OK) {
        (void)snprintf(folder->path, sizeof folder->path, "%s", path);
        status = open_folder(folder, mode);
    }
    if (status != GN_OK) {
        gn_run_folder_close(folder);
        return NULL;
    }
    return folder;
}

void gn_run_folder_close(struct gn_run_folder *folder)
{
    if (folder == NULL)
        return;
    if (folder->lock >= 0)
        (void)gn_system_close(folder->lock);
    gn_free(folder);
}

gn_status gn_remove_run(const char *run)
{
    struct gn_run_info info;
    char path[GN_RUN_PATH];
    GN_TRY(gn_describe_run(run, &info));
    struct gn_run_folder *folder = gn_run_folder_open(run, GN_RUN_OVERWRITE);
    if (folder == NULL)
        return gn_last_status();
    (void)gn_system_remove(gn_run_file(folder, ".lock", path));
    gn_run_folder_close(folder);
    (void)gn_system_remove_folder(run);
    return GN_OK;
}
