/* What a run leaves behind and is resumed from: the checkpoint and its texts, config.json, the history. */
#include "fuzz.h"

#include "base/memory.h"
#include "cli/commands.h"
#include "cli/config.h"
#include "data/picture_list.h"
#include "run/history_read.h"
#include "run/journal.h"
#include "support/tiny.h"
#include "tensorboard/events.h"
#include "tensorboard/values.h"
#include "train/checkpoint.h"
#include "train/train_text.h"

#include <string.h>
#include <unistd.h>

/* ---- A checkpoint, of a run that is there ---- */

static struct {
    struct gn_training training;
    struct gn_run_folder *folder;
} run;

static const struct gn_training *training(void)
{
    struct gn_training *t = &run.training;
    if (t->net != NULL)
        return t;
    (void)fuzz_folder("run");
    tiny_write_data(fuzz_path("data"), TINY_TRAIN, TINY_TEST);
    tiny.train = gn_open_dataset(fuzz_path("data"), .split = GN_TRAIN);
    tiny.test = gn_open_dataset(fuzz_path("data"), .split = GN_TEST);
    FUZZ_REQUIRE(tiny.train != NULL && tiny.test != NULL);
    struct gn_fit_options options = tiny_options(NULL);
    options.momentum = 0.9;
    t->net = tiny_net();
    FUZZ_REQUIRE(gn_settings_resolve(t->net, &options, &t->settings) == GN_OK);
    t->updater = gn_updater_create(t->net->graph, &t->settings.optimizer);
    t->history = gn_history_create();
    t->progress = gn_progress_begin;
    FUZZ_REQUIRE(t->updater != NULL && t->history != NULL);
    struct gn_metrics metrics = { .n = 0 };
    gn_metrics_add(&metrics, "loss", 1.5, false);
    gn_metrics_add(&metrics, "accuracy", 0.5, false);
    FUZZ_REQUIRE(gn_history_reserve(t->history, 1) == GN_OK);
    gn_history_append(t->history, 1, &metrics);
    t->progress.epoch = t->progress.best_epoch = 1;
    t->progress.step = t->settings.epoch_steps;
    (void)fuzz_file("run/checkpoint.safetensors", "", 0);
    run.folder = gn_run_folder_open(fuzz_folder("run"), GN_RUN_RESUME);
    FUZZ_REQUIRE(run.folder != NULL);
    return t;
}

static void checkpoint(const struct fuzz_target *target, const uint8_t *bytes, size_t n)
{
    char note[1024] = "";
    (void)target;
    struct gn_training t = *training();
    (void)fuzz_file("run/checkpoint.safetensors", bytes, n);
    fuzz_told(gn_checkpoint_read(&t, run.folder, note, sizeof note));
}

static void checkpoint_seeds(const struct fuzz_target *target)
{
    (void)target;
    const struct gn_training *t = training();
    FUZZ_REQUIRE(gn_checkpoint_write(t, run.folder) == GN_OK);
    char path[GN_RUN_PATH];
    fuzz_seed_file(gn_run_file(run.folder, "checkpoint.safetensors", path));
    (void)unlink(gn_run_file(run.folder, "checkpoint.previous.safetensors", path));
}

/* ---- Its texts ---- */

static void record(const struct fuzz_target *target, const uint8_t *bytes, size_t n)
{
    (void)target;
    const struct gn_training *t = training();
    struct gn_progress progress;
    struct gn_metrics columns;
    char *text = fuzz_text(bytes, n), note[1024];
    fuzz_told(gn_train_text_read(text, "fuzz", t, &progress));
    fuzz_told(gn_history_text_read(text, "fuzz", t, &columns));
    fuzz_told(gn_build_text_compare(text, "fuzz", note, sizeof note));
    free(text);
}

static void record_seeds(const struct fuzz_target *target)
{
    (void)target;
    char *texts[] = { gn_train_text(training()), gn_history_text(training()->history, 1),
                      gn_build_text() };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        FUZZ_REQUIRE(texts[i] != NULL);
        fuzz_seed(texts[i], strlen(texts[i]));
        gn_free(texts[i]);
    }
}

static void fingerprint(const struct fuzz_target *target, const uint8_t *bytes, size_t n)
{
    (void)target;
    char *text = fuzz_text(bytes, n);
    fuzz_told(gn_data_text_check(text, "fuzz", &training()->settings));
    free(text);
}

static void fingerprint_seeds(const struct fuzz_target *target)
{
    (void)target;
    char *text = gn_data_text(&training()->settings);
    FUZZ_REQUIRE(text != NULL);
    fuzz_seed(text, strlen(text));
    gn_free(text);
}

/* ---- The history ---- */

static void history(const struct fuzz_target *target, const uint8_t *bytes, size_t n)
{
    enum { ROWS = 3 };
    (void)target;
    struct gn_history *rows = gn_history_create();
    const struct gn_metrics none = { .n = 0 };
    FUZZ_REQUIRE(rows != NULL && gn_history_reserve(rows, ROWS) == GN_OK);
    for (int i = 0; i < ROWS; i++)
        gn_history_append(rows, i + 1, &none);
    struct gn_journal *journal = gn_journal_create(fuzz_file("history.jsonl", bytes, n));
    FUZZ_REQUIRE(journal != NULL);
    fuzz_told(gn_journal_resume(journal, 20, rows));
    fuzz_told(gn_journal_save(journal));
    fuzz_told(gn_journal_epoch(journal, &rows->rows[0]));
    gn_journal_close(journal);
    fuzz_told(gn_history_write_csv(rows, fuzz_file("history.csv", "", 0)));
    gn_free_history(rows);
}

static const char *const histories[] = {
    "{\"step\":1,\"loss\":2.5,\"lr\":0.1}\n{\"step\":20,\"loss\":1e-3}\n"
    "{\"epoch\":1,\"loss\":2.5,\"accuracy\":0.5,\"seconds\":1.25}\n{\"step\":21}\n{\"epo",
    "{\"epoch\":3,\"x\\u0001\":1}\n{\"epoch\":2}\n\n[]\n", NULL
};

/* The same file, for those who only look at a run: what is told is in order, and finite times are times. */
static void told_run(const struct fuzz_target *target, const uint8_t *bytes, size_t n)
{
    static const char config[] = "{\"format\":1,\"options\":{\"epochs\":3}}";
    (void)target;
    const size_t half = n > 0 && bytes[0] == '{' ? n : n / 2; /* also a result, sometimes */
    struct gn_run_info info;
    struct gn_epoch row;
    (void)fuzz_folder("told");
    (void)fuzz_file("told/config.json", config, sizeof config - 1);
    (void)fuzz_file("told/result.json", bytes + half, n - half);
    (void)fuzz_file("told/history.jsonl", bytes, half);
    const char *folder = fuzz_folder("told");
    fuzz_told(gn_describe_run(folder, &info));
    FUZZ_REQUIRE(strchr(info.message, '\n') == NULL && strchr(info.message, '\033') == NULL);
    gn_history *rows = gn_read_history(folder);
    FUZZ_REQUIRE(rows != NULL);
    for (int i = 0, last = 0; i < gn_history_epochs(rows); i++) {
        FUZZ_REQUIRE(gn_history_epoch(rows, i, &row) == GN_OK && row.epoch > last);
        last = row.epoch;
    }
    FUZZ_REQUIRE(gn_history_best(rows) < gn_history_epochs(rows));
    gn_free_history(rows);
}

static const char *const told_runs[] = {
    "{\"epoch\":1,\"loss\":2.5,\"accuracy\":0.5,\"val_loss\":1,\"val_accuracy\":0.5,\"seconds\":1."
    "25}\n"
    "{\"epoch\":3,\"val_accuracy\":null}\n{\"epoch\":2,\"val_accuracy\":1e308}\n",
    "\n{\"epoch\":1,\"loss\":1}\n                    "
    "{\"state\":\"failed\",\"message\":\"loss \\n\\u001b[31m\"}",
    NULL
};

/* ---- TensorBoard's file of a run, continued ---- */

/* Whatever lay there: the file is whole afterwards, holds no epoch and no step after the checkpoint, and
 * takes a new record. */
static void events(const struct fuzz_target *target, const uint8_t *bytes, size_t n)
{
    enum { STEP = 20, EPOCHS = 2 };
    int kept = -1;
    struct gn_pb values = { 0 };
    (void)target;
    const char *path = fuzz_file("events", bytes, n);
    struct gn_events *file = gn_events_create(path);
    FUZZ_REQUIRE(file != NULL);
    fuzz_told(gn_events_resume(file, STEP, EPOCHS, &kept));
    FUZZ_REQUIRE(kept >= 0 && kept <= EPOCHS);
    gn_value_scalar(&values, "loss", 0.5);
    FUZZ_REQUIRE(gn_events_add(file, 1, EPOCHS + 1, &values) == GN_OK);
    gn_free(values.bytes);
    FUZZ_REQUIRE(gn_events_save(file) == GN_OK);
    gn_events_close(file);
    /* What is kept is kept again. */
    int again = -1;
    file = gn_events_create(path);
    FUZZ_REQUIRE(file != NULL && gn_events_resume(file, STEP, EPOCHS + 1, &again) == GN_OK);
    FUZZ_REQUIRE(again == EPOCHS + 1);
    gn_events_close(file);
}

static void events_seeds(const struct fuzz_target *target)
{
    (void)target;
    const char *path = fuzz_path("made");
    (void)unlink(path);
    struct gn_events *file = gn_events_create(path);
    FUZZ_REQUIRE(file != NULL);
    for (uint64_t i = 1; i <= 3; i++) {
        struct gn_pb values = { 0 };
        struct gn_histogram spread;
        gn_histogram_of((const float[]){ 0, 1, 2, 2 }, 4, &spread);
        gn_value_scalar(&values, i == 2 ? "step/loss" : "val_loss", 1.5);
        gn_value_histogram(&values, "weights/dense", &spread);
        gn_value_image(&values, "confusion", 2, 2, &(struct gn_bytes){ (uint8_t[]){ 1, 2 }, 2 });
        FUZZ_REQUIRE(gn_events_add(file, 2, i, &values) == GN_OK);
        gn_free(values.bytes);
    }
    FUZZ_REQUIRE(gn_events_save(file) == GN_OK);
    gn_events_close(file);
    fuzz_seed_file(path);
}

/* ---- The pictures of a run ---- */

static void pictures(const struct fuzz_target *target, const uint8_t *bytes, size_t n)
{
    struct gn_picture_list lists[2] = { { 0 }, { 0 } };
    (void)target;
    fuzz_told(gn_picture_list_read(fuzz_file("pictures.tsv", bytes, n), lists));
    for (int i = 0; i < 2; i++)
        gn_picture_list_free(&lists[i]);
}

static const char *const picture_lists[] = {
    "googlenet pictures 1\ntrain\t0123abcd\t2\n0\t12\t1795918516438366821\t5343e6a3\ta/0.png\n"
    "1\t0\t-5\t-\tb\\n\\t\\\\.png\nvalidation\tffffffff\t1\n3\t1\t0\t00000001\tx\n",
    "googlenet pictures 1\ntrain\t0\t1\n0\t1\t1\t-\tx\n", NULL
};

/* ---- The options of a run, as the program reads them ---- */

static void config(const struct fuzz_target *target, const uint8_t *bytes, size_t n)
{
    static char data[] = "--data", name[] = "x";
    char *words[] = { data, name, NULL };
    struct cli_args args;
    (void)target;
    (void)fuzz_folder("config");
    (void)fuzz_file("config/config.json", bytes, n);
    const char *folder = fuzz_folder("config");
    int code = 0;
    json_t *root = cli_load_config(folder, &code);
    if (root != NULL && cli_parse(&args, &cli_train, 2, words) == 0) {
        fuzz_taken += cli_restore_options(&args, folder, root) == 0;
        cli_free_args(&args);
    }
    json_decref(root);
    gn_clear_error();
}

static const char *const configs[] = {
    "{\"format\":1,\"options\":{\"epochs\":3,\"lr\":0.05,\"optimizer\":\"adamw\",\"seed\":"
    "\"18446744073709551615\",\"augment\":\"mirror,shift:2\",\"shuffle\":\"window:7\","
    "\"nesterov\":true,\"data-dir\":null,\"max-time\":\"90s\"}}",
    "{\"format\":2,\"options\":[]}", NULL
};

const struct fuzz_target fuzz_train_targets[] = {
    { .name = "checkpoint", .run = checkpoint, .make_seeds = checkpoint_seeds, .divisor = 4 },
    { .name = "record", .run = record, .make_seeds = record_seeds },
    { .name = "fingerprint", .run = fingerprint, .make_seeds = fingerprint_seeds },
    { .name = "history", .run = history, .texts = histories, .divisor = 4 },
    { .name = "told-run", .run = told_run, .texts = told_runs, .divisor = 4 },
    { .name = "events", .run = events, .make_seeds = events_seeds, .divisor = 4 },
    { .name = "pictures", .run = pictures, .texts = picture_lists },
    { .name = "config", .run = config, .texts = configs },
    { .name = NULL },
};
