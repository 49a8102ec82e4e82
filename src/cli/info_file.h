/* `info` of a file. */
#ifndef GN_CLI_INFO_FILE_H
#define GN_CLI_INFO_FILE_H

#include <stdbool.h>

/* What the file may not say itself; NULL: not given. */
struct cli_file_flags {
    const char *model;           /* the network, where it holds weights alone */
    const char *prototxt, *mean; /* Caffe */
};

/* Prints what the file is. Returns the exit code. */
int cli_info_file(const char *path, const struct cli_file_flags *flags, bool json);

#endif
