/*
 * googlenet train --processes N: the others are forked before anything is opened. Rank 0 opens the data first, so
 * that a set which must be fetched is fetched once; it alone makes the folder and talks. The others are silent,
 * but for one that finds that rank 0 is gone.
 */
#include "cli/train.h"

#include "cli/report.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* What a silent rank had as stderr. */
static int spoken = -1;

static void be_silent(void)
{
    const int nowhere = open("/dev/null", O_WRONLY);
    spoken = dup(STDERR_FILENO);
    if (nowhere < 0)
        return;
    (void)dup2(nowhere, STDOUT_FILENO);
    (void)dup2(nowhere, STDERR_FILENO);
    (void)close(nowhere);
}

int train_begin_ranks(struct train_run *run)
{
    struct train *given = run->given;
    if (given->processes < 2 || given->dry_run)
        return 0;
    given->fit.ranks = gn_fork_ranks(given->processes);
    if (!given->fit.ranks)
        return cli_fail_library();
    if (train_is_silent(run))
        be_silent();
    return 0;
}

bool train_is_silent(const struct train_run *run)
{
    return gn_ranks_rank(run->given->fit.ranks) != 0;
}

int train_meet_ranks(const struct train_run *run, int code)
{
    gn_ranks *ranks = run->given->fit.ranks;
    const gn_status status = gn_error_status() != GN_OK ? gn_error_status() : GN_STATUS_BAD_DATA;
    if (gn_ranks_size(ranks) == 1)
        return code;
    if (gn_ranks_meet(ranks, code ? status : GN_OK) == GN_OK)
        return code;
    return code ? code : cli_fail_library();
}

int train_end_ranks(const struct train_run *run, int code)
{
    gn_ranks *ranks = run->given->fit.ranks;
    const char *message = gn_error_message();
    if (code && gn_ranks_size(ranks) > 1)
        gn_ranks_fail(ranks, gn_error_status() == GN_OK ? GN_STATUS_IO : gn_error_status(),
                      message[0] ? message : "the run could not begin");
    /* Somebody must say so. */
    if (code && gn_ranks_rank(ranks) == 1 && strncmp(message, "rank 0 (", 8) == 0 &&
        strstr(message, ") has ") && spoken >= 0) {
        (void)dup2(spoken, STDERR_FILENO);
        code = cli_fail_library();
    }
    gn_free_ranks(ranks);
    run->given->fit.ranks = NULL;
    return code;
}
