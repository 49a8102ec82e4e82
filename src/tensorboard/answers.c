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

struct gn_answers {
    const struct gn_net *net;
    int side;         /* of a kept picture */
    uint32_t *counts; /* NULL: too many classes */
    int n;
    struct gn_drawn_mistake list[MOST_MISTAKES];
    uint8_t *pixels[MOST_MISTAKES];
    float *channel; /* a picture's means over the pixels of a kept one */
};

struct gn_answers *gn_answers_create(const struct gn_net *net)
{
    struct gn_answers *a = gn_calloc(1, sizeof *a, "answers");
    if (a == NULL)
        return NULL;
    const int longest = net->input.h > net->input.w ? net->input.h : net->input.w;
    a->net = net;
    a->side = longest < MOST_SIDE ? longest : MOST_SIDE;
    const size_t pixels = (size_t)a->side * (size_t)a->side;
    bool ok = true;
    if (net->classes <= GN_MOST_MATRIX) {
        a->counts = gn_calloc((size_t)net->classes * (size_t)net->classes, sizeof *a->counts,
                              "a confusion matrix");
        ok = a->counts != NULL;
    }
    a->channel = gn_calloc(pixels * (size_t)net->input.c, sizeof(float), "a picture");
    ok = ok && a->channel != NULL;
    for (int i = 0; ok && i < MOST_MISTAKES; i++) {
        a->pixels[i] = gn_calloc(pixels, 3, "a picture");
        ok = a->pixels[i] != NULL;
    }
    if (ok)
        return a;
    gn_answers_free(a);
    return NULL;
}

void gn_answers_free(struct gn_answers *answers)
{
    if (answers == NULL)
        return;
    for (int i = 0; i < MOST_MISTAKES; i++)
        gn_free(answers->pixels[i]);
    gn_free(answers->channel);
    gn_free(answers->counts);
    gn_free(answers);
}

void gn_answers_begin(struct gn_answers *answers)
{
    const size_t classes = (size_t)answers->net->classes;
    answers->n = 0;
    if (answers->counts != NULL)
        memset(answers->counts, 0, classes * classes * sizeof *answers->counts);
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

/* The place of a mistake among the surest ones; -1: none. */
static int place_of(struct gn_answers *a, double probability)
{
    int least = 0;
    if (a->n < MOST_MISTAKES)
        return a->n++;
    for (int i = 1; i < a->n; i++)
        if (a->list[i].probability < a->list[least].probability)
            least = i;
    return probability > a->list[least].probability ? least : -1;
}

void gn_answers_batch(struct gn_answers *answers, const struct gn_batch *batch, const float *logits)
{
    struct gn_answers *a = answers;
    const int classes = a->net->classes;
    const struct gn_shape in = a->net->input;
    const size_t pixels = (size_t)in.h * (size_t)in.w * (size_t)in.c;
    for (int i = 0; i < batch->n; i++) {
        const struct gn_softmax_sum sum =
            gn_softmax_sum(logits + (size_t)i * (size_t)classes, classes);
        const int label = batch->labels[i];
        if (a->counts != NULL)
            a->counts[label * classes + sum.best]++;
        if (sum.best == label)
            continue;
        const double probability = 1 / sum.sum;
        const int at = place_of(a, probability);
        if (at < 0)
            continue;
        shrink(a, batch->images + (size_t)i * pixels);
        to_rgb(a, a->pixels[at]);
        a->list[at] = (struct gn_drawn_mistake){ a->pixels[at], label, sum.best, probability };
    }
}

static int surest_first(const void *a, const void *b)
{
    const double x = ((const struct gn_drawn_mistake *)a)->probability;
    const double y = ((const struct gn_drawn_mistake *)b)->probability;
    return (x < y) - (x > y);
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

void gn_answers_add(const struct gn_answers *answers, struct gn_pb *values)
{
    const char *const *labels = (const char *const *)answers->net->labels;
    struct gn_drawn_mistake list[MOST_MISTAKES];
    struct gn_bytes png = { NULL, 0 };
    int width, height;
    if (answers->counts != NULL) {
        const struct gn_drawn_matrix matrix = { answers->net->classes, answers->counts, labels };
        const gn_status status = gn_draw_matrix(&matrix, &png, &width, &height);
        add_picture(status, values, "confusion", width, height, &png);
    }
    if (answers->n == 0)
        return;
    memcpy(list, answers->list, sizeof list);
    qsort(list, (size_t)answers->n, sizeof list[0], surest_first);
    const struct gn_drawn_mistakes mistakes = { answers->n, answers->side, list, labels };
    png = (struct gn_bytes){ NULL, 0 };
    const gn_status status = gn_draw_mistakes(&mistakes, &png, &width, &height);
    add_picture(status, values, "mistakes", width, height, &png);
}
