/* The allocator: a 64-byte header before each block keeps its size, so that it can grow. What is below
 * it is the C library's or the caller's own (gn_set_allocator). */
#include "base/memory.h"

#include "base/cgroup.h"
#include "os/os.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Large blocks lie in huge pages: the first touch of 110 MB in small ones costs as much as a tenth
 * of a step, and every stride of a kernel its own entry of the TLB. */
enum { ALIGN = 64, HUGE_PAGE = 2 << 20, HUGE_FROM = 2 * HUGE_PAGE };

struct header {
    size_t bytes; /* asked for */
    void *base;   /* what the allocator below gave, */
    size_t taken; /* and how much */
};

static atomic_uint_fast64_t n_allocations, held, peak;
static atomic_uint_fast64_t fail_countdown; /* 0: off */
static atomic_bool fail_persistent;

/* ---- What is below ---- */

static struct gn_allocator below; /* of zeros: the C library's */
static atomic_uint_fast64_t kept;

gn_status gn_set_allocator(const struct gn_allocator *allocator)
{
    static const struct gn_allocator none;
    if (allocator != NULL && (allocator->allocate == NULL || allocator->release == NULL))
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "allocator: it must have both of its functions");
    const uint64_t holds = atomic_load(&held) + atomic_load(&kept);
    if (holds > 0)
        GN_FAIL(GN_STATUS_BUSY, "allocator: the library holds %llu bytes of the one before",
                (unsigned long long)holds);
    below = allocator == NULL ? none : *allocator;
    return GN_OK;
}

static void *take(size_t bytes, bool zeroed)
{
    if (below.allocate == NULL)
        return zeroed ? calloc(1, bytes) : malloc(bytes);
    void *base = below.allocate(below.context, bytes, ALIGN);
    if (base != NULL && zeroed)
        memset(base, 0, bytes);
    return base;
}

static void give(void *base, size_t bytes)
{
    if (below.release == NULL)
        free(base);
    else
        below.release(below.context, base, bytes);
}

void *gn_take(size_t bytes)
{
    void *p = take(bytes, true);
    if (p != NULL)
        (void)atomic_fetch_add(&kept, bytes);
    return p;
}

bool gn_give(void *p, size_t bytes, bool at_the_end)
{
    if (at_the_end && below.release != NULL)
        return false;
    (void)atomic_fetch_sub(&kept, bytes);
    give(p, bytes);
    return true;
}

/* ---- What the library uses ---- */

uint64_t gn_alloc_count(void)
{
    return atomic_load(&n_allocations);
}

uint64_t gn_alloc_peak(bool restart)
{
    const uint64_t most = atomic_load(&peak);
    if (restart)
        atomic_store(&peak, atomic_load(&held));
    return most;
}

static void count_held(size_t bytes)
{
    const uint64_t now = atomic_fetch_add(&held, bytes) + bytes;
    uint64_t most = atomic_load(&peak);
    while (now > most && !atomic_compare_exchange_weak(&peak, &most, now))
        continue;
}

void gn_alloc_fail_after(uint64_t k, bool persistent)
{
    atomic_store(&fail_persistent, persistent);
    atomic_store(&fail_countdown, k);
}

static bool must_fail(void)
{
    const uint64_t left = atomic_load(&fail_countdown);
    if (left == 0)
        return false;
    if (left > 1) {
        atomic_store(&fail_countdown, left - 1);
        return false;
    }
    if (!atomic_load(&fail_persistent))
        atomic_store(&fail_countdown, 0);
    return true;
}

static struct header *header_of(void *p)
{
    return (struct header *)(void *)((char *)p - ALIGN);
}

/* Zeros come from calloc, which knows that fresh pages of the system are zero and need not be
 * touched. */
static void *block(size_t bytes, bool zeroed, const char *purpose)
{
    const size_t alignment = bytes < HUGE_FROM ? ALIGN : HUGE_PAGE, room = alignment + ALIGN;
    atomic_fetch_add(&n_allocations, 1);
    char *base = NULL;
    if (bytes <= SIZE_MAX / 2 && !must_fail())
        base = take(bytes + room, zeroed);
    if (base == NULL) {
        (void)gn_fail(GN_STATUS_NO_MEMORY, "no memory for %s (%zu bytes)", purpose, bytes);
        return NULL;
    }
    void *p = base + room - ((uintptr_t)base + ALIGN) % alignment;
    header_of(p)->bytes = bytes;
    header_of(p)->base = base;
    header_of(p)->taken = bytes + room;
    count_held(bytes);
    if (alignment == HUGE_PAGE)
        gn_system_large_pages(p, bytes);
    return p;
}

void *gn_alloc(size_t bytes, const char *purpose)
{
    return block(bytes, false, purpose);
}

void *gn_calloc(size_t count, size_t size, const char *purpose)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        (void)gn_fail(GN_STATUS_NO_MEMORY, "no memory for %s (%zu times %zu bytes)", purpose, count,
                      size);
        return NULL;
    }
    return block(bytes, true, purpose);
}

void *gn_realloc(void *p, size_t bytes, const char *purpose)
{
    void *fresh = gn_alloc(bytes, purpose);
    if (fresh != NULL && p != NULL) {
        const size_t old = header_of(p)->bytes;
        memcpy(fresh, p, old < bytes ? old : bytes);
        gn_free(p);
    }
    return fresh;
}

char *gn_strdup(const char *text)
{
    const size_t bytes = strlen(text) + 1;
    char *copy = gn_alloc(bytes, "a name");
    if (copy != NULL)
        memcpy(copy, text, bytes);
    return copy;
}

void gn_free(void *p)
{
    if (p == NULL)
        return;
    atomic_fetch_sub(&held, header_of(p)->bytes);
    give(header_of(p)->base, header_of(p)->taken);
}

void gn_touch(void *p, const atomic_bool *enough)
{
    enum { SMALL_PAGE = 4096 };
    volatile char *at = p;
    const size_t bytes = header_of(p)->bytes;
    for (size_t i = 0; i < bytes && !atomic_load(enough); i += SMALL_PAGE)
        at[i] = at[i];
}

uint64_t gn_memory_limit(void)
{
    const uint64_t machine = gn_system_memory(), group = gn_cgroup_limits("").memory;
    return group < machine ? group : machine;
}
