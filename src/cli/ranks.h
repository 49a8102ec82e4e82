/*
 * One command by several processes: those that a launcher (mpirun, srun) has started, or those of --processes N.
 * Rank 0 talks and writes; the others are silent, but for one that finds that rank 0 is gone.
 */
#ifndef GN_CLI_RANKS_H
#define GN_CLI_RANKS_H

#include <googlenet.h>

/* Before the words of the command are read: all have the same, so one complains. */
void cli_ranks_hush(void);

/* Joins the others, where a launcher has started some. 0, or the exit code after the fault was named. */
int cli_ranks_join(gn_ranks **ranks);

/* Each process of a launcher is one of its own after all. */
void cli_ranks_part(void);

/* Forks the others, from where on each runs the rest of the command. */
int cli_ranks_fork(gn_ranks **ranks, int processes);

/* Whether this is one of the others. */
bool cli_ranks_silent(const gn_ranks *ranks);

/* Waits until rank 0 is here; `code` is that of this process so far. Returns it, or why it cannot go on. */
int cli_ranks_meet(gn_ranks *ranks, int code);

/* The end of them, with the exit code so far; returns it, or another one. */
int cli_ranks_end(gn_ranks **ranks, int code);

#endif
