/* What the files of the program googlenet-hdf5 share. */
#ifndef GN_HDF5_HDF5_H
#define GN_HDF5_HDF5_H

#include "file/file.h"

#include <hdf5.h>

/* Prints one sentence and ends with code 1. */
_Noreturn void gn_hdf5_fail(const char *format, ...) GN_PRINTF(1, 2);

/* After this call: no file, no socket, no other program, and limits of memory and time. */
void gn_hdf5_close_doors(uint64_t memory, unsigned seconds);

/* Opens the bytes of an HDF5 file, without a copy. */
hid_t gn_hdf5_open(const struct gn_bytes *bytes);

/* Writes all tensors and texts of an HDF5 file to stdout: a u64 of the size, then a safetensors file. */
void gn_hdf5_read(const struct gn_bytes *bytes);

/* The way back: of a safetensors file an HDF5 file. */
void gn_hdf5_write(const struct gn_bytes *bytes);

void gn_hdf5_put(const void *data, size_t n);

#endif
