/*
 * Average pooling as its formula, forward and backward: the mean of the pixels of a window that lie
 * inside the image or, with `count_padding`, their sum over the whole window's size. Adaptive
 * windows cut the map into oh x ow parts that may overlap by a pixel (PyTorch's
 * AdaptiveAvgPool2d).
 */
#include "ops/avg_pool/windows.h"

static size_t pixel(int image, int y, int x, int h, int w)
{
    return ((size_t)image * (size_t)h + (size_t)y) * (size_t)w + (size_t)x;
}

static double mean(const struct gn_args *a, int image, int oy, int ox, int c)
{
    const struct gn_span rows = gn_span_rows(a, oy), columns = gn_span_columns(a, ox);
    double sum = 0;
    for (int y = rows.first; y < rows.end; y++)
        for (int x = columns.first; x < columns.end; x++)
            sum +=
                (double)a->x.data[pixel(image, y, x, a->g.h, a->g.w) * (size_t)a->x.ld + (size_t)c];
    return sum / gn_span_count(a, rows, columns);
}

static void forward(const struct gn_args *a, const struct gn_run *run, int image, void *scratch)
{
    (void)run;
    (void)scratch;
    for (int oy = 0; oy < a->g.oh; oy++)
        for (int ox = 0; ox < a->g.ow; ox++)
            for (int c = 0; c < a->g.c; c++)
                a->y.data[pixel(image, oy, ox, a->g.oh, a->g.ow) * (size_t)a->y.ld + (size_t)c] =
                    (float)mean(a, image, oy, ox, c);
}

static double back_value(const struct gn_args *a, int image, int y, int x, int c)
{
    double sum = 0;
    for (int oy = 0; oy < a->g.oh; oy++) {
        const struct gn_span rows = gn_span_rows(a, oy);
        for (int ox = 0; y >= rows.first && y < rows.end && ox < a->g.ow; ox++) {
            const struct gn_span columns = gn_span_columns(a, ox);
            if (x >= columns.first && x < columns.end)
                sum +=
                    (double)a->dy.data[pixel(image, oy, ox, a->g.oh, a->g.ow) * (size_t)a->dy.ld +
                                       (size_t)c] /
                    gn_span_count(a, rows, columns);
        }
    }
    return sum;
}

static void back(const struct gn_args *a, const struct gn_run *run, int image, void *scratch)
{
    (void)run;
    (void)scratch;
    for (int y = 0; y < a->g.h; y++) {
        for (int x = 0; x < a->g.w; x++) {
            const size_t at = pixel(image, y, x, a->g.h, a->g.w);
            float *dx = a->dx.data + at * (size_t)a->dx.ld;
            for (int c = 0; c < a->g.c; c++) {
                const double sum =
                    back_value(a, image, y, x, c) + (a->accumulate ? (double)dx[c] : 0);
                const bool pass = !a->mask || a->x.data[at * (size_t)a->x.ld + (size_t)c] > 0;
                dx[c] = pass ? (float)sum : 0;
            }
        }
    }
}

void gn_avg_pool_kernels__ref(struct gn_kernel *row)
{
    row[GN_PASS_FORWARD] =
        (struct gn_kernel){ .name = "reference", .units = gn_units_images, .run = forward };
    row[GN_PASS_BACK] =
        (struct gn_kernel){ .name = "reference", .units = gn_units_images, .run = back };
}
