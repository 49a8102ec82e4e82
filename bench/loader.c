/*
 * How many pictures a second the loader prepares: `ninja bench_loader`, then
 *
 *   bench_loader FOLDER [SECONDS]
 *
 * makes FOLDER, unless it is there: 320 colour JPEGs of 256x256 in ten classes, quality 88, 4:2:0,
 * about 21 KB each, which photographs of that size have too (smooth noise of all scales, shapes with
 * edges, some grain). Each is a function of its number. Then it prints what one core's libjpeg-turbo
 * decodes when it does only that, and what the loader delivers in batches of 32, for some sizes,
 * augmentations and numbers of threads: the median of rounds of SECONDS (1) in all; and what part of its
 * time a training of googlenet at 96x96 on all cores, in addition to the loader's own threads, waits for
 * batches after the first one of an epoch.
 */
#include "file/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/threads.h"
#include "data/loader.h"
#include "picture/picture.h"
#include "train/step.h"

#include <googlenet.h>

#include <jpeglib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    SIDE = 256,
    PICTURES = 320,
    CHANNELS = 3,
    CLASSES = 10,
    QUALITY = 88,
    BATCH = 32,
    SHAPES = 14,
    ROUNDS = 5
};

_Noreturn static void fail(const char *what)
{
    (void)fprintf(stderr, "bench_loader: %s: %s\n", what, gn_error_message());
    exit(1);
}

/* ---- The pictures ---- */

static double draw(int picture, uint64_t number)
{
    return (double)gn_random_unit(0, GN_RANDOM_TEST, (uint64_t)picture, number);
}

static float plane[CHANNELS + 1][SIDE][SIDE]; /* the last one is added to the others */

/* Adds noise that is smooth below `cell` pixels: random values on a grid, with smoothed weights. */
static void add_noise(int picture, int channel, int cell, double strength)
{
    static double grid[SIDE / 2 + 1][SIDE / 2 + 1], weight[SIDE];
    const int n = SIDE / cell + 1;
    for (int i = 0; i < n * n; i++)
        grid[i / n][i % n] =
            strength *
            (draw(picture, ((uint64_t)(channel * 100 + cell) << 32) + (uint64_t)i) - 0.5);
    for (int i = 0; i < cell; i++) {
        const double t = (double)i / cell;
        weight[i] = t * t * (3 - 2 * t);
    }
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            const double *a = grid[y / cell] + x / cell, *b = grid[y / cell + 1] + x / cell;
            const double t = weight[y % cell], u = weight[x % cell];
            const double top = a[0] + (a[1] - a[0]) * u, bottom = b[0] + (b[1] - b[0]) * u;
            plane[channel][y][x] += (float)(top + (bottom - top) * t);
        }
}

/* A half plane or an ellipse of one colour, over what was there. */
static void add_shape(int picture, int number)
{
    double d[8];
    for (int k = 0; k < 8; k++)
        d[k] = draw(picture, ((uint64_t)1 << 48) + (uint64_t)(8 * number + k));
    const double size = 10 + 60 * d[3], c = cos(6.283 * d[2]), s = sin(6.283 * d[2]);
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            const double dy = y - SIDE * d[0], dx = x - SIDE * d[1];
            if (number < 3 ? dy * s + dx * c < 0 : dy * dy + dx * dx * (0.5 + d[2]) > size * size)
                continue;
            for (int k = 0; k < CHANNELS; k++)
                plane[k][y][x] = (float)(40 + 120 * d[4] + 60 * d[5 + k]);
        }
}

/* Shapes under noise, every octave of which is weaker than the one before, as in photographs; most
 * of it is light, common to the channels. */
static void draw_picture(int picture, uint8_t *pixels)
{
    for (int i = 0; i < SHAPES; i++)
        add_shape(picture, i);
    double strength = 60;
    for (int cell = 64; cell >= 2; cell /= 2, strength *= 0.84)
        for (int k = 0; k <= CHANNELS; k++)
            add_noise(picture, k, cell, k < CHANNELS ? 0.3 * strength : 0.85 * strength);
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            for (int k = 0; k < CHANNELS; k++) {
                const float v = plane[k][y][x] + plane[CHANNELS][y][x];
                *pixels++ = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
            }
    memset(plane[CHANNELS], 0, sizeof plane[CHANNELS]);
}

static void write_jpeg(const char *path, const uint8_t *pixels)
{
    struct jpeg_compress_struct info;
    struct jpeg_error_mgr error;
    FILE *file = fopen(path, "wb");
    if (file == NULL)
        fail(path);
    info.err = jpeg_std_error(&error);
    jpeg_create_compress(&info);
    jpeg_stdio_dest(&info, file);
    info.image_width = info.image_height = SIDE;
    info.input_components = 3;
    info.in_color_space = JCS_RGB;
    jpeg_set_defaults(&info); /* 4:2:0 */
    jpeg_set_quality(&info, QUALITY, TRUE);
    jpeg_start_compress(&info, TRUE);
    uint8_t row[3 * SIDE];
    JSAMPROW rows[1] = { row };
    while (info.next_scanline < SIDE) {
        memcpy(row, pixels + 3 * SIDE * (size_t)info.next_scanline, sizeof row);
        (void)jpeg_write_scanlines(&info, rows, 1);
    }
    jpeg_finish_compress(&info);
    jpeg_destroy_compress(&info);
    if (fclose(file) != 0)
        fail(path);
}

static void make_folder(const char *folder)
{
    static uint8_t pixels[3 * SIDE * SIDE];
    char path[4096];
    if (mkdir(folder, 0777) != 0)
        return; /* it is there, or the data set's sentence says what is wrong */
    for (int i = 0; i < PICTURES; i++) {
        (void)snprintf(path, sizeof path, "%s/class%d", folder, i % CLASSES);
        (void)mkdir(path, 0777);
        draw_picture(i, pixels);
        (void)snprintf(path, sizeof path, "%s/class%d/%03d.jpg", folder, i % CLASSES, i);
        write_jpeg(path, pixels);
    }
}

/* ---- What is timed ---- */

static int ascending(const void *pa, const void *pb)
{
    const double a = *(const double *)pa, b = *(const double *)pb;
    return a < b ? -1 : a > b;
}

/* Decodes all files of the set, from memory, as the loader does; pictures a second. */
static double decode_alone(const struct gn_dataset *data, double seconds, double *kilobytes)
{
    static struct gn_bytes files[PICTURES];
    static char path[GN_PATH_BYTES];
    struct gn_picture picture = { 0 };
    double rates[ROUNDS], bytes = 0;
    const uint64_t n = data->samples < PICTURES ? data->samples : PICTURES;
    for (uint64_t i = 0; i < n; i++) {
        if (!gn_dataset_path(data, i, path) ||
            gn_file_read(path, "picture", GN_STATUS_BAD_DATA, GN_PICTURE_FILE_BYTES, &files[i]) !=
                GN_OK)
            fail("the pictures");
        bytes += (double)files[i].size;
    }
    *kilobytes = bytes / (double)n / 1e3;
    for (int r = -1; r < ROUNDS; r++) {
        uint64_t done = 0;
        const double start = gn_seconds();
        while (gn_seconds() - start < seconds / ROUNDS)
            if (gn_picture_decode(&picture, &files[done++ % n], "a picture", 3) != GN_OK)
                fail("the pictures");
        rates[r < 0 ? 0 : r] = (double)done / (gn_seconds() - start);
    }
    gn_picture_free(&picture);
    qsort(rates, ROUNDS, sizeof rates[0], ascending);
    return rates[ROUNDS / 2];
}

/* Pictures a second that come out of the loader while nobody computes. */
static double load(const struct gn_dataset *data, int size, const char *augment, gn_resize rule,
                   int threads, double seconds)
{
    struct gn_loader_options options = { .data = data,
                                         .batch = BATCH,
                                         .height = size,
                                         .width = size,
                                         .channels = 3,
                                         .rule = rule,
                                         .shuffle = GN_SHUFFLE_FULL,
                                         .threads = threads };
    if (gn_augment_parse(&options.augment, augment) != GN_OK)
        fail("the augmentation");
    struct gn_loader *loader = gn_loader_create(&options);
    if (loader == NULL)
        fail("the loader");
    struct gn_batch batch;
    double rates[ROUNDS];
    uint64_t epoch = 0;
    for (int r = -1; r < ROUNDS; r++) {
        uint64_t done = 0;
        double start = gn_seconds();
        for (int first = 1; first || gn_seconds() - start < seconds / ROUNDS;) {
            if (gn_loader_next(loader, &batch) != GN_OK)
                fail("the loader");
            if (batch.n == 0 && gn_loader_start(loader, epoch++, 0) != GN_OK)
                fail("the loader");
            done += (uint64_t)batch.n;
            first = first && batch.n == 0;
        }
        rates[r < 0 ? 0 : r] = (double)done / (gn_seconds() - start);
    }
    gn_loader_free(loader);
    qsort(rates, ROUNDS, sizeof rates[0], ascending);
    return rates[ROUNDS / 2];
}

/* Two epochs of training steps; *step gets the mean seconds of one, waiting included, *waited those
 * that the second batch of an epoch and all after it were waited for, in a step. */
static void train(const gn_dataset *data, double *step, double *waited)
{
    gn_net *net = gn_googlenet(.size = 96, .channels = 3, .classes = CLASSES);
    if (net == NULL)
        fail("the network");
    const struct gn_loader_options options = { .data = data,
                                               .batch = BATCH,
                                               .height = 96,
                                               .width = 96,
                                               .channels = 3,
                                               .rule = GN_RESIZE_PIL_BILINEAR,
                                               .augment = { .mirror = true, .crop = 0.08 } };
    struct gn_loader *loader = gn_loader_create(&options);
    struct gn_plan *plan =
        gn_plan_create(net, &(struct gn_plan_options){ .train = true, .batch = BATCH });
    if (loader == NULL || plan == NULL)
        fail("the training");
    struct gn_updater *updater = gn_updater_create(
        net->graph,
        &(struct gn_optimizer_options){ .kind = GN_SGD, .threads = gn_plan_threads(plan) });
    struct gn_train_step *one =
        updater == NULL
            ? NULL
            : gn_train_step_create(&(struct gn_train_step_options){
                  .net = net, .plan = plan, .updater = updater, .loader = loader, .batch = BATCH });
    if (one == NULL)
        fail("the training");
    uint64_t steps = 0;
    double all = 0;
    *waited = 0;
    for (uint64_t epoch = 0; epoch < 2; epoch++) {
        if (gn_loader_start(loader, epoch, 0) != GN_OK)
            fail("the loader");
        for (uint64_t i = 0; i < gn_loader_batches(loader); i++) {
            struct gn_step_sums sums;
            const double start = gn_seconds();
            if (gn_train_step_gradients(one, steps++, &sums) != GN_OK)
                fail("the training");
            gn_train_step_update(one, 1e-4);
            all += gn_seconds() - start - (i == 0 ? sums.waited : 0);
            *waited += i == 0 ? 0 : sums.waited;
        }
    }
    *step = all / (double)steps;
    *waited /= (double)steps;
    gn_train_step_free(one);
    gn_updater_free(updater);
    gn_plan_free(plan);
    gn_loader_free(loader);
    gn_free_net(net);
}

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 3) {
        (void)fprintf(stderr, "usage: bench_loader FOLDER [SECONDS]\n");
        return 2;
    }
    const double seconds = argc == 3 ? atof(argv[2]) : 1;
    static const struct {
        const char *name;
        gn_resize rule;
        int size;
        const char *augment;
    } cases[] = { { "pil-bilinear", GN_RESIZE_PIL_BILINEAR, 224, "" },
                  { "pil-bilinear", GN_RESIZE_PIL_BILINEAR, 224, "mirror,crop" },
                  { "pil-bilinear", GN_RESIZE_PIL_BILINEAR, 96, "" },
                  { "pil-bilinear", GN_RESIZE_PIL_BILINEAR, 96, "mirror,crop" },
                  { "tf1-legacy", GN_RESIZE_TF1_LEGACY, 224, "" },
                  { "tf1-legacy", GN_RESIZE_TF1_LEGACY, 96, "" } };
    make_folder(argv[1]);
    gn_dataset *data = gn_open_dataset(argv[1], .split = GN_TRAIN, .no_val_fraction = true);
    if (data == NULL)
        fail(argv[1]);
    double kilobytes;
    const double alone = decode_alone(data, seconds, &kilobytes);
    printf("%llu pictures, %.1f KB each; decoding alone, 1 thread: %.0f a second\n",
           (unsigned long long)data->samples, kilobytes, alone);
    printf("%-14s %4s %-12s %10s %10s\n", "resize", "size", "augment", "1 thread", "2 threads");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        printf("%-14s %4d %-12s", cases[i].name, cases[i].size,
               cases[i].augment[0] == '\0' ? "none" : cases[i].augment);
        for (int threads = 1; threads <= 2; threads++)
            printf(" %10.0f",
                   load(data, cases[i].size, cases[i].augment, cases[i].rule, threads, seconds));
        printf("\n");
    }
    double step, waited;
    train(data, &step, &waited);
    printf("training, googlenet 96x96, batch %d, mirror,crop: %.1f ms a step, of which %.3f ms "
           "(%.2f%%) "
           "wait for pictures\n",
           BATCH, 1e3 * step, 1e3 * waited, 100 * waited / step);
    gn_close_dataset(data);
    return 0;
}
