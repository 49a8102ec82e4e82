/* Decoded pixels, or the bytes of a picture file, to the input of a network. */
#include "infer/preprocess.h"

#include "base/memory.h"
#include "infer/match.h"
#include "infer/pixels.h"
#include "picture/picture.h"

struct gn_preprocessor {
    struct gn_input_rule rule;
    struct gn_input *input;
    struct gn_picture picture;      /* the last file's */
    struct gn_packed_pixels packed; /* of the last image in another format */
};

struct gn_input_rule gn_input_rule_of(const struct gn_net *net, gn_resize resize)
{
    return (struct gn_input_rule){ .height = net->input.h,
                                   .width = net->input.w,
                                   .channels = net->input.c,
                                   .resize = resize,
                                   .pixels = net->pixels };
}

gn_preprocessor *gn_preprocessor_of(const struct gn_input_rule *rule, bool scaled_decode)
{
    gn_preprocessor *p = gn_calloc(1, sizeof *p, "a preprocessor");
    if (p == NULL)
        return NULL;
    p->rule = *rule;
    p->picture.least = scaled_decode ? gn_input_least_side(rule) : 0;
    p->input = gn_input_create(rule);
    if (p->input != NULL)
        return p;
    gn_preprocessor_free(p);
    return NULL;
}

gn_preprocessor *gn_preprocessor_create_with(const gn_net *net,
                                             const struct gn_preprocessor_options *options)
{
    static const struct gn_preprocessor_options defaults = { 0 };
    const struct gn_preprocessor_options *o = options == NULL ? &defaults : options;
    gn_resize resize;
    if (net == NULL) {
        if (gn_error_status() == GN_OK)
            (void)gn_fail(GN_STATUS_BAD_ARGUMENT, "preprocessor: no network is given");
        return NULL;
    }
    if (gn_resolve_resize(net, o->resize, NULL, NULL, &resize) != GN_OK)
        return NULL;
    const struct gn_input_rule rule = gn_input_rule_of(net, resize);
    return gn_preprocessor_of(&rule, o->scaled_decode);
}

void gn_preprocessor_free(gn_preprocessor *p)
{
    if (p == NULL)
        return;
    gn_input_free(p->input);
    gn_picture_free(&p->picture);
    gn_free(p->packed.own);
    gn_free(p);
}

static gn_status check_image(const gn_preprocessor *p, const struct gn_image *image, size_t stride)
{
    const size_t row = (size_t)image->width * (size_t)image->channels;
    if (image->height < 1 || image->width < 1)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                "preprocess: an image of %dx%d; height and width must be 1 or more", image->height,
                image->width);
    if (!gn_channels_convert(image->channels, p->rule.channels))
        GN_FAIL(GN_STATUS_BAD_SHAPE, "preprocess: the image has %d channels, the network takes %d",
                image->channels, p->rule.channels);
    if (stride < row)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "preprocess: rows are %zu bytes apart and have %zu bytes",
                stride, row);
    return GN_OK;
}

gn_status gn_preprocess(gn_preprocessor *p, const struct gn_image *image, size_t stride, float *out)
{
    if (p == NULL)
        return gn_last_status();
    GN_NEED(image == NULL ? NULL : image->pixels, "the image");
    GN_NEED(out, "the network's input");
    if (stride == 0)
        stride = (size_t)image->width * (size_t)image->channels;
    GN_TRY(check_image(p, image, stride));
    const struct gn_source source = {
        .pixels = image->pixels, .stride = stride, .h = image->height, .w = image->width
    };
    if (image->channels == p->rule.channels)
        return gn_input_make(p->input, &source, out);
    const struct gn_pixels pixels = { .pixels = image->pixels,
                                      .height = image->height,
                                      .width = image->width,
                                      .format =
                                          image->channels == 1 ? GN_PIXELS_GREY : GN_PIXELS_RGB,
                                      .stride = stride };
    return gn_preprocess_pixels(p, &pixels, out);
}

gn_status gn_preprocess_pixels(gn_preprocessor *p, const struct gn_pixels *image, float *out)
{
    if (p == NULL)
        return gn_last_status();
    GN_NEED(image, "the image");
    GN_NEED(out, "the network's input");
    GN_TRY(gn_pack_pixels(image, p->rule.channels, &p->packed));
    const struct gn_source source = { .pixels = p->packed.pixels,
                                      .stride = p->packed.stride,
                                      .h = image->height,
                                      .w = image->width };
    return gn_input_make(p->input, &source, out);
}

/* The bytes are only read. */
static gn_status as_file(const void *bytes, size_t n, struct gn_bytes *file)
{
    GN_NEED(bytes, "the bytes of a picture");
    if (n > GN_PICTURE_FILE_BYTES)
        GN_FAIL(GN_STATUS_BAD_DATA, "picture in memory: %zu bytes, at most %d are read", n,
                GN_PICTURE_FILE_BYTES);
    *file = (struct gn_bytes){ .data = (uint8_t *)(uintptr_t)bytes, .size = n };
    return GN_OK;
}

static gn_status decode(struct gn_picture *picture, const void *bytes, size_t n, int channels)
{
    struct gn_bytes file;
    GN_TRY(as_file(bytes, n, &file));
    return gn_picture_decode(picture, &file, "picture in memory", channels);
}

gn_status gn_preprocess_file(gn_preprocessor *p, const void *bytes, size_t n, float *out)
{
    if (p == NULL)
        return gn_last_status();
    GN_NEED(out, "the network's input");
    GN_TRY(decode(&p->picture, bytes, n, p->rule.channels));
    const struct gn_source source = { .pixels = p->picture.pixels,
                                      .stride = (size_t)p->picture.width * (size_t)p->rule.channels,
                                      .h = p->picture.height,
                                      .w = p->picture.width };
    return gn_input_make(p->input, &source, out);
}

gn_status gn_image_decode(const void *bytes, size_t n, struct gn_image *image)
{
    struct gn_picture picture = { 0 };
    GN_NEED(image, "the picture");
    *image = (struct gn_image){ 0 };
    const gn_status status = decode(&picture, bytes, n, 0);
    if (status == GN_OK) {
        *image = (struct gn_image){ .height = picture.height,
                                    .width = picture.width,
                                    .channels = picture.channels,
                                    .pixels = picture.pixels };
        picture.pixels = NULL;
    }
    gn_picture_free(&picture);
    return status;
}

gn_status gn_image_measure(const void *bytes, size_t n, struct gn_image *image)
{
    struct gn_picture picture = { 0 };
    struct gn_bytes file;
    GN_NEED(image, "the picture");
    *image = (struct gn_image){ 0 };
    GN_TRY(as_file(bytes, n, &file));
    const gn_status status = gn_picture_measure_bytes(&picture, &file, "picture in memory");
    if (status == GN_OK)
        *image = (struct gn_image){ .height = picture.height,
                                    .width = picture.width,
                                    .channels = picture.channels };
    gn_picture_free(&picture);
    return status;
}
