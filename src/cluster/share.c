/* What ranks tell each other, and which grains are whose. */
#include "cluster/internal.h"

#include "base/number.h"

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

int gn_ranks_equal_grain(const gn_ranks *ranks, int grains, int r)
{
    return (int)((long long)grains * r / gn_ranks_size(ranks));
}

int gn_ranks_first_grain(const gn_ranks *ranks, int grains, int r)
{
    if (ranks == NULL || !ranks->is_uneven || r == 0 || r == ranks->size)
        return gn_ranks_equal_grain(ranks, grains, r);
    return (int)(grains * ranks->until[r] + 0.5);
}

double gn_ranks_largest_share(const gn_ranks *ranks)
{
    double most = 0;
    for (int r = 0; ranks != NULL && ranks->is_uneven && r < ranks->size; r++) {
        const double share = ranks->until[r + 1] - ranks->until[r];
        most = share > most ? share : most;
    }
    return most;
}

int gn_ranks_most_grains(const gn_ranks *ranks, int grains)
{
    const int size = gn_ranks_size(ranks);
    const double most = gn_ranks_largest_share(ranks);
    const int uneven = (int)(grains * most) + 2; /* both ends may be rounded */
    if (most > 0)
        return uneven < grains ? uneven : grains;
    return (grains + size - 1) / size;
}

void gn_ranks_set_shares(struct gn_ranks *ranks, const double *weights)
{
    double sum = 0;
    size_t used = strcspn(ranks->text, ";");
    for (int r = 0; r < ranks->size; r++)
        sum += weights[r];
    ranks->is_uneven = true;
    ranks->until[0] = 0;
    used += (size_t)snprintf(ranks->text + used, sizeof ranks->text - used, "; shares of a batch");
    for (int r = 0; r < ranks->size; r++) {
        ranks->until[r + 1] = ranks->until[r] + weights[r] / sum;
        if (used + 32 < sizeof ranks->text) {
            gn_format(ranks->text + used, sizeof ranks->text - used, " %.2f", weights[r] / sum);
            used += strlen(ranks->text + used);
        }
    }
}

gn_status gn_ranks_read_shares(const char *text, int n, double *weights)
{
    const char *at = text;
    for (int i = 0; i < n; i++) {
        char *end = NULL;
        char number[32];
        const size_t length = strcspn(at, ",");
        if (length > 0 && length < sizeof number) {
            memcpy(number, at, length);
            number[length] = '\0';
            if (!gn_real_parse(number, &weights[i]) || weights[i] < 1e-3 || weights[i] > 1e3)
                break;
            end = number;
        }
        if (end == NULL)
            break;
        at += length;
        if (i + 1 == n && *at == '\0')
            return GN_OK;
        if (*at++ != ',')
            break;
    }
    GN_FAIL(
        GN_STATUS_BAD_ARGUMENT,
        "fit: .share is \"%s\": write equal, auto, or a number from 0.001 to 1000 for each of the "
        "%d processes, separated by commas",
        text, n);
}
