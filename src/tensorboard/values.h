/* What a record of an event file holds: values with a tag, as fields of TensorFlow's Summary message
 * (tensorboard/compat/proto/summary.proto). */
#ifndef GN_TENSORBOARD_VALUES_H
#define GN_TENSORBOARD_VALUES_H

#include "file/file.h"
#include "file/protobuf.h"

enum { GN_BINS = 20 };

/* How values are spread over bins of equal width from `low` to `high`. */
struct gn_histogram {
    double low, high, n, sum, squares;
    double counts[GN_BINS];
};

/* Of finite values. */
void gn_histogram_of(const float *values, size_t n, struct gn_histogram *histogram);

/* TensorBoard keeps float32. */
void gn_value_scalar(struct gn_pb *values, const char *tag, double value);

/* Nothing for one without values. */
void gn_value_histogram(struct gn_pb *values, const char *tag, const struct gn_histogram *h);

/* The bytes of an RGB picture's PNG file. */
void gn_value_image(struct gn_pb *values, const char *tag, int width, int height,
                    const struct gn_bytes *png);

#endif
