/*
 * Predictors on several threads, one each, with .threads = 1: images a second of 8 threads against 2, what a
 * predictor adds to the memory, and how long a call takes beyond its kernels. Build it with the target
 * bench_predictors.
 *
 *   bench_predictors [MODEL [SECONDS]]
 *
 * The two counts of threads take turns, five times of SECONDS (1) each; the ratio is the median of the five.
 */
#include <googlenet.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 5, MOST = 8, CALLS = 2000 };

static atomic_size_t held;

static void *allocate(void *context, size_t bytes, size_t alignment)
{
    void *block = NULL;
    (void)context;
    if (posix_memalign(&block, alignment, bytes) != 0)
        return NULL;
    (void)atomic_fetch_add(&held, bytes);
    return block;
}

static void release(void *context, void *block, size_t bytes)
{
    (void)context;
    (void)atomic_fetch_sub(&held, bytes);
    free(block);
}

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

struct worker {
    pthread_t thread;
    gn_predictor *predictor;
    const float *input;
    float *logits;
    double until;
    unsigned long images;
};

static gn_status one(struct worker *w)
{
    const struct gn_predict_options image = { .inputs = w->input, .n = 1 };
    return gn_predictor_run(w->predictor, w->logits, &image);
}

static void *work(void *argument)
{
    struct worker *w = argument;
    for (w->images = 0; now() < w->until && one(w) == GN_OK;)
        w->images++;
    return NULL;
}

/* Images a second of n threads. */
static double measure(struct worker *workers, int n, double seconds)
{
    const double start = now();
    double images = 0;
    for (int i = 0; i < n; i++) {
        workers[i].until = start + seconds;
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
            exit(1);
    }
    for (int i = 0; i < n; i++) {
        (void)pthread_join(workers[i].thread, NULL);
        images += (double)workers[i].images;
    }
    return images / (now() - start);
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* The sum of the kernels' times of a forward pass, in microseconds, and the median time of a call; they take
 * turns. */
static int overhead(gn_net *net, struct worker *w)
{
    double kernels[ROUNDS], calls[ROUNDS], beyond[ROUNDS];
    static double each[CALLS];
    for (int r = 0; r < ROUNDS; r++) {
        const struct gn_bench_options options = {
            .batch = 1, .threads = 1, .rounds = CALLS, .layers = true
        };
        struct gn_bench_result result = { 0 };
        if (gn_bench(net, &result, &options) != GN_OK)
            return 1;
        kernels[r] = 0;
        for (int i = 0; i < result.n_layers; i++)
            kernels[r] += 1000 * result.layers[i].ms;
        gn_free_bench(&result);
        for (int i = 0; i < CALLS; i++) {
            const double start = now();
            if (one(w) != GN_OK)
                return 1;
            each[i] = 1e6 * (now() - start);
        }
        qsort(each, CALLS, sizeof *each, ascending);
        calls[r] = each[CALLS / 2];
        beyond[r] = calls[r] - kernels[r];
    }
    qsort(kernels, ROUNDS, sizeof *kernels, ascending);
    qsort(calls, ROUNDS, sizeof *calls, ascending);
    qsort(beyond, ROUNDS, sizeof *beyond, ascending);
    printf("a call takes %.1f us, its kernels %.1f us; difference %.1f us (median of %d)\n",
           calls[ROUNDS / 2], kernels[ROUNDS / 2], beyond[ROUNDS / 2], (int)ROUNDS);
    return 0;
}

int main(int argc, char **argv)
{
    static struct worker workers[MOST];
    const struct gn_allocator counting = { .allocate = allocate, .release = release };
    const struct gn_load_options load = { .path = argc > 1 ? argv[1] : NULL };
    const struct gn_preset_options small = { .preset = "googlenet-small" };
    const double seconds = argc > 2 ? atof(argv[2]) : 1;
    double ratios[ROUNDS], two = 0, eight = 0;
    size_t before[MOST + 1] = { 0 };
    if (gn_set_allocator(&counting) != GN_OK)
        return 1;
    gn_net *net = load.path != NULL ? gn_load_with(&load) : gn_preset_with(&small);
    struct gn_net_info info = { 0 };
    if (gn_net_describe(net, &info) != GN_OK) {
        fprintf(stderr, "%s\n", gn_error_message());
        return 1;
    }
    float *input =
        calloc((size_t)info.size_h * (size_t)info.size_w * (size_t)info.channels, sizeof *input);
    for (int i = 0; i < MOST; i++) {
        const struct gn_predictor_options options = { .batch = 1, .threads = 1 };
        before[i] = atomic_load(&held);
        workers[i] = (struct worker){ .predictor = gn_predictor_create_with(net, &options),
                                      .input = input,
                                      .logits = calloc((size_t)info.classes, sizeof(float)) };
        if (input == NULL || workers[i].logits == NULL || one(&workers[i]) != GN_OK) {
            fprintf(stderr, "%s\n", gn_error_message());
            return 1;
        }
    }
    before[MOST] = atomic_load(&held);
    printf("%s: the net holds %zu bytes, the first predictor adds %zu, each later one %zu\n",
           info.preset, before[0], before[1] - before[0], (before[MOST] - before[1]) / (MOST - 1));
    for (int r = 0; r < ROUNDS; r++) {
        two = measure(workers, 2, seconds);
        eight = measure(workers, MOST, seconds);
        ratios[r] = eight / two;
    }
    qsort(ratios, ROUNDS, sizeof *ratios, ascending);
    printf("8 threads / 2 threads: %.3f (%.3f to %.3f); last round %.0f and %.0f images/s\n",
           ratios[ROUNDS / 2], ratios[0], ratios[ROUNDS - 1], eight, two);
    const int status = overhead(net, &workers[0]);
    for (int i = 0; i < MOST; i++) {
        gn_predictor_free(workers[i].predictor);
        free(workers[i].logits);
    }
    gn_free_net(net);
    free(input);
    return status;
}
