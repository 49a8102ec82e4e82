/* Of wrong answers the surest ones are kept, with their pictures as small as they will be shown. */
#include "tensorboard/answers.h"

#include "base/memory.h"
#include "base/softmax.h"
#include "draw/answers.h"
#include "tensorboard/values.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_MISTAKES = 16, MOST_SIDE = 64 };

/* A wrong answer that is kept. */
struct mistake {
    double probability;
    uint32_t sample; /* of the data set */
    int32_t label, predicted;
    int32_t used; /* 0: there is none */
};

/* Of each rank there is a block: mistakes, then the matrix, then the mistakes' pixels. */
struct gn_answers {
    const struct gn_net *net;
    gn_ranks *ranks;
    int side; /* of a kept picture */
    uint8_t *blocks;
    size_t bytes;   /* of a block */
    bool counts;    /* false: too many classes for a matrix */
    float *channel; /* a picture's means over the pixels of a kept one */
};

static size_t matrix_bytes(const struct gn_answers *a)
{
    const size_t classes = (size_t)a->net->classes;
    return a->counts ? classes * classes * sizeof(uint32_t) : 0;
}

static struct mistake *mistakes_of(const struct gn_answers *a, int rank)
{
    return (struct mistake *)(void *)(a->blocks + (size_t)rank * a->bytes);
}

static uint32_t *counts_of(const struct gn_answers *a, int rank)
{
    return a->counts ? (uint32_t *)(void *)(mistakes_of(a, rank) + MOST_MISTAKES) : NULL;
}

static uint8_t *pixels_of(const struct gn_answers *a, int rank, int i)
{
    uint8_t *first = (uint8_t *)(mistakes_of(a, rank) + MOST_MISTAKES) + matrix_bytes(a);
    return first + (size_t)i * (size_t)a->side * (size_t)a->side * 3;
}

struct gn_answers *gn_answers_create(const struct gn_net *net, gn_ranks *ranks)
{
    struct gn_answers *a = gn_calloc(1, sizeof *a, "answers");
    if (a == NULL)
        return NULL;
    const int longest = net->input.h > net->input.w ? net->input.h : net->input.w;
    a->net = net;
    a->ranks = ranks;
    a->side = longest < MOST_SIDE ? longest : MOST_SIDE;
    a->counts = net->classes <= GN_MOST_MATRIX;
    const size_t pixels = (size_t)a->side * (size_t)a->side;
    a->bytes = MOST_MISTAKES * (sizeof(struct mistake) + 3 * pixels) + matrix_bytes(a);
    a->bytes = (a->bytes + 63) / 64 * 64;
    a->blocks = gn_calloc((size_t)gn_ranks_size(ranks), a->bytes, "answers");
    a->channel = gn_calloc(pixels * (size_t)net->input.c, sizeof(float), "a picture");
    if (a->blocks != NULL && a->channel != NULL)
        return a;
    gn_answers_free(a);
    return NULL;
}

void gn_answers_free(struct gn_answers *answers)
{
    if (answers == NULL)
        return;
    gn_free(answers->blocks);
    gn_free(answers->channel);
    gn_free(answers);
}

void gn_answers_begin(struct gn_answers *answers)
{
    memset(mistakes_of(answers, gn_ranks_rank(answers->ranks)), 0, answers->bytes);
}

/* Means over the pixels that a kept one covers, nothing kept of the sides' proportions. */
static void shrink(const struct gn_answers *a, const float *image)
{
    const struct gn_shape in = a->net->input;
    float *out = a->channel;
    for (int y = 0; y < a->side; y++)
        for (int x = 0; x < a->side; x++)
            for (int c = 0; c < in.c; c++) {
                const int top = y * in.h / a->side, left = x * in.w / a->side;
                const int bottom = (y + 1) * in.h / a->side, right = (x + 1) * in.w / a->side;
                float sum = 0;
                int n = 0;
                for (int v = top; v < (bottom > top ? bottom : top + 1); v++)
                    for (int u = left; u < (right > left ? right : left + 1); u++, n++)
                        sum += image[((size_t)v * (size_t)in.w + (size_t)u) * (size_t)in.c +
                                     (size_t)c];
                *out++ = sum / (float)n;
            }
}

/* From black to white over the values that there are: whatever the network's input was scaled by. */
static void to_rgb(const struct gn_answers *a, uint8_t *rgb)
{
    const size_t c = (size_t)a->net->input.c, n = (size_t)a->side * (size_t)a->side;
    float low = a->channel[0], high = low;
    for (size_t i = 0; i < n * c; i++) {
        low = a->channel[i] < low ? a->channel[i] : low;
        high = a->channel[i] > high ? a->channel[i] : high;
    }
    const float scale = high > low ? 255 / (high - low) : 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < 3; k++)
            rgb[3 * i + k] = (uint8_t)((a->channel[i * c + (c == 3 ? k : 0)] - low) * scale + 0.5F);
}

/* The surest first, of equal ones in the order of the set: whoever answered them, they are the same ones. */
static int surest_first(const void *a, const void *b)
{
    const struct mistake *x = a, *y = b;
    if (x->used != y->used)
        return y->used - x->used;
    if (x->probability < y->probability || x->probability > y->probability)
        return x->probability < y->probability ? 1 : -1;
    return (x->sample > y->sample) - (x->sample < y->sample);
}

/* The place of a mistake among the surest ones; -1: none. */
static int place_of(const struct mistake *list, const struct mistake *mistake)
{
    int least = 0;
    for (int i = 1; i < MOST_MISTAKES; i++)
        if (surest_first(&list[i], &list[least]) > 0)
            least = i;
    return surest_first(mistake, &list[least]) < 0 ? least : -1;
}

void gn_answers_batch(struct gn_answers *answers, const struct gn_batch *batch, const float *logits)
{
    const struct gn_answers *a = answers;
    const int classes = a->net->classes, rank = gn_ranks_rank(a->ranks);
    const struct gn_shape in = a->net->input;
    const size_t pixels = (size_t)in.h * (size_t)in.w * (size_t)in.c;
    struct mistake *list = mistakes_of(a, rank);
    for (int i = 0; i < batch->n; i++) {
        const struct gn_softmax_sum sum =
            gn_softmax_sum(logits + (size_t)i * (size_t)classes, classes);
        const int label = batch->labels[i];
        if (a->counts)
            counts_of(a, rank)[label * classes + sum.best]++;
        if (sum.best == label)
            continue;
        const struct mistake mistake = { 1 / sum.sum, batch->samples[i], label, sum.best, 1 };
        const int at = place_of(list, &mistake);
        if (at < 0)
            continue;
        shrink(a, batch->images + (size_t)i * pixels);
        to_rgb(a, pixels_of(a, rank, at));
        list[at] = mistake;
    }
}

gn_status gn_answers_share(struct gn_answers *answers)
{
    const struct gn_answers *a = answers;
    const int own = gn_ranks_rank(a->ranks);
    const size_t pixels = (size_t)a->side * (size_t)a->side * 3;
    const size_t classes = (size_t)a->net->classes;
    GN_TRY(gn_ranks_share_equal(a->ranks, a->blocks, a->bytes));
    for (int r = 0; r < gn_ranks_size(a->ranks); r++) {
        const struct mistake *theirs = mistakes_of(a, r);
        if (r == own)
            continue;
        for (size_t k = 0; a->counts && k < classes * classes; k++)
            counts_of(a, own)[k] += counts_of(a, r)[k];
        for (int i = 0; i < MOST_MISTAKES; i++) {
            const int at = theirs[i].used ? place_of(mistakes_of(a, own), &theirs[i]) : -1;
            if (at < 0)
                continue;
            mistakes_of(a, own)[at] = theirs[i];
            memcpy(pixels_of(a, own, at), pixels_of(a, r, i), pixels);
        }
    }
    return GN_OK;
}

static void add_picture(gn_status status, struct gn_pb *values, const char *tag, int width,
                        int height, struct gn_bytes *png)
{
    if (status == GN_OK)
        gn_value_image(values, tag, width, height, png);
    else
        gn_clear_error();
    gn_free(png->data);
}

/* A kept mistake and its place in the block. */
struct placed {
    struct mistake mistake; /* first: what is compared */
    int at;
};

void gn_answers_add(const struct gn_answers *answers, struct gn_pb *values)
{
    const char *const *labels = (const char *const *)answers->net->labels;
    const int rank = gn_ranks_rank(answers->ranks);
    struct placed list[MOST_MISTAKES];
    struct gn_drawn_mistake drawn[MOST_MISTAKES];
    struct gn_bytes png = { NULL, 0 };
    int width, height, n = 0;
    if (answers->counts) {
        const struct gn_drawn_matrix matrix = { answers->net->classes, counts_of(answers, rank),
                                                labels };
        const gn_status status = gn_draw_matrix(&matrix, &png, &width, &height);
        add_picture(status, values, "confusion", width, height, &png);
    }
    for (int i = 0; i < MOST_MISTAKES; i++)
        list[i] = (struct placed){ mistakes_of(answers, rank)[i], i };
    qsort(list, MOST_MISTAKES, sizeof list[0], surest_first);
    for (; n < MOST_MISTAKES && list[n].mistake.used; n++)
        drawn[n] =
            (struct gn_drawn_mistake){ pixels_of(answers, rank, list[n].at), list[n].mistake.label,
                                       list[n].mistake.predicted, list[n].mistake.probability };
    if (n == 0)
        return;
    const struct gn_drawn_mistakes mistakes = { n, answers->side, drawn, labels };
    png = (struct gn_bytes){ NULL, 0 };
    const gn_status status = gn_draw_mistakes(&mistakes, &png, &width, &height);
    add_picture(status, values, "mistakes", width, height, &png);
}
