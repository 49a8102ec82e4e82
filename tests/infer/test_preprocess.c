/* labels: quick
 *
 * The preprocessor makes of pixels and of files exactly what a data set makes of them, for every
 * preset and rule, and of damaged bytes an error. */
#include "base/random.h"
#include "data/loader.h"
#include "infer/match.h"
#include "infer/pictures.h"
#include "support/check.h"

#include <math.h>
#include <stdlib.h>

enum { SIZE = 64 };

static int setup(void **state)
{
    (void)state;
    golden_write("pictures", GOLDEN_KINDS);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    golden_close();
    return 0;
}

/* The golden pictures as a loader gives them, compared with what the preprocessor makes. */
static void compare(const gn_net *net, gn_resize resize, bool scaled)
{
    gn_dataset *data = gn_open_images("pictures");
    assert_non_null(data);
    data->options.scaled_decode = scaled;
    const gn_resize rule = resize == GN_RESIZE_DEFAULT ? net->resize : resize;
    const struct gn_loader_options options = gn_loader_for(net, data, 0, GOLDEN_KINDS, rule);
    struct gn_loader *loader = gn_loader_create(&options);
    struct gn_batch batch;
    assert_non_null(loader);
    assert_int_equal(gn_loader_start(loader, 0, 0), GN_OK);
    assert_int_equal(gn_loader_next(loader, &batch), GN_OK);
    assert_int_equal(batch.n, GOLDEN_KINDS);

    gn_preprocessor *p = gn_preprocessor_create(net, resize, .scaled_decode = scaled);
    const size_t floats = (size_t)net->input.h * (size_t)net->input.w * (size_t)net->input.c;
    float *input = malloc(floats * sizeof *input);
    assert_non_null(p);
    assert_non_null(input);
    for (int i = 0; i < GOLDEN_KINDS; i++) {
        const struct gn_file_bytes file = golden_file(i);
        const float *wanted = batch.images + (size_t)i * floats;
        assert_int_equal(gn_preprocess_file(p, file.bytes, file.size, input), GN_OK);
        assert_memory_equal(input, wanted, floats * sizeof *input);
        if (scaled)
            continue;
        struct gn_image image, header;
        assert_int_equal(gn_image_decode(file.bytes, file.size, &image), GN_OK);
        assert_int_equal(gn_image_measure(file.bytes, file.size, &header), GN_OK);
        assert_int_equal(header.height, image.height);
        assert_int_equal(header.width, image.width);
        assert_int_equal(header.channels, image.channels);
        assert_null(header.pixels);
        memset(input, 0xff, floats * sizeof *input);
        assert_int_equal(gn_preprocess(p, &image, 0, input), GN_OK);
        assert_memory_equal(input, wanted, floats * sizeof *input);
        gn_free_image(&image);
    }
    free(input);
    gn_preprocessor_free(p);
    gn_loader_free(loader);
    gn_close_dataset(data);
}

static void it_equals_the_data_set_for_every_preset_and_rule(void **state)
{
    (void)state;
    for (int i = 0; gn_preset_name(i) != NULL; i++)
        for (int channels = 1; channels <= 3; channels += 2) {
            gn_net *net = gn_preset(gn_preset_name(i), .size = SIZE, .channels = channels);
            assert_non_null(net);
            for (int rule = GN_RESIZE_DEFAULT; rule <= GN_RESIZE_PIL_BILINEAR; rule++)
                compare(net, (gn_resize)rule, false);
            compare(net, GN_RESIZE_DEFAULT, true);
            gn_free_net(net);
        }
}

static gn_net *small_net(int channels)
{
    gn_net *net = gn_preset("googlenet-small", .size = 32, .channels = channels);
    assert_non_null(net);
    return net;
}

static void rows_may_be_apart_and_grey_becomes_colour(void **state)
{
    (void)state;
    enum { H = 7, W = 11, STRIDE = 40, INPUT = 32 * 32 * 3 };
    uint8_t dense[H][W][3], apart[H][STRIDE], grey[H][W];
    static float a[INPUT], b[INPUT];
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            grey[y][x] = (uint8_t)gn_random_bits(0, GN_RANDOM_TEST, 2, (uint64_t)(y * W + x));
            dense[y][x][0] = dense[y][x][1] = dense[y][x][2] = grey[y][x];
        }
    memset(apart, 99, sizeof apart);
    for (int y = 0; y < H; y++)
        memcpy(apart[y], dense[y], sizeof dense[y]);
    gn_net *net = small_net(3);
    gn_preprocessor *p = gn_preprocessor_create_with(net, NULL);
    gn_free_net(net); /* it is not needed any more */
    struct gn_image image = { .height = H, .width = W, .channels = 3, .pixels = &dense[0][0][0] };
    assert_int_equal(gn_preprocess(p, &image, 0, a), GN_OK);
    image.pixels = &apart[0][0];
    assert_int_equal(gn_preprocess(p, &image, STRIDE, b), GN_OK);
    assert_memory_equal(a, b, sizeof a);
    assert_int_equal(gn_preprocess(p, &image, 3 * W - 1, b), GN_STATUS_BAD_ARGUMENT);
    check_error(GN_STATUS_BAD_ARGUMENT, "rows are 32 bytes apart and have 33 bytes");
    image = (struct gn_image){ .height = H, .width = W, .channels = 1, .pixels = &grey[0][0] };
    memset(b, 0, sizeof b);
    assert_int_equal(gn_preprocess(p, &image, 0, b), GN_OK);
    assert_memory_equal(a, b, sizeof a);
    image.channels = 2;
    assert_int_equal(gn_preprocess(p, &image, 0, b), GN_STATUS_BAD_SHAPE);
    check_error(GN_STATUS_BAD_SHAPE, "the image has 2 channels, the network takes 3");
    image = (struct gn_image){ .height = 0, .width = W, .channels = 1, .pixels = &grey[0][0] };
    assert_int_equal(gn_preprocess(p, &image, 0, b), GN_STATUS_BAD_ARGUMENT);
    check_error(GN_STATUS_BAD_ARGUMENT, "0x11");
    gn_preprocessor_free(p);
    gn_preprocessor_free(NULL);
    assert_null(gn_preprocessor_create_with(NULL, NULL));
    check_error(GN_STATUS_BAD_ARGUMENT, "no network is given");
}

/* Truncated anywhere, or with bytes changed: a picture or BAD_DATA with a sentence, and numbers. */
static void damaged_bytes_are_an_error_or_a_picture(void **state)
{
    (void)state;
    enum { TRIES = 400, INPUT = 32 * 32 * 3 };
    static float input[INPUT];
    gn_net *net = small_net(3);
    gn_preprocessor *p = gn_preprocessor_create_with(net, NULL);
    int bad = 0;
    for (uint64_t try = 0; try < TRIES; try++) {
        const struct gn_file_bytes file = golden_file((int)(try % GOLDEN_KINDS));
        uint8_t *bytes = malloc(file.size);
        assert_non_null(bytes);
        memcpy(bytes, file.bytes, file.size);
        size_t n = file.size;
        if (try % 3 == 0)
            n = (size_t)gn_random_below(0, GN_RANDOM_TEST, 3, try, (uint32_t)n);
        for (uint64_t k = 0; n > 0 && k < try % 3 * 4; k++)
            bytes[gn_random_below(0, GN_RANDOM_TEST, 4, 16 * try + k, (uint32_t)n)] =
                (uint8_t)gn_random_bits(0, GN_RANDOM_TEST, 5, 16 * try + k);
        uint8_t *exact = malloc(n + 1); /* a sanitizer sees a read beyond the end */
        assert_non_null(exact);
        memcpy(exact, bytes, n);
        const gn_status status = gn_preprocess_file(p, exact, n, input);
        if (status != GN_OK) {
            check_error(GN_STATUS_BAD_DATA, "picture in memory: ");
            bad++;
        } else {
            for (int i = 0; i < INPUT; i++)
                assert_true(isfinite(input[i]));
        }
        free(exact);
        free(bytes);
    }
    assert_true(bad > TRIES / 4 && bad < TRIES);
    struct gn_image image;
    assert_int_equal(gn_image_decode("nothing", 7, &image), GN_STATUS_BAD_DATA);
    check_error(GN_STATUS_BAD_DATA, "picture in memory: picture: its first bytes are not those of");
    assert_null(image.pixels);
    assert_int_equal(gn_image_decode(NULL, 7, &image), GN_STATUS_BAD_ARGUMENT);
    assert_int_equal(gn_image_measure("nothing", 7, &image), GN_STATUS_BAD_DATA);
    assert_int_equal(gn_image_measure(NULL, 7, &image), GN_STATUS_BAD_ARGUMENT);
    gn_preprocessor_free(p);
    gn_free_net(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_equals_the_data_set_for_every_preset_and_rule),
        cmocka_unit_test(rows_may_be_apart_and_grey_becomes_colour),
        cmocka_unit_test(damaged_bytes_are_an_error_or_a_picture),
    };
    if (!golden_readable()) {
        (void)puts("skipped: this build is without libjpeg-turbo or libpng");
        return 77;
    }
    return cmocka_run_group_tests(tests, setup, teardown);
}
