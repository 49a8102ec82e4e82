/*
 * A network of your own, made of Inception blocks: built, trained and saved.
 *
 *   cc tiny_inception.c $(pkg-config --cflags --libs googlenet) -o tiny_inception
 *   ./tiny_inception            # trains on pictures that it draws itself, in ./tiny-data
 *   ./tiny_inception DATA       # a folder with MNIST's four files, or a name: fashion-mnist
 *
 * The builders append layers to a graph and check shapes; the first error sticks, so the network
 * reads like its drawing and one check after gn_compile is enough.
 */
#include <googlenet.h>

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum { SIDE = 20, CLASSES = 4, TRAIN = 256, TEST = 64, INPUT = 28 };

/* A stem, two stages of Inception blocks, and a dense layer on their mean: logits. Shapes on
 * the right are those of one image. */
static gn_net *tiny_inception(int channels, int classes)
{
    gn_graph *g = gn_graph_create();
    gn_node x = gn_input(g, INPUT, INPUT, channels);

    gn_stage(g, "stem");
    x = gn_conv_relu(g, x, 16, 5, .stride = 2, .name = "conv"); /* 14 x 14 x 16 */

    gn_stage(g, "s1"); /* blocks: 1x1 - 1x1, 3x3 - 1x1, 5x5 - pool, 1x1 */
    x = gn_inception(g, x, "a", 8, (gn_pair){ 8, 12 }, (gn_pair){ 4, 6 }, 6);   /* 14 x 14 x 32 */
    x = gn_inception(g, x, "b", 12, (gn_pair){ 12, 20 }, (gn_pair){ 4, 8 }, 8); /* 14 x 14 x 48 */
    x = gn_max_pool(g, x, 3, 2, "pool");                                        /* 7 x 7 x 48 */

    gn_stage(g, "s2");
    x = gn_inception(g, x, "a", 16, (gn_pair){ 16, 32 }, (gn_pair){ 6, 8 }, 8); /* 7 x 7 x 64 */
    x = gn_global_avg_pool(g, x);                                               /* 64 */

    gn_stage(g, NULL);
    return gn_compile(g, gn_dense(g, x, classes, "dense"), 1);
}

/* ---- Pictures to learn from: a horizontal bar, a vertical bar, both, or none, over noise ---- */

static unsigned next_random(unsigned *state)
{
    *state = *state * 1664525U + 1013904223U;
    return *state >> 16;
}

static void draw_picture(unsigned char *pixels, int class, unsigned *random)
{
    const int row = 3 + (int)(next_random(random) % (SIDE - 8));
    const int column = 3 + (int)(next_random(random) % (SIDE - 8));
    for (int i = 0; i < SIDE * SIDE; i++) {
        const int y = i / SIDE, x = i % SIDE;
        const int across = (class & 1) != 0 && y >= row && y < row + 3;
        const int down = (class & 2) != 0 && x >= column && x < column + 3;
        pixels[i] = (unsigned char)((across || down ? 180 : 0) + (int)(next_random(random) % 70));
    }
}

/* Opens FOLDER/NAME for writing and begins it with big-endian numbers, as IDX files do. */
static FILE *create_idx(const char *folder, const char *name, const unsigned *head, int n)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    for (int i = 0; f != NULL && i < 4 * n; i++)
        (void)fputc((int)(head[i / 4] >> (24 - 8 * (i % 4)) & 255), f);
    return f;
}

static int write_split(const char *folder, const char *images_name, const char *labels_name,
                       unsigned n, unsigned seed)
{
    FILE *images = create_idx(folder, images_name, (unsigned[]){ 0x803, n, SIDE, SIDE }, 4);
    FILE *labels = create_idx(folder, labels_name, (unsigned[]){ 0x801, n }, 2);
    for (unsigned i = 0; images != NULL && labels != NULL && i < n; i++) {
        unsigned char pixels[SIDE * SIDE];
        draw_picture(pixels, (int)(i % CLASSES), &seed);
        (void)fwrite(pixels, 1, sizeof pixels, images);
        (void)fputc((int)(i % CLASSES), labels);
    }
    int failed = images == NULL || labels == NULL;
    failed |= images != NULL && fclose(images) != 0;
    failed |= labels != NULL && fclose(labels) != 0;
    return failed;
}

static int draw_data(const char *folder)
{
    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        return 1;
    return write_split(folder, "train-images-idx3-ubyte", "train-labels-idx1-ubyte", TRAIN, 1) ||
           write_split(folder, "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", TEST, 2);
}

/* ---- Training ---- */

static void report(const struct gn_event *event, void *user)
{
    (void)user;
    if (event->kind == GN_EVENT_EPOCH)
        printf("epoch %d of %d: loss %.4f, accuracy %.3f, validation accuracy %.3f\n", event->epoch,
               event->epochs, event->loss, event->accuracy, event->val_accuracy);
}

/* Trains on `data` and prints how well the network does; the exit code. */
static int train_on(const char *data)
{
    gn_dataset *train = gn_open_dataset(data, .split = GN_TRAIN);
    gn_dataset *test = gn_open_dataset(data, .split = GN_TEST);
    struct gn_dataset_info set = { 0 };
    gn_net *net = NULL;
    if (gn_dataset_describe(train, &set) == GN_OK)
        net = tiny_inception(set.channels, set.classes);
    (void)gn_summary(net, stdout);

    gn_history *history = gn_fit(net, train, .validation = test, .epochs = 6, .batch = 16,
                                 .lr = 0.02, .momentum = 0.9, .on_event = report);

    struct gn_score score = { 0 };
    gn_status status = history == NULL ? gn_error_status() : gn_evaluate(net, &score, test);
    if (status == GN_OK)
        status = gn_save(net, "tiny_inception.safetensors");
    if (status != GN_OK)
        fprintf(stderr, "%s\n", gn_error_message());
    else
        printf("%llu of %llu test images right, saved as tiny_inception.safetensors\n",
               (unsigned long long)score.correct, (unsigned long long)score.samples);

    gn_free_history(history);
    gn_free_net(net);
    gn_close_dataset(train);
    gn_close_dataset(test);
    /* Guessing gives one in `classes`: less than twice that is a failure. */
    return status != GN_OK || score.accuracy * set.classes < 2;
}

int main(int argc, char **argv)
{
    if (argc > 2 || (argc == 2 && strncmp(argv[1], "--", 2) == 0)) {
        fprintf(stderr, "usage: tiny_inception [DATA]\n");
        return 2;
    }
    if (argc == 1 && draw_data("tiny-data") != 0) {
        fprintf(stderr, "tiny-data: the pictures could not be written\n");
        return 5;
    }
    return train_on(argc == 1 ? "tiny-data" : argv[1]);
}
