/*
 * Pictures: every kind of JPEG and PNG gives Pillow's pixels (tests/golden/README.md), every
 * truncation and many flipped bits give one sentence or a picture, never a crash.
 *
 * labels: quick
 */
#include "base/random.h"
#include "data/dataset.h"
#include "data/files.h"
#include "picture/picture.h"
#include "formats/safetensors.h"
#include "support/check.h"
#include "support/resize.h"

#include "gn_config.h"

#include <math.h>
#include <stdlib.h>

enum { RESIZED = 20 };

static struct gn_st_file *golden;
static char folder[PATH_BYTES];

static int setup(void **state)
{
    (void)state;
    golden = gn_st_open(GN_SOURCE_DIR "/tests/golden/pictures.safetensors");
    make_folder(folder);
    return golden == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    gn_st_close(golden);
    remove_folder(folder);
    return 0;
}

/* Calls `check` with the name and the bytes of each golden file. */
static void for_each(void (*check)(const char *name, const struct gn_bytes *file))
{
    int n = 0;
    for (int i = 0; i < gn_st_count(golden); i++) {
        const struct gn_st_tensor *t = gn_st_tensor(golden, i);
        const char *end = strrchr(t->name, '.');
        char name[64];
        if (end == NULL || strcmp(end, ".file") != 0)
            continue;
        (void)snprintf(name, sizeof name, "%.*s", (int)(end - t->name), t->name);
        /* A copy of the right length, so that a sanitizer sees a read after its end. */
        struct gn_bytes file = { malloc(t->shape[0]), t->shape[0] };
        assert_non_null(file.data);
        memcpy(file.data, t->data, file.size);
        check(name, &file);
        free(file.data);
        n++;
    }
    assert_true(n > 15);
}

static const struct gn_st_tensor *part(const char *name, const char *what)
{
    char full[80];
    (void)snprintf(full, sizeof full, "%s.%s", name, what);
    const struct gn_st_tensor *t = gn_st_find(golden, full);
    assert_non_null(t);
    return t;
}

static void same_pixels(const char *name, const struct gn_bytes *file)
{
    struct gn_picture picture = { 0 };
    for (int channels = 1; channels <= 3; channels += 2) {
        const struct gn_st_tensor *t = part(name, channels == 3 ? "rgb" : "grey");
        if (gn_picture_decode(&picture, file, name, channels) != GN_OK)
            fail_msg("%s", gn_error_message());
        assert_int_equal(picture.height, t->shape[0]);
        assert_int_equal(picture.width, t->shape[1]);
        assert_int_equal(picture.channels, channels);
        const size_t n = (size_t)picture.height * (size_t)picture.width * (size_t)channels;
        if (memcmp(picture.pixels, t->data, n) != 0)
            fail_msg("%s: not Pillow's pixels with %d channels", name, channels);
    }
    const struct gn_st_tensor *t = part(name, "resized");
    uint8_t resized[RESIZED * RESIZED * 3];
    resize_to_bytes(resized, RESIZED, RESIZED, picture.pixels, picture.height, picture.width, 3,
                    GN_RESIZE_PIL_BILINEAR);
    if (memcmp(resized, t->data, sizeof resized) != 0)
        fail_msg("%s: not Pillow's resize", name);
    gn_picture_free(&picture);
}

static void pixels_are_pillows(void **state)
{
    (void)state;
    for_each(same_pixels);
}

/* Mean difference of a scaled picture from the means of blocks of `times` x `times` pixels. */
static double distance_from_means(const struct gn_picture *scaled, const struct gn_picture *whole,
                                  int times)
{
    double sum = 0;
    int n = 0;
    for (int y = 0; y < whole->height / times; y++)
        for (int x = 0; x < whole->width / times; x++, n++) {
            int block = 0;
            for (int i = 0; i < times * times; i++)
                block +=
                    whole->pixels[(y * times + i / times) * whole->width + x * times + i % times];
            sum += fabs((double)block / (times * times) -
                        (double)scaled->pixels[y * scaled->width + x]);
        }
    return sum / n;
}

static void scale(const char *name, const struct gn_bytes *file)
{
    struct gn_picture whole = { 0 };
    assert_int_equal(gn_picture_decode(&whole, file, name, 1), GN_OK);
    const bool jpeg = strcmp(gn_picture_recognise(file->data, file->size), "JPEG") == 0;
    const int shorter = whole.height < whole.width ? whole.height : whole.width;
    for (int times = 1; times <= 8; times *= 2) {
        struct gn_picture scaled = { .least = shorter / times };
        assert_int_equal(gn_picture_decode(&scaled, file, name, 1), GN_OK);
        const int by = jpeg ? times : 1;
        assert_int_equal(scaled.height, (whole.height + by - 1) / by);
        assert_int_equal(scaled.width, (whole.width + by - 1) / by);
        const double distance = distance_from_means(&scaled, &whole, by);
        gn_picture_free(&scaled);
        /* Blocks begin at the stored corner, which may not be the upright one. */
        if (by > 1 && strstr(name, "turned") != NULL)
            continue;
        if (!(by == 1 ? distance <= 0 : distance < 4))
            fail_msg("%s: 1/%d is %.2f off", name, by, distance);
    }
    gn_picture_free(&whole);
}

static void jpegs_are_scaled_where_asked_for(void **state)
{
    (void)state;
    for_each(scale);
}

static void same_size(const char *name, const struct gn_bytes *file)
{
    const struct bytes content = { file->data, file->size };
    struct gn_picture picture = { 0 };
    char path[PATH_BYTES + 8];
    write_bytes(folder, "picture", &content);
    (void)snprintf(path, sizeof path, "%s/picture", folder);
    assert_int_equal(gn_picture_measure(&picture, path), GN_OK);
    assert_int_equal(picture.height, part(name, "rgb")->shape[0]);
    assert_int_equal(picture.width, part(name, "rgb")->shape[1]);
    gn_picture_free(&picture);
}

static void sizes_are_in_the_header(void **state)
{
    (void)state;
    for_each(same_size);
}

/* A picture cut short is refused but where only what follows the pixels is missing. */
static void refuse_truncations(const char *name, const struct gn_bytes *file)
{
    struct gn_picture picture = { 0 };
    for (size_t n = 0; n < file->size; n += 1 + n / 40) {
        struct gn_bytes cut = { malloc(n + 1), n };
        assert_non_null(cut.data);
        memcpy(cut.data, file->data, n);
        gn_clear_error();
        const gn_status status = gn_picture_decode(&picture, &cut, name, 3);
        if (status != GN_STATUS_BAD_DATA)
            fail_msg("%s: %zu of %zu bytes gave %d", name, n, file->size, (int)status);
        assert_non_null(strstr(gn_error_message(), name));
        free(cut.data);
    }
    gn_picture_free(&picture);
}

static void truncations_are_refused(void **state)
{
    (void)state;
    for_each(refuse_truncations);
}

static void flip_bits(const char *name, const struct gn_bytes *file)
{
    struct gn_picture picture = { 0 };
    for (uint64_t i = 0; i < 60; i++) {
        const size_t at = gn_random_below(7, GN_RANDOM_TEST, i, 0, file->size);
        const uint8_t bit = (uint8_t)(1U << gn_random_below(7, GN_RANDOM_TEST, i, 1, 8));
        file->data[at] ^= bit;
        const gn_status status = gn_picture_decode(&picture, file, name, 3);
        if (status != GN_OK && status != GN_STATUS_BAD_DATA)
            fail_msg("%s: a flipped bit at byte %zu gave %d: %s", name, at, (int)status,
                     gn_error_message());
        file->data[at] ^= bit;
    }
    gn_picture_free(&picture);
}

static void flipped_bits_are_harmless(void **state)
{
    (void)state;
    for_each(flip_bits);
}

static void refuse(const struct gn_bytes *file, const char *sentence)
{
    struct gn_picture picture = { 0 };
    gn_clear_error();
    assert_int_equal(gn_picture_decode(&picture, file, "x", 3), GN_STATUS_BAD_DATA);
    check_error(GN_STATUS_BAD_DATA, sentence);
    gn_picture_free(&picture);
}

/* Sizes that a header only claims cost nothing. */
static void huge_sizes_are_refused_before_they_are_allocated(void **state)
{
    (void)state;
    const struct gn_st_tensor *png = part("png_rgb", "file"), *jpeg = part("jpeg_grey", "file");
    struct gn_bytes file = { malloc(png->shape[0]), png->shape[0] };
    memcpy(file.data, png->data, file.size);
    memset(file.data + 16, 0x3f, 8); /* width and height of the IHDR, whose checksum is wrong now */
    refuse(&file, "x: PNG: ");
    free(file.data);
    file = (struct gn_bytes){ malloc(jpeg->shape[0]), jpeg->shape[0] };
    memcpy(file.data, jpeg->data, file.size);
    for (size_t i = 0; i + 8 < file.size; i++)
        if (file.data[i] == 0xff && file.data[i + 1] == 0xc0) /* height and width of the frame */
            memcpy(file.data + i + 5, "\xff\x00\xff\x00", 4);
    refuse(&file, "too many pixels (width=65280 height=65280");
    free(file.data);
}

static void what_is_no_picture_is_named(void **state)
{
    (void)state;
    char text[] = "no picture at all";
    struct gn_picture picture = { 0 };
    const struct gn_bytes file = { (uint8_t *)text, sizeof text }, none = { (uint8_t *)text, 0 };
    refuse(&file,
           "x: picture: its first bytes are not those of JPEG, PNG, GIF, WebP, TIFF, BMP or PNM");
    refuse(&none, "x: picture: the file is empty");
    assert_int_equal(gn_picture_read(&picture, "/nowhere/x.jpg", 0), GN_STATUS_BAD_DATA);
    assert_true(gn_picture_named("A.JPG") && gn_picture_named("b.x.jpeg") &&
                gn_picture_named("c.Png"));
    assert_false(gn_picture_named(".png") || gn_picture_named("jpg") || gn_picture_named("a.pn") ||
                 gn_picture_named("a.idx"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pixels_are_pillows),
        cmocka_unit_test(jpegs_are_scaled_where_asked_for),
        cmocka_unit_test(sizes_are_in_the_header),
        cmocka_unit_test(truncations_are_refused),
        cmocka_unit_test(flipped_bits_are_harmless),
        cmocka_unit_test(huge_sizes_are_refused_before_they_are_allocated),
        cmocka_unit_test(what_is_no_picture_is_named),
    };
    if (!GN_HAVE_JPEG || !GN_HAVE_PNG) {
        (void)puts("skipped: this build is without libjpeg-turbo or libpng");
        return 77;
    }
    return cmocka_run_group_tests(tests, setup, teardown);
}
