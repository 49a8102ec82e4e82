/* labels: quick
 *
 * How fast running statistics follow in a run: the option replaces the layers' own momentum, for the run
 * and for nothing else; a run too short for them is warned. */
#include "net/net.h"
#include "support/check.h"
#include "support/tiny.h"

static char warning[512];

static void on_event(const struct gn_event *event, void *user)
{
    (void)user;
    if (event->kind == GN_EVENT_WARNING && strstr(event->message, "normalisation") != NULL)
        (void)snprintf(warning, sizeof warning, "%s", event->message);
}

static gn_net *network(double momentum)
{
    gn_graph *g = gn_graph_create();
    gn_node x = gn_input(g, TINY_SIZE, TINY_SIZE, 1);
    x = gn_conv(g, x, 4, .kernel = 3, .no_bias = true, .name = "conv");
    x = gn_relu(g, gn_batch_norm(g, x, .momentum = momentum, .name = "norm"));
    gn_net *net = gn_compile(g, gn_dense(g, gn_global_avg_pool(g, x), TINY_CLASSES, "dense"), 1);
    assert_non_null(net);
    return net;
}

/* One step that changes no weight: a running mean is then (1 - momentum) times that of the batch. */
static void take_mean(double own, double option, double mean[4])
{
    gn_net *net = network(own);
    struct gn_tensor_info t;
    struct gn_fit_options o = tiny_options(NULL);
    o.train = tiny.train;
    o.no_validation = o.zero_lr = true;
    o.lr = 0;
    o.max_steps = 1;
    o.bn_momentum = option;
    gn_history *history = gn_fit_with(net, &o);
    if (history == NULL)
        fail_msg("%s", gn_error_message());
    gn_free_history(history);
    int found = 0;
    for (int i = 0; gn_net_tensor(net, i, &t) == GN_OK; i++)
        if (strcmp(t.name, "norm.mean") == 0)
            for (int c = 0; c < 4; c++, found++)
                mean[c] = (double)t.values[c];
    gn_clear_error();
    assert_int_equal(found, 4);
    struct gn_net_info info;
    assert_int_equal(gn_net_describe(net, &info), GN_OK);
    assert_true(info.momentum > own - 1e-9 && info.momentum < own + 1e-9);
    gn_free_net(net);
}

static void the_option_replaces_the_layers_own(void **state)
{
    static const struct {
        double own, option, share;
    } cases[] = { { 0.99, 0, 0.01 }, { 0.99, 0.8, 0.2 }, { 0.5, 0, 0.5 }, { 0.5, 0.9, 0.1 } };
    double mean[4], first[4];
    (void)state;
    take_mean(0.99, 0, first);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        take_mean(cases[i].own, cases[i].option, mean);
        for (int c = 0; c < 4; c++) {
            const double wanted = first[c] * cases[i].share / 0.01;
            const double error = mean[c] - wanted, room = 1e-4 * (wanted < 0 ? -wanted : wanted);
            if (error > room || error < -room)
                fail_msg("case %zu: mean %d is %g, not %g", i, c, mean[c], wanted);
        }
    }
}

static void short_runs_are_warned(void **state)
{
    static const struct {
        double option;
        int epochs;
        const char *sentence; /* NULL: none */
    } cases[] = { { 0, 3, "after the 36 steps of this run 70% of its running statistics" },
                  { 0.9, 3, NULL },
                  { 0.9, 1, "after the 12 steps of this run 28% of" } };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        gn_net *net = network(0.99);
        struct gn_fit_options o = tiny_options(NULL);
        warning[0] = '\0';
        o.train = tiny.train;
        o.no_validation = true;
        o.epochs = cases[i].epochs;
        o.bn_momentum = cases[i].option;
        o.on_event = on_event;
        gn_free_history(gn_fit_with(net, &o));
        if (cases[i].sentence == NULL)
            assert_string_equal(warning, "");
        else if (strstr(warning, cases[i].sentence) == NULL)
            fail_msg("\"%s\" lacks \"%s\"", warning, cases[i].sentence);
        gn_free_net(net);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_option_replaces_the_layers_own),
        cmocka_unit_test(short_runs_are_warned),
    };
    return cmocka_run_group_tests(tests, tiny_open, tiny_close);
}
