/* Equal runs have equal files. A run without one was killed, or was made by version 0.1.0. */
#include "run/result.h"

#include "base/memory.h"
#include "file/file.h"
#include "file/json.h"
#include "formats/safetensors.h"
#include "os/files.h"
#include "os/folders.h"
#include "os/os.h"
#include "run/history_read.h"

#include <string.h>

enum { LONGEST_FILE = 1 << 20 };

static const char *const names[] = { NULL, "running", "finished", "stopped", "failed" };

const char *gn_run_state_name(int i)
{
    return i >= GN_RUN_RUNNING && i <= GN_RUN_FAILED ? names[i] : NULL;
}

static gn_run_state state_of(gn_status status)
{
    return status == GN_OK               ? GN_RUN_FINISHED
           : status == GN_STATUS_STOPPED ? GN_RUN_STOPPED
                                         : GN_RUN_FAILED;
}

gn_status gn_result_write(const struct gn_run_folder *folder, gn_status status, const char *message,
                          int epochs, uint64_t steps)
{
    char path[GN_RUN_PATH];
    json_t *root = json_object();
    gn_json_set_text(root, "state", names[state_of(status)]);
    gn_json_set(root, "message",
                status == GN_OK ? json_null() : json_stringn(message, strcspn(message, "\n")));
    gn_json_set(root, "epochs", json_integer(epochs));
    gn_json_set_count(root, "steps", steps);
    char *text = gn_json_text(root, JSON_INDENT(2), "the run's result");
    if (text == NULL)
        return gn_last_status();
    const gn_status written =
        gn_file_write(gn_run_file(folder, "result.json", path), "result", text, strlen(text), NULL);
    gn_free(text);
    return written;
}

void gn_result_remove(const struct gn_run_folder *folder)
{
    char path[GN_RUN_PATH];
    (void)gn_system_remove(gn_run_file(folder, "result.json", path));
    (void)gn_system_remove(gn_run_file(folder, "card.md", path)); /* it is of a finished run */
}

/* ---- Looking at any run ---- */

/* Whether a process trains in the folder; asking takes no lock. */
static bool is_locked(const char *run)
{
    char path[GN_RUN_PATH];
    (void)snprintf(path, sizeof path, "%s/.lock", run);
    const int fd = gn_system_open_own(path, GN_OPEN_READ);
    const bool locked = fd >= 0 && gn_system_is_locked(fd);
    if (fd >= 0)
        (void)gn_system_close(fd);
    return locked;
}

/* NULL and GN_OK: no such file, or not JSON. */
static gn_status read_json(const char *run, const char *name, json_t **root)
{
    char path[GN_RUN_PATH];
    struct gn_bytes file = { .data = NULL };
    *root = NULL;
    (void)snprintf(path, sizeof path, "%s/%s", run, name);
    if (!gn_path_exists(path))
        return GN_OK;
    if (gn_file_read(path, "run", GN_STATUS_BAD_DATA, LONGEST_FILE, &file) != GN_OK)
        return gn_last_status();
    const gn_status status = gn_json_load((const char *)file.data, file.size, root, NULL);
    gn_free(file.data);
    return status;
}

/* Whether the checkpoint has fewer epochs: the process died after it wrote the history of the last one, and
 * before the checkpoint, so the run goes on from there. */
static bool is_behind(const char *run, json_int_t epochs)
{
    char path[GN_RUN_PATH];
    json_t *root = NULL;
    (void)snprintf(path, sizeof path, "%s/checkpoint.safetensors", run);
    if (!gn_path_exists(path))
        return false;
    struct gn_st_file *file = gn_st_open(path);
    const char *text = file == NULL ? NULL : gn_st_metadata(file, "gn.train");
    if (text != NULL)
        (void)gn_json_parse(text, &root);
    const json_int_t epoch = json_integer_value(json_object_get(root, "epoch"));
    json_decref(root);
    gn_st_close(file);
    gn_clear_error();
    return epoch < epochs;
}

/* Of a run that does not say how it ended: whether all its epochs are done. */
static gn_status guess(const char *run, struct gn_run_info *info)
{
    json_t *config;
    GN_TRY(read_json(run, "config.json", &config));
    const json_t *epochs = json_object_get(json_object_get(config, "options"), "epochs");
    struct gn_history *history = gn_history_of_run(run, NULL, NULL);
    const json_int_t n = json_integer_value(epochs);
    const bool is_done =
        history != NULL && json_is_integer(epochs) && history->n >= n && !is_behind(run, n);
    info->state = is_done ? GN_RUN_FINISHED : GN_RUN_STOPPED;
    gn_free_history(history);
    gn_clear_error();
    json_decref(config);
    return GN_OK;
}

gn_status gn_describe_run(const char *run, struct gn_run_info *info)
{
    if (run == NULL || info == NULL)
        return gn_fail(GN_STATUS_BAD_ARGUMENT, "run: no %s is given",
                       run == NULL ? "folder" : "place for what is found");
    char path[GN_RUN_PATH], shown[GN_PATH_TEXT];
    json_t *result;
    *info = (struct gn_run_info){ .state = GN_RUN_RUNNING };
    (void)snprintf(path, sizeof path, "%s/config.json", run);
    if (!gn_path_exists(path))
        GN_FAIL(GN_STATUS_BAD_DATA, "%s: not the folder of a run (it holds no config.json)",
                gn_printable(shown, sizeof shown, run));
    if (is_locked(run))
        return GN_OK;
    GN_TRY(read_json(run, "result.json", &result));
    const char *state = json_string_value(json_object_get(result, "state"));
    const char *message = json_string_value(json_object_get(result, "message"));
    info->state = 0;
    for (int i = GN_RUN_FINISHED; state != NULL && i <= GN_RUN_FAILED; i++)
        if (strcmp(state, names[i]) == 0)
            info->state = (gn_run_state)i;
    if (message != NULL)
        (void)gn_printable(info->message, sizeof info->message, message);
    json_decref(result);
    return info->state == 0 ? guess(run, info) : GN_OK;
}
