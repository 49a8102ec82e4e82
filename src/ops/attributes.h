/* Attributes of the operators whose builder takes no options from the public header. */
#ifndef GN_OPS_ATTRIBUTES_H
#define GN_OPS_ATTRIBUTES_H

struct gn_input_attributes {
    int height, width, channels;
};

struct gn_dense_attributes {
    int units;
};

struct gn_clip_attributes {
    double low, high; /* as float32 */
};
#define GN_MAX_FLOAT 3.4028234663852886e38

struct gn_dropout_attributes {
    double rate;
};

struct gn_quantize_attributes {
    double scale; /* as float32 */
};

#endif
