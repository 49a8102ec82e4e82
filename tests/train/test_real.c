/* labels: push isa
 * timeout: 900
 *
 * The notebook's network itself: what it knows at the start, that it learns, and that its bits do
 * not depend on threads. Fashion-MNIST where it is installed, otherwise images of the same kind. */
#include "base/random.h"
#include "support/check.h"
#include "support/files.h"

#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { SAMPLES = 64, SIDE = 28, CLASSES = 10 };

static gn_dataset *data;

/* ---- Data ---- */

static void put_header(uint8_t *to, uint32_t magic, const uint32_t *sizes, int n)
{
    for (int k = 0; k <= n; k++)
        for (int i = 0; i < 4; i++)
            to[4 * k + i] = (uint8_t)((k == 0 ? magic : sizes[k - 1]) >> (24 - 8 * i));
}

/* Classes differ in where a bright square is. */
static void write_substitute(void)
{
    static uint8_t images[16 + SAMPLES * SIDE * SIDE], labels[8 + SAMPLES];
    put_header(images, 0x803, (const uint32_t[]){ SAMPLES, SIDE, SIDE }, 3);
    put_header(labels, 0x801, (const uint32_t[]){ SAMPLES }, 1);
    for (int n = 0; n < SAMPLES; n++) {
        const int label = (CLASSES - 1) - n % CLASSES;
        labels[8 + n] = (uint8_t)label;
        for (int p = 0; p < SIDE * SIDE; p++) {
            const bool inside = p / SIDE / 6 == label / 4 && p % SIDE / 7 == label % 4;
            const uint64_t noise = gn_random_below(0, GN_RANDOM_TEST, (uint64_t)n, (uint64_t)p, 80);
            images[16 + n * SIDE * SIDE + p] = (uint8_t)(noise + (inside ? 160 : 0));
        }
    }
    assert_int_equal(mkdir("substitute", 0777), 0);
    test_write_file("substitute/train-images-idx3-ubyte", images, sizeof images);
    test_write_file("substitute/train-labels-idx1-ubyte", labels, sizeof labels);
}

static int open_data(void **state)
{
    (void)state;
    data = gn_open_dataset("fashion-mnist", .split = GN_TRAIN, .offline = true);
    if (data == NULL) {
        print_message("Fashion-MNIST is not installed: images made up instead\n");
        write_substitute();
        data = gn_open_dataset("substitute", .split = GN_TRAIN);
    }
    return data == NULL;
}

static int close_data(void **state)
{
    (void)state;
    gn_close_dataset(data);
    return 0;
}

static gn_net *new_net(int size)
{
    gn_net *net = gn_googlenet(.size = size, .channels = 1, .classes = CLASSES, .seed = 1);
    if (net == NULL)
        fail_msg("%s", gn_error_message());
    return net;
}

/* ---- Tests ---- */

static void keep_first_loss(const struct gn_event *event, void *user)
{
    double *loss = user;
    if (event->kind == GN_EVENT_STEP && event->total_step == 1)
        *loss = event->step_loss;
}

static void knows_nothing_at_the_start(void **state)
{
    (void)state;
    double loss = 0;
    gn_net *net = new_net(96);
    gn_history *history = gn_fit(net, data, .limit_train = SAMPLES, .batch = SAMPLES, .epochs = 1,
                                 .max_steps = 1, .on_event = keep_first_loss, .user = &loss);
    if (history == NULL)
        fail_msg("%s", gn_error_message());
    print_message("loss of the first step %.5f, ln 10 is %.5f\n", loss, log(CLASSES));
    assert_true(fabs(loss - log(CLASSES)) < 0.05 * log(CLASSES));
    gn_free_history(history);
    gn_free_net(net);
}

static void threads_change_no_bit_in_30_steps(void **state)
{
    (void)state;
    uint32_t first = 0;
    for (int threads = 1; threads <= 4; threads++) {
        gn_net *net = new_net(32);
        gn_history *history = gn_fit(net, data, .limit_train = SAMPLES, .batch = 8, .epochs = 9,
                                     .max_steps = 30, .threads = threads);
        if (history == NULL)
            fail_msg("%s", gn_error_message());
        if (threads == 1)
            first = gn_net_hash(net);
        assert_int_equal(gn_net_hash(net), first);
        gn_free_history(history);
        gn_free_net(net);
    }
}

struct overfit {
    volatile int stop;
    uint64_t steps;
    double accuracy;
};

static void stop_when_all_are_right(const struct gn_event *event, void *user)
{
    struct overfit *overfit = user;
    if (event->kind != GN_EVENT_EPOCH)
        return;
    overfit->steps = event->total_step;
    overfit->accuracy = event->val_accuracy;
    overfit->stop = event->val_accuracy >= 1;
}

static void learns_64_images_by_heart(void **state)
{
    (void)state;
    struct overfit overfit = { 0 };
    gn_net *net = new_net(32);
    gn_history *history =
        gn_fit(net, data, .validation = data, .limit_train = SAMPLES, .limit_val = SAMPLES,
               .batch = 16, .epochs = 250, .optimizer = GN_ADAMW, .lr = 0.001,
               .on_event = stop_when_all_are_right, .user = &overfit, .stop = &overfit.stop);
    print_message("accuracy %.4f after %llu steps\n", overfit.accuracy,
                  (unsigned long long)overfit.steps);
    assert_true(overfit.accuracy >= 1);
    gn_free_history(history);
    gn_free_net(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_nothing_at_the_start),
        cmocka_unit_test(threads_change_no_bit_in_30_steps),
        cmocka_unit_test(learns_64_images_by_heart),
    };
    return cmocka_run_group_tests(tests, open_data, close_data);
}
