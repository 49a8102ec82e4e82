/*
 * googlenet train: how long, and in which batches, a set of pictures is learned when nobody says it. The
 * notebook's 5 epochs of batches of 128 suit the 60,000 images of Fashion-MNIST, and named sets keep
 * them; 300 pictures would have 15 steps. The rule, for pictures of any number:
 *
 *   batch     the largest power of two from 8 to 128 by which an epoch has at least 32 steps, or 8
 *   epochs    as many as make 1000 steps, from 5 to 100
 *   momentum  of running statistics: at most 1 - 2 / (steps of an epoch), at least 0.8, so that they
 *             follow the weights within half an epoch. Keras' 0.99 stays from 200 steps an epoch on
 */
#include "cli/recipes.h"
#include "cli/report.h"
#include "cli/train.h"

enum {
    LEAST_BATCH = 8,
    MOST_BATCH = 128,
    EPOCH_STEPS = 32,
    RUN_STEPS = 1000,
    LEAST_EPOCHS = 5,
    MOST_EPOCHS = 100,
    SHORT_RUN = 300,
    LARGE_BATCH = 256, /* without normalisation */
    WARM_UP = 5        /* epochs */
};

uint64_t train_epoch_steps(const struct train_run *run, int batch)
{
    const struct gn_fit_options *fit = &run->given->fit;
    const uint64_t samples = fit->limit_train && fit->limit_train < run->train_info.samples
                                 ? fit->limit_train
                                 : run->train_info.samples;
    const uint64_t step = (uint64_t)batch * (uint64_t)(fit->accumulate > 0 ? fit->accumulate : 1);
    return (samples + step - 1) / step;
}

static int best_batch(const struct train_run *run)
{
    int batch = MOST_BATCH;
    while (batch > LEAST_BATCH && train_epoch_steps(run, batch) < EPOCH_STEPS)
        batch /= 2;
    return batch;
}

static int best_epochs(const struct train_run *run, int batch)
{
    const uint64_t steps = train_epoch_steps(run, batch);
    const uint64_t epochs = steps ? (RUN_STEPS + steps - 1) / steps : LEAST_EPOCHS;
    return epochs < LEAST_EPOCHS ? LEAST_EPOCHS : epochs > MOST_EPOCHS ? MOST_EPOCHS : (int)epochs;
}

/* In thousandths, so that it can be read. */
static double best_momentum(const struct train_run *run, int batch)
{
    const double least = 0.8, steps = (double)train_epoch_steps(run, batch);
    const double value = steps > 0 ? (double)(int)(1000 * (1 - 2 / steps) + 0.5) / 1000 : least;
    return value > least ? value : least;
}

void train_choose(struct train_run *run)
{
    struct gn_fit_options *fit = &run->given->fit;
    if (run->train_info.height > 0) {
        run->free_epochs = run->free_batch = run->free_momentum = false;
        return;
    }
    if (run->free_batch)
        fit->batch = best_batch(run);
    if (run->free_epochs)
        fit->epochs = best_epochs(run, fit->batch);
    const double momentum = best_momentum(run, fit->batch);
    run->free_momentum = run->free_momentum && momentum < run->net_info.momentum;
    if (run->free_momentum)
        fit->bn_momentum = momentum;
}

static void warn_of_short_run(const struct train_run *run)
{
    const struct gn_fit_options *fit = &run->given->fit;
    const int batch = best_batch(run), epochs = best_epochs(run, batch);
    const uint64_t steps = (uint64_t)fit->epochs * train_epoch_steps(run, fit->batch),
                   better = (uint64_t)epochs * train_epoch_steps(run, batch);
    /* Who cuts a run short knows it; --quiet is for those who do not want to be told. */
    const bool is_cut = fit->max_steps || fit->max_seconds > 0 || fit->limit_train;
    if (steps >= SHORT_RUN || is_cut || cli_voice.quiet || run->given->resume)
        return;
    if (better > steps)
        cli_warn("the run has %llu steps (--epochs %d --batch %d), mostly too few to learn: "
                 "--batch %d --epochs %d make %llu",
                 (unsigned long long)steps, fit->epochs, fit->batch, batch, epochs,
                 (unsigned long long)better);
    else
        cli_warn("the run has %llu steps (--epochs %d --batch %d), mostly too few to learn: the "
                 "set is very small",
                 (unsigned long long)steps, fit->epochs, fit->batch);
}

/* What is usual where a batch is larger than the one that the rate was chosen for: proposed, never done. */
static void propose_rate(const struct train_run *run, double batch)
{
    const struct gn_fit_options *fit = &run->given->fit;
    const int usual = recipe_batch(run->given->recipe);
    const bool rises =
        fit->warmup_steps || fit->warmup_epochs > 0 || fit->schedule == GN_SCHEDULE_ONE_CYCLE;
    const double times = batch / usual;
    char rise[48] = "";
    if (batch <= usual || fit->optimizer != GN_SGD || cli_given(run->args, "lr") || fit->zero_lr)
        return;
    if (!rises)
        snprintf(rise, sizeof rise, " --warmup-epochs %d", fit->epochs > WARM_UP ? WARM_UP : 1);
    cli_note("batch     %.0f = %.3g x %d: --lr %.3g%s %s the usual choice (--lr %g is that of %d)",
             batch, times, usual, times * fit->lr, rise, rises ? "is" : "are", fit->lr, usual);
}

static void advise_of_large_batch(const struct train_run *run)
{
    const struct gn_fit_options *fit = &run->given->fit;
    const double batch = (double)fit->batch * (fit->accumulate > 0 ? fit->accumulate : 1);
    if (run->given->resume)
        return;
    propose_rate(run, batch);
    if (batch > LARGE_BATCH && !(run->net_info.momentum > 0) && !cli_voice.quiet)
        cli_warn(
            "batches of %.0f are large for a network without batch normalisation: above %d its "
            "loss often stays where it is; googlenet-bn%s or a smaller --batch may help",
            batch, LARGE_BATCH, fit->optimizer == GN_LARS ? "" : ", --optimizer lars");
}

void train_note_choice(const struct train_run *run)
{
    if (run->free_momentum)
        cli_note(
            "norm      its running statistics keep %g of themselves a step, since an epoch has "
            "%llu steps; the network's own %g is for longer ones (--bn-momentum)",
            run->given->fit.bn_momentum,
            (unsigned long long)train_epoch_steps(run, run->given->fit.batch),
            run->net_info.momentum);
    advise_of_large_batch(run);
    warn_of_short_run(run);
}
