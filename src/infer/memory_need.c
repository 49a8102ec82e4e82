/* How much memory a run takes, computed before any of it is allocated. */
#include "infer/match.h"

#include "base/memory.h"
#include "base/number.h"
#include "base/threads.h"
#include "plan/plan.h"

enum { LOADER_BUFFERS = 3 };

uint64_t gn_bytes_add(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t bytes_mul(uint64_t a, uint64_t b)
{
    uint64_t product;
    return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

uint64_t gn_loader_bytes(const struct gn_net *net, int batch)
{
    const uint64_t image = bytes_mul((uint64_t)net->input.h * (uint64_t)net->input.w,
                                     (uint64_t)net->input.c * sizeof(float));
    return bytes_mul(LOADER_BUFFERS * (uint64_t)batch, gn_bytes_add(image, sizeof(int32_t)));
}

uint64_t gn_decoding_bytes(const struct gn_net *net, const struct gn_dataset *data)
{
    const uint64_t input = (uint64_t)net->input.h * (uint64_t)net->input.w * (uint64_t)net->input.c;
    if (data->facts == NULL)
        return 0;
    const uint64_t one = gn_bytes_add(gn_bytes_add(data->largest_file, data->largest_picture),
                                      3 * input /* resized along one side, both, augmented */);
    return bytes_mul((uint64_t)gn_usable_threads(NULL), one);
}

uint64_t gn_dataset_bytes(const struct gn_dataset *data)
{
    const uint64_t image =
        (uint64_t)data->height * (uint64_t)data->width * (uint64_t)data->channels;
    return data->samples * (image + sizeof *data->labels);
}

uint64_t gn_array_bytes(const struct gn_net *net, uint64_t arrays)
{
    return bytes_mul(arrays, (uint64_t)net->graph->n_floats * sizeof(float));
}

uint64_t gn_memory_estimate(const gn_net *net, int batch, bool train)
{
    if (net == NULL || batch < 1)
        return 0;
    const struct gn_plan_options options = { .train = train, .batch = batch };
    uint64_t bytes = gn_plan_estimate(net, &options);
    bytes = gn_bytes_add(bytes, gn_loader_bytes(net, batch));
    return gn_bytes_add(bytes, gn_array_bytes(net, train ? 2 : 1));
}

gn_status gn_check_memory(uint64_t need, const char *what)
{
    char needed[GN_NUMBER_TEXT], usable[GN_NUMBER_TEXT];
    const uint64_t limit = gn_memory_limit();
    if (need <= limit)
        return GN_OK;
    if (need == UINT64_MAX)
        (void)gn_fail(GN_STATUS_NO_MEMORY,
                      "%s needs more memory than can be counted, this process may use %s", what,
                      gn_bytes_text(limit, usable));
    else
        (void)gn_fail(GN_STATUS_NO_MEMORY, "%s needs about %s of memory, this process may use %s",
                      what, gn_bytes_text(need, needed), gn_bytes_text(limit, usable));
    gn_hint("a smaller batch or input size takes less");
    return GN_STATUS_NO_MEMORY;
}
