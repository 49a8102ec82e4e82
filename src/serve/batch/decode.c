/* Pictures of a job to the network's numbers. */
#include "serve/batch/decode.h"

#include <stdlib.h>
#include <string.h>

enum { LARGE = 4000000 }; /* pixels after which a preprocessor's buffers are given back */

static int status_code(gn_status status)
{
    switch (status) {
    case GN_OK:
        return 200;
    case GN_STATUS_NO_DEVICE:
        return 415;
    case GN_STATUS_NO_MEMORY:
        return 503;
    default:
        return 422;
    }
}

/* Only the first line: a hint for the command line is of no use here. */
static int fail(struct serve_job *job, int i, int code, const char *sentence)
{
    static const char begin[] = "picture in memory: ";
    if (strncmp(sentence, begin, sizeof begin - 1) == 0)
        sentence += sizeof begin - 1;
    const int n = (int)strcspn(sentence, "\n");
    if (job->rows > 1)
        snprintf(job->error, sizeof job->error, "image %d: %.*s", i, n, sentence);
    else
        snprintf(job->error, sizeof job->error, "%.*s", n, sentence);
    return job->code = code;
}

static int decode_file(struct serve_job *job, int i, uint64_t max_pixels, gn_preprocessor *own,
                       bool *large)
{
    struct gn_image header;
    const struct gn_file_bytes *file = &job->pictures[i];
    gn_status status = gn_image_measure(file->bytes, file->size, &header);
    if (status != GN_OK)
        return fail(job, i, status_code(status), gn_error_message());
    const uint64_t pixels = (uint64_t)header.height * (uint64_t)header.width;
    if (pixels > max_pixels) {
        char text[128];
        snprintf(text, sizeof text, "%dx%d pixels are more than the %llu of --max-pixels",
                 header.height, header.width, (unsigned long long)max_pixels);
        return fail(job, i, 422, text);
    }
    *large = *large || pixels > LARGE;
    status = gn_preprocess_file(own, file->bytes, file->size,
                                job->inputs + (size_t)i * job->model->input_floats);
    return status == GN_OK ? 200 : fail(job, i, status_code(status), gn_error_message());
}

static int decode_pixels(struct serve_job *job, int i, gn_preprocessor *own)
{
    struct gn_image image = job->pixels;
    image.pixels += (size_t)i * (size_t)image.height * (size_t)image.width * (size_t)image.channels;
    const gn_status status =
        gn_preprocess(own, &image, 0, job->inputs + (size_t)i * job->model->input_floats);
    return status == GN_OK ? 200 : fail(job, i, status_code(status), gn_error_message());
}

bool serve_decode_is_quick(const struct serve_job *job)
{
    enum { BYTES = 8192, PIXELS = 4096, FLOATS = 16384 };
    struct gn_image header = job->pixels;
    if (job->rows > 1 || job->model->input_floats > FLOATS)
        return false;
    if (job->pictures &&
        (job->pictures->size > BYTES ||
         gn_image_measure(job->pictures->bytes, job->pictures->size, &header) != GN_OK))
        return false;
    return (uint64_t)header.height * (uint64_t)header.width <= PIXELS;
}

int serve_decode(struct serve_job *job, uint64_t max_pixels)
{
    bool large = false;
    job->code = 200;
    job->inputs = calloc((size_t)job->rows * job->model->input_floats, sizeof *job->inputs);
    if (!job->inputs)
        return fail(job, 0, 503, "no memory for the pictures; try again later");
    gn_preprocessor *own = serve_preprocessor_take(job->model);
    if (!own)
        return fail(job, 0, 503, gn_error_message());
    for (int i = 0; i < job->rows && job->code == 200; i++)
        job->code = job->pictures ? decode_file(job, i, max_pixels, own, &large)
                                  : decode_pixels(job, i, own);
    serve_preprocessor_give(job->model, own, large);
    return job->code;
}
