/* The tensors of a TensorFlow 2 checkpoint. */
#ifndef GN_TENSORFLOW_CHECKPOINT_H
#define GN_TENSORFLOW_CHECKPOINT_H

#include "formats/safetensors.h"
#include "file/file.h"

struct gn_checkpoint {
    struct gn_bytes index, data;  /* both files */
    struct gn_st_tensor *tensors; /* variables of real numbers, in the order of their keys */
    char **names;                 /* theirs, without ".ATTRIBUTES/VARIABLE_VALUE" */
    int n, room;
};

/* Reads the index at `path` ("w.index") and the data next to it, and checks the checksum of every variable.
 * What belongs to an optimizer is left out. BAD_MODEL, UNSUPPORTED, NO_MEMORY; free also after an error. */
gn_status gn_checkpoint_open(struct gn_checkpoint *checkpoint, const char *path);

/* The same for bytes in memory, which stay the caller's; `name` is printable. */
gn_status gn_checkpoint_of_bytes(struct gn_checkpoint *checkpoint, const char *name,
                                 const struct gn_bytes *index, const struct gn_bytes *data);
void gn_checkpoint_close(struct gn_checkpoint *checkpoint);

#endif
