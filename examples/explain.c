/*
 * What an answer rests on: where a picture speaks for its most probable class, as numbers and as PNG
 * files.
 *
 *   cc explain.c $(pkg-config --cflags --libs googlenet) -o explain
 *   ./explain model.safetensors cat.jpg
 *
 * test-args: @MODEL@ @SOURCE@/docs/curves.png
 */
#include <googlenet.h>

#include <stdlib.h>

/* The largest value of a map and its place. */
static void print_peak(const char *what, const float *map, int height, int width)
{
    int best = 0;
    for (int i = 1; i < height * width; i++)
        best = map[i] > map[best] ? i : best;
    printf("%s: most at row %d, column %d of %dx%d\n", what, best / width, best % width, height,
           width);
}

/* Both kinds of map for the class that the network prefers. */
static gn_status print_maps(gn_net *net, gn_explainer *explainer, const struct gn_image *image)
{
    struct gn_net_info info;
    struct gn_explainer_info maps;
    int class = 0;
    if (gn_net_describe(net, &info) != GN_OK || gn_explainer_describe(explainer, &maps) != GN_OK)
        return gn_error_status();
    const size_t pixels = (size_t)info.size_h * (size_t)info.size_w;
    float *input = calloc(pixels * (size_t)info.channels, sizeof *input);
    float *logits = calloc((size_t)info.classes, sizeof *logits);
    float *map = calloc(pixels, sizeof *map); /* no layer's map is larger than the input */
    gn_preprocessor *preprocessor = gn_preprocessor_create(net, 0);
    gn_status status = input == NULL || logits == NULL || map == NULL
                           ? GN_STATUS_NO_MEMORY
                           : gn_preprocess(preprocessor, image, 0, input);
    if (status == GN_OK)
        status = gn_predict(net, logits, NULL, .inputs = input, .n = 1);
    if (status == GN_OK && gn_top_classes(logits, info.classes, 1, &class) == 1)
        status = gn_grad_cam(explainer, input, &class, 1, map);
    if (status == GN_OK)
        print_peak(maps.layer, map, maps.height, maps.width);
    if (status == GN_OK)
        status = gn_occlusion(explainer, input, &class, 1, map);
    if (status == GN_OK)
        print_peak("occlusion", map, info.size_h, info.size_w);
    gn_preprocessor_free(preprocessor);
    free(input);
    free(logits);
    free(map);
    return status;
}

/* The same for people; a build without cairo says that it cannot. */
static gn_status draw(const gn_net *net, gn_explainer *explainer, const struct gn_image *image)
{
    const struct gn_explain_sheet sheet = { .image = image, .title = "an example", .n = 2 };
    gn_status status = gn_draw_explanation(explainer, &sheet, "explanation.png");
    if (status == GN_OK)
        status = gn_draw_maps(explainer, image, 16, "maps.png");
    if (status == GN_OK)
        status = gn_draw_filters(net, "filters.png");
    return status;
}

int main(int argc, char **argv)
{
    size_t taken;
    struct gn_image image = { 0 };
    if (argc != 3) {
        fprintf(stderr, "usage: explain MODEL FILE\n");
        return 2;
    }
    gn_net *net = gn_load(argv[1]);
    const char *path = argv[2];
    gn_dataset *pictures = gn_open_image_files(&path, 1, 1, &taken);
    gn_explainer *explainer = gn_explainer_create(net, NULL, .classes = 2);
    gn_status status = gn_dataset_picture(pictures, 0, &image);
    if (status == GN_OK)
        status = print_maps(net, explainer, &image);
    if (status == GN_OK)
        status = draw(net, explainer, &image);
    if (status != GN_OK)
        fprintf(stderr, "%s\n", gn_error_message());
    gn_free_image(&image);
    gn_explainer_free(explainer);
    gn_close_dataset(pictures);
    gn_free_net(net);
    return status != GN_OK && status != GN_STATUS_NO_DEVICE;
}
