/* The format of a file follows from the ending of its name. */
#include "exchange/export.h"

#include "base/path.h"
#include "base/text.h"
#include "caffe/caffe.h"
#include "foreign/said.h"
#include "keras/export.h"
#include "keras/keras.h"
#include "numpy/numpy.h"
#include "torch/torch.h"

#include <string.h>

/* ---- Export ---- */

static gn_status export_safetensors(const gn_net *net, const struct gn_export_options *options)
{
    if (options->names == NULL)
        return gn_save(net, options->path);
    if (strcmp(options->names, "torchvision") == 0)
        return gn_torch_export(net, options);
    char name[GN_SAID_TEXT];
    GN_FAIL(GN_STATUS_BAD_ARGUMENT, "names of tensors: \"%s\" is unknown, known is torchvision",
            gn_printable(name, sizeof name, options->names));
}

static const struct {
    const char *ending;
    gn_status (*write)(const gn_net *net, const struct gn_export_options *options);
} formats[] = {
    { ".onnx", gn_export_onnx }, { ".safetensors", export_safetensors }, { ".h5", gn_keras_export },
    { ".c", gn_export_c99 },     { ".keras", gn_keras_export },          { ".npz", gn_npz_export },
};

/* Options belong to formats. */
static gn_status check_export(const struct gn_export_options *options, const char *ending)
{
    const struct {
        bool asked;
        const char *endings[2];
        const char *sentence;
    } rules[] = {
        { options->opset != 0 || options->embed_preprocessing || options->keep_norm || options->f16,
          { ".onnx" },
          ".opset, .embed_preprocessing, .keep_norm and .f16 are for ONNX" },
        { options->softmax, { ".onnx", ".c" }, ".softmax is for ONNX and C" },
        { options->names != NULL, { ".safetensors" }, ".names is for safetensors" },
        { options->keras_block != NULL, { ".h5", ".keras" }, ".keras_block is for .h5 and .keras" },
        { options->name != NULL, { ".c" }, ".name is for C" },
    };
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        bool fits = !rules[i].asked;
        for (int k = 0; k < 2 && rules[i].endings[k] != NULL; k++)
            fits |= strcmp(ending, rules[i].endings[k]) == 0;
        if (!fits)
            GN_FAIL(GN_STATUS_BAD_ARGUMENT, "%s: %s", options->path, rules[i].sentence);
    }
    return GN_OK;
}

/* Other formats would take weights of 8 bits without the rounding between them, and so be another network. */
static gn_status check_int8(const gn_net *net, const struct gn_export_options *options,
                            const char *ending)
{
    const bool can = strcmp(ending, ".onnx") == 0 || strcmp(ending, ".c") == 0 ||
                     (strcmp(ending, ".safetensors") == 0 && options->names == NULL);
    if (can || gn_graph_check_trainable(net->graph) == GN_OK)
        return GN_OK;
    GN_FAIL(GN_STATUS_UNSUPPORTED,
            "%s: a quantised network can be written as .onnx, .c or a model file (.safetensors) "
            "alone; export the model that it was made from",
            options->path);
}

gn_status gn_export_with(const gn_net *net, const struct gn_export_options *options)
{
    GN_NEED(net, "the network");
    GN_NEED(options, "the options");
    GN_NEED(options->path, "the path");
    const char *ending = gn_path_extension(options->path);
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        if (strcmp(ending, formats[i].ending) != 0)
            continue;
        GN_TRY(check_export(options, ending));
        GN_TRY(check_int8(net, options, ending));
        return formats[i].write(net, options);
    }
    GN_FAIL(
        GN_STATUS_BAD_ARGUMENT,
        "%s: a model is exported to a file whose name ends in .onnx, .safetensors, .h5, .keras, "
        ".npz or .c",
        options->path);
}

/* ---- Import ---- */

/* The file tells what is in it: torchvision's tensors, or ours. */
static gn_net *import_safetensors(const struct gn_import_options *options)
{
    struct gn_st_file *file = gn_st_open(options->path);
    if (file == NULL)
        return NULL;
    gn_net *net = NULL;
    if (gn_torch_is(file))
        net = gn_torch_import(options, file);
    else
        net = gn_load(options->path, .preset = options->model, .size = options->size,
                      .width = options->width, .resize = options->resize, .aux = true);
    gn_st_close(file);
    return net;
}

/* Files that are never read, each with the advice of what to do instead. */
static gn_net *refuse_pickle(const struct gn_import_options *options)
{
    struct gn_st_file *file = gn_st_open(options->path);
    if (file != NULL)
        (void)gn_fail(GN_STATUS_BAD_ARGUMENT,
                      "%s: this is a safetensors file: call it .safetensors", options->path);
    gn_st_close(file);
    return NULL;
}

static const struct {
    const char *ending;
    gn_net *(*read)(const struct gn_import_options *options);
} importers[] = {
    { ".onnx", gn_import_onnx },   { ".caffemodel", gn_caffe_import },
    { ".h5", gn_keras_import },    { ".hdf5", gn_keras_import },
    { ".keras", gn_keras_import }, { ".safetensors", import_safetensors },
    { ".index", gn_keras_import }, { ".npz", gn_npz_import },
    { ".pth", refuse_pickle },     { ".pt", refuse_pickle },
    { ".ckpt", refuse_pickle },
};

static gn_status check_import(const struct gn_import_options *options)
{
    if (options == NULL || options->path == NULL)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "import: no file is given");
    if (options->size < 0 || options->width < 0 || (int)options->resize < 0 ||
        options->resize > GN_RESIZE_PIL_BILINEAR)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "import: size %d, width %d or resize rule %d",
                options->size, options->width, (int)options->resize);
    if (options->note != NULL && options->note_size > 0)
        *options->note = '\0';
    if (options->table != NULL && options->table_size > 0)
        *options->table = '\0';
    return GN_OK;
}

gn_net *gn_import_with(const struct gn_import_options *options)
{
    if (check_import(options) != GN_OK)
        return NULL;
    gn_net *net = NULL;
    const char *ending = gn_path_extension(options->path);
    for (size_t i = 0; i < sizeof importers / sizeof importers[0]; i++) {
        if (!gn_same_word(ending, importers[i].ending))
            continue;
        net = importers[i].read(options);
        if (net == NULL || gn_said_by_caller(net, options) == GN_OK)
            return net;
        gn_free_net(net);
        return NULL;
    }
    (void)gn_fail(
        GN_STATUS_BAD_ARGUMENT,
        "%s: only files whose names end in .onnx, .safetensors, .caffemodel, .h5, .keras, .npz or "
        ".index (TensorFlow) are imported",
        options->path);
    return NULL;
}
