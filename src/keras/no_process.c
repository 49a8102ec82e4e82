/* In the place of process.c where the program googlenet-hdf5 is not made. */
#include "keras/process.h"

#include "base/memory.h"

gn_status gn_keras_convert(const char *way, const char *name, struct gn_bytes *input,
                           struct gn_bytes *output)
{
    (void)way;
    gn_free(input->data);
    *input = *output = (struct gn_bytes){ 0 };
    GN_FAIL(GN_STATUS_NO_DEVICE, "%s: Keras: this build has no googlenet-hdf5, which reads HDF5",
            name);
}
