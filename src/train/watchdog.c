/*
 * Signs of a training that goes wrong while all its numbers are still finite: a loss that stays at
 * that of guessing, a loss or a gradient that jumps up, and layers whose ReLUs let nothing through
 * any more. Each is a warning that says what to try; training goes on. What it remembers from step
 * to step is part of the progress, so that a resumed run warns at the same steps.
 */
#include "train/watchdog.h"

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

struct gn_watchdog {
    const struct gn_net *net;
    const char *freeze;
    uint64_t epoch_steps;
    uint8_t *fired; /* a byte for each watched bias */
    uint64_t fired_steps;
    bool told_dead; /* dead ReLUs were reported */
};

static GN_PRINTF(3, 4) void say(struct gn_finding_text *finding, const char *advice,
                                const char *format, ...)
{
    va_list list;
    va_start(list, format);
    gn_print_sentence(finding->text, sizeof finding->text, format, list);
    va_end(list);
    finding->advice = advice;
}

/* GoogLeNet without normalisation is known for it (BVLC/caffe, issue 1598). */
static void look_for_standstill(const struct gn_watchdog *w, struct gn_watch *watch, uint64_t step,
                                double guessing, struct gn_finding_text *finding)
{
    const bool stuck = fabs(watch->loss - guessing) <= GUESSING * guessing;
    watch->stuck = stuck ? watch->stuck + 1 : 0;
    if (watch->stuck == STUCK_STEPS)
        say(finding,
            "it may still start by itself; try another learning rate (lr-find "
            "suggests one), a warm-up (.warmup_epochs = 1), .momentum = 0.9, or batch "
            "normalisation (the preset googlenet-bn)",
            "training: after step %llu the loss is %.4f, within 1%% of guessing (ln %d = "
            "%.4f) for %d steps: the network has not begun to learn",
            (unsigned long long)step, watch->loss, w->net->classes, guessing, STUCK_STEPS);
}

static void look_for_jumps(const struct gn_watchdog *w, struct gn_watch *watch, uint64_t step,
                           double loss, double norm, double guessing,
                           struct gn_finding_text *finding)
{
    const bool told = watch->alarm != 0 && step < watch->alarm + w->epoch_steps;
    const bool loss_jumps = loss > LOSS_JUMP * watch->loss && loss > guessing;
    const bool norm_jumps = norm > NORM_JUMP * watch->norm && watch->norm > 0;
    if (step <= SETTLED_STEPS || told || !(loss_jumps || norm_jumps))
        return;
    watch->alarm = step;
    say(finding,
        "if it does not come down: a lower learning rate, a warm-up "
        "(.warmup_epochs = 1) or shorter gradients (.clip_norm = 1)",
        "training: at step %llu %s is %.4g, its running mean is %.4g", (unsigned long long)step,
        loss_jumps ? "the loss" : "the length of the gradient", loss_jumps ? loss : norm,
        loss_jumps ? watch->loss : watch->norm);
}

void gn_watchdog_step(const struct gn_watchdog *watchdog, struct gn_watch *watch, uint64_t step,
                      double loss, double norm, struct gn_finding_text findings[2])
{
    const double guessing = log((double)watchdog->net->classes);
    findings[0].text[0] = findings[1].text[0] = '\0';
    look_for_jumps(watchdog, watch, step, loss, norm, guessing, &findings[0]);
    watch->loss = running_mean(watch->loss, loss, step);
    watch->norm = running_mean(watch->norm, norm, step);
    look_for_standstill(watchdog, watch, step, guessing, &findings[1]);
}

/* ---- Dead ReLUs ---- */

/* Biases before a ReLU: index of the tensor for layer i, -1 when there is none. A bias has a
 * gradient of exactly zero when its ReLU let nothing through for any sample and pixel; a frozen one
 * has no gradient and tells nothing. */
static int watched_bias(const struct gn_watchdog *w, int i)
{
    const struct gn_graph *g = w->net->graph;
    const int bias =
        g->layers[i].op->fuses == GN_FUSE_RELU ? g->layers[g->layers[i].inputs[0]].bias : -1;
    return bias < 0 || gn_pattern_matches(w->freeze, g->tensors[bias].name) ? -1 : bias;
}

struct gn_watchdog *gn_watchdog_create(const struct gn_net *net, const char *freeze,
                                       uint64_t epoch_steps)
{
    struct gn_watchdog *w = gn_calloc(1, sizeof *w, "the watchdog");
    size_t n = 1;
    if (w == NULL)
        return NULL;
    *w = (struct gn_watchdog){ .net = net, .freeze = freeze, .epoch_steps = epoch_steps };
    for (int i = 0; i < net->graph->n_layers; i++)
        n += watched_bias(w, i) < 0 ? 0 : net->graph->tensors[watched_bias(w, i)].count;
    w->fired = gn_calloc(n, 1, "the watchdog");
    if (w->fired == NULL) {
        gn_watchdog_free(w);
        return NULL;
    }
    return w;
}

void gn_watchdog_free(struct gn_watchdog *watchdog)
{
    if (watchdog != NULL)
        gn_free(watchdog->fired);
    gn_free(watchdog);
}

void gn_watchdog_note(struct gn_watchdog *watchdog, const float *grads)
{
    const struct gn_graph *g = watchdog->net->graph;
    uint8_t *fired = watchdog->fired;
    for (int i = 0; i < g->n_layers; i++) {
        if (watched_bias(watchdog, i) < 0)
            continue;
        const struct gn_tensor *bias = &g->tensors[watched_bias(watchdog, i)];
        for (size_t k = 0; k < bias->count; k++) {
            const float gradient = grads[bias->offset + k];
            if (gradient < 0 || gradient > 0)
                *fired = 1;
            fired++;
        }
    }
    watchdog->fired_steps++;
}

/* Of the layers with nearly all of their channels dead the worst one is named, once a call. */
void gn_watchdog_epoch(struct gn_watchdog *watchdog, uint64_t epoch,
                       struct gn_finding_text *finding)
{
    const struct gn_graph *g = watchdog->net->graph;
    const char *worst = NULL;
    size_t worst_dead = 0, worst_count = 1, n = 0;
    int layers = 0;
    finding->text[0] = '\0';
    for (int i = 0; i < g->n_layers; i++) {
        if (watched_bias(watchdog, i) < 0)
            continue;
        const size_t count = g->tensors[watched_bias(watchdog, i)].count;
        size_t dead = 0;
        for (size_t k = 0; k < count; k++)
            dead += watchdog->fired[n++] == 0;
        if ((double)dead <= DEAD * (double)count)
            continue;
        layers++;
        if (worst == NULL || dead * worst_count > worst_dead * count) {
            worst = g->layers[g->layers[i].inputs[0]].name;
            worst_dead = dead;
            worst_count = count;
        }
    }
    if (layers > 0 && watchdog->fired_steps >= LEAST_DEAD_STEPS && !watchdog->told_dead) {
        char others[64] = "";
        watchdog->told_dead = true;
        if (layers > 1)
            snprintf(others, sizeof others, " (and nearly all of %d other layer%s)", layers - 1,
                     layers > 2 ? "s" : "");
        say(finding,
            "they rarely come back; start again with a lower learning rate, a warm-up "
            "(.warmup_epochs = 1) or batch normalisation (the preset googlenet-bn)",
            "training: %s: %zu of %zu channels let no gradient through in epoch %llu: their "
            "ReLUs are dead%s",
            worst, worst_dead, worst_count, (unsigned long long)epoch, others);
    }
    memset(watchdog->fired, 0, n);
    watchdog->fired_steps = 0;
}
