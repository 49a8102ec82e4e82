/*
 * "gn.model": the JSON text in a model file that tells all that prediction needs besides the
 * weights: preset, geometry, labels and how a picture becomes numbers. Order of the
 * preprocessing steps matters: Pillow's rule resizes bytes, the others resize what was divided.
 */
#include "formats/model_internal.h"

#include "base/memory.h"
#include "base/number.h"
#include "base/enums.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Writing ---- */

/* Whether every window of the net is padded as TensorFlow's SAME. */
static bool is_same_padded(const struct gn_graph *graph)
{
    for (int i = 0; i < graph->n_layers; i++) {
        const struct gn_layer *layer = &graph->layers[i];
        const struct gn_geometry *g = &layer->window;
        if (!layer->op->has_window)
            continue;
        int oh, ow, top, left, after;
        gn_same_padding(g->h, g->kh, g->stride_h, &oh, &top, &after);
        gn_same_padding(g->w, g->kw, g->stride_w, &ow, &left, &after);
        if (oh != g->oh || ow != g->ow || top != g->pad_top || left != g->pad_left)
            return false;
    }
    return true;
}

/* Numbers that are no integers are hexadecimal texts in JSON. */
static json_t *make_real(float value)
{
    char text[GN_NUMBER_TEXT];
    return json_string(gn_short_hex_text((double)value, text));
}

/* One value for each channel: whole numbers plain, others as texts that bring every float back. */
static json_t *make_values(const float *values, int channels)
{
    json_t *array = json_array();
    for (int i = 0; i < channels; i++) {
        const bool is_whole = values[i] == truncf(values[i]) && fabsf(values[i]) < 16777216.0F;
        (void)json_array_append_new(array, is_whole ? json_integer((json_int_t)values[i])
                                                    : make_real(values[i]));
    }
    return array;
}

/* By the shorter side, or to a size: that of the input, or of the square that it is cut out of. */
static json_t *make_resize(const struct gn_net *net)
{
    const char *rule = gn_resize_name((int)net->resize);
    const int antialias = net->resize == GN_RESIZE_PIL_BILINEAR, side = net->pixels.short_side;
    if (side > 0 && !net->pixels.square)
        return json_pack("{s:s, s:i, s:s, s:b}", "step", "resize", "short", side, "rule", rule,
                         "antialias", antialias);
    return json_pack("{s:s, s:i, s:i, s:s, s:b}", "step", "resize", "h",
                     side > 0 ? side : net->input.h, "w", side > 0 ? side : net->input.w, "rule",
                     rule, "antialias", antialias);
}

static json_t *make_crop(const struct gn_net *net)
{
    return json_pack("{s:s, s:s, s:i, s:i, s:s}", "step", "crop", "mode", "center", "h",
                     net->input.h, "w", net->input.w, "rounding", "round");
}

/* The steps behind resize and division. */
static int append_rest(json_t *steps, const struct gn_net *net)
{
    const struct gn_pixel_rule *pixels = &net->pixels;
    const int c = net->input.c;
    bool divides = false;
    int failed = 0;
    for (int i = 0; pixels->normalise && i < c; i++)
        divides |= pixels->deviation[i] != 1;
    if (pixels->normalise)
        failed |= json_array_append_new(
            steps, json_pack("{s:s, s:o}", "step", "sub", "by", make_values(pixels->mean, c)));
    if (divides)
        failed |= json_array_append_new(steps, json_pack("{s:s, s:o}", "step", "divc", "by",
                                                         make_values(pixels->deviation, c)));
    if (pixels->affine)
        failed |= json_array_append_new(steps, json_pack("{s:s, s:o, s:o}", "step", "affine", "mul",
                                                         make_values(pixels->factor, c), "add",
                                                         make_values(pixels->summand, c)));
    return failed;
}

static json_t *make_preprocess(const struct gn_net *net)
{
    json_t *steps = json_array();
    const bool resize_first = net->resize == GN_RESIZE_PIL_BILINEAR;
    const char *channels = net->pixels.bgr ? "bgr" : net->input.c == 3 ? "rgb" : "gray";
    int failed = 0;
    /* Other numbers of channels have no name in this list: they are taken as they are stored. */
    if (net->input.c == 1 || net->input.c == 3)
        failed |= json_array_append_new(
            steps, json_pack("{s:s, s:s}", "step", "decode", "channels", channels));
    for (int i = 0; i < 2; i++) {
        const bool resizes = (i == 0) == resize_first;
        if (resizes)
            failed |= json_array_append_new(steps, make_resize(net));
        if (resizes && net->pixels.short_side > 0)
            failed |= json_array_append_new(steps, make_crop(net));
        if (!resizes && !net->pixels.bytes)
            failed |=
                json_array_append_new(steps, json_pack("{s:s, s:i}", "step", "div", "by", 255));
    }
    failed |= append_rest(steps, net);
    if (failed == 0)
        return steps;
    json_decref(steps);
    return NULL;
}

gn_status gn_net_preprocess(const gn_net *net, char *text, size_t size)
{
    if (net == NULL)
        return gn_last_status();
    GN_NEED(text, "place for the preprocessing");
    json_t *steps = make_preprocess(net);
    if (steps == NULL)
        GN_FAIL(GN_STATUS_NO_MEMORY, "no memory for the steps of the preprocessing");
    const size_t n = json_dumpb(steps, text, size, JSON_COMPACT);
    json_decref(steps);
    if (n == 0 || n >= size)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "the preprocessing takes %zu bytes of text, there are %zu",
                n + 1, size);
    text[n] = '\0';
    return GN_OK;
}

static json_t *make_labels(const struct gn_net *net)
{
    if (net->labels == NULL)
        return json_null();
    json_t *labels = json_array();
    for (int i = 0; i < net->classes; i++)
        if (json_array_append_new(labels, json_string(net->labels[i])) != 0) {
            json_decref(labels);
            return NULL;
        }
    return labels;
}

static json_t *make_heads(const struct gn_graph *graph)
{
    json_t *heads = json_pack("[s]", "main");
    for (int i = 0; i < graph->n_heads; i++)
        if (json_array_append_new(heads, json_string(graph->heads[i].name)) != 0) {
            json_decref(heads);
            return NULL;
        }
    return heads;
}

static json_t *make_attribute(const struct gn_attribute *a, const struct gn_layer *layer)
{
    const double value = gn_attribute_value(a, gn_layer_attributes(layer));
    return a->kind == GN_ATTRIBUTE_REAL   ? make_real((float)value)
           : a->kind == GN_ATTRIBUTE_FLAG ? json_boolean(value > 0)
                                          : json_integer((json_int_t)value);
}

/* What the file says of the first layer of an operator: all attributes or one; null: no layer. */
static json_t *make_fact(const struct gn_graph *graph, const struct gn_operator *op)
{
    int i = 0;
    while (i < graph->n_layers && graph->layers[i].op != op)
        i++;
    if (i == graph->n_layers)
        return json_null();
    json_t *fact = json_object();
    for (int k = 0; k < op->n_attributes; k++) {
        const struct gn_attribute *a = &op->attributes[k];
        json_t *value = make_attribute(a, &graph->layers[i]);
        if (op->fact_attribute != NULL && strcmp(op->fact_attribute, a->name) == 0) {
            json_decref(fact);
            return value;
        }
        (void)json_object_set_new(fact, a->name, value);
    }
    return fact;
}

char *gn_model_metadata(const struct gn_net *net)
{
    char layers[17];
    if (net->resize <= GN_RESIZE_DEFAULT || net->resize > GN_RESIZE_PIL_BILINEAR) {
        (void)gn_fail(GN_STATUS_BAD_ARGUMENT, "%d is no resize rule", (int)net->resize);
        return NULL;
    }
    gn_net_fingerprint(net, layers);
    json_t *model = json_object();
    int failed = 0;
    failed |= json_object_set_new(model, "preset", json_string(net->preset));
    failed |= json_object_set_new(model, "padding",
                                  json_string(is_same_padded(net->graph) ? "same" : "explicit"));
    failed |= json_object_set_new(model, "input",
                                  json_pack("[i,i,i]", net->input.h, net->input.w, net->input.c));
    failed |= json_object_set_new(model, "classes", json_integer(net->classes));
    failed |= json_object_set_new(model, "labels", make_labels(net));
    failed |= json_object_set_new(model, "output", json_string("logits"));
    failed |= json_object_set_new(model, "heads", make_heads(net->graph));
    for (int i = GN_OP_COUNT - 1; i >= 0; i--) /* the order of keys of version 0.1.0 */
        if (gn_operators[i]->fact != NULL)
            failed |= json_object_set_new(model, gn_operators[i]->fact,
                                          make_fact(net->graph, gn_operators[i]));
    if (strncmp(net->preset, "googlenet", strlen("googlenet")) == 0) {
        const bool torchvision = strcmp(net->preset, "googlenet-torchvision") == 0;
        failed |= json_object_set_new(model, "pool4", json_string(torchvision ? "2x2" : "3x3"));
        failed |= json_object_set_new(model, "b5x5", json_integer(torchvision ? 3 : 5));
    }
    if (net->description != NULL)
        failed |= json_object_set_new(model, "net", json_string(net->description));
    failed |= json_object_set_new(model, "layers", json_string(layers));
    failed |= json_object_set_new(model, "preprocess", make_preprocess(net));
    char *text = failed == 0 ? json_dumps(model, JSON_COMPACT) : NULL;
    json_decref(model);
    char *copy = NULL;
    if (text != NULL)
        copy = gn_strdup(text);
    else
        (void)gn_fail(GN_STATUS_NO_MEMORY, "no memory for the description of the model, or a label "
                                           "is not UTF-8");
    free(text);
    return copy;
}

/* ---- Reading ---- */

static gn_status bad_field(const char *name, const char *field, const char *what)
{
    GN_FAIL(GN_STATUS_BAD_MODEL, "%s: safetensors: the field \"%s\" of \"gn.model\" %s", name,
            field, what);
}

static gn_status not_supported(const char *name, const char *field, const json_t *value)
{
    char text[128], shown[128];
    const char *string = json_string_value(value);
    text[0] = '\0';
    if (string == NULL && value != NULL) {
        const size_t n = json_dumpb(value, text, sizeof text - 1, JSON_COMPACT | JSON_ENCODE_ANY);
        text[n < sizeof text ? n : 0] = '\0';
    }
    (void)gn_fail(
        GN_STATUS_UNSUPPORTED,
        "%s: safetensors: the model needs \"%s\" = %s, which this version cannot do", name, field,
        value == NULL ? "nothing"
                      : gn_printable(shown, sizeof shown, string != NULL ? string : text));
    gn_hint("a newer googlenet may read it");
    return GN_STATUS_UNSUPPORTED;
}

/* A whole number from 1 to `limit`. */
static bool read_count(const json_t *value, int limit, int *number)
{
    if (!json_is_integer(value) || json_integer_value(value) < 1 ||
        json_integer_value(value) > limit)
        return false;
    *number = (int)json_integer_value(value);
    return true;
}

static gn_status read_geometry(const char *name, struct gn_model_fields *fields)
{
    const json_t *input = json_object_get(fields->root, "input");
    if (!json_is_array(input) || json_array_size(input) != 3 ||
        !read_count(json_array_get(input, 0), GN_MODEL_MAX_SIZE, &fields->h) ||
        !read_count(json_array_get(input, 1), GN_MODEL_MAX_SIZE, &fields->w) ||
        !read_count(json_array_get(input, 2), GN_MODEL_MAX_CHANNELS, &fields->channels))
        return bad_field(name, "input",
                         "is not a height, a width (1 to 16384) and channels (1 to "
                         "1024)");
    if (!read_count(json_object_get(fields->root, "classes"), GN_MODEL_MAX_CLASSES,
                    &fields->classes))
        return bad_field(name, "classes", "is no whole number from 1 to 65536");
    const json_t *labels = json_object_get(fields->root, "labels");
    if (labels == NULL || json_is_null(labels))
        return GN_OK;
    if (!json_is_array(labels) || json_array_size(labels) != (size_t)fields->classes)
        return bad_field(name, "labels", "is neither null nor one text for each class");
    for (size_t i = 0; i < json_array_size(labels); i++)
        if (!json_is_string(json_array_get(labels, i)))
            return bad_field(name, "labels", "holds something that is no text");
    fields->labels = labels;
    return GN_OK;
}

static gn_status read_resize(const char *name, const json_t *step, struct gn_model_fields *fields)
{
    int h, w;
    struct gn_pixel_rule *pixels = &fields->pixels;
    const json_t *side = json_object_get(step, "short");
    if (fields->resize != GN_RESIZE_DEFAULT)
        return bad_field(name, "preprocess", "resizes twice");
    if (side != NULL) {
        if (!read_count(side, GN_MODEL_MAX_SIZE, &pixels->short_side))
            return bad_field(name, "preprocess", "resizes to no number of pixels");
    } else if (!read_count(json_object_get(step, "h"), GN_MODEL_MAX_SIZE, &h) ||
               !read_count(json_object_get(step, "w"), GN_MODEL_MAX_SIZE, &w)) {
        return bad_field(name, "preprocess", "resizes to no number of pixels");
    } else if (h != fields->h || w != fields->w) {
        if (h != w)
            return bad_field(name, "preprocess",
                             "resizes neither to the network's input nor to a square");
        pixels->short_side = h;
        pixels->square = true;
    }
    if (pixels->short_side > 0 &&
        (pixels->short_side < fields->h || pixels->short_side < fields->w))
        return bad_field(name, "preprocess", "resizes to less than the network's input");
    const char *rule = json_string_value(json_object_get(step, "rule"));
    const int found = rule == NULL ? -1 : gn_enum_find(gn_resize_name, GN_RESIZE_TF1_LEGACY, rule);
    if (found < 0)
        return not_supported(name, "preprocess", step);
    fields->resize = (gn_resize)found;
    return GN_OK;
}

/* Whether the step cuts out the middle that a shorter side leaves. */
static bool is_our_crop(const json_t *step, const struct gn_model_fields *fields)
{
    int h, w;
    const char *mode = json_string_value(json_object_get(step, "mode"));
    const char *rounding = json_string_value(json_object_get(step, "rounding"));
    return fields->pixels.short_side > 0 && mode != NULL && strcmp(mode, "center") == 0 &&
           rounding != NULL && strcmp(rounding, "round") == 0 &&
           read_count(json_object_get(step, "h"), GN_MODEL_MAX_SIZE, &h) && h == fields->h &&
           read_count(json_object_get(step, "w"), GN_MODEL_MAX_SIZE, &w) && w == fields->w;
}

/* A finite value for each of at most three channels. */
static bool read_values(const json_t *step, const char *key, int channels, float values[3])
{
    const json_t *array = json_object_get(step, key);
    if (!json_is_array(array) || json_array_size(array) != (size_t)channels || channels > 3)
        return false;
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *value = json_array_get(array, i);
        const char *text = json_string_value(value);
        double real = 0;
        if (json_is_integer(value))
            real = (double)json_integer_value(value);
        else if (text == NULL || !gn_short_hex_parse(text, &real))
            return false;
        values[i] = (float)real;
        if (!isfinite(values[i]))
            return false;
    }
    return true;
}

/* Kinds of steps in the only order in which they may stand; division, resize and crop have rules of
 * their own. */
enum step { STEP_DECODE, STEP_SIZE, STEP_SUB, STEP_DIVC, STEP_AFFINE, STEP_UNKNOWN };

static enum step kind_of(const char *what)
{
    static const struct {
        const char *name;
        enum step kind;
    } steps[] = { { "decode", STEP_DECODE }, { "resize", STEP_SIZE }, { "crop", STEP_SIZE },
                  { "div", STEP_SIZE },      { "sub", STEP_SUB },     { "divc", STEP_DIVC },
                  { "affine", STEP_AFFINE } };
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
        if (strcmp(what, steps[i].name) == 0)
            return steps[i].kind;
    return STEP_UNKNOWN;
}

static bool read_decode(const json_t *step, struct gn_model_fields *fields)
{
    const char *channels = json_string_value(json_object_get(step, "channels"));
    if (channels == NULL)
        return false;
    if (fields->channels == 3)
        fields->pixels.bgr = strcmp(channels, "bgr") == 0;
    return fields->pixels.bgr || (fields->channels == 1 && strcmp(channels, "gray") == 0) ||
           (fields->channels == 3 && strcmp(channels, "rgb") == 0);
}

/* A step of the values of each channel. */
static bool read_value_step(const json_t *step, enum step kind, struct gn_model_fields *fields)
{
    struct gn_pixel_rule *pixels = &fields->pixels;
    const int c = fields->channels;
    if (kind == STEP_SUB) {
        pixels->normalise = read_values(step, "by", c, pixels->mean);
        for (int i = 0; i < 3; i++)
            pixels->deviation[i] = 1;
        return pixels->normalise;
    }
    if (kind == STEP_AFFINE) {
        pixels->affine = read_values(step, "mul", c, pixels->factor) &&
                         read_values(step, "add", c, pixels->summand);
        return pixels->affine;
    }
    bool divides = pixels->normalise && read_values(step, "by", c, pixels->deviation);
    for (int i = 0; i < c && divides; i++)
        divides = pixels->deviation[i] > 0;
    return divides;
}

/* Division, resize or crop. Pillow's rule resizes bytes, the others what was divided, if anything is:
 * without a division the numbers stay bytes. */
static gn_status read_size_step(const char *name, const json_t *step, const char *what,
                                bool *divided, bool *cropped, struct gn_model_fields *fields)
{
    const bool on_bytes = fields->resize == GN_RESIZE_PIL_BILINEAR;
    const bool resized = fields->resize != GN_RESIZE_DEFAULT;
    bool fits;
    if (strcmp(what, "resize") == 0) {
        GN_TRY(read_resize(name, step, fields));
        fits = !*divided || fields->resize != GN_RESIZE_PIL_BILINEAR;
    } else if (strcmp(what, "crop") == 0) {
        fits = resized && !*cropped && is_our_crop(step, fields);
        *cropped = true;
    } else {
        fits = !*divided && (!resized || on_bytes) &&
               json_integer_value(json_object_get(step, "by")) == 255;
        *divided = true;
    }
    return fits ? GN_OK : not_supported(name, "preprocess", step);
}

/* Accepts exactly the lists that make_preprocess writes. */
static gn_status read_preprocess(const char *name, struct gn_model_fields *fields)
{
    const json_t *steps = json_object_get(fields->root, "preprocess");
    if (!json_is_array(steps))
        return bad_field(name, "preprocess", "is no array");
    bool divided = false, cropped = false;
    int last = -1;
    for (size_t i = 0; i < json_array_size(steps); i++) {
        const json_t *step = json_array_get(steps, i);
        const char *what = json_string_value(json_object_get(step, "step"));
        if (what == NULL)
            return bad_field(name, "preprocess", "has a step without a name");
        const enum step kind = kind_of(what);
        if (kind == STEP_UNKNOWN || (int)kind < last || ((int)kind == last && kind != STEP_SIZE))
            return not_supported(name, "preprocess", step);
        last = (int)kind;
        if (kind == STEP_SIZE)
            GN_TRY(read_size_step(name, step, what, &divided, &cropped, fields));
        else if (kind == STEP_DECODE ? !read_decode(step, fields)
                                     : !read_value_step(step, kind, fields))
            return not_supported(name, "preprocess", step);
    }
    if (fields->resize == GN_RESIZE_DEFAULT || cropped != (fields->pixels.short_side > 0))
        return not_supported(name, "preprocess", steps);
    fields->pixels.bytes = !divided;
    return GN_OK;
}

/* What other versions may write and this one would silently do wrong. */
static gn_status check_kind(const char *name, const struct gn_model_fields *fields)
{
    const json_t *root = fields->root, *output = json_object_get(root, "output");
    if (!json_is_string(output) || strcmp(json_string_value(output), "logits") != 0)
        return not_supported(name, "output", output);
    return GN_OK;
}

gn_status gn_model_fields_check(const struct gn_net *net, const char *name,
                                const struct gn_model_fields *fields)
{
    gn_status status = GN_OK;
    for (int i = 0; i < GN_OP_COUNT && status == GN_OK; i++) {
        const char *key = gn_operators[i]->fact;
        const json_t *theirs = key == NULL ? NULL : json_object_get(fields->root, key);
        if (theirs == NULL)
            continue;
        json_t *ours = make_fact(net->graph, gn_operators[i]);
        if (!json_equal(theirs, ours))
            status = not_supported(name, key, theirs);
        json_decref(ours);
    }
    return status;
}

gn_status gn_model_fields_read(const struct gn_st_file *file, const char *name,
                               struct gn_model_fields *fields)
{
    *fields = (struct gn_model_fields){ .root = NULL };
    const char *text = gn_st_metadata(file, "gn.model");
    if (text == NULL)
        GN_FAIL(GN_STATUS_BAD_MODEL, "%s: safetensors: the metadata \"gn.model\" is missing", name);
    json_error_t error;
    fields->root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(fields->root))
        GN_FAIL(GN_STATUS_BAD_MODEL, "%s: safetensors: the metadata \"gn.model\" is no JSON object",
                name);
    fields->preset = json_string_value(json_object_get(fields->root, "preset"));
    fields->layers = json_string_value(json_object_get(fields->root, "layers"));
    fields->net = json_string_value(json_object_get(fields->root, "net"));
    if (fields->preset == NULL)
        return bad_field(name, "preset", "is no text");
    if (fields->layers == NULL)
        return bad_field(name, "layers", "is no text");
    GN_TRY(read_geometry(name, fields));
    GN_TRY(check_kind(name, fields));
    fields->has_heads = json_array_size(json_object_get(fields->root, "heads")) > 1;
    return read_preprocess(name, fields);
}

void gn_model_fields_free(struct gn_model_fields *fields)
{
    json_decref(fields->root);
    fields->root = NULL;
}
