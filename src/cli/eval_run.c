/*
 * googlenet eval RUN: the folder of a run in place of a model is its best weights, and what the run was trained
 * with is the default of what to evaluate on. A run of `train --fold K/N` (or of one of `--folds`) has seen
 * all training samples but a part: that part is its validation, and the same one is made again here.
 */
#include "base/number.h"
#include "base/path.h"
#include "cli/config.h"
#include "cli/eval.h"
#include "cli/report.h"
#include "cli/run_folder.h"

#include <stdlib.h>
#include <string.h>

int cli_read_fold(const char *text, struct cli_place *place)
{
    int fold = 0, folds = 0;
    if (!text)
        return 0;
    char *copy = cli_format("%s", text);
    char *slash = strchr(copy, '/');
    if (slash)
        *slash = '\0';
    const bool good =
        slash && gn_int_parse(slash + 1, 2, 1000, &folds) && gn_int_parse(copy, 1, folds, &fold);
    free(copy);
    if (!good)
        return cli_fail(CLI_USAGE, "--fold %s: write K/N, such as 1/5: number K of N folds", text);
    place->folds = folds;
    place->fold = fold - 1;
    return 0;
}

/* What a run's configuration says about its data, by the names of eval's own flags. */
static const char *const shared[] = { "data",         "data-dir", "val-fraction", "seed",
                                      "on-bad-image", "fold",     "limit-train",  "scaled-decode" };

/* The value as a word of the command line, to be freed; NULL: none. */
static char *option_text(const json_t *config, const char *name)
{
    const json_t *value = json_object_get(json_object_get(config, "options"), name);
    if (json_is_string(value))
        return cli_format("%s", json_string_value(value));
    if (json_is_true(value))
        return cli_format("true");
    return json_is_number(value) ? cli_json_text_of(value, JSON_ENCODE_ANY) : NULL;
}

/* Flags that were not given have the run's values. */
static int take_data(struct cli_args *args, const char *folder, const json_t *config)
{
    bool same = !cli_given(args, "data");
    if (!same) { /* of other data nothing is known but how its pictures are read */
        char *data = option_text(config, "data");
        same = data && strcmp(data, ((struct cli_eval_flags *)args->values)->data) == 0;
        free(data);
    }
    for (int i = 0; same && i < CLI_COUNT_OF(shared); i++) {
        char *text = option_text(config, shared[i]);
        const int row = cli_find_option(&args->table, shared[i]);
        if (text && row >= 0 && !args->given[row]) {
            char *source = cli_format("%s/config.json: %s", folder, shared[i]);
            const bool good = cli_parse_value(args, row, source, text);
            free(source);
            free(args->lists[row]);
            args->lists[row] = text; /* texts are used where they lie */
            if (!good)
                return CLI_DATA;
            continue;
        }
        free(text);
    }
    return 0;
}

/* The weights to evaluate, to be freed; NULL after the fault was named. */
static char *weights_of(const char *folder)
{
    static const char *const names[] = { "best.safetensors", "model.safetensors" };
    for (int i = 0; i < CLI_COUNT_OF(names); i++) {
        char *path = cli_format("%s/%s", folder, names[i]);
        if (gn_path_exists(path))
            return path;
        free(path);
    }
    cli_fail(CLI_MODEL, "%s: the run has no model yet (best.safetensors, model.safetensors)",
             folder);
    return NULL;
}

/* Two runs that were validated by different samples cannot be compared by either's. */
static int check_other(const char *folder, const json_t *config, const char *fold)
{
    char *other = option_text(config, "fold");
    const bool differs = fold && (!other || strcmp(other, fold) != 0);
    const int code =
        differs ? cli_fail(CLI_USAGE,
                           "%s: it has trained with samples that fold %s holds back; give --split "
                           "test, which neither has seen",
                           folder, fold)
                : 0;
    free(other);
    return code;
}

int cli_eval_runs(struct cli_args *args, char *made[2])
{
    struct cli_eval_flags *flags = args->values;
    for (int i = 0; i < args->n_arguments; i++) {
        const char *folder = args->arguments[i];
        int code = 0;
        if (!gn_path_is_folder(folder))
            continue;
        if (cli_is_sweep_folder(folder)) {
            code = cli_fail(CLI_USAGE, "%s: holds several runs; name one of them", folder);
            cli_hint("googlenet runs list %s lists them, their mean is in %s/summary.json", folder,
                     folder);
            return code;
        }
        json_t *config = cli_load_config(folder, &code);
        if (!config)
            return code;
        code = 0;
        if (i == 0)
            code = take_data(args, folder, config);
        else if (flags->fold && !cli_given(args, "split"))
            code = check_other(folder, config, flags->fold);
        json_decref(config);
        made[i] = code ? NULL : weights_of(folder);
        if (!code && !made[i])
            code = CLI_MODEL;
        if (code)
            return code;
        args->arguments[i] = made[i];
    }
    return 0;
}
