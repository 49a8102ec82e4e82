/* A sheet of small pictures with cairo. */
#include "draw/sheet.h"

#if GN_HAVE_CAIRO

#include "file/file.h"

#include <math.h>
#include <string.h>

enum { MOST_SIDE = 32000 }; /* cairo's limit is 32767 */

gn_status gn_sheet_begin(struct gn_sheet *s, int width, int height)
{
    if (width > MOST_SIDE || height > MOST_SIDE)
        GN_FAIL(GN_STATUS_NO_MEMORY, "drawing: a sheet of %dx%d pixels, at most %d a side", width,
                height, MOST_SIDE);
    s->surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height);
    s->cr = cairo_create(s->surface);
    cairo_set_source_rgb(s->cr, 1, 1, 1);
    cairo_paint(s->cr);
    gn_draw_colour(s->cr, gn_ink);
    return GN_OK;
}

static uint32_t to_byte(float v)
{
    return (uint32_t)(v > 0 ? v >= 1 ? 255 : v * 255 + 0.5F : 0); /* NaN is black */
}

void gn_sheet_pixels(struct gn_sheet *s, const float *rgb, int width, int height, double left,
                     double top)
{
    cairo_surface_t *image = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height);
    unsigned char *data = cairo_image_surface_get_data(image);
    const size_t stride = (size_t)cairo_image_surface_get_stride(image);
    for (int y = 0; data != NULL && y < height; y++)
        for (int x = 0; x < width; x++, rgb += 3) {
            const uint32_t pixel = to_byte(rgb[0]) << 16 | to_byte(rgb[1]) << 8 | to_byte(rgb[2]);
            memcpy(data + (size_t)y * stride + 4 * (size_t)x, &pixel, sizeof pixel);
        }
    cairo_surface_mark_dirty(image);
    cairo_set_source_surface(s->cr, image, left, top);
    cairo_paint(s->cr); /* a surface that could not be made is an error of cr's */
    cairo_surface_destroy(image);
    gn_draw_colour(s->cr, gn_ink);
}

void gn_sheet_text(struct gn_sheet *s, const char *text, double left, double base, double width)
{
    cairo_save(s->cr);
    cairo_rectangle(s->cr, left, base - 20, width, 28);
    cairo_clip(s->cr);
    gn_draw_text(s->cr, text, left, base, 0);
    cairo_restore(s->cr);
}

static cairo_status_t append(void *writer, const unsigned char *data, unsigned n)
{
    (void)gn_file_append(writer, data, n);
    return CAIRO_STATUS_SUCCESS;
}

gn_status gn_sheet_end(struct gn_sheet *s, const char *path, const char *kind)
{
    cairo_status_t drawn = cairo_status(s->cr);
    gn_status status = GN_OK;
    struct gn_file_writer *writer = path == NULL ? NULL : gn_file_begin(path, kind, 0);
    if (path != NULL && writer == NULL)
        status = gn_last_status();
    if (writer != NULL && drawn == CAIRO_STATUS_SUCCESS)
        drawn = cairo_surface_write_to_png_stream(s->surface, append, writer);
    if (writer != NULL && drawn != CAIRO_STATUS_SUCCESS) {
        gn_file_abort(writer);
        status = gn_fail(GN_STATUS_IO, "%s: %s: cannot be drawn: %s", path, kind,
                         cairo_status_to_string(drawn));
    } else if (writer != NULL) {
        status = gn_file_commit(writer, NULL);
    }
    cairo_destroy(s->cr);
    cairo_surface_destroy(s->surface);
    return status;
}

static double clamp(double v, double most)
{
    return v < 0 ? 0 : v > most ? most : v;
}

float gn_sheet_sample(const float *map, int step, int h, int w, double y, double x)
{
    const double fy = clamp(y * h - 0.5, h - 1), fx = clamp(x * w - 0.5, w - 1);
    const int y0 = (int)fy, x0 = (int)fx;
    const int y1 = y0 + 1 < h ? y0 + 1 : y0, x1 = x0 + 1 < w ? x0 + 1 : x0;
    const double ty = fy - y0, tx = fx - x0;
    const size_t s = (size_t)step, row = (size_t)w * s;
    const double top = (1 - tx) * (double)map[(size_t)y0 * row + (size_t)x0 * s] +
                       tx * (double)map[(size_t)y0 * row + (size_t)x1 * s];
    const double bottom = (1 - tx) * (double)map[(size_t)y1 * row + (size_t)x0 * s] +
                          tx * (double)map[(size_t)y1 * row + (size_t)x1 * s];
    return (float)((1 - ty) * top + ty * bottom);
}

#endif
