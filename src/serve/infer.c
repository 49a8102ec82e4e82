/* Reading an inference request. */
#include "serve/infer.h"

#include "base/number.h"
#include "cli/report.h"
#include "serve/unwrap.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

const char *const serve_output_names[SERVE_OUTPUT_KINDS] = { "logits", "probabilities" };

enum { FP32, UINT8, BYTES, DATATYPES };
static const char *const datatypes[DATATYPES] = { "FP32", "UINT8", "BYTES" };

/* A request being read. */
struct reading {
    struct serve_infer *infer;
    const struct serve_model *model;
    int max_batch;
    const unsigned char *binary; /* tensors after the JSON */
    size_t binary_size;
    struct serve_data data;
    int datatype, rank;
    json_int_t shape[4];
};

static GN_PRINTF(3, 4) bool fail(struct reading *r, int code, const char *format, ...)
{
    va_list list;
    char text[sizeof r->infer->error];
    va_start(list, format);
    (void)gn_format_list(text, sizeof text, format, list);
    va_end(list);
    (void)gn_printable(r->infer->error, sizeof r->infer->error, text);
    r->infer->code = code;
    return false;
}

void serve_infer_free(struct serve_infer *infer)
{
    serve_text_free(&infer->id);
    free(infer->inputs);
    free(infer->pictures);
    free(infer->bytes);
    infer->inputs = NULL;
    infer->pictures = NULL;
    infer->bytes = NULL;
}

/* ---- Outputs ---- */

static bool read_flag(struct reading *r, const json_t *object, const char *path, const char *key,
                      bool *value)
{
    const json_t *flag = json_object_get(json_object_get(object, "parameters"), key);
    if (flag && !json_is_boolean(flag))
        return fail(r, 400, "%s.parameters.%s: true or false is expected", path, key);
    if (flag)
        *value = json_is_true(flag);
    return true;
}

static bool read_output(struct reading *r, const json_t *object, int i, bool binary)
{
    char path[32];
    struct serve_output *output = &r->infer->outputs[i];
    snprintf(path, sizeof path, "outputs[%d]", i);
    const char *name = json_string_value(json_object_get(object, "name"));
    const json_t *parameters = json_object_get(object, "parameters");
    const json_t *classes = json_object_get(parameters, "classification");
    int kind = 0;
    if (!name)
        return fail(r, 400, "%s.name: a string is expected", path);
    while (kind < SERVE_OUTPUT_KINDS && strcmp(name, serve_output_names[kind]) != 0)
        kind++;
    if (kind == SERVE_OUTPUT_KINDS)
        return fail(r, 400,
                    "%s.name: \"%.64s\" is not an output; there are logits and probabilities", path,
                    name);
    *output = (struct serve_output){ .kind = (enum serve_output_kind)kind, .binary = binary };
    if (classes && (!json_is_integer(classes) || json_integer_value(classes) < 1))
        return fail(r, 400, "%s.parameters.classification: a number of classes is expected", path);
    if (classes)
        output->classification = json_integer_value(classes) < r->model->info.classes
                                     ? (int)json_integer_value(classes)
                                     : r->model->info.classes;
    return read_flag(r, object, path, "binary_data", &output->binary);
}

static bool read_outputs(struct reading *r, const json_t *root)
{
    const json_t *outputs = json_object_get(root, "outputs");
    bool binary = false;
    if (!read_flag(r, root, "request", "binary_data_output", &binary))
        return false;
    if (outputs && !json_is_array(outputs))
        return fail(r, 400, "outputs: an array is expected");
    if (json_array_size(outputs) == 0) {
        r->infer->n_outputs = SERVE_OUTPUT_KINDS;
        for (int i = 0; i < SERVE_OUTPUT_KINDS; i++)
            r->infer->outputs[i] =
                (struct serve_output){ .kind = (enum serve_output_kind)i, .binary = binary };
        return true;
    }
    if (json_array_size(outputs) > SERVE_OUTPUTS)
        return fail(r, 400, "outputs: %zu of them, at most %d are given", json_array_size(outputs),
                    SERVE_OUTPUTS);
    r->infer->n_outputs = (int)json_array_size(outputs);
    for (int i = 0; i < r->infer->n_outputs; i++)
        if (!read_output(r, json_array_get(outputs, (size_t)i), i, binary))
            return false;
    return true;
}

/* ---- The input ---- */

static bool read_shape(struct reading *r, const json_t *input)
{
    const json_t *shape = json_object_get(input, "shape");
    const size_t rank = json_array_size(shape);
    const size_t wanted = r->datatype == BYTES ? 1 : 4;
    if (!json_is_array(shape) || (rank != wanted && !(r->datatype == BYTES && rank == 2)))
        return fail(r, 400, "inputs[0].shape: %s",
                    r->datatype == BYTES ? "[pictures] is expected"
                                         : "[images, height, width, channels] is expected");
    r->rank = (int)rank;
    for (size_t i = 0; i < rank; i++) {
        const json_t *side = json_array_get(shape, i);
        r->shape[i] = json_integer_value(side);
        if (!json_is_integer(side) || r->shape[i] < 1 || r->shape[i] > INT32_MAX)
            return fail(r, 400, "inputs[0].shape[%zu]: a whole number from 1 on is expected", i);
    }
    if (r->datatype == BYTES && rank == 2 && r->shape[1] != 1)
        return fail(r, 400, "inputs[0].shape: [pictures] or [pictures, 1] is expected");
    if (r->shape[0] > r->max_batch)
        return fail(r, 400, "inputs[0].shape: %lld images in one request, at most %d are taken",
                    (long long)r->shape[0], r->max_batch);
    r->infer->rows = (int)r->shape[0];
    const struct gn_net_info *info = &r->model->info;
    if (r->datatype == FP32 && (r->shape[1] != info->size_h || r->shape[2] != info->size_w ||
                                r->shape[3] != info->channels))
        return fail(r, 400, "inputs[0].shape: images of %lldx%lldx%lld, the model takes %dx%dx%d",
                    (long long)r->shape[1], (long long)r->shape[2], (long long)r->shape[3],
                    info->size_h, info->size_w, info->channels);
    return true;
}

/* Values that the shape says, 0 when it cannot be. */
static size_t values_of(const struct reading *r)
{
    const uint64_t most = UINT32_MAX;
    uint64_t n = 1;
    for (int i = 0; i < r->rank; i++)
        n = n > most || (uint64_t)r->shape[i] > most / n ? most + 1 : n * (uint64_t)r->shape[i];
    return n > most ? 0 : (size_t)n;
}

static bool check_nesting(struct reading *r)
{
    const struct serve_data *d = &r->data;
    if (d->depth < 2)
        return true;
    if (d->depth != r->rank)
        return fail(r, 400, "inputs[0].data: arrays in %d levels, the shape has %d", d->depth,
                    r->rank);
    for (int i = 0; i < r->rank; i++)
        if (d->dims[i] != (size_t)r->shape[i])
            return fail(r, 400, "inputs[0].data: %zu members in level %d, the shape says %lld",
                        d->dims[i], i, (long long)r->shape[i]);
    return true;
}

static bool no_memory(struct reading *r)
{
    return fail(r, 503, "no memory for the request; try again later");
}

static bool take_float_bytes(struct reading *r, size_t values)
{
    if (r->binary_size != values * sizeof(float))
        return fail(r, 400, "inputs[0]: %zu bytes after the JSON, the shape needs %zu",
                    r->binary_size, values * sizeof(float));
    r->infer->inputs = calloc(values, sizeof(float));
    if (!r->infer->inputs)
        return no_memory(r);
    for (size_t i = 0; i < values; i++) {
        const unsigned char *at = r->binary + i * sizeof(float);
        const uint32_t bits =
            (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
        memcpy(&r->infer->inputs[i], &bits, sizeof bits);
        if (!isfinite(r->infer->inputs[i]))
            return fail(r, 400, "inputs[0].data: value %zu is not finite", i);
    }
    return true;
}

static bool take_floats(struct reading *r, size_t values, bool binary)
{
    if (binary)
        return take_float_bytes(r, values);
    if (!r->data.numbers || r->data.count != values)
        return fail(r, 400, "inputs[0].data: %zu %s, the shape needs %zu numbers", r->data.count,
                    r->data.strings ? "strings" : "values", values);
    if (!check_nesting(r))
        return false;
    r->infer->inputs = r->data.numbers;
    r->data.numbers = NULL;
    return true;
}

static bool take_pixels(struct reading *r, size_t values, bool binary)
{
    if (r->shape[3] != 1 && r->shape[3] != 3)
        return fail(r, 400, "inputs[0].shape: UINT8 images have 1 or 3 channels");
    if (binary ? r->binary_size != values : r->data.count != values || !r->data.numbers)
        return fail(r, 400, "inputs[0].data: %zu values, the shape needs %zu",
                    binary ? r->binary_size : r->data.count, values);
    unsigned char *bytes = malloc(values);
    r->infer->bytes = bytes;
    if (!bytes)
        return no_memory(r);
    if (binary)
        memcpy(bytes, r->binary, values);
    for (size_t i = 0; !binary && i < values; i++) {
        const float value = r->data.numbers[i];
        if (!(value >= 0 && value <= 255) || floorf(value) < value)
            return fail(r, 400, "inputs[0].data: value %zu is not one of 0 to 255", i);
        bytes[i] = (unsigned char)value;
    }
    r->infer->pixels = (struct gn_image){ .height = (int)r->shape[1],
                                          .width = (int)r->shape[2],
                                          .channels = (int)r->shape[3],
                                          .pixels = bytes };
    return binary || check_nesting(r);
}

/* Elements of a binary BYTES tensor: a length of four bytes, then so many bytes. */
static bool take_elements(struct reading *r)
{
    const unsigned char *at = r->binary, *end = at + r->binary_size;
    for (int i = 0; i < r->infer->rows; i++) {
        if (end - at < 4)
            return fail(r, 400, "inputs[0].data: picture %d has no length", i);
        const uint32_t size =
            (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
        at += 4;
        if ((size_t)(end - at) < size)
            return fail(r, 400, "inputs[0].data: picture %d says %lu bytes, %zu are left", i,
                        (unsigned long)size, (size_t)(end - at));
        r->infer->pictures[i] = (struct gn_file_bytes){ .bytes = at, .size = size };
        at += size;
    }
    return at == end ? true
                     : fail(r, 400, "inputs[0].data: %zu bytes after the last picture",
                            (size_t)(end - at));
}

static bool take_base64(struct reading *r)
{
    size_t room = 1;
    for (size_t i = 0; i < r->data.count; i++)
        room += r->data.strings[i].size;
    unsigned char *at = malloc(room);
    r->infer->bytes = at;
    if (!at)
        return no_memory(r);
    for (int i = 0; i < r->infer->rows; i++) {
        const struct serve_span *span = &r->data.strings[i];
        size_t size;
        if (!serve_base64(span->text, span->size, at, &size))
            return fail(r, 400, "inputs[0].data[%d]: a picture's bytes in base64 are expected", i);
        r->infer->pictures[i] = (struct gn_file_bytes){ .bytes = at, .size = size };
        at += size;
    }
    return true;
}

static bool take_pictures(struct reading *r, bool binary)
{
    if (!binary && (!r->data.strings || r->data.count != (size_t)r->infer->rows))
        return fail(r, 400, "inputs[0].data: %zu %s, the shape needs %d strings", r->data.count,
                    r->data.strings ? "strings" : "values", r->infer->rows);
    r->infer->pictures = calloc((size_t)r->infer->rows, sizeof *r->infer->pictures);
    if (!r->infer->pictures)
        return no_memory(r);
    return binary ? take_elements(r) : take_base64(r);
}

/* Whether the tensor follows the JSON. */
static bool read_binary(struct reading *r, const json_t *input, bool *binary)
{
    const json_t *size = json_object_get(json_object_get(input, "parameters"), "binary_data_size");
    *binary = size != NULL;
    if (size && (!json_is_integer(size) || json_integer_value(size) < 0 ||
                 (uint64_t)json_integer_value(size) != r->binary_size))
        return fail(r, 400,
                    "inputs[0].parameters.binary_data_size: %lld, %zu bytes follow the JSON",
                    (long long)json_integer_value(size), r->binary_size);
    if (!size && r->binary_size > 0)
        return fail(r, 400, "%zu bytes follow the JSON, of which no binary_data_size speaks",
                    r->binary_size);
    if (size && r->data.found)
        return fail(r, 400, "inputs[0]: data and binary_data_size, only one is taken");
    if (!size && !r->data.found)
        return fail(r, 400, "inputs[0].data: an array is expected");
    return true;
}

static bool read_input(struct reading *r, const json_t *root)
{
    const json_t *inputs = json_object_get(root, "inputs"), *input = json_array_get(inputs, 0);
    const char *name = json_string_value(json_object_get(input, "name"));
    const char *type = json_string_value(json_object_get(input, "datatype"));
    bool binary;
    if (json_array_size(inputs) != 1)
        return fail(r, 400, "inputs: an array of one input is expected, there are %zu",
                    json_array_size(inputs));
    if (!name || strcmp(name, "input") != 0)
        return fail(r, 400, "inputs[0].name: the model's input is called \"input\"");
    while (type && r->datatype < DATATYPES && strcmp(type, datatypes[r->datatype]) != 0)
        r->datatype++;
    if (!type || r->datatype == DATATYPES)
        return fail(r, 400, "inputs[0].datatype: FP32, UINT8 or BYTES is expected");
    if (!read_shape(r, input) || !read_binary(r, input, &binary))
        return false;
    const size_t values = values_of(r);
    if (values == 0)
        return fail(r, 400, "inputs[0].shape: too many values");
    if (r->datatype == FP32 && !take_floats(r, values, binary))
        return false;
    if (r->datatype == UINT8 && !take_pixels(r, values, binary))
        return false;
    if (r->datatype == BYTES && !take_pictures(r, binary))
        return false;
    return true;
}

static bool read_id(struct reading *r, const json_t *root)
{
    const json_t *id = json_object_get(root, "id");
    const json_t *parameters = json_object_get(root, "parameters");
    if (id && !json_is_string(id))
        return fail(r, 400, "id: a string is expected");
    if (parameters && !json_is_object(parameters))
        return fail(r, 400, "parameters: an object is expected");
    if (id)
        serve_put_json(&r->infer->id, json_string_value(id));
    return true;
}

bool serve_infer_parse(struct serve_infer *infer, const struct serve_model *model, const char *body,
                       size_t json, size_t size, int max_batch)
{
    struct reading r = { .infer = infer,
                         .model = model,
                         .max_batch = max_batch,
                         .binary = (const unsigned char *)body + json,
                         .binary_size = size - json };
    struct serve_text rest = { 0 };
    json_error_t fault;
    char error[160];
    int code;
    /* UINT8 images may be larger than the network's input; the body's size is their limit. */
    const bool scanned = serve_scan(body, json, json, &r.data, &rest, &code, error);
    json_t *root = scanned ? cli_json_parse(rest.bytes ? rest.bytes : "", &fault) : NULL;
    infer->code = 200;
    bool done = false;
    if (!scanned)
        (void)fail(&r, code, "%s", error);
    else if (!root && json_error_code(&fault) == json_error_out_of_memory)
        (void)no_memory(&r);
    else if (!root)
        (void)fail(&r, 400, "request: not valid JSON: %s", fault.text);
    else if (!json_is_object(root))
        (void)fail(&r, 400, "request: a JSON object is expected");
    else
        done = read_id(&r, root) && read_outputs(&r, root) && read_input(&r, root);
    json_decref(root);
    serve_text_free(&rest);
    serve_data_free(&r.data);
    return done;
}
