/*
 * Classifies images that a program holds in memory, such as a camera's frames.
 *
 *   cc classify_memory.c $(pkg-config --cflags --libs googlenet) -o classify_memory
 *   ./classify_memory model.safetensors
 *
 * test-args: @MODEL@
 */
#include <googlenet.h>

#include <stdlib.h>
#include <time.h>

enum { HEIGHT = 48, WIDTH = 64, FRAMES = 50 };

/* A frame as many cameras give it: blue, green, red, alpha; a bright bar that moves. */
static void draw_frame(uint8_t *pixels, int number)
{
    for (int i = 0; i < HEIGHT * WIDTH * 4; i++)
        pixels[i] = i / 4 % WIDTH / 4 == number % (WIDTH / 4) ? 250 : 20;
}

static double now(void)
{
    struct timespec t;
    (void)timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static gn_status classify_frames(gn_net *net, const struct gn_net_info *info, uint8_t *pixels,
                                 float *logits)
{
    /* The library turns the order of the channels and resizes, as the model says. */
    const struct gn_pixels frame = {
        .pixels = pixels, .height = HEIGHT, .width = WIDTH, .format = GN_PIXELS_BGRA
    };
    /* Only the right half, where it lies: its first pixel, and the rows of the whole frame. */
    const struct gn_pixels half = { .pixels = pixels + 4 * (WIDTH / 2),
                                    .height = HEIGHT,
                                    .width = WIDTH / 2,
                                    .format = GN_PIXELS_BGRA,
                                    .stride = 4 * WIDTH };
    const struct gn_pixels both[] = { frame, half };

    /* One call for an image or a few: weights are packed and memory is laid out for it. */
    draw_frame(pixels, 0);
    gn_status status = gn_predict(net, logits, NULL, .images = both, .n = 2);

    /* Where frames come one by one, a predictor does that once. */
    gn_predictor *predictor = gn_predictor_create(net, 1);
    const double start = now();
    for (int i = 0; i < FRAMES && status == GN_OK; i++) {
        draw_frame(pixels, i);
        const struct gn_predict_options images = { .images = &frame, .n = 1 };
        status = gn_predictor_run(predictor, logits, &images);
    }
    if (status == GN_OK)
        printf("%d frames, %.2f ms each; logits of the last:", FRAMES,
               1e3 * (now() - start) / FRAMES);
    for (int c = 0; c < info->classes && status == GN_OK; c++)
        printf(" %.3f", (double)logits[c]);
    printf("\n");
    gn_predictor_free(predictor);
    return status;
}

/* What the network gets of a frame can be made without a prediction, too. */
static gn_status show_input(gn_net *net, const struct gn_net_info *info, uint8_t *pixels)
{
    const size_t n = (size_t)info->size_h * (size_t)info->size_w * (size_t)info->channels;
    gn_preprocessor *preprocessor = gn_preprocessor_create(net, GN_RESIZE_DEFAULT);
    float *input = malloc(n * sizeof *input);
    const struct gn_pixels frame = {
        .pixels = pixels, .height = HEIGHT, .width = WIDTH, .format = GN_PIXELS_BGRA
    };
    gn_status status = GN_STATUS_NO_MEMORY;
    if (input != NULL)
        status = gn_preprocess_pixels(preprocessor, &frame, input);
    if (status == GN_OK)
        printf("the input's first number: %.3f\n", (double)input[0]);
    free(input);
    gn_preprocessor_free(preprocessor);
    return status;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: classify_memory MODEL\n");
        return 2;
    }
    gn_net *net = gn_load(argv[1]);
    struct gn_net_info info = { 0 };
    gn_status status = gn_net_describe(net, &info);

    /* The steps from pixels to the network's numbers belong to the model file. */
    char steps[1024] = "";
    if (gn_net_preprocess(net, steps, sizeof steps) == GN_OK)
        printf("preprocessing: %s\n", steps);

    uint8_t *pixels = calloc((size_t)HEIGHT * WIDTH, 4);
    float *logits = malloc(2 * (size_t)(info.classes + 1) * sizeof *logits);
    if (status == GN_OK && pixels != NULL && logits != NULL)
        status = classify_frames(net, &info, pixels, logits);
    if (status == GN_OK)
        status = show_input(net, &info, pixels);
    if (status != GN_OK)
        fprintf(stderr, "%s\n", gn_error_message());
    free(pixels);
    free(logits);
    gn_free_net(net);
    return status != GN_OK;
}
