/* The options of a run, checked against net and data, with every default filled in. */
#ifndef GN_TRAIN_SETTINGS_H
#define GN_TRAIN_SETTINGS_H

#include "data/dataset.h"
#include "graph/graph.h"
#include "train/optimizer.h"
#include "train/schedule.h"

struct gn_settings {
    struct gn_fit_options
        options; /* no zero stands for a default any more; `out` is the caller's */
    struct gn_optimizer_options optimizer;
    struct gn_schedule_options schedule;
    uint64_t step_samples, epoch_steps; /* samples of a full step, steps of an epoch */
    gn_resize rule;                     /* never DEFAULT */
    uint64_t n_train, n_val;            /* samples that will be used; n_val 0: no validation */
    struct gn_augment augment;
};

/* BAD_ARGUMENT, BAD_SHAPE or BAD_DATA with the numbers. Nothing is changed but *settings. */
gn_status gn_settings_resolve(const struct gn_net *net, const struct gn_fit_options *options,
                              struct gn_settings *settings);

/* Whether a data set fits the net: the stated size, channels, classes. `what` names it in the
 * message ("training"). */
gn_status gn_check_data(const struct gn_net *net, const struct gn_dataset *data, const char *what);

/* The rule that `asked` (DEFAULT: none) and the data sets' own options agree on, else the net's.
 * Two rules that differ are BAD_ARGUMENT. `second` may be NULL. */
gn_status gn_resolve_resize(const struct gn_net *net, gn_resize asked,
                            const struct gn_dataset *first, const struct gn_dataset *second,
                            gn_resize *rule);

/* "tf1-legacy", "half-pixel", "pil-bilinear". */
const char *gn_resize_text(gn_resize rule);

/* The loader of a data set for a net. */
struct gn_loader_options gn_loader_for(const struct gn_net *net, const struct gn_dataset *data,
                                       uint64_t limit, int batch, gn_resize rule);

/* ---- Memory ---- */

/* NO_MEMORY with the numbers when `need` bytes are more than the process may use. `what`:
 * "training with batch 128 at 96x96". */
gn_status gn_check_memory(uint64_t need, const char *what);

/* a + b, UINT64_MAX when that overflows or either is it. */
uint64_t gn_bytes_add(uint64_t a, uint64_t b);

/* Bytes of everything that a run keeps: data, plan, loaders, weights, gradients, state. */
uint64_t gn_settings_memory(const struct gn_net *net, const struct gn_settings *settings);

#endif
