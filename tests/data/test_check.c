/*
 * The check of a whole data set: each kind of finding once, with both names; and the contact
 * sheet.
 *
 * labels: quick
 */
#include "base/memory.h"
#include "data/dataset.h"
#include "formats/safetensors.h"
#include "support/check.h"
#include "support/files.h"

#include "gn_config.h"

#include <stdlib.h>
#include <sys/stat.h>

static struct gn_st_file *golden;

static void put(const char *path, const char *kind, int change, bool half)
{
    char name[64], folder[64];
    for (const char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        (void)snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
        (void)mkdir(folder, 0700);
    }
    (void)snprintf(name, sizeof name, "%s.file", kind);
    const struct gn_st_tensor *file = gn_st_find(golden, name);
    assert_non_null(file);
    const size_t n = half ? file->shape[0] / 2 : file->shape[0];
    uint8_t *bytes = malloc(n + 1);
    assert_non_null(bytes);
    memcpy(bytes, file->data, n);
    bytes[n] = 0; /* a byte after the picture changes no pixel */
    test_write_file(path, bytes, n + (size_t)change);
    free(bytes);
}

static int setup(void **state)
{
    (void)state;
    golden = gn_st_open(GN_SOURCE_DIR "/tests/golden/pictures.safetensors");
    if (golden == NULL)
        return -1;
    put("set/train/a/1.jpg", "jpeg_420", 0, false);
    put("set/train/a/2.jpg", "jpeg_420", 0, false);
    put("set/train/a/3.png", "png_rgb", 0, false);
    put("set/train/a/4.png", "png_rgb", 1, false);
    put("set/train/b/5.jpg", "jpeg_grey", 0, false);
    put("set/train/b/6.jpg", "jpeg_420", 0, false);
    put("set/train/b/7.jpg", "jpeg_444", 0, true);
    put("set/test/a/8.jpg", "jpeg_progressive", 0, false);
    put("set/test/b/9.jpg", "jpeg_grey", 0, false);
    put("set/val/a/10.png", "png_palette", 0, false);
    put("set/val/b/11.jpg", "jpeg_progressive", 0, false);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    gn_st_close(golden);
    return 0;
}

static void require(const struct gn_check_report *report, gn_finding_kind kind, const char *file,
                    const char *other)
{
    for (size_t i = 0; i < report->n_findings; i++) {
        const struct gn_finding *f = &report->findings[i];
        if (f->kind != kind || strcmp(f->file, file) != 0)
            continue;
        if (other == NULL)
            assert_null(f->other);
        else
            assert_string_equal(f->other, other);
        assert_non_null(strstr(f->message, file));
        return;
    }
    fail_msg("%s: no finding of kind %d", file, (int)kind);
}

static void every_kind_is_found_once(void **state)
{
    (void)state;
    struct gn_check_report report;
    gn_dataset *train = gn_open_dataset("set", .split = GN_TRAIN);
    gn_dataset *test = gn_open_dataset("set", .split = GN_TEST);
    gn_dataset *validation = gn_open_dataset("set", .split = GN_VAL);
    assert_int_equal(gn_check_data_sets(train, validation, test, &report), GN_OK);
    require(&report, GN_FINDING_UNREADABLE, "set/train/b/7.jpg", NULL);
    require(&report, GN_FINDING_SAME_FILE, "set/train/a/2.jpg", "set/train/a/1.jpg");
    require(&report, GN_FINDING_SAME_PIXELS, "set/train/a/4.png", "set/train/a/3.png");
    require(&report, GN_FINDING_CONFLICT, "set/train/b/6.jpg", "set/train/a/1.jpg");
    require(&report, GN_FINDING_LEAK, "set/test/b/9.jpg", "set/train/b/5.jpg");
    require(&report, GN_FINDING_LEAK, "set/test/a/8.jpg", "set/val/b/11.jpg");
    assert_int_equal(report.n_findings, 6);
    for (int kind = GN_FINDING_UNREADABLE; kind < GN_FINDING_KINDS; kind++)
        assert_int_equal(report.counts[kind], kind == GN_FINDING_LEAK ? 2 : 1);
    assert_int_equal(report.classes, 2);
    static const uint64_t samples[] = { 4, 1, 1, 3, 1, 1 };
    assert_memory_equal(report.samples, samples, sizeof samples);
    assert_true(report.least_height == 31 && report.most_height == 33);
    assert_true(report.least_width == 29 && report.most_width == 45);
    gn_free_check(&report);
    gn_close_dataset(train);
    gn_close_dataset(test);
    gn_close_dataset(validation);
}

/* Any number of findings takes memory and time in proportion: one allocation a file that is read, and
 * few for what is found. */
static void thousands_of_findings_are_listed_in_proportion(void **state)
{
    (void)state;
    enum { COPIES = 3000, LINE = 16 };
    char *list = malloc(COPIES * LINE + 1);
    assert_non_null(list);
    size_t n = 0;
    for (int i = 0; i < COPIES; i++)
        n += (size_t)snprintf(list + n, LINE, "a/4.png %d\n", i % 2);
    test_write_file("set/train/list.txt", list, n);
    free(list);
    struct gn_check_report report;
    gn_dataset *train = gn_open_dataset("set/train/list.txt", .no_val_fraction = true);
    assert_non_null(train);
    const uint64_t before = gn_alloc_count();
    assert_int_equal(gn_check_data_sets(train, NULL, NULL, &report), GN_OK);
    assert_true(gn_alloc_count() - before < COPIES + COPIES / 2);
    assert_int_equal(report.n_findings, COPIES - 1);
    assert_int_equal(report.counts[GN_FINDING_CONFLICT], COPIES / 2);
    gn_free_check(&report);
    gn_close_dataset(train);
}

static void a_failed_allocation_is_an_error_and_no_leak(void **state)
{
    (void)state;
    gn_dataset *train = gn_open_dataset("set");
    for (uint64_t k = 1; k < 12; k++) {
        struct gn_check_report report;
        gn_alloc_fail_after(k, false);
        const gn_status status = gn_check_data_sets(train, NULL, NULL, &report);
        gn_alloc_fail_after(0, false);
        if (status == GN_OK)
            gn_free_check(&report);
        else
            assert_int_equal(status, GN_STATUS_NO_MEMORY);
    }
    gn_close_dataset(train);
}

static void a_sheet_is_a_png(void **state)
{
    (void)state;
    gn_dataset *train = gn_open_dataset("set", .on_bad_image = GN_BAD_SKIP);
    struct gn_preview_options options = { .data = train, .path = "sheet.png", .size = 24 };
    options.augment = "mirror,mixup";
    if (!GN_HAVE_CAIRO) {
        assert_int_equal(gn_preview_with(&options), GN_STATUS_NO_DEVICE);
        gn_close_dataset(train);
        return;
    }
    assert_int_equal(gn_preview_with(&options), GN_OK);
    size_t n;
    uint8_t *bytes = test_read_file("sheet.png", &n);
    assert_true(n > 100 && memcmp(bytes, "\x89PNG\r\n\x1a\n", 8) == 0);
    free(bytes);
    options.augment = "miror";
    assert_int_equal(gn_preview_with(&options), GN_STATUS_BAD_ARGUMENT);
    gn_close_dataset(train);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_found_once),
        cmocka_unit_test(thousands_of_findings_are_listed_in_proportion),
        cmocka_unit_test(a_failed_allocation_is_an_error_and_no_leak),
        cmocka_unit_test(a_sheet_is_a_png),
    };
    if (!GN_HAVE_JPEG || !GN_HAVE_PNG) {
        (void)puts("skipped: this build is without libjpeg-turbo or libpng");
        return 77;
    }
    return cmocka_run_group_tests(tests, setup, teardown);
}
