/*
 * What a caller may ask of a training run. Every number is looked at here once, so that the rest
 * of the folder works with values that make sense.
 */
#include "train/settings.h"

#include "base/memory.h"
#include "base/threads.h"
#include "graph/pattern.h"

#include <math.h>

enum { DEFAULT_EPOCHS = 5, DEFAULT_BATCH = 128, DEFAULT_WINDOW = 1000, DEFAULT_STEP_EPOCHS = 10 };
enum { MOST_ACCUMULATED = 65536 };

static const double DEFAULT_LR_SGD = 0.05, DEFAULT_LR_ADAMW = 0.001;
static const double DEFAULT_STEP_FACTOR = 0.1, DEFAULT_RISE = 0.2;
static const double DEFAULT_DECAY_ADAMW = 0.004, DEFAULT_ADAM_EPS = 1e-7;

static uint64_t limited(const struct gn_dataset *data, uint64_t limit)
{
    return limit != 0 && limit < data->samples ? limit : data->samples;
}

static gn_status check_count(const char *name, int value)
{
    if (value < 0)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "fit: %s is %d, it must be 1 or more (0: the default)",
                name, value);
    return GN_OK;
}

/* Finite and in [0, below). */
static gn_status check_real(const char *name, double value, double below)
{
    if (!(value >= 0) || value >= below) {
        if (isinf(below))
            GN_FAIL(GN_STATUS_BAD_ARGUMENT, "fit: %s is %g, it must be finite and not negative",
                    name, value);
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "fit: %s is %g, it must be at least 0 and below %g", name,
                value, below);
    }
    return GN_OK;
}

static gn_status check_rate(const struct gn_fit_options *o)
{
    GN_TRY(check_real("lr", o->lr, HUGE_VAL));
    GN_TRY(check_real("lr_min", o->lr_min, HUGE_VAL));
    GN_TRY(check_real("step_factor", o->step_factor, HUGE_VAL));
    GN_TRY(check_real("power", o->power, HUGE_VAL));
    GN_TRY(check_real("rise", o->rise, 1));
    GN_TRY(check_real("warmup_epochs", o->warmup_epochs, 1e9));
    GN_TRY(check_real("plateau_factor", o->plateau_factor, 1));
    GN_TRY(check_count("step_epochs", o->step_epochs));
    GN_TRY(check_count("plateau_patience", o->plateau_patience));
    if ((int)o->schedule < 0 || o->schedule > GN_SCHEDULE_ONE_CYCLE)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "fit: schedule number %d is unknown", (int)o->schedule);
    if (o->warmup_steps > 0 && o->warmup_epochs > 0)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                "fit: warmup_steps is %llu and warmup_epochs is %g; give one of them",
                (unsigned long long)o->warmup_steps, o->warmup_epochs);
    if (o->schedule == GN_SCHEDULE_ONE_CYCLE && (o->warmup_steps > 0 || o->warmup_epochs > 0))
        GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                "fit: a one-cycle schedule has its own rise; give rise instead of a warm-up");
    if (o->zero_lr && o->lr > 0)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "fit: lr is %g and zero_lr is set; give one of them",
                o->lr);
    return GN_OK;
}

/* What ends a run before its last epoch, or changes the rate, by the figures of the validation. */
static gn_status check_watching(const struct gn_fit_options *o)
{
    GN_TRY(check_count("early_stop", o->early_stop));
    GN_TRY(check_real("max_seconds", o->max_seconds, HUGE_VAL));
    if ((o->plateau_factor > 0) != (o->plateau_patience > 0))
        GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                "fit: plateau_factor is %g and plateau_patience is %d; both are needed",
                o->plateau_factor, o->plateau_patience);
    const bool validates = o->validation != NULL;
    if (!validates && (o->early_stop > 0 || o->plateau_patience > 0))
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "fit: %s needs validation data",
                o->early_stop > 0 ? "early_stop" : "plateau_patience");
    return GN_OK;
}

static gn_status check_update(const struct gn_fit_options *o)
{
    GN_TRY(check_real("momentum", o->momentum, 1));
    GN_TRY(check_real("weight_decay", o->weight_decay, HUGE_VAL));
    GN_TRY(check_real("adam_eps", o->adam_eps, HUGE_VAL));
    GN_TRY(check_real("clip_norm", o->clip_norm, HUGE_VAL));
    GN_TRY(check_real("label_smoothing", o->label_smoothing, 1));
    GN_TRY(check_real("ema", o->ema, 1));
    GN_TRY(check_count("accumulate", o->accumulate));
    if (o->accumulate > MOST_ACCUMULATED)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "fit: accumulate is %d, at most %d are possible",
                o->accumulate, MOST_ACCUMULATED);
    if ((int)o->optimizer < 0 || o->optimizer > GN_ADAMW)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "fit: optimizer number %d is unknown", (int)o->optimizer);
    if (o->optimizer == GN_ADAMW && (o->momentum > 0 || o->nesterov))
        GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                "fit: momentum and nesterov belong to sgd, the optimizer is adamw");
    if (o->nesterov && o->momentum <= 0)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "fit: nesterov needs a momentum above 0");
    if (o->no_weight_decay && o->weight_decay > 0)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                "fit: weight_decay is %g and no_weight_decay is set; give one of them",
                o->weight_decay);
    return GN_OK;
}

static gn_status check_options(const struct gn_fit_options *o)
{
    GN_TRY(check_count("epochs", o->epochs));
    GN_TRY(check_count("batch", o->batch));
    GN_TRY(check_count("window", o->window));
    GN_TRY(check_count("threads", o->threads));
    if (o->threads > GN_MAX_THREADS)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "fit: threads is %d, at most %d are possible", o->threads,
                GN_MAX_THREADS);
    GN_TRY(check_rate(o));
    GN_TRY(check_update(o));
    GN_TRY(check_watching(o));
    if ((int)o->shuffle < 0 || o->shuffle > GN_SHUFFLE_NONE)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "fit: shuffle number %d is unknown", (int)o->shuffle);
    if (o->resume && o->out == NULL)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "fit: resume needs the folder of the run in .out");
    if (o->resume && o->overwrite)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "fit: resume and overwrite exclude each other");
    return GN_OK;
}

static void fill_defaults(struct gn_fit_options *o)
{
    const bool adamw = o->optimizer == GN_ADAMW;
    if (o->epochs == 0)
        o->epochs = DEFAULT_EPOCHS;
    if (o->batch == 0)
        o->batch = DEFAULT_BATCH;
    if (o->window == 0)
        o->window = DEFAULT_WINDOW;
    if (o->threads == 0)
        o->threads = gn_usable_threads(NULL);
    if (o->lr <= 0 && !o->zero_lr)
        o->lr = adamw ? DEFAULT_LR_ADAMW : DEFAULT_LR_SGD;
    if (o->weight_decay <= 0 && adamw && !o->no_weight_decay)
        o->weight_decay = DEFAULT_DECAY_ADAMW;
    if (o->adam_eps <= 0)
        o->adam_eps = DEFAULT_ADAM_EPS;
    if (o->accumulate == 0)
        o->accumulate = 1;
    if (o->step_epochs == 0)
        o->step_epochs = DEFAULT_STEP_EPOCHS;
    if (o->step_factor <= 0)
        o->step_factor = DEFAULT_STEP_FACTOR;
    if (o->power <= 0)
        o->power = 1;
    if (o->rise <= 0)
        o->rise = DEFAULT_RISE;
}

static uint64_t warmup_steps(const struct gn_settings *s, uint64_t total)
{
    const struct gn_fit_options *o = &s->options;
    if (o->schedule == GN_SCHEDULE_ONE_CYCLE)
        return (uint64_t)(o->rise * (double)total + 0.5);
    if (o->warmup_epochs > 0)
        return (uint64_t)(o->warmup_epochs * (double)s->epoch_steps + 0.5);
    return o->warmup_steps;
}

static void resolve_schedule(struct gn_settings *s)
{
    const struct gn_fit_options *o = &s->options;
    s->step_samples = (uint64_t)o->batch * (uint64_t)o->accumulate;
    s->epoch_steps = (s->n_train + s->step_samples - 1) / s->step_samples;
    const uint64_t total = (uint64_t)o->epochs * s->epoch_steps;
    s->schedule =
        (struct gn_schedule_options){ .kind = o->schedule,
                                      .lr = o->lr,
                                      .lr_min = o->lr_min,
                                      .step_factor = o->step_factor,
                                      .period = (uint64_t)o->step_epochs * s->epoch_steps,
                                      .power = o->schedule == GN_SCHEDULE_ONE_CYCLE ? 1 : o->power,
                                      .warmup = warmup_steps(s, total),
                                      .total = total };
}

static gn_status check_patterns(const struct gn_net *net, const struct gn_fit_options *o)
{
    const struct gn_graph *g = net->graph;
    GN_TRY(gn_pattern_check(o->no_decay, false, g, "no-decay"));
    GN_TRY(gn_pattern_check(o->freeze, false, g, "freeze"));
    GN_TRY(gn_pattern_check(o->lr_scale, true, g, "lr-scale"));
    for (int i = 0; i < g->n_tensors; i++)
        if (!gn_pattern_matches(o->freeze, g->tensors[i].name))
            return GN_OK;
    GN_FAIL(GN_STATUS_BAD_ARGUMENT, "freeze: \"%s\" names all %d tensors, nothing is left to train",
            o->freeze, g->n_tensors);
}

gn_status gn_settings_resolve(const struct gn_net *net, const struct gn_fit_options *options,
                              struct gn_settings *settings)
{
    *settings = (struct gn_settings){ .options = *options };
    struct gn_fit_options *o = &settings->options;
    GN_TRY(check_options(o));
    fill_defaults(o);
    GN_TRY(gn_check_data(net, o->train, "training"));
    settings->n_train = limited(o->train, o->limit_train);
    if (settings->n_train > UINT32_MAX)
        GN_FAIL(GN_STATUS_BAD_DATA, "training data: %llu samples, at most %llu can be used",
                (unsigned long long)settings->n_train, (unsigned long long)UINT32_MAX);
    if (o->validation != NULL) {
        GN_TRY(gn_check_data(net, o->validation, "validation"));
        settings->n_val = limited(o->validation, o->limit_val);
    }
    GN_TRY(gn_resolve_resize(net, o->resize, o->train, o->validation, &settings->rule));
    GN_TRY(check_patterns(net, o));
    resolve_schedule(settings);
    GN_TRY(gn_augment_parse(&settings->augment, o->augment));
    settings->optimizer = (struct gn_optimizer_options){ .kind = o->optimizer,
                                                         .momentum = o->momentum,
                                                         .weight_decay = o->weight_decay,
                                                         .adam_eps = o->adam_eps,
                                                         .nesterov = o->nesterov,
                                                         .decay_all = o->decay_all,
                                                         .ema = o->ema,
                                                         .no_decay = o->no_decay,
                                                         .freeze = o->freeze,
                                                         .lr_scale = o->lr_scale,
                                                         .threads = o->threads };
    return GN_OK;
}

uint64_t gn_settings_memory(const struct gn_net *net, const struct gn_settings *settings)
{
    const struct gn_fit_options *o = &settings->options;
    uint64_t bytes = gn_memory_estimate(net, o->batch, true);
    bytes = gn_bytes_add(bytes, gn_dataset_bytes(o->train));
    const int states = gn_updater_states(&settings->optimizer);
    bytes =
        gn_bytes_add(bytes, gn_array_bytes(net, (uint64_t)states + (o->accumulate > 1 ? 1 : 0)));
    if (o->validation == NULL)
        return bytes;
    bytes = gn_bytes_add(bytes, gn_dataset_bytes(o->validation));
    return gn_bytes_add(bytes, gn_loader_bytes(net, o->batch));
}
