/*
 * Finds a learning rate: the loss is measured while the rate grows from step to step, and the rate
 * at which it falls fastest is the suggestion.
 *
 *   cc learning_rate.c $(pkg-config --cflags --libs googlenet) -o learning_rate
 *   ./learning_rate DATA sweep.svg
 *
 * test-args: @DATA@ sweep.svg
 */
#include <googlenet.h>

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: learning_rate DATA SWEEP.svg\n");
        return 2;
    }
    struct gn_dataset_info set = { 0 };
    gn_dataset *train = gn_open_dataset(argv[1], .split = GN_TRAIN);
    (void)gn_dataset_describe(train, &set);
    gn_net *net = gn_preset("googlenet-small", .channels = set.channels, .classes = set.classes);

    /* `fit` takes what gn_fit takes: the suggestion is for these options. */
    const struct gn_lr_find_options options = {
        .fit = { .train = train, .batch = 16, .momentum = 0.9 },
        .from = 1e-4,
        .to = 1,
        .steps = 40,
    };
    struct gn_lr_sweep sweep = { 0 };
    gn_status status = gn_lr_find(net, &sweep, &options);
    for (int i = 0; status == GN_OK && i < sweep.n; i++)
        printf("rate %.6f: loss %.4f\n", sweep.points[i].lr, sweep.points[i].loss);
    char text[64];
    const int length = snprintf(text, sizeof text, "suggestion: %g\n", sweep.suggestion);
    if (status == GN_OK) {
        printf("%s", text);
        status = gn_write_file("suggestion.txt", text, (size_t)length);
    }
    if (status == GN_OK && gn_lr_plot(&sweep, argv[2]) != GN_OK)
        printf("%s\n", gn_error_message()); /* a build without cairo draws nothing */
    if (status != GN_OK)
        fprintf(stderr, "%s\n", gn_error_message());

    gn_free_lr_sweep(&sweep);
    gn_free_net(net);
    gn_close_dataset(train);
    return status != GN_OK;
}
