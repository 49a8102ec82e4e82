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
    struct axis x, y;
    float unit[256]; /* v/255, correctly rounded */
    float *row[2];   /* TensorFlow: source rows interpolated along x, [ow][c] */
    int row_number[2];
    float *source;   /* one source row as floats, [w][c] */
    uint8_t *middle; /* Pillow: all source rows after the pass along x, [h][ow][c] */
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

static void carve_axis(struct axis *a, char *base, size_t *used, int in, int out, gn_resize rule)
{
    const size_t n = (size_t)out;
    if (rule == GN_RESIZE_PIL_BILINEAR) {
        a->taps = filter_taps(in, out);
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
static size_t carve_all(struct resizer *r, char *base)
{
    size_t used = 0;
    (void)carve(base, &used, sizeof *r);
    carve_axis(&r->x, base, &used, r->w, r->ow, r->rule);
    carve_axis(&r->y, base, &used, r->h, r->oh, r->rule);
    const size_t row = (size_t)r->ow * (size_t)r->c;
    if (r->rule == GN_RESIZE_PIL_BILINEAR) {
        r->middle = carve(base, &used, (size_t)r->h * row);
    } else {
        r->row[0] = carve(base, &used, row * sizeof(float));
        r->row[1] = carve(base, &used, row * sizeof(float));
        r->source = carve(base, &used, (size_t)r->w * (size_t)r->c * sizeof(float));
    }
    return used;
}

static void fill_bilinear_axis(struct axis *a, int in, int out, gn_resize rule)
{
    const float scale = (float)in / (float)out;
    for (int i = 0; i < out; i++) {
        const float s =
            rule == GN_RESIZE_HALF_PIXEL ? ((float)i + 0.5F) * scale - 0.5F : (float)i * scale;
        const float floor_s = floorf(s);
        const int low = (int)floor_s, high = (int)ceilf(s);
        a->low[i] = low < 0 ? 0 : low > in - 1 ? in - 1 : low;
        a->high[i] = high > in - 1 ? in - 1 : high;
        a->weight[i] = s - floor_s;
    }
}

static void fill_filter_axis(struct axis *a, int in, int out)
{
    const double scale = (double)in / (double)out;
    const double support = scale < 1 ? 1 : scale;
    for (int i = 0; i < out; i++) {
        const double center = ((double)i + 0.5) * scale;
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

size_t gn_resize_scratch_bytes(int oh, int ow, int h, int w, int c, gn_resize rule)
{
    struct resizer r = { .oh = oh, .ow = ow, .h = h, .w = w, .c = c, .rule = rule };
    return carve_all(&r, NULL);
}

void gn_resize_prepare(void *scratch, int oh, int ow, int h, int w, int c, gn_resize rule)
{
    GN_ASSERT(oh > 0 && ow > 0 && h > 0 && w > 0 && c > 0);
    struct resizer *r = scratch;
    *r = (struct resizer){ .oh = oh, .ow = ow, .h = h, .w = w, .c = c, .rule = rule };
    (void)carve_all(r, scratch);
    for (int v = 0; v < 256; v++)
        r->unit[v] = (float)v / 255.0F;
    if (rule == GN_RESIZE_PIL_BILINEAR) {
        fill_filter_axis(&r->x, w, ow);
        fill_filter_axis(&r->y, h, oh);
    } else {
        fill_bilinear_axis(&r->x, w, ow, rule);
        fill_bilinear_axis(&r->y, h, oh, rule);
    }
}

static void bytes_to_floats(float *out, const uint8_t *bytes, size_t n, const float *unit)
{
    for (size_t i = 0; i < n; i++)
        out[i] = unit[bytes[i]];
}

/* Source row y interpolated along x. Neighbouring output rows share it, and a row's neighbour has
 * the other parity, so two slots are enough. */
static const float *row_along_x(struct resizer *r, const uint8_t *pixels, int y)
{
    const int slot = y & 1;
    float *row = r->row[slot];
    if (r->row_number[slot] == y)
        return row;
    r->row_number[slot] = y;
    const size_t c = (size_t)r->c, width = (size_t)r->w * c;
    float *source = r->source;
    bytes_to_floats(source, pixels + (size_t)y * width, width, r->unit);
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

static void apply_bilinear(float *out, const uint8_t *pixels, struct resizer *r)
{
    const size_t n = (size_t)r->ow * (size_t)r->c;
    r->row_number[0] = r->row_number[1] = -1;
    for (int y = 0; y < r->oh; y++, out += n) {
        const float *top = row_along_x(r, pixels, r->y.low[y]);
        const float *bottom = row_along_x(r, pixels, r->y.high[y]);
        between_rows(out, top, bottom, r->y.weight[y], n);
    }
}

/* The weights are at most 1 and sum to 1 but for rounding, so only 255 can be exceeded. */
static uint8_t from_fixed(int32_t sum)
{
    const int32_t v = sum >> FIXED_BITS;
    return (uint8_t)(v > 255 ? 255 : v);
}

static void filter_along_x(struct resizer *r, const uint8_t *pixels)
{
    const size_t c = (size_t)r->c, in = (size_t)r->w * c, out = (size_t)r->ow * c;
    const struct axis *x = &r->x;
    for (size_t y = 0; y < (size_t)r->h; y++) {
        uint8_t *to = r->middle + y * out;
        for (size_t i = 0; i < (size_t)r->ow; i++) {
            const uint8_t *from = pixels + y * in + (size_t)x->first[i] * c;
            const int32_t *weights = x->weights + i * (size_t)x->taps;
            for (size_t k = 0; k < c; k++) {
                int32_t sum = 1 << (FIXED_BITS - 1);
                for (int j = 0; j < x->count[i]; j++)
                    sum += weights[j] * (int32_t)from[(size_t)j * c + k];
                to[i * c + k] = from_fixed(sum);
            }
        }
    }
}

static void filter_along_y(float *out, const struct resizer *r, const uint8_t *middle)
{
    const size_t n = (size_t)r->ow * (size_t)r->c;
    const struct axis *y = &r->y;
    for (size_t i = 0; i < (size_t)r->oh; i++, out += n) {
        const uint8_t *from = middle + (size_t)y->first[i] * n;
        const int32_t *weights = y->weights + i * (size_t)y->taps;
        for (size_t k = 0; k < n; k++) {
            int32_t sum = 1 << (FIXED_BITS - 1);
            for (int j = 0; j < y->count[i]; j++)
                sum += weights[j] * (int32_t)from[(size_t)j * n + k];
            out[k] = r->unit[from_fixed(sum)];
        }
    }
}

/* An axis whose size stays is not touched. */
static void apply_filter(float *out, const uint8_t *pixels, struct resizer *r)
{
    const uint8_t *middle = pixels;
    if (r->ow != r->w) {
        filter_along_x(r, pixels);
        middle = r->middle;
    }
    if (r->oh != r->h)
        filter_along_y(out, r, middle);
    else
        bytes_to_floats(out, middle, (size_t)r->h * (size_t)r->ow * (size_t)r->c, r->unit);
}

void gn_resize_apply(float *out, const uint8_t *pixels, void *scratch)
{
    struct resizer *r = scratch;
    if (r->oh == r->h && r->ow == r->w)
        bytes_to_floats(out, pixels, (size_t)r->h * (size_t)r->w * (size_t)r->c, r->unit);
    else if (r->rule == GN_RESIZE_PIL_BILINEAR)
        apply_filter(out, pixels, r);
    else
        apply_bilinear(out, pixels, r);
}

void gn_resize_image(float *out, int oh, int ow, const uint8_t *pixels, int h, int w, int c,
                     gn_resize rule, void *scratch)
{
    gn_resize_prepare(scratch, oh, ow, h, w, c, rule);
    gn_resize_apply(out, pixels, scratch);
}
