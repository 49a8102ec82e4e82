/* labels: push isa
 * timeout: 300
 *
 * Interruption in the middle of an epoch, with all that has a state or draws at once: batch
 * normalisation, dropout, auxiliary heads, augmentation and mixing, momentum or AdamW, averages,
 * accumulation, clipping, a schedule, a plateau. The files of the run are byte for byte those of the run
 * that was not interrupted. */
#include "support/check.h"
#include "support/files.h"
#include "support/tiny.h"

#include <stdlib.h>

enum { EPOCHS = 3, STEPS = 6, ALL = EPOCHS * STEPS };

static gn_node unit(gn_graph *g, gn_node x, int channels, const char *name)
{
    x = gn_conv(g, x, channels, .kernel = 3, .no_bias = true, .name = name);
    return gn_relu(g, gn_batch_norm(g, x, .eps = 0));
}

static gn_net *whole_net(void)
{
    gn_graph *g = gn_graph_create();
    gn_stage(g, "b1");
    gn_node x = unit(g, gn_input(g, TINY_SIZE, TINY_SIZE, 1), 6, "conv");
    x = gn_lrn(g, gn_max_pool(g, x, 3, .stride = 2), 3);
    gn_stage(g, "b2");
    x = gn_inception(g, x, "inception", 4, (gn_pair){ 4, 6 }, (gn_pair){ 2, 4 }, 2);
    const gn_node middle = x;
    x = unit(g, x, 8, "last");
    x = gn_dropout(g, gn_global_avg_pool(g, x), 0.3, "drop");
    gn_stage(g, NULL);
    const gn_node logits = gn_dense(g, x, TINY_CLASSES, "dense");
    gn_stage(g, "aux1");
    x = gn_relu(g, gn_dense(g, gn_avg_pool(g, middle, 0, .adaptive = 2), 8, "fc"));
    gn_head(g, gn_dense(g, gn_dropout(g, x, 0.5, "drop"), TINY_CLASSES, "logits"), 0.3, "aux1");
    gn_stage(g, NULL);
    gn_net *net = gn_compile(g, logits, 5);
    if (net == NULL)
        fail_msg("%s", gn_error_message());
    return net;
}

static struct gn_fit_options options_for(const char *out, int kind)
{
    struct gn_fit_options o = tiny_options(out);
    o.epochs = EPOCHS;
    o.accumulate = 2;
    o.augment = kind == 0 ? "mirror,shift:1,rotate:10,crop:0.5,brightness:0.2,erase:0.3,mixup:0.4"
                          : "trivial-augment,cutmix";
    o.schedule = kind == 0 ? GN_SCHEDULE_COSINE : GN_SCHEDULE_ONE_CYCLE;
    o.optimizer = kind == 0 ? GN_SGD : GN_ADAMW;
    o.momentum = kind == 0 ? 0.9 : 0;
    o.nesterov = kind == 0;
    o.lr = kind == 0 ? 0.02 : 0.005;
    o.weight_decay = 0.001;
    o.ema = 0.8;
    o.lookahead_steps = 4; /* most interruptions come between two of its turns */
    o.lookahead_share = 0.7;
    o.clip_norm = 0.5;
    o.label_smoothing = 0.1;
    o.lr_scale = "b1=0.5";
    o.plateau_factor = 0.5;
    o.plateau_patience = 1;
    return o;
}

static void check_same(const char *straight, const char *out)
{
    tiny_same_runs(straight, out);
    tiny_same_file(straight, out, "ema.safetensors");
}

struct stopper {
    volatile int stop;
    uint64_t at;
};

static void stop_at(const struct gn_event *event, void *user)
{
    struct stopper *stopper = user;
    if (event->kind == GN_EVENT_STEP && event->total_step == stopper->at)
        stopper->stop = 1;
}

/* A limit ends the epoch with validation and all files; a request, and a kill, do not. */
static void runs_go_on_from_any_step(void **state)
{
    (void)state;
    static const char *const straight[] = { "straight-0", "straight-1" };
    for (int kind = 0; kind < 2; kind++) {
        (void)tiny_train(whole_net(), options_for(straight[kind], kind));
        for (uint64_t step = 1 + (uint64_t)kind; step < ALL; step += 3) {
            struct stopper stopper = { 0, step };
            struct gn_fit_options o = options_for("cut", kind);
            gn_net *net = whole_net();
            o.overwrite = true;
            o.threads = 1 + (int)step % 2;
            if (step % 2 == 0) {
                o.max_steps = step;
            } else {
                o.on_event = stop_at;
                o.user = &stopper;
                o.stop = &stopper.stop;
            }
            gn_history *history = gn_fit_with(net, &o);
            assert_true((history == NULL) == (step % 2 == 1));
            gn_free_history(history);
            gn_free_net(net);
            gn_clear_error();
            o = options_for("cut", kind);
            o.resume = true;
            (void)tiny_train(whole_net(), o);
            check_same(straight[kind], "cut");
        }
    }
}

/* Interrupted again and again, each time after another two steps. */
static void a_run_of_many_pieces_is_the_same(void **state)
{
    (void)state;
    struct gn_fit_options o = options_for("pieces", 0);
    for (uint64_t step = 2; step < ALL; step += 2) {
        o.max_steps = step;
        (void)tiny_train(whole_net(), o);
        o.resume = true;
    }
    o.max_steps = 0;
    (void)tiny_train(whole_net(), o);
    check_same("straight-0", "pieces");
}

/* What a killed process leaves: the checkpoint of an earlier step beside files of later ones. */
static void keep_copy(const struct gn_event *event, void *user)
{
    if (event->kind == GN_EVENT_STEP && event->total_step == *(const uint64_t *)user)
        assert_int_equal(system("rm -rf killed && cp -r living killed && rm -f killed/.lock"), 0);
}

static void a_killed_run_goes_on_from_its_checkpoint(void **state)
{
    (void)state;
    for (uint64_t step = 3; step < ALL; step += 4) {
        struct gn_fit_options o = options_for("living", 0);
        o.overwrite = true;
        o.checkpoint_steps = 2;
        o.on_event = keep_copy;
        o.user = &step;
        (void)tiny_train(whole_net(), o);
        check_same("straight-0", "living");
        o = options_for("killed", 0);
        o.resume = true;
        (void)tiny_train(whole_net(), o);
        check_same("straight-0", "killed");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_go_on_from_any_step),
        cmocka_unit_test(a_run_of_many_pieces_is_the_same),
        cmocka_unit_test(a_killed_run_goes_on_from_its_checkpoint),
    };
    return cmocka_run_group_tests(tests, tiny_open, tiny_close);
}
