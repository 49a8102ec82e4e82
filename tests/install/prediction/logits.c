/*
 * What a program gets that uses the library for prediction alone; linked with either library it prints the
 * same. logits MODEL [f16 | errors]: the answers of pixels, a batch, a file in memory and a layer, as hexadecimal
 * numbers; f16: with packed weights of 16 bits; errors: what is said of this file when each of some of its bytes
 * is changed.
 */
#include <googlenet.h>

#include <stdlib.h>
#include <string.h>

enum { SIDE = 61, IMAGES = 3, HEADER = 4096, STEP = 11 };

static int failed(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, gn_error_message());
    return 1;
}

static void print_values(const char *what, const float *values, size_t n)
{
    printf("%s", what);
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        printf(" %08x", (unsigned)bits);
    }
    printf("\n");
}

/* A picture as a file: PPM or PGM, which every build reads. */
static size_t make_file(unsigned char *file, int channels, const unsigned char *pixels)
{
    const size_t bytes = (size_t)SIDE * SIDE * (size_t)channels;
    const int head = sprintf((char *)file, "P%d\n%d %d\n255\n", channels == 3 ? 6 : 5, SIDE, SIDE);
    memcpy(file + head, pixels, bytes);
    return (size_t)head + bytes;
}

static int answer(gn_net *net, int threads, gn_weights weights)
{
    static unsigned char pixels[IMAGES * SIDE * SIDE * 3], file[SIDE * SIDE * 3 + 32];
    struct gn_net_info info;
    struct gn_layer_info layer;
    struct gn_image image;
    size_t values;
    char name[64];
    if (gn_net_describe(net, &info) != GN_OK || gn_find_layer(net, NULL, &layer, &values) != GN_OK)
        return failed("describe");
    unsigned state = 1;
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (unsigned char)((state = state * 1103515245U + 12345U) >> 16);
    const int channels = info.channels;
    float *out = malloc(sizeof *out * IMAGES * ((size_t)info.classes + values));
    if (out == NULL)
        return 1;
    const struct gn_predict_options images = {
        .pixels = pixels, .n = IMAGES, .height = SIDE, .width = SIDE, .channels = channels
    };
    const struct gn_file_bytes bytes = { file, make_file(file, channels, pixels) };
    const struct gn_predict_options files = { .files = &bytes, .n = 1 };
    printf("%s %dx%d %d classes, layer %s with %zu values\n", info.preset, info.size_h, info.size_w,
           info.classes, layer.name, values);
    for (int batch = 1; batch <= 2; batch++) {
        const struct gn_predictor_options options = { .batch = batch,
                                                      .threads = threads,
                                                      .weights = weights };
        gn_predictor *predictor = gn_predictor_create_with(net, &options);
        if (gn_predictor_run(predictor, out, &images) != GN_OK)
            return failed("pixels");
        (void)snprintf(name, sizeof name, "batch %d", batch);
        print_values(name, out, IMAGES * (size_t)info.classes);
        if (gn_predictor_run(predictor, out, &files) != GN_OK)
            return failed("files");
        print_values("file", out, (size_t)info.classes);
        gn_predictor_free(predictor);
    }
    const struct gn_predictor_options of_layer = { .threads = threads, .layer = layer.name };
    gn_predictor *predictor = gn_predictor_create_with(net, &of_layer);
    if (gn_predictor_run(predictor, out, &images) != GN_OK)
        return failed("layer");
    print_values("layer", out, IMAGES * values);
    gn_predictor_free(predictor);
    if (gn_image_decode(file, bytes.size, &image) != GN_OK)
        return failed("decode");
    printf("%dx%dx%d %d\n", image.height, image.width, image.channels, image.pixels[7]);
    gn_free_image(&image);
    free(out);
    return 0;
}

/* Sentences about a damaged file. */
static int errors(const char *path)
{
    unsigned char *bytes = NULL;
    size_t n = 0;
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0)
        return 1;
    n = (size_t)ftell(file);
    rewind(file);
    bytes = malloc(n);
    if (bytes == NULL || fread(bytes, 1, n, file) != n)
        return 1;
    (void)fclose(file);
    for (size_t i = 0; i < HEADER && i < n; i += STEP) {
        const struct gn_file_bytes changed = { bytes, i % 3 == 0 ? i : n };
        const struct gn_load_options options = { .bytes = &changed };
        const unsigned char before = bytes[i];
        bytes[i] = (unsigned char)(before ^ (1U << i % 8));
        gn_net *net = gn_load_with(&options);
        printf("%zu %d %s\n", i, gn_error_status(), net != NULL ? "loads" : gn_error_message());
        gn_free_net(net);
        gn_clear_error();
        bytes[i] = before;
    }
    free(bytes);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[2], "errors") == 0)
        return errors(argv[1]);
    const struct gn_load_options options = { .path = argv[1] };
    gn_net *net = argc < 2 ? NULL : gn_load_with(&options);
    if (net == NULL)
        return failed("load");
    printf("hash %08x\n", (unsigned)gn_net_hash(net));
    const gn_weights weights = argc > 2 ? GN_WEIGHTS_F16 : GN_WEIGHTS_F32;
    const int status = answer(net, 1, weights) + answer(net, 2, weights);
    gn_free_net(net);
    return status;
}
