/* Preprocessing, labels and the note of an import. */
#include "foreign/said.h"

#include "base/memory.h"
#include "base/number.h"
#include "file/file.h"
#include "file/json.h"
#include "formats/model_internal.h"
#include "models/presets.h"
#include "ops/rules.h"

#include <stdarg.h>
#include <string.h>

enum { LABELS_LIMIT = 16 << 20, STEPS_TEXT = 1024 };

const char *gn_said_name(const char *path, char name[GN_SAID_TEXT])
{
    return gn_printable(name, GN_SAID_TEXT, path);
}

void gn_said_note(const struct gn_import_options *options, const char *format, ...)
{
    va_list args;
    if (options->note == NULL || options->note_size == 0)
        return;
    const size_t at = strlen(options->note);
    const char *between = at > 0 ? "; " : "";
    if (at + strlen(between) + 1 >= options->note_size)
        return;
    (void)snprintf(options->note + at, options->note_size - at, "%s", between);
    va_start(args, format);
    gn_print_sentence(options->note + at + strlen(between),
                      options->note_size - at - strlen(between), format, args);
    va_end(args);
}

gn_status gn_said_steps(gn_net *net, struct gn_shape input, const char *name, const char *text,
                        size_t n)
{
    struct gn_model_fields fields = {
        .h = input.h, .w = input.w, .channels = input.c, .classes = net->classes
    };
    json_t *steps;
    GN_TRY(gn_json_load(text, n, &steps, NULL));
    if (steps == NULL)
        GN_FAIL(GN_STATUS_BAD_MODEL, "%s: the preprocessing is not JSON", name);
    fields.root = json_object();
    gn_json_set(fields.root, "preprocess", steps);
    const gn_status status = gn_preprocess_read(name, &fields);
    json_decref(fields.root);
    GN_TRY(status);
    gn_net_take_pixels(net, &fields.pixels, input);
    net->resize = fields.resize;
    net->resize_is_given = true;
    return GN_OK;
}

bool gn_said_input(const char *text, struct gn_shape *input)
{
    json_t *list = NULL;
    int sizes[3];
    bool good = gn_json_parse(text, &list) == GN_OK && json_array_size(list) == 3;
    for (size_t i = 0; i < 3 && good; i++)
        good = gn_model_read_count(json_array_get(list, i), i < 2 ? GN_MAX_SIZE : GN_MAX_CHANNELS,
                                   &sizes[i]);
    json_decref(list);
    if (good)
        *input = (struct gn_shape){ sizes[0], sizes[1], sizes[2] };
    return good;
}

gn_status gn_said_labels(gn_net *net, const char *name, const char *text, size_t n)
{
    json_t *list;
    GN_TRY(gn_json_load(text, n, &list, NULL));
    const size_t count = json_array_size(list);
    const char **labels = NULL;
    gn_status status = GN_OK;
    if (count == (size_t)net->classes) {
        labels = gn_calloc(count, sizeof *labels, "class names");
        status = labels == NULL ? gn_last_status() : GN_OK;
    }
    for (size_t i = 0; labels != NULL && i < count; i++)
        labels[i] = json_string_value(json_array_get(list, i));
    if (labels != NULL)
        status = gn_net_set_labels(net, labels, net->classes);
    else if (status == GN_OK)
        status = GN_STATUS_BAD_ARGUMENT;
    gn_free(labels);
    json_decref(list);
    if (status == GN_STATUS_BAD_ARGUMENT)
        GN_FAIL(GN_STATUS_BAD_MODEL, "%s: the class names are not %d texts", name, net->classes);
    return status;
}

/* ---- What the caller says ---- */

static gn_status labels_of_file(gn_net *net, const char *path)
{
    struct gn_bytes bytes;
    char name[GN_SAID_TEXT];
    GN_TRY(gn_file_read(path, "labels", GN_STATUS_BAD_DATA, LABELS_LIMIT, &bytes));
    const char **labels = gn_calloc((size_t)net->classes, sizeof *labels, "class names");
    char *text = gn_alloc(bytes.size + 1, "class names");
    gn_status status = labels == NULL || text == NULL ? gn_last_status() : GN_OK;
    int n = 0;
    if (status == GN_OK) {
        memcpy(text, bytes.data, bytes.size);
        text[bytes.size] = '\0';
        for (char *at = text; *at != '\0';) {
            const size_t length = strcspn(at, "\r\n");
            char *next = at + length + strspn(at + length, "\r\n");
            at[length] = '\0';
            if (length > 0 && n++ < net->classes)
                labels[n - 1] = at;
            at = next;
        }
        if (n != net->classes)
            status = gn_fail(GN_STATUS_BAD_DATA, "%s: labels: %d names, the network has %d classes",
                             gn_said_name(path, name), n, net->classes);
        else
            status = gn_net_set_labels(net, labels, n);
    }
    gn_free(text);
    gn_free(labels);
    gn_free(bytes.data);
    return status;
}

static gn_status steps_of_caller(gn_net *net, const char *text)
{
    const gn_status bad = GN_STATUS_BAD_ARGUMENT;
    if (*text == '[') {
        if (gn_said_steps(net, net->input, "preprocess", text, strlen(text)) == GN_OK)
            return GN_OK;
        return gn_last_status() == GN_STATUS_NO_MEMORY ? gn_last_status()
                                                       : gn_fail(bad, "%s", gn_error_message());
    }
    gn_net *other =
        gn_preset_blank(&(struct gn_preset_options){ .preset = text, .channels = net->input.c });
    if (other == NULL)
        return gn_last_status() == GN_STATUS_NO_MEMORY ? gn_last_status()
                                                       : gn_fail(bad, "%s", gn_error_message());
    net->resize = other->resize;
    net->resize_is_given = true;
    gn_net_take_pixels(net, &other->pixels, other->input);
    gn_free_net(other);
    return GN_OK;
}

gn_status gn_said_by_caller(gn_net *net, const struct gn_import_options *options)
{
    if (options->preprocess != NULL)
        GN_TRY(steps_of_caller(net, options->preprocess));
    if (options->resize != GN_RESIZE_DEFAULT) {
        net->resize = options->resize;
        net->resize_is_given = true;
    }
    if (options->labels != NULL)
        return labels_of_file(net, options->labels);
    return GN_OK;
}

/* ---- What nobody says ---- */

gn_net *gn_said_network(const struct gn_import_options *options, const char *otherwise,
                        struct gn_shape input, int classes, bool aux)
{
    const struct gn_preset_options wanted = {
        .preset = options->model != NULL ? options->model : otherwise,
        .size = options->size != 0 ? options->size : input.h,
        .width = options->size != 0 || options->width != 0 ? options->width : input.w,
        .channels = input.c,
        .classes = classes,
        .aux = aux,
    };
    return gn_preset_blank(&wanted);
}

void gn_said_assumed(const gn_net *net, const struct gn_import_options *options)
{
    char steps[STEPS_TEXT];
    if (options->preprocess != NULL)
        gn_said_note(options, "the preprocessing is the caller's");
    else if (gn_net_preprocess(net, steps, sizeof steps) == GN_OK)
        gn_said_note(options, "the file says nothing about pictures, assumed is %s", steps);
}
