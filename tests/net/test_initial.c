/* labels: quick
 *
 * What every preset begins with: the rule of its kernels, measured on the drawn values, and the constants
 * of all other tensors. */
#include "net/net.h"
#include "support/check.h"

#include <math.h>

static bool ends_in(const char *name, const char *suffix)
{
    const size_t n = strlen(name), m = strlen(suffix);
    return n >= m && strcmp(name + n - m, suffix) == 0;
}

struct moments {
    double mean, variance, kurtosis, most;
};

static struct moments moments_of(const struct gn_tensor_info *t)
{
    struct moments m = { 0 };
    double fourth = 0;
    for (size_t k = 0; k < t->count; k++) {
        const double v = (double)t->values[k];
        m.mean += v;
        m.variance += v * v;
        fourth += v * v * v * v;
        m.most = fmax(m.most, fabs(v));
    }
    const double n = (double)t->count;
    m.mean /= n;
    m.variance /= n;
    m.kurtosis = fourth / n / (m.variance * m.variance);
    return m;
}

/* Kurtosis is 9/5 for a uniform and 3 for a normal distribution; five standard errors each. */
static void check_kernel(const char *preset, const struct gn_tensor_info *t)
{
    const struct moments m = moments_of(t);
    const double n = (double)t->count, taps = t->rank == 4 ? t->shape[0] * t->shape[1] : 1;
    const double in = taps * t->shape[t->rank - 2], out = taps * t->shape[t->rank - 1];
    const bool normal = strcmp(preset, "googlenet-torchvision") == 0;
    const double limit =
        strcmp(preset, "googlenet-paper") == 0 ? sqrt(3 / in) : sqrt(6 / (in + out));
    const double variance = normal ? 1e-4 : limit * limit / 3;
    const double kurtosis = normal ? 3 : 1.8, spread = normal ? 24 : 0.5;
    if (fabs(m.mean) > 5 * sqrt(variance / n) ||
        fabs(m.variance / variance - 1) > 5 * sqrt((kurtosis - 1) / n) ||
        fabs(m.kurtosis - kurtosis) > 6 * sqrt(spread / n) ||
        (!normal && (m.most > limit * (1 + 1e-6) || m.most < limit * (1 - 20 / n))))
        fail_msg("%s: %s: mean %g, variance %g (wanted %g), kurtosis %g (wanted %g), most %g",
                 preset, t->name, m.mean, m.variance, variance, m.kurtosis, kurtosis, m.most);
}

/* Caffe's biases begin at 0.2 but for those of the classifiers. */
static double constant_of(const char *preset, const char *name)
{
    const bool classifier = strcmp(name, "dense.bias") == 0 || ends_in(name, ".fc2.bias");
    if (ends_in(name, ".gamma") || ends_in(name, ".variance"))
        return 1;
    return strcmp(preset, "googlenet-paper") == 0 && !classifier ? 0.2 : 0;
}

static void presets_begin_with_the_values_of_their_rules(void **state)
{
    (void)state;
    for (int i = 0; gn_preset_name(i) != NULL; i++) {
        const char *preset = gn_preset_name(i);
        gn_net *net = gn_preset(preset, .size = 96, .aux = true, .seed = 6);
        struct gn_tensor_info t;
        if (net == NULL)
            fail_msg("%s: %s", preset, gn_error_message());
        int kernels = 0, others = 0;
        for (int k = 0; gn_net_tensor(net, k, &t) == GN_OK; k++) {
            if (ends_in(t.name, ".weight")) {
                kernels++;
                check_kernel(preset, &t);
                continue;
            }
            others++;
            const float wanted = (float)constant_of(preset, t.name);
            for (size_t j = 0; j < t.count; j++)
                if (t.values[j] < wanted || t.values[j] > wanted)
                    fail_msg("%s: %s is %g instead of %g", preset, t.name, (double)t.values[j],
                             (double)wanted);
        }
        gn_clear_error();
        assert_true(kernels > 10 && others > 10);
        gn_free_net(net);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(presets_begin_with_the_values_of_their_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
