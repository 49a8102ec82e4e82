/*
 * Each run has a folder of its own in that of the sweep, DIR/seed-0 or DIR/fold-1, and is a run like any
 * other. sweep.json holds the words of the command, so that `--resume DIR` finds out which runs are
 * finished, which can go on, and which have not begun.
 */
#define _XOPEN_SOURCE 700 /* realpath */
#include "cli/train.h"

#include "base/path.h"
#include "cli/commands.h"
#include "cli/config.h"
#include "cli/report.h"
#include "cli/run_folder.h"
#include "cli/sweep_result.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_RUNS = 100 };

struct sweep {
    bool folds; /* otherwise seeds */
    int n;
    uint64_t seed; /* the first one, or that of all folds */
    char *folder;
    json_t *words; /* of the command, without those that differ from run to run */
    json_t *anew;  /* given again with --resume */
    bool overwrite;
};

bool train_is_sweep(const struct cli_args *args)
{
    const struct train *given = args->values;
    return given->seeds > 0 || given->folds > 0 ||
           (given->resume && cli_is_sweep_folder(given->resume));
}

/* ---- Words ---- */

/* Whether a word is that flag; *own: its value is part of it. */
static bool is_flag(const char *word, const char *name, bool *own)
{
    const size_t n = strlen(name);
    if (strncmp(word, "--", 2) != 0 || strncmp(word + 2, name, n) != 0)
        return false;
    *own = word[2 + n] == '=';
    return *own || word[2 + n] == '\0';
}

/* Paths mean the same from another folder. */
static json_t *word_json(const char *flag, const char *word)
{
    static const char *const places[] = { "--data", "--model", "--data-dir", "--class-weights" };
    for (int i = 0; flag && i < CLI_COUNT_OF(places); i++)
        if (strcmp(flag, places[i]) == 0 && gn_path_exists(word)) {
            char *path = gn_full_path(word);
            json_t *value = cli_json_text(path ? path : word);
            free(path);
            return value;
        }
    return cli_json_text(word);
}

/* The words of the command without these flags; `switches` have no value. */
static json_t *words_without(const struct cli_args *args, const char *const *flags,
                             const char *const *switches)
{
    json_t *words = json_array();
    for (int i = 0; i < args->argc; i++) {
        const char *word = args->argv[i];
        bool own = false, drops = false;
        for (int k = 0; flags[k] && !drops; k++)
            drops = is_flag(word, flags[k], &own);
        if (drops) {
            i += own ? 0 : 1;
            continue;
        }
        for (int k = 0; switches[k] && !drops; k++)
            drops = is_flag(word, switches[k], &own);
        if (!drops)
            json_array_append_new(words, word_json(i > 0 ? args->argv[i - 1] : NULL, word));
    }
    return words;
}

/* ---- The plan of a sweep ---- */

static int keep_plan(const struct sweep *sweep)
{
    json_t *root = json_object();
    char *path = cli_format("%s/" CLI_SWEEP_PLAN, sweep->folder);
    json_object_set_new(root, "format", json_integer(1));
    json_object_set_new(root, "kind", json_string(sweep->folds ? "folds" : "seeds"));
    json_object_set_new(root, "runs", json_integer(sweep->n));
    json_object_set_new(root, "seed", json_integer((json_int_t)sweep->seed));
    json_object_set(root, "words", sweep->words);
    char *text = cli_json_dump(root, JSON_INDENT(2));
    char *line = text ? cli_format("%s\n", text) : NULL;
    const int code = line ? cli_replace_file(path, line) : CLI_ENVIRONMENT;
    free(line);
    free(text);
    free(path);
    return code;
}

static int load_plan(const struct cli_args *args, struct sweep *sweep)
{
    static const char *const flags[] = { "resume", NULL }, *const switches[] = { "json", NULL };
    const struct train *given = args->values;
    char *path = cli_format("%s/" CLI_SWEEP_PLAN, given->resume);
    int code = 0;
    json_t *root = cli_load_json(path, &code);
    const char *kind = json_string_value(json_object_get(root, "kind"));
    json_t *words = json_object_get(root, "words");
    const json_int_t n = json_integer_value(json_object_get(root, "runs"));
    const json_int_t seed = json_integer_value(json_object_get(root, "seed"));
    bool good = root && kind && json_is_array(words) && n > 0 && n <= MOST_RUNS && seed >= 0;
    for (size_t i = 0; good && i < json_array_size(words); i++)
        good = json_is_string(json_array_get(words, i));
    if (root && !good)
        code = cli_fail(CLI_DATA, "%s: not the plan of several runs (format 1)", path);
    if (good) {
        code = 0;
        *sweep = (struct sweep){ .folds = strcmp(kind, "folds") == 0,
                                 .n = (int)n,
                                 .seed = (uint64_t)seed,
                                 .folder = cli_format("%s", given->resume),
                                 .words = json_incref(words),
                                 .anew = words_without(args, flags, switches) };
    }
    json_decref(root);
    free(path);
    return code;
}

static int make_plan(const struct cli_args *args, struct sweep *sweep)
{
    static const char *const switches[] = { "json", "overwrite", NULL };
    const struct train *given = args->values;
    const bool folds = given->folds > 0;
    const char *const flags[] = { "seeds", "folds", "out", folds ? NULL : "seed", NULL };
    int made = 0, code = 0;
    if (given->seeds > 0 && folds)
        return cli_fail(CLI_USAGE, "train: --seeds and --folds are two ways, give one of them");
    if (given->resume)
        return cli_fail(CLI_USAGE,
                        "train: --resume goes on with the runs that a folder has, without "
                        "--seeds and --folds");
    if (given->fold || !given->data)
        return cli_fail(CLI_USAGE, given->fold
                                       ? "train: --fold is one of --folds, give one of them"
                                       : "train: --data is missing (a folder or the name of "
                                         "a set)");
    if (given->fit.out && !given->fit.overwrite && cli_is_sweep_folder(given->fit.out)) {
        code = cli_fail(CLI_ENVIRONMENT, "%s: already holds runs", given->fit.out);
        cli_hint("--overwrite replaces them, --resume %s goes on with them", given->fit.out);
        return code;
    }
    *sweep = (struct sweep){ .folds = folds,
                             .n = folds ? given->folds : given->seeds,
                             .seed = given->fit.seed,
                             .words = words_without(args, flags, switches),
                             .overwrite = given->fit.overwrite };
    if (given->fit.out) {
        sweep->folder = cli_format("%s", given->fit.out);
        code = cli_make_folder(sweep->folder, &made);
    } else {
        const char *model = given->model ? gn_path_name(given->model) : "googlenet";
        char *name = cli_format("%s-%s", model, folds ? "folds" : "seeds");
        code = cli_make_run_folder(&sweep->folder, name, given->data, &made);
        free(name);
    }
    return code ? code : keep_plan(sweep);
}

/* ---- The runs ---- */

static char *path_of(const struct sweep *sweep, int i)
{
    return sweep->folds ? cli_format("%s/fold-%d", sweep->folder, i + 1)
                        : cli_format("%s/seed-%llu", sweep->folder,
                                     (unsigned long long)sweep->seed + (unsigned)i);
}

/* Runs train with these words. */
static int run_words(json_t *words)
{
    const int argc = (int)json_array_size(words);
    char **argv = cli_calloc((size_t)argc + 1, sizeof *argv);
    struct cli_args child;
    for (int i = 0; i < argc; i++)
        argv[i] = cli_format("%s", json_string_value(json_array_get(words, (size_t)i)));
    int code = cli_parse(&child, &cli_train, argc, argv);
    if (!code) {
        ((struct train *)child.values)->is_part = true;
        code = cli_train.run(&child);
    }
    cli_free_args(&child);
    for (int i = 0; i < argc; i++)
        free(argv[i]);
    free(argv);
    json_decref(words);
    return code;
}

static void add(json_t *words, const char *flag, char *value)
{
    json_array_append_new(words, json_string(flag));
    json_array_append_new(words, cli_json_text(value));
    free(value);
}

static const char *word_at(const json_t *words, size_t i)
{
    const char *word = json_string_value(json_array_get(words, i));
    return word ? word : "";
}

/* Adds the words that were given anew, without the flags of the same names from before. */
static void replace_words(json_t *words, json_t *anew)
{
    for (size_t k = 0; k < json_array_size(anew); k++) {
        const char *flag = word_at(anew, k);
        const size_t n = strcspn(flag, "=");
        for (size_t i = 0; strncmp(flag, "--", 2) == 0 && i < json_array_size(words);) {
            const char *word = word_at(words, i);
            if (strncmp(word, flag, n) != 0 || (word[n] != '\0' && word[n] != '=')) {
                i++;
                continue;
            }
            const bool alone = word[n] == '=' || strncmp(word_at(words, i + 1), "--", 2) == 0;
            json_array_remove(words, i);
            if (!alone && i < json_array_size(words))
                json_array_remove(words, i);
        }
    }
    if (anew)
        json_array_extend(words, anew);
}

static bool is_begun(const char *path)
{
    char *newest = cli_format("%s/checkpoint.safetensors", path);
    const bool found = gn_path_exists(newest);
    free(newest);
    return found;
}

static int run_one(const struct sweep *sweep, int i)
{
    struct gn_run_info info = { 0 };
    char *path = path_of(sweep, i);
    const bool goes_on = !sweep->overwrite && is_begun(path);
    const bool is_known = goes_on && gn_describe_run(path, &info) == GN_OK;
    const bool is_done =
        is_known && info.state == GN_RUN_FINISHED && json_array_size(sweep->anew) == 0;
    gn_clear_error();
    cli_note("run       %d of %d: %s%s", i + 1, sweep->n, path,
             is_done   ? " is finished"
             : goes_on ? " goes on"
                       : "");
    json_t *words = goes_on ? json_array() : json_copy(sweep->words);
    if (goes_on) {
        add(words, "--resume", cli_format("%s", path));
        json_array_extend(words, sweep->anew);
    } else {
        add(words, "--out", cli_format("%s", path));
        if (sweep->overwrite)
            json_array_append_new(words, json_string("--overwrite"));
        if (sweep->folds)
            add(words, "--fold", cli_format("%d/%d", i + 1, sweep->n));
        else
            add(words, "--seed", cli_format("%llu", (unsigned long long)sweep->seed + (unsigned)i));
        replace_words(words, sweep->anew);
    }
    free(path);
    if (!is_done)
        return run_words(words);
    json_decref(words);
    return 0;
}

/* A run that diverges or fails by itself does not keep the others from running. */
static int run_all(const struct sweep *sweep)
{
    int code = 0;
    for (int i = 0; i < sweep->n; i++) {
        const int one = run_one(sweep, i);
        code = one ? one : code;
        if (one == 0 || one == CLI_FAILED)
            continue;
        if (one != CLI_USAGE)
            cli_hint("googlenet train --resume %s goes on with all runs", sweep->folder);
        return one;
    }
    return code;
}

int train_sweep(const struct cli_args *args)
{
    const struct train *given = args->values;
    struct sweep sweep = { 0 };
    const bool plans = given->seeds > 0 || given->folds > 0;
    if (given->processes > 1)
        return cli_fail(CLI_USAGE, "train: --processes is for one run, not for several of them");
    if (gn_launched(NULL) != 1 && given->processes == 0) {
        cli_fail(CLI_USAGE, "train: the processes of a launcher do one run, not several of them");
        cli_hint(
            "start one by one, with --seed N or --fold K/N each (a job array); --processes 1 is "
            "for all of them by one process");
        return CLI_USAGE;
    }
    if (plans && given->dry_run)
        return cli_fail(CLI_USAGE, "train: --dry-run is for one run; leave --%s out",
                        given->folds ? "folds" : "seeds");
    int code = plans ? make_plan(args, &sweep) : load_plan(args, &sweep);
    if (!code)
        code = run_all(&sweep);
    if (code == 0 || code == CLI_FAILED) {
        char **paths = cli_calloc((size_t)sweep.n + 1, sizeof *paths);
        for (int i = 0; i < sweep.n; i++)
            paths[i] = path_of(&sweep, i);
        const int shown = sweep_result(sweep.folder, paths, sweep.n, given->common.json);
        code = code ? code : shown;
        for (int i = 0; i < sweep.n; i++)
            free(paths[i]);
        free(paths);
    }
    json_decref(sweep.words);
    json_decref(sweep.anew);
    free(sweep.folder);
    return code;
}
