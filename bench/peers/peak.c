/*
 * Measures what fused multiply-adds this machine does right now, on all threads together:
 * independent chains in registers, no memory. Shared machines drift by tens of percent within a
 * day; a series of benchmarks is worth something only if this figure was the same before and after.
 *
 * Usage: peak THREADS. Prints GFLOP/s (a multiply-add counts as two). Build with -O2 -march=native.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#ifdef __AVX512F__
#define LANES 16
#else
#define LANES 8
#endif
#define CHAINS      12 /* enough for latency 4 to 5 at two a cycle, few enough for 16 registers */
#define ROUNDS      1000
#define MAX_THREADS 256

typedef float vec __attribute__((vector_size(LANES * 4)));

struct worker {
    pthread_t thread;
    pthread_barrier_t *start;
    double flops;
    double seconds;
    float sink;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void *work(void *argument)
{
    struct worker *w = argument;
    vec acc[CHAINS];
    vec factor = (vec){ 0 } + 0.999999f;
    vec term = (vec){ 0 } + 1e-6f;
    for (int c = 0; c < CHAINS; c++)
        acc[c] = (vec){ 0 } + (float)c;
    pthread_barrier_wait(w->start);
    double begin = now();
    long rounds = 0;
    do {
        for (int r = 0; r < ROUNDS; r++) {
#pragma GCC unroll 12
            for (int c = 0; c < CHAINS; c++)
                acc[c] = acc[c] * factor + term;
            /* Keeps the chains in registers and the compiler from merging rounds. */
            __asm__ volatile("" : "+x"(factor));
        }
        rounds += ROUNDS;
        w->seconds = now() - begin;
    } while (w->seconds < 0.4);
    w->flops = 2.0 * LANES * CHAINS * (double)rounds;
    for (int c = 0; c < CHAINS; c++)
        w->sink += acc[c][0];
    return NULL;
}

int main(int argc, char **argv)
{
    int threads = argc > 1 ? atoi(argv[1]) : 1;
    if (threads < 1 || threads > MAX_THREADS) {
        fprintf(stderr, "peak: give 1 to %d threads\n", MAX_THREADS);
        return 2;
    }
    static struct worker workers[MAX_THREADS];
    pthread_barrier_t start;
    pthread_barrier_init(&start, NULL, (unsigned)threads);
    for (int t = 0; t < threads; t++) {
        workers[t].start = &start;
        if (pthread_create(&workers[t].thread, NULL, work, &workers[t])) {
            fprintf(stderr, "peak: cannot start thread %d\n", t);
            return 5;
        }
    }
    double rate = 0;
    for (int t = 0; t < threads; t++) {
        pthread_join(workers[t].thread, NULL);
        rate += workers[t].flops / workers[t].seconds;
    }
    printf("%.1f\n", rate * 1e-9);
    return 0;
}
