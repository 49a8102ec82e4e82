/*
 * The folder of a run: found or made, proved writable, and locked against a second process before
 * any time is spent on training.
 */
#ifndef GN_RUN_RUN_FOLDER_H
#define GN_RUN_RUN_FOLDER_H

#include "base/status.h"

enum { GN_RUN_PATH = 4096 };

enum gn_run_mode {
    GN_RUN_NEW,       /* the folder must not hold a run */
    GN_RUN_OVERWRITE, /* an earlier run in it is removed */
    GN_RUN_RESUME,    /* it must hold a checkpoint */
    GN_RUN_READ       /* the same; it is neither locked nor written */
};

struct gn_run_folder;

/* NULL: IO (cannot be made or written, holds a run already), BUSY (another process has it; pid
 * and host are named), BAD_DATA (nothing to resume). A lone config.json is not a run. */
struct gn_run_folder *gn_run_folder_open(const char *path, enum gn_run_mode mode);

/* Releases the lock. NULL is fine. */
void gn_run_folder_close(struct gn_run_folder *folder);

/* The path of a file in the folder, in `buffer`, which is returned. */
const char *gn_run_file(const struct gn_run_folder *folder, const char *name,
                        char buffer[GN_RUN_PATH]);

/* The folder's path in a form that messages may show. */
const char *gn_run_folder_name(const struct gn_run_folder *folder);

#endif
