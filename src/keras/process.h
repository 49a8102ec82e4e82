/* The program googlenet-hdf5, which reads and writes HDF5 in a process of its own. */
#ifndef GN_KERAS_PROCESS_H
#define GN_KERAS_PROCESS_H

#include "file/file.h"

/* Gives it `input`, which is freed, and takes what it answers; `way` is "read" or "write", `name` the file's
 * for sentences. BAD_MODEL when the file is to blame, NO_DEVICE when the program is not there, IO, NO_MEMORY. */
gn_status gn_keras_convert(const char *way, const char *name, struct gn_bytes *input,
                           struct gn_bytes *output);

#endif
