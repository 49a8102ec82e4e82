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

#include "base/memory.h"
#include "base/random.h"
#include "data/dataset.h"

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

/* ---- As many of each class ---- */

/* Puts the samples of each class one after the other: class k's are by_class[starts[k] ... starts[k+1]-1].
 * Returns the number of classes that have any. */
static uint32_t sort_by_class(const struct gn_balance *b, uint32_t n)
{
    uint32_t present = 0, sum = 0;
    for (int k = 0; k <= b->classes; k++)
        b->starts[k] = 0;
    for (uint32_t i = 0; i < n; i++)
        b->starts[b->labels[i]]++;
    for (int k = 0; k <= b->classes; k++) {
        const uint32_t count = b->starts[k];
        present += count > 0;
        b->starts[k] = sum;
        sum += count;
    }
    for (uint32_t i = 0; i < n; i++)
        b->by_class[b->starts[b->labels[i]]++] = i;
    for (int k = b->classes; k > 0; k--)
        b->starts[k] = b->starts[k - 1];
    b->starts[0] = 0;
    return present;
}

/* Draws `wanted` samples of n without putting back, and again from all of them when they are used up. */
static void draw(uint32_t *order, uint32_t *from, uint32_t n, uint32_t wanted,
                 const struct gn_balance *b, uint64_t epoch, uint64_t *drawn)
{
    for (uint32_t i = 0; i < wanted; i++) {
        const uint32_t at = i % n;
        const uint32_t j =
            at + (uint32_t)gn_random_below(b->seed, GN_RANDOM_BALANCE, epoch, (*drawn)++, n - at);
        const uint32_t chosen = from[j];
        from[j] = from[at];
        from[at] = chosen;
        order[i] = chosen;
    }
}

void gn_balanced_order(uint32_t *order, uint32_t n, const struct gn_balance *balance,
                       uint64_t epoch)
{
    const uint32_t present = sort_by_class(balance, n);
    uint64_t drawn = 0;
    uint32_t filled = 0, seen = 0;
    for (int k = 0; k < balance->classes; k++) {
        const uint32_t first = balance->starts[k], count = balance->starts[k + 1] - first;
        if (count == 0)
            continue;
        /* Who gets the rest changes from epoch to epoch. */
        const bool more = (seen++ + epoch) % present < n % present;
        const uint32_t wanted = n / present + (more ? 1 : 0);
        draw(order + filled, balance->by_class + first, count, wanted, balance, epoch, &drawn);
        filled += wanted;
    }
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t j =
            i + (uint32_t)gn_random_below(balance->seed, GN_RANDOM_SHUFFLE, epoch, i, n - i);
        const uint32_t chosen = order[j];
        order[j] = order[i];
        order[i] = chosen;
    }
}

gn_status gn_balance_reserve(struct gn_balance *balance, uint32_t n, int classes)
{
    balance->by_class = gn_calloc(n, sizeof(uint32_t), "samples by class");
    balance->starts = gn_calloc((size_t)classes + 1, sizeof(uint32_t), "samples by class");
    return balance->by_class == NULL || balance->starts == NULL ? gn_last_status() : GN_OK;
}

void gn_balance_free(struct gn_balance *balance)
{
    gn_free(balance->by_class);
    gn_free(balance->starts);
}

gn_status gn_order_samples(uint32_t *order, uint32_t n, const struct gn_loader_options *options,
                           struct gn_balance *balance, uint64_t epoch)
{
    if (!options->balanced)
        return gn_shuffle_order(order, n, options->shuffle, options->window, options->seed, epoch);
    balance->labels = options->data->labels + options->first;
    balance->classes = options->data->classes;
    balance->seed = options->seed;
    gn_balanced_order(order, n, balance, epoch);
    return GN_OK;
}
