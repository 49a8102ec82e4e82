/* Transfers, waiting for them, and how a failure of one rank ends all. */
#include "cluster/internal.h"

#include "base/memory.h"
#include "base/number.h"
#include "base/threads.h"

#include <sched.h>
#include <string.h>
#include <time.h>

static const double FIRST_TIMEOUT = 300; /* seconds, before anybody says how long a step takes */
static const double STOP_PATIENCE =
    0.4; /* seconds; Open MPI's mpirun asks, and ends what is left after 1 s */

int gn_ranks_rank(const gn_ranks *ranks)
{
    return ranks == NULL ? 0 : ranks->rank;
}

int gn_ranks_size(const gn_ranks *ranks)
{
    return ranks == NULL ? 1 : ranks->size;
}

const char *gn_ranks_describe(const gn_ranks *ranks)
{
    return ranks == NULL ? "1" : ranks->text;
}

int gn_ranks_threads(const gn_ranks *ranks)
{
    const int part = gn_usable_threads(NULL) / (ranks == NULL ? 1 : ranks->here);
    return part > 0 ? part : 1;
}

void gn_ranks_at(struct gn_ranks *ranks, uint64_t step, double timeout)
{
    if (ranks == NULL)
        return;
    ranks->step = step;
    ranks->timeout = timeout;
}

void gn_ranks_on_stop(struct gn_ranks *ranks, const volatile int *stop,
                      void (*asked)(void *user, const char *sentence), void *user)
{
    if (ranks == NULL)
        return;
    ranks->stop = stop;
    ranks->asked = asked;
    ranks->user = user;
}

static gn_status begin(struct gn_ranks *ranks, struct gn_transfer transfer)
{
    if (transfer.bytes == 0)
        return GN_OK;
    if (ranks->n == ranks->cap) {
        const int cap = ranks->cap == 0 ? 64 : 2 * ranks->cap;
        struct gn_transfer *grown =
            gn_realloc(ranks->transfers, (size_t)cap * sizeof *grown, "transfers");
        if (grown == NULL)
            return gn_last_status();
        ranks->transfers = grown;
        ranks->cap = cap;
    }
    ranks->transfers[ranks->n++] = transfer;
    return GN_OK;
}

gn_status gn_ranks_send_in(struct gn_ranks *ranks, struct gn_lane lane, int to, const void *data,
                           size_t bytes)
{
    struct gn_transfer t = { .lane = lane, .peer = to, .bytes = bytes };
    memcpy(&t.data, &data, sizeof data); /* it is only read */
    return begin(ranks, t);
}

gn_status gn_ranks_receive_in(struct gn_ranks *ranks, struct gn_lane lane, int from, void *data,
                              size_t bytes)
{
    return begin(ranks,
                 (struct gn_transfer){
                     .lane = lane, .peer = from, .receives = true, .data = data, .bytes = bytes });
}

static const struct gn_lane talk = { GN_LANE_TALK, 0 };

gn_status gn_ranks_send(struct gn_ranks *ranks, int to, const void *data, size_t bytes)
{
    return gn_ranks_send_in(ranks, talk, to, data, bytes);
}

gn_status gn_ranks_receive(struct gn_ranks *ranks, int from, void *data, size_t bytes)
{
    return gn_ranks_receive_in(ranks, talk, from, data, bytes);
}

void gn_ranks_fail(struct gn_ranks *ranks, gn_status status, const char *why)
{
    char sentence[GN_RANK_SENTENCE];
    if (ranks == NULL || ranks->failed)
        return;
    ranks->failed = true;
    (void)snprintf(sentence, sizeof sentence, "rank %d (%s), step %llu: %s", ranks->rank,
                   ranks->transport->host(ranks, ranks->rank), (unsigned long long)ranks->step,
                   why);
    ranks->transport->tell(ranks, status, sentence);
}

/* All give up for a rank that does not answer. */
static gn_status give_up(struct gn_ranks *ranks, int rank, const char *what)
{
    char sentence[GN_RANK_SENTENCE];
    gn_status status;
    (void)snprintf(sentence, sizeof sentence, "rank %d (%s) %s in step %llu", rank,
                   ranks->transport->host(ranks, rank), what, (unsigned long long)ranks->step);
    ranks->transport->tell(ranks, GN_STATUS_NO_DEVICE, sentence);
    (void)ranks->transport->told(ranks, &status, sentence); /* the first one */
    ranks->failed = true;
    return gn_fail(status, "%s", sentence);
}

/* Moves on with all transfers; returns whether anything moved. */
static bool advance_all(struct gn_ranks *ranks)
{
    bool blocked[GN_LANES][2][GN_MOST_RANKS] = { { { false } } };
    const uint64_t moved = ranks->moved;
    for (int i = 0; i < ranks->n; i++) {
        struct gn_transfer *t = &ranks->transfers[i];
        const size_t before = t->done;
        bool *is_blocked = &blocked[t->lane.name][t->receives][t->peer];
        if (t->done == t->bytes)
            continue;
        if (!*is_blocked)
            ranks->transport->advance(ranks, t);
        ranks->moved += t->done - before;
        if (t->done < t->bytes)
            *is_blocked |= !ranks->transport->keeps_order || t->begun < t->bytes;
    }
    return ranks->moved > moved;
}

static bool is_of(const struct gn_transfer *t, struct gn_lane lane)
{
    return t->lane.name == lane.name && t->lane.number == lane.number;
}

/* The oldest transfer of the lane that is not done, one that receives if there is one; NULL: all are. */
static const struct gn_transfer *first_of(const struct gn_ranks *ranks, struct gn_lane lane)
{
    const struct gn_transfer *first = NULL;
    for (int i = 0; i < ranks->n; i++) {
        const struct gn_transfer *t = &ranks->transfers[i];
        if (is_of(t, lane) && t->done < t->bytes &&
            (first == NULL || (t->receives && !first->receives)))
            first = t;
    }
    return first;
}

/* A processor that waits is one that a rank on the same machine lacks. */
static void rest(unsigned idle)
{
    static const struct timespec nap = { .tv_nsec = 50000 };
    if (idle < 64)
        return;
    if (idle < 256)
        (void)sched_yield();
    else
        (void)nanosleep(&nap, NULL);
}

/* Whether somebody has said that all is over, or has ended. */
static gn_status look_around(struct gn_ranks *ranks)
{
    char sentence[GN_RANK_SENTENCE];
    gn_status status;
    if (ranks->transport->told(ranks, &status, sentence)) {
        ranks->failed = true;
        return gn_fail(status, "%s", sentence);
    }
    const int lost = ranks->transport->lost(ranks);
    return lost < 0 ? GN_OK : give_up(ranks, lost, "has ended");
}

/* Nothing has moved for some seconds. */
static void look_at_stop(struct gn_ranks *ranks, int rank, double seconds)
{
    char sentence[GN_RANK_SENTENCE];
    if (!ranks->transport->has_launcher || ranks->stop == NULL || *ranks->stop == 0 ||
        ranks->has_told || seconds < STOP_PATIENCE)
        return;
    ranks->has_told = true;
    gn_format(sentence, sizeof sentence,
              "asked to stop in step %llu, where rank %d (%s) has not answered for %.1f s",
              (unsigned long long)ranks->step, rank, ranks->transport->host(ranks, rank), seconds);
    ranks->asked(ranks->user, sentence);
}

static gn_status wait_for(struct gn_ranks *ranks, struct gn_lane lane)
{
    double last = gn_seconds();
    const double timeout = ranks->timeout > 0 ? ranks->timeout : FIRST_TIMEOUT;
    char what[64];
    if (ranks->failed)
        return gn_fail(GN_STATUS_NO_DEVICE, "the other processes have ended");
    for (unsigned idle = 0;; idle++) {
        const bool moved = advance_all(ranks);
        const struct gn_transfer *first = first_of(ranks, lane);
        if (first == NULL)
            return GN_OK;
        if (moved)
            idle = 0;
        rest(idle);
        if (idle % 256 != 255)
            continue;
        GN_TRY(look_around(ranks));
        if (idle == 255) /* a look at the clock only when nothing moves */
            last = gn_seconds();
        gn_format(what, sizeof what, "has not answered for %.0f s", timeout);
        look_at_stop(ranks, first->peer, gn_seconds() - last);
        if (gn_seconds() - last > timeout)
            return give_up(ranks, first->peer, what);
    }
}

/* Nobody waits for anything any more. */
static void drop_all(struct gn_ranks *ranks)
{
    for (int i = 0; i < ranks->n && ranks->transport->drop != NULL; i++)
        if (ranks->transfers[i].begun > ranks->transfers[i].done)
            ranks->transport->drop(ranks, &ranks->transfers[i]);
    ranks->n = 0;
}

gn_status gn_ranks_wait_for(struct gn_ranks *ranks, struct gn_lane lane)
{
    const gn_status status = wait_for(ranks, lane);
    int left = 0;
    if (status != GN_OK) {
        drop_all(ranks);
        return status;
    }
    for (int i = 0; i < ranks->n; i++)
        if (!is_of(&ranks->transfers[i], lane))
            ranks->transfers[left++] = ranks->transfers[i];
    ranks->n = left;
    return GN_OK;
}

gn_status gn_ranks_wait(struct gn_ranks *ranks)
{
    return gn_ranks_wait_for(ranks, talk);
}

void gn_ranks_progress(struct gn_ranks *ranks)
{
    if (!ranks->failed)
        (void)advance_all(ranks);
}

bool gn_ranks_pending(const struct gn_ranks *ranks, struct gn_lane lane)
{
    return first_of(ranks, lane) != NULL;
}

uint64_t gn_ranks_moved(const struct gn_ranks *ranks)
{
    return ranks->moved;
}

void gn_free_ranks(gn_ranks *ranks)
{
    gn_end_ranks(ranks, 0);
}

void gn_end_ranks(gn_ranks *ranks, int code)
{
    if (ranks == NULL)
        return;
    ranks->code = code;
    ranks->transport->close(ranks);
    gn_free(ranks->transfers);
    gn_free(ranks);
}
