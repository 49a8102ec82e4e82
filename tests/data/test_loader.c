/*
 * The loader: order, last short batch, restarts, pixels equal to a direct resize, no allocation.
 *
 * labels: quick
 */
#include "base/memory.h"
#include "data/loader.h"
#include "data/order.h"
#include "data/files.h"
#include "support/resize.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <string.h>
#include <time.h>

enum { SAMPLES = 103, BATCH = 8, SIZE = 12 };

static char folder[PATH_BYTES];
static gn_dataset *data;

static int setup(void **state)
{
    (void)state;
    const struct shape shape = {
        .n = SAMPLES, .height = 5, .width = 7, .channels = 1, .classes = 9
    };
    make_folder(folder);
    write_split(folder, true, &shape, false);
    data = gn_open_dataset(folder);
    return data == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    gn_close_dataset(data);
    remove_folder(folder);
    return 0;
}

static struct gn_loader_options usual(void)
{
    return (struct gn_loader_options){ .data = data,
                                       .batch = BATCH,
                                       .height = SIZE,
                                       .width = SIZE,
                                       .channels = 1,
                                       .rule = GN_RESIZE_TF1_LEGACY,
                                       .seed = 4 };
}

static struct gn_loader *create(const struct gn_loader_options *options)
{
    struct gn_loader *loader = gn_loader_create(options);
    if (loader == NULL)
        fail_msg("%s", gn_error_message());
    return loader;
}

/* The batch is number i of the epoch, all of it. */
static void require_batch(const struct gn_batch *batch, const struct gn_loader_options *o,
                          uint32_t samples, uint64_t epoch, uint32_t i)
{
    static uint32_t order[SAMPLES];
    static float image[SIZE * SIZE];
    assert_int_equal(gn_shuffle_order(order, samples, o->shuffle, o->window, o->seed, epoch), 0);
    const uint32_t left = samples - i * BATCH;
    assert_int_equal(batch->n, left < BATCH ? left : BATCH);
    for (int k = 0; k < batch->n; k++) {
        const size_t sample = order[i * BATCH + (uint32_t)k];
        assert_int_equal(batch->labels[k], data->labels[sample]);
        resize_image(image, SIZE, SIZE, data->pixels + 35 * sample, 5, 7, 1, o->rule);
        assert_memory_equal(batch->images + (size_t)k * SIZE * SIZE, image, sizeof image);
    }
}

static void epochs_come_whole_and_in_order(void **state)
{
    (void)state;
    struct gn_loader_options options = usual();
    for (int rule = GN_RESIZE_TF1_LEGACY; rule <= GN_RESIZE_PIL_BILINEAR; rule++)
        for (int kind = GN_SHUFFLE_FULL; kind <= GN_SHUFFLE_NONE; kind++) {
            options.rule = (gn_resize)rule;
            options.shuffle = (gn_shuffle)kind;
            options.window = 20;
            struct gn_loader *loader = create(&options);
            assert_int_equal(gn_loader_samples(loader), SAMPLES);
            assert_int_equal(gn_loader_batches(loader), 13);
            for (uint64_t epoch = 0; epoch < 3; epoch++) {
                struct gn_batch batch;
                assert_int_equal(gn_loader_start(loader, epoch, 0), 0);
                for (uint32_t i = 0; i < 13; i++) {
                    assert_int_equal(gn_loader_next(loader, &batch), 0);
                    require_batch(&batch, &options, SAMPLES, epoch, i);
                }
                for (int again = 0; again < 2; again++) {
                    assert_int_equal(gn_loader_next(loader, &batch), 0);
                    assert_int_equal(batch.n, 0);
                }
            }
            gn_loader_free(loader);
        }
}

static void an_epoch_can_begin_at_any_batch(void **state)
{
    (void)state;
    const struct gn_loader_options options = usual();
    struct gn_loader *loader = create(&options);
    struct gn_batch batch;
    for (uint32_t first = 0; first <= 13; first++) {
        /* Dropped after a few batches, at different states of the thread. */
        assert_int_equal(gn_loader_start(loader, 7, first), 0);
        for (uint32_t i = first; i < 13 && i < first + first % 4; i++) {
            assert_int_equal(gn_loader_next(loader, &batch), 0);
            require_batch(&batch, &options, SAMPLES, 7, i);
        }
    }
    assert_int_equal(gn_loader_start(loader, 7, 13), 0);
    assert_int_equal(gn_loader_next(loader, &batch), 0);
    assert_int_equal(batch.n, 0);
    assert_int_equal(gn_loader_start(loader, 7, 14), GN_STATUS_BAD_ARGUMENT);
    gn_loader_free(loader);
}

static void a_batch_is_valid_until_the_next_call(void **state)
{
    (void)state;
    const struct gn_loader_options options = usual();
    struct gn_loader *loader = create(&options);
    struct gn_batch batch;
    assert_int_equal(gn_loader_start(loader, 1, 0), 0);
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(gn_loader_next(loader, &batch), 0);
        /* Time for the thread to make all that it may. */
        const struct timespec pause = { .tv_nsec = 3000000 };
        (void)nanosleep(&pause, NULL);
        require_batch(&batch, &options, SAMPLES, 1, i);
    }
    gn_loader_free(loader);
}

static void a_limit_comes_before_the_shuffle(void **state)
{
    (void)state;
    struct gn_loader_options options = usual();
    options.limit = 21;
    struct gn_loader *loader = create(&options);
    assert_int_equal(gn_loader_samples(loader), 21);
    assert_int_equal(gn_loader_batches(loader), 3);
    assert_int_equal(gn_loader_start(loader, 0, 0), 0);
    for (uint32_t i = 0; i < 3; i++) {
        struct gn_batch batch;
        assert_int_equal(gn_loader_next(loader, &batch), 0);
        require_batch(&batch, &options, 21, 0, i);
    }
    gn_loader_free(loader);
    options.limit = 1000;
    loader = create(&options);
    assert_int_equal(gn_loader_samples(loader), SAMPLES);
    gn_loader_free(loader);
}

static void epochs_allocate_nothing(void **state)
{
    (void)state;
    const struct gn_loader_options options = usual();
    struct gn_loader *loader = create(&options);
    const uint64_t before = gn_alloc_count();
    for (uint64_t epoch = 0; epoch < 3; epoch++) {
        struct gn_batch batch;
        assert_int_equal(gn_loader_start(loader, epoch, 0), 0);
        do {
            assert_int_equal(gn_loader_next(loader, &batch), 0);
        } while (batch.n > 0);
    }
    assert_int_equal(gn_alloc_count(), before);
    gn_loader_free(loader);
}

static void a_new_loader_waits_for_its_first_epoch(void **state)
{
    (void)state;
    const struct gn_loader_options options = usual();
    struct gn_loader *loader = create(&options);
    struct gn_batch batch;
    assert_int_equal(gn_loader_next(loader, &batch), 0);
    assert_int_equal(batch.n, 0);
    gn_loader_free(loader);
    gn_loader_free(NULL);
}

static void impossible_options_are_refused(void **state)
{
    (void)state;
    struct gn_loader_options options = usual();
    options.channels = 2;
    assert_null(gn_loader_create(&options));
    assert_int_equal(gn_error_status(), GN_STATUS_BAD_SHAPE);
    assert_non_null(strstr(gn_error_message(), "images have 1 channels, the network takes 2"));
    options = usual();
    options.batch = 0;
    assert_null(gn_loader_create(&options));
    assert_int_equal(gn_error_status(), GN_STATUS_BAD_ARGUMENT);
    options = usual();
    options.batch = options.height = options.width = INT32_MAX;
    assert_null(gn_loader_create(&options));
    assert_int_equal(gn_error_status(), GN_STATUS_NO_MEMORY);
}

static void a_failed_allocation_is_an_error_and_no_leak(void **state)
{
    (void)state;
    const struct gn_loader_options options = usual();
    struct gn_loader *loader = NULL;
    uint64_t k = 0;
    for (; loader == NULL && k < 50; k++) {
        gn_alloc_fail_after(k + 1, false);
        loader = gn_loader_create(&options);
        gn_alloc_fail_after(0, false);
        if (loader == NULL)
            assert_int_equal(gn_error_status(), GN_STATUS_NO_MEMORY);
    }
    /* The loader, the order, a list, two arrays about a batch, 3 times the six arrays of a buffer, the threads, and for one
     * thread the sampler, what makes inputs, three images and the tables. */
    assert_int_equal(k, 1 + 4 + 3 * 6 + 1 + 6 + 1);
    gn_loader_free(loader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(epochs_come_whole_and_in_order),
        cmocka_unit_test(an_epoch_can_begin_at_any_batch),
        cmocka_unit_test(a_batch_is_valid_until_the_next_call),
        cmocka_unit_test(a_limit_comes_before_the_shuffle),
        cmocka_unit_test(epochs_allocate_nothing),
        cmocka_unit_test(a_new_loader_waits_for_its_first_epoch),
        cmocka_unit_test(impossible_options_are_refused),
        cmocka_unit_test(a_failed_allocation_is_an_error_and_no_leak),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
