/*
 * Ranks as forked processes of one machine: rank 0 is the process that the others were forked from. Between each
 * two of them is a ring of bytes in shared memory, written by one and read by the other. For tests without
 * MPI, and for machines whose memory has several nodes.
 */
#include "cluster/internal.h"

#include "base/memory.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef MAP_ANONYMOUS
#define MAP_ANONYMOUS 0x20
#endif

enum { MOST_FORKED = 64 };

struct ring {
    _Alignas(64) atomic_size_t written; /* since the beginning */
    _Alignas(64) atomic_size_t read;
    _Alignas(64) char bytes[];
};

/* What all see. */
struct common {
    size_t ring_bytes, ring_step;
    char host[GN_RANK_HOST];
    atomic_int teller; /* rank + 1 of who tells; 0: nobody */
    atomic_bool is_told;
    gn_status status;
    char sentence[GN_RANK_SENTENCE];
    atomic_bool done[MOST_FORKED]; /* it has ended as it should */
};

struct forked {
    struct common *common;
    size_t bytes; /* of the mapping */
    char *rings;
    pid_t parent, children[MOST_FORKED];
    bool ended[MOST_FORKED]; /* and was waited for */
};

static struct ring *ring_of(const struct gn_ranks *ranks, int lane, int from, int to)
{
    const struct forked *f = ranks->own;
    const size_t size = (size_t)ranks->size;
    const size_t number = ((size_t)lane * size + (size_t)from) * size + (size_t)to;
    return (struct ring *)(void *)(f->rings + number * f->common->ring_step);
}

static void copy(struct ring *ring, size_t size, size_t at, char *data, size_t n, bool receives)
{
    const size_t place = at % size, first = n < size - place ? n : size - place;
    if (receives) {
        memcpy(data, ring->bytes + place, first);
        memcpy(data + first, ring->bytes, n - first);
    } else {
        memcpy(ring->bytes + place, data, first);
        memcpy(ring->bytes, data + first, n - first);
    }
}

static void advance(struct gn_ranks *ranks, struct gn_transfer *t)
{
    const struct forked *f = ranks->own;
    const size_t size = f->common->ring_bytes, left = t->bytes - t->done;
    struct ring *ring = t->receives ? ring_of(ranks, (int)t->lane.name, t->peer, ranks->rank)
                                    : ring_of(ranks, (int)t->lane.name, ranks->rank, t->peer);
    const size_t written = atomic_load_explicit(&ring->written, memory_order_acquire);
    const size_t read = atomic_load_explicit(&ring->read, memory_order_acquire);
    const size_t room = t->receives ? written - read : size - (written - read);
    const size_t n = left < room ? left : room;
    if (n == 0)
        return;
    copy(ring, size, t->receives ? read : written, t->data + t->done, n, t->receives);
    atomic_store_explicit(t->receives ? &ring->read : &ring->written,
                          (t->receives ? read : written) + n, memory_order_release);
    t->done += n;
}

static int lost(struct gn_ranks *ranks)
{
    struct forked *f = ranks->own;
    if (ranks->rank != 0)
        return getppid() == f->parent || atomic_load(&f->common->done[0]) ? -1 : 0;
    for (int r = 1; r < ranks->size; r++) {
        if (!f->ended[r])
            f->ended[r] = waitpid(f->children[r], NULL, WNOHANG) == f->children[r];
        if (f->ended[r])
            return r;
    }
    return -1;
}

static void tell(struct gn_ranks *ranks, gn_status status, const char *sentence)
{
    struct common *c = ((struct forked *)ranks->own)->common;
    int nobody = 0;
    if (!atomic_compare_exchange_strong(&c->teller, &nobody, ranks->rank + 1))
        return;
    c->status = status;
    (void)snprintf(c->sentence, sizeof c->sentence, "%s", sentence);
    atomic_store(&c->is_told, true);
}

static bool told(struct gn_ranks *ranks, gn_status *status, char sentence[GN_RANK_SENTENCE])
{
    const struct common *c = ((const struct forked *)ranks->own)->common;
    if (!atomic_load(&c->is_told))
        return false;
    *status = c->status;
    memcpy(sentence, c->sentence, sizeof c->sentence);
    return true;
}

static const char *host(const struct gn_ranks *ranks, int rank)
{
    (void)rank;
    return ((const struct forked *)ranks->own)->common->host;
}

/* Rank 0 waits for the others, which have nothing more to wait for. One that stays is stopped, or hangs. */
static void wait_for_children(struct gn_ranks *ranks)
{
    static const struct timespec nap = { .tv_nsec = 10000000 };
    enum { NAPS = 500 };
    struct forked *f = ranks->own;
    for (int r = 1; r < ranks->size; r++) {
        for (int i = 0; i < NAPS && !f->ended[r]; i++) {
            f->ended[r] = waitpid(f->children[r], NULL, WNOHANG) == f->children[r];
            if (!f->ended[r])
                (void)nanosleep(&nap, NULL);
        }
        if (f->ended[r])
            continue;
        (void)kill(f->children[r], SIGKILL);
        (void)waitpid(f->children[r], NULL, 0);
    }
}

static void end(struct gn_ranks *ranks)
{
    struct forked *f = ranks->own;
    atomic_store(&f->common->done[ranks->rank], true);
    if (ranks->rank == 0)
        wait_for_children(ranks);
    (void)munmap(f->common, f->bytes);
    gn_free(f);
}

static const struct gn_transport forked = {
    .advance = advance, .lost = lost, .tell = tell, .told = told, .host = host, .close = end
};

/* Shared memory for so many; all of it is zero. */
static gn_status map(struct forked *f, int size)
{
    const size_t ring = size <= 4 ? 1 << 20 : size <= 16 ? 1 << 18 : 1 << 16;
    const size_t step = sizeof(struct ring) + ring, pairs = (size_t)size * (size_t)size;
    const size_t head = (sizeof(struct common) + 4095) / 4096 * 4096;
    f->bytes = head + GN_LANES * pairs * step;
    void *memory = mmap(NULL, f->bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        GN_FAIL(GN_STATUS_NO_MEMORY, "no memory for what %d processes tell each other", size);
    f->common = memory;
    f->rings = (char *)memory + head;
    f->common->ring_bytes = ring;
    f->common->ring_step = step;
    if (gethostname(f->common->host, sizeof f->common->host - 1) != 0)
        (void)snprintf(f->common->host, sizeof f->common->host, "this machine");
    return GN_OK;
}

static gn_status start(struct gn_ranks *ranks)
{
    struct forked *f = ranks->own;
    f->parent = getpid();
    (void)fflush(NULL); /* what is buffered would be written by each */
    for (int r = 1; r < ranks->size; r++) {
        const pid_t child = fork();
        if (child < 0) {
            const int error = errno;
            char text[GN_ERRNO_TEXT];
            ranks->size = r;
            ranks->failed = true;
            return gn_fail(GN_STATUS_NO_DEVICE, "process %d cannot be started: %s", r,
                           gn_errno_text(error, text));
        }
        f->children[r] = child;
        if (child == 0) {
            ranks->rank = r;
            break;
        }
    }
    return GN_OK;
}

gn_ranks *gn_fork_ranks(int processes)
{
    if (processes < 1 || processes > MOST_FORKED) {
        (void)gn_fail(GN_STATUS_BAD_ARGUMENT, "%d processes (1 to %d)", processes, MOST_FORKED);
        return NULL;
    }
    struct gn_ranks *ranks = gn_calloc(1, sizeof *ranks, "several processes");
    struct forked *f = gn_calloc(1, sizeof *f, "several processes");
    if (ranks == NULL || f == NULL || map(f, processes) != GN_OK) {
        gn_free(ranks);
        gn_free(f);
        return NULL;
    }
    *ranks =
        (struct gn_ranks){ .transport = &forked, .size = processes, .here = processes, .own = f };
    (void)snprintf(ranks->text, sizeof ranks->text, "%d on this machine", processes);
    if (start(ranks) != GN_OK) {
        gn_free_ranks(ranks);
        return NULL;
    }
    return ranks;
}
