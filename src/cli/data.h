/* What the files of googlenet data share. */
#ifndef GN_CLI_DATA_H
#define GN_CLI_DATA_H

#include "cli/shared.h"

struct data {
    struct cli_common common;
    struct cli_place place;
    const char *data, *augment, *out;
    int images, size, channels, short_side, resize, epoch;
};

/* Reads all of a set and says what it holds and what is wrong with it. Returns the exit code: 3 when
 * something cannot be read. */
int data_check(const struct data *given, const char *what);

/* Writes a contact sheet. `what` NULL: --data says it. */
int data_preview(const struct data *given, const char *what);

#endif
