/* labels: push isa
 * timeout: 300
 *
 * A run that was interrupted anywhere and resumed leaves the bytes of the run that was not. */
#define _GNU_SOURCE
#include "file/file.h"
#include "base/memory.h"
#include "support/check.h"
#include "support/files.h"
#include "support/tiny.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Momentum, so that there is optimiser state to lose. */
static struct gn_fit_options options_for(const char *out)
{
    struct gn_fit_options options = tiny_options(out);
    options.momentum = 0.9;
    options.lr = 0.05;
    return options;
}

static int open_tiny(void **state)
{
    (void)tiny_open(state);
    (void)tiny_run(options_for("straight"));
    return 0;
}

/* ---- Interrupted in order ---- */

static void resumes_at_every_epoch(void **state)
{
    (void)state;
    for (int epochs = 1; epochs < TINY_EPOCHS; epochs++) {
        char out[32];
        (void)snprintf(out, sizeof out, "epochs-%d", epochs);
        struct gn_fit_options options = options_for(out);
        options.epochs = epochs;
        (void)tiny_run(options);
        options = options_for(out);
        options.resume = true;
        (void)tiny_run(options);
        tiny_same_runs("straight", out);
    }
}

static void resumes_at_every_step(void **state)
{
    (void)state;
    for (uint64_t step = 1; step <= TINY_EPOCHS * TINY_STEPS; step += 5) {
        char out[32];
        (void)snprintf(out, sizeof out, "steps-%d", (int)step);
        struct gn_fit_options options = options_for(out);
        options.max_steps = step;
        (void)tiny_run(options);
        options = options_for(out);
        options.resume = true;
        (void)tiny_run(options);
        tiny_same_runs("straight", out);
    }
}

static void resumes_many_times_in_one_run(void **state)
{
    (void)state;
    struct gn_fit_options options = options_for("often");
    for (uint64_t step = 2; step < TINY_EPOCHS * TINY_STEPS; step += 4) {
        options.max_steps = step;
        (void)tiny_run(options);
        options.resume = true;
        /* Being resumed without being allowed a step changes nothing. */
        (void)tiny_run(options);
    }
    options.max_steps = 0;
    (void)tiny_run(options);
    tiny_same_runs("straight", "often");
    (void)tiny_run(options);
    tiny_same_runs("straight", "often");
}

static void resumes_adamw_with_other_threads(void **state)
{
    (void)state;
    struct gn_fit_options options = tiny_options("adamw-straight");
    options.optimizer = GN_ADAMW;
    options.lr = 0.01;
    options.shuffle = GN_SHUFFLE_WINDOW;
    options.window = 20;
    (void)tiny_run(options);
    options.out = "adamw";
    options.max_steps = 17;
    options.threads = 3;
    (void)tiny_run(options);
    options.max_steps = 0;
    options.threads = 2;
    options.resume = true;
    (void)tiny_run(options);
    tiny_same_runs("adamw-straight", "adamw");
}

static void resumes_without_validation(void **state)
{
    (void)state;
    struct gn_fit_options options = options_for("alone-straight");
    options.validation = NULL;
    (void)tiny_run(options);
    tiny_same_file("alone-straight", "alone-straight", "best.safetensors");
    options.out = "alone";
    options.max_steps = 20;
    (void)tiny_run(options);
    options.max_steps = 0;
    options.resume = true;
    (void)tiny_run(options);
    tiny_same_runs("alone-straight", "alone");
}

/* best.safetensors has the highest validation accuracy that the history shows, also where the last
 * epoch was cut short, and the resumed run has the best of the run that was not. */
static void an_epoch_cut_short_may_be_the_best(void **state)
{
    (void)state;
    int n_cut = 0;
    for (uint64_t step = TINY_STEPS + 1; step < TINY_EPOCHS * TINY_STEPS; step += 3) {
        struct gn_fit_options options = options_for("cut-best");
        options.max_steps = step;
        options.overwrite = true;
        gn_net *net = tiny_net();
        gn_history *history = gn_fit_with(net, &options);
        assert_non_null(history);
        struct gn_epoch best = { 0 }, row;
        for (int i = 0; i < gn_history_epochs(history); i++) {
            assert_int_equal(gn_history_epoch(history, i, &row), GN_OK);
            best = i == 0 || row.val_accuracy > best.val_accuracy ? row : best;
        }
        n_cut += best.epoch == row.epoch && step % TINY_STEPS != 0;
        gn_free_history(history);

        struct gn_score score;
        assert_int_equal(gn_load_weights(net, "cut-best/best.safetensors"), GN_OK);
        assert_int_equal(gn_evaluate(net, &score, tiny.test), GN_OK);
        assert_true(score.accuracy >= best.val_accuracy && score.accuracy <= best.val_accuracy);
        gn_free_net(net);

        options.max_steps = 0;
        options.overwrite = false;
        options.resume = true;
        (void)tiny_run(options);
        tiny_same_runs("straight", "cut-best");
        assert_false(test_exists("cut-best/best.previous.safetensors"));
    }
    assert_true(n_cut > 0);
}

/* The history that is returned is that of the whole run. */
static void returns_the_whole_history(void **state)
{
    (void)state;
    struct gn_fit_options options = options_for("whole");
    options.epochs = 1;
    (void)tiny_run(options);
    options.epochs = TINY_EPOCHS;
    options.resume = true;
    gn_net *net = tiny_net();
    gn_history *history = gn_fit_with(net, &options);
    assert_int_equal(gn_history_epochs(history), TINY_EPOCHS);
    struct gn_epoch row;
    assert_int_equal(gn_history_epoch(history, 0, &row), 0);
    assert_true(row.epoch == 1 && row.has_validation && row.seconds > 0);
    gn_free_history(history);
    gn_free_net(net);
}

/* ---- Killed ---- */

/* What the child process does: begin or go on with a run, slowly enough to be caught. */
static void linger(const struct gn_event *event, void *user)
{
    (void)event;
    (void)user;
    (void)nanosleep(&(struct timespec){ .tv_nsec = 500000 }, NULL);
}

static int child(const char *out)
{
    char path[256];
    struct gn_fit_options options;
    (void)tiny_open(NULL);
    options = options_for(out);
    options.on_event = linger;
    (void)snprintf(path, sizeof path, "%s/checkpoint.safetensors", out);
    options.resume = test_exists(path);
    options.checkpoint_steps = 5;
    gn_history *history = gn_fit_with(tiny.net, &options);
    if (history == NULL)
        (void)fprintf(stderr, "%s\n", gn_error_message());
    gn_free_history(history);
    (void)tiny_close(NULL);
    return history == NULL ? 1 : 0;
}

/* Runs this program as `child`; kills it after `delay` microseconds. True when it was killed. */
static bool run_child(const char *out, long delay)
{
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)execl("/proc/self/exe", "test_resume", "child", out, (char *)NULL);
        _exit(127);
    }
    (void)nanosleep(&(struct timespec){ delay / 1000000, delay % 1000000 * 1000 }, NULL);
    (void)kill(pid, SIGKILL);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        return true;
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return false;
}

static void survives_being_killed_at_any_instant(void **state)
{
    (void)state;
    int kills = 0;
    for (int round = 0; round < 6; round++) {
        char out[32], leftovers[64];
        (void)snprintf(out, sizeof out, "killed-%d", round);
        /* Delays that grow, so that every round ends. */
        long delay = 9000 + 3700 * round;
        while (run_child(out, delay)) {
            kills++;
            delay += 7300;
        }
        tiny_same_runs("straight", out);
        (void)snprintf(leftovers, sizeof leftovers, "ls -A %s | grep -q tmp", out);
        assert_int_not_equal(system(leftovers), 0);
    }
    print_message("%d kills\n", kills);
    assert_true(kills > 10);
}

/* ---- Failing calls ---- */

static void count_warnings(const struct gn_event *event, void *user)
{
    int *warnings = user;
    *warnings += event->kind == GN_EVENT_WARNING;
}

/* Resumes what is there, or begins anew where nothing was saved. */
static void finish_run(const char *out)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/checkpoint.safetensors", out);
    struct gn_fit_options options = options_for(out);
    options.resume = test_exists(path);
    options.overwrite = !options.resume;
    (void)tiny_run(options);
}

static void loses_nothing_when_a_call_fails(void **state)
{
    (void)state;
    const uint64_t before = gn_file_calls();
    (void)tiny_run(options_for("calls"));
    const uint64_t calls = gn_file_calls() - before;
    assert_true(calls > 50);
    int failed = 0, warned = 0;
    for (uint64_t k = 1; k <= calls; k += 7) {
        int warnings = 0;
        struct gn_fit_options options = options_for("faults");
        options.on_event = count_warnings;
        options.user = &warnings;
        options.overwrite = true;
        gn_net *net = tiny_net();
        gn_file_fail_after(GN_FILE_CALL_ANY, k, ENOSPC);
        gn_history *history = gn_fit_with(net, &options);
        gn_file_fail_after(GN_FILE_CALL_NONE, 0, 0);
        if (history == NULL) {
            failed++;
            check_error(GN_STATUS_IO, "");
            finish_run("faults");
            tiny_same_runs("straight", "faults");
        } else {
            /* The run went on; what it computed is the same. */
            warned += warnings > 0;
            tiny_same_file("straight", "faults", "model.safetensors");
        }
        gn_free_history(history);
        gn_free_net(net);
    }
    print_message("%d runs ended, %d went on with a warning\n", failed, warned);
    assert_true(failed > 0 && warned > 0);
}

static void ends_after_three_failed_saves(void **state)
{
    (void)state;
    int warnings = 0;
    struct gn_fit_options options = options_for("three");
    options.epochs = 9;
    options.on_event = count_warnings;
    options.user = &warnings;
    /* A folder in place of the model makes every save fail. */
    gn_net *net = tiny_net();
    struct gn_fit_options first = options;
    first.max_steps = 1;
    (void)tiny_run(first);
    assert_int_equal(system("rm three/model.safetensors; mkdir three/model.safetensors"), 0);
    options.resume = true;
    assert_null(gn_fit_with(net, &options));
    check_error(GN_STATUS_IO, "model.safetensors");
    assert_int_equal(warnings, 2);
    gn_free_net(net);
    assert_int_equal(system("rmdir three/model.safetensors"), 0);
    options.on_event = NULL;
    options.epochs = TINY_EPOCHS;
    (void)tiny_run(options);
    tiny_same_runs("straight", "three");
}

static void survives_a_lack_of_memory(void **state)
{
    (void)state;
    const uint64_t before = gn_alloc_count();
    (void)tiny_run(options_for("allocations"));
    const uint64_t allocations = gn_alloc_count() - before;
    for (uint64_t k = 1; k <= allocations; k += 3) {
        struct gn_fit_options options = options_for("no-memory");
        options.overwrite = true;
        gn_net *net = tiny_net();
        gn_alloc_fail_after(k, false);
        gn_history *history = gn_fit_with(net, &options);
        gn_alloc_fail_after(0, false);
        if (history == NULL)
            check_error(GN_STATUS_NO_MEMORY, "");
        gn_free_history(history);
        gn_free_net(net);
    }
    finish_run("no-memory");
    tiny_same_file("straight", "no-memory", "model.safetensors");
}

/* ---- Damage ---- */

static void flip_byte(const char *path, size_t from_end)
{
    size_t n;
    uint8_t *bytes = test_read_file(path, &n);
    assert_true(n > from_end);
    bytes[n - 1 - from_end] ^= 1;
    test_write_file(path, bytes, n);
    free(bytes);
}

static void goes_back_to_the_older_checkpoint(void **state)
{
    (void)state;
    int warnings = 0;
    (void)tiny_run(options_for("damaged"));
    flip_byte("damaged/checkpoint.safetensors", 100);
    struct gn_fit_options options = options_for("damaged");
    options.resume = true;
    options.on_event = count_warnings;
    options.user = &warnings;
    (void)tiny_run(options);
    assert_int_equal(warnings, 1);
    tiny_same_runs("straight", "damaged");
    flip_byte("damaged/checkpoint.safetensors", 100);
    flip_byte("damaged/checkpoint.previous.safetensors", 101);
    tiny_run_fails(options, GN_STATUS_BAD_MODEL, "damaged/checkpoint.safetensors: ");
}

static void refuses_a_model_in_place_of_a_checkpoint(void **state)
{
    (void)state;
    struct gn_fit_options options = options_for("no-state");
    (void)tiny_run(options);
    options.resume = true;
    assert_int_equal(system("cd no-state && rm checkpoint.previous.safetensors && "
                            "cp model.safetensors checkpoint.safetensors"),
                     0);
    tiny_run_fails(options, GN_STATUS_BAD_MODEL, "it is a model, not a checkpoint");
}

/* ---- Other options, other data ---- */

static void refuses_other_options(void **state)
{
    (void)state;
    struct gn_fit_options options = options_for("straight");
    options.resume = true;
    struct gn_fit_options other = options;
    other.batch = 4;
    tiny_run_fails(other, GN_STATUS_BAD_ARGUMENT, "made with batch 8, this run has 4");
    other = options;
    other.lr = 0.025;
    tiny_run_fails(other, GN_STATUS_BAD_ARGUMENT, "made with lr 0.05, this run has 0.025");
    other = options;
    other.seed = 8;
    tiny_run_fails(other, GN_STATUS_BAD_ARGUMENT, "made with seed 7, this run has 8");
    other = options;
    other.nesterov = true;
    tiny_run_fails(other, GN_STATUS_BAD_ARGUMENT, "made with nesterov off, this run has on");
    other = options;
    other.limit_train = 50;
    tiny_run_fails(other, GN_STATUS_BAD_ARGUMENT, "train_samples 92, this run has 50");
}

static void refuses_other_data(void **state)
{
    (void)state;
    tiny_write_data("data-2", TINY_TRAIN + 3, TINY_TEST);
    gn_dataset *other = gn_open_dataset("data-2", .split = GN_TRAIN);
    assert_non_null(other);
    struct gn_fit_options options = options_for("straight");
    options.resume = true;
    options.train = other;
    tiny_run_fails(options, GN_STATUS_BAD_DATA, "its training data are 92 samples of 12x12");
    gn_close_dataset(other);
    options = options_for("straight");
    options.resume = true;
    options.validation = NULL;
    tiny_run_fails(options, GN_STATUS_BAD_DATA, "the data given now are none");
    tiny_same_runs("straight", "calls"); /* nothing was touched */
}

/* Its checkpoint knows the whole set, while the program reads no more than a limit asks for. */
static void the_program_goes_on_with_a_limited_run_of_the_library(void **state)
{
    (void)state;
    char command[512];
    struct gn_fit_options options = options_for("limited-straight");
    options.limit_train = 50;
    options.limit_val = 20;
    (void)tiny_run(options);
    options.out = "limited";
    options.max_steps = 5;
    (void)tiny_run(options);
    (void)snprintf(command, sizeof command, "'%s' train --resume limited --max-steps 1000 -q",
                   getenv("GOOGLENET"));
    assert_int_equal(system(command), 0);
    tiny_same_runs("limited-straight", "limited");
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "child") == 0)
        return child(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(survives_being_killed_at_any_instant),
        cmocka_unit_test(resumes_at_every_epoch),
        cmocka_unit_test(resumes_at_every_step),
        cmocka_unit_test(resumes_many_times_in_one_run),
        cmocka_unit_test(resumes_adamw_with_other_threads),
        cmocka_unit_test(resumes_without_validation),
        cmocka_unit_test(an_epoch_cut_short_may_be_the_best),
        cmocka_unit_test(returns_the_whole_history),
        cmocka_unit_test(loses_nothing_when_a_call_fails),
        cmocka_unit_test(ends_after_three_failed_saves),
        cmocka_unit_test(survives_a_lack_of_memory),
        cmocka_unit_test(goes_back_to_the_older_checkpoint),
        cmocka_unit_test(refuses_a_model_in_place_of_a_checkpoint),
        cmocka_unit_test(refuses_other_options),
        cmocka_unit_test(refuses_other_data),
        cmocka_unit_test(the_program_goes_on_with_a_limited_run_of_the_library),
    };
    return cmocka_run_group_tests(tests, open_tiny, tiny_close);
}
