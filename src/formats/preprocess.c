/*
 * "preprocess" of "gn.model": the steps from a picture to the numbers of the input, in their order.
 * It matters: Pillow's rule resizes bytes, the others resize what was divided.
 */
#include "formats/model_internal.h"

#include "base/enums.h"
#include "file/json.h"
#include "base/memory.h"
#include "base/number.h"

#include <math.h>
#include <string.h>

/* ---- Writing ---- */

#if GN_TRAINING

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
        gn_json_add(array, is_whole ? json_integer((json_int_t)values[i]) : make_real(values[i]));
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

/* The steps after resize and division. */
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

json_t *gn_preprocess_make(const struct gn_net *net)
{
    if (net->resize <= GN_RESIZE_DEFAULT || net->resize > GN_RESIZE_PIL_BILINEAR) {
        (void)gn_fail(GN_STATUS_BAD_ARGUMENT, "%d is not a resize rule", (int)net->resize);
        return NULL;
    }
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
    (void)gn_fail(GN_STATUS_NO_MEMORY, "no memory for the steps of the preprocessing");
    return NULL;
}

gn_status gn_net_preprocess(const gn_net *net, char *text, size_t size)
{
    if (net == NULL)
        return gn_last_status();
    GN_NEED(text, "place for the preprocessing");
    json_t *steps = gn_preprocess_make(net);
    char *made =
        steps == NULL ? NULL : gn_json_text(steps, JSON_COMPACT, "the steps of the preprocessing");
    if (made == NULL)
        return gn_last_status();
    const size_t n = strlen(made);
    if (n < size)
        memcpy(text, made, n + 1);
    gn_free(made);
    if (n >= size)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "the preprocessing takes %zu bytes of text, there are %zu",
                n + 1, size);
    return GN_OK;
}

#endif

/* ---- Reading ---- */

static gn_status read_resize(const char *name, const json_t *step, struct gn_model_fields *fields)
{
    int h, w;
    struct gn_pixel_rule *pixels = &fields->pixels;
    const json_t *side = json_object_get(step, "short");
    if (fields->resize != GN_RESIZE_DEFAULT)
        return gn_model_bad_field(name, "preprocess", "resizes twice");
    if (side != NULL) {
        if (!gn_model_read_count(side, GN_MODEL_MAX_SIDE, &pixels->short_side))
            return gn_model_bad_field(name, "preprocess", "resizes to no number of pixels");
    } else if (!gn_model_read_count(json_object_get(step, "h"), GN_MODEL_MAX_SIDE, &h) ||
               !gn_model_read_count(json_object_get(step, "w"), GN_MODEL_MAX_SIDE, &w)) {
        return gn_model_bad_field(name, "preprocess", "resizes to no number of pixels");
    } else if (h != fields->h || w != fields->w) {
        if (h != w)
            return gn_model_bad_field(name, "preprocess",
                                      "resizes neither to the network's input nor to a square");
        pixels->short_side = h;
        pixels->square = true;
    }
    if (pixels->short_side > 0 &&
        (pixels->short_side < fields->h || pixels->short_side < fields->w))
        return gn_model_bad_field(name, "preprocess", "resizes to less than the network's input");
    const char *rule = json_string_value(json_object_get(step, "rule"));
    const int found = rule == NULL ? -1 : gn_enum_find(gn_resize_name, GN_RESIZE_TF1_LEGACY, rule);
    if (found < 0)
        return gn_model_not_supported(name, "preprocess", step);
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
           gn_model_read_count(json_object_get(step, "h"), GN_MODEL_MAX_SIDE, &h) &&
           h == fields->h &&
           gn_model_read_count(json_object_get(step, "w"), GN_MODEL_MAX_SIDE, &w) && w == fields->w;
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
    return fits ? GN_OK : gn_model_not_supported(name, "preprocess", step);
}

/* Accepts exactly the lists that gn_preprocess_make writes. */
gn_status gn_preprocess_read(const char *name, struct gn_model_fields *fields)
{
    const json_t *steps = json_object_get(fields->root, "preprocess");
    if (!json_is_array(steps))
        return gn_model_bad_field(name, "preprocess", "is not an array");
    bool divided = false, cropped = false;
    int last = -1;
    for (size_t i = 0; i < json_array_size(steps); i++) {
        const json_t *step = json_array_get(steps, i);
        const char *what = json_string_value(json_object_get(step, "step"));
        if (what == NULL)
            return gn_model_bad_field(name, "preprocess", "has a step without a name");
        const enum step kind = kind_of(what);
        if (kind == STEP_UNKNOWN || (int)kind < last || ((int)kind == last && kind != STEP_SIZE))
            return gn_model_not_supported(name, "preprocess", step);
        last = (int)kind;
        if (kind == STEP_SIZE)
            GN_TRY(read_size_step(name, step, what, &divided, &cropped, fields));
        else if (kind == STEP_DECODE ? !read_decode(step, fields)
                                     : !read_value_step(step, kind, fields))
            return gn_model_not_supported(name, "preprocess", step);
    }
    if (fields->resize == GN_RESIZE_DEFAULT || cropped != (fields->pixels.short_side > 0))
        return gn_model_not_supported(name, "preprocess", steps);
    fields->pixels.bytes = !divided;
    return GN_OK;
}
