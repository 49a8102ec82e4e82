/* Chrome's trace format: complete events ("X") in microseconds, a track for each thread; chrome://tracing and
 * ui.perfetto.dev show it. */
#include "report/trace.h"

#include "base/memory.h"
#include "report/out.h"

#include <math.h>

static double first_start(const struct gn_plan *plan)
{
    const struct gn_plan_span *spans;
    double first = HUGE_VAL;
    size_t n;
    for (int t = 0; gn_plan_spans(plan, t, &spans, &n); t++)
        if (n > 0)
            first = fmin(first, spans[0].start);
    return first;
}

static void write_span(struct gn_out *out, const struct gn_plan *plan, int thread,
                       const struct gn_plan_span *span, double zero)
{
    const struct gn_plan_timing name = gn_plan_step_name(plan, span->step);
    gn_out(out, ",\n{\"ph\":\"X\",\"pid\":1,\"tid\":%d,\"ts\":", thread + 1);
    gn_out_fixed(out, 1e6 * (span->start - zero), 3);
    gn_out(out, ",\"dur\":");
    gn_out_fixed(out, 1e6 * (span->end - span->start), 3);
    gn_out(out, ",\"name\":");
    gn_out_json(out, name.layer);
    gn_out(out, ",\"cat\":\"%s\",\"args\":{\"pass\":\"%s\",\"kernel\":\"%s\",\"step\":%d}}",
           name.pass, name.pass, name.kernel, span->step);
}

gn_status gn_bench_write_trace(const struct gn_plan *plan, const char *path)
{
    const struct gn_plan_span *spans;
    const double zero = first_start(plan);
    size_t n;
    struct gn_out out = { .file = gn_file_begin(path, "trace", 0) };
    if (out.file == NULL)
        return gn_last_status();
    gn_out(&out,
           "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n"
           "{\"ph\":\"M\",\"pid\":1,\"name\":\"process_name\",\"args\":{\"name\":\"googlenet\"}}");
    for (int t = 0; gn_plan_spans(plan, t, &spans, &n); t++) {
        gn_out(&out,
               ",\n{\"ph\":\"M\",\"pid\":1,\"tid\":%d,\"name\":\"thread_name\",\"args\":{\"name\":"
               "\"thread %d\"}}",
               t + 1, t + 1);
        for (size_t i = 0; i < n; i++)
            write_span(&out, plan, t, &spans[i], zero);
    }
    gn_out(&out, "\n]}\n");
    return gn_out_commit(&out);
}

gn_status gn_bench_list_blocks(const struct gn_plan *plan, struct gn_bench_result *result)
{
    struct gn_bench_block block;
    int n = 0;
    while (gn_plan_block(plan, n, &block))
        n++;
    result->blocks = gn_calloc((size_t)n + 1, sizeof *result->blocks, "the list of blocks");
    if (result->blocks == NULL)
        return gn_last_status();
    for (int i = 0; i < n; i++)
        (void)gn_plan_block(plan, i, &result->blocks[i]);
    result->n_blocks = n;
    result->n_steps = gn_plan_n_steps(plan);
    return GN_OK;
}
