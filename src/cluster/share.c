/* What ranks tell each other, and which grains are whose. */
#include "cluster/ranks.h"

#include <string.h>

/* Each sends to the one after it first, so that not all send to the same one. */
gn_status gn_ranks_share(struct gn_ranks *ranks, void *data, const size_t *offsets)
{
    const int size = gn_ranks_size(ranks), rank = gn_ranks_rank(ranks);
    char *bytes = data;
    if (size == 1)
        return GN_OK;
    for (int d = 1; d < size; d++) {
        const int to = (rank + d) % size, from = (rank + size - d) % size;
        GN_TRY(gn_ranks_send(ranks, to, bytes + offsets[rank], offsets[rank + 1] - offsets[rank]));
        GN_TRY(gn_ranks_receive(ranks, from, bytes + offsets[from],
                                offsets[from + 1] - offsets[from]));
    }
    return gn_ranks_wait(ranks);
}

gn_status gn_ranks_share_equal(struct gn_ranks *ranks, void *data, size_t bytes)
{
    size_t offsets[GN_MOST_RANKS + 1];
    for (int r = 0; r <= gn_ranks_size(ranks); r++)
        offsets[r] = (size_t)r * bytes;
    return gn_ranks_share(ranks, data, offsets);
}

gn_status gn_ranks_any(struct gn_ranks *ranks, uint32_t *flags)
{
    uint32_t all[GN_MOST_RANKS];
    if (gn_ranks_size(ranks) == 1)
        return GN_OK;
    all[gn_ranks_rank(ranks)] = *flags;
    GN_TRY(gn_ranks_share_equal(ranks, all, sizeof *all));
    for (int r = 0; r < gn_ranks_size(ranks); r++)
        *flags |= all[r];
    return GN_OK;
}

/* Everybody hears of everybody, which is more than needed, and as soon as a rank fails. */
gn_status gn_ranks_meet(gn_ranks *ranks, gn_status status)
{
    uint32_t flags = 0;
    if (status != GN_OK) {
        gn_ranks_fail(ranks, status, gn_error_message());
        return status;
    }
    return gn_ranks_any(ranks, &flags);
}

int gn_ranks_first_grain(const gn_ranks *ranks, int grains, int r)
{
    return (int)((long long)grains * r / gn_ranks_size(ranks));
}

int gn_ranks_most_grains(const gn_ranks *ranks, int grains)
{
    const int size = gn_ranks_size(ranks);
    return (grains + size - 1) / size;
}
