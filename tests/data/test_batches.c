/* labels: quick
 *
 * What depends on a whole batch: pictures that are left out take their labels along, and images are mixed
 * with the next one that is there, each epoch otherwise. */
#include "data/files.h"
#include "data/loader.h"
#include "support/check.h"

#include <math.h>
#include <sys/stat.h>

enum { CLASSES = 4, EACH = 10, SIDE = 4, C = 3, FLOATS = SIDE * SIDE * C, MOST = CLASSES * EACH };

static gn_dataset *data;

/* All pixels of picture k of class c are 10 c + k; picture 3 of each class is cut short. */
static void write_picture(int c, int k)
{
    struct bytes b = { 0 };
    char text[32];
    const int head = snprintf(text, sizeof text, "P6 %d %d 255\n", SIDE, SIDE);
    bytes_add(&b, text, (size_t)head);
    for (int i = 0; i < (k == 3 ? FLOATS / 2 : FLOATS); i++) {
        const uint8_t value = (uint8_t)(10 * c + k);
        bytes_add(&b, &value, 1);
    }
    (void)snprintf(text, sizeof text, "set/train/%c/%02d.ppm", 'a' + c, k);
    write_bytes(".", text, &b);
    bytes_free(&b);
}

static int setup(void **state)
{
    (void)state;
    static const char *const folders[] = { "set", "set/train", "set/test" };
    for (int i = 0; i < 3; i++)
        assert_int_equal(mkdir(folders[i], 0777), 0);
    for (int c = 0; c < CLASSES; c++) {
        char name[32];
        (void)snprintf(name, sizeof name, "set/train/%c", 'a' + c);
        assert_int_equal(mkdir(name, 0777), 0);
        (void)snprintf(name, sizeof name, "set/test/%c", 'a' + c);
        assert_int_equal(mkdir(name, 0777), 0);
        for (int k = 0; k < EACH; k++)
            write_picture(c, k);
    }
    data = gn_open_dataset("set", .split = GN_TRAIN, .on_bad_image = GN_BAD_SKIP, .channels = C);
    if (data == NULL)
        fail_msg("%s", gn_error_message());
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    gn_close_dataset(data);
    return 0;
}

/* The first batch of an epoch, of all pictures. */
static struct gn_loader *begin(const char *augment, gn_shuffle shuffle, uint64_t epoch,
                               struct gn_batch *batch)
{
    struct gn_loader_options o = { .data = data,
                                   .batch = MOST,
                                   .height = SIDE,
                                   .width = SIDE,
                                   .channels = C,
                                   .rule = GN_RESIZE_HALF_PIXEL,
                                   .shuffle = shuffle,
                                   .seed = 3 };
    assert_int_equal(gn_augment_parse(&o.augment, augment), GN_OK);
    struct gn_loader *loader = gn_loader_create(&o);
    assert_non_null(loader);
    assert_int_equal(gn_loader_start(loader, epoch, 0), GN_OK);
    if (gn_loader_next(loader, batch) != GN_OK)
        fail_msg("%s", gn_error_message());
    assert_int_equal(batch->n, MOST - CLASSES);
    assert_int_equal(batch->left_out, CLASSES);
    return loader;
}

static int value_at(const struct gn_batch *batch, int i)
{
    return (int)lrintf(255 * batch->images[i * FLOATS]);
}

static void pictures_that_are_left_out_take_their_labels_along(void **state)
{
    (void)state;
    for (int shuffle = 0; shuffle < 2; shuffle++) {
        struct gn_batch batch;
        bool seen[MOST] = { false };
        struct gn_loader *loader =
            begin("none", shuffle == 0 ? GN_SHUFFLE_NONE : GN_SHUFFLE_FULL, 0, &batch);
        for (int i = 0; i < batch.n; i++) {
            const int value = value_at(&batch, i);
            for (int k = 0; k < FLOATS; k++)
                assert_int_equal(lrintf(255 * batch.images[i * FLOATS + k]), value);
            assert_int_equal(batch.labels[i], value / 10);
            assert_true(value % 10 != 3 && !seen[value]);
            seen[value] = true;
        }
        gn_loader_free(loader);
    }
}

static void images_are_mixed_with_the_next_that_is_there(void **state)
{
    (void)state;
    enum { RUNS = 3 };
    static float shares[RUNS][MOST];
    for (int run = 0; run < RUNS; run++) {
        struct gn_batch plain, mixed;
        struct gn_loader *one = begin("none", GN_SHUFFLE_NONE, (uint64_t)run, &plain);
        struct gn_loader *two = begin("mixup:0.8", GN_SHUFFLE_NONE, (uint64_t)run, &mixed);
        assert_true(plain.others == NULL && mixed.others != NULL && mixed.shares != NULL);
        for (int i = 0; i < plain.n; i++) {
            const int next = (i + 1) % plain.n;
            const float share = mixed.shares[i];
            const float wanted =
                (1 - share) * plain.images[i * FLOATS] + share * plain.images[next * FLOATS];
            assert_true(fabsf(mixed.images[i * FLOATS] - wanted) < 1e-6F);
            assert_int_equal(mixed.labels[i], plain.labels[i]);
            assert_int_equal(mixed.others[i], plain.labels[next]);
            shares[run][i] = share;
        }
        gn_loader_free(one);
        gn_loader_free(two);
    }
    /* Every picture has shares of its own, other ones in each epoch. */
    int equal = 0;
    for (int i = 0; i < MOST - CLASSES; i++) {
        equal += fabsf(shares[0][i] - shares[1][i]) <= 0 || fabsf(shares[0][i] - shares[2][i]) <= 0;
        equal += i > 0 && fabsf(shares[0][i] - shares[0][i - 1]) <= 0;
    }
    assert_int_equal(equal, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_that_are_left_out_take_their_labels_along),
        cmocka_unit_test(images_are_mixed_with_the_next_that_is_there),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
