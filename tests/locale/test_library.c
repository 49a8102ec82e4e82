/* labels: quick
 *
 * A program that has set a locale with another decimal point gets the same bytes from the library as in
 * the C locale, in every kind of file and text, and reads them back. */
#define _POSIX_C_SOURCE 200809L
#include "support/check.h"
#include "support/files.h"
#include "support/locale.h"
#include "support/tiny.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char net_text[] =
    "input 12 1\nnorm keras\nweights normal 0.125 0.05\nconv conv 4 3 2\n"
    "lrn lrn 3\ninception one 4 2 4 2 2 2\naux 0.3 2 2 4 0.5\nmean\n"
    "dropout drop 0.25\noutput\n";

static void need(bool ok)
{
    if (!ok)
        fail_msg("%s", gn_error_message());
}

/* ---- What is written, all in the current folder ---- */

static void write_models(void)
{
    const struct gn_pixel_options given = { .short_side = 16,
                                            .normalise = true,
                                            .mean = { 0.485, 0.456, 0.406 },
                                            .deviation = { 0.229, 0.224, 0.225 },
                                            .affine = true,
                                            .factor = { 0.458, 0.448, 0.45 },
                                            .summand = { -0.03, -0.088, -0.188 } };
    struct gn_pixel_options pixels, back;
    gn_net *net = gn_preset("tiny.net", .channels = 3, .classes = 3);
    need(gn_net_set_pixels(net, &given) == GN_OK);
    need(gn_save(net, "pixels.safetensors") == GN_OK);
    gn_net *loaded = gn_load("pixels.safetensors");
    need(loaded != NULL && gn_net_pixels(net, &pixels) == GN_OK);
    need(gn_net_pixels(loaded, &back) == GN_OK);
    assert_memory_equal(&pixels, &back, sizeof pixels);
    gn_free_net(loaded);
    gn_free_net(net);
}

static void write_texts(void)
{
    char text[4096];
    FILE *file = fopen("texts", "w");
    gn_net *net = gn_preset("tiny.net", .classes = TINY_CLASSES, .aux = true);
    need(net != NULL && file != NULL);
    need(gn_summary(net, file) == GN_OK && gn_walk(net, file) == GN_OK);
    need(gn_net_preprocess(net, text, sizeof text) == GN_OK);
    (void)fprintf(file, "%s\n%08x\n", text, (unsigned)gn_net_hash(net));
    struct gn_fit_options options = { 0 };
    static const char *const values[][2] = { { "lr", "0.05" },
                                             { "momentum", "0.875" },
                                             { "plateau", "0.5:3" },
                                             { "max-time", "1.5h" },
                                             { "weight-decay", "1e-4" } };
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        for (int k = 0; gn_fit_option(k) != NULL; k++) {
            const struct gn_option *option = gn_fit_option(k);
            if (strcmp(option->name, values[i][0]) != 0)
                continue;
            need(gn_option_set(option, &options, values[i][1]) == GN_OK);
            need(gn_option_text(option, &options, text, sizeof text) == GN_OK);
            (void)fprintf(file, "%s %s\n", option->name, text);
        }
    assert_true(options.lr > 0.04 && options.max_seconds > 5399);
    assert_int_equal(gn_check_augment("crop:0,8"), GN_STATUS_BAD_ARGUMENT);
    (void)fprintf(file, "%s\n", gn_error_message());
    assert_int_equal(gn_check_augment("crop:1.5"), GN_STATUS_BAD_ARGUMENT);
    (void)fprintf(file, "%s\n", gn_error_message());
    assert_null(gn_preset("googlenet", .size = 100000));
    (void)fprintf(file, "%s\n", gn_error_message());
    gn_clear_error();
    (void)fclose(file);
    gn_free_net(net);
}

static void on_event(const struct gn_event *event, void *user)
{
    if (event->kind == GN_EVENT_WARNING)
        (void)fprintf(user, "%s\n", event->message);
}

/* A run, and the rest of it after a resume; a rate so high that the watchdog has something to say. */
static void write_run(void)
{
    FILE *said = fopen("warnings", "w");
    struct gn_fit_options options = tiny_options("run");
    assert_non_null(said);
    options.epochs = 1;
    options.lr = 1.5;
    options.momentum = 0.9;
    options.ema = 0.9;
    options.label_smoothing = 0.1;
    options.augment = "crop:0.8,rotate:7.5,mixup:0.2";
    options.plateau_factor = 0.5;
    options.plateau_patience = 3;
    options.on_event = on_event;
    options.user = said;
    options.config = "{\"more\": {\"x\": 0.1, \"y\": [1.5, -2e-7]}}";
    for (options.epochs = 1; options.epochs < 4; options.epochs += 2) {
        gn_net *net = gn_preset("tiny.net", .classes = TINY_CLASSES, .aux = true);
        gn_history *history = gn_fit_with(net, &options);
        need(history != NULL);
        gn_free_history(history);
        gn_free_net(net);
        options.resume = true;
    }
    (void)fclose(said);
}

static void write_sweep(void)
{
    struct gn_lr_sweep sweep;
    const struct gn_lr_find_options options = {
        .fit = tiny_options(NULL), .from = 1e-4, .to = 0.5, .steps = 20
    };
    need(gn_lr_find(tiny.net, &sweep, &options) == GN_OK);
    need(gn_lr_plot(&sweep, "sweep.svg") == GN_OK || gn_error_status() == GN_STATUS_UNSUPPORTED);
    gn_free_lr_sweep(&sweep);
}

static void write_preview(void)
{
    const gn_status status = gn_preview_with(&(struct gn_preview_options){ .data = tiny.train,
                                                                           .path = "preview.png",
                                                                           .size = 16,
                                                                           .augment = "mixup:0.5",
                                                                           .images = 4 });
    need(status == GN_OK || status == GN_STATUS_NO_DEVICE);
    gn_clear_error();
}

/* A list of pictures, whose classes are numbers. */
static void write_list(void)
{
    static const char list[] = "one.PGM\t0\ntwo.PGM\t1\n", picture[] = "P5 2 2 255\nabcd";
    test_write_file("list.txt", list, sizeof list - 1);
    test_write_file("one.PGM", picture, sizeof picture - 1);
    test_write_file("two.PGM", picture, sizeof picture - 1);
    gn_dataset *data = gn_open_dataset("list.txt", .val_fraction = 0.5, .channels = 1);
    need(data != NULL);
    gn_close_dataset(data);
}

/* ---- Comparing ---- */

/* Takes the values of these keys out of a text. */
static void drop(char *text, const char *key, const char *letters)
{
    for (char *at = strstr(text, key); at != NULL; at = strstr(at, key)) {
        at += strlen(key);
        const size_t n = strspn(at, letters);
        memmove(at, at + n, strlen(at + n) + 1);
    }
}

static char *comparable(const char *path, size_t *n)
{
    char *text = (char *)test_read_file(path, n);
    if (strstr(path, ".svg") != NULL)
        drop(text, "id=\"surface", "0123456789"); /* cairo counts them in a process */
    else if (strstr(path, ".json") == NULL)
        return text;
    drop(text, "\"seconds\":", "0123456789.");
    drop(text, "\"images_per_second\":", "0123456789.");
    drop(text, "\"started\": \"", "0123456789-T:Z");
    *n = strlen(text);
    return text;
}

static void same(const char *locale, const char *name)
{
    char ours[64], theirs[64];
    size_t a, b;
    (void)snprintf(theirs, sizeof theirs, "../C/%s", name);
    (void)snprintf(ours, sizeof ours, "%s", name);
    if (!test_exists(theirs) && !test_exists(ours))
        return; /* not drawn by this build */
    char *first = comparable(theirs, &a), *second = comparable(ours, &b);
    if (a != b || memcmp(first, second, a) != 0)
        fail_msg("%s differs in the locale %s:\n%.3000s\n%.3000s", name, locale,
                 strstr(name, "safetensors") != NULL ? "" : first,
                 strstr(name, "safetensors") != NULL ? "" : second);
    free(first);
    free(second);
}

static void write_all(const char *locale)
{
    assert_int_equal(mkdir(locale, 0777) | chdir(locale), 0);
    test_write_file("tiny.net", net_text, sizeof net_text - 1);
    write_models();
    write_texts();
    write_run();
    write_sweep();
    write_preview();
    write_list();
}

static void files_have_the_same_bytes_in_every_locale(void **state)
{
    static const char *const names[] = {
        "pixels.safetensors",         "texts",           "warnings",          "sweep.svg",
        "run/checkpoint.safetensors", "run/history.csv", "run/history.jsonl", "run/curves.svg",
        "run/model.safetensors",      "run/config.json", "preview.png",       "run/ema.safetensors",
        "run/best.safetensors"
    };
    int made = 0;
    (void)state;
    write_all("C");
    for (int i = 0; test_locales[i] != NULL; i++) {
        assert_int_equal(chdir(".."), 0);
        if (!test_enter_locale(test_locales[i])) {
            assert_int_equal(chdir("C"), 0);
            continue;
        }
        write_all(test_locales[i]);
        for (size_t k = 0; k < sizeof names / sizeof names[0]; k++)
            same(test_locales[i], names[k]);
        test_leave_locale();
        made++;
    }
    assert_int_equal(chdir(".."), 0);
    if (made == 0)
        skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(files_have_the_same_bytes_in_every_locale, tiny_open,
                                        tiny_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
