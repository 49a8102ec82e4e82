/*
 * Why not OpenMP's teams: GNU's runtime hangs in a child of fork(), ends the process when the system
 * refuses a thread, and waits by spinning, which costs a busy machine ten times the work; and no
 * race detector understands its barriers. What a plan needs of it is this page.
 */
#include "base/team.h"

#include "base/memory.h"
#include "os/os.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>
#if defined(__SSE2__)
#include <immintrin.h>
#endif

/*
 * A thread waits in three ways. First it spins, some 50 microseconds: longer than threads of equal work
 * usually wait for each other. Then it offers its processor to others again and again. When nobody
 * wants it, the thread stays where its data is in the caches: sleeping threads woke on another
 * processor 30 times in a run, which cost a step 3 to 8%. As soon as somebody took it for longer than
 * TAKEN, the machine is busy, and the thread sleeps; so it does after LONG_WAIT inside a team, and
 * after SHORT_WAIT between two calls, when nobody knows whether another one comes.
 */
enum { SPINS = 1000 };
static const int64_t TAKEN = 50000, SHORT_WAIT = 2000000, LONG_WAIT = 20000000; /* nanoseconds */

/* ---- A gate: threads wait until its count changes ---- */

struct gate {
    atomic_uint count;
    atomic_int sleepers;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
};

static void gate_init(struct gate *g)
{
    atomic_init(&g->count, 0);
    atomic_init(&g->sleepers, 0);
    (void)pthread_mutex_init(&g->mutex, NULL);
    (void)pthread_cond_init(&g->changed, NULL);
}

static void gate_free(struct gate *g)
{
    (void)pthread_mutex_destroy(&g->mutex);
    (void)pthread_cond_destroy(&g->changed);
}

static void pause_briefly(void)
{
#if defined(__SSE2__)
    _mm_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory");
#endif
}

static int64_t since(const struct timespec *begin)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - begin->tv_sec) * INT64_C(1000000000) + (now.tv_nsec - begin->tv_nsec);
}

/* Waits until the count is no longer `seen`; sleeps after `awake` nanoseconds. */
static void gate_wait(struct gate *g, unsigned seen, int64_t awake)
{
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load_explicit(&g->count, memory_order_acquire) != seen)
            return;
        pause_briefly();
    }
    struct timespec begin;
    (void)clock_gettime(CLOCK_MONOTONIC, &begin);
    int64_t before = 0, now = 0;
    while (now < awake && now - before < TAKEN) {
        (void)sched_yield();
        if (atomic_load_explicit(&g->count, memory_order_acquire) != seen)
            return;
        before = now;
        now = since(&begin);
    }
    (void)pthread_mutex_lock(&g->mutex);
    atomic_fetch_add(&g->sleepers, 1);
    while (atomic_load(&g->count) == seen)
        (void)pthread_cond_wait(&g->changed, &g->mutex);
    atomic_fetch_sub(&g->sleepers, 1);
    (void)pthread_mutex_unlock(&g->mutex);
}

/* Changes the count. A sleeping thread announced it before it read the count for the last time. */
static void gate_open(struct gate *g)
{
    atomic_fetch_add(&g->count, 1);
    if (atomic_load(&g->sleepers) == 0)
        return;
    (void)pthread_mutex_lock(&g->mutex);
    (void)pthread_cond_broadcast(&g->changed);
    (void)pthread_mutex_unlock(&g->mutex);
}

/* ---- Workers ---- */

struct gn_team {
    int size;
    gn_team_work *work;
    void *argument;
    atomic_int arrived; /* at the barrier */
    struct gate barrier;
};

struct worker {
    pthread_t thread;
    struct worker *next; /* idle, or of the same team */
    struct gn_team *team;
    int number;
    struct gate begin, done;
};

static pthread_mutex_t idle_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct worker *idle; /* workers that wait for a team */
static struct worker
    *volatile left; /* memory that nobody takes back, for those who look for leaks */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void before_fork(void)
{
    (void)pthread_mutex_lock(&idle_mutex);
}

static void after_fork_parent(void)
{
    (void)pthread_mutex_unlock(&idle_mutex);
}

/* A child has none of its parent's threads. */
static void after_fork_child(void)
{
    (void)pthread_mutex_init(&idle_mutex, NULL);
    idle = NULL;
}

static void watch_forks(void)
{
    gn_system_at_fork(before_fork, after_fork_parent, after_fork_child);
}

static void *live(void *argument)
{
    struct worker *w = argument;
    for (unsigned seen = 0;; seen++) {
        gate_wait(&w->begin, seen, SHORT_WAIT);
        if (w->team == NULL)
            return NULL;
        w->team->work(w->team, w->number, w->team->argument);
        gate_open(&w->done); /* from here on the team may be gone */
    }
}

/* NULL: the system gives no thread or no memory; *error is its number. */
static struct worker *hire(int *error)
{
    /* Not gn_calloc: going on with fewer threads is not an error. */
    struct worker *w = gn_take(sizeof *w);
    if (w == NULL) {
        *error = ENOMEM;
        return NULL;
    }
    gate_init(&w->begin);
    gate_init(&w->done);
    *error = gn_thread_start(&w->thread, live, w);
    if (*error == 0) {
        gn_say(GN_LOG_DEBUG, "team: a thread more");
        return w;
    }
    gate_free(&w->begin);
    gate_free(&w->done);
    (void)gn_give(w, sizeof *w, false);
    return NULL;
}

/* Up to n workers in a list, idle ones first; *found gets their number. */
static struct worker *gather(int n, int *found, int *error)
{
    struct worker *list = NULL;
    (void)pthread_once(&once, watch_forks);
    (void)pthread_mutex_lock(&idle_mutex);
    for (*found = 0; *found < n && idle != NULL; ++*found) {
        struct worker *w = idle;
        idle = w->next;
        w->next = list;
        list = w;
    }
    (void)pthread_mutex_unlock(&idle_mutex);
    while (*found < n) {
        struct worker *w = hire(error);
        if (w == NULL)
            break;
        w->next = list;
        list = w;
        ++*found;
    }
    return list;
}

static void release(struct worker *list)
{
    if (list == NULL)
        return;
    struct worker *last = list;
    while (last->next != NULL)
        last = last->next;
    (void)pthread_mutex_lock(&idle_mutex);
    last->next = idle;
    idle = list;
    (void)pthread_mutex_unlock(&idle_mutex);
}

/* When the library is unloaded or the process ends: idle workers must not outlive their code. */
__attribute__((destructor)) static void dismiss(void)
{
    if (!GN_THREADS_END)
        return;
    (void)pthread_mutex_lock(&idle_mutex);
    struct worker *list = idle;
    idle = NULL;
    (void)pthread_mutex_unlock(&idle_mutex);
    while (list != NULL) {
        struct worker *w = list;
        list = w->next;
        w->team = NULL;
        gate_open(&w->begin);
        (void)pthread_join(w->thread, NULL);
        gate_free(&w->begin);
        gate_free(&w->done);
        w->next = left;
        if (!gn_give(w, sizeof *w, true))
            left = w;
    }
}

/* ---- Teams ---- */

void gn_team_run(int threads, gn_team_work *work, void *argument)
{
    struct gn_team team = { .size = 1, .work = work, .argument = argument };
    int found = 0, error = 0;
    struct worker *list = threads > 1 ? gather(threads - 1, &found, &error) : NULL;
    team.size += found;
    if (found < threads - 1)
        gn_say(GN_LOG_WARNING, "team: %d threads are wanted, the system gives %d", threads,
               team.size);
    if (found > 0)
        gate_init(&team.barrier);
    int number = 1;
    for (struct worker *w = list; w != NULL; w = w->next) {
        w->team = &team;
        w->number = number++;
        gate_open(&w->begin);
    }
    work(&team, 0, argument);
    /* Each opens its two gates once a call, so both counts are equal between calls. */
    for (struct worker *w = list; w != NULL; w = w->next)
        gate_wait(&w->done, atomic_load(&w->begin.count) - 1, LONG_WAIT);
    if (found > 0)
        gate_free(&team.barrier);
    release(list);
}

int gn_team_size(const struct gn_team *team)
{
    return team->size;
}

void gn_team_barrier(struct gn_team *team)
{
    if (team->size == 1)
        return;
    const unsigned seen = atomic_load(&team->barrier.count);
    if (atomic_fetch_add(&team->arrived, 1) + 1 < team->size) {
        gate_wait(&team->barrier, seen, LONG_WAIT);
        return;
    }
    atomic_store(&team->arrived, 0);
    gate_open(&team->barrier);
}

gn_status gn_team_reserve(int threads)
{
    int found = 0, error = 0;
    if (threads < 2)
        return GN_OK;
    release(gather(threads - 1, &found, &error));
    if (found == threads - 1)
        return GN_OK;
    char text[GN_ERRNO_TEXT];
    (void)gn_fail(GN_STATUS_NO_DEVICE,
                  "%d threads are wanted, the system allows no more than %d now: %s", threads,
                  found + 1, gn_errno_text(error, text));
    gn_hint("ask for fewer threads, or raise the limit of processes (ulimit -u)");
    return GN_STATUS_NO_DEVICE;
}

/* ---- Loops ---- */

struct loop {
    size_t n;
    void (*work)(void *argument, size_t i);
    void *argument;
    atomic_size_t next;
};

static void run_loop(struct gn_team *team, int thread, void *argument)
{
    struct loop *l = argument;
    (void)team;
    (void)thread;
    for (size_t i = atomic_fetch_add(&l->next, 1); i < l->n; i = atomic_fetch_add(&l->next, 1))
        l->work(l->argument, i);
}

void gn_parallel(int threads, size_t n, void (*work)(void *argument, size_t i), void *argument)
{
    struct loop l = { .n = n, .work = work, .argument = argument };
    gn_team_run((size_t)threads < n ? threads : (int)n, run_loop, &l);
}
