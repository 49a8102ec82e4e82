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

/* A frame of the size that the camera has: a bright bar that moves. The library resizes it. */
static void draw_frame(uint8_t *pixels, int channels, int number)
{
    for (int i = 0; i < HEIGHT * WIDTH * channels; i++)
        pixels[i] = i / channels % WIDTH / 4 == number % (WIDTH / 4) ? 250 : 20;
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
    /* One call for an image or a few: weights are packed and memory is laid out for it. */
    draw_frame(pixels, info->channels, 0);
    gn_status status = gn_predict(net, logits, pixels, .n = 1, .height = HEIGHT, .width = WIDTH,
                                  .channels = info->channels);

    /* Where frames come one by one, a predictor does that once. */
    gn_predictor *predictor = gn_predictor_create(net, 1);
    const double start = now();
    for (int i = 0; i < FRAMES && status == GN_OK; i++) {
        draw_frame(pixels, info->channels, i);
        const struct gn_predict_options frame = {
            .pixels = pixels, .n = 1, .height = HEIGHT, .width = WIDTH, .channels = info->channels
        };
        status = gn_predictor_run(predictor, logits, &frame);
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

    uint8_t *pixels = malloc((size_t)HEIGHT * WIDTH * (size_t)(info.channels + 1));
    float *logits = malloc((size_t)(info.classes + 1) * sizeof *logits);
    if (status == GN_OK && pixels != NULL && logits != NULL)
        status = classify_frames(net, &info, pixels, logits);
    if (status != GN_OK)
        fprintf(stderr, "%s\n", gn_error_message());
    free(pixels);
    free(logits);
    gn_free_net(net);
    return status != GN_OK;
}
