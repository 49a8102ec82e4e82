/*
 * Text of protocol buffers: NAME: VALUE, NAME { ... }, comments after #. A table says which fields each
 * message has; what a network for prediction does not need is passed over.
 */
#include "caffe/prototxt.h"

#include "base/number.h"

#include <ctype.h>
#include <string.h>

enum { WORD = 128, DEEPEST = 16 };

/* ---- What messages hold ---- */

enum message {
    NET,
    LAYER,
    OLD_LAYER,
    CONV,
    POOL,
    LRN,
    DENSE,
    CONCAT,
    DROPOUT,
    NORM,
    SCALE,
    INPUT,
    SHAPE,
    TRANSFORM,
    RULE,
    RELU
};
enum kind { WHOLE, REAL, TEXT, WORDS, MESSAGE, PASS };

struct field {
    enum message of;
    const char *name;
    int number;
    enum kind kind;
    enum message inner;
};

static const struct field fields[] = {
    { NET, "name", 1, TEXT, NET },
    { NET, "layers", 2, MESSAGE, OLD_LAYER },
    { NET, "input", 3, TEXT, NET },
    { NET, "input_dim", 4, WHOLE, NET },
    { NET, "input_shape", 8, MESSAGE, SHAPE },
    { NET, "layer", 100, MESSAGE, LAYER },
    { NET, "force_backward", 5, PASS, NET },
    { NET, "state", 6, PASS, NET },
    { NET, "debug_info", 7, PASS, NET },
    { LAYER, "name", 1, TEXT, NET },
    { LAYER, "type", 2, TEXT, NET },
    { LAYER, "bottom", 3, TEXT, NET },
    { LAYER, "top", 4, TEXT, NET },
    { LAYER, "loss_weight", 5, REAL, NET },
    { LAYER, "include", 8, MESSAGE, RULE },
    { LAYER, "exclude", 9, MESSAGE, RULE },
    { LAYER, "transform_param", 100, MESSAGE, TRANSFORM },
    { LAYER, "concat_param", 104, MESSAGE, CONCAT },
    { LAYER, "convolution_param", 106, MESSAGE, CONV },
    { LAYER, "dropout_param", 108, MESSAGE, DROPOUT },
    { LAYER, "inner_product_param", 117, MESSAGE, DENSE },
    { LAYER, "lrn_param", 118, MESSAGE, LRN },
    { LAYER, "pooling_param", 121, MESSAGE, POOL },
    { LAYER, "relu_param", 123, MESSAGE, RELU },
    { LAYER, "batch_norm_param", 139, MESSAGE, NORM },
    { LAYER, "scale_param", 142, MESSAGE, SCALE },
    { LAYER, "input_param", 143, MESSAGE, INPUT },
    { LAYER, "param", 6, PASS, NET },
    { LAYER, "blobs", 7, PASS, NET },
    { LAYER, "phase", 10, PASS, NET },
    { LAYER, "propagate_down", 11, PASS, NET },
    { LAYER, "loss_param", 101, PASS, NET },
    { LAYER, "accuracy_param", 102, PASS, NET },
    { LAYER, "data_param", 107, PASS, NET },
    { LAYER, "hdf5_data_param", 112, PASS, NET },
    { LAYER, "image_data_param", 115, PASS, NET },
    { LAYER, "memory_data_param", 119, PASS, NET },
    { LAYER, "softmax_param", 125, PASS, NET },
    { OLD_LAYER, "bottom", 2, TEXT, NET },
    { OLD_LAYER, "top", 3, TEXT, NET },
    { OLD_LAYER, "name", 4, TEXT, NET },
    { OLD_LAYER, "type", 5, WORDS, NET },
    { OLD_LAYER, "concat_param", 9, MESSAGE, CONCAT },
    { OLD_LAYER, "convolution_param", 10, MESSAGE, CONV },
    { OLD_LAYER, "dropout_param", 12, MESSAGE, DROPOUT },
    { OLD_LAYER, "inner_product_param", 17, MESSAGE, DENSE },
    { OLD_LAYER, "lrn_param", 18, MESSAGE, LRN },
    { OLD_LAYER, "pooling_param", 19, MESSAGE, POOL },
    { OLD_LAYER, "relu_param", 30, MESSAGE, RELU },
    { OLD_LAYER, "include", 32, MESSAGE, RULE },
    { OLD_LAYER, "exclude", 33, MESSAGE, RULE },
    { OLD_LAYER, "loss_weight", 35, REAL, NET },
    { OLD_LAYER, "transform_param", 36, MESSAGE, TRANSFORM },
    { OLD_LAYER, "blobs_lr", 7, PASS, NET },
    { OLD_LAYER, "weight_decay", 8, PASS, NET },
    { OLD_LAYER, "param", 1001, PASS, NET },
    { OLD_LAYER, "data_param", 11, PASS, NET },
    { OLD_LAYER, "accuracy_param", 27, PASS, NET },
    { OLD_LAYER, "softmax_param", 39, PASS, NET },
    { CONV, "num_output", 1, WHOLE, NET },
    { CONV, "bias_term", 2, WORDS, NET },
    { CONV, "pad", 3, WHOLE, NET },
    { CONV, "kernel_size", 4, WHOLE, NET },
    { CONV, "group", 5, WHOLE, NET },
    { CONV, "stride", 6, WHOLE, NET },
    { CONV, "pad_h", 9, WHOLE, NET },
    { CONV, "pad_w", 10, WHOLE, NET },
    { CONV, "kernel_h", 11, WHOLE, NET },
    { CONV, "kernel_w", 12, WHOLE, NET },
    { CONV, "stride_h", 13, WHOLE, NET },
    { CONV, "stride_w", 14, WHOLE, NET },
    { CONV, "dilation", 18, WHOLE, NET },
    { CONV, "weight_filler", 7, PASS, NET },
    { CONV, "bias_filler", 8, PASS, NET },
    { CONV, "engine", 15, PASS, NET },
    { POOL, "pool", 1, WORDS, NET },
    { POOL, "kernel_size", 2, WHOLE, NET },
    { POOL, "stride", 3, WHOLE, NET },
    { POOL, "pad", 4, WHOLE, NET },
    { POOL, "kernel_h", 5, WHOLE, NET },
    { POOL, "kernel_w", 6, WHOLE, NET },
    { POOL, "stride_h", 7, WHOLE, NET },
    { POOL, "stride_w", 8, WHOLE, NET },
    { POOL, "pad_h", 9, WHOLE, NET },
    { POOL, "pad_w", 10, WHOLE, NET },
    { POOL, "global_pooling", 12, WORDS, NET },
    { POOL, "round_mode", 13, WORDS, NET },
    { POOL, "engine", 11, PASS, NET },
    { LRN, "local_size", 1, WHOLE, NET },
    { LRN, "alpha", 2, REAL, NET },
    { LRN, "beta", 3, REAL, NET },
    { LRN, "norm_region", 4, WORDS, NET },
    { LRN, "k", 5, REAL, NET },
    { LRN, "engine", 6, PASS, NET },
    { DENSE, "num_output", 1, WHOLE, NET },
    { DENSE, "bias_term", 2, WORDS, NET },
    { DENSE, "axis", 5, WHOLE, NET },
    { DENSE, "transpose", 6, WORDS, NET },
    { DENSE, "weight_filler", 3, PASS, NET },
    { DENSE, "bias_filler", 4, PASS, NET },
    { CONCAT, "concat_dim", 1, WHOLE, NET },
    { CONCAT, "axis", 2, WHOLE, NET },
    { DROPOUT, "dropout_ratio", 1, REAL, NET },
    { NORM, "use_global_stats", 1, WORDS, NET },
    { NORM, "moving_average_fraction", 2, REAL, NET },
    { NORM, "eps", 3, REAL, NET },
    { SCALE, "axis", 1, WHOLE, NET },
    { SCALE, "num_axes", 2, WHOLE, NET },
    { SCALE, "bias_term", 4, WORDS, NET },
    { SCALE, "filler", 3, PASS, NET },
    { SCALE, "bias_filler", 5, PASS, NET },
    { INPUT, "shape", 1, MESSAGE, SHAPE },
    { SHAPE, "dim", 1, WHOLE, NET },
    { TRANSFORM, "scale", 1, REAL, NET },
    { TRANSFORM, "mirror", 2, WORDS, NET },
    { TRANSFORM, "crop_size", 3, WHOLE, NET },
    { TRANSFORM, "mean_file", 4, TEXT, NET },
    { TRANSFORM, "mean_value", 5, REAL, NET },
    { TRANSFORM, "force_color", 6, WORDS, NET },
    { TRANSFORM, "force_gray", 7, WORDS, NET },
    { RULE, "phase", 1, WORDS, NET },
    { RULE, "min_level", 2, WHOLE, NET },
    { RULE, "max_level", 3, WHOLE, NET },
    { RULE, "stage", 4, TEXT, NET },
    { RULE, "not_stage", 5, TEXT, NET },
    { RELU, "negative_slope", 1, REAL, NET },
    { RELU, "engine", 2, PASS, NET },
};

/* Values that are words. */
static const struct {
    const char *word;
    int value;
} words[] = {
    { "true", 1 },
    { "false", 0 },
    { "MAX", 0 },
    { "AVE", 1 },
    { "STOCHASTIC", 2 },
    { "TRAIN", 0 },
    { "TEST", 1 },
    { "CEIL", 0 },
    { "FLOOR", 1 },
    { "ACROSS_CHANNELS", 0 },
    { "WITHIN_CHANNEL", 1 },
    { "ACCURACY", 1 },
    { "CONCAT", 3 },
    { "CONVOLUTION", 4 },
    { "DATA", 5 },
    { "DROPOUT", 6 },
    { "IMAGE_DATA", 12 },
    { "INNER_PRODUCT", 14 },
    { "LRN", 15 },
    { "POOLING", 17 },
    { "RELU", 18 },
    { "SOFTMAX", 20 },
    { "SOFTMAX_LOSS", 21 },
    { "SPLIT", 22 },
    { "MEMORY_DATA", 29 },
    { "SILENCE", 36 },
};

/* ---- Words ---- */

struct reader {
    const char *name, *text;
    size_t n, at;
    struct gn_pb *pb;
};

static gn_status fault(const struct reader *r, const char *what)
{
    int line = 1, column = 1;
    for (size_t i = 0; i < r->at && i < r->n; i++) {
        column = r->text[i] == '\n' ? 1 : column + 1;
        line += r->text[i] == '\n';
    }
    GN_FAIL(GN_STATUS_BAD_MODEL, "%s:%d:%d: Caffe: %s", r->name, line, column, what);
}

static char peek(struct reader *r)
{
    for (; r->at < r->n; r->at++) {
        const char c = r->text[r->at];
        if (c == '#')
            while (r->at < r->n && r->text[r->at] != '\n')
                r->at++;
        else if (!isspace((unsigned char)c) && c != ',' && c != ';')
            return c == '\0' ? '?' : c;
    }
    return '\0';
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '-' || c == '+';
}

/* A bare word, or one in quotes. */
static gn_status word(struct reader *r, char text[WORD])
{
    size_t n = 0;
    const char quote = peek(r);
    if (quote == '"' || quote == '\'') {
        for (r->at++; r->at < r->n && r->text[r->at] != quote; r->at++) {
            if (r->text[r->at] == '\n' || r->text[r->at] == '\\' || r->text[r->at] == '\0')
                return fault(r, "a text that does not end in its line, or has an escape");
            if (n + 1 >= WORD)
                return fault(r, "a text of more than 127 characters");
            text[n++] = r->text[r->at];
        }
        if (r->at++ >= r->n)
            return fault(r, "a text without end");
    } else {
        for (; r->at < r->n && is_word(r->text[r->at]); r->at++) {
            if (n + 1 >= WORD)
                return fault(r, "a word of more than 127 characters");
            text[n++] = r->text[r->at];
        }
        if (n == 0)
            return fault(r, "here should be a word");
    }
    text[n] = '\0';
    return GN_OK;
}

/* ---- Fields ---- */

static gn_status pass_over(struct reader *r)
{
    char text[WORD];
    int depth = 0;
    do {
        const char c = peek(r);
        if (c == '\0')
            return fault(r, "the file ends within a message");
        if (c == '{')
            depth++;
        else if (c == '}')
            depth--;
        if (c == '{' || c == '}' || c == ':' || c == '[' || c == ']')
            r->at++;
        else
            GN_TRY(word(r, text));
    } while (depth > 0);
    return GN_OK;
}

static gn_status value(struct reader *r, const struct field *f)
{
    char text[WORD];
    double real;
    uint64_t whole;
    GN_TRY(word(r, text));
    switch (f->kind) {
    case TEXT:
        gn_pb_text(r->pb, f->number, text);
        return GN_OK;
    case REAL:
        if (!gn_real_parse(text, &real))
            return fault(r, "here should be a number");
        gn_pb_float(r->pb, f->number, (float)real);
        return GN_OK;
    case WHOLE:
        if (!gn_whole_parse(text, &whole) || whole > INT32_MAX)
            return fault(r, "here should be a whole number");
        gn_pb_int(r->pb, f->number, (int64_t)whole);
        return GN_OK;
    case WORDS:
        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
            if (strcmp(words[i].word, text) == 0) {
                gn_pb_int(r->pb, f->number, words[i].value);
                return GN_OK;
            }
        return fault(r, "this word is not known here");
    case MESSAGE:
    case PASS:
        break;
    }
    return fault(r, "here should be a message in braces");
}

static const struct field *find(enum message of, const char *name)
{
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (fields[i].of == of && strcmp(fields[i].name, name) == 0)
            return &fields[i];
    return NULL;
}

/* Up to the brace that closes the message, or the end of the file for the outermost. */
static gn_status message(struct reader *r, enum message of, int depth)
{
    char name[WORD];
    for (;;) {
        const char c = peek(r);
        if (c == '\0' && depth == 0)
            return GN_OK;
        if (c == '}' && depth > 0) {
            r->at++;
            return GN_OK;
        }
        if (c == '\0' || c == '}' || depth >= DEEPEST)
            return fault(r, c == '}' ? "a brace too much" : "the file ends within a message");
        const size_t begin = r->at;
        GN_TRY(word(r, name));
        const struct field *f = find(of, name);
        if (f == NULL) {
            r->at = begin;
            return fault(r, "this field is not known here");
        }
        if (peek(r) == ':')
            r->at++;
        if (f->kind == PASS) {
            GN_TRY(pass_over(r));
        } else if (f->kind != MESSAGE) {
            GN_TRY(value(r, f));
        } else {
            if (peek(r) != '{')
                return fault(r, "here should be a brace");
            r->at++;
            const size_t inner = gn_pb_begin(r->pb, f->number);
            GN_TRY(message(r, f->inner, depth + 1));
            gn_pb_end(r->pb, inner);
        }
    }
}

gn_status gn_prototxt_read(const char *name, const char *text, size_t n, struct gn_pb *pb)
{
    struct reader r = { .name = name, .text = text, .n = n, .pb = pb };
    GN_TRY(message(&r, NET, 0));
    return pb->failed ? gn_last_status() : GN_OK;
}
