/* `info` of a file. */
#ifndef GN_CLI_INFO_FILE_H
#define GN_CLI_INFO_FILE_H

#include <stdbool.h>

/* Prints what the file is; `model` is the network where it holds weights alone, or NULL. Returns the
 * exit code. */
int cli_info_file(const char *path, const char *model, bool json);

#endif
