/* labels: quick
 *
 * Calls in threads of their own: results, the sentences of their errors, and what they may be
 * asked. Under -fsanitize=thread this is also the proof that handing over is not a race. */
#include "base/task.h"
#include "support/check.h"

#include <signal.h>
#include <string.h>

struct work {
    int in, out;
    pthread_t thread;
    bool takes_signals;
};

static gn_status square(void *argument)
{
    struct work *work = argument;
    sigset_t mask;
    (void)pthread_sigmask(SIG_SETMASK, NULL, &mask);
    work->takes_signals = sigismember(&mask, SIGINT) == 0;
    work->thread = pthread_self();
    if (work->in < 0) {
        (void)gn_fail(GN_STATUS_BAD_DATA, "%d%%: negative", work->in);
        gn_hint("take another one");
        return GN_STATUS_BAD_DATA;
    }
    work->out = work->in * work->in;
    return GN_OK;
}

static void a_call_runs_in_a_thread_of_its_own(void **state)
{
    (void)state;
    struct work work[4] = { { .in = 1 }, { .in = 2 }, { .in = 3 }, { .in = 4 } };
    struct gn_task tasks[4];
    (void)gn_fail(GN_STATUS_IO, "an error of before");
    for (int i = 0; i < 4; i++)
        gn_task_start(&tasks[i], square, &work[i]);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(gn_task_join(&tasks[i]), GN_OK);
        assert_int_equal(work[i].out, (i + 1) * (i + 1));
        assert_false(pthread_equal(work[i].thread, pthread_self()));
        assert_false(work[i].takes_signals);
    }
    assert_string_equal(gn_error_message(), "an error of before");
    sigset_t mask;
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &mask), 0);
    assert_int_equal(sigismember(&mask, SIGINT), 0);
}

static void its_error_reaches_whoever_joins_it(void **state)
{
    (void)state;
    struct work work = { .in = -5 };
    struct gn_task task;
    gn_task_start(&task, square, &work);
    for (int i = 0; i < 2; i++) {
        gn_clear_error();
        assert_int_equal(gn_task_join(&task), GN_STATUS_BAD_DATA);
        assert_int_equal(gn_error_status(), GN_STATUS_BAD_DATA);
        assert_string_equal(gn_error_message(), "-5%: negative\n  hint: take another one");
    }
}

static void a_task_that_was_not_started_is_no_error(void **state)
{
    (void)state;
    struct gn_task task = { .runs = false };
    assert_int_equal(gn_task_join(&task), GN_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_runs_in_a_thread_of_its_own),
        cmocka_unit_test(its_error_reaches_whoever_joins_it),
        cmocka_unit_test(a_task_that_was_not_started_is_no_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
