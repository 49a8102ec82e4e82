/* The format of a file follows from the ending of its name. */
#include "exchange/export.h"

#include "base/path.h"

#include <string.h>

static gn_status export_safetensors(const gn_net *net, const struct gn_export_options *options)
{
    return gn_save(net, options->path);
}

static const struct {
    const char *ending;
    gn_status (*write)(const gn_net *net, const struct gn_export_options *options);
    bool is_onnx; /* takes the options of ONNX */
} formats[] = {
    { ".onnx", gn_export_onnx, true },
    { ".safetensors", export_safetensors, false },
};

gn_status gn_export_with(const gn_net *net, const struct gn_export_options *options)
{
    GN_NEED(net, "the network");
    GN_NEED(options, "the options");
    GN_NEED(options->path, "the path");
    const char *ending = gn_path_extension(options->path);
    const bool asks = options->opset != 0 || options->softmax || options->embed_preprocessing ||
                      options->keep_norm || options->f16;
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        if (strcmp(ending, formats[i].ending) != 0)
            continue;
        if (asks && !formats[i].is_onnx)
            GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                    "%s: .opset, .softmax, .embed_preprocessing, .keep_norm and .f16 are for ONNX",
                    options->path);
        return formats[i].write(net, options);
    }
    GN_FAIL(GN_STATUS_BAD_ARGUMENT,
            "%s: a model is exported to a file whose name ends in .onnx or .safetensors",
            options->path);
}

gn_net *gn_import_with(const struct gn_import_options *options)
{
    if (options == NULL || options->path == NULL) {
        (void)gn_fail(GN_STATUS_BAD_ARGUMENT, "import: no file is given");
        return NULL;
    }
    if (options->size < 0 || options->width < 0 || (int)options->resize < 0 ||
        options->resize > GN_RESIZE_PIL_BILINEAR) {
        (void)gn_fail(GN_STATUS_BAD_ARGUMENT, "import: size %d, width %d or resize rule %d",
                      options->size, options->width, (int)options->resize);
        return NULL;
    }
    if (strcmp(gn_path_extension(options->path), ".onnx") == 0)
        return gn_import_onnx(options);
    (void)gn_fail(GN_STATUS_BAD_ARGUMENT, "%s: only files whose name ends in .onnx are imported",
                  options->path);
    return NULL;
}
