/*
 * googlenet bench: how fast a forward pass or a training step is.
 */
#include "base/number.h"
#include "cli/bench.h"
#include "cli/commands.h"
#include "cli/ranks.h"
#include "cli/report.h"
#include "cli/shared.h"
#include "os/os.h"

#include <string.h>

struct bench {
    struct cli_common common;
    struct cli_net net;
    const char *model;
    bool train, layers, scaling, memory, team;
    int processes;
    gn_ranks *ranks; /* NULL: one process */
    const char *trace;
    int batch, threads, rounds, algorithm, weights, grain;
};

static const struct bench defaults = { .batch = 128 };

/* clang-format off */
static const struct gn_option options[] = {
    CLI_HEADING("Measurement"),
    { .name = "train", .kind = GN_OPTION_SWITCH, .offset = offsetof(struct bench, train),
      .help = "a training step (forward, backward, update), not only a forward pass" },
    { .name = "batch", .kind = GN_OPTION_INT, .value = "N", .offset = offsetof(struct bench, batch),
      .low = 1, .high = CLI_LARGEST_INT, .standard = "128", .help = "samples of a step" },
    CLI_THREADS_ROW(struct bench),
    { .name = "rounds", .kind = GN_OPTION_INT, .value = "N", .offset = offsetof(struct bench, rounds),
      .low = 1, .high = CLI_LARGEST_INT, .standard = "about three seconds",
      .help = "timed repetitions" },
    { .name = "layers", .kind = GN_OPTION_SWITCH, .offset = offsetof(struct bench, layers),
      .help = "a table of the time of every layer, too" },
    { .name = "scaling", .kind = GN_OPTION_SWITCH, .offset = offsetof(struct bench, scaling),
      .help = "measure with 1, 2, ... threads, and the speed-up of each" },
    { .name = "processes", .kind = GN_OPTION_INT, .value = "N", .offset = offsetof(struct bench, processes),
      .low = 1, .high = 64, .standard = "1", .help = "with --train: by N processes, or those of mpirun" },
    { .name = "team", .kind = GN_OPTION_SWITCH, .offset = offsetof(struct bench, team),
      .help = "with several processes: what exchanging gradients costs, and how much of it is hidden" },
    { .name = "grain", .kind = GN_OPTION_INT, .value = "N", .offset = offsetof(struct bench, grain),
      .low = 1, .high = CLI_LARGEST_INT, .standard = "as suits network and batch",
      .help = "with --train: images whose gradients are added up before they meet those of others" },
    { .name = "trace", .kind = GN_OPTION_TEXT, .value = "FILE", .offset = offsetof(struct bench, trace),
      .help = "write one more round for chrome://tracing or ui.perfetto.dev, a track a thread" },
    { .name = "memory", .kind = GN_OPTION_SWITCH, .offset = offsetof(struct bench, memory),
      .help = "draw which block of the arena is used from which step to which" },
    { .name = "model", .kind = GN_OPTION_TEXT, .value = "MODEL", .offset = offsetof(struct bench, model),
      .standard = "googlenet", .help = "the same as the argument MODEL" },
    CLI_ALGORITHM_ROW(struct bench),
    CLI_WEIGHTS_ROW(struct bench),
    CLI_NET_ROWS(struct bench),
    CLI_COMMON_ROWS(struct bench),
};
/* clang-format on */

/* What bench measured, in addition to the library's result. */
struct report {
    struct gn_bench_result result;
    struct gn_net_info net;
    const char *mode;
    uint64_t peak_rss_bytes;
    bool team;
};

static json_t *json_layers(const struct gn_bench_result *result)
{
    json_t *layers = json_array();
    for (int i = 0; i < result->n_layers; i++) {
        const struct gn_bench_layer *layer = &result->layers[i];
        json_t *row = json_object();
        json_object_set_new(row, "name", cli_json_text(layer->name));
        json_object_set_new(row, "pass", cli_json_text(layer->pass));
        json_object_set_new(row, "kernel", cli_json_text(layer->kernel));
        json_object_set_new(row, "ms", cli_json_rounded(layer->ms, 4));
        json_object_set_new(row, "gflops", cli_json_rounded(layer->gflops, 1));
        json_array_append_new(layers, row);
    }
    return layers;
}

static json_t *json_team(const struct gn_bench_result *result)
{
    const struct gn_bench_team *team = result->team;
    json_t *row = json_object();
    json_object_set_new(row, "processes", json_integer(team->processes));
    json_object_set_new(row, "grains", json_integer(team->grains));
    json_object_set_new(row, "grain", json_integer(team->grain));
    json_object_set_new(row, "ms_step", cli_json_rounded(result->ms_median, 4));
    json_object_set_new(row, "ms_exchange", cli_json_rounded(team->ms_exchange, 4));
    json_object_set_new(row, "ms_waiting", cli_json_rounded(team->ms_waiting, 4));
    json_object_set_new(row, "bytes", cli_json_rounded(team->bytes, 0));
    json_object_set_new(row, "overlap_percent", cli_json_rounded(100 * team->overlap, 1));
    json_t *final = json_array();
    for (size_t k = 0; k < sizeof team->ms_final / sizeof team->ms_final[0]; k++)
        json_array_append_new(final, cli_json_rounded(team->ms_final[k], 4));
    json_object_set_new(row, "ms_final", final);
    return row;
}

static void print_team(const struct gn_bench_result *result)
{
    const struct gn_bench_team *team = result->team;
    char bytes[GN_NUMBER_TEXT];
    cli_line("a batch is %d grain%s of %d images", team->grains, team->grains == 1 ? "" : "s",
             team->grain);
    cli_line(
        "%d processes: a step %.2f ms, the exchange of gradients alone %.2f ms, of which a step "
        "waits %.2f ms",
        team->processes, result->ms_median, team->ms_exchange, team->ms_waiting);
    cli_line("%s sent and received in a step, %.0f%% before the backward pass ended",
             gn_bytes_text((uint64_t)team->bytes, bytes), 100 * team->overlap);
}

/* What is measured then is the waiting of those that have none. */
static void warn_of_grains(const struct gn_bench_result *result)
{
    const struct gn_bench_team *team = result->team;
    if (team->grains < team->processes)
        cli_warn("a batch of %d is %d grain%s of %d images: %d of %d processes %s nothing to do "
                 "(try a larger --batch, or --grain %d)",
                 result->batch, team->grains, team->grains == 1 ? "" : "s", team->grain,
                 team->processes - team->grains, team->processes,
                 team->processes - team->grains == 1 ? "has" : "have",
                 result->batch / team->processes > 0 ? result->batch / team->processes : 1);
}

static void print_json(const struct report *report)
{
    const struct gn_bench_result *result = &report->result;
    json_t *root = json_object();
    json_object_set_new(root, "mode", json_string(report->mode));
    json_object_set_new(root, "preset", cli_json_text(report->net.preset));
    json_object_set_new(root, "size", json_integer(report->net.size_h));
    json_object_set_new(root, "channels", json_integer(report->net.channels));
    json_object_set_new(root, "batch", json_integer(result->batch));
    json_object_set_new(root, "threads", json_integer(result->threads));
    json_object_set_new(root, "isa", cli_json_text(result->isa));
    json_object_set_new(root, "rounds", json_integer(result->rounds));
    json_object_set_new(root, "ms_median", cli_json_rounded(result->ms_median, 4));
    json_object_set_new(root, "ms_p50", cli_json_rounded(result->ms_median, 4));
    json_object_set_new(root, "ms_p90", cli_json_rounded(result->ms_p90, 4));
    json_object_set_new(root, "ms_p99", cli_json_rounded(result->ms_p99, 4));
    json_object_set_new(root, "ms_min", cli_json_rounded(result->ms_min, 4));
    json_object_set_new(root, "images_per_second", cli_json_rounded(result->images_per_second, 2));
    json_object_set_new(root, "ms_plan", cli_json_rounded(result->ms_plan, 4));
    json_object_set_new(root, "arena_bytes", json_integer((json_int_t)result->arena_bytes));
    json_object_set_new(root, "peak_rss_bytes", json_integer((json_int_t)report->peak_rss_bytes));
    if (report->team)
        json_object_set_new(root, "team", json_team(result));
    if (result->n_layers > 0)
        json_object_set_new(root, "layers", json_layers(result));
    if (result->n_blocks > 0)
        json_object_set_new(root, "memory", cli_bench_memory_json(result));
    cli_print_json(root);
}

static void print_layers(const struct gn_bench_result *result)
{
    double sum = 0.0;
    for (int i = 0; i < result->n_layers; i++)
        sum += result->layers[i].ms;
    cli_line("%s", "");
    cli_line("%-28s  %-9s  %-24s  %9s  %6s  %8s", "layer", "pass", "kernel", "ms", "share",
             "GFLOP/s");
    for (int i = 0; i < result->n_layers; i++) {
        const struct gn_bench_layer *layer = &result->layers[i];
        char gflops[GN_NUMBER_TEXT] = "-";
        if (layer->gflops > 0.0)
            (void)gn_fixed_text(layer->gflops, 1, gflops);
        cli_line("%-28s  %-9s  %-24s  %9.3f  %5.1f%%  %8s", layer->name, layer->pass, layer->kernel,
                 layer->ms, sum > 0.0 ? 100.0 * layer->ms / sum : 0.0, gflops);
    }
    cli_line("%-28s  %-9s  %-24s  %9.3f", "sum", "", "", sum);
}

static void print_text(const struct report *report)
{
    const struct gn_bench_result *result = &report->result;
    char arena[GN_NUMBER_TEXT], peak[GN_NUMBER_TEXT];
    cli_line("%s, %s %dx%dx%d, batch %d, %d threads, %s kernels, %d rounds",
             report->mode[0] == 't' ? "training step" : "forward pass", report->net.preset,
             report->net.size_h, report->net.size_w, report->net.channels, result->batch,
             result->threads, result->isa, result->rounds);
    cli_line("median %.2f ms, best %.2f ms, %.1f images/s", result->ms_median, result->ms_min,
             result->images_per_second);
    cli_line("p50 %.2f ms, p90 %.2f ms, p99 %.2f ms", result->ms_median, result->ms_p90,
             result->ms_p99);
    cli_line("plan %.1f ms, arena %s, peak memory of the process %s", result->ms_plan,
             gn_bytes_text(result->arena_bytes, arena),
             gn_bytes_text(report->peak_rss_bytes, peak));
    if (report->team)
        print_team(result);
    if (result->n_layers > 0)
        print_layers(result);
    if (result->n_blocks > 0)
        cli_bench_memory(result);
}

static int measure(gn_net *net, const struct bench *given)
{
    struct report report = { .mode = given->train ? "train" : "infer", .team = given->team };
    const struct gn_bench_options options_of_run = {
        .train = given->train,
        .batch = given->batch,
        .threads = given->threads,
        .rounds = given->rounds,
        .layers = given->layers,
        .trace = given->trace,
        .memory = given->memory,
        .algorithm = (gn_algorithm)given->algorithm,
        .weights = (gn_weights)given->weights,
        .ranks = given->ranks,
        .grain = given->grain,
    };
    cli_note_machine(given->threads || !given->ranks ? given->threads
                                                     : gn_ranks_threads(given->ranks));
    if (given->ranks)
        cli_note("processes %s", gn_ranks_describe(given->ranks));
    if (given->scaling)
        return cli_bench_scaling(net, &options_of_run, report.mode, given->common.json);
    if (gn_net_describe(net, &report.net) != GN_OK ||
        gn_bench(net, &report.result, &options_of_run) != GN_OK)
        return cli_fail_library();
    report.peak_rss_bytes = gn_system_peak_memory();
    if (given->common.json)
        print_json(&report);
    else
        print_text(&report);
    if (report.result.team != NULL && gn_ranks_rank(given->ranks) == 0)
        warn_of_grains(&report.result);
    gn_free_bench(&report.result);
    return CLI_DONE;
}

/* A training step is one of all processes; a forward pass is measured by each, and told by one. */
static int begin_ranks(const struct cli_args *args)
{
    struct bench *given = args->values;
    int code = 0;
    if (given->train && !given->scaling && !given->trace)
        code = given->processes ? cli_ranks_fork(&given->ranks, given->processes)
                                : cli_ranks_join(&given->ranks);
    else if (given->processes > 1)
        return cli_fail(CLI_USAGE,
                        "bench: --processes is for --train, without --scaling and --trace");
    if (!code && given->team && gn_ranks_size(given->ranks) == 1)
        return cli_fail(CLI_USAGE, "bench: --team is of the training step of several processes: "
                                   "--train --processes 2, or mpirun");
    return code;
}

static int run(struct cli_args *args)
{
    struct bench *given = args->values;
    const char *argument = args->n_arguments ? args->arguments[0] : given->model;
    int code = 0;
    if (args->n_arguments && given->model && strcmp(argument, given->model) != 0)
        return cli_fail(CLI_USAGE, "bench: MODEL is given twice, %s and --model %s", argument,
                        given->model);
    if (given->scaling && (given->memory || given->trace))
        return cli_fail(CLI_USAGE,
                        "bench: --memory and --trace are of one thread count, --scaling of "
                        "several (give one of them)");
    if (given->scaling && given->layers)
        return cli_fail(CLI_USAGE, "bench: --layers is of one thread count, --scaling of several "
                                   "(give one of them)");
    if (given->grain && !given->train)
        return cli_fail(CLI_USAGE, "bench: --grain is of a training step (--train)");
    code = begin_ranks(args);
    struct cli_net flags = given->net;
    flags.aux = given->train;
    gn_net *net = code ? NULL : cli_open_model(argument, &flags, 0, &code);
    if (net)
        code = measure(net, given);
    gn_free_net(net);
    return cli_ranks_end(&given->ranks, code);
}

const struct cli_command cli_bench = {
    .name = "bench",
    .is_joint = true,
    .usage = "[MODEL] [--train] [flags]",
    .summary = "measure the speed of a forward pass or of a training step",
    .examples = "  googlenet bench --train\n"
                "  googlenet bench --batch 1 --size 224 --channels 3\n"
                "  googlenet bench --train --layers --threads 1 --json\n"
                "  googlenet bench --train --scaling\n"
                "  googlenet bench --train --team --processes 2\n"
                "  googlenet bench --batch 8 --trace trace.json --memory\n",
    .argument = "MODEL",
    .max_arguments = 1,
    .options = options,
    .n_options = CLI_COUNT_OF(options),
    .defaults = &defaults,
    .values_size = sizeof(struct bench),
    .run = run,
};
