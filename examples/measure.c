/*
 * What this machine does with a network: memory, images a second, and the time of each layer.
 *
 *   cc measure.c $(pkg-config --cflags --libs googlenet) -o measure
 *   ./measure                     # the presets
 *   ./measure PRESET [BATCH]
 *
 * test-args: googlenet-small 8
 */
#include <googlenet.h>

#include <stdlib.h>

int main(int argc, char **argv)
{
    if (argc < 2) {
        for (int i = 0; gn_preset_name(i) != NULL; i++)
            printf("%s\n", gn_preset_name(i));
        return 0;
    }
    const int batch = argc > 2 ? atoi(argv[2]) : 128;

    struct gn_system_info machine = { 0 };
    gn_status status = gn_system_describe(&machine);
    if (status == GN_OK)
        printf("version %s, %s kernels, %d threads (%s)\n", gn_version(), machine.isa,
               machine.threads, machine.threads_reason);

    gn_net *net = gn_preset(argv[1]);
    printf("training takes %.1f MiB, prediction %.1f MiB\n",
           (double)gn_memory_estimate(net, batch, true) / 1048576,
           (double)gn_memory_estimate(net, batch, false) / 1048576);

    const struct gn_bench_options options = {
        .train = true, .batch = batch, .rounds = 3, .layers = true
    };
    struct gn_bench_result result = { 0 };
    if (status == GN_OK)
        status = gn_bench(net, &result, &options);
    for (int i = 0; status == GN_OK && i < result.n_layers; i++)
        printf("%-28s %-8s %-20s %8.3f ms\n", result.layers[i].name, result.layers[i].pass,
               result.layers[i].kernel, result.layers[i].ms);
    if (status == GN_OK)
        printf("a step of %d images: %.2f ms, %.0f images/s\n", result.batch, result.ms_median,
               result.images_per_second);
    else
        fprintf(stderr, "%s\n", gn_error_message());

    gn_free_bench(&result);
    gn_free_net(net);
    return status != GN_OK;
}
