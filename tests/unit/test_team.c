/*
 * Teams of threads: everybody takes part, barriers hold, loops visit each element once, several teams
 * run at the same time, and a child of fork() computes after its parent has.
 * labels: quick
 */
#include "base/team.h"

#include "support/check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 200, MOST = 8 };

struct shared {
    atomic_int seen[MOST];
    int round[MOST];
    atomic_int wrong;
};

/* Between two barriers every thread has done the same round. */
static void count_rounds(struct gn_team *team, int thread, void *argument)
{
    struct shared *s = argument;
    atomic_fetch_add(&s->seen[thread], 1);
    for (int i = 1; i <= ROUNDS; i++) {
        s->round[thread] = i;
        gn_team_barrier(team);
        for (int k = 0; k < gn_team_size(team); k++)
            if (s->round[k] != i)
                atomic_store(&s->wrong, 1);
        gn_team_barrier(team);
    }
}

static void every_thread_meets_the_others_at_each_barrier(void **state)
{
    (void)state;
    for (int threads = 1; threads <= MOST; threads++) {
        struct shared s = { 0 };
        gn_team_run(threads, count_rounds, &s);
        for (int k = 0; k < threads; k++)
            assert_int_equal(atomic_load(&s.seen[k]), 1);
        assert_int_equal(atomic_load(&s.wrong), 0);
    }
}

static void count_element(void *argument, size_t i)
{
    atomic_fetch_add(&((atomic_int *)argument)[i], 1);
}

static void a_loop_visits_each_element_once(void **state)
{
    enum { N = 1000 };
    static atomic_int visits[N];
    (void)state;
    for (int threads = 1; threads <= 4; threads++) {
        gn_parallel(threads, N, count_element, visits);
        gn_parallel(threads, 0, count_element, visits);
        for (int i = 0; i < N; i++)
            assert_int_equal(atomic_load(&visits[i]), threads);
    }
}

static void *run_a_team(void *argument)
{
    for (int i = 0; i < 20; i++) {
        struct shared s = { 0 };
        gn_team_run(3, count_rounds, &s);
        if (atomic_load(&s.wrong) || atomic_load(&s.seen[2]) != 1)
            atomic_store((atomic_int *)argument, 1);
    }
    return NULL;
}

static void several_callers_run_teams_at_the_same_time(void **state)
{
    pthread_t threads[4];
    atomic_int wrong = 0;
    (void)state;
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run_a_team, &wrong), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&wrong), 0);
}

static void a_child_of_fork_has_teams_of_its_own(void **state)
{
    (void)state;
    struct shared s = { 0 };
    gn_team_run(4, count_rounds, &s);
    for (int i = 0; i < 5; i++) {
        const pid_t child = fork();
        if (child == 0) {
            struct shared own = { 0 };
            (void)alarm(20); /* a child that waits for threads it does not have is ended */
            gn_team_run(4, count_rounds, &own);
            _exit(atomic_load(&own.seen[3]) == 1 && atomic_load(&own.wrong) == 0 ? 0 : 1);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    gn_team_run(4, count_rounds, &s);
    assert_int_equal(atomic_load(&s.seen[3]), 2);
}

/* In a process of its own, since limits stay. Root's processes are not counted, so memory is what
 * runs out: no stack fits any more. */
static void a_system_without_threads_is_a_sentence_and_no_end(void **state)
{
    (void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip(); /* a sanitizer needs the address space */
#endif
    const pid_t child = fork();
    if (child == 0) {
        const struct rlimit none = { 1 << 20, 1 << 20 };
        (void)setrlimit(RLIMIT_AS, &none);
        const bool told = gn_team_reserve(64) == GN_STATUS_NO_DEVICE &&
                          strstr(gn_error_message(), "64 threads are wanted") != NULL;
        struct shared s = { 0 };
        gn_team_run(4, count_rounds, &s);
        _exit(told && atomic_load(&s.seen[0]) == 1 ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_thread_meets_the_others_at_each_barrier),
        cmocka_unit_test(a_loop_visits_each_element_once),
        cmocka_unit_test(several_callers_run_teams_at_the_same_time),
        cmocka_unit_test(a_child_of_fork_has_teams_of_its_own),
        cmocka_unit_test(a_system_without_threads_is_a_sentence_and_no_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
