/* The table of recipes, and taking one over into a command's options. */
#include "cli/recipes.h"

#include "base/words.h"
#include "cli/report.h"
#include "cli/shared.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_FLAGS = 24 };

struct recipe {
    const char *name, *summary;
    /* Pairs of a flag and its value; "" for a flag that has none. */
    const char *const flags[MOST_FLAGS][2];
};

/* clang-format off */
static const struct recipe recipes[] = {
    { "fashion-mnist", "the notebook's network and training, Dive into Deep Learning 5.9",
      { { "data", "fashion-mnist" }, { "model", "googlenet" }, { "size", "96" },
        { "epochs", "5" }, { "batch", "128" }, { "lr", "0.05" }, { "shuffle", "window:1000" },
        { "resize", "tf1-legacy" } } },
    { "fashion-mnist-sprint", "the fastest: googlenet-24, which is shaped for speed, by Muon, one-cycle",
      { { "data", "fashion-mnist" }, { "model", "googlenet-24" }, { "size", "28" },
        { "epochs", "5" }, { "batch", "256" }, { "optimizer", "muon" }, { "lr", "0.02" },
        { "nesterov", "" }, { "weight-decay", "5e-4" }, { "schedule", "one-cycle" },
        { "label-smoothing", "0.1" }, { "augment", "alternate-mirror" } } },
    { "fashion-mnist-fast", "the same network for longer, with whitened first filters",
      { { "data", "fashion-mnist" }, { "model", "googlenet-24" }, { "size", "28" },
        { "epochs", "12" }, { "batch", "256" }, { "optimizer", "muon" }, { "lr", "0.02" },
        { "nesterov", "" }, { "weight-decay", "5e-4" }, { "schedule", "one-cycle" },
        { "label-smoothing", "0.1" }, { "augment", "alternate-mirror,shift:1" }, { "whiten", "" } } },
    { "fashion-mnist-best", "the best accuracy that is known here, in more time",
      { { "data", "fashion-mnist" }, { "model", "googlenet-24" }, { "size", "28" },
        { "epochs", "80" }, { "batch", "256" }, { "optimizer", "muon" }, { "lr", "0.02" },
        { "nesterov", "" }, { "weight-decay", "5e-4" }, { "schedule", "one-cycle" },
        { "label-smoothing", "0.1" }, { "ema", "0.999" },
        { "augment", "alternate-mirror,shift:2,erase:0.25" }, { "whiten", "" } } },
    { "folder", "a folder of 200 to 2,000 small pictures, from fresh weights",
      { { "model", "googlenet-24" }, { "size", "28" },
        { "epochs", "60" }, { "batch", "32" }, { "optimizer", "muon" }, { "lr", "0.02" },
        { "nesterov", "" }, { "weight-decay", "5e-4" }, { "schedule", "one-cycle" },
        { "label-smoothing", "0.1" }, { "augment", "shift:2" }, { "whiten", "" } } },
};
/* clang-format on */

static const struct recipe *find(const char *name)
{
    const char *names[CLI_COUNT_OF(recipes) + 1] = { NULL };
    for (int i = 0; i < CLI_COUNT_OF(recipes); i++) {
        names[i] = recipes[i].name;
        if (strcmp(name, names[i]) == 0)
            return &recipes[i];
    }
    cli_fail(CLI_USAGE, "--recipe: \"%s\" is no recipe", name);
    const char *nearest = gn_nearest(name, names);
    if (nearest)
        cli_hint("did you mean %s?", nearest);
    else
        cli_hint("googlenet train --list-recipes lists them");
    return NULL;
}

/* Flags whose values suit the recipe's optimiser alone. */
static bool is_of_optimizer(const char *flag)
{
    static const char *const flags[] = { "lr", "momentum", "nesterov", "weight-decay" };
    for (int i = 0; i < CLI_COUNT_OF(flags); i++)
        if (strcmp(flag, flags[i]) == 0)
            return true;
    return false;
}

int recipe_apply(struct cli_args *args, const char *name)
{
    const struct recipe *recipe = find(name);
    if (!recipe)
        return CLI_USAGE;
    const bool own_optimizer = cli_given(args, "optimizer");
    for (int i = 0; i < MOST_FLAGS && recipe->flags[i][0]; i++) {
        const char *flag = recipe->flags[i][0];
        if (own_optimizer && is_of_optimizer(flag))
            continue;
        if (!cli_default(args, flag, recipe->flags[i][1]))
            return CLI_USAGE;
    }
    return 0;
}

int recipe_batch(const char *name)
{
    enum { USUAL = 128 };
    for (int i = 0; name && i < CLI_COUNT_OF(recipes); i++)
        for (int k = 0; strcmp(name, recipes[i].name) == 0 && k < MOST_FLAGS; k++)
            if (recipes[i].flags[k][0] && strcmp(recipes[i].flags[k][0], "batch") == 0)
                return atoi(recipes[i].flags[k][1]);
    return USUAL;
}

static void print_text(const struct recipe *recipe)
{
    printf("%-20s  %s\n%-20s ", recipe->name, recipe->summary, "");
    for (int i = 0; i < MOST_FLAGS && recipe->flags[i][0]; i++)
        printf(" --%s%s%s", recipe->flags[i][0], recipe->flags[i][1][0] ? " " : "",
               recipe->flags[i][1]);
    printf("\n");
}

void recipe_list(bool json)
{
    for (int k = 0; k < CLI_COUNT_OF(recipes); k++) {
        const struct recipe *recipe = &recipes[k];
        if (!json) {
            print_text(recipe);
            continue;
        }
        json_t *root = json_object(), *flags = json_object();
        for (int i = 0; i < MOST_FLAGS && recipe->flags[i][0]; i++)
            json_object_set_new(flags, recipe->flags[i][0],
                                recipe->flags[i][1][0] ? json_string(recipe->flags[i][1])
                                                       : json_true());
        json_object_set_new(root, "name", json_string(recipe->name));
        json_object_set_new(root, "summary", json_string(recipe->summary));
        json_object_set_new(root, "flags", flags);
        cli_print_json(root);
    }
}
