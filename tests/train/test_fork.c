/*
 * A process that forks after it has computed, as web servers and Python's multiprocessing do: each
 * child predicts and trains, with the bits of its parent.
 * labels: quick
 */
#include "base/status.h"

#include "support/check.h"
#include "support/tiny.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILDREN = 3, THREADS = 2 };

/* A fresh net, trained for a while on two threads, and its logits of a few images. */
static uint32_t compute(void)
{
    float logits[4 * TINY_CLASSES];
    gn_net *net = tiny_net();
    gn_history *history = gn_fit(net, tiny.train, .validation = tiny.test, .epochs = 1,
                                 .batch = TINY_BATCH, .threads = THREADS);
    uint32_t sum = history == NULL ? 0 : gn_net_hash(net);
    if (gn_predict(net, logits, NULL, .data = tiny.test, .n = 4, .threads = THREADS) != 0)
        sum = 0;
    for (size_t i = 0; sum != 0 && i < sizeof logits / sizeof logits[0]; i++) {
        uint32_t bits;
        memcpy(&bits, &logits[i], sizeof bits);
        sum = sum * 31 + bits;
    }
    gn_free_history(history);
    gn_free_net(net);
    return sum;
}

static void children_compute_the_bits_of_their_parent(void **state)
{
    pid_t children[CHILDREN];
    (void)state;
    const uint32_t parent = compute();
    assert_int_not_equal(parent, 0);
    for (int i = 0; i < CHILDREN; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            (void)alarm(60); /* a child that hangs is ended */
            _exit(compute() == parent ? 0 : 1);
        }
    }
    assert_int_equal(compute(), parent); /* at the same time */
    for (int i = 0; i < CHILDREN; i++) {
        int status;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(children_compute_the_bits_of_their_parent, tiny_open,
                                        tiny_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
