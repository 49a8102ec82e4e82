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

enum { FIXED_BITS = 22, LOWER_BITS = 8, LANES = 8, ALIGN = 64 };

/* How the outputs of one axis are made of its inputs. */
struct axis {
    int32_t *low, *high; /* TensorFlow: the two neighbours */
    float *weight;       /* of `high` */
    int32_t *first;      /* Pillow: the first input, how many follow, and their weights */
    int32_t *count;
    float *weights; /* [out][taps][2]: upper and lower bits, see the filter */
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
    float *source;          /* one source row as floats, [w][c] */
    float *float_line;      /* a row of the result, [ow][c] */
    float *ring;            /* Pillow: source rows after the pass along x, [taps][ow][c] */
    const float **tap_rows; /* those that make up a row of the result */
    int rows_done;          /* source rows that went along x */
    float *wide;            /* one source row, [w][c] */
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
        a->weights = carve(base, used, n * (size_t)a->taps * 2 * sizeof *a->weights);
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
        /* Vectors read and write up to three floats behind the last pixel. */
        r->ring = carve(base, &used, (size_t)r->y.taps * (row + LANES) * sizeof(float));
        r->tap_rows = carve(base, &used, (size_t)r->y.taps * sizeof *r->tap_rows);
        r->float_line = carve(base, &used, row * sizeof(float));
        r->wide = carve(base, &used, ((size_t)r->w * (size_t)r->c + LANES) * sizeof(float));
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
        float *weights = a->weights + (size_t)i * (size_t)a->taps * 2;
        double sum = 0;
        for (int k = 0; k < count; k++) {
            const double d = fabs(((double)(k + first) - center + 0.5) * (1.0 / support));
            sum += d < 1 ? 1 - d : 0;
        }
        for (int k = 0; k < count; k++) {
            const double d = fabs(((double)(k + first) - center + 0.5) * (1.0 / support));
            const double weight = (d < 1 ? 1 - d : 0) / sum;
            const int32_t fixed = (int32_t)(0.5 + weight * (double)(1 << FIXED_BITS));
            weights[2 * k] = (float)(fixed >> LOWER_BITS);
            weights[2 * k + 1] = (float)(fixed & ((1 << LOWER_BITS) - 1));
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

/* ---- Pillow's filter ----
 *
 * Sums of products of 22-bit weights and bytes, exactly. A product does not fit the 24 bits of a
 * float, so each weight is split into its upper 14 and lower 8 bits: both sums of products stay
 * below 2^24 for up to 256 taps (a picture 127 times as large as the result), every step is exact, and vectors of floats, which every
 * processor has, give Pillow's bytes. */

typedef float float4 __attribute__((vector_size(16)));
typedef int32_t int4 __attribute__((vector_size(16)));
typedef uint16_t half8 __attribute__((vector_size(16)));
typedef uint8_t byte16 __attribute__((vector_size(16)));

/* n bytes as floats. */
static void widen(float *to, const uint8_t *from, size_t n)
{
    const byte16 none = { 0 };
    size_t i = 0;
    for (; i + sizeof(byte16) <= n; i += sizeof(byte16)) {
        byte16 b;
        memcpy(&b, from + i, sizeof b);
        const half8 pair[2] = {
            (half8)__builtin_shufflevector(b, none, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22,
                                           7, 23),
            (half8)__builtin_shufflevector(b, none, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29,
                                           14, 30, 15, 31),
        };
        for (int k = 0; k < 2; k++) {
            const half8 zero = { 0 };
            const float4 low = __builtin_convertvector(
                (int4)__builtin_shufflevector(pair[k], zero, 0, 8, 1, 9, 2, 10, 3, 11), float4);
            const float4 high = __builtin_convertvector(
                (int4)__builtin_shufflevector(pair[k], zero, 4, 12, 5, 13, 6, 14, 7, 15), float4);
            memcpy(to + i + 8 * k, &low, sizeof low);
            memcpy(to + i + 8 * k + 4, &high, sizeof high);
        }
    }
    for (; i < n; i++)
        to[i] = (float)from[i];
}

/* The sum of both halves, rounded and cut off as Pillow does. The weights sum to 1 but for rounding,
 * so only 255 can be exceeded. */
static inline float4 finish4(float4 upper, float4 lower)
{
    int4 sum = __builtin_convertvector(upper, int4) * (1 << LOWER_BITS) +
               __builtin_convertvector(lower, int4) + (1 << (FIXED_BITS - 1));
    sum >>= FIXED_BITS;
    const int4 over = sum > 255;
    return __builtin_convertvector((over & 255) | (~over & sum), float4);
}

static inline float finish1(float upper, float lower)
{
    const int32_t sum = (int32_t)upper * (1 << LOWER_BITS) + (int32_t)lower;
    const int32_t v = (sum + (1 << (FIXED_BITS - 1))) >> FIXED_BITS;
    return (float)(v > 255 ? 255 : v);
}

/* One source row, [ow][c]. A vector for each pixel of three channels, whose fourth lane is the next
 * pixel's, which follows. */
static void filter_along_x(float *to, const struct resizer *r, const uint8_t *pixels)
{
    const size_t c = (size_t)r->c, taps = 2 * (size_t)r->x.taps;
    if (r->keeps_x) {
        widen(to, pixels, (size_t)r->w * c);
        return;
    }
    widen(r->wide, pixels, (size_t)r->w * c);
    for (size_t i = 0; i < (size_t)r->ow; i++, to += c) {
        const float *from = r->wide + (size_t)r->x.first[i] * c;
        const float *weights = r->x.weights + i * taps;
        const size_t count = (size_t)r->x.count[i];
        float4 upper = { 0 }, lower = { 0 };
        for (size_t j = 0; j < count && c == 3; j++) {
            float4 v;
            memcpy(&v, from + 3 * j, sizeof v);
            upper += v * weights[2 * j];
            lower += v * weights[2 * j + 1];
        }
        if (c == 3) {
            const float4 v = finish4(upper, lower);
            memcpy(to, &v, sizeof v);
            continue;
        }
        for (size_t k = 0; k < c; k++) {
            float high = 0, low = 0;
            for (size_t j = 0; j < count; j++) {
                high += from[j * c + k] * weights[2 * j];
                low += from[j * c + k] * weights[2 * j + 1];
            }
            to[k] = finish1(high, low);
        }
    }
}

/* Row y of the result from `count` source rows that went along x. */
static void filter_along_y(float *to, const struct resizer *r, int y)
{
    const size_t n = (size_t)r->ow * (size_t)r->c, count = (size_t)r->y.count[y];
    const float *weights = r->y.weights + (size_t)y * 2 * (size_t)r->y.taps;
    const float *const *rows = r->tap_rows;
    size_t k = 0;
    for (; k + 4 <= n; k += 4) {
        float4 upper = { 0 }, lower = { 0 };
        for (size_t j = 0; j < count; j++) {
            float4 v;
            memcpy(&v, rows[j] + k, sizeof v);
            upper += v * weights[2 * j];
            lower += v * weights[2 * j + 1];
        }
        const float4 v = finish4(upper, lower);
        memcpy(to + k, &v, sizeof v);
    }
    for (; k < n; k++) {
        float high = 0, low = 0;
        for (size_t j = 0; j < count; j++) {
            high += rows[j][k] * weights[2 * j];
            low += rows[j][k] * weights[2 * j + 1];
        }
        to[k] = finish1(high, low);
    }
}

/* ---- The result, row by row ---- */

/* Row y of the result, as whole numbers from 0 to 255. Source rows go along x when they are needed
 * first, and stay in a ring as long as a later row may need them. */
static const float *filtered_row(struct resizer *r, const uint8_t *pixels, size_t stride, int y)
{
    const size_t row = (size_t)r->ow * (size_t)r->c + LANES;
    const int first = r->keeps_y ? y : r->y.first[y], count = r->keeps_y ? 1 : r->y.count[y];
    for (int i = first; i < first + count; i++) {
        float *slot = r->ring + (size_t)(i % r->y.taps) * row;
        if (i >= r->rows_done) {
            filter_along_x(slot, r, pixels + (size_t)i * stride);
            r->rows_done = i + 1;
        }
        r->tap_rows[i - first] = slot;
    }
    if (r->keeps_y)
        return r->tap_rows[0];
    filter_along_y(r->float_line, r, y);
    return r->float_line;
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

/* Divided by 255; the processor's vectors divide as exactly as it does otherwise. */
static void divide_row(float *out, const float *row, size_t n)
{
    size_t k = 0;
    for (; k + 4 <= n; k += 4) {
        float4 v;
        memcpy(&v, row + k, sizeof v);
        v /= 255.0F;
        memcpy(out + k, &v, sizeof v);
    }
    for (; k < n; k++)
        out[k] = row[k] / 255.0F;
}

void gn_resize_part(float *out, const uint8_t *pixels, size_t stride, void *scratch)
{
    struct resizer *r = scratch;
    const size_t n = (size_t)r->ow * (size_t)r->c;
    const bool filters = r->rule == GN_RESIZE_PIL_BILINEAR && !keeps_size(r);
    r->row_number[0] = r->row_number[1] = -1;
    r->rows_done = 0;
    for (int y = 0; y < r->oh; y++, out += n) {
        if (keeps_size(r)) {
            bytes_to_floats(out, pixels + (size_t)y * stride, n, r->unit);
        } else if (filters) {
            divide_row(out, filtered_row(r, pixels, stride, y), n);
        } else {
            bilinear_row(out, r, pixels, stride, y);
        }
    }
}

void gn_resize_part_bytes(uint8_t *out, const uint8_t *pixels, size_t stride, void *scratch)
{
    struct resizer *r = scratch;
    const size_t n = (size_t)r->ow * (size_t)r->c;
    const bool filters = r->rule == GN_RESIZE_PIL_BILINEAR && !keeps_size(r);
    r->row_number[0] = r->row_number[1] = -1;
    r->rows_done = 0;
    for (int y = 0; y < r->oh; y++, out += n) {
        if (keeps_size(r)) {
            memcpy(out, pixels + (size_t)y * stride, n);
        } else if (filters) {
            const float *row = filtered_row(r, pixels, stride, y);
            for (size_t k = 0; k < n; k++)
                out[k] = (uint8_t)row[k];
        } else {
            bilinear_row(r->float_line, r, pixels, stride, y);
            for (size_t k = 0; k < n; k++)
                out[k] = (uint8_t)(r->float_line[k] * 255.0F + 0.5F);
        }
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
