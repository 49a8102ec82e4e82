/* A network from a Keras file: the file opened, and what it says besides its weights. */
#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"
#include "file/json.h"
#include "foreign/said.h"
#include "foreign/zip.h"
#include "keras/importing.h"
#include "keras/keras.h"
#include "keras/process.h"
#include "ops/rules.h"

#include <string.h>

enum { CONFIG_LIMIT = 8 << 20 };
#define FILE_LIMIT (UINT64_C(2) << 30)

static const char kind[] = "Keras";

/* ---- The file ---- */

/* [null, 96, 96, 1] somewhere in the description of a model. */
static bool find_shape(const json_t *value, int depth, struct gn_shape *input)
{
    const char *key;
    json_t *inner;
    size_t i;
    if (depth > 24)
        return false;
    if (json_is_array(value) && json_array_size(value) == 4 &&
        json_is_null(json_array_get(value, 0))) {
        int sizes[3];
        for (i = 0; i < 3; i++) {
            const json_int_t size = json_integer_value(json_array_get(value, i + 1));
            if (size < 1 || size > (i < 2 ? GN_MAX_SIZE : GN_MAX_CHANNELS))
                return false;
            sizes[i] = (int)size;
        }
        *input = (struct gn_shape){ sizes[0], sizes[1], sizes[2] };
        return true;
    }
    json_array_foreach(value, i, inner) if (find_shape(inner, depth + 1, input)) return true;
    if (json_is_object(value)) {
        void *at = json_object_iter((json_t *)(uintptr_t)value);
        for (; at != NULL; at = json_object_iter_next((json_t *)(uintptr_t)value, at)) {
            key = json_object_iter_key(at);
            (void)key;
            if (find_shape(json_object_iter_value(at), depth + 1, input))
                return true;
        }
    }
    return false;
}

bool gn_keras_input(const char *text, size_t n, struct gn_shape *input)
{
    json_t *config = NULL;
    const bool found = gn_json_load(text, n, &config, NULL) == GN_OK && config != NULL &&
                       find_shape(config, 0, input);
    json_decref(config);
    return found;
}

/* The HDF5 file in a .keras, whose description says the input's shape. */
static gn_status open_archive(struct gn_keras_importing *im, struct gn_bytes *bytes)
{
    struct gn_bytes config, weights;
    bool found;
    GN_TRY(gn_zip_read(bytes, im->name, "config.json", CONFIG_LIMIT, &found, &config));
    if (found)
        (void)gn_keras_input((const char *)config.data, config.size, &im->input);
    gn_free(config.data);
    GN_TRY(gn_zip_read(bytes, im->name, "model.weights.h5", FILE_LIMIT, &found, &weights));
    if (!found)
        GN_FAIL(GN_STATUS_UNSUPPORTED,
                "%s: %s: there is no model.weights.h5 in it; weights in parts are not read",
                im->name, kind);
    gn_free(bytes->data);
    *bytes = weights;
    return GN_OK;
}

static gn_status open_file(struct gn_keras_importing *im)
{
    struct gn_bytes bytes, answer;
    if (gn_same_word(gn_path_extension(im->options->path), ".index"))
        return gn_keras_checkpoint(&im->content, im->options->path);
    GN_TRY(gn_file_read(im->options->path, kind, GN_STATUS_BAD_MODEL, FILE_LIMIT, &bytes));
    gn_status status = GN_OK;
    if (bytes.size >= 4 && memcmp(bytes.data, "PK\3\4", 4) == 0)
        status = open_archive(im, &bytes);
    else if (bytes.size < 8 || memcmp(bytes.data, "\x89HDF\r\n\x1a\n", 8) != 0)
        status =
            gn_fail(GN_STATUS_BAD_MODEL, "%s: %s: this is neither HDF5 nor a zip", im->name, kind);
    if (status != GN_OK) {
        gn_free(bytes.data);
        return status;
    }
    GN_TRY(gn_keras_convert("read", im->name, &bytes, &answer));
    status = gn_keras_content(&im->content, im->name, answer.data, answer.size);
    gn_free(answer.data);
    return status;
}

static gn_status finish(struct gn_keras_importing *im)
{
    const char *steps = gn_keras_text(&im->content, "", "googlenet.preprocess");
    const char *labels = gn_keras_text(&im->content, "", "googlenet.labels");
    const char *version = gn_keras_text(&im->content, "", "keras_version");
    struct gn_shape input = im->net->input;
    (void)gn_said_input(gn_keras_text(&im->content, "", "googlenet.input"), &input);
    if (version != NULL) {
        char clean[64];
        gn_said_note(im->options, "written by Keras %s",
                     gn_printable(clean, sizeof clean, version));
    }
    if (steps != NULL) {
        GN_TRY(gn_said_steps(im->net, input, im->name, steps, strlen(steps)));
        gn_said_note(im->options, "the preprocessing is the file's");
    } else {
        gn_said_assumed(im->net, im->options);
    }
    return labels == NULL ? GN_OK : gn_said_labels(im->net, im->name, labels, strlen(labels));
}

gn_net *gn_keras_import(const struct gn_import_options *options)
{
    struct gn_keras_importing im = { .options = options };
    (void)gn_said_name(options->path, im.name);
    gn_status status = open_file(&im);
    if (status == GN_OK) {
        const char *config = gn_keras_text(&im.content, "", "model_config");
        if (config != NULL)
            (void)gn_keras_input(config, strlen(config), &im.input);
        (void)gn_said_input(gn_keras_text(&im.content, "", "googlenet.input"), &im.input);
        status = gn_keras_match(&im);
    }
    if (status == GN_OK)
        status = finish(&im);
    gn_keras_content_free(&im.content);
    if (status == GN_OK)
        return im.net;
    gn_free_net(im.net);
    return NULL;
}
