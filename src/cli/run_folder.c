/*
 * Folders of runs. The library locks a folder and tries whether it can be written; here are the
 * checks that can be made before the data is read, and the names.
 */
#include "cli/run_folder.h"

#include "base/path.h"
#include "cli/report.h"
#include "os/files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RUNS "runs"

static bool holds(const char *folder, const char *name)
{
    char *path = cli_format("%s/%s", folder, name);
    const bool found = gn_path_number(path) != 0;
    free(path);
    return found;
}

int cli_check_new_run(const char *folder, bool overwrite)
{
    static const char *const files[] = {
        "checkpoint.safetensors", "checkpoint.previous.safetensors",
        "model.safetensors",      "best.safetensors",
        "history.jsonl",          "history.csv"
    };
    for (size_t i = 0; !overwrite && i < sizeof files / sizeof *files; i++) {
        if (!holds(folder, files[i]))
            continue;
        const int code =
            cli_fail(CLI_ENVIRONMENT, "%s: already holds a run (%s is there)", folder, files[i]);
        cli_hint("--overwrite replaces it, --resume %s goes on with it", folder);
        return code;
    }
    return 0;
}

bool cli_holds_checkpoint(const char *folder)
{
    return holds(folder, "checkpoint.safetensors") ||
           holds(folder, "checkpoint.previous.safetensors");
}

int cli_check_old_run(const char *folder)
{
    struct gn_path_facts facts;
    if (!gn_path_examine(folder, &facts))
        return cli_fail(CLI_DATA, "%s: cannot resume: %s", folder, strerror(errno));
    if (!gn_path_is_folder(folder))
        return cli_fail(CLI_DATA, "%s: cannot resume: not the folder of a run", folder);
    if (!cli_holds_checkpoint(folder))
        return cli_fail(CLI_DATA, "%s: cannot resume: it holds no checkpoint.safetensors", folder);
    return 0;
}

static int cannot_create(const char *folder, int number)
{
    return cli_fail(CLI_ENVIRONMENT, "%s: cannot create the output folder: %s", folder,
                    strerror(number));
}

int cli_make_folder(const char *folder, int *made)
{
    const int number = gn_make_folders(folder, made);
    return number == 0 ? 0 : cannot_create(folder, number);
}

void cli_unmake_folder(const char *folder, int made)
{
    char *path = cli_format("%s", folder);
    for (char *end = path + strlen(path); made > 0 && gn_system_remove_folder(path) == 0; made--) {
        while (end > path && gn_is_slash(end[-1]))
            end--;
        while (end > path && !gn_is_slash(end[-1]))
            end--;
        *end = '\0';
    }
    free(path);
}

/* The highest n of the entries "<n>-..." in RUNS, 0 when there are none. */
static int last_number(void)
{
    struct gn_listing *folder = gn_list_folder(RUNS);
    int last = 0;
    if (!folder)
        return 0;
    for (const char *name; (name = gn_list_next(folder)) != NULL;) {
        const size_t digits = strspn(name, "0123456789");
        if (digits == 0 || digits > 8 || name[digits] != '-')
            continue;
        const int number = atoi(name);
        last = number > last ? number : last;
    }
    gn_list_end(folder);
    return last;
}

static char *run_path(int number, const char *preset, const char *data)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    size_t length = strlen(data);
    while (length > 1 && gn_is_slash(data[length - 1]))
        length--;
    size_t begin = length;
    while (begin > 0 && !gn_is_slash(data[begin - 1]))
        begin--;
    if (length - begin > 80)
        length = begin + 80;
    char *path =
        cli_format("%s/%d-%s-%.*s", RUNS, number, preset, (int)(length - begin), data + begin);
    for (char *c = path + sizeof RUNS; *c; c++)
        if (!strchr(plain, *c))
            *c = '_';
    return path;
}

char *cli_next_run_folder(const char *preset, const char *data)
{
    return run_path(last_number() + 1, preset, data);
}

int cli_make_run_folder(char **folder, const char *preset, const char *data, int *made)
{
    int code = cli_make_folder(RUNS, made);
    if (code)
        return code;
    /* Another run may take the number at the same moment. */
    for (int number = last_number() + 1;; number++) {
        *folder = run_path(number, preset, data);
        if (gn_system_make_folder(*folder) == 0) {
            (*made)++;
            return 0;
        }
        if (errno != EEXIST) {
            code = cannot_create(*folder, errno);
            free(*folder);
            *folder = NULL;
            return code;
        }
        free(*folder);
    }
}

int cli_replace_file(const char *path, const char *text)
{
    if (gn_write_file(path, text, strlen(text)) == GN_OK)
        return 0;
    cli_warn("%s", gn_error_message());
    gn_clear_error();
    return CLI_ENVIRONMENT;
}

bool cli_is_sweep_folder(const char *folder)
{
    char *path = cli_format("%s/" CLI_SWEEP_PLAN, folder);
    const bool found = gn_path_exists(path);
    free(path);
    return found;
}

void cli_remove_sweep_files(const char *folder)
{
    static const char *const files[] = { "summary.json", "runs.svg", CLI_SWEEP_PLAN };
    for (int i = 0; i < (int)(sizeof files / sizeof *files); i++) {
        char *path = cli_format("%s/%s", folder, files[i]);
        (void)gn_system_remove(path);
        free(path);
    }
    (void)gn_system_remove_folder(folder);
}
