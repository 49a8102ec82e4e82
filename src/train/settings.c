/*
 * What a caller may ask of a training run. Every number is looked at once (options.c), every
 * combination here, so that the rest of the folder works with values that make sense.
 */
#include "train/settings.h"

#include "base/memory.h"
#include "base/threads.h"
#include "graph/pattern.h"
#include "plan/plan.h"
#include "train/options.h"
#include "whiten/whiten.h"

static uint64_t limited(const struct gn_dataset *data, uint64_t limit)
{
    return limit != 0 && limit < data->samples ? limit : data->samples;
}

static gn_status check_rate(const struct gn_fit_options *o)
{
    if (o->warmup_steps > 0 && o->warmup_epochs > 0)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                "fit: .warmup_steps is %llu and .warmup_epochs is %g; give one of them",
                (unsigned long long)o->warmup_steps, o->warmup_epochs);
    if (o->schedule == GN_SCHEDULE_ONE_CYCLE && (o->warmup_steps > 0 || o->warmup_epochs > 0))
        GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                "fit: a one-cycle schedule has its own rise; give .rise instead of a warm-up");
    if (o->zero_lr && o->lr > 0)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "fit: .lr is %g and .zero_lr is set; give one of them",
                o->lr);
    return GN_OK;
}

static gn_status check_update(const struct gn_fit_options *o)
{
    if (o->optimizer == GN_ADAMW && (o->momentum > 0 || o->nesterov))
        GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                "fit: .momentum and .nesterov belong to sgd, lars and muon, .optimizer is adamw");
    if (o->no_momentum && o->momentum > 0)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                "fit: .momentum is %g and .no_momentum is set; give one of them", o->momentum);
    const bool usual = (o->optimizer == GN_LARS || o->optimizer == GN_MUON) &&
                       !o->no_momentum; /* it has one of its own */
    if (o->nesterov && o->momentum <= 0 && !usual)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "fit: .nesterov needs a .momentum above 0");
    if (o->no_weight_decay && o->weight_decay > 0)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                "fit: .weight_decay is %g and .no_weight_decay is set; give one of them",
                o->weight_decay);
    return GN_OK;
}

/* Without training data the data are still to come. */
static gn_status check_combinations(const struct gn_fit_options *o)
{
    GN_TRY(check_rate(o));
    GN_TRY(check_update(o));
    const bool validates = !o->no_validation && (o->validation != NULL || o->train == NULL);
    if (!validates && (o->early_stop > 0 || o->plateau_patience > 0))
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "fit: .%s needs validation data",
                o->early_stop > 0 ? "early_stop" : "plateau_patience");
    if (o->resume && o->out == NULL)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "fit: .resume needs the folder of the run in .out");
    if (o->resume && o->overwrite)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "fit: .resume and .overwrite exclude each other");
    return GN_OK;
}

gn_status gn_fit_defaults(struct gn_fit_options *options)
{
    GN_NEED(options, "the options");
    GN_TRY(gn_options_check(options));
    GN_TRY(check_combinations(options));
    gn_options_fill(options);
    return GN_OK;
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

gn_status gn_settings_check_freeze(const struct gn_graph *graph, const char *freeze)
{
    for (int i = 0; i < graph->n_tensors; i++)
        if (!gn_pattern_matches(freeze, graph->tensors[i].name))
            return GN_OK;
    GN_FAIL(GN_STATUS_BAD_ARGUMENT,
            ".freeze: \"%s\" names all %d tensors, nothing is left to train", freeze,
            graph->n_tensors);
}

static gn_status check_patterns(const struct gn_net *net, const struct gn_fit_options *o)
{
    const struct gn_graph *g = net->graph;
    GN_TRY(gn_pattern_check(o->no_decay, false, g, ".no_decay"));
    GN_TRY(gn_pattern_check(o->freeze, false, g, ".freeze"));
    GN_TRY(gn_pattern_check(o->lr_scale, true, g, ".lr_scale"));
    return gn_settings_check_freeze(g, o->freeze);
}

static gn_status choose_resize(const struct gn_net *net, const struct gn_fit_options *o,
                               gn_resize *rule)
{
    GN_TRY(gn_resolve_resize(net, o->resize, o->train, o->validation, rule));
    const bool is_asked =
        o->resize != GN_RESIZE_DEFAULT || o->train->options.resize != GN_RESIZE_DEFAULT ||
        (o->validation != NULL && o->validation->options.resize != GN_RESIZE_DEFAULT);
    if (!is_asked && !net->resize_is_given)
        *rule = gn_usual_resize(o->train, *rule);
    return GN_OK;
}

gn_resize gn_fit_resize(const gn_net *net, const struct gn_fit_options *options)
{
    gn_resize rule;
    if (net == NULL || options == NULL || options->train == NULL) {
        (void)gn_fail(GN_STATUS_BAD_ARGUMENT, "fit: no %s is given",
                      net == NULL ? "network" : "training data");
        return GN_RESIZE_DEFAULT;
    }
    return choose_resize(net, options, &rule) == GN_OK ? rule : GN_RESIZE_DEFAULT;
}

gn_status gn_settings_resolve(const struct gn_net *net, const struct gn_fit_options *options,
                              struct gn_settings *settings)
{
    *settings = (struct gn_settings){ .options = *options };
    struct gn_fit_options *o = &settings->options;
    GN_TRY(gn_fit_defaults(o));
    settings->asked_threads = o->threads;
    o->tensorboard = o->tensorboard || o->histograms;
    if (o->threads == 0)
        o->threads = gn_ranks_threads(o->ranks);
    if (o->no_validation)
        o->validation = NULL;
    if (o->balanced_sampler && o->shuffle != GN_SHUFFLE_FULL)
        GN_FAIL(
            GN_STATUS_BAD_ARGUMENT,
            "fit: .balanced_sampler draws samples in an order of its own; .shuffle must be full");
    GN_TRY(gn_graph_check_trainable(net->graph));
    GN_TRY(gn_check_data(net, o->train, "training"));
    if (o->grain > o->batch)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "fit: .grain is %d, more than the batch of %d", o->grain,
                o->batch);
    if (o->bn_group == GN_BN_GRAIN && !(gn_graph_momentum(net->graph) > 0))
        GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                "fit: .bn_group is grain, but the network has no batch normalisation");
    settings->n_train = limited(o->train, o->limit_train);
    if (settings->n_train > UINT32_MAX)
        GN_FAIL(GN_STATUS_BAD_DATA, "training data: %llu samples, at most %llu can be used",
                (unsigned long long)settings->n_train, (unsigned long long)UINT32_MAX);
    if (o->validation != NULL) {
        GN_TRY(gn_check_data(net, o->validation, "validation"));
        settings->n_val = limited(o->validation, o->limit_val);
    }
    GN_TRY(choose_resize(net, o, &settings->rule));
    GN_TRY(check_patterns(net, o));
    if (o->whiten)
        GN_TRY(gn_whiten_check(net, o->resume));
    resolve_schedule(settings);
    GN_TRY(gn_augment_parse(&settings->augment, o->augment));
    settings->freeze = o->freeze;
    settings->optimizer = (struct gn_optimizer_options){ .kind = o->optimizer,
                                                         .momentum = o->momentum,
                                                         .weight_decay = o->weight_decay,
                                                         .adam_eps = o->adam_eps,
                                                         .lars_trust = o->lars_trust,
                                                         .muon_others = o->muon_others,
                                                         .nesterov = o->nesterov,
                                                         .decay_all = o->decay_all,
                                                         .ema = o->ema,
                                                         .lookahead_steps = o->lookahead_steps,
                                                         .lookahead_share = o->lookahead_share,
                                                         .no_decay = o->no_decay,
                                                         .freeze = o->freeze,
                                                         .lr_scale = o->lr_scale,
                                                         .threads = o->threads };
    return GN_OK;
}

uint64_t gn_settings_memory(const struct gn_net *net, const struct gn_settings *settings)
{
    const struct gn_fit_options *o = &settings->options;
    const struct gn_plan_options plan = { .train = true,
                                          .batch = o->batch,
                                          .slice = o->grain,
                                          .parts = gn_ranks_size(o->ranks),
                                          .norm_grains = o->bn_group == GN_BN_GRAIN };
    uint64_t bytes = gn_plan_estimate(net, &plan);
    bytes = gn_bytes_add(bytes, gn_loader_bytes(net, o->batch));
    bytes = gn_bytes_add(bytes, gn_array_bytes(net, 2));
    bytes = gn_bytes_add(bytes, gn_dataset_bytes(o->train));
    bytes = gn_bytes_add(bytes, gn_decoding_bytes(net, o->train));
    const int states = gn_updater_states(&settings->optimizer);
    bytes = gn_bytes_add(bytes, gn_array_bytes(net, (uint64_t)states + (o->accumulate > 1 ? 1 : 0) +
                                                        (o->histograms ? 1 : 0)));
    if (o->validation == NULL)
        return bytes;
    const struct gn_plan_options validator = { .batch = o->batch,
                                               .validates = true,
                                               .norm_grains = o->bn_group == GN_BN_GRAIN };
    bytes = gn_bytes_add(bytes, gn_plan_estimate(net, &validator));
    bytes = gn_bytes_add(bytes, gn_dataset_bytes(o->validation));
    bytes = gn_bytes_add(bytes, gn_decoding_bytes(net, o->validation));
    return gn_bytes_add(bytes, gn_loader_bytes(net, o->batch));
}

uint64_t gn_fit_memory(const gn_net *net, const struct gn_fit_options *options)
{
    struct gn_settings settings;
    if (net == NULL || options == NULL || options->train == NULL) {
        (void)gn_fail(GN_STATUS_BAD_ARGUMENT, "fit: no %s given",
                      net == NULL ? "network is" : "training data are");
        return 0;
    }
    return gn_settings_resolve(net, options, &settings) == GN_OK
               ? gn_settings_memory(net, &settings)
               : 0;
}
