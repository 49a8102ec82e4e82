/*
 * A contact sheet: a batch as training gets it, drawn with cairo, each image with its label.
 */
#include "data/dataset.h"

#include "base/file.h"
#include "draw/drawing.h"

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

static void draw_image(cairo_t *cr, const struct sheet *s, int i, double left, double top)
{
    const struct gn_loader_options *o = s->options;
    const int size = o->height, c = o->channels;
    const float *image = s->batch.images + (size_t)i * (size_t)size * (size_t)size * (size_t)c;
    for (int y = 0; y < size; y++)
        for (int x = 0; x < size; x++) {
            const float *p = image + ((size_t)y * (size_t)size + (size_t)x) * (size_t)c;
            const int green = c == 3 ? 1 : 0, blue = c == 3 ? 2 : 0;
            cairo_set_source_rgb(cr, to_byte(p[0]) / 255.0, to_byte(p[green]) / 255.0,
                                 to_byte(p[blue]) / 255.0);
            cairo_rectangle(cr, left + x * s->factor, top + y * s->factor, s->factor, s->factor);
            cairo_fill(cr);
        }
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
        (void)snprintf(text, sizeof text, "%s %.0f%%, %s %.0f%%", name, 100 - share, other, share);
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

static gn_status preview(const struct gn_preview_options *o)
{
    GN_TRY(check_options(o));
    const int size = o->size > 0 ? o->size : DEFAULT_SIZE;
    const gn_resize of_data = o->data->options.resize;
    const gn_resize rule = o->resize != GN_RESIZE_DEFAULT ? o->resize
                           : of_data != GN_RESIZE_DEFAULT ? of_data
                                                          : GN_RESIZE_HALF_PIXEL;
    struct gn_loader_options options = { .data = o->data,
                                         .batch = o->images > 0 ? o->images : DEFAULT_IMAGES,
                                         .height = size,
                                         .width = size,
                                         .channels =
                                             o->channels > 0 ? o->channels : o->data->channels,
                                         .rule = rule,
                                         .pixels = { .short_side = o->short_side },
                                         .seed = o->seed };
    GN_TRY(gn_augment_parse(&options.augment, o->augment));
    if (options.pixels.short_side != 0 && options.pixels.short_side < size)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "preview: a short side of %d is less than the size of %d",
                options.pixels.short_side, size);
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
    return (int)preview(options);
}
