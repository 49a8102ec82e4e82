/*
 * A contact sheet: a batch as training gets it, drawn with cairo, each image with its label.
 */
#include "data/loader.h"

#include "file/file.h"
#include "base/number.h"
#include "draw/drawing.h"
#include "infer/match.h"

#include <string.h>

#if GN_HAVE_CAIRO

enum {
    DEFAULT_IMAGES = 40,
    MOST_IMAGES = 1000,
    DEFAULT_SIZE = 96,
    MOST_SIZE = 1024,
    COLUMNS = 8,
    LEAST_CELL = 96, /* smaller images are shown larger, by a whole factor */
    GAP = 8,
    LABEL_HEIGHT = 16
};

struct sheet {
    const struct gn_loader_options *options;
    struct gn_batch batch;
    int factor, cell; /* screen pixels of an image's pixel; of an image */
    int columns, rows;
};

static cairo_status_t append(void *writer, const unsigned char *data, unsigned n)
{
    (void)gn_file_append(writer, data, n);
    return CAIRO_STATUS_SUCCESS;
}

static uint32_t to_byte(float v)
{
    return (uint32_t)(v <= 0 ? 0 : v >= 1 ? 255 : v * 255 + 0.5F);
}

/* Pixels become an image of cairo's, which is drawn larger without smoothing. */
static void draw_image(cairo_t *cr, const struct sheet *s, int i, double left, double top)
{
    const int size = s->options->height, c = s->options->channels;
    const float *p = s->batch.images + (size_t)i * (size_t)size * (size_t)size * (size_t)c;
    cairo_surface_t *image = cairo_image_surface_create(CAIRO_FORMAT_RGB24, size, size);
    unsigned char *data = cairo_image_surface_get_data(image);
    const size_t stride = (size_t)cairo_image_surface_get_stride(image);
    for (int y = 0; data != NULL && y < size; y++)
        for (int x = 0; x < size; x++, p += c) {
            const uint32_t pixel =
                to_byte(p[0]) << 16 | to_byte(p[c == 3 ? 1 : 0]) << 8 | to_byte(p[c == 3 ? 2 : 0]);
            memcpy(data + (size_t)y * stride + 4 * (size_t)x, &pixel, sizeof pixel);
        }
    cairo_surface_mark_dirty(image);
    cairo_save(cr);
    cairo_translate(cr, left, top);
    cairo_scale(cr, s->factor, s->factor);
    cairo_set_source_surface(cr, image, 0, 0);
    cairo_pattern_set_filter(cairo_get_source(cr), CAIRO_FILTER_NEAREST);
    cairo_paint(cr); /* a surface that could not be made is an error of cr's */
    cairo_restore(cr);
    cairo_surface_destroy(image);
}

static void name_label(const struct gn_dataset *data, int label, char *buffer, size_t size)
{
    if (data->label_names != NULL)
        (void)gn_printable(buffer, size, data->label_names[label]);
    else
        (void)snprintf(buffer, size, "%d", label);
}

static void draw_label(cairo_t *cr, const struct sheet *s, int i, double left, double top)
{
    const struct gn_dataset *data = s->options->data;
    char text[160], name[64], other[64];
    name_label(data, s->batch.labels[i], name, sizeof name);
    (void)snprintf(text, sizeof text, "%s", name);
    if (s->batch.shares != NULL) {
        const double share = 100 * (double)s->batch.shares[i];
        name_label(data, s->batch.others[i], other, sizeof other);
        gn_format(text, sizeof text, "%s %.0f%%, %s %.0f%%", name, 100 - share, other, share);
    }
    cairo_save(cr);
    cairo_rectangle(cr, left, top, s->cell, LABEL_HEIGHT);
    cairo_clip(cr);
    cairo_set_source_rgb(cr, 0, 0, 0);
    cairo_move_to(cr, left, top + LABEL_HEIGHT - 5);
    cairo_show_text(cr, text);
    cairo_restore(cr);
}

static gn_status draw(const struct sheet *s, struct gn_file_writer *writer)
{
    const int step_x = s->cell + GAP, step_y = s->cell + LABEL_HEIGHT + GAP;
    cairo_surface_t *surface = cairo_image_surface_create(
        CAIRO_FORMAT_RGB24, s->columns * step_x + GAP, s->rows * step_y + GAP);
    cairo_t *cr = cairo_create(surface);
    cairo_set_antialias(cr, CAIRO_ANTIALIAS_NONE);
    cairo_set_source_rgb(cr, 1, 1, 1);
    cairo_paint(cr);
    gn_draw_font(cr, 10, false);
    for (int i = 0; i < s->batch.n; i++) {
        const double left = GAP + (i % s->columns) * step_x, top = GAP + i / s->columns * step_y;
        draw_image(cr, s, i, left, top);
        draw_label(cr, s, i, left, top + s->cell);
    }
    cairo_status_t status = cairo_status(cr);
    cairo_destroy(cr);
    if (status == CAIRO_STATUS_SUCCESS)
        status = cairo_surface_write_to_png_stream(surface, append, writer);
    cairo_surface_destroy(surface);
    if (status != CAIRO_STATUS_SUCCESS)
        GN_FAIL(GN_STATUS_IO, "preview: cannot be drawn: %s", cairo_status_to_string(status));
    return GN_OK;
}

static gn_status write_sheet(struct sheet *s, const char *path)
{
    s->factor = (LEAST_CELL + s->options->height - 1) / s->options->height;
    s->cell = s->factor * s->options->height;
    s->columns = s->batch.n < COLUMNS ? s->batch.n : COLUMNS;
    s->rows = (s->batch.n + s->columns - 1) / s->columns;
    struct gn_file_writer *writer = gn_file_begin(path, "preview", 0);
    if (writer == NULL)
        return gn_last_status();
    const gn_status status = draw(s, writer);
    if (status != GN_OK) {
        gn_file_abort(writer);
        return status;
    }
    return gn_file_commit(writer, NULL);
}

static gn_status check_options(const struct gn_preview_options *o)
{
    if (o->path == NULL)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "preview: no file is named");
    if (o->size < 0 || o->size > MOST_SIZE)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "preview: size is %d, it must be 1 to %d", o->size,
                MOST_SIZE);
    if (o->images < 0 || o->images > MOST_IMAGES)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "preview: %d images, 1 to %d are possible", o->images,
                MOST_IMAGES);
    if (o->data->labels == NULL)
        GN_FAIL(GN_STATUS_BAD_DATA, "preview: %s holds images without labels", o->data->name);
    return GN_OK;
}

static struct gn_loader_options as_asked(const struct gn_preview_options *o)
{
    const int size = o->size > 0 ? o->size : DEFAULT_SIZE;
    const gn_resize of_data = o->data->options.resize;
    const gn_resize rule = o->resize != GN_RESIZE_DEFAULT ? o->resize
                           : of_data != GN_RESIZE_DEFAULT
                               ? of_data
                               : gn_usual_resize(o->data, GN_RESIZE_TF1_LEGACY);
    return (struct gn_loader_options){ .data = o->data,
                                       .height = size,
                                       .width = size,
                                       .channels =
                                           o->channels > 0 ? o->channels : o->data->channels,
                                       .rule = rule,
                                       .pixels = { .short_side = o->short_side } };
}

/* The part of the net's picture that people can look at: not shifted and scaled, red first. */
static struct gn_loader_options as_the_net_sees(const struct gn_preview_options *o)
{
    struct gn_loader_options options = gn_loader_for(o->net, o->data, 0, 1, o->net->resize);
    options.pixels = (struct gn_pixel_rule){ .short_side = o->net->pixels.short_side,
                                             .square = o->net->pixels.square };
    return options;
}

static gn_status preview(const struct gn_preview_options *o)
{
    GN_TRY(check_options(o));
    struct gn_loader_options options = o->net != NULL ? as_the_net_sees(o) : as_asked(o);
    options.batch = o->images > 0 ? o->images : DEFAULT_IMAGES;
    options.seed = o->seed;
    GN_TRY(gn_augment_parse(&options.augment, o->augment));
    if (options.pixels.short_side != 0 && options.pixels.short_side < options.height)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "preview: a short side of %d is less than the size of %d",
                options.pixels.short_side, options.height);
    if (options.height != options.width)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "preview: the network takes %dx%d, only squares are drawn",
                options.height, options.width);
    struct gn_loader *loader = gn_loader_create(&options);
    if (loader == NULL)
        return gn_last_status();
    struct sheet sheet = { .options = &options };
    gn_status status = gn_loader_start(loader, o->epoch, 0);
    if (status == GN_OK)
        status = gn_loader_next(loader, &sheet.batch);
    if (status == GN_OK && sheet.batch.n == 0)
        status = gn_fail(GN_STATUS_BAD_DATA, "preview: %s: none of the pictures can be read",
                         o->data->name);
    if (status == GN_OK)
        status = write_sheet(&sheet, o->path);
    gn_loader_free(loader);
    return status;
}

#else

static gn_status preview(const struct gn_preview_options *o)
{
    (void)o;
    GN_FAIL(GN_STATUS_NO_DEVICE, "preview: not drawn by this build: cairo was not found");
}

#endif

gn_status gn_preview_with(const struct gn_preview_options *options)
{
    if (options == NULL || options->data == NULL) {
        if (gn_error_status() == GN_OK)
            (void)gn_fail(GN_STATUS_BAD_ARGUMENT, "preview: no data set is given");
        return gn_last_status();
    }
    return preview(options);
}
