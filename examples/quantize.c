/*
 * Makes a model that computes in 8 bits from a trained one, unless it answers worse.
 *
 *   cc quantize.c $(pkg-config --cflags --libs googlenet) -o quantize
 *   ./quantize model.safetensors DATA int8.safetensors
 *
 * test-args: @MODEL@ @DATA@ int8.safetensors
 */
#include <googlenet.h>

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: quantize MODEL DATA OUT\n");
        return 2;
    }
    struct gn_quantize_info info = { 0 };
    struct gn_score before, after;
    gn_net *net = gn_load(argv[1]);
    gn_dataset *train = gn_open_dataset(argv[2], .split = GN_TRAIN);
    gn_dataset *test = gn_open_dataset(argv[2], .split = GN_TEST);
    gn_net *small = gn_quantize(net, train, .images = 256, .info = &info);
    int code = 1;
    /* A constructor that failed gives NULL, which the calls after it hand on. */
    if (gn_evaluate(net, &before, test) != GN_OK || gn_evaluate(small, &after, test) != GN_OK) {
        fprintf(stderr, "%s\n", gn_error_message());
    } else {
        printf("%d of %d convolutions compute in 8 bits\n", info.int8, info.convolutions);
        printf("accuracy %.4f, in 8 bits %.4f\n", before.accuracy, after.accuracy);
        if (after.accuracy < before.accuracy - 0.05)
            fprintf(stderr, "not written: that is too much worse\n");
        else if (gn_save(small, argv[3]) != GN_OK)
            fprintf(stderr, "%s\n", gn_error_message());
        else
            code = 0;
    }
    gn_free_net(small);
    gn_close_dataset(train);
    gn_close_dataset(test);
    gn_free_net(net);
    return code;
}
