/* Writing the answer of an inference request. */
#include "base/number.h"
#include "serve/infer.h"

#include <stdlib.h>
#include <string.h>

void serve_put_error(struct serve_text *text, const char *sentence)
{
    serve_puts(text, "{\"error\": ");
    serve_put_json(text, sentence);
    serve_puts(text, "}\n");
}

/* Room to work out one row. */
struct row {
    const struct serve_job *job;
    int classes;
    double *probabilities;
    int *order;
    const float *logits;
};

static void put_le32(struct serve_text *text, uint32_t bits)
{
    const unsigned char bytes[4] = { (unsigned char)bits, (unsigned char)(bits >> 8),
                                     (unsigned char)(bits >> 16), (unsigned char)(bits >> 24) };
    serve_put(text, bytes, sizeof bytes);
}

static void take_row(struct row *row, int i)
{
    row->logits = row->job->logits + (size_t)i * (size_t)row->classes;
    (void)gn_softmax(row->logits, row->classes, row->probabilities);
}

static float value_of(const struct row *row, enum serve_output_kind kind, int class)
{
    return kind == SERVE_LOGITS ? row->logits[class] : (float)row->probabilities[class];
}

/* "value:index:label", as the extension says; without a label where the model knows none. */
static void put_class(struct serve_text *element, const struct row *row,
                      const struct serve_output *output, int class)
{
    char number[GN_NUMBER_TEXT];
    const char *const *labels = row->job->model->info.labels;
    element->size = 0;
    (void)gn_digits_text((double)value_of(row, output->kind, class), 9, number);
    serve_printf(element, "%s:%d", number, class);
    if (labels)
        serve_printf(element, ":%s", labels[class]);
}

/* The values of one output: numbers of a JSON array, or bytes. */
static void put_values(struct serve_text *text, struct row *row, const struct serve_output *output,
                       bool binary)
{
    struct serve_text element = { 0 };
    const int n = output->classification ? output->classification : row->classes;
    for (int i = 0; i < row->job->rows; i++) {
        take_row(row, i);
        if (output->classification)
            (void)gn_top_classes(row->logits, row->classes, n, row->order);
        for (int k = 0; k < n; k++) {
            if (!binary && (i > 0 || k > 0))
                serve_puts(text, ", ");
            if (output->classification) {
                put_class(&element, row, output, row->order[k]);
                if (binary)
                    put_le32(text, (uint32_t)element.size);
                if (binary)
                    serve_put(text, element.bytes, element.size);
                else
                    serve_put_json(text, element.bytes);
                continue;
            }
            const float value = value_of(row, output->kind, k);
            uint32_t bits;
            memcpy(&bits, &value, sizeof bits);
            if (binary)
                put_le32(text, bits);
            else
                serve_put_float(text, value);
        }
    }
    text->failed = text->failed || element.failed;
    serve_text_free(&element);
}

static void put_output(struct serve_text *text, struct serve_text *tensors, struct row *row,
                       const struct serve_output *output)
{
    const int n = output->classification ? output->classification : row->classes;
    serve_printf(text, "{\"name\": \"%s\", \"datatype\": \"%s\", \"shape\": [%d, %d], ",
                 serve_output_names[output->kind], output->classification ? "BYTES" : "FP32",
                 row->job->rows, n);
    if (output->binary) {
        const size_t before = tensors->size;
        put_values(tensors, row, output, true);
        serve_printf(text, "\"parameters\": {\"binary_data_size\": %zu}}", tensors->size - before);
    } else {
        serve_puts(text, "\"data\": [");
        put_values(text, row, output, false);
        serve_puts(text, "]}");
    }
}

void serve_infer_answer(const struct serve_infer *infer, const struct serve_job *job,
                        struct serve_text *text, size_t *json_size)
{
    struct serve_text tensors = { 0 };
    struct row row = { .job = job, .classes = job->model->info.classes };
    row.probabilities = calloc((size_t)row.classes, sizeof *row.probabilities);
    row.order = calloc((size_t)row.classes, sizeof *row.order);
    text->failed = text->failed || !row.probabilities || !row.order;
    serve_puts(text, "{\"model_name\": ");
    serve_put_json(text, job->model->name);
    serve_printf(text, ", \"model_version\": \"%s\"", job->model->version);
    if (infer->id.size > 0)
        serve_printf(text, ", \"id\": %s", infer->id.bytes);
    serve_puts(text, ", \"outputs\": [");
    for (int i = 0; i < infer->n_outputs && !text->failed; i++) {
        if (i > 0)
            serve_puts(text, ", ");
        put_output(text, &tensors, &row, &infer->outputs[i]);
    }
    serve_puts(text, "]}");
    *json_size = text->size;
    serve_put(text, tensors.bytes ? tensors.bytes : "", tensors.size);
    text->failed = text->failed || tensors.failed || infer->id.failed;
    serve_text_free(&tensors);
    free(row.probabilities);
    free(row.order);
}
