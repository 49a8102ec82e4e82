/* labels: push isa
 * timeout: 600
 *
 * Running plans: the same bits for any number of threads, at every run and (where both can run) on
 * AVX2 and AVX-512; slices and short batches; no allocation after planning; the estimate; NaN is
 * seen; every allocation of planning failing in turn. */
#include "file/crc32c.h"
#include "base/memory.h"
#include "ops/kernels.h"
#include "plan/networks.h"
#include "plan/plan.h"
#include "support/check.h"

#include <math.h>
#include <stdlib.h>

/* A network with a batch and room for its gradients. */
struct fixture {
    gn_net *net;
    float *images, *grads;
    int32_t *labels;
    size_t bytes; /* of grads */
    int n;
};

static struct fixture new_fixture(gn_net *net, int n)
{
    assert_non_null(net);
    struct fixture f = { .net = net, .n = n };
    f.images = test_images(net, n, 1);
    f.labels = test_labels(net, n);
    f.bytes = net->graph->n_floats * sizeof *f.grads;
    f.grads = gn_calloc(1, f.bytes, "gradients");
    assert_non_null(f.grads);
    return f;
}

static void free_fixture(struct fixture *f)
{
    gn_free(f->images);
    gn_free(f->labels);
    gn_free(f->grads);
    gn_free_net(f->net);
}

static struct gn_plan *plan_of(const struct fixture *f, int threads, int slice,
                               gn_algorithm algorithm)
{
    const struct gn_plan_options options = {
        .train = true, .batch = f->n, .threads = threads, .slice = slice, .algorithm = algorithm
    };
    struct gn_plan *plan = gn_plan_create(f->net, &options);
    assert_non_null(plan);
    return plan;
}

static struct gn_plan *plan_for(const struct fixture *f, int threads, int slice)
{
    return plan_of(f, threads, slice, GN_ALGORITHM_AUTO);
}

/* Gradients of the first n images into f->grads; returns the mean loss. */
static double gradients(const struct fixture *f, struct gn_plan *plan, int n)
{
    struct gn_plan_sums sums;
    assert_int_equal(
        gn_plan_gradients(
            plan, &(struct gn_plan_batch){ .images = f->images, .labels = f->labels, .n = n },
            f->grads, &sums),
        GN_OK);
    assert_in_range(sums.correct, 0, n);
    return sums.loss / n;
}

/* Some SGD steps from the same start; the hash of weights and last gradients. */
static uint32_t train(const struct fixture *f, int threads, int slice, int steps)
{
    gn_net_init(f->net, 9);
    memset(f->grads, 0, f->bytes);
    struct gn_plan *plan = plan_for(f, threads, slice);
    for (int step = 0; step < steps; step++) {
        (void)gradients(f, plan, f->n);
        for (size_t k = 0; k < f->bytes / sizeof *f->grads; k++)
            f->net->params[k] -= 0.05F * f->grads[k];
        gn_plan_params_changed(plan);
    }
    assert_int_equal(gn_plan_threads(plan), threads);
    gn_plan_free(plan);
    return gn_crc32c(gn_net_hash(f->net), f->grads, f->bytes);
}

static void the_number_of_threads_changes_no_bit(void **state)
{
    (void)state;
    struct fixture f = new_fixture(gn_googlenet(.size = 48), 7);
    const uint32_t one = train(&f, 1, 4, 3);
    for (int threads = 2; threads <= 4; threads++)
        assert_int_equal(train(&f, threads, 4, 3), one);
    assert_int_equal(train(&f, 2, 4, 3), one); /* and again */
    free_fixture(&f);
    const char *name;
    gn_net *net;
    for (int i = 0; (net = test_network(i, &name)) != NULL; i++) {
        f = new_fixture(net, 5);
        const uint32_t first = train(&f, 1, 2, 3);
        for (int threads = 2; threads <= 4; threads++)
            if (train(&f, threads, 2, 3) != first)
                fail_msg("%s: other bits with %d threads", name, threads);
        free_fixture(&f);
    }
}

/* The hash of logits and gradients of all images by a new plan. */
static uint32_t run_once(const struct fixture *f, const struct gn_plan_options *options)
{
    float logits[40 * 16];
    const size_t n = (size_t)f->n * (size_t)f->net->classes;
    assert_true(n <= sizeof logits / sizeof logits[0]);
    struct gn_plan *plan = gn_plan_create(f->net, options);
    assert_non_null(plan);
    assert_int_equal(gn_plan_forward(plan, f->images, f->n, logits), GN_OK);
    const uint32_t hash = gn_crc32c(0, logits, n * sizeof *logits);
    if (options->train) {
        memset(f->grads, 0, f->bytes);
        (void)gradients(f, plan, f->n);
    }
    gn_plan_free(plan);
    return options->train ? gn_crc32c(hash, f->grads, f->bytes) : hash;
}

/* How many images a thread takes through a chain, and whether the team shares what remains, is seen
 * in no bit. A portion of 100 leaves all to the team: nothing runs depth first. */
static void chains_change_no_bit(void **state)
{
    (void)state;
    static const int batches[] = { 1, 5, 33 }, portions[] = { 1, 2, 4, 7, 0 };
    const char *name;
    gn_net *net;
    for (int i = 0; (net = test_network(i, &name)) != NULL; i++) {
        const bool moves = gn_graph_params(net->graph, false) > 0; /* running statistics */
        struct fixture f = new_fixture(net, batches[i % 3]);
        for (int k = 0; k < 12; k++) {
            struct gn_plan_options o = { .train = !moves && k % 2 == 1,
                                         .batch = f.n,
                                         .slice = k % 4 < 2 ? 0 : 4,
                                         .threads = 1,
                                         .algorithm = (gn_algorithm)(k / 4),
                                         .portion = 100 };
            const uint32_t whole = run_once(&f, &o);
            for (int p = 0; p < 5; p++) {
                o.portion = portions[p];
                o.threads = 1 + (k + p) % 4;
                if (run_once(&f, &o) != whole)
                    fail_msg("%s: other bits with portions of %d, %d threads", name, o.portion,
                             o.threads);
            }
        }
        free_fixture(&f);
    }
}

/* Real sizes, at which the first chain takes three images at a time. */
static void chains_of_the_network_change_no_bit(void **state)
{
    (void)state;
    struct fixture f = new_fixture(gn_googlenet(.size = 96), 7);
    for (int train = 0; train < 2; train++) {
        struct gn_plan_options o = {
            .train = train != 0, .batch = f.n, .slice = 7, .threads = 1, .portion = 100
        };
        const uint32_t whole = run_once(&f, &o);
        o.portion = 0;
        for (o.threads = 1; o.threads <= 4; o.threads++)
            assert_int_equal(run_once(&f, &o), whole);
    }
    free_fixture(&f);
}

/* Packing ahead, also when it is given up at once. */
static void packing_ahead_changes_no_bit(void **state)
{
    (void)state;
    struct fixture f = new_fixture(gn_googlenet(.size = 48), 3);
    gn_net_init(f.net, 9);
    struct gn_plan *plan = plan_for(&f, 2, 2);
    const double loss = gradients(&f, plan, f.n);
    const uint32_t bits = gn_crc32c(0, f.grads, f.bytes);
    gn_plan_free(plan);
    for (int given_up = 0; given_up < 2; given_up++) {
        const atomic_bool enough = given_up;
        plan = plan_for(&f, 2, 2);
        gn_plan_prepare(plan, &enough);
        memset(f.grads, 0, f.bytes);
        assert_true(gradients(&f, plan, f.n) == loss);
        assert_int_equal(gn_crc32c(0, f.grads, f.bytes), bits);
        gn_plan_params_changed(plan);
        assert_true(gradients(&f, plan, f.n) == loss);
        gn_plan_free(plan);
    }
    free_fixture(&f);
}

/* Wide vectors change the shape of the tiles, not the order of a sum. */
static void avx2_and_avx512_give_the_same_bits(void **state)
{
    (void)state;
    if (gn_cpu_kernels_named("avx512") == NULL || gn_cpu_kernels_named("avx2") == NULL) {
        print_message("skipped: this CPU cannot run both AVX2 and AVX-512 kernels\n");
        skip();
    }
    const char *before = getenv("GOOGLENET_ISA");
    char *held = before == NULL ? NULL : strdup(before);
    struct fixture f = new_fixture(gn_googlenet(.size = 48), 5);
    uint32_t hash[2];
    static const char *const sets[2] = { "avx2", "avx512" };
    for (int i = 0; i < 2; i++) {
        assert_int_equal(setenv("GOOGLENET_ISA", sets[i], 1), 0);
        hash[i] = train(&f, 2, 3, 2);
    }
    if (held == NULL)
        (void)unsetenv("GOOGLENET_ISA");
    else
        (void)setenv("GOOGLENET_ISA", held, 1);
    free(held);
    assert_int_equal(hash[0], hash[1]);
    free_fixture(&f);
}

static double difference(const float *a, const float *b, size_t n)
{
    double sum = 0, norm = 0;
    for (size_t i = 0; i < n; i++) {
        sum += pow((double)a[i] - (double)b[i], 2);
        norm += (double)b[i] * (double)b[i];
    }
    return sqrt(sum / norm);
}

/* Direct kernels: the choice of Winograd's depends on the slice. */
static void slices_add_up_to_the_whole_batch(void **state)
{
    (void)state;
    enum { N = 7 };
    struct fixture f = new_fixture(gn_googlenet(.size = 32), N);
    float *whole = gn_calloc(1, f.bytes, "gradients");
    assert_non_null(whole);
    struct gn_plan *plan = plan_of(&f, 2, N, GN_ALGORITHM_DIRECT);
    const double loss = gradients(&f, plan, N);
    float logits[N * 10], sliced[N * 10];
    assert_int_equal(gn_plan_forward(plan, f.images, N, logits), GN_OK);
    gn_plan_free(plan);
    memcpy(whole, f.grads, f.bytes);
    for (int slice = 1; slice < N; slice++) {
        plan = plan_of(&f, 2, slice, GN_ALGORITHM_DIRECT);
        assert_true(fabs(gradients(&f, plan, N) - loss) < 1e-6);
        assert_true(difference(f.grads, whole, f.bytes / sizeof *whole) < 1e-6);
        assert_int_equal(gn_plan_forward(plan, f.images, N, sliced), GN_OK);
        assert_memory_equal(sliced, logits, sizeof logits);
        gn_plan_free(plan);
    }
    gn_free(whole);
    free_fixture(&f);
}

/* The last batch of an epoch is short; a plan for a larger one gives what one of its size gives. */
static void short_batches_are_batches_of_their_size(void **state)
{
    (void)state;
    struct fixture f = new_fixture(gn_googlenet(.size = 32), 7);
    float *expected = gn_calloc(1, f.bytes, "gradients");
    struct gn_plan *large = plan_for(&f, 2, 3);
    assert_non_null(expected);
    for (int n = 7; n >= 1; n--) {
        (void)gradients(&f, large, n);
        memcpy(expected, f.grads, f.bytes);
        f.n = n;
        struct gn_plan *own = plan_for(&f, 1, 3);
        (void)gradients(&f, own, n);
        assert_memory_equal(f.grads, expected, f.bytes);
        gn_plan_free(own);
    }
    struct gn_plan_sums sums;
    assert_int_equal(
        gn_plan_gradients(large,
                          &(struct gn_plan_batch){ .images = f.images, .labels = f.labels, .n = 8 },
                          f.grads, &sums),
        GN_STATUS_BAD_ARGUMENT);
    check_error(GN_STATUS_BAD_ARGUMENT, "8 images for a plan of at most 7");
    assert_int_equal(gn_plan_forward(large, f.images, 0, NULL), GN_STATUS_BAD_ARGUMENT);
    gn_plan_free(large);
    gn_free(expected);
    free_fixture(&f);
}

static void nothing_is_allocated_after_planning(void **state)
{
    (void)state;
    struct fixture f = new_fixture(gn_googlenet(.size = 32), 5);
    struct gn_plan *plan = plan_for(&f, 2, 2);
    const uint64_t before = gn_alloc_count();
    float logits[50];
    for (int step = 0; step < 3; step++) {
        (void)gradients(&f, plan, 5 - step);
        gn_plan_params_changed(plan);
        assert_int_equal(gn_plan_forward(plan, f.images, 5, logits), GN_OK);
    }
    assert_int_equal(gn_alloc_count(), before);
    gn_plan_free(plan);
    free_fixture(&f);
}

static void the_estimate_is_what_a_plan_takes(void **state)
{
    (void)state;
    gn_net *net = gn_googlenet(.size = 64);
    assert_non_null(net);
    for (int k = 0; k < 16; k++) {
        const struct gn_plan_options options = { .train = k % 2 == 1,
                                                 .batch = k < 8 ? 3 : 40,
                                                 .threads = 1 + k / 2 % 2 * 3,
                                                 .slice = k / 4 % 2 * 2 };
        const uint64_t estimate = gn_plan_estimate(net, &options);
        struct gn_plan *plan = gn_plan_create(net, &options);
        assert_non_null(plan);
        assert_int_equal(estimate, gn_plan_bytes(plan));
        gn_plan_free(plan);
    }
    /* Larger batches run in slices: memory stops growing, but for one more partial sum of the gradients (some
     * of them twice) whenever there are twice as many. */
    const struct gn_plan_options large = { .train = true, .batch = 4096, .threads = 2 };
    const struct gn_plan_options huge = { .train = true, .batch = 1 << 20, .threads = 2 };
    const uint64_t bytes = gn_plan_estimate(net, &large);
    const uint64_t sum = net->graph->n_floats * sizeof(float);
    assert_true(gn_plan_estimate(net, &huge) < bytes + (20 - 12) * 2 * sum);
    assert_int_equal(gn_plan_estimate(net, &(struct gn_plan_options){ .batch = 0 }), UINT64_MAX);
    check_error(GN_STATUS_BAD_ARGUMENT, "batch 0");
    gn_free_net(net);
}

static void nan_in_an_image_or_a_weight_gives_a_nan_loss(void **state)
{
    (void)state;
    enum { N = 2, SIZE = 32 };
    struct fixture f = new_fixture(gn_googlenet(.size = SIZE), N);
    struct gn_plan *plan = plan_for(&f, 2, N);
    assert_true(isfinite(gradients(&f, plan, N)));
    for (int pixel = 0; pixel < N * SIZE * SIZE; pixel += 97) {
        const float held = f.images[pixel];
        f.images[pixel] = NAN;
        if (!isnan(gradients(&f, plan, N)))
            fail_msg("pixel %d is NaN and the loss is not", pixel);
        f.images[pixel] = held;
    }
    for (int t = 0; t < f.net->graph->n_tensors; t += 5) {
        /* The middle tap is the one that sees maps of any size. */
        const struct gn_tensor *tensor = &f.net->graph->tensors[t];
        float *value = &f.net->params[tensor->offset + tensor->count / 2];
        const float held = *value;
        *value = NAN;
        gn_plan_params_changed(plan);
        if (!isnan(gradients(&f, plan, N)))
            fail_msg("%s holds a NaN and the loss is finite", tensor->name);
        *value = held;
    }
    gn_plan_params_changed(plan);
    assert_true(isfinite(gradients(&f, plan, N)));
    gn_plan_free(plan);
    free_fixture(&f);
}

/* Memory that fails at any place of planning is reported; leaks show under AddressSanitizer. */
static void a_failing_allocation_is_reported(void **state)
{
    (void)state;
    gn_net *net = gn_googlenet(.size = 32);
    assert_non_null(net);
    for (int persistent = 0; persistent < 2; persistent++) {
        uint64_t k = 1;
        for (;; k++) {
            gn_clear_error();
            gn_alloc_fail_after(k, persistent != 0);
            struct gn_plan *plan = gn_plan_create(
                net, &(struct gn_plan_options){ .train = true, .batch = 2, .threads = 1 });
            const gn_status timed = plan == NULL ? GN_OK : gn_plan_time(plan);
            gn_alloc_fail_after(0, false);
            if (plan == NULL) {
                check_error(GN_STATUS_NO_MEMORY, "no memory for");
                continue;
            }
            gn_plan_free(plan);
            if (timed == GN_OK)
                break;
            check_error(GN_STATUS_NO_MEMORY, "table of times");
        }
        assert_true(k > 8);
    }
    gn_free_net(net);
}

static void timings_name_every_step(void **state)
{
    (void)state;
    struct fixture f = new_fixture(gn_googlenet(.size = 32), 2);
    struct gn_plan *plan = plan_for(&f, 2, 2);
    const struct gn_plan_timing *table;
    assert_int_equal(gn_plan_timings(plan, &table), 0);
    assert_int_equal(gn_plan_time(plan), GN_OK);
    (void)gradients(&f, plan, 2);
    const int n = gn_plan_timings(plan, &table);
    assert_true(n > 200);
    double macs = 0, forward = 0, ms = 0;
    for (int i = 0; i < n; i++) {
        assert_true(table[i].layer[0] != '\0' && table[i].kernel[0] != '\0');
        assert_true(table[i].ms >= 0);
        ms += table[i].ms;
        macs += table[i].macs;
        forward += strcmp(table[i].pass, "forward") == 0 ? table[i].macs : 0;
    }
    struct gn_net_info info;
    assert_int_equal(gn_net_describe(f.net, &info), GN_OK);
    assert_true(ms > 0);
    assert_true(forward == 2 * (double)info.macs);
    assert_true(macs > 2.8 * forward && macs < 3 * forward); /* the image needs no gradient */
    gn_plan_free(plan);
    free_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_number_of_threads_changes_no_bit),
        cmocka_unit_test(chains_change_no_bit),
        cmocka_unit_test(chains_of_the_network_change_no_bit),
        cmocka_unit_test(packing_ahead_changes_no_bit),
        cmocka_unit_test(avx2_and_avx512_give_the_same_bits),
        cmocka_unit_test(slices_add_up_to_the_whole_batch),
        cmocka_unit_test(short_batches_are_batches_of_their_size),
        cmocka_unit_test(nothing_is_allocated_after_planning),
        cmocka_unit_test(the_estimate_is_what_a_plan_takes),
        cmocka_unit_test(nan_in_an_image_or_a_weight_gives_a_nan_loss),
        cmocka_unit_test(a_failing_allocation_is_reported),
        cmocka_unit_test(timings_name_every_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
