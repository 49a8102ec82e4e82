/*
 * Bytes to floats of the network's size, under three rules, bit for bit.
 *
 * tf1-legacy and half-pixel are TensorFlow's bilinear resize of the image already divided by 255,
 * in float32: along each axis scale = in/out and, for output i, the source coordinate s is
 * i*scale or (i+0.5)*scale-0.5; its neighbours are max(floor(s), 0) and min(ceil(s), in-1), its
 * weight is s-floor(s). First the two rows are interpolated along x, then the result along y,
 * each as a + (b-a)*t with every operation rounded (this file is compiled without contraction).
 *
 * pil-bilinear is Pillow's: a triangle filter, widened when the image shrinks, with weights in
 * fixed point of 22 bits, rounded to bytes after each axis, x before y (filter.h); then
 * divided by 255.
 */
#include "picture/resize.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "picture/filter.h"

enum { LANES = 8, ALIGN = 64 };

/* How the outputs of one axis are made of its inputs. */
struct axis {
    int32_t *low, *high; /* TensorFlow: the two neighbours */
    float *weight;       /* of `high` */
    struct gn_filter_axis filter;
};

/* What lies in the scratch memory; all pointers go into the same block. */
struct resizer {
    int oh, ow, h, w, c;
    gn_resize rule;
    bool keeps_size; /* nothing is resized or cut off */
    struct axis x, y;
    float unit[256]; /* v/255, correctly rounded */
    float *row[2];   /* TensorFlow: source rows interpolated along x, [ow][c] */
    int row_number[2];
    float *source;                          /* one source row as floats, [w][c] */
    float *float_line;                      /* a row of the result, [ow][c] */
    const struct gn_filter_kernels *filter; /* Pillow */
    int32_t *ring;                          /* source rows after the pass along x, [ow][c] each */
    int ring_rows, rows_done;               /* of the source, that went along x */
    const int32_t **tap_rows;               /* those that make up a row of the result */
    int32_t *wide;                          /* of the pass along x */
    uint8_t *byte_line;                     /* a row of the result, [ow][c] */
};

/* Takes `bytes` of the block; with a NULL base only the cursor moves. */
static void *carve(char *base, size_t *used, size_t bytes)
{
    void *p = base == NULL ? NULL : base + *used;
    *used += (bytes + ALIGN - 1) / ALIGN * ALIGN;
    return p;
}

/* Taps of Pillow's filter: its support is 1 input, or `in/out` inputs when the image shrinks. */
static int filter_taps(int in, int out)
{
    const double scale = (double)in / (double)out;
    return 2 * (int)ceil(scale < 1 ? 1 : scale) + 1;
}

static void carve_axis(struct axis *a, char *base, size_t *used, int in, int out, int whole,
                       gn_resize rule)
{
    const size_t n = (size_t)out;
    if (rule == GN_RESIZE_PIL_BILINEAR) {
        a->filter.n = out;
        a->filter.taps = filter_taps(in, whole);
        a->filter.first = carve(base, used, n * sizeof *a->filter.first);
        a->filter.weights =
            carve(base, used, n * (size_t)a->filter.taps * sizeof *a->filter.weights);
    } else {
        a->low = carve(base, used, n * sizeof *a->low);
        a->high = carve(base, used, n * sizeof *a->high);
        a->weight = carve(base, used, n * sizeof *a->weight);
    }
}

/* Numbers of a row that went along x: vectors write a pixel of four lanes. */
static size_t ring_row(const struct resizer *r)
{
    return (size_t)r->ow * (size_t)r->c + GN_FILTER_LANES;
}

/* Places all tables after the struct; returns the bytes used. With a NULL base nothing but the
 * sizes of `r` is needed. */
static size_t carve_all(struct resizer *r, char *base, const struct gn_resize_shape *s)
{
    size_t used = 0;
    (void)carve(base, &used, sizeof *r);
    carve_axis(&r->x, base, &used, r->w, r->ow, s->whole_w, r->rule);
    carve_axis(&r->y, base, &used, r->h, r->oh, s->whole_h, r->rule);
    const size_t row = (size_t)r->ow * (size_t)r->c, source = (size_t)r->w * (size_t)r->c;
    if (r->rule == GN_RESIZE_PIL_BILINEAR) {
        r->ring_rows = r->y.filter.taps + GN_FILTER_ROWS - 1;
        r->ring = carve(base, &used, (size_t)r->ring_rows * ring_row(r) * sizeof *r->ring);
        r->tap_rows = carve(base, &used, (size_t)r->y.filter.taps * sizeof *r->tap_rows);
        r->wide =
            carve(base, &used, (size_t)r->w * GN_FILTER_ROWS * GN_FILTER_LANES * sizeof *r->wide);
        r->byte_line = carve(base, &used, row);
    } else {
        r->row[0] = carve(base, &used, (row + LANES) * sizeof(float));
        r->row[1] = carve(base, &used, (row + LANES) * sizeof(float));
        r->source = carve(base, &used, (source + LANES) * sizeof(float));
        r->float_line = carve(base, &used, row * sizeof(float));
    }
    return used;
}

/* Of a result of `whole` pixels, those from `from` on. */
static void fill_bilinear_axis(struct axis *a, int in, int out, int whole, int from, gn_resize rule)
{
    const float scale = (float)in / (float)whole;
    for (int i = 0; i < out; i++) {
        const float at = (float)(from + i);
        const float s = rule == GN_RESIZE_HALF_PIXEL ? (at + 0.5F) * scale - 0.5F : at * scale;
        const float floor_s = floorf(s);
        const int low = (int)floor_s, high = (int)ceilf(s);
        a->low[i] = low < 0 ? 0 : low > in - 1 ? in - 1 : low;
        a->high[i] = high > in - 1 ? in - 1 : high;
        a->weight[i] = s - floor_s;
    }
}

/* The inputs that output `at` of `whole` is made of: *first and the number of those after it. */
static int filter_window(int in, int whole, int at, int *first)
{
    const double scale = (double)in / (double)whole, support = scale < 1 ? 1 : scale;
    const double center = ((double)at + 0.5) * scale;
    const int from = (int)(center - support + 0.5), to = (int)(center + support + 0.5);
    *first = from < 0 ? 0 : from;
    return (to > in ? in : to) - *first;
}

static double triangle(double scale, int at, int input)
{
    const double support = scale < 1 ? 1 : scale, center = ((double)at + 0.5) * scale;
    const double d = fabs(((double)input - center + 0.5) * (1.0 / support));
    return d < 1 ? 1 - d : 0;
}

/* All outputs get the number of inputs that the widest needs, for which weights of zero are added
 * after it or, at the end of the image, before it. */
static void fill_filter_axis(struct gn_filter_axis *a, int in, int whole, int start)
{
    const double scale = (double)in / (double)whole;
    int first;
    a->taps = 1;
    for (int i = 0; i < a->n; i++) {
        const int count = filter_window(in, whole, start + i, &first);
        a->taps = count > a->taps ? count : a->taps;
    }
    for (int i = 0; i < a->n; i++) {
        int32_t *weights = a->weights + (size_t)i * (size_t)a->taps;
        const int count = filter_window(in, whole, start + i, &first);
        a->first[i] = first + a->taps > in ? in - a->taps : first;
        double sum = 0;
        for (int k = first; k < first + count; k++)
            sum += triangle(scale, start + i, k);
        memset(weights, 0, (size_t)a->taps * sizeof *weights);
        for (int k = first; k < first + count; k++)
            weights[k - a->first[i]] = (int32_t)(0.5 + triangle(scale, start + i, k) / sum *
                                                           (double)(1 << GN_FILTER_BITS));
    }
}

static struct resizer resizer_of(const struct gn_resize_shape *s)
{
    return (struct resizer){ .oh = s->oh,
                             .ow = s->ow,
                             .h = s->h,
                             .w = s->w,
                             .c = s->c,
                             .rule = s->rule,
                             .keeps_size = s->ow == s->w && s->whole_w == s->w && s->oh == s->h &&
                                           s->whole_h == s->h };
}

size_t gn_resize_scratch_bytes(const struct gn_resize_shape *shape)
{
    struct resizer r = resizer_of(shape);
    return carve_all(&r, NULL, shape);
}

void gn_resize_prepare(void *scratch, const struct gn_resize_shape *s)
{
    GN_ASSERT(s->oh > 0 && s->ow > 0 && s->h > 0 && s->w > 0);
    GN_ASSERT(s->c > 0 && s->c <= GN_FILTER_LANES);
    struct resizer *r = scratch;
    *r = resizer_of(s);
    (void)carve_all(r, scratch, s);
    for (int v = 0; v < 256; v++)
        r->unit[v] = (float)v / 255.0F;
    if (s->rule == GN_RESIZE_PIL_BILINEAR) {
        fill_filter_axis(&r->x.filter, s->w, s->whole_w, s->left);
        fill_filter_axis(&r->y.filter, s->h, s->whole_h, s->top);
        const bool many = r->x.filter.taps > GN_FILTER_TAPS || r->y.filter.taps > GN_FILTER_TAPS;
        enum gn_isa isa;
        if (many || gn_isa_choose(&isa) != GN_OK)
            isa = GN_ISA_SET_REFERENCE;
        r->filter = gn_filter_kernels(isa);
    } else {
        fill_bilinear_axis(&r->x, s->w, s->ow, s->whole_w, s->left, s->rule);
        fill_bilinear_axis(&r->y, s->h, s->oh, s->whole_h, s->top, s->rule);
    }
}

static void bytes_to_floats(float *out, const uint8_t *bytes, size_t n, const float *unit)
{
    for (size_t i = 0; i < n; i++)
        out[i] = unit[bytes[i]];
}

typedef float float4 __attribute__((vector_size(16)));

/* Up to four channels. What follows the last one is overwritten by the next pixel. */
static inline void between_pixels(float *out, const float *a, const float *b, float t)
{
    float4 left, right;
    memcpy(&left, a, sizeof left);
    memcpy(&right, b, sizeof right);
    left += (right - left) * t;
    memcpy(out, &left, sizeof left);
}

/* Source row y interpolated along x. Neighbouring output rows share it, and a row's neighbour has
 * the other parity, so two slots are enough. */
static const float *row_along_x(struct resizer *r, const uint8_t *pixels, size_t stride, int y)
{
    const int slot = y & 1;
    float *row = r->row[slot];
    if (r->row_number[slot] == y)
        return row;
    r->row_number[slot] = y;
    const size_t c = (size_t)r->c, width = (size_t)r->w * c;
    float *source = r->source;
    bytes_to_floats(source, pixels + (size_t)y * stride, width, r->unit);
    const struct axis *x = &r->x;
    for (size_t i = 0; i < (size_t)r->ow; i++) {
        const float *a = source + (size_t)x->low[i] * c, *b = source + (size_t)x->high[i] * c;
        if (c == 1)
            row[i] = a[0] + (b[0] - a[0]) * x->weight[i];
        else
            between_pixels(row + i * c, a, b, x->weight[i]);
    }
    return row;
}

/* Nearly all the time of a resize goes here: the inner loop of fixed length becomes vector code. */
static void between_rows(float *restrict out, const float *restrict top,
                         const float *restrict bottom, float t, size_t n)
{
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t k = 0; k < LANES; k++)
            out[i + k] = top[i + k] + (bottom[i + k] - top[i + k]) * t;
    for (; i < n; i++)
        out[i] = top[i] + (bottom[i] - top[i]) * t;
}

/* ---- The result, row by row ---- */

/* The next source rows go along x, together; after the last one it is repeated, to no effect. */
static void more_rows(struct resizer *r, const uint8_t *pixels, size_t stride)
{
    const uint8_t *from[GN_FILTER_ROWS];
    int32_t *to[GN_FILTER_ROWS];
    for (int k = 0; k < GN_FILTER_ROWS; k++) {
        const int row = r->rows_done + k;
        from[k] = pixels + (size_t)(row < r->h ? row : r->h - 1) * stride;
        to[k] = r->ring + (size_t)(row % r->ring_rows) * ring_row(r);
    }
    r->filter->along_x(to, from, &r->x.filter, r->w, r->c, r->wide);
    r->rows_done += GN_FILTER_ROWS;
}

/* Row y of the result. Source rows go along x when they are needed first, and stay in a ring as long
 * as a later row may need them. */
static void filtered_row(uint8_t *out, struct resizer *r, const uint8_t *pixels, size_t stride,
                         int y)
{
    const struct gn_filter_axis *axis = &r->y.filter;
    const int first = axis->first[y], end = first + axis->taps;
    r->rows_done = r->rows_done < first ? first : r->rows_done;
    while (r->rows_done < end)
        more_rows(r, pixels, stride);
    for (int i = first; i < end; i++)
        r->tap_rows[i - first] = r->ring + (size_t)(i % r->ring_rows) * ring_row(r);
    r->filter->along_y(out, r->tap_rows, axis->weights + (size_t)y * (size_t)axis->taps, axis->taps,
                       (size_t)r->ow * (size_t)r->c);
}

static void bilinear_row(float *out, struct resizer *r, const uint8_t *pixels, size_t stride, int y)
{
    const float *top = row_along_x(r, pixels, stride, r->y.low[y]);
    const float *bottom = row_along_x(r, pixels, stride, r->y.high[y]);
    between_rows(out, top, bottom, r->y.weight[y], (size_t)r->ow * (size_t)r->c);
}

/* A row of floats in [0, 1] as bytes. */
static void floats_to_bytes(uint8_t *out, const float *row, size_t n)
{
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t k = 0; k < LANES; k++)
            out[i + k] = (uint8_t)(int32_t)(row[i + k] * 255.0F + 0.5F);
    for (; i < n; i++)
        out[i] = (uint8_t)(row[i] * 255.0F + 0.5F);
}

/* Before the first row of a picture. */
static void begin(struct resizer *r)
{
    r->row_number[0] = r->row_number[1] = -1;
    r->rows_done = 0;
}

void gn_resize_to_floats(float *out, const uint8_t *pixels, size_t stride, void *scratch)
{
    struct resizer *r = scratch;
    const size_t n = (size_t)r->ow * (size_t)r->c;
    begin(r);
    for (int y = 0; y < r->oh; y++, out += n) {
        if (r->keeps_size) {
            bytes_to_floats(out, pixels + (size_t)y * stride, n, r->unit);
        } else if (r->rule == GN_RESIZE_PIL_BILINEAR) {
            filtered_row(r->byte_line, r, pixels, stride, y);
            bytes_to_floats(out, r->byte_line, n, r->unit);
        } else {
            bilinear_row(out, r, pixels, stride, y);
        }
    }
}

void gn_resize_to_bytes(uint8_t *out, const uint8_t *pixels, size_t stride, void *scratch)
{
    struct resizer *r = scratch;
    const size_t n = (size_t)r->ow * (size_t)r->c;
    begin(r);
    for (int y = 0; y < r->oh; y++, out += n) {
        if (r->keeps_size) {
            memcpy(out, pixels + (size_t)y * stride, n);
        } else if (r->rule == GN_RESIZE_PIL_BILINEAR) {
            filtered_row(out, r, pixels, stride, y);
        } else {
            bilinear_row(r->float_line, r, pixels, stride, y);
            floats_to_bytes(out, r->float_line, n);
        }
    }
}
