/*
 * All memory of the library comes from here: aligned to 64 bytes, checked, counted, and failing
 * on demand in tests. No other file calls malloc.
 */
#ifndef GN_BASE_MEMORY_H
#define GN_BASE_MEMORY_H

#include "base/status.h"

#include <stdatomic.h>

/* `bytes` bytes aligned to 64; NULL and a NO_MEMORY error naming `purpose` ("activations") and
 * the size when there is none. Zero bytes give a valid pointer; large blocks lie in huge pages where
 * the system has them. Free with gn_free. */
void *gn_alloc(size_t bytes, const char *purpose);

/* The same, zeroed, for count*size bytes; an overflow is NO_MEMORY. */
void *gn_calloc(size_t count, size_t size, const char *purpose);

/* Grows or shrinks; the old block stays valid when NULL is returned. */
void *gn_realloc(void *p, size_t bytes, const char *purpose);

char *gn_strdup(const char *text);

/* NULL is fine. */
void gn_free(void *p);

/* Has the system give the pages of a block now instead of at their first use, for callers that
 * have time to spare; ends early when *enough becomes true. The block keeps what it holds. */
void gn_touch(void *p, const atomic_bool *enough);

/* Zeroed memory for what goes on without it and says nothing; gn_give takes the same size. `at_the_end`:
 * the library is unloaded, when a caller's own allocator may be gone already and gets nothing: false. */
void *gn_take(size_t bytes);
bool gn_give(void *p, size_t bytes, bool at_the_end);

/* Allocations so far in this process: a test proves that a training step makes none. */
uint64_t gn_alloc_count(void);

/* For tests: the most bytes that were held at any moment since the last call with `restart`. */
uint64_t gn_alloc_peak(bool restart);

/* For tests: the k-th next allocation fails (1: the next one), or with `persistent` it and all
 * after it. 0 switches this off. */
void gn_alloc_fail_after(uint64_t k, bool persistent);

/* Bytes of memory the process may use: the smallest of physical memory, the limits of its control
 * groups and RLIMIT_AS. */
uint64_t gn_memory_limit(void);

#endif
