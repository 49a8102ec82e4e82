/*
 * The folder of a training run: its name, and whether it may be used.
 */
#ifndef GN_CLI_RUN_FOLDER_H
#define GN_CLI_RUN_FOLDER_H

#include <stdbool.h>

/* Refuses (5) a folder that already holds a run, unless `overwrite`. A lone config.json is not a
 * run. */
int cli_check_new_run(const char *folder, bool overwrite);

/* Whether a run can go on there. */
bool cli_holds_checkpoint(const char *folder);

/* Refuses (3) a folder without checkpoint. */
int cli_check_old_run(const char *folder);

/* Creates `folder` and the folders above it; *made is how many of them were not there. 0, or 5 after
 * the fault was named. */
int cli_make_folder(const char *folder, int *made);

/* After a failure: removes what cli_make_folder made, as far as it is empty. */
void cli_unmake_folder(const char *folder, int made);

/* Creates a new folder runs/<n>-<preset>-<data> and gives its path in *folder (to be freed);
 * `data` is a set's name or a path, *made as above. 0, or 5 after the fault was named. */
int cli_make_run_folder(char **folder, const char *preset, const char *data, int *made);

/* Replaces a small text file of a run as a whole. 0, or 5 after a warning. */
int cli_replace_file(const char *path, const char *text);

/* The path that the next such run would get, for --dry-run; to be freed. */
char *cli_next_run_folder(const char *preset, const char *data);

/* The folder of several runs, of train --seeds or --folds: whether it is one; removes its own files, and itself if
 * it is empty then. */
#define CLI_SWEEP_PLAN "sweep.json"
bool cli_is_sweep_folder(const char *folder);
void cli_remove_sweep_files(const char *folder);

#endif
