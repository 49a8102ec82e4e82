/* The tiny data set, network and runs of the training tests. */
#include "support/tiny.h"

#include "base/random.h"
#include "support/check.h"
#include "support/files.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void put_be32(uint8_t *to, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* Class k has a bright bar at another height; the rest is noise. */
static void draw_image(uint8_t *pixels, uint64_t stream, uint64_t sample, int label)
{
    for (int y = 0; y < TINY_SIZE; y++)
        for (int x = 0; x < TINY_SIZE; x++) {
            const uint64_t i = (uint64_t)(y * TINY_SIZE + x);
            const uint64_t noise =
                gn_random_below(0, GN_RANDOM_TEST, stream, sample * 1000 + i, 100);
            const bool bar = y / 4 == label;
            pixels[i] = (uint8_t)(noise + (bar ? 120 : 0));
        }
}

static void write_split(const char *folder, const char *prefix, int n, uint64_t stream)
{
    const size_t image = (size_t)TINY_SIZE * TINY_SIZE;
    uint8_t *images = calloc(16 + (size_t)n * image, 1), *labels = calloc(8 + (size_t)n, 1);
    assert_true(images != NULL && labels != NULL);
    put_be32(images, 0x803);
    put_be32(images + 4, (uint32_t)n);
    put_be32(images + 8, TINY_SIZE);
    put_be32(images + 12, TINY_SIZE);
    put_be32(labels, 0x801);
    put_be32(labels + 4, (uint32_t)n);
    for (int i = 0; i < n; i++) {
        /* The largest label is there whatever n is. */
        const int label = (TINY_CLASSES - 1 - i % TINY_CLASSES);
        labels[8 + i] = (uint8_t)label;
        draw_image(images + 16 + (size_t)i * image, stream, (uint64_t)i, label);
    }
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s-images-idx3-ubyte", folder, prefix);
    test_write_file(path, images, 16 + (size_t)n * image);
    (void)snprintf(path, sizeof path, "%s/%s-labels-idx1-ubyte", folder, prefix);
    test_write_file(path, labels, 8 + (size_t)n);
    free(images);
    free(labels);
}

void tiny_write_data(const char *folder, int n_train, int n_test)
{
    assert_int_equal(mkdir(folder, 0777), 0);
    write_split(folder, "train", n_train, 1);
    write_split(folder, "t10k", n_test, 2);
}

gn_net *tiny_net(void)
{
    gn_graph *g = gn_graph_create();
    gn_stage(g, "b1");
    gn_node x = gn_conv_relu(g, gn_input(g, TINY_SIZE, TINY_SIZE, 1), 8, .kernel = 3, .stride = 2,
                             .name = "conv");
    gn_stage(g, "b2");
    x = gn_inception(g, x, "inception", 4, (gn_pair){ 4, 8 }, (gn_pair){ 2, 4 }, 4);
    x = gn_max_pool(g, x, 3, .stride = 2, .name = "pool");
    x = gn_global_avg_pool(g, x);
    gn_stage(g, NULL);
    x = gn_dense(g, x, TINY_CLASSES, "dense");
    gn_net *net = gn_compile(g, x, 5);
    if (net == NULL)
        fail_msg("%s", gn_error_message());
    return net;
}

struct tiny tiny;

int tiny_open(void **state)
{
    (void)state;
    if (!test_exists("data"))
        tiny_write_data("data", TINY_TRAIN, TINY_TEST);
    tiny.net = tiny_net();
    tiny.train = gn_open_dataset("data", .split = GN_TRAIN);
    tiny.test = gn_open_dataset("data", .split = GN_TEST);
    if (tiny.train == NULL || tiny.test == NULL)
        fail_msg("%s", gn_error_message());
    return 0;
}

int tiny_close(void **state)
{
    (void)state;
    gn_free_net(tiny.net);
    gn_close_dataset(tiny.train);
    gn_close_dataset(tiny.test);
    return 0;
}

struct gn_fit_options tiny_options(const char *out)
{
    return (struct gn_fit_options){ .train = tiny.train,
                                    .validation = tiny.test,
                                    .epochs = TINY_EPOCHS,
                                    .batch = TINY_BATCH,
                                    .lr = 0.1,
                                    .seed = 7,
                                    .threads = 1,
                                    .log_steps = 1,
                                    .out = out };
}

uint32_t tiny_run(struct gn_fit_options options)
{
    return tiny_train(tiny_net(), options);
}

uint32_t tiny_train(gn_net *net, struct gn_fit_options options)
{
    gn_history *history = gn_fit_with(net, &options);
    if (history == NULL)
        fail_msg("%s", gn_error_message());
    const uint32_t hash = gn_net_hash(net);
    gn_free_history(history);
    gn_free_net(net);
    return hash;
}

void tiny_run_fails(struct gn_fit_options options, gn_status status, const char *part)
{
    gn_net *net = tiny_net();
    assert_null(gn_fit_with(net, &options));
    check_error(status, part);
    gn_free_net(net);
}

static char *read_text(const char *folder, const char *name, size_t *n)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    if (!test_exists(path))
        fail_msg("%s is missing", path);
    return (char *)test_read_file(path, n);
}

void tiny_same_file(const char *folder_a, const char *folder_b, const char *name)
{
    size_t n_a, n_b;
    char *a = read_text(folder_a, name, &n_a), *b = read_text(folder_b, name, &n_b);
    if (n_a != n_b || memcmp(a, b, n_a) != 0)
        fail_msg("%s differs between %s and %s", name, folder_a, folder_b);
    free(a);
    free(b);
}

/* Takes the number after `key` out of a text, wherever it is. */
static void drop_number(char *text, const char *key)
{
    for (char *at = strstr(text, key); at != NULL; at = strstr(at, key)) {
        at += strlen(key);
        const size_t digits = strspn(at, "0123456789.");
        memmove(at, at + digits, strlen(at + digits) + 1);
    }
}

static void drop_times(char *text)
{
    drop_number(text, "\"seconds\":");
    drop_number(text, "\"images_per_second\":");
}

void tiny_same_records(const char *folder_a, const char *folder_b)
{
    size_t n;
    char *a = read_text(folder_a, "history.jsonl", &n),
         *b = read_text(folder_b, "history.jsonl", &n);
    drop_times(a);
    drop_times(b);
    assert_string_equal(a, b);
    free(a);
    free(b);
}

void tiny_same_runs(const char *folder_a, const char *folder_b)
{
    static const char *const names[] = { "model.safetensors", "best.safetensors",
                                         "checkpoint.safetensors", "history.csv" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        tiny_same_file(folder_a, folder_b, names[i]);
    tiny_same_records(folder_a, folder_b);
}
