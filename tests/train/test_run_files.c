/* labels: quick
 *
 * The folder of a run, and the files in it that people read: histories and curves. */
#define _GNU_SOURCE
#include "support/check.h"
#include "support/files.h"
#include "base/number.h"
#include "draw/curves.h"
#include "run/history.h"
#include "run/journal.h"
#include "run/run_folder.h"
#include "support/tiny.h"

#include <fcntl.h>
#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- The folder ---- */

static void makes_the_folder_and_its_parents(void **state)
{
    (void)state;
    struct gn_run_folder *folder = gn_run_folder_open("deep/er/run/", GN_RUN_NEW);
    assert_non_null(folder);
    char path[GN_RUN_PATH];
    assert_string_equal(gn_run_file(folder, "x", path), "deep/er/run//x");
    assert_int_equal(test_count_entries("deep/er/run"), 1); /* .lock */
    gn_run_folder_close(folder);
}

static void refuses_folders_that_cannot_be(void **state)
{
    (void)state;
    test_write_file("plain", "x", 1);
    static char long_path[5000];
    memset(long_path, 'a', sizeof long_path - 1);
    static const struct {
        const char *path, *part;
    } cases[] = {
        { "plain/below", "plain/below: run folder: cannot make it: Not a directory" },
        { "plain", "plain: run folder: cannot make it: Not a directory" },
        { "/proc/run", "/proc/run: run folder: cannot make it: No such file" },
        { "", "the path is empty" },
        { long_path, "the path is too long" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int mode = GN_RUN_NEW; mode <= GN_RUN_OVERWRITE; mode++) {
            assert_null(gn_run_folder_open(cases[i].path, (enum gn_run_mode)mode));
            check_error(GN_STATUS_IO, cases[i].part);
        }
    assert_null(gn_run_folder_open("nowhere", GN_RUN_RESUME));
    check_error(GN_STATUS_BAD_DATA, "nowhere: run folder: no checkpoint.safetensors");
    assert_false(test_exists("nowhere"));
}

static void refuses_a_folder_that_is_not_writable(void **state)
{
    (void)state;
    assert_int_equal(mkdir("closed", 0555), 0);
    if (access("closed", W_OK) == 0) {
        print_message("root may write anywhere\n");
        skip();
    }
    assert_null(gn_run_folder_open("closed", GN_RUN_NEW));
    check_error(GN_STATUS_IO, "closed: run folder: cannot");
}

static void keeps_an_earlier_run_unless_told(void **state)
{
    (void)state;
    struct gn_fit_options options = tiny_options("earlier");
    options.epochs = 1;
    (void)tiny_run(options);
    size_t n;
    uint8_t *before = test_read_file("earlier/model.safetensors", &n);
    tiny_run_fails(options, GN_STATUS_IO, "earlier: run folder: holds a run already");
    assert_true(test_file_is("earlier/model.safetensors", before, n));
    free(before);
    options.overwrite = true;
    options.epochs = 2;
    options.log_steps = 0;
    (void)tiny_run(options);
    size_t size;
    char *text = (char *)test_read_file("earlier/history.jsonl", &size);
    assert_true(strncmp(text, "{\"epoch\":1,", 11) == 0);
    free(text);
}

static void a_configuration_alone_is_no_run(void **state)
{
    (void)state;
    assert_int_equal(mkdir("configured", 0777), 0);
    test_write_file("configured/config.json", "{}", 2);
    struct gn_fit_options options = tiny_options("configured");
    options.max_steps = 1;
    (void)tiny_run(options);
    assert_false(test_file_is("configured/config.json", "{}", 2)); /* it is the new run's */
}

static void one_process_at_a_time(void **state)
{
    (void)state;
    struct gn_run_folder *folder = gn_run_folder_open("locked", GN_RUN_NEW);
    assert_non_null(folder);
    char pid[80];
    (void)snprintf(pid, sizeof pid, "another process trains here (pid %ld on ", (long)getpid());
    tiny_run_fails(tiny_options("locked"), GN_STATUS_BUSY, pid);
    gn_run_folder_close(folder);
    struct gn_fit_options options = tiny_options("locked");
    options.max_steps = 1;
    (void)tiny_run(options);
}

static void removes_what_a_dead_run_left(void **state)
{
    (void)state;
    static const char *const mine[] = { "notes.txt", "notes.tmp.md", "notes.tmp.123",
                                        "model.safetensors.tmp.123.txt", "model.safetensors.tmp." };
    char path[64];
    assert_int_equal(mkdir("leftovers", 0777), 0);
    test_write_file("leftovers/model.safetensors.tmp.123", "x", 1);
    test_write_file("leftovers/config.json.tmp.4", "x", 1);
    for (size_t i = 0; i < sizeof mine / sizeof *mine; i++) {
        (void)snprintf(path, sizeof path, "leftovers/%s", mine[i]);
        test_write_file(path, "mine", 4);
    }
    gn_run_folder_close(gn_run_folder_open("leftovers", GN_RUN_NEW));
    assert_false(test_exists("leftovers/model.safetensors.tmp.123"));
    assert_false(test_exists("leftovers/config.json.tmp.4"));
    for (size_t i = 0; i < sizeof mine / sizeof *mine; i++) {
        (void)snprintf(path, sizeof path, "leftovers/%s", mine[i]);
        assert_true(test_file_is(path, "mine", 4));
    }
}

static void the_lock_is_not_followed_to_another_file(void **state)
{
    (void)state;
    assert_int_equal(mkdir("linked", 0777), 0);
    test_write_file("precious", "mine", 4);
    assert_int_equal(symlink("../precious", "linked/.lock"), 0);
    tiny_run_fails(tiny_options("linked"), GN_STATUS_IO, ".lock");
    assert_true(test_file_is("precious", "mine", 4));
}

/* A disk of `kib` KiB at "disk"; false without the right to make one. */
static bool mount_disk(int kib)
{
    char size[32];
    (void)snprintf(size, sizeof size, "size=%dk", kib);
    (void)mkdir("disk", 0777);
    return mount("none", "disk", "tmpfs", 0, size) == 0;
}

static void survives_a_full_disk(void **state)
{
    (void)state;
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        !mount_disk(4)) {
        print_message("only root may mount a small disk\n");
        skip();
    }
    tiny_run_fails(tiny_options("disk/run"), GN_STATUS_IO, "disk/run");
    assert_int_equal(umount("disk"), 0);
    /* Room for the state before the first step, not for all that follows. */
    assert_true(mount_disk(28));
    tiny_run_fails(tiny_options("disk/run"), GN_STATUS_IO, "disk/run");
    gn_net *loaded = tiny_net();
    assert_int_equal(gn_load_weights(loaded, "disk/run/checkpoint.safetensors"), 0);
    assert_int_not_equal(system("ls -A disk/run | grep -q tmp"), 0);
    gn_free_net(loaded);
    /* With room again the run goes on where it was. */
    assert_int_equal(mount("none", "disk", "tmpfs", MS_REMOUNT, "size=8m"), 0);
    struct gn_fit_options options = tiny_options("disk/run");
    options.resume = true;
    assert_int_equal(tiny_run(options), tiny_run(tiny_options(NULL)));
    assert_int_equal(mount("none", "disk", "tmpfs", MS_REMOUNT | MS_RDONLY, NULL), 0);
    tiny_run_fails(tiny_options("disk/other"), GN_STATUS_IO, "Read-only file system");
    assert_int_equal(umount("disk"), 0);
}

/* ---- Histories ---- */

static struct gn_history *some_history(bool validation)
{
    struct gn_history *history = gn_history_create();
    assert_non_null(history);
    assert_int_equal(gn_history_reserve(history, 2), GN_OK);
    for (int i = 0; i < 2; i++) {
        struct gn_metrics m = { .n = 0 };
        gn_metrics_add(&m, "loss", 1.0 / (i + 1), false);
        gn_metrics_add(&m, "accuracy", 0.25 * (i + 1), false);
        gn_metrics_add(&m, "val_loss", validation ? 0.75 : (double)NAN, false);
        gn_metrics_add(&m, "val_accuracy", validation ? 0.125 : (double)NAN, false);
        gn_metrics_add(&m, "seconds", 2.5, true);
        gn_history_append(history, i + 1, &m);
        assert_true(history->rows[i].has_validation == validation);
    }
    return history;
}

static gn_status write_step(struct gn_journal *journal, uint64_t step, double loss, double lr)
{
    struct gn_metrics m = { .n = 0 };
    gn_metrics_add(&m, "loss", loss, false);
    gn_metrics_add(&m, "lr", lr, false);
    return gn_journal_step(journal, step, &m);
}

static void is_file(const char *path, const char *text)
{
    size_t n;
    char *is = (char *)test_read_file(path, &n);
    assert_string_equal(is, text);
    free(is);
}

static void csv_is_what_keras_writes(void **state)
{
    (void)state;
    struct gn_history *history = some_history(true);
    assert_int_equal(gn_history_write_csv(history, "a.csv"), GN_OK);
    is_file("a.csv", "epoch,accuracy,loss,val_accuracy,val_loss\r\n0,0.25,1,0.125,0.75\r\n"
                     "1,0.5,0.5,0.125,0.75\r\n");
    gn_free_history(history);
    history = some_history(false);
    assert_int_equal(gn_history_write_csv(history, "a.csv"), GN_OK);
    is_file("a.csv", "epoch,accuracy,loss\r\n0,0.25,1\r\n1,0.5,0.5\r\n");
    assert_int_equal(gn_history_write_csv(history, "none/a.csv"), GN_STATUS_IO);
    check_error(GN_STATUS_IO, "none/a.csv: history: ");
    gn_free_history(history);
}

static const char two_epochs[] =
    "{\"step\":1,\"loss\":1.5,\"lr\":0.05}\n"
    "{\"step\":2,\"loss\":1.25,\"lr\":0.05}\n"
    "{\"epoch\":1,\"loss\":1,\"accuracy\":0.25,\"val_loss\":0.75,\"val_accuracy\":0.125,"
    "\"seconds\":2.500000}\n";

static void jsonl_holds_steps_and_epochs(void **state)
{
    (void)state;
    struct gn_history *history = some_history(true);
    struct gn_journal *journal = gn_journal_create("a.jsonl");
    assert_non_null(journal);
    assert_int_equal(write_step(journal, 1, 1.5, 0.05), GN_OK);
    assert_int_equal(write_step(journal, 2, 1.25, 0.05), GN_OK);
    assert_int_equal(gn_journal_epoch(journal, &history->rows[0]), GN_OK);
    gn_journal_close(journal);
    is_file("a.jsonl", two_epochs);
    gn_free_history(history);
}

static struct gn_journal *resumed(const char *path, uint64_t step, struct gn_history *history)
{
    struct gn_journal *journal = gn_journal_create(path);
    assert_non_null(journal);
    assert_int_equal(gn_journal_resume(journal, step, history), GN_OK);
    assert_int_equal(gn_journal_save(journal), GN_OK);
    return journal;
}

static void a_resumed_journal_is_cut_back(void **state)
{
    (void)state;
    static const char rest[] = "{\"step\":3,\"loss\":1.25,\"lr\":0.05}\n"
                               "{\"step\":2,\"loss\":9,\"lr\":0.05}\n"
                               "no record\n"
                               "{\"epoch\":2,\"loss\":1,\"accuracy\":0.25,\"seconds\":2}\n"
                               "{\"step\":4,\"lo";
    char text[1024];
    (void)snprintf(text, sizeof text, "%s%s", two_epochs, rest);
    test_write_file("cut.jsonl", text, strlen(text));
    struct gn_history *history = some_history(true);
    history->n = 1;
    history->rows[0].metrics.n--; /* as a checkpoint restores it: without times */
    history->rows[0].seconds = 0;
    struct gn_journal *journal = resumed("cut.jsonl", 2, history);
    is_file("cut.jsonl", two_epochs);
    assert_true(history->rows[0].seconds >= 2.5);
    assert_int_equal(write_step(journal, 3, 1, 0.05), GN_OK);
    gn_journal_close(journal);
    gn_journal_close(resumed("cut.jsonl", 0, history));
    is_file("cut.jsonl", strstr(two_epochs, "{\"epoch\""));
    /* Epochs that the file lacks come from the checkpoint. */
    gn_journal_close(resumed("fresh.jsonl", 2, history));
    is_file("fresh.jsonl", strstr(two_epochs, "{\"epoch\""));
    history->n = 0;
    gn_journal_close(resumed("empty.jsonl", 0, history));
    is_file("empty.jsonl", "");
    gn_free_history(history);
}

/* ---- Curves ---- */

static void curves_are_drawn(void **state)
{
    (void)state;
    if (!gn_curves_available()) {
        print_message("this build is without cairo\n");
        skip();
    }
    struct gn_history *history = some_history(true);
    assert_int_equal(gn_curves_write(history, "Training", "c.svg"), GN_OK);
    assert_int_equal(gn_curves_write(history, "Training", "c.png"), GN_OK);
    size_t n;
    uint8_t *bytes = test_read_file("c.png", &n);
    assert_memory_equal(bytes, "\x89PNG\r\n\x1a\n", 8);
    free(bytes);
    char *text = (char *)test_read_file("c.svg", &n);
    assert_non_null(strstr(text, "<svg"));
    assert_non_null(strstr(text, "</svg>"));
    free(text);
    /* Averaged weights have a line and a word in the legend. */
    uint8_t *plain = test_read_file("c.svg", &n);
    const size_t plain_bytes = n;
    for (int i = 0; i < history->n; i++) {
        gn_history_add(history, i, "val_ema_loss", history->rows[i].val_loss, false);
        gn_history_add(history, i, "val_ema_accuracy", history->rows[i].val_accuracy, false);
    }
    assert_int_equal(gn_curves_write(history, "Training", "ema.svg"), GN_OK);
    uint8_t *averaged = test_read_file("ema.svg", &n);
    assert_true(n > plain_bytes);
    assert_null(strstr((char *)plain, "62%"));
    assert_non_null(strstr((char *)averaged, "62%"));
    free(plain);
    free(averaged);
    /* One epoch, equal values and absurd ones are drawn without a fault too. */
    history->n = 1;
    assert_int_equal(gn_curves_write(history, "Training", "c.svg"), GN_OK);
    history->n = 2;
    history->rows[0].metrics.list[0].value = 1e300;
    history->rows[1].metrics.list[0].value = 1e-300;
    assert_int_equal(gn_curves_write(history, "Training", "c.svg"), GN_OK);
    assert_int_equal(gn_curves_write(history, "Training", "none/c.svg"), GN_STATUS_IO);
    check_error(GN_STATUS_IO, "none/c.svg: curves: ");
    gn_free_history(history);
}

/* The dashed line is at the epoch of the best weights: that part of the way from the first to the last. */
static void the_best_epoch_is_marked_where_it_is(void **state)
{
    (void)state;
    static const char dash[] = "stroke-dasharray:4,4";
    if (!gn_curves_available())
        skip();
    struct gn_history *history = gn_history_create();
    const struct gn_metrics none = { .n = 0 };
    assert_int_equal(gn_history_reserve(history, 5), GN_OK);
    for (int i = 0; i < 5; i++) {
        gn_history_append(history, 10 + i, &none);
        gn_history_add(history, i, "loss", 5 - i, false);
    }
    for (history->best = 0; history->best < 5; history->best++) {
        size_t n;
        double x = -1;
        assert_int_equal(gn_curves_write(history, "Training", "best.svg"), GN_OK);
        char *text = (char *)test_read_file("best.svg", &n);
        const char *line = strstr(text, dash);
        assert_non_null(line);
        const char *path = strstr(line, " d=\"M ");
        assert_non_null(path);
        assert_non_null(gn_real_scan(path + 6, &x));
        assert_true(fabs(x - (62 + 386 * history->best / 4.0)) < 0.01);
        free(text);
    }
    gn_free_history(history);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(makes_the_folder_and_its_parents),
        cmocka_unit_test(refuses_folders_that_cannot_be),
        cmocka_unit_test(refuses_a_folder_that_is_not_writable),
        cmocka_unit_test(keeps_an_earlier_run_unless_told),
        cmocka_unit_test(a_configuration_alone_is_no_run),
        cmocka_unit_test(one_process_at_a_time),
        cmocka_unit_test(removes_what_a_dead_run_left),
        cmocka_unit_test(the_lock_is_not_followed_to_another_file),
        cmocka_unit_test(csv_is_what_keras_writes),
        cmocka_unit_test(jsonl_holds_steps_and_epochs),
        cmocka_unit_test(a_resumed_journal_is_cut_back),
        cmocka_unit_test(curves_are_drawn),
        cmocka_unit_test(the_best_epoch_is_marked_where_it_is),
        cmocka_unit_test(survives_a_full_disk),
    };
    return cmocka_run_group_tests(tests, tiny_open, tiny_close);
}
