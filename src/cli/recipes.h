/*
 * Recipes of googlenet train: named sets of flags that were found to work well together.
 * docs/recipes.md has what they reach.
 */
#ifndef GN_CLI_RECIPES_H
#define GN_CLI_RECIPES_H

#include "cli/options.h"

/* Takes the flags of the recipe wherever the command line has none of its own. Returns 0, or the
 * exit code after the fault was named (an unknown name, with the nearest one). */
int recipe_apply(struct cli_args *args, const char *name);

/* The batch that the rate of a recipe was chosen for; NULL: of no recipe, the program's own. */
int recipe_batch(const char *name);

/* Lists the recipes on stdout: one line each, with their flags. */
void recipe_list(bool json);

#endif
