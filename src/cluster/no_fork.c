/* In the place of forked.c where the system cannot start processes that share memory. */
#include "cluster/ranks.h"

gn_ranks *gn_fork_ranks(int processes)
{
    (void)gn_fail(GN_STATUS_NO_DEVICE,
                  "%d processes: this system cannot start processes that train together",
                  processes);
    return NULL;
}
