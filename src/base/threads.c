/* Threads that the process may use, floating-point state, and the clock. */
#include "base/threads.h"

#include "base/cgroup.h"

#include <time.h>
#if defined(__SSE2__)
#include <immintrin.h>
#endif

/* CPUs that the cgroup's quota allows, rounded up; 0 when there is none. */
static int cgroup_quota(void)
{
    const double cpus = gn_cgroup_limits("").cpus;
    if (cpus <= 0)
        return 0;
    return cpus < 1 ? 1 : cpus > GN_MAX_THREADS ? GN_MAX_THREADS : (int)(cpus + 0.999);
}

int gn_usable_threads(const char **reason)
{
    const char *why = "affinity mask";
    struct gn_processors own;
    int n = gn_system_processors(own.bits);
    const int quota = cgroup_quota();
    if (quota > 0 && quota < n) {
        n = quota;
        why = "cgroup quota";
    }
    if (reason != NULL)
        *reason = why;
    return n > GN_MAX_THREADS ? GN_MAX_THREADS : n;
}

void gn_own_processors(struct gn_processors *processors)
{
    (void)gn_system_processors(processors->bits);
}

unsigned gn_float_enter(void)
{
#if defined(__SSE2__)
    const unsigned state = _mm_getcsr();
    _mm_setcsr(state | 0x8040U); /* flush results to zero, treat denormal inputs as zero */
    return state;
#elif defined(__aarch64__)
    uint64_t state;
    __asm__ volatile("mrs %0, fpcr" : "=r"(state));
    __asm__ volatile("msr fpcr, %0" : : "r"(state | UINT64_C(1) << 24)); /* the same */
    return (unsigned)state;
#else
    return 0;
#endif
}

void gn_float_leave(unsigned state)
{
#if defined(__SSE2__)
    _mm_setcsr(state);
#elif defined(__aarch64__)
    __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)state));
#else
    (void)state;
#endif
}

double gn_seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
