/*
 * Features: a network without its last layer turns an image into a vector, and similar images have
 * similar vectors.
 *
 *   cc features.c $(pkg-config --cflags --libs googlenet) -o features
 *   ./features DATA
 *
 * The library answers with what gn_compile names as the output, here the mean of the last maps. So
 * the trunk is built twice: once with a dense layer, to train it, and once without.
 *
 * test-args: @DATA@
 */
#include <googlenet.h>

#include <stdlib.h>
#include <string.h>

enum { FEATURES = 32, IMAGES = 64 };

/* Convolution, batch normalisation, ReLU: the last layers of a trunk after an Inception block. */
static gn_node trunk(gn_graph *g, const struct gn_dataset_info *set)
{
    gn_node x = gn_input(g, 28, 28, set->channels);
    x = gn_relu(g, gn_batch_norm(g, gn_conv(g, x, 16, 3, 2, .no_bias = true), .momentum = 0.9));
    x = gn_inception(g, x, "a", 8, (gn_pair){ 8, 12 }, (gn_pair){ 4, 6 }, 6);
    x = gn_avg_pool(g, x, 3, .stride = 2);
    x = gn_relu(g, gn_batch_norm(g, gn_conv(g, x, FEATURES, 3, .no_bias = true), .momentum = 0.9));
    return gn_global_avg_pool(g, x);
}

/* Copies every tensor of `to` from the tensor of that name in `from`. */
static gn_status copy_tensors(gn_net *to, gn_net *from)
{
    struct gn_tensor_info target, source;
    for (int i = 0; gn_net_tensor(to, i, &target) == GN_OK; i++) {
        int k = 0;
        while (gn_net_tensor(from, k, &source) == GN_OK && strcmp(source.name, target.name) != 0)
            k++;
        if (gn_error_status() != GN_OK)
            return gn_error_status();
        memcpy(target.values, source.values, target.count * sizeof *target.values);
    }
    gn_clear_error(); /* the loop ended after the last tensor */
    return GN_OK;
}

/* The square of the distance: the order of neighbours is the same. */
static double distance(const float *a, const float *b)
{
    double sum = 0;
    for (int i = 0; i < FEATURES; i++)
        sum += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
    return sum;
}

/* For how many images the nearest other image has the same label. */
static int count_neighbours(const gn_dataset *data, const float *features, int n)
{
    int same = 0;
    for (int i = 0; i < n; i++) {
        int nearest = i == 0, own, other;
        for (int k = 0; k < n; k++)
            if (k != i && distance(features + i * FEATURES, features + k * FEATURES) <
                              distance(features + i * FEATURES, features + nearest * FEATURES))
                nearest = k;
        if (gn_dataset_sample(data, (uint64_t)i, NULL, &own) == GN_OK &&
            gn_dataset_sample(data, (uint64_t)nearest, NULL, &other) == GN_OK)
            same += own == other;
    }
    return same;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: features DATA\n");
        return 2;
    }
    struct gn_dataset_info set = { 0 };
    gn_dataset *train = gn_open_dataset(argv[1], .split = GN_TRAIN);
    gn_dataset *test = gn_open_dataset(argv[1], .split = GN_TEST);
    (void)gn_dataset_describe(train, &set);

    gn_graph *g = gn_graph_create();
    gn_net *classifier = gn_compile(g, gn_dense(g, trunk(g, &set), set.classes, "dense"), 1);
    g = gn_graph_create();
    gn_net *encoder = gn_compile(g, trunk(g, &set), 1);

    static float features[IMAGES * FEATURES];
    gn_history *history =
        gn_fit(classifier, train, .epochs = 2, .batch = 32, .lr = 0.05, .momentum = 0.9);
    gn_status status = history == NULL ? gn_error_status() : copy_tensors(encoder, classifier);
    if (status == GN_OK)
        status = gn_predict(encoder, features, NULL, .data = test, .n = IMAGES);
    if (status == GN_OK)
        printf("the nearest of %d images has the same label for %d of them\n", IMAGES,
               count_neighbours(test, features, IMAGES));
    else
        fprintf(stderr, "%s\n", gn_error_message());

    gn_free_history(history);
    gn_free_net(classifier);
    gn_free_net(encoder);
    gn_close_dataset(train);
    gn_close_dataset(test);
    return status != GN_OK;
}
