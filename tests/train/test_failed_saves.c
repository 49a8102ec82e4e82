/* labels: push
 * timeout: 300
 *
 * What a run says about itself is what lies in its folder, whichever save has failed. */
#define _GNU_SOURCE
#include "file/file.h"
#include "draw/curves.h"
#include "run/journal.h"
#include "support/check.h"
#include "support/files.h"
#include "support/tiny.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum { EPOCHS = 3 };

static struct gn_fit_options options_for(const char *out)
{
    struct gn_fit_options options = tiny_options(out);
    options.momentum = 0.9;
    options.lr = 0.05;
    options.epochs = EPOCHS;
    return options;
}

static int open_tiny(void **state)
{
    (void)tiny_open(state);
    (void)tiny_run(options_for("straight"));
    return 0;
}

/* ---- One failing call ---- */

struct seen {
    int warnings, best; /* best: the epoch that was last reported as such */
    enum gn_file_call call;
    uint64_t k; /* of the calls after the first epoch; 0: none fails */
};

static void look(const struct gn_event *event, void *user)
{
    struct seen *seen = user;
    seen->warnings += event->kind == GN_EVENT_WARNING;
    if (event->kind != GN_EVENT_EPOCH)
        return;
    if (event->is_best)
        seen->best = event->epoch;
    if (event->epoch == 1 && seen->k > 0)
        gn_file_fail_after(seen->call, seen->k, ENOSPC);
}

/* What the run returned agrees with its files. */
static void agrees(gn_net *net, const gn_history *history, const struct seen *seen, const char *out)
{
    char path[128];
    struct gn_epoch row;
    struct gn_score score;
    const uint32_t hash = gn_net_hash(net);
    const int best = gn_history_best(history);
    assert_true(best >= 0);
    assert_int_equal(seen->best, best + 1);
    assert_int_equal(gn_history_epoch(history, best, &row), GN_OK);
    (void)snprintf(path, sizeof path, "%s/best.safetensors", out);
    assert_int_equal(gn_load_weights(net, path), GN_OK);
    assert_int_equal(gn_evaluate(net, &score, tiny.test), GN_OK);
    assert_true(score.accuracy >= row.val_accuracy && score.accuracy <= row.val_accuracy);
    assert_true(score.loss - row.val_loss < 1e-9 && row.val_loss - score.loss < 1e-9);
    (void)snprintf(path, sizeof path, "%s/model.safetensors", out);
    assert_int_equal(gn_load_weights(net, path), GN_OK);
    assert_int_equal(gn_net_hash(net), hash);
}

/* Every k-th call of each kind fails, once; returns how many runs ended well. */
static int fail_each(struct gn_fit_options options, bool later)
{
    int good = 0;
    for (int call = GN_FILE_CALL_OPEN; call < GN_FILE_CALL_ANY; call++)
        for (uint64_t k = 1; k < 1000; k += k < 6 ? 1 : 5) {
            struct seen seen = { .call = (enum gn_file_call)call, .k = later ? k : 0 };
            options.on_event = look;
            options.user = &seen;
            options.overwrite = true;
            gn_net *net = tiny_net();
            if (!later)
                gn_file_fail_after((enum gn_file_call)call, k, ENOSPC);
            gn_history *history = gn_fit_with(net, &options);
            gn_file_fail_after(GN_FILE_CALL_NONE, 0, 0);
            if (history != NULL) {
                good++;
                agrees(net, history, &seen, options.out);
            } else {
                check_error(GN_STATUS_IO, "");
            }
            const bool none_failed = history != NULL && seen.warnings == 0;
            gn_free_history(history);
            gn_free_net(net);
            if (none_failed) /* there are not so many calls */
                break;
        }
    return good;
}

static void the_report_follows_the_files(void **state)
{
    (void)state;
    struct gn_fit_options options = options_for("each");
    options.epochs = 2;
    assert_true(fail_each(options, false) > 20);
}

/* Of the second epoch, which is the best one, the folder's fsync fails: its weights have the name. */
static void a_best_that_has_its_name_is_the_best(void **state)
{
    (void)state;
    int late = 0;
    for (uint64_t k = 1; k <= 12; k++) {
        struct seen seen = { .call = GN_FILE_CALL_FSYNC, .k = k };
        struct gn_fit_options options = options_for("named");
        options.lr = 0.275717;
        options.on_event = look;
        options.user = &seen;
        options.overwrite = true;
        gn_net *net = tiny_net();
        gn_history *history = gn_fit_with(net, &options);
        gn_file_fail_after(GN_FILE_CALL_NONE, 0, 0);
        assert_non_null(history);
        agrees(net, history, &seen, "named");
        late += gn_history_best(history) != 1;
        gn_free_history(history);
        gn_free_net(net);
    }
    assert_true(late > 0); /* some k kept the second epoch from being saved as the best */
}

/* A run that ends for want of a better epoch has all its files, too. */
static void a_run_that_ends_early_tries_again(void **state)
{
    (void)state;
    struct gn_fit_options options = options_for("early");
    options.early_stop = 1;
    assert_true(fail_each(options, true) > 10);
}

/* ---- The journal ---- */

static gn_status write_step(struct gn_journal *journal, uint64_t step)
{
    struct gn_metrics m = { .n = 0 };
    gn_metrics_add(&m, "loss", 1.5, false);
    return gn_journal_step(journal, step, &m);
}

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_failed_journal_is_written_again_whole(void **state)
{
    (void)state;
    char wanted[4096] = "";
    struct gn_journal *journal = gn_journal_create("whole.jsonl");
    assert_non_null(journal);
    (void)signal(SIGXFSZ, SIG_IGN);
    for (uint64_t step = 1; step <= 60; step++) {
        const size_t n = strlen(wanted);
        (void)snprintf(wanted + n, sizeof wanted - n, "{\"step\":%d,\"loss\":1.5}\n", (int)step);
        if (step == 5)
            limit_files(100); /* the disk is full in the middle of a record */
        const gn_status status = write_step(journal, step);
        assert_true(status == GN_OK || step >= 5);
        if (step == 5)
            check_error(GN_STATUS_IO, "whole.jsonl: history: cannot write");
        gn_clear_error();
        if (step == 40)
            limit_files(RLIM_INFINITY);
    }
    assert_int_equal(gn_journal_save(journal), GN_OK);
    gn_journal_close(journal);
    assert_true(test_file_is("whole.jsonl", wanted, strlen(wanted)));
}

static void full_disk_after_some_steps(const struct gn_event *event, void *user)
{
    int *warnings = user;
    *warnings += event->kind == GN_EVENT_WARNING;
    if (event->kind == GN_EVENT_STEP && (event->total_step == 3 || event->total_step == 9))
        limit_files(event->total_step == 3 ? 200 : RLIM_INFINITY);
}

static void a_run_whose_journal_failed_has_all_records(void **state)
{
    (void)state;
    int warnings = 0;
    struct gn_fit_options options = options_for("records");
    options.on_event = full_disk_after_some_steps;
    options.user = &warnings;
    (void)signal(SIGXFSZ, SIG_IGN);
    (void)tiny_run(options);
    limit_files(RLIM_INFINITY);
    assert_int_equal(warnings, 1); /* of failures in a row */
    tiny_same_runs("straight", "records");
}

static void fail_the_table_for_good(const struct gn_event *event, void *user)
{
    (void)user;
    if (event->kind == GN_EVENT_START)
        assert_int_equal(system("mkdir -p table/history.csv"), 0);
}

/* The weights are there; what is not there is said, and makes the run fail. */
static void a_history_that_cannot_be_written_is_an_error_in_the_end(void **state)
{
    (void)state;
    struct gn_fit_options options = options_for("table");
    options.on_event = fail_the_table_for_good;
    tiny_run_fails(options, GN_STATUS_IO, "table/history.csv: history: cannot save");
    tiny_same_file("straight", "table", "model.safetensors");
    tiny_same_file("straight", "table", "checkpoint.safetensors");
    assert_int_equal(system("rmdir table/history.csv"), 0);
    options.on_event = NULL;
    options.resume = true;
    (void)tiny_run(options);
    tiny_same_runs("straight", "table");
}

/* ---- Files that somebody took away ---- */

static void keep_warning(const struct gn_event *event, void *user)
{
    if (event->kind == GN_EVENT_WARNING)
        (void)snprintf(user, 512, "%s", event->message);
}

static void a_finished_run_gets_its_missing_files_back(void **state)
{
    (void)state;
    static const char *const names[] = { "model.safetensors", "ema.safetensors", "history.csv",
                                         "curves.svg" };
    char command[256], path[64], warning[512];
    struct gn_fit_options options = options_for("finished");
    options.ema = 0.9;
    (void)tiny_run(options);
    options.resume = true;
    options.on_event = keep_warning;
    options.user = warning;
    assert_int_equal(system("cp -r finished whole"), 0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (i == 3 && !gn_curves_available())
            continue;
        (void)snprintf(path, sizeof path, "finished/%s", names[i]);
        assert_int_equal(unlink(path), 0);
        warning[0] = '\0';
        (void)tiny_run(options);
        assert_non_null(strstr(warning, "finished: was missing and is written again: "));
        assert_non_null(strstr(warning, names[i]));
        if (i == 3) /* cairo numbers its drawings */
            (void)snprintf(command, sizeof command, "test -s finished/%s", names[i]);
        else
            (void)snprintf(command, sizeof command, "cmp finished/%s whole/%s", names[i], names[i]);
        assert_int_equal(system(command), 0);
        warning[0] = '\0';
        (void)tiny_run(options);
        assert_string_equal(warning, "");
    }
    /* Records of steps are nowhere else; those of epochs are in the checkpoint. */
    assert_int_equal(unlink("finished/history.jsonl"), 0);
    (void)tiny_run(options);
    assert_non_null(strstr(warning, "history.jsonl"));
    assert_int_equal(system("[ $(grep -c '^{.epoch.:' finished/history.jsonl) = 3 ]"), 0);
}

/* Best weights that are gone are not called the best any more. */
static void the_best_is_one_that_is_there(void **state)
{
    (void)state;
    char warning[512] = "";
    struct gn_fit_options options = options_for("gone");
    options.validation = NULL; /* the last epoch is the best */
    (void)tiny_run(options);
    assert_int_equal(system("cp gone/best.safetensors kept && rm gone/best.safetensors"), 0);
    options.resume = true;
    options.on_event = keep_warning;
    options.user = warning;
    (void)tiny_run(options);
    assert_non_null(strstr(warning, "is written again: best.safetensors"));
    assert_int_equal(system("cmp gone/best.safetensors kept"), 0);

    options = options_for("lost");
    options.lr = 3; /* later epochs are not better */
    gn_net *net = tiny_net();
    gn_history *history = gn_fit_with(net, &options);
    assert_non_null(history);
    const int best = gn_history_best(history);
    gn_free_history(history);
    if (best == EPOCHS - 1) {
        print_message("the last epoch is the best one\n");
        skip();
    }
    assert_int_equal(unlink("lost/best.safetensors"), 0);
    options.resume = true;
    options.on_event = keep_warning;
    options.user = warning;
    history = gn_fit_with(net, &options);
    assert_non_null(history);
    assert_int_equal(gn_history_best(history), -1);
    assert_non_null(strstr(warning, "is missing and cannot be made again"));
    gn_free_history(history);
    struct seen seen = { 0 };
    options.on_event = look;
    options.user = &seen;
    options.epochs = EPOCHS + 1;
    history = gn_fit_with(net, &options);
    assert_non_null(history);
    agrees(net, history, &seen, "lost");
    assert_int_equal(gn_history_best(history), EPOCHS);
    gn_free_history(history);
    gn_free_net(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_report_follows_the_files),
        cmocka_unit_test(a_best_that_has_its_name_is_the_best),
        cmocka_unit_test(a_run_that_ends_early_tries_again),
        cmocka_unit_test(a_failed_journal_is_written_again_whole),
        cmocka_unit_test(a_run_whose_journal_failed_has_all_records),
        cmocka_unit_test(a_history_that_cannot_be_written_is_an_error_in_the_end),
        cmocka_unit_test(a_finished_run_gets_its_missing_files_back),
        cmocka_unit_test(the_best_is_one_that_is_there),
    };
    return cmocka_run_group_tests(tests, open_tiny, tiny_close);
}
