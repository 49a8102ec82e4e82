/* googlenet runs: looks at, compares, draws and removes the folders that trainings left. */
#include "cli/runs.h"

#include "base/path.h"
#include "base/words.h"
#include "cli/commands.h"
#include "cli/report.h"
#include "cli/run_folder.h"

#include <stdlib.h>
#include <string.h>

static const struct runs defaults = { .out = NULL };

/* clang-format off */
static const struct gn_option options[] = {
    CLI_HEADING("Runs"),
    { .name = "sort", .kind = GN_OPTION_TEXT, .value = "KEY", .offset = offsetof(struct runs, sort),
      .standard = "by number", .help = "list: by run, model, data, state, epochs, val_accuracy, val_loss"
      " or seconds" },
    { .name = "out", .kind = GN_OPTION_TEXT, .value = "PATH", .offset = offsetof(struct runs, out),
      .standard = "runs.svg, RUN/tensorboard", .help = "plot: the SVG or PNG; export: the folder" },
    { .name = "tensorboard", .kind = GN_OPTION_SWITCH, .offset = offsetof(struct runs, tensorboard),
      .help = "export: event files for TensorBoard" },
    CLI_COMMON_ROWS(struct runs),
};
/* clang-format on */

static const char *const actions[] = { "list", "show", "compare", "plot", "rm", "export", NULL };

static void print_path(const struct runs *given, const char *key, const char *path)
{
    if (!given->common.json) {
        cli_line("%s", path);
        return;
    }
    json_t *root = json_object();
    json_object_set_new(root, key, cli_json_text(path));
    cli_print_json(root);
}

static int plot(const struct runs *given, const struct cli_run_list *list)
{
    const char *out = given->out ? given->out : "runs.svg";
    const char **names = cli_calloc((size_t)list->n + 1, sizeof *names);
    for (int i = 0; i < list->n; i++)
        names[i] = list->runs[i].path;
    const gn_status status = gn_draw_runs(names, list->n, out);
    free(names);
    if (status != GN_OK)
        return cli_fail_library();
    print_path(given, "plot", out);
    return CLI_DONE;
}

/* The runs of train --seeds or --folds, then what they share. */
static int remove_sweep(const struct runs *given, const char *folder)
{
    struct cli_run_list list;
    const char *const paths[] = { folder };
    int code = cli_read_runs(1, paths, &list);
    for (int i = 0; !code && i < list.n; i++)
        if (gn_remove_run(list.runs[i].path) != GN_OK)
            code = cli_fail_library();
    cli_free_runs(&list);
    if (code)
        return code;
    cli_remove_sweep_files(folder);
    print_path(given, "removed", folder);
    return 0;
}

static int remove_runs(const struct runs *given, int n, const char *const *paths)
{
    for (int i = 0; i < n; i++) {
        if (cli_is_sweep_folder(paths[i])) {
            const int code = remove_sweep(given, paths[i]);
            if (code)
                return code;
        } else if (gn_remove_run(paths[i]) != GN_OK) {
            return cli_fail_library();
        } else {
            print_path(given, "removed", paths[i]);
        }
        if (gn_path_exists(paths[i]))
            cli_note("%s: the folder stays, it holds files that are not the run's", paths[i]);
    }
    return CLI_DONE;
}

static int export(const struct runs *given, int n, const char *const *paths)
{
    if (!given->tensorboard)
        return cli_fail(CLI_USAGE, "runs export: say what: --tensorboard");
    if (n > 1 && given->out)
        return cli_fail(CLI_USAGE, "runs export: --out is one folder, but %d runs are given", n);
    for (int i = 0; i < n; i++) {
        if (gn_export_tensorboard(paths[i], given->out) != GN_OK)
            return cli_fail_library();
        char *folder = cli_format("%s/tensorboard", paths[i]);
        print_path(given, "tensorboard", given->out ? given->out : folder);
        free(folder);
    }
    return CLI_DONE;
}

/* The actions that read runs. */
static int look(const struct runs *given, const char *action, int n, const char *const *paths)
{
    struct cli_run_list list;
    int code = cli_read_runs(n, paths, &list);
    const bool is_show = strcmp(action, "show") == 0;
    if (!code && strcmp(action, "list") == 0)
        code = runs_list(given, &list);
    else if (!code && list.n == 0)
        code = cli_fail(CLI_DATA, "runs %s: no runs in %s", action, n ? paths[0] : "runs");
    else if (!code && strcmp(action, "compare") == 0)
        code = list.n < 2 ? cli_fail(CLI_USAGE, "runs compare: two runs or more are needed")
                          : runs_compare(given, &list);
    else if (!code && !is_show)
        code = plot(given, &list);
    for (int i = 0; !code && is_show && i < list.n; i++)
        code = runs_show(given, &list.runs[i]);
    cli_free_runs(&list);
    return code;
}

static int unknown(const char *action)
{
    const int code = cli_fail(
        CLI_USAGE, "runs: \"%s\" is not one of list, show, compare, plot, rm, export", action);
    const char *nearest = gn_nearest(action, actions);
    if (nearest)
        cli_hint("did you mean %s?", nearest);
    return code;
}

static int run(struct cli_args *args)
{
    const struct runs *given = args->values;
    const char *action = args->arguments[0];
    const char *const *paths = args->arguments + 1;
    const int n = args->n_arguments - 1;
    int i = 0;
    while (actions[i] && strcmp(actions[i], action) != 0)
        i++;
    if (!actions[i])
        return unknown(action);
    if (given->sort && strcmp(action, "list") != 0)
        return cli_fail(CLI_USAGE, "runs %s: --sort is for list", action);
    if (n == 0 &&
        (strcmp(action, "rm") == 0 || strcmp(action, "export") == 0 || strcmp(action, "show") == 0))
        return cli_fail(CLI_USAGE, "runs %s: the folder of a run is missing", action);
    if (strcmp(action, "rm") == 0)
        return remove_runs(given, n, paths);
    if (strcmp(action, "export") == 0)
        return export(given, n, paths);
    return look(given, action, n, paths);
}

const struct cli_command cli_runs = {
    .name = "runs",
    .usage = "list | show RUN | compare RUN... | plot RUN... | rm RUN... | export RUN [flags]",
    .summary = "list, compare, draw and remove the folders of runs",
    .examples = "  googlenet runs list\n"
                "  googlenet runs list --sort val_accuracy --json\n"
                "  googlenet runs compare runs/1-googlenet-mnist runs/2-googlenet-mnist\n"
                "  googlenet runs plot runs --out all.png\n"
                "  googlenet runs export runs/1-googlenet-mnist --tensorboard\n"
                "  googlenet runs rm runs/2-googlenet-mnist\n",
    .argument = "list, show, compare, plot, rm or export, then runs",
    .min_arguments = 1,
    .max_arguments = 1000,
    .options = options,
    .n_options = CLI_COUNT_OF(options),
    .defaults = &defaults,
    .values_size = sizeof(struct runs),
    .run = run,
};
