/*
 * Training on folders of pictures: a thousand of them with ten broken ones, which are left out and
 * named; equal bits for any number of threads and after a resume, with every augmentation.
 *
 * labels: push
 */
#include "formats/safetensors.h"
#include "support/check.h"
#include "support/files.h"
#include "support/tiny.h"

#include "gn_config.h"

#include <stdlib.h>
#include <sys/stat.h>

enum { PICTURES = 1000, BROKEN = 10, KINDS = 4, SMALL = 60 };

static struct gn_st_file *golden;

/* Writes picture i of a set: one of the golden files, a broken one cut in half. */
static void write_picture(const char *root, int i, int classes, bool broken)
{
    static const char *const kinds[KINDS] = { "jpeg_turned_1", "jpeg_turned_6", "png_turned",
                                              "png_bits" };
    char path[128], name[64];
    (void)snprintf(path, sizeof path, "%s/class%d", root, i % classes);
    (void)mkdir(path, 0700);
    (void)snprintf(name, sizeof name, "%s.file", kinds[i % KINDS]);
    const struct gn_st_tensor *file = gn_st_find(golden, name);
    assert_non_null(file);
    (void)snprintf(path, sizeof path, "%s/class%d/%04d.%s", root, i % classes, i,
                   i % KINDS < 2 ? "jpg" : "png");
    test_write_file(path, file->data, broken ? file->shape[0] / 2 : file->shape[0]);
}

static void write_set(const char *root, int n, int broken)
{
    (void)mkdir(root, 0700);
    for (int i = 0; i < n; i++)
        write_picture(root, i, TINY_CLASSES, broken > 0 && i % (n / broken) == 1);
}

static int setup(void **state)
{
    (void)state;
    golden = gn_st_open(GN_SOURCE_DIR "/tests/golden/pictures.safetensors");
    if (golden == NULL)
        return -1;
    write_set("thousand", PICTURES, BROKEN);
    write_set("small", SMALL, 2);
    write_set("rotten", SMALL, SMALL / 4);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    gn_st_close(golden);
    return 0;
}

static gn_dataset *open_set(const char *root, gn_split split, gn_bad_image policy)
{
    gn_dataset *data = gn_open_dataset(root, .split = split, .on_bad_image = policy);
    if (data == NULL)
        fail_msg("%s", gn_error_message());
    return data;
}

static void count_warnings(const struct gn_event *event, void *user)
{
    int *n = user;
    if (event->kind == GN_EVENT_WARNING && strstr(event->message, "left out: class") != NULL)
        ++*n;
}

/* Trains a fresh tiny net; returns the hash of its weights, 0 for an error. */
static uint32_t train(const char *root, struct gn_fit_options options, gn_bad_image policy)
{
    gn_net *net = tiny_net();
    options.train = open_set(root, GN_TRAIN, policy);
    options.validation = open_set(root, GN_TEST, policy);
    options.batch = TINY_BATCH;
    options.overwrite = !options.resume;
    gn_history *history = gn_fit_with(net, &options);
    const uint32_t hash = history == NULL ? 0 : gn_net_hash(net);
    gn_free_history(history);
    gn_close_dataset(options.train);
    gn_close_dataset(options.validation);
    gn_free_net(net);
    return hash;
}

static void ten_broken_ones_are_left_out_and_named(void **state)
{
    (void)state;
    int warnings = 0;
    size_t n;
    const struct gn_fit_options options = {
        .epochs = 2, .out = "run", .on_event = count_warnings, .user = &warnings
    };
    assert_true(train("thousand", options, GN_BAD_SKIP) != 0);
    assert_int_equal(warnings, BROKEN);
    char *list = (char *)test_read_file("run/bad-images.txt", &n);
    int lines = 0;
    for (size_t i = 0; i < n; i++)
        lines += list[i] == '\n';
    assert_int_equal(lines, BROKEN);
    for (int i = 1; i < PICTURES; i += PICTURES / BROKEN) {
        char name[32];
        (void)snprintf(name, sizeof name, "class%d/%04d.", i % TINY_CLASSES, i);
        assert_non_null(strstr(list, name));
    }
    free(list);
}

static void a_broken_one_stops_by_default(void **state)
{
    (void)state;
    assert_int_equal(train("thousand", (struct gn_fit_options){ .epochs = 1 }, GN_BAD_STOP), 0);
    check_error(GN_STATUS_BAD_DATA, "thousand/class");
}

static void too_many_broken_ones_are_an_error(void **state)
{
    (void)state;
    assert_int_equal(train("rotten", (struct gn_fit_options){ .epochs = 1 }, GN_BAD_SKIP), 0);
    check_error(GN_STATUS_BAD_DATA, "more than 5% of the");
}

static void bits_depend_on_neither_threads_nor_a_resume(void **state)
{
    (void)state;
    static const char *const lists[] = {
        NULL, "mirror,shift:2,crop:0.5,rotate:20,brightness:0.4,contrast:0.4,saturation:0.4,erase",
        "trivial-augment,mixup:0.4,cutmix"
    };
    uint32_t before = 0;
    for (int i = 0; i < 3; i++) {
        struct gn_fit_options options = { .epochs = 2, .threads = 1, .augment = lists[i] };
        const uint32_t one = train("small", options, GN_BAD_SKIP);
        assert_true(one != 0 && one != before);
        before = one;
        options.threads = 2;
        assert_int_equal(train("small", options, GN_BAD_SKIP), one);
        options.out = "resumed";
        options.max_steps = 9;
        assert_true(train("small", options, GN_BAD_SKIP) != 0);
        options.max_steps = 0;
        options.resume = true;
        assert_int_equal(train("small", options, GN_BAD_SKIP), one);
    }
}

/* As the program does: without antialiasing most of a large picture would be ignored. */
static void a_new_network_learns_pictures_with_antialiasing(void **state)
{
    (void)state;
    for (int given = 0; given < 2; given++) {
        gn_dataset *data = open_set("small", GN_TRAIN, GN_BAD_SKIP);
        gn_net *net =
            gn_preset("googlenet-small", .size = 16, .channels = 3, .classes = TINY_CLASSES,
                      .resize = given ? GN_RESIZE_HALF_PIXEL : GN_RESIZE_DEFAULT);
        gn_history *history = gn_fit(net, data, .batch = 4, .max_steps = 1);
        struct gn_net_info info = { .resize = GN_RESIZE_DEFAULT };
        assert_non_null(history);
        assert_int_equal(gn_net_describe(net, &info), GN_OK);
        assert_int_equal(info.resize, given ? GN_RESIZE_HALF_PIXEL : GN_RESIZE_PIL_BILINEAR);
        gn_free_history(history);
        gn_free_net(net);
        gn_close_dataset(data);
    }
}

/* The library writes all that the program needs to go on. */
static void the_program_goes_on_with_a_run_of_the_library(void **state)
{
    (void)state;
    const char *program = getenv("GOOGLENET");
    char command[512];
    gn_dataset *data = open_set("small", GN_TRAIN, GN_BAD_SKIP);
    for (int cut = 0; cut < 2; cut++) {
        gn_net *net =
            gn_preset("googlenet-small", .size = 16, .channels = 3, .classes = TINY_CLASSES);
        gn_history *history =
            gn_fit(net, data, .batch = 4, .epochs = 2, .lr = 1.0 / 30, .momentum = 0.9,
                   .out = cut ? "api-cut" : "api-straight", .max_steps = cut ? 2 : 0);
        if (history == NULL)
            fail_msg("%s", gn_error_message());
        gn_free_history(history);
        gn_free_net(net);
    }
    gn_close_dataset(data);
    assert_non_null(program);
    (void)snprintf(command, sizeof command, "'%s' train --resume api-cut --max-steps 1000 -q",
                   program);
    assert_int_equal(system(command), 0);
    assert_int_equal(system("cmp api-cut/model.safetensors api-straight/model.safetensors"), 0);
}

static void a_set_is_predicted_as_it_is_evaluated(void **state)
{
    (void)state;
    enum { N = 6 };
    gn_net *net = tiny_net();
    gn_dataset *data = gn_open_images("small/class0");
    struct gn_image image;
    float of_set[N * TINY_CLASSES], alone[TINY_CLASSES];
    assert_non_null(data);
    const struct gn_predict_options all = { .data = data, .first = 2, .n = N };
    assert_int_equal(gn_predict_with(net, of_set, &all), GN_OK);
    for (uint64_t i = 0; i < N; i++) {
        assert_int_equal(gn_dataset_picture(data, 2 + i, &image), GN_OK);
        assert_int_equal(gn_predict(net, alone, image.pixels, .n = 1, .height = image.height,
                                    .width = image.width, .channels = image.channels),
                         GN_OK);
        assert_memory_equal(alone, of_set + i * TINY_CLASSES, sizeof alone);
        gn_free_image(&image);
    }
    gn_close_dataset(data);
    gn_free_net(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_broken_ones_are_left_out_and_named),
        cmocka_unit_test(a_broken_one_stops_by_default),
        cmocka_unit_test(too_many_broken_ones_are_an_error),
        cmocka_unit_test(bits_depend_on_neither_threads_nor_a_resume),
        cmocka_unit_test(a_new_network_learns_pictures_with_antialiasing),
        cmocka_unit_test(the_program_goes_on_with_a_run_of_the_library),
        cmocka_unit_test(a_set_is_predicted_as_it_is_evaluated),
    };
    if (!GN_HAVE_JPEG || !GN_HAVE_PNG) {
        (void)puts("skipped: this build is without libjpeg-turbo or libpng");
        return 77;
    }
    return cmocka_run_group_tests(tests, setup, teardown);
}
