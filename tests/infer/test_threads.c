/*
 * Predictors among the threads of another program: what a call costs that program, how one ends early,
 * and several at once.
 * labels: quick isa
 * wrap: malloc calloc pthread_create pthread_mutex_lock pthread_cond_wait sched_yield
 */
#include "base/random.h"
#include "infer/predictor.h"
#include "support/check.h"
#include "support/tiny.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED
#endif
#endif
#if !defined(SANITIZED) && (defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__))
#define SANITIZED
#endif

enum { SIZE = 32, N = 6, CLASSES = 10, PIXELS = SIZE * SIZE * 3 };

/* ---- What the library asks the system for ---- */

static atomic_int n_blocks, n_threads;
static _Thread_local int n_locks, n_waits; /* idle threads go to sleep whenever they like */

void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *argument);
int __real_pthread_mutex_lock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex);
int __real_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex);
int __wrap_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex);
int __real_sched_yield(void);
int __wrap_sched_yield(void);

void *__wrap_malloc(size_t n)
{
    atomic_fetch_add(&n_blocks, 1);
    return __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
    atomic_fetch_add(&n_blocks, 1);
    return __real_calloc(n, size);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *argument)
{
    atomic_fetch_add(&n_threads, 1);
    return __real_pthread_create(thread, attributes, start, argument);
}

int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex)
{
    n_locks++;
    return __real_pthread_mutex_lock(mutex);
}

int __wrap_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex)
{
    n_waits++;
    return __real_pthread_cond_wait(condition, mutex);
}

int __wrap_sched_yield(void)
{
    n_waits++;
    return __real_sched_yield();
}

static void count_from_here(void)
{
    atomic_store(&n_blocks, 0);
    atomic_store(&n_threads, 0);
    n_locks = 0;
    n_waits = 0;
}

/* ---- A network and pictures for it ---- */

static uint8_t pixels[N * PIXELS];
static struct gn_pixels pictures[N]; /* the same in several formats and sizes */
static const struct gn_predict_options images = {
    .pixels = pixels, .n = N, .height = SIZE, .width = SIZE, .channels = 3
};
static const struct gn_predict_options mixed = { .images = pictures, .n = N };
static gn_net *net,
    *few_layers; /* the second for many threads, which wait for each other after each layer */

static int setup(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)gn_random_bits(0, GN_RANDOM_TEST, 1, i);
    for (int i = 0; i < N; i++)
        pictures[i] = (struct gn_pixels){ .pixels = pixels,
                                          .height = SIZE - i,
                                          .width = SIZE - 2 * i,
                                          .stride = (size_t)SIZE * 4,
                                          .format = i % 2 == 0 ? GN_PIXELS_BGRA : GN_PIXELS_RGB };
    net = gn_preset("googlenet-small", .size = SIZE, .channels = 3, .classes = CLASSES, .seed = 7);
    few_layers = tiny_net();
    return net == NULL;
}

static int teardown(void **state)
{
    (void)state;
    gn_free_net(net);
    gn_free_net(few_layers);
    return 0;
}

static void run(gn_predictor *p, const struct gn_predict_options *what, float logits[N][CLASSES])
{
    if (gn_predictor_run(p, logits[0], what) != GN_OK)
        fail_msg("%s", gn_error_message());
}

/* ---- What a call costs ---- */

static void a_later_call_asks_for_nothing(const struct gn_predict_options *what, int threads,
                                          int batch)
{
    float first[N][CLASSES] = { 0 }, later[N][CLASSES] = { 0 };
    gn_predictor *p = gn_predictor_create(few_layers, batch, .threads = threads);
    assert_non_null(p);
    count_from_here();
    run(p, what, first);
    assert_true(atomic_load(&n_blocks) > 0); /* they are counted */
    count_from_here();
    for (int i = 0; i < 5; i++)
        run(p, what, later);
    assert_int_equal(atomic_load(&n_blocks), 0);
    assert_int_equal(atomic_load(&n_threads), 0);
    if (threads == 1) {
        assert_int_equal(n_locks, 0);
        assert_int_equal(n_waits, 0);
    }
    assert_memory_equal(first, later, sizeof first);
    gn_predictor_free(p);
}

static void later_calls_make_no_thread_and_take_no_memory(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 4; threads++) {
        a_later_call_asks_for_nothing(&images, threads, 1);
        a_later_call_asks_for_nothing(&images, threads, 4);
        a_later_call_asks_for_nothing(&mixed, threads, 1);
        a_later_call_asks_for_nothing(&mixed, threads, N);
    }
}

static void one_thread_never_touches_the_others(void **state)
{
    (void)state;
    float logits[N][CLASSES];
    count_from_here();
    gn_predictor *p = gn_predictor_create(few_layers, 2, .threads = 1);
    run(p, &mixed, logits);
    assert_int_equal(atomic_load(&n_threads), 0);
    gn_predictor_free(p);
}

/* ---- Weights ---- */

static void predictors_of_a_net_share_its_weights_until_they_change(void **state)
{
    (void)state;
    float before[N][CLASSES], after[N][CLASSES], later[N][CLASSES];
    struct gn_tensor_info tensor;
    gn_predictor *first = gn_predictor_create(net, 1, .threads = 1);
    gn_predictor *second = gn_predictor_create(net, 4, .threads = 2);
    assert_ptr_equal(first->pack, second->pack);
    run(first, &images, before);
    assert_int_equal(gn_net_tensor(net, 0, &tensor), GN_OK);
    const float value = tensor.values[0];
    tensor.values[0] = value + 1;
    gn_predictor *third = gn_predictor_create(net, 1, .threads = 1);
    assert_ptr_not_equal(first->pack, third->pack);
    run(third, &images, after);
    assert_memory_not_equal(before, after, sizeof before);
    tensor.values[0] = value;
    gn_predictor_free(third);
    gn_predictor *fourth = gn_predictor_create(net, 1, .threads = 1);
    run(fourth, &images, later);
    assert_memory_equal(before, later, sizeof before);
    gn_predictor_free(first); /* not the order in which they came */
    gn_predictor_free(fourth);
    gn_predictor_free(second);
    assert_null(net->shared);
}

/* Values of a layer, or logits, by a predictor with this pack. */
static float *ask(gn_net *of, gn_pack *pack, const char *layer, size_t n)
{
    float *values = calloc(N * n, sizeof *values);
    gn_predictor *p = gn_predictor_create(of, 2, .threads = 1, .pack = pack, .layer = layer);
    assert_non_null(values);
    if (gn_predictor_run(p, values, &images) != GN_OK)
        fail_msg("%s", gn_error_message());
    gn_predictor_free(p);
    return values;
}

/* A layer is computed without its siblings, with which its weights are packed otherwise, and without
 * the normalisation that is folded into them. */
static void the_answer_and_a_layer_share_a_pack(void **state)
{
    (void)state;
    static const char *const names[] = { "b3.inception3a.p1_1", "b3.inception3a.p2_1",
                                         "b4.inception4a.p3_1", "b1.conv", NULL };
    gn_net *large = gn_preset("googlenet-bn", .size = SIZE, .channels = 3, .classes = CLASSES);
    gn_pack *pack = gn_pack_create(large);
    for (int turn = 0; turn < 2; turn++) /* what the first turn has packed, the second one finds */
        for (int i = 0; i < 5; i++) {
            size_t n = CLASSES;
            if (names[i] != NULL)
                assert_int_equal(gn_find_layer(large, names[i], NULL, &n), GN_OK);
            gn_pack *own = gn_pack_create(large);
            float *alone = ask(large, own, names[i], n), *shared = ask(large, pack, names[i], n);
            assert_memory_equal(alone, shared, N * n * sizeof *alone);
            free(alone);
            free(shared);
            gn_pack_free(own);
        }
    gn_pack_free(pack);
    gn_free_net(large);
}

/* ---- Ending a call ---- */

/* A sanitizer makes everything many times slower, so its long call is a shorter one; where it ends is a share
 * of its own length. */
#if defined(SANITIZED)
enum { MANY = 16 };
#else
enum { MANY = 64 };
#endif

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* One batch that takes a while. */
struct long_call {
    gn_predictor *predictor;
    float *inputs, logits[MANY][CLASSES], wanted[MANY][CLASSES];
    struct gn_predict_options images;
    double seconds;
};

static void begin_long(struct long_call *c, int threads)
{
    *c = (struct long_call){ .inputs = calloc((size_t)MANY * PIXELS, sizeof(float)) };
    for (size_t i = 0; i < (size_t)MANY * PIXELS; i++)
        c->inputs[i] = (float)(i % 251) / 251;
    c->images = (struct gn_predict_options){ .inputs = c->inputs, .n = MANY };
    c->predictor = gn_predictor_create(net, MANY, .threads = threads);
    assert_int_equal(gn_predictor_run(c->predictor, c->wanted[0], &c->images), GN_OK);
    const double begin = now();
    assert_int_equal(gn_predictor_run(c->predictor, c->wanted[0], &c->images), GN_OK);
    c->seconds = now() - begin;
}

/* It answers as if nothing had happened. */
static void end_long(struct long_call *c)
{
    gn_clear_error();
    assert_int_equal(gn_predictor_run(c->predictor, c->logits[0], &c->images), GN_OK);
    assert_memory_equal(c->logits, c->wanted, sizeof c->logits);
    gn_predictor_free(c->predictor);
    free(c->inputs);
}

static void a_limit_of_time_ends_a_batch_in_its_middle(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 2; threads++) {
        struct long_call c;
        begin_long(&c, threads);
        int ended = 0;
        for (int i = 0; i < 6; i++) {
            assert_int_equal(gn_predictor_limit(c.predictor, c.seconds / 4), GN_OK);
            if (gn_predictor_run(c.predictor, c.logits[0], &c.images) == GN_STATUS_STOPPED)
                ended++;
        }
        assert_true(ended >= 3);
        check_error(GN_STATUS_STOPPED, "prediction: ");
        assert_int_equal(gn_predictor_limit(c.predictor, -1), GN_STATUS_BAD_ARGUMENT);
        check_error(GN_STATUS_BAD_ARGUMENT, "limit of -1 seconds");
        assert_int_equal(gn_predictor_limit(c.predictor, 0), GN_OK);
        end_long(&c);
    }
}

static void *cancel_soon(void *argument)
{
    struct long_call *c = argument;
    const double until = now() + c->seconds / 4;
    while (now() < until)
        continue;
    gn_predictor_cancel(c->predictor, true);
    return NULL;
}

static void another_thread_cancels_a_call(void **state)
{
    (void)state;
    struct long_call c;
    pthread_t thread;
    int ended = 0;
    begin_long(&c, 2);
    for (int i = 0; i < 50 && ended < 3; i++) {
        assert_int_equal(pthread_create(&thread, NULL, cancel_soon, &c), 0);
        if (gn_predictor_run(c.predictor, c.logits[0], &c.images) == GN_STATUS_STOPPED)
            ended++;
        else
            assert_memory_equal(c.logits, c.wanted, sizeof c.logits);
        (void)pthread_join(thread, NULL);
        assert_int_equal(gn_predictor_run(c.predictor, c.logits[0], &c.images), GN_STATUS_STOPPED);
        check_error(GN_STATUS_STOPPED, "cancelled by its caller");
        gn_predictor_cancel(c.predictor, false);
    }
    assert_int_equal(ended, 3);
    gn_predictor_cancel(NULL, true); /* nothing happens */
    end_long(&c);
}

/* A call that is cancelled before its weights are packed must not leave a hole in what others read. */
static void a_cancelled_first_call_leaves_whole_weights(void **state)
{
    (void)state;
    float wanted[N][CLASSES], logits[N][CLASSES];
    assert_int_equal(gn_predict_with(net, wanted[0], &images), GN_OK);
    gn_predictor *p = gn_predictor_create(net, N, .threads = 2);
    gn_predictor_cancel(p, true);
    assert_int_equal(gn_predictor_run(p, logits[0], &images), GN_STATUS_STOPPED);
    gn_predictor *other = gn_predictor_create(net, N, .threads = 1);
    run(other, &images, logits);
    assert_memory_equal(wanted, logits, sizeof wanted);
    gn_predictor_free(p);
    gn_predictor_free(other);
    gn_clear_error();
}

/* ---- Several at once, on small stacks ---- */

enum { USERS = 8 };
static float answers[USERS][N][CLASSES];

static void *use(void *argument)
{
    gn_predictor *p = gn_predictor_create(net, 2, .threads = 1 + (int)((size_t)argument % 2));
    for (int i = 0; i < 2; i++)
        if (p == NULL || gn_predictor_run(p, answers[(size_t)argument][0], &mixed) != GN_OK)
            memset(answers[(size_t)argument], 0xff, sizeof answers[0]);
    gn_predictor_free(p);
    return NULL;
}

static void eight_predictors_at_once_have_the_bits_of_one(void **state)
{
    (void)state;
    pthread_t threads[USERS];
    float alone[N][CLASSES];
    gn_predictor *p = gn_predictor_create(net, 2, .threads = 1);
    run(p, &mixed, alone);
    gn_predictor_free(p);
    for (size_t i = 0; i < USERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use, (void *)i), 0);
    for (int i = 0; i < USERS; i++)
        (void)pthread_join(threads[i], NULL);
    for (int i = 0; i < USERS; i++)
        assert_memory_equal(answers[i], alone, sizeof alone);
    assert_null(net->shared);
}

/* All of it: a model from its file, a predictor, an answer, one that fails. */
static void *live_small(void *argument)
{
    int *done = argument;
    gn_net *loaded = gn_load("small.safetensors");
    gn_predictor *p = gn_predictor_create(loaded, 4, .threads = 1);
    float logits[N][CLASSES];
    *done = p != NULL && gn_predictor_run(p, logits[0], &mixed) == GN_OK &&
            gn_predictor_run(p, logits[0], &images) == GN_OK &&
            gn_predictor_run(p, NULL, &images) != GN_OK;
    gn_predictor_free(p);
    gn_free_net(loaded);
    return NULL;
}

static void a_stack_of_256_kib_is_enough(void **state)
{
    (void)state;
    pthread_attr_t attributes;
    pthread_t thread;
    int done = 0;
    assert_int_equal(gn_save(net, "small.safetensors"), GN_OK);
    size_t bytes = 256 << 10;
#if defined(SANITIZED)
    bytes *= 8; /* its frames are larger */
#endif
    (void)pthread_attr_init(&attributes);
    assert_int_equal(pthread_attr_setstacksize(&attributes, bytes), 0);
    assert_int_equal(pthread_create(&thread, &attributes, live_small, &done), 0);
    (void)pthread_join(thread, NULL);
    (void)pthread_attr_destroy(&attributes);
    assert_true(done);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_thread_never_touches_the_others), /* before others make some */
        cmocka_unit_test(later_calls_make_no_thread_and_take_no_memory),
        cmocka_unit_test(predictors_of_a_net_share_its_weights_until_they_change),
        cmocka_unit_test(the_answer_and_a_layer_share_a_pack),
        cmocka_unit_test(a_limit_of_time_ends_a_batch_in_its_middle),
        cmocka_unit_test(another_thread_cancels_a_call),
        cmocka_unit_test(a_cancelled_first_call_leaves_whole_weights),
        cmocka_unit_test(eight_predictors_at_once_have_the_bits_of_one),
        cmocka_unit_test(a_stack_of_256_kib_is_enough),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
