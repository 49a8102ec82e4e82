/* Numbers of fields: summary.proto, histogram.proto. */
#include "tensorboard/values.h"

enum { SUMMARY_VALUE = 1, VALUE_TAG = 1, VALUE_SCALAR = 2, VALUE_IMAGE = 4, VALUE_HISTOGRAM = 5 };
enum { IMAGE_HEIGHT = 1, IMAGE_WIDTH, IMAGE_COLOURS, IMAGE_BYTES, RGB = 3 };
enum { HISTOGRAM_MIN = 1, HISTOGRAM_MAX, HISTOGRAM_N, HISTOGRAM_SUM, HISTOGRAM_SQUARES };
enum { HISTOGRAM_LIMITS = 6, HISTOGRAM_COUNTS = 7 };

static size_t begin(struct gn_pb *values, const char *tag)
{
    const size_t value = gn_pb_begin(values, SUMMARY_VALUE);
    gn_pb_text(values, VALUE_TAG, tag);
    return value;
}

void gn_value_scalar(struct gn_pb *values, const char *tag, double value)
{
    const size_t message = begin(values, tag);
    gn_pb_float(values, VALUE_SCALAR, (float)value);
    gn_pb_end(values, message);
}

enum { LANES = 8 };

struct lanes {
    double sums[LANES], squares[LANES];
    float low[LANES], high[LANES];
};

static void look_at(struct lanes *l, const float *x, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        const float v = x[k];
        l->sums[k] += (double)v;
        l->squares[k] += (double)v * (double)v;
        l->low[k] = v < l->low[k] ? v : l->low[k];
        l->high[k] = v > l->high[k] ? v : l->high[k];
    }
}

/* Eight sums next to each other, so that the loop runs in vectors. */
static void find_range(const float *x, size_t n, struct gn_histogram *h)
{
    struct lanes l = { .sums = { 0 } };
    size_t i = 0;
    for (size_t k = 0; k < LANES; k++)
        l.low[k] = l.high[k] = x[0];
    for (; i + LANES <= n; i += LANES)
        look_at(&l, x + i, LANES);
    look_at(&l, x + i, n - i);
    h->low = h->high = (double)x[0];
    for (size_t k = 0; k < LANES; k++) {
        h->sum += l.sums[k];
        h->squares += l.squares[k];
        h->low = (double)l.low[k] < h->low ? (double)l.low[k] : h->low;
        h->high = (double)l.high[k] > h->high ? (double)l.high[k] : h->high;
    }
}

void gn_histogram_of(const float *values, size_t n, struct gn_histogram *histogram)
{
    *histogram = (struct gn_histogram){ .n = (double)n };
    if (n == 0)
        return;
    find_range(values, n, histogram);
    const float low = (float)histogram->low, width = (float)(histogram->high - histogram->low);
    const float scale = width > 0 ? GN_BINS / width : 0;
    uint32_t counts[GN_BINS] = { 0 };
    for (size_t i = 0; i < n; i++) {
        const float bin = (values[i] - low) * scale; /* with an infinite value it is no number */
        counts[bin < GN_BINS ? (bin >= 0 ? (int)bin : 0) : bin >= GN_BINS ? GN_BINS - 1 : 0]++;
    }
    for (int k = 0; k < GN_BINS; k++)
        histogram->counts[k] = counts[k];
}

void gn_value_histogram(struct gn_pb *values, const char *tag, const struct gn_histogram *h)
{
    double limits[GN_BINS];
    if (!(h->n > 0))
        return;
    for (int k = 0; k < GN_BINS; k++)
        limits[k] = h->low + (h->high - h->low) * (k + 1) / GN_BINS;
    limits[GN_BINS - 1] = h->high;
    const size_t message = begin(values, tag), histogram = gn_pb_begin(values, VALUE_HISTOGRAM);
    gn_pb_double(values, HISTOGRAM_MIN, h->low);
    gn_pb_double(values, HISTOGRAM_MAX, h->high);
    gn_pb_double(values, HISTOGRAM_N, h->n);
    gn_pb_double(values, HISTOGRAM_SUM, h->sum);
    gn_pb_double(values, HISTOGRAM_SQUARES, h->squares);
    gn_pb_doubles(values, HISTOGRAM_LIMITS, limits, GN_BINS);
    gn_pb_doubles(values, HISTOGRAM_COUNTS, h->counts, GN_BINS);
    gn_pb_end(values, histogram);
    gn_pb_end(values, message);
}

void gn_value_image(struct gn_pb *values, const char *tag, int width, int height,
                    const struct gn_bytes *png)
{
    const size_t message = begin(values, tag), image = gn_pb_begin(values, VALUE_IMAGE);
    gn_pb_int(values, IMAGE_HEIGHT, height);
    gn_pb_int(values, IMAGE_WIDTH, width);
    gn_pb_int(values, IMAGE_COLOURS, RGB);
    uint8_t *to = gn_pb_bytes(values, IMAGE_BYTES, png->size);
    for (size_t i = 0; to != NULL && i < png->size; i++)
        to[i] = png->data[i];
    gn_pb_end(values, image);
    gn_pb_end(values, message);
}
