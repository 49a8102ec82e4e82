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
 * fixed point of 22 bits, rounded to bytes after each axis, x before y; then divided by 255.
 */
#include "data/dataset.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

enum { FIXED_BITS = 22, LANES = 8, ALIGN = 64 };

/* How the outputs of one axis are made of its inputs. */
struct axis {
    int32_t *low, *high; /* TensorFlow: the two neighbours */
    float *weight;       /* of `high` */
    int32_t *first;      /* Pillow: the first input, how many follow, and their weights */
    int32_t *count;
    int32_t *weights; /* [out][taps] */
    int taps;
};

/* What lies in the scratch memory; all pointers go into the same block. */
struct resizer {
    int oh, ow, h, w, c;
    gn_resize rule;
    bool keeps_x, keeps_y; /* this axis is not resized, and no part of it cut off */
    struct axis x, y;
    float unit[256]; /* v/255, correctly rounded */
    float *row[2];   /* TensorFlow: source rows interpolated along x, [ow][c] */
    int row_number[2];
    float *source;     /* one source row as floats, [w][c] */
    float *float_line; /* a row of the result, [ow][c] */
    uint8_t *middle;   /* Pillow: all source rows after the pass along x, [h][ow][c] */
    uint8_t *line;     /* a row of the result, [ow][c] */
    int32_t *wide;     /* one source row, [w][c], and zeros */
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
        a->taps = filter_taps(in, whole);
        a->first = carve(base, used, n * sizeof *a->first);
        a->count = carve(base, used, n * sizeof *a->count);
        a->weights = carve(base, used, n * (size_t)a->taps * sizeof *a->weights);
    } else {
        a->low = carve(base, used, n * sizeof *a->low);
        a->high = carve(base, used, n * sizeof *a->high);
        a->weight = carve(base, used, n * sizeof *a->weight);
    }
}

/* Places all tables behind the struct; returns the bytes used. With a NULL base nothing but the
 * sizes of `r` is needed. */
static size_t carve_all(struct resizer *r, char *base, const struct gn_resize_shape *s)
{
    size_t used = 0;
    (void)carve(base, &used, sizeof *r);
    carve_axis(&r->x, base, &used, r->w, r->ow, s->whole_w, r->rule);
    carve_axis(&r->y, base, &used, r->h, r->oh, s->whole_h, r->rule);
    const size_t row = (size_t)r->ow * (size_t)r->c;
    if (r->rule == GN_RESIZE_PIL_BILINEAR) {
        r->middle = carve(base, &used, (size_t)r->h * row);
        r->line = carve(base, &used, row);
        r->wide = carve(base, &used, ((size_t)r->w * (size_t)r->c + LANES) * sizeof(int32_t));
    } else {
        r->row[0] = carve(base, &used, row * sizeof(float));
        r->row[1] = carve(base, &used, row * sizeof(float));
        r->source = carve(base, &used, (size_t)r->w * (size_t)r->c * sizeof(float));
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

static void fill_filter_axis(struct axis *a, int in, int out, int whole, int start)
{
    const double scale = (double)in / (double)whole;
    const double support = scale < 1 ? 1 : scale;
    for (int i = 0; i < out; i++) {
        const double center = ((double)(start + i) + 0.5) * scale;
        const int from = (int)(center - support + 0.5), to = (int)(center + support + 0.5);
        const int first = from < 0 ? 0 : from;
        const int count = (to > in ? in : to) - first;
        int32_t *weights = a->weights + (size_t)i * (size_t)a->taps;
        double sum = 0;
        for (int k = 0; k < count; k++) {
            const double d = fabs(((double)(k + first) - center + 0.5) * (1.0 / support));
            sum += d < 1 ? 1 - d : 0;
        }
        for (int k = 0; k < count; k++) {
            const double d = fabs(((double)(k + first) - center + 0.5) * (1.0 / support));
            const double weight = (d < 1 ? 1 - d : 0) / sum;
            weights[k] = (int32_t)(0.5 + weight * (double)(1 << FIXED_BITS));
        }
        a->first[i] = first;
        a->count[i] = count;
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
                             .keeps_x = s->ow == s->w && s->whole_w == s->w,
                             .keeps_y = s->oh == s->h && s->whole_h == s->h };
}

size_t gn_resize_shape_bytes(const struct gn_resize_shape *shape)
{
    struct resizer r = resizer_of(shape);
    return carve_all(&r, NULL, shape);
}

void gn_resize_prepare_shape(void *scratch, const struct gn_resize_shape *s)
{
    GN_ASSERT(s->oh > 0 && s->ow > 0 && s->h > 0 && s->w > 0 && s->c > 0);
    struct resizer *r = scratch;
    *r = resizer_of(s);
    (void)carve_all(r, scratch, s);
    for (int v = 0; v < 256; v++)
        r->unit[v] = (float)v / 255.0F;
    if (s->rule == GN_RESIZE_PIL_BILINEAR) {
        fill_filter_axis(&r->x, s->w, s->ow, s->whole_w, s->left);
        fill_filter_axis(&r->y, s->h, s->oh, s->whole_h, s->top);
    } else {
        fill_bilinear_axis(&r->x, s->w, s->ow, s->whole_w, s->left, s->rule);
        fill_bilinear_axis(&r->y, s->h, s->oh, s->whole_h, s->top, s->rule);
    }
}

/* All of the image becomes all of the result. */
static struct gn_resize_shape straight(int oh, int ow, int h, int w, int c, gn_resize rule)
{
    return (struct gn_resize_shape){
        .oh = oh, .ow = ow, .h = h, .w = w, .c = c, .rule = rule, .whole_h = oh, .whole_w = ow
    };
}

size_t gn_resize_scratch_bytes(int oh, int ow, int h, int w, int c, gn_resize rule)
{
    const struct gn_resize_shape shape = straight(oh, ow, h, w, c, rule);
    return gn_resize_shape_bytes(&shape);
}

void gn_resize_prepare(void *scratch, int oh, int ow, int h, int w, int c, gn_resize rule)
{
    const struct gn_resize_shape shape = straight(oh, ow, h, w, c, rule);
    gn_resize_prepare_shape(scratch, &shape);
}

static void bytes_to_floats(float *out, const uint8_t *bytes, size_t n, const float *unit)
{
    for (size_t i = 0; i < n; i++)
        out[i] = unit[bytes[i]];
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
        const float t = x->weight[i];
        for (size_t k = 0; k < c; k++)
            row[i * c + k] = a[k] + (b[k] - a[k]) * t;
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

/* ---- Pillow's filter ---- */

/* The weights are at most 1 and sum to 1 but for rounding, so only 255 can be exceeded. */
static uint8_t from_fixed(int32_t sum)
{
    const int32_t v = sum >> FIXED_BITS;
    return (uint8_t)(v > 255 ? 255 : v);
}

/* All sums are of integers, so any order and width of the vectors gives the same bytes. */
typedef int32_t pixel4 __attribute__((vector_size(16)));
typedef int32_t lanes32 __attribute__((vector_size(LANES * 4)));
typedef uint8_t lanes8 __attribute__((vector_size(LANES)));

/* Bytes as integers, and zeros behind them for a vector that reads past the last pixel. */
static void widen(int32_t *to, const uint8_t *from, size_t n)
{
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        lanes8 bytes;
        memcpy(&bytes, from + i, sizeof bytes);
        const lanes32 wide = __builtin_convertvector(bytes, lanes32);
        memcpy(to + i, &wide, sizeof wide);
    }
    for (; i < n; i++)
        to[i] = from[i];
    memset(to + n, 0, sizeof(pixel4));
}

/* One row of three channels: a vector for each pixel, whose fourth lane is nobody's. */
static void filter_row_rgb(uint8_t *to, const int32_t *row, const struct axis *x, size_t n)
{
    for (size_t i = 0; i < n; i++, to += 3) {
        const int32_t *from = row + 3 * (size_t)x->first[i];
        const int32_t *weights = x->weights + i * (size_t)x->taps;
        pixel4 sum = { 1 << (FIXED_BITS - 1), 1 << (FIXED_BITS - 1), 1 << (FIXED_BITS - 1) };
        for (int j = 0; j < x->count[i]; j++, from += 3) {
            pixel4 pixel;
            memcpy(&pixel, from, sizeof pixel);
            sum += pixel * weights[j];
        }
        for (int k = 0; k < 3; k++)
            to[k] = from_fixed(sum[k]);
    }
}

static void filter_row(uint8_t *to, const int32_t *row, const struct axis *x, size_t n, size_t c)
{
    for (size_t i = 0; i < n; i++) {
        const int32_t *from = row + (size_t)x->first[i] * c;
        const int32_t *weights = x->weights + i * (size_t)x->taps;
        for (size_t k = 0; k < c; k++) {
            int32_t sum = 1 << (FIXED_BITS - 1);
            for (int j = 0; j < x->count[i]; j++)
                sum += weights[j] * from[(size_t)j * c + k];
            to[i * c + k] = from_fixed(sum);
        }
    }
}

static void filter_along_x(const struct resizer *r, const uint8_t *pixels, size_t stride)
{
    const size_t c = (size_t)r->c, n = (size_t)r->ow;
    for (size_t y = 0; y < (size_t)r->h; y++) {
        widen(r->wide, pixels + y * stride, (size_t)r->w * c);
        if (c == 3)
            filter_row_rgb(r->middle + y * n * c, r->wide, &r->x, n);
        else
            filter_row(r->middle + y * n * c, r->wide, &r->x, n, c);
    }
}

/* Row y of the result, n bytes. */
static void filter_along_y(uint8_t *to, const struct resizer *r, const uint8_t *rows, size_t stride,
                           int y)
{
    const size_t n = (size_t)r->ow * (size_t)r->c;
    const int32_t *weights = r->y.weights + (size_t)y * (size_t)r->y.taps;
    const uint8_t *from = rows + (size_t)r->y.first[y] * stride;
    const int count = r->y.count[y];
    size_t k = 0;
    for (; k + LANES <= n; k += LANES) {
        lanes32 sum = { 0 };
        for (int j = 0; j < count; j++) {
            lanes8 bytes;
            memcpy(&bytes, from + (size_t)j * stride + k, sizeof bytes);
            sum += __builtin_convertvector(bytes, lanes32) * weights[j];
        }
        sum = (sum + (1 << (FIXED_BITS - 1))) >> FIXED_BITS;
        for (size_t i = 0; i < LANES; i++)
            to[k + i] = (uint8_t)(sum[i] > 255 ? 255 : sum[i]);
    }
    for (; k < n; k++) {
        int32_t sum = 1 << (FIXED_BITS - 1);
        for (int j = 0; j < count; j++)
            sum += weights[j] * from[(size_t)j * stride + k];
        to[k] = from_fixed(sum);
    }
}

/* ---- The result, row by row ---- */

/* Makes the rows ready of which a result of Pillow's filter is composed: the axis whose size stays is
 * not touched. */
static const uint8_t *prepare_rows(const struct resizer *r, const uint8_t *pixels, size_t *stride)
{
    if (r->rule != GN_RESIZE_PIL_BILINEAR || r->keeps_x)
        return pixels;
    filter_along_x(r, pixels, *stride);
    *stride = (size_t)r->ow * (size_t)r->c;
    return r->middle;
}

/* Row y of the result as bytes. */
static const uint8_t *filtered_row(uint8_t *to, const struct resizer *r, const uint8_t *rows,
                                   size_t stride, int y)
{
    if (r->keeps_y)
        return rows + (size_t)y * stride;
    filter_along_y(to, r, rows, stride, y);
    return to;
}

static void bilinear_row(float *out, struct resizer *r, const uint8_t *pixels, size_t stride, int y)
{
    const float *top = row_along_x(r, pixels, stride, r->y.low[y]);
    const float *bottom = row_along_x(r, pixels, stride, r->y.high[y]);
    between_rows(out, top, bottom, r->y.weight[y], (size_t)r->ow * (size_t)r->c);
}

static bool keeps_size(const struct resizer *r)
{
    return r->keeps_x && r->keeps_y;
}

void gn_resize_part(float *out, const uint8_t *pixels, size_t stride, void *scratch)
{
    struct resizer *r = scratch;
    const size_t n = (size_t)r->ow * (size_t)r->c;
    r->row_number[0] = r->row_number[1] = -1;
    const uint8_t *rows = prepare_rows(r, pixels, &stride);
    for (int y = 0; y < r->oh; y++, out += n) {
        if (r->rule == GN_RESIZE_PIL_BILINEAR || keeps_size(r))
            bytes_to_floats(out, filtered_row(r->line, r, rows, stride, y), n, r->unit);
        else
            bilinear_row(out, r, pixels, stride, y);
    }
}

void gn_resize_part_bytes(uint8_t *out, const uint8_t *pixels, size_t stride, void *scratch)
{
    struct resizer *r = scratch;
    const size_t n = (size_t)r->ow * (size_t)r->c;
    r->row_number[0] = r->row_number[1] = -1;
    const uint8_t *rows = prepare_rows(r, pixels, &stride);
    for (int y = 0; y < r->oh; y++, out += n) {
        if (r->rule == GN_RESIZE_PIL_BILINEAR || keeps_size(r)) {
            const uint8_t *row = filtered_row(out, r, rows, stride, y);
            if (row != out)
                memcpy(out, row, n);
            continue;
        }
        bilinear_row(r->float_line, r, pixels, stride, y);
        for (size_t k = 0; k < n; k++)
            out[k] = (uint8_t)(r->float_line[k] * 255.0F + 0.5F);
    }
}

void gn_resize_apply(float *out, const uint8_t *pixels, void *scratch)
{
    const struct resizer *r = scratch;
    gn_resize_part(out, pixels, (size_t)r->w * (size_t)r->c, scratch);
}

void gn_resize_image(float *out, int oh, int ow, const uint8_t *pixels, int h, int w, int c,
                     gn_resize rule, void *scratch)
{
    gn_resize_prepare(scratch, oh, ow, h, w, c, rule);
    gn_resize_apply(out, pixels, scratch);
}
