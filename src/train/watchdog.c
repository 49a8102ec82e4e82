/*
 * Signs of a training that goes wrong while all its numbers are still finite: a loss that stays at
 * that of guessing, a loss or a gradient that jumps up, and layers whose ReLUs let nothing through
 * any more. Each is a warning that says what to try; training goes on. What it remembers from step
 * to step stands in the progress, so that a resumed run warns at the same steps.
 */
#include "train/fit.h"

#include "base/memory.h"
#include "graph/pattern.h"

#include <math.h>
#include <string.h>

enum { STUCK_STEPS = 300, SETTLED_STEPS = 20, LEAST_DEAD_STEPS = 10 };

/* Share of the newest value in a running mean; how near to ln K is guessing; how large is a jump. */
static const double NEWEST = 0.05, GUESSING = 0.01, LOSS_JUMP = 4, NORM_JUMP = 100;

/* A layer of which more channels than this share are dead is reported: a few always are. */
static const double DEAD = 0.9;

static double running_mean(double mean, double value, uint64_t step)
{
    return step <= 1 ? value : mean + (value - mean) * NEWEST;
}

/* GoogLeNet without normalisation is known for it (BVLC/caffe, issue 1598). */
static void warn_stuck(struct gn_fit *fit, double guessing)
{
    const struct gn_progress *p = &fit->t.progress;
    (void)gn_fail(GN_STATUS_DIVERGED,
                  "training: after step %llu the loss is %.4f, within 1%% of guessing (ln %d = "
                  "%.4f) for %d steps: the network has not begun to learn",
                  (unsigned long long)p->step, p->watch_loss, fit->t.net->classes, guessing,
                  STUCK_STEPS);
    gn_fit_warn(fit, "it may still start by itself; try another learning rate (googlenet lr-find "
                     "suggests one), a warm-up (--warmup-epochs 1), --momentum 0.9, or batch "
                     "normalisation (--model googlenet-bn)");
}

static void warn_jump(struct gn_fit *fit, const char *what, double value, double mean)
{
    const struct gn_progress *p = &fit->t.progress;
    (void)gn_fail(GN_STATUS_DIVERGED, "training: at step %llu %s is %.4g, its running mean is %.4g",
                  (unsigned long long)p->step, what, value, mean);
    gn_fit_warn(fit, "if it does not come down: a lower learning rate, a warm-up (--warmup-epochs "
                     "1) or shorter gradients (--clip-norm 1)");
}

static void look_for_jumps(struct gn_fit *fit, double loss, double norm, double guessing)
{
    struct gn_progress *p = &fit->t.progress;
    const bool told = p->watch_alarm != 0 && p->step < p->watch_alarm + fit->t.settings.epoch_steps;
    const bool loss_jumps = loss > LOSS_JUMP * p->watch_loss && loss > guessing;
    const bool norm_jumps = norm > NORM_JUMP * p->watch_norm && p->watch_norm > 0;
    if (p->step <= SETTLED_STEPS || told || !(loss_jumps || norm_jumps))
        return;
    p->watch_alarm = p->step;
    if (loss_jumps)
        warn_jump(fit, "the loss", loss, p->watch_loss);
    else
        warn_jump(fit, "the length of the gradient", norm, p->watch_norm);
}

/* Biases in front of a ReLU: index of the tensor for layer i, -1 when there is none. A bias has a
 * gradient of exactly zero when its ReLU let nothing through for any sample and pixel; a frozen one
 * has no gradient and tells nothing. */
static int watched_bias(const struct gn_fit *fit, int i)
{
    const struct gn_graph *g = fit->t.net->graph;
    const int bias =
        g->layers[i].op->fuses == GN_FUSE_RELU ? g->layers[g->layers[i].inputs[0]].bias : -1;
    const char *freeze = fit->t.settings.options.freeze;
    return bias < 0 || gn_pattern_matches(freeze, g->tensors[bias].name) ? -1 : bias;
}

gn_status gn_watchdog_open(struct gn_fit *fit)
{
    const struct gn_graph *g = fit->t.net->graph;
    size_t n = 1;
    for (int i = 0; i < g->n_layers; i++)
        n += watched_bias(fit, i) < 0 ? 0 : g->tensors[watched_bias(fit, i)].count;
    fit->fired = gn_calloc(n, 1, "the watchdog");
    return fit->fired == NULL ? gn_last_status() : GN_OK;
}

static void note_fired(struct gn_fit *fit)
{
    const struct gn_graph *g = fit->t.net->graph;
    const float *grads = gn_train_step_grads(fit->step);
    uint8_t *fired = fit->fired;
    for (int i = 0; i < g->n_layers; i++) {
        if (watched_bias(fit, i) < 0)
            continue;
        const struct gn_tensor *bias = &g->tensors[watched_bias(fit, i)];
        for (size_t k = 0; k < bias->count; k++) {
            const float gradient = grads[bias->offset + k];
            if (gradient < 0 || gradient > 0)
                *fired = 1;
            fired++;
        }
    }
    fit->fired_steps++;
}

void gn_watchdog_step(struct gn_fit *fit, double loss, double norm)
{
    struct gn_progress *p = &fit->t.progress;
    const double guessing = log((double)fit->t.net->classes);
    look_for_jumps(fit, loss, norm, guessing);
    p->watch_loss = running_mean(p->watch_loss, loss, p->step);
    p->watch_norm = running_mean(p->watch_norm, norm, p->step);
    const bool stuck = fabs(p->watch_loss - guessing) <= GUESSING * guessing;
    p->watch_stuck = stuck ? p->watch_stuck + 1 : 0;
    if (p->watch_stuck == STUCK_STEPS)
        warn_stuck(fit, guessing);
    note_fired(fit);
}

static void warn_dead(struct gn_fit *fit, const char *layer, size_t dead, size_t count, int others)
{
    (void)gn_fail(GN_STATUS_DIVERGED,
                  "training: %s: %zu of %zu channels let no gradient through in epoch %llu: their "
                  "ReLUs are dead (and nearly all of %d other layers)",
                  layer, dead, count, (unsigned long long)fit->t.progress.epoch + 1, others);
    gn_fit_warn(fit, "they rarely come back; start again with a lower learning rate, a warm-up "
                     "(--warmup-epochs 1) or batch normalisation (--model googlenet-bn)");
}

/* Of the layers with nearly all of their channels dead the worst one is named, once a call. */
void gn_watchdog_epoch(struct gn_fit *fit)
{
    const struct gn_graph *g = fit->t.net->graph;
    const uint8_t *fired = fit->fired;
    const char *worst = NULL;
    size_t worst_dead = 0, worst_count = 1, n = 0;
    int layers = 0;
    for (int i = 0; i < g->n_layers; i++) {
        if (watched_bias(fit, i) < 0)
            continue;
        const size_t count = g->tensors[watched_bias(fit, i)].count;
        size_t dead = 0;
        for (size_t k = 0; k < count; k++)
            dead += fired[n++] == 0;
        if ((double)dead <= DEAD * (double)count)
            continue;
        layers++;
        if (worst == NULL || dead * worst_count > worst_dead * count) {
            worst = g->layers[g->layers[i].inputs[0]].name;
            worst_dead = dead;
            worst_count = count;
        }
    }
    if (layers > 0 && fit->fired_steps >= LEAST_DEAD_STEPS && !fit->told_dead) {
        fit->told_dead = true;
        warn_dead(fit, worst, worst_dead, worst_count, layers - 1);
    }
    memset(fit->fired, 0, n);
    fit->fired_steps = 0;
}
