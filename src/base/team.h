/*
 * Teams of threads that run one function together. Worker threads are kept between calls and wait
 * politely: a short spin, then they offer their processor to others, then they sleep. Any number of
 * callers may run teams at the same time; a child of fork() starts with workers of its own; no failure
 * of the system ends the process.
 */
#ifndef GN_BASE_TEAM_H
#define GN_BASE_TEAM_H

#include "base/status.h"

/* One call of gn_team_run: what its threads share. */
struct gn_team;

/* What each thread of a team runs; the caller of gn_team_run is thread 0. */
typedef void gn_team_work(struct gn_team *team, int thread, void *argument);

/* Runs `work` on `threads` threads, this one among them, and returns when all are done. Where the
 * system allows fewer threads it runs on those, at least on this one: ask gn_team_size. */
void gn_team_run(int threads, gn_team_work *work, void *argument);

int gn_team_size(const struct gn_team *team);

/* Waits until every thread of the team is here. What was written before is seen by all after. */
void gn_team_barrier(struct gn_team *team);

/* Makes sure that a team of `threads` can run: NO_DEVICE with the numbers when the system does not
 * allow so many (ulimit -u, a container's limit of processes). */
gn_status gn_team_reserve(int threads);

/* Calls work(argument, i) for each i from 0 to n - 1, on up to `threads` threads, in no order. */
void gn_parallel(int threads, size_t n, void (*work)(void *argument, size_t i), void *argument);

#endif
