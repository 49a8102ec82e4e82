/*
 * A new option is a member of struct gn_fit_options and a row here; flags, help, defaults, checks
 * of the value, config.json and the checkpoint's record follow from the row.
 */
#include "train/options.h"

#include "base/enums.h"
#include "base/number.h"
#include "base/option.h"
#include "base/threads.h"

#include <inttypes.h>
#include <string.h>

/* When a checkpoint records an option. */
typedef bool (*condition)(const struct gn_fit_options *o);

struct row {
    struct gn_option option;
    bool records;     /* the bits of a run depend on it: recorded unless it has its default, */
    condition in_use; /* or instead whenever this holds */
    gn_status (*check)(const char *text);
};

static bool always(const struct gn_fit_options *o)
{
    (void)o;
    return true;
}

static bool is_adamw(const struct gn_fit_options *o)
{
    return o->optimizer == GN_ADAMW;
}

static bool is_lars(const struct gn_fit_options *o)
{
    return o->optimizer == GN_LARS;
}

static bool is_muon(const struct gn_fit_options *o)
{
    return o->optimizer == GN_MUON;
}

static bool has_momentum(const struct gn_fit_options *o)
{
    return o->momentum > 0;
}

static bool decays(const struct gn_fit_options *o)
{
    return o->weight_decay > 0;
}

static bool is_scheduled(const struct gn_fit_options *o)
{
    return o->schedule != GN_SCHEDULE_CONSTANT;
}

static bool is_step(const struct gn_fit_options *o)
{
    return o->schedule == GN_SCHEDULE_STEP;
}

static bool is_polynomial(const struct gn_fit_options *o)
{
    return o->schedule == GN_SCHEDULE_POLYNOMIAL;
}

static bool is_one_cycle(const struct gn_fit_options *o)
{
    return o->schedule == GN_SCHEDULE_ONE_CYCLE;
}

static gn_status check_augment(const char *list)
{
    return (gn_status)gn_check_augment(list);
}

#define MEMBER(m) .field = #m, .offset = offsetof(struct gn_fit_options, m)
#define SECOND(m) .second_field = #m, .second = offsetof(struct gn_fit_options, m)
#define HEADING(text)                                                                              \
    {                                                                                              \
        .option = {.name = "", .kind = GN_OPTION_HEADING, .help = (text) }                         \
    }
#define MOST_INT   2147483647.0
#define MOST_COUNT 9007199254740992.0 /* 2^53: exact in a double and in JSON */
#define MOST_FLOAT 3.4e38

enum { SAVED = GN_OPTION_SAVED, ANEW = GN_OPTION_ANEW, SWEEP = GN_OPTION_SWEEP };

/* clang-format off */
static const struct row rows[] = {
    HEADING("Data"),
    { .option = { .name = "limit-train", MEMBER(limit_train), .kind = GN_OPTION_COUNT, .value = "N",
        .low = 1, .high = MOST_COUNT, .standard = "all", .traits = SAVED | SWEEP,
        .help = "only the first N training samples" } },
    { .option = { .name = "limit-val", MEMBER(limit_val), SECOND(no_validation), .kind = GN_OPTION_COUNT,
        .value = "N", .high = MOST_COUNT, .standard = "all", .traits = SAVED,
        .help = "only the first N test samples; 0: no validation" } },
    { .option = { .name = "shuffle", MEMBER(shuffle), SECOND(window), .kind = GN_OPTION_SHUFFLE,
        .value = "S", .choice = gn_shuffle_name, .standard = "full", .traits = SAVED | SWEEP,
        .help = "full, none, or window:N as tf.data (the notebook: window:1000)" },
      .records = true, .in_use = always },
    { .option = { .name = "augment", MEMBER(augment), .kind = GN_OPTION_TEXT, .value = "LIST",
        .standard = "none", .traits = SAVED | SWEEP,
        .help = "of mirror, alternate-mirror, shift:N, crop, rotate:DEG, brightness:X, contrast:X, saturation:X,"
                " erase:P, mixup:A, cutmix:A, trivial-augment" },
      .records = true, .check = check_augment },
    { .option = { .name = "balanced-sampler", MEMBER(balanced_sampler), .kind = GN_OPTION_SWITCH,
        .traits = SAVED, .help = "as many samples of each class an epoch, drawn anew" },
      .records = true },
    { .option = { .name = "class-weights", MEMBER(class_weights), .kind = GN_OPTION_LIST,
        .value = "W", .traits = SAVED,
        .help = "factors of the training loss: balanced, CLASS=X,..., or a FILE of CLASS X" },
      .records = true },
    HEADING("Training"),
    { .option = { .name = "epochs", MEMBER(epochs), .kind = GN_OPTION_INT, .value = "N", .low = 1,
        .high = MOST_INT, .standard = "5", .traits = SAVED | ANEW,
        .help = "passes over the training samples" } },
    { .option = { .name = "batch", MEMBER(batch), .kind = GN_OPTION_INT, .value = "N", .low = 1,
        .high = MOST_INT, .standard = "128", .traits = SAVED | SWEEP,
        .help = "samples of a step" },
      .records = true, .in_use = always },
    { .option = { .name = "lr", MEMBER(lr), SECOND(zero_lr), .kind = GN_OPTION_REAL, .value = "X",
        .high = MOST_FLOAT, .standard = "0.05, adamw 0.001, lars 1, muon 0.02", .traits = SAVED,
        .help = "learning rate" },
      .records = true, .in_use = always },
    { .option = { .name = "optimizer", MEMBER(optimizer), .kind = GN_OPTION_CHOICE, .value = "NAME",
        .choice = gn_optimizer_name, .standard = "sgd", .traits = SAVED | SWEEP,
        .help = "sgd, adamw, lars or muon" },
      .records = true, .in_use = always },
    { .option = { .name = "algorithm", MEMBER(algorithm), .kind = GN_OPTION_CHOICE, .value = "NAME",
        .choice = gn_algorithm_name, .standard = "auto", .traits = SAVED | SWEEP,
        .help = "of the convolutions: auto, direct or winograd" },
      .records = true },
    { .option = { .name = "momentum", MEMBER(momentum), SECOND(no_momentum), .kind = GN_OPTION_REAL,
        .value = "X", .high = 0.999999, .standard = "0, lars 0.9, muon 0.95", .traits = SAVED | SWEEP,
        .help = "of sgd, lars and muon" },
      .records = true },
    { .option = { .name = "nesterov", MEMBER(nesterov), .kind = GN_OPTION_SWITCH, .traits = SAVED | SWEEP,
        .help = "Nesterov's form of the momentum" },
      .records = true, .in_use = has_momentum },
    { .option = { .name = "weight-decay", MEMBER(weight_decay), SECOND(no_weight_decay),
        .kind = GN_OPTION_REAL, .value = "X", .high = MOST_FLOAT,
        .standard = "0, adamw 0.004, lars 0.0005", .traits = SAVED | SWEEP,
        .help = "w -= lr*X*w before the update; lars adds X*w to the gradient" },
      .records = true, .in_use = always },
    { .option = { .name = "decay-all", MEMBER(decay_all), .kind = GN_OPTION_SWITCH, .traits = SAVED | SWEEP,
        .help = "decay biases too, not only kernels" },
      .records = true, .in_use = decays },
    { .option = { .name = "no-decay", MEMBER(no_decay), .kind = GN_OPTION_LIST, .value = "PATTERN",
        .traits = SAVED | SWEEP,
        .help = "tensors that do not decay, such as dense or *.p1_1.weight" },
      .records = true, .in_use = decays },
    { .option = { .name = "adam-eps", MEMBER(adam_eps), .kind = GN_OPTION_REAL, .value = "X", .low = 1e-30,
        .high = MOST_FLOAT, .standard = "1e-7", .traits = SAVED | SWEEP,
        .help = "epsilon of adamw" },
      .records = true, .in_use = is_adamw },
    { .option = { .name = "lars-trust", MEMBER(lars_trust), .kind = GN_OPTION_REAL, .value = "X",
        .low = 1e-12, .high = 1e6, .standard = "0.001", .traits = SAVED | SWEEP,
        .help = "lars: a step's length in lengths of the weights, at a rate of 1" },
      .records = true, .in_use = is_lars },
    { .option = { .name = "muon-others", MEMBER(muon_others), .kind = GN_OPTION_REAL, .value = "X",
        .low = 1e-12, .high = 1e6, .standard = "10", .traits = SAVED | SWEEP,
        .help = "muon: the rate of all but the convolutions' filters, in rates of these" },
      .records = true, .in_use = is_muon },
    { .option = { .name = "clip-norm", MEMBER(clip_norm), .kind = GN_OPTION_REAL, .value = "X",
        .high = MOST_FLOAT, .standard = "0: any length", .traits = SAVED | SWEEP,
        .help = "limits the norm of the gradient of all tensors together to X" },
      .records = true },
    { .option = { .name = "accumulate", MEMBER(accumulate), .kind = GN_OPTION_INT, .value = "N", .low = 1,
        .high = 65536, .standard = "1", .traits = SAVED | SWEEP,
        .help = "a step has the mean gradient of N batches" },
      .records = true },
    { .option = { .name = "grain", MEMBER(grain), .kind = GN_OPTION_INT, .value = "N", .low = 1,
        .high = MOST_INT, .standard = "as suits network and batch", .traits = SAVED | SWEEP,
        .help = "images whose gradients are added up before they meet those of others" },
      .records = true },
    { .option = { .name = "label-smoothing", MEMBER(label_smoothing), .kind = GN_OPTION_REAL, .value = "X",
        .high = 0.999999, .standard = "0", .traits = SAVED | SWEEP,
        .help = "part of the target that all classes share, in the training loss" },
      .records = true },
    { .option = { .name = "bn-group", MEMBER(bn_group), .kind = GN_OPTION_CHOICE, .value = "PART",
        .choice = gn_bn_group_name, .standard = "batch", .traits = SAVED | SWEEP,
        .help = "whose statistics a batch norm takes: the batch's, or each grain's alone" },
      .records = true },
    { .option = { .name = "bn-momentum", MEMBER(bn_momentum), .kind = GN_OPTION_REAL, .value = "X",
        .high = 0.999999, .standard = "the network's own; less for small sets of pictures",
        .traits = SAVED,
        .help = "share of a batch norm's running statistics that a step keeps" },
      .records = true },
    { .option = { .name = "ema", MEMBER(ema), .kind = GN_OPTION_REAL, .value = "X", .high = 0.9999999,
        .standard = "0: none", .traits = SAVED,
        .help = "keep an average of the weights that decays by X a step; validated, too" },
      .records = true },
    { .option = { .name = "lookahead", MEMBER(lookahead_steps), SECOND(lookahead_share),
        .kind = GN_OPTION_LOOKAHEAD, .value = "K:A", .low = 1e-6, .high = 1, .standard = "never",
        .traits = SAVED,
        .help = "every K steps slow weights go A of the way to the fast ones, which go on from there" },
      .records = true },
    { .option = { .name = "seed", MEMBER(seed), .kind = GN_OPTION_SEED, .value = "N", .standard = "0",
        .traits = SAVED | SWEEP, .help = "of the weights and of the order of samples" },
      .records = true, .in_use = always },
    { .option = { .name = "max-steps", MEMBER(max_steps), .kind = GN_OPTION_COUNT, .value = "N", .low = 1,
        .high = MOST_COUNT, .standard = "no limit", .traits = SAVED | ANEW,
        .help = "end after N steps, counted from the beginning of the run" } },
    { .option = { .name = "max-time", MEMBER(max_seconds), .kind = GN_OPTION_SECONDS, .value = "T",
        .low = 1e-9, .high = 1e9, .standard = "no limit", .traits = SAVED | ANEW,
        .help = "end after the step in which this time has passed: 90s, 15m, 1.5h" } },
    { .option = { .name = "early-stop", MEMBER(early_stop), .kind = GN_OPTION_INT, .value = "N", .low = 1,
        .high = MOST_INT, .standard = "never", .traits = SAVED,
        .help = "end after N epochs without a new best" } },
    { .option = { .name = "threads", MEMBER(threads), .kind = GN_OPTION_INT, .value = "N", .low = 1,
        .high = GN_MAX_THREADS, .standard = "all that the process may use",
        .traits = SAVED | ANEW | SWEEP,
        .help = "number of threads; it changes no bit of a result" } },
    HEADING("Fine-tuning"),
    { .option = { .name = "freeze", MEMBER(freeze), .kind = GN_OPTION_LIST, .value = "PATTERN",
        .traits = SAVED | SWEEP,
        .help = "tensors that keep their values, a batch norm's statistics, too: dense, b1.*, *.bias" },
      .records = true },
    { .option = { .name = "lr-scale", MEMBER(lr_scale), .kind = GN_OPTION_LIST, .value = "PATTERN=X",
        .traits = SAVED | SWEEP, .help = "a factor of the learning rate for such tensors" },
      .records = true },
    { .option = { .name = "whiten", MEMBER(whiten), .kind = GN_OPTION_SWITCH, .traits = SAVED,
        .help = "a fresh network's first convolution gets filters that whiten patches of training images,"
                " and keeps them" },
      .records = true },
    HEADING("Schedule of the learning rate"),
    { .option = { .name = "schedule", MEMBER(schedule), .kind = GN_OPTION_CHOICE, .value = "NAME",
        .choice = gn_schedule_name, .standard = "constant", .traits = SAVED,
        .help = "constant, step, polynomial, cosine or one-cycle" },
      .records = true },
    { .option = { .name = "lr-min", MEMBER(lr_min), .kind = GN_OPTION_REAL, .value = "X",
        .high = MOST_FLOAT, .standard = "0", .traits = SAVED,
        .help = "polynomial, cosine, one-cycle: the rate at the end" },
      .records = true, .in_use = is_scheduled },
    { .option = { .name = "step-epochs", MEMBER(step_epochs), .kind = GN_OPTION_INT, .value = "N", .low = 1,
        .high = MOST_INT, .standard = "10", .traits = SAVED,
        .help = "step: the rate changes every N epochs" },
      .records = true, .in_use = is_step },
    { .option = { .name = "step-factor", MEMBER(step_factor), .kind = GN_OPTION_REAL, .value = "X",
        .low = 1e-6, .high = 1e6, .standard = "0.1", .traits = SAVED,
        .help = "step: by this factor" },
      .records = true, .in_use = is_step },
    { .option = { .name = "power", MEMBER(power), .kind = GN_OPTION_REAL, .value = "X", .low = 1e-3,
        .high = 1e3, .standard = "1", .traits = SAVED, .help = "polynomial: its exponent" },
      .records = true, .in_use = is_polynomial },
    { .option = { .name = "rise", MEMBER(rise), .kind = GN_OPTION_REAL, .value = "X", .low = 1e-6,
        .high = 0.999999, .standard = "0.2", .traits = SAVED,
        .help = "one-cycle: part of the run in which the rate rises" },
      .records = true, .in_use = is_one_cycle },
    { .option = { .name = "warmup-steps", MEMBER(warmup_steps), .kind = GN_OPTION_COUNT, .value = "N",
        .high = MOST_COUNT, .standard = "0", .traits = SAVED,
        .help = "before the schedule the rate rises linearly over N steps" },
      .records = true },
    { .option = { .name = "warmup-epochs", MEMBER(warmup_epochs), .kind = GN_OPTION_REAL, .value = "X",
        .high = 1e6, .standard = "0", .traits = SAVED, .help = "the same over X epochs" },
      .records = true },
    { .option = { .name = "plateau", MEMBER(plateau_factor), SECOND(plateau_patience),
        .kind = GN_OPTION_PLATEAU, .value = "F:N", .low = 1e-6, .high = 0.999999,
        .standard = "never", .traits = SAVED,
        .help = "the rate times F when val_loss has not fallen for N epochs" },
      .records = true },
    HEADING("Run"),
    { .option = { .name = "rank-timeout", MEMBER(rank_timeout), .kind = GN_OPTION_SECONDS, .value = "T",
        .low = 0.1, .high = 1e6, .standard = "300s", .traits = ANEW,
        .help = "how long a process may not answer; never less than 20 steps take" } },
    { .option = { .name = "share", MEMBER(share), .kind = GN_OPTION_TEXT, .value = "WHAT",
        .standard = "equal", .traits = ANEW,
        .help = "of a batch for each process: equal, auto (the faster more) or weights \"3,1\"; no bit"
                " depends on it" } },
    { .option = { .name = "log-steps", MEMBER(log_steps), .kind = GN_OPTION_COUNT, .value = "N",
        .high = MOST_COUNT, .standard = "0: none", .traits = SAVED,
        .help = "a record in history.jsonl every N steps" } },
    { .option = { .name = "checkpoint-steps", MEMBER(checkpoint_steps), .kind = GN_OPTION_COUNT,
        .value = "N", .high = MOST_COUNT, .standard = "0: each epoch", .traits = SAVED,
        .help = "a checkpoint every N steps, too" } },
    { .option = { .name = "tensorboard", MEMBER(tensorboard), .kind = GN_OPTION_SWITCH,
        .traits = SAVED | ANEW,
        .help = "event files for TensorBoard in DIR/tensorboard" } },
    { .option = { .name = "histograms", MEMBER(histograms), .kind = GN_OPTION_SWITCH,
        .traits = SAVED | ANEW,
        .help = "with --tensorboard: of weights, gradients and their updates, too" } },
};
/* clang-format on */

enum { N_ROWS = sizeof rows / sizeof rows[0] };

const struct gn_option *gn_fit_option(int i)
{
    return i >= 0 && i < N_ROWS ? &rows[i].option : NULL;
}

/* ---- Checks ---- */

static gn_status out_of_range(const struct gn_option *option, double value)
{
    char shown[GN_NUMBER_TEXT], low[GN_NUMBER_TEXT], high[GN_NUMBER_TEXT];
    GN_FAIL(GN_STATUS_BAD_ARGUMENT, "fit: .%s is %s, out of range (%s to %s; 0: the default)",
            option->field, gn_decimal_text(value, shown), gn_decimal_text(option->low, low),
            gn_decimal_text(option->high, high));
}

/* Zero is a default, or in the range. */
static gn_status check_number(const struct gn_option *option, double value)
{
    const bool fits = value >= option->low && value <= option->high;
    return fits || (value >= 0 && value <= 0) ? GN_OK : out_of_range(option, value);
}

static gn_status check_lookahead(const struct gn_option *option, int steps, double share)
{
    if (steps < 0 || (steps > 0) != (share > 0))
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "fit: .%s is %d and .%s is %g; both must be above 0",
                option->field, steps, option->second_field, share);
    if (share > option->high)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "fit: .%s is %g, more than 1", option->second_field, share);
    return GN_OK;
}

static gn_status check_row(const struct row *row, const struct gn_fit_options *o)
{
    const struct gn_option *option = &row->option;
    const char *text = NULL;
    switch (option->kind) {
    case GN_OPTION_INT:
        return check_number(option, (double)(int)gn_option_whole(option, o));
    case GN_OPTION_COUNT:
        return check_number(option, (double)gn_option_whole(option, o));
    case GN_OPTION_REAL:
    case GN_OPTION_SECONDS:
        return check_number(option, gn_option_real(option, o));
    case GN_OPTION_CHOICE:
    case GN_OPTION_SHUFFLE:
        if (option->choice((int)gn_option_whole(option, o)) == NULL)
            GN_FAIL(GN_STATUS_BAD_ARGUMENT, "fit: .%s number %d is unknown", option->field,
                    (int)gn_option_whole(option, o));
        if (option->second != 0 && gn_option_second(option, o) < 0)
            GN_FAIL(GN_STATUS_BAD_ARGUMENT, "fit: .%s is %d, it must be 1 or more (0: the default)",
                    option->second_field, gn_option_second(option, o));
        return GN_OK;
    case GN_OPTION_PLATEAU:
        if ((gn_option_real(option, o) > 0) != (gn_option_second(option, o) > 0))
            GN_FAIL(GN_STATUS_BAD_ARGUMENT, "fit: .%s is %g and .%s is %d; both are needed",
                    option->field, gn_option_real(option, o), option->second_field,
                    gn_option_second(option, o));
        return check_number(option, gn_option_real(option, o));
    case GN_OPTION_LOOKAHEAD:
        return check_lookahead(option, (int)gn_option_whole(option, o),
                               gn_option_second_real(option, o));
    case GN_OPTION_TEXT:
    case GN_OPTION_LIST:
        text = *(const char *const *)(const void *)((const char *)o + option->offset);
        return text != NULL && row->check != NULL ? row->check(text) : GN_OK;
    case GN_OPTION_HEADING:
    case GN_OPTION_SWITCH:
    case GN_OPTION_SEED:
        break;
    }
    return GN_OK;
}

gn_status gn_options_check(const struct gn_fit_options *options)
{
    for (int i = 0; i < N_ROWS; i++)
        GN_TRY(check_row(&rows[i], options));
    return GN_OK;
}

/* ---- Defaults ---- */

/* The number at the beginning of the row's text, or the one that the optimiser has there; 0 when it
 * has none. */
static double default_of(const struct gn_option *option, const struct gn_fit_options *o)
{
    char name[32];
    double value = 0;
    const char *text = option->standard;
    (void)snprintf(name, sizeof name, ", %s ", gn_optimizer_name((int)o->optimizer));
    const char *other = text == NULL ? NULL : strstr(text, name);
    if (other != NULL)
        text = other + strlen(name);
    return text != NULL && gn_real_scan(text, &value) != NULL ? value : 0;
}

static void fill_row(const struct gn_option *option, struct gn_fit_options *o)
{
    void *target = (char *)o + option->offset;
    bool *meant = option->second == 0 ? NULL : (bool *)((char *)o + option->second);
    const double value = default_of(option, o);
    if (option->kind == GN_OPTION_INT && *(int *)target == 0)
        *(int *)target = (int)value;
    if (option->kind == GN_OPTION_REAL && !(*(double *)target > 0) && (meant == NULL || !*meant)) {
        *(double *)target = value;
        if (meant != NULL)
            *meant = !(value > 0);
    }
}

void gn_options_fill(struct gn_fit_options *options)
{
    enum { DEFAULT_WINDOW = 1000 };
    for (int i = 0; i < N_ROWS; i++)
        fill_row(&rows[i].option, options);
    if (options->window == 0)
        options->window = DEFAULT_WINDOW;
}

/* ---- The checkpoint's record ---- */

static bool is_default(const struct gn_option *option, const struct gn_fit_options *o)
{
    const void *source = (const char *)o + option->offset;
    const double standard = default_of(option, o);
    double value = standard;
    switch (option->kind) {
    case GN_OPTION_SWITCH:
        return !*(const bool *)source;
    case GN_OPTION_INT:
    case GN_OPTION_COUNT:
    case GN_OPTION_SEED:
    case GN_OPTION_CHOICE:
    case GN_OPTION_SHUFFLE:
    case GN_OPTION_LOOKAHEAD:
        value = (double)gn_option_whole(option, o);
        break;
    case GN_OPTION_REAL:
    case GN_OPTION_SECONDS:
    case GN_OPTION_PLATEAU:
        value = gn_option_real(option, o);
        break;
    case GN_OPTION_TEXT:
    case GN_OPTION_LIST:
        return *(const char *const *)source == NULL || **(const char *const *)source == '\0';
    case GN_OPTION_HEADING:
        break;
    }
    return value >= standard && value <= standard;
}

static void record_row(const struct gn_option *option, const struct gn_fit_options *o,
                       json_t *object)
{
    const void *source = (const char *)o + option->offset;
    const char *const key = option->field;
    char text[GN_NUMBER_TEXT];
    switch (option->kind) {
    case GN_OPTION_SWITCH:
        gn_json_set(object, key, json_boolean(*(const bool *)source));
        break;
    case GN_OPTION_INT:
    case GN_OPTION_COUNT:
        gn_json_set_count(object, key, gn_option_whole(option, o));
        break;
    case GN_OPTION_LOOKAHEAD:
        gn_json_set_count(object, key, gn_option_whole(option, o));
        gn_json_set_exact(object, option->second_field, gn_option_second_real(option, o));
        break;
    case GN_OPTION_SEED:
        (void)snprintf(text, sizeof text, "%" PRIu64, gn_option_whole(option, o));
        gn_json_set_text(object, key, text);
        break;
    case GN_OPTION_PLATEAU:
    case GN_OPTION_REAL:
    case GN_OPTION_SECONDS:
        gn_json_set_exact(object, key, gn_option_real(option, o));
        if (option->kind == GN_OPTION_PLATEAU)
            gn_json_set_count(object, option->second_field, (uint64_t)gn_option_second(option, o));
        break;
    case GN_OPTION_TEXT:
    case GN_OPTION_LIST:
        if (!is_default(option, o))
            gn_json_set_text(object, key, *(const char *const *)source);
        break;
    case GN_OPTION_CHOICE:
    case GN_OPTION_SHUFFLE:
        gn_json_set_text(object, key, option->choice((int)gn_option_whole(option, o)));
        if (option->kind == GN_OPTION_SHUFFLE && o->shuffle == GN_SHUFFLE_WINDOW)
            gn_json_set_count(object, option->second_field, (uint64_t)gn_option_second(option, o));
        break;
    case GN_OPTION_HEADING:
        break;
    }
}

void gn_options_record(const struct gn_fit_options *options, json_t *object)
{
    for (int i = 0; i < N_ROWS; i++) {
        const struct row *row = &rows[i];
        const bool in_use =
            row->in_use != NULL ? row->in_use(options) : !is_default(&row->option, options);
        if (row->records && in_use)
            record_row(&row->option, options, object);
    }
}
