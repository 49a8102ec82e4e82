/*
 * The processes that train one network together, each of which has a number, its rank. What they do
 * with each other is sending and receiving bytes, each call of which returns at once, and waiting for both, which
 * ends after a deadline; sums and agreements are made of these. Where there is one process nothing is called.
 *
 * A rank that cannot go on says so; a rank that does not answer is named. In both cases every wait of the
 * others ends with the same sentence.
 */
#ifndef GN_CLUSTER_RANKS_H
#define GN_CLUSTER_RANKS_H

#include "base/status.h"

enum { GN_MOST_RANKS = 1024 };

/* For NULL, which is one process, too, gn_ranks_rank is 0 and gn_ranks_size 1; the rest of the header is in
 * googlenet.h. */

/* What messages about lost ranks say: the step that is being done, and how long one may take. */
void gn_ranks_at(struct gn_ranks *ranks, uint64_t step, double timeout);

/* A launcher that sees a process end asks the others to stop, and ends them a second later. So who is asked (*stop is no
 * longer 0) and waits for a rank says once which one. `stop` stays until it is NULL again. */
void gn_ranks_on_stop(struct gn_ranks *ranks, const volatile int *stop,
                      void (*asked)(void *user, const char *sentence), void *user);

/* What goes from one rank to another arrives in the order in which it was sent, in each lane by itself: agreements
 * must not wait for gradients, nor sums for parts of them. The number groups transfers of a lane. */
enum gn_lane_name { GN_LANE_TALK, GN_LANE_PARTS, GN_LANE_SUMS, GN_LANES };
struct gn_lane {
    enum gn_lane_name name;
    int number;
};

/* Begin to send or to receive, in a lane or that of talk. The bytes belong to the transfer until it was waited for.
 * NO_MEMORY. */
gn_status gn_ranks_send_in(struct gn_ranks *ranks, struct gn_lane lane, int to, const void *data,
                           size_t bytes);
gn_status gn_ranks_receive_in(struct gn_ranks *ranks, struct gn_lane lane, int from, void *data,
                              size_t bytes);
gn_status gn_ranks_send(struct gn_ranks *ranks, int to, const void *data, size_t bytes);
gn_status gn_ranks_receive(struct gn_ranks *ranks, int from, void *data, size_t bytes);

/* Moves all transfers on without waiting; what goes wrong is found by who waits. */
void gn_ranks_progress(struct gn_ranks *ranks);

/* Whether transfers of that lane and number are under way. */
bool gn_ranks_pending(const struct gn_ranks *ranks, struct gn_lane lane);

/* Waits until those are done, or all talk; the others move on meanwhile. NO_DEVICE: a rank is lost; or the status of
 * a rank that failed. */
gn_status gn_ranks_wait_for(struct gn_ranks *ranks, struct gn_lane lane);
gn_status gn_ranks_wait(struct gn_ranks *ranks);

/* Bytes that were moved in all lanes so far, both ways. */
uint64_t gn_ranks_moved(const struct gn_ranks *ranks);

/* ---- Made of these ---- */

/* Of bytes [offsets[0], offsets[size]) rank r has [offsets[r], offsets[r + 1]); then all have all. */
gn_status gn_ranks_share(struct gn_ranks *ranks, void *data, const size_t *offsets);

/* The same for `bytes` of each rank, one after the other. */
gn_status gn_ranks_share_equal(struct gn_ranks *ranks, void *data, size_t bytes);

/* *flags becomes what any rank has set. */
gn_status gn_ranks_any(struct gn_ranks *ranks, uint32_t *flags);

/* The first of the grains that rank r computes, of a batch of so many; r = size: the end. */
int gn_ranks_first_grain(const gn_ranks *ranks, int grains, int r);

/* The same where all have equal shares, as for one batch each. */
int gn_ranks_equal_grain(const gn_ranks *ranks, int grains, int r);

/* Gives each rank grains by its weight, the same weights everywhere, instead of equally many; no bit depends on it. */
void gn_ranks_set_shares(struct gn_ranks *ranks, const double *weights);

/* "3,1": the weights of n ranks. BAD_ARGUMENT. */
gn_status gn_ranks_read_shares(const char *text, int n, double *weights);

/* The part of a batch that a rank takes at most, where shares are not equal; else 0. */
double gn_ranks_largest_share(const gn_ranks *ranks);

/* The most grains that a rank computes, of a batch of so many or fewer. */
int gn_ranks_most_grains(const gn_ranks *ranks, int grains);

/* Room for sums of arrays of n floats. NULL: NO_MEMORY. */
struct gn_summer;
struct gn_summer *gn_summer_create(struct gn_ranks *ranks, size_t n, int most_grains, int threads);
void gn_summer_free(struct gn_summer *summer);

/* Adds up the gradients of a batch of so many grains, of which this rank has the partial sums that
 * base/pairwise.h leaves for its own. The whole lies in slots[0] at the end. Between begin and end the sums become
 * final from the end of the arrays on: `ready` says that those from number `from` on are, and lets what can be sent
 * already go on its way. Where it is never called all is sent by the end. */
void gn_summer_begin(struct gn_summer *summer, float *const *slots, int grains);
void gn_summer_ready(struct gn_summer *summer, size_t from);
gn_status gn_summer_end(struct gn_summer *summer);

/* The array is sent in so many parts at most, from its end on. */
enum { GN_SUMMER_PARTS = 8 };

/* Over all sums so far: seconds in gn_summer_end; bytes sent and received, in all and before it began; seconds by which each
 * part was final before the last one, 0 for those that the array is too small for. */
struct gn_summer_cost {
    double waited;
    uint64_t bytes, early;
    double final[GN_SUMMER_PARTS];
};
struct gn_summer_cost gn_summer_cost(const struct gn_summer *summer);

#endif
