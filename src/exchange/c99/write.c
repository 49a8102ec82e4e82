/*
 * A network as one C99 file: its weights, and the functions that answer for one image, without any
 * library, without malloc. The bits of the answers are those of the generic kernels with direct
 * convolution.
 */
#include "exchange/c99/file.h"

#include "base/memory.h"
#include "exchange/export.h"

static gn_status write_parts(struct gn_c99_file *file)
{
    gn_c99_head(file);
    gn_c99_functions(file);
    gn_c99_pixels(file);
    const gn_status status = gn_c99_steps(file);
    gn_c99_run(file);
    gn_c99_flush(file);
    return status;
}

static gn_status write_file(struct gn_c99_file *file)
{
    enum { TEXT = 3 }; /* bytes of a byte of a weight as text, more or less */
    GN_TRY(gn_c99_name(file));
    GN_TRY(gn_c99_plan(file));
    GN_TRY(gn_c99_ask(file));
    file->out = gn_file_begin(file->options->path, "C", file->weights * TEXT);
    if (file->out == NULL)
        return gn_last_status();
    if (write_parts(file) == GN_OK)
        return gn_file_commit(file->out, NULL);
    gn_file_abort(file->out);
    return gn_last_status();
}

gn_status gn_export_c99(const gn_net *net, const struct gn_export_options *options)
{
    const size_t layers = (size_t)net->graph->n_layers;
    struct gn_c99_file *file = gn_calloc(1, sizeof *file, "a C file");
    if (file == NULL)
        return gn_last_status();
    file->net = net;
    file->options = options;
    file->values = gn_calloc(layers, sizeof *file->values, "steps of a C file");
    file->ops = gn_calloc(layers, sizeof *file->ops, "steps of a C file");
    const bool made = file->values != NULL && file->ops != NULL;
    const gn_status status = made ? write_file(file) : gn_last_status();
    gn_free(file->values);
    gn_free(file->ops);
    gn_free(file);
    return status;
}
