#include "cli/ranks.h"

#include "cli/report.h"
#include "cli/signals.h"
#include "os/program/program.h"

#include <stdlib.h>
#include <string.h>

void cli_ranks_hush(void)
{
    int rank;
    (void)gn_launched(&rank);
    if (rank > 0)
        gn_be_silent();
}

void cli_ranks_part(void)
{
    int rank;
    const int size = gn_launched(&rank);
    gn_be_heard();
    if (size != 1 && rank == 0)
        cli_warn("a launcher has started %d processes: with --processes each of them trains alone",
                 size);
}

int cli_ranks_join(gn_ranks **ranks)
{
    int rank;
    if (gn_launched(&rank) == 1)
        return 0;
    *ranks = gn_join_ranks();
    if (*ranks)
        return 0;
    /* What a launcher lacks rank 0 says, too; a plugin may be missing on this machine alone. */
    if (rank > 0 && strncmp(gn_error_message(), "the plugin ", 11) == 0)
        gn_be_heard();
    const int code = cli_fail_library();
    cli_hint(
        "Slurm starts such processes with srun --mpi=pmix; train --processes 1 is for one alone");
    return code;
}

int cli_ranks_fork(gn_ranks **ranks, int processes)
{
    if (processes < 2)
        return 0;
    *ranks = gn_fork_ranks(processes);
    if (!*ranks)
        return cli_fail_library();
    if (cli_ranks_silent(*ranks))
        gn_be_silent();
    return 0;
}

bool cli_ranks_silent(const gn_ranks *ranks)
{
    return gn_ranks_rank(ranks) != 0;
}

int cli_ranks_meet(gn_ranks *ranks, int code)
{
    const gn_status status = gn_error_status() != GN_OK ? gn_error_status() : GN_STATUS_BAD_DATA;
    if (gn_ranks_size(ranks) == 1)
        return code;
    if (gn_ranks_meet(ranks, code ? status : GN_OK) == GN_OK)
        return code;
    return code ? code : cli_fail_library();
}

/* Whether the sentence is about this rank's having ended, or not answered. */
static bool names(const char *message, int rank)
{
    char *begin = cli_format("rank %d (", rank);
    const bool same = strncmp(message, begin, strlen(begin)) == 0 && strstr(message, ") has ");
    free(begin);
    return same;
}

int cli_ranks_end(gn_ranks **ranks, int code)
{
    const char *message = gn_error_message();
    const char *said = message[0] ? message : cli_last_failure();
    if (code && gn_ranks_size(*ranks) > 1)
        gn_ranks_fail(*ranks, gn_error_status() == GN_OK ? GN_STATUS_IO : gn_error_status(),
                      said[0] ? said : "the command could not begin");
    /* Somebody must say so. */
    if (code && gn_ranks_rank(*ranks) == 1 && names(message, 0)) {
        gn_be_heard();
        code = cli_fail_library();
    }
    if (*ranks) /* a launcher that sees one end interrupts the others */
        cli_ignore_interrupts();
    gn_end_ranks(*ranks, code);
    *ranks = NULL;
    return code;
}
