/*
 * Features: the values of a layer turn an image into a vector, and similar images have similar vectors.
 *
 *   cc features.c $(pkg-config --cflags --libs googlenet) -o features
 *   ./features MODEL DATA
 *
 * The vectors of the first test images go to features.npy, for numpy.load.
 *
 * test-args: @MODEL@ @DATA@
 */
#include <googlenet.h>

#include <stdlib.h>

enum { IMAGES = 64 };

/* For how many images the nearest other image, by the cosine, has the same label. */
static int count_neighbours(const gn_dataset *data, const float *features, size_t width, int n)
{
    int same = 0;
    for (int i = 0; i < n; i++) {
        const float *own = features + (size_t)i * width;
        int nearest = i == 0, label, other;
        for (int k = 0; k < n; k++)
            if (k != i && gn_cosine(own, features + (size_t)k * width, width) >
                              gn_cosine(own, features + (size_t)nearest * width, width))
                nearest = k;
        if (gn_dataset_sample(data, (uint64_t)i, NULL, &label) == GN_OK &&
            gn_dataset_sample(data, (uint64_t)nearest, NULL, &other) == GN_OK)
            same += label == other;
    }
    return same;
}

static gn_status write_rows(const float *features, size_t width, int n)
{
    gn_features *file = gn_features_begin("features.npy", (uint64_t)n, width);
    gn_status status = GN_OK;
    for (int i = 0; i < n && status == GN_OK; i++)
        status = gn_features_add(file, "test", (uint64_t)i, features + (size_t)i * width);
    const gn_status ended = gn_features_end(file, status == GN_OK);
    return status != GN_OK ? status : ended;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: features MODEL DATA\n");
        return 2;
    }
    gn_net *net = gn_load(argv[1]);
    gn_dataset *test = gn_open_dataset(argv[2], .split = GN_TEST);
    struct gn_dataset_info set = { 0 };
    struct gn_layer_info layer;
    size_t width = 0;
    float *features = NULL;
    gn_status status = gn_dataset_describe(test, &set);
    const int n = set.samples < IMAGES ? (int)set.samples : IMAGES;
    if (status == GN_OK)
        status = gn_find_layer(net, NULL, &layer, &width); /* NULL: what the last layer reads */
    if (status == GN_OK && (features = calloc((size_t)n * width, sizeof *features)) != NULL)
        status =
            gn_predict(net, features, NULL, .data = test, .n = (uint64_t)n, .layer = layer.name);
    if (status == GN_OK && features != NULL)
        status = write_rows(features, width, n);
    if (status == GN_OK && features != NULL)
        printf("by %s the nearest of %d images has the same label for %d of them\n", layer.name, n,
               count_neighbours(test, features, width, n));
    else
        fprintf(stderr, "%s\n", features == NULL ? "no memory" : gn_error_message());
    free(features);
    gn_free_net(net);
    gn_close_dataset(test);
    return status != GN_OK;
}
