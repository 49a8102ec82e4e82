/*
 * The order of samples in an epoch.
 *
 * tf.data's shuffle keeps a buffer of `window` samples; each output is a uniform pick from it, and
 * the next input takes the free place. Here the buffer is the stretch of `order` after the
 * outputs made so far: a pick is swapped to the front, the stretch moves on by one, and the next
 * input is at its end already. With a window of all samples this is the shuffle of Fisher and
 * Yates, which gives every permutation the same chance. Nothing is allocated, and every draw is a
 * function of (seed, epoch, place), so an epoch can be repeated from any point.
 */
#include "data/order.h"

#include "base/random.h"

enum { NOTEBOOK_WINDOW = 1000 };

gn_status gn_shuffle_order(uint32_t *order, uint32_t n, gn_shuffle shuffle, int window,
                           uint64_t seed, uint64_t epoch)
{
    if (window < 0)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "shuffle: window %d is negative; use 1 or more", window);
    for (uint32_t i = 0; i < n; i++)
        order[i] = i;
    if (shuffle == GN_SHUFFLE_NONE)
        return GN_OK;
    const uint32_t asked = window == 0 ? NOTEBOOK_WINDOW : (uint32_t)window;
    const uint32_t buffer = shuffle == GN_SHUFFLE_WINDOW ? asked : n;
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t left = n - i, choices = buffer < left ? buffer : left;
        const uint64_t pick = gn_random_below(seed, GN_RANDOM_SHUFFLE, epoch, i, choices);
        const uint32_t j = i + (uint32_t)pick, chosen = order[j];
        order[j] = order[i];
        order[i] = chosen;
    }
    return GN_OK;
}
