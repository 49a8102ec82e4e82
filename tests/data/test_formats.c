/*
 * GIF, WebP, TIFF, BMP and PNM give Pillow's pixels, exactly where the format is lossless
 * (tests/golden/README.md); what is cut short, claims too much or is of a kind that is not read gives a
 * sentence; formats are recognised whatever a file is called.
 *
 * labels: quick
 */
#include "formats/safetensors.h"
#include "picture/picture.h"
#include "support/check.h"
#include "support/files.h"

#include "gn_config.h"

#include <stdlib.h>

static struct gn_st_file *golden;

static int setup(void **state)
{
    (void)state;
    golden = gn_st_open(GN_SOURCE_DIR "/tests/golden/formats.safetensors");
    return golden == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    gn_st_close(golden);
    return 0;
}

/* Whether this build decodes the format of a case ("gif_palette"). */
static bool is_built_in(const char *name)
{
    if (strncmp(name, "gif_", 4) == 0)
        return GN_HAVE_GIF;
    if (strncmp(name, "webp_", 5) == 0)
        return GN_HAVE_WEBP;
    return strncmp(name, "tiff_", 5) != 0 || GN_HAVE_TIFF;
}

/* Calls `check` with the name and a copy of the bytes of each golden file. */
static void for_each(void (*check)(const char *name, const struct gn_bytes *file))
{
    int n = 0;
    for (int i = 0; i < gn_st_count(golden); i++) {
        const struct gn_st_tensor *t = gn_st_tensor(golden, i);
        const char *end = strrchr(t->name, '.');
        char name[64];
        if (end == NULL || strcmp(end, ".file") != 0)
            continue;
        n++;
        (void)snprintf(name, sizeof name, "%.*s", (int)(end - t->name), t->name);
        if (!is_built_in(name))
            continue;
        struct gn_bytes file = { malloc(t->shape[0]), t->shape[0] };
        assert_non_null(file.data);
        memcpy(file.data, t->data, file.size);
        check(name, &file);
        free(file.data);
    }
    assert_true(n > 40);
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
    const int tolerance = *(const uint8_t *)part(name, "tolerance")->data;
    for (int channels = 1; channels <= 3; channels += 2) {
        const struct gn_st_tensor *t = part(name, channels == 3 ? "rgb" : "grey");
        const uint8_t *wanted = t->data;
        if (gn_picture_decode(&picture, file, name, channels) != GN_OK)
            fail_msg("%s", gn_error_message());
        assert_int_equal(picture.height, t->shape[0]);
        assert_int_equal(picture.width, t->shape[1]);
        const size_t n = (size_t)picture.height * (size_t)picture.width * (size_t)channels;
        for (size_t i = 0; i < n; i++)
            if (abs(picture.pixels[i] - wanted[i]) > tolerance)
                fail_msg("%s: byte %zu of %zu with %d channels is %d, Pillow's is %d", name, i, n,
                         channels, picture.pixels[i], wanted[i]);
    }
    gn_picture_free(&picture);
}

static void pixels_are_pillows(void **state)
{
    (void)state;
    for_each(same_pixels);
}

/* Grey files say that they are grey, files with colours that they are not. */
static void count_channels(const char *name, const struct gn_bytes *file)
{
    struct gn_picture picture = { 0 };
    test_write_file("picture", file->data, file->size);
    assert_int_equal(gn_picture_measure(&picture, "picture"), GN_OK);
    const struct gn_st_tensor *rgb = part(name, "rgb");
    assert_int_equal(picture.height, rgb->shape[0]);
    assert_int_equal(picture.width, rgb->shape[1]);
    bool grey = strncmp(name, "webp_", 5) != 0;
    const uint8_t *pixel = rgb->data;
    for (uint64_t i = 0; i < rgb->shape[0] * rgb->shape[1]; i++, pixel += 3)
        grey = grey && pixel[0] == pixel[1] && pixel[0] == pixel[2];
    if (picture.channels != (grey ? 1 : 3))
        fail_msg("%s: %d channels", name, picture.channels);
    assert_null(picture.pixels); /* a header takes no memory */
    gn_picture_free(&picture);
}

static void sizes_and_channels_are_in_the_header(void **state)
{
    (void)state;
    for_each(count_channels);
}

/* Cut short, a file is refused, or, where only what follows the pixels is missing, whole. */
static void refuse_truncations(const char *name, const struct gn_bytes *file)
{
    struct gn_picture picture = { 0 };
    int refused = 0, tried = 0;
    for (size_t n = 0; n < file->size; n += 1 + n / 40, tried++) {
        struct gn_bytes cut = { malloc(n + 1), n };
        assert_non_null(cut.data);
        memcpy(cut.data, file->data, n);
        gn_clear_error();
        const gn_status status = gn_picture_decode(&picture, &cut, name, 3);
        if (status == GN_STATUS_BAD_DATA) {
            assert_non_null(strstr(gn_error_message(), name));
            refused++;
        } else {
            assert_int_equal(status, GN_OK);
            if (strcmp(name, "pnm_p2") != 0 && strcmp(name, "pnm_p3") != 0)
                same_pixels(name, &cut); /* of a last number in text some digits may be left */
        }
        free(cut.data);
    }
    if (refused < tried / 2)
        fail_msg("%s: %d of %d truncations are refused", name, refused, tried);
    gn_picture_free(&picture);
}

static void truncations_are_refused(void **state)
{
    (void)state;
    for_each(refuse_truncations);
}

static void refuse(const void *bytes, size_t n, const char *sentence)
{
    struct gn_picture picture = { 0 };
    struct gn_bytes file = { malloc(n), n };
    assert_non_null(file.data);
    memcpy(file.data, bytes, n);
    gn_clear_error();
    assert_int_equal(gn_picture_decode(&picture, &file, "x", 3), GN_STATUS_BAD_DATA);
    check_error(GN_STATUS_BAD_DATA, sentence);
    assert_true(picture.room < 1 << 20);
    free(file.data);
    gn_picture_free(&picture);
}

/* A copy of a golden file with some of its bytes replaced. */
static void refuse_changed(const char *name, size_t at, const void *bytes, size_t n,
                           const char *sentence)
{
    const struct gn_st_tensor *t = part(name, "file");
    uint8_t *copy = malloc(t->shape[0]);
    assert_non_null(copy);
    memcpy(copy, t->data, t->shape[0]);
    memcpy(copy + at, bytes, n);
    refuse(copy, t->shape[0], sentence);
    free(copy);
}

static void a_claimed_size_takes_no_memory(void **state)
{
    (void)state;
    refuse_changed("bmp_24", 18, "\x10\x27\0\0\x10\x27\0\0", 8, "x: BMP: truncated: ");
    refuse_changed("bmp_24", 18, "\xff\xff\0\0\xff\xff\0\0", 8, "too many pixels (width=65535");
    refuse("P5 10000 10000 255\n", 19, "x: PNM: truncated: 19 bytes do not hold");
    refuse("P6 70000 1 255\n", 15, "too many pixels (width=70000");
    if (GN_HAVE_GIF) {
        const struct gn_st_tensor *t = part("gif_plain", "file");
        const uint8_t *bytes = t->data;
        size_t at = 13 + 3 * 32; /* after the palette */
        while (memcmp(bytes + at, ",\0\0\0\0", 5) != 0)
            at++;
        refuse_changed("gif_plain", at + 5, "\x10\x27\x10\x27", 4, "x: GIF: truncated: ");
    }
}

static void what_is_not_read_is_named(void **state)
{
    (void)state;
    refuse_changed("bmp_8", 30, "\1\0\0\0", 4, "x: BMP: compression 1 of 8 bits is not read");
    refuse("P5 2 2 70000\n1234", 17, "x: PNM: no width, height and largest sample");
    refuse("P2 2 2 9\n1 2 x 4", 16, "x: PNM: not a number of 0 to 9");
    refuse("P1 2 2 0 1 2 0", 14, "x: PNM: not a number of 0 to 1");
    if (GN_HAVE_TIFF) {
        static const uint8_t floats[] = {
            'I', 'I', 42, 0, 8, 0, 0, 0, 7,  0,                   /* the directory */
            0,   1,   3,  0, 1, 0, 0, 0, 1,  0, 0, 0,             /* width */
            1,   1,   3,  0, 1, 0, 0, 0, 1,  0, 0, 0,             /* height */
            2,   1,   3,  0, 1, 0, 0, 0, 32, 0, 0, 0,             /* bits */
            6,   1,   3,  0, 1, 0, 0, 0, 1,  0, 0, 0,             /* black is zero */
            17,  1,   4,  0, 1, 0, 0, 0, 8,  0, 0, 0,             /* strip */
            23,  1,   4,  0, 1, 0, 0, 0, 4,  0, 0, 0,             /* its bytes */
            83,  1,   3,  0, 1, 0, 0, 0, 3,  0, 0, 0, 0, 0, 0, 0, /* floating point */
        };
        refuse(floats, sizeof floats, "x: TIFF: floating-point samples of 32 bits");
    }
}

static void formats_are_recognised_by_their_first_bytes(void **state)
{
    (void)state;
    static const struct {
        const char *name, *format;
    } known[] = { { "gif_plain", "GIF" },
                  { "webp_lossy", "WebP" },
                  { "tiff_lzw", "TIFF" },
                  { "bmp_os2", "BMP" },
                  { "bmp_24", "BMP" },
                  { "pnm_p4", "PNM" },
                  { "tiff_16_big_endian", "TIFF" } };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        const struct gn_st_tensor *t = part(known[i].name, "file");
        assert_string_equal(gn_picture_recognise(t->data, GN_PICTURE_HEAD), known[i].format);
        test_write_file("without-suffix", t->data, t->shape[0]);
        assert_string_equal(gn_picture_recognise_file("without-suffix"), known[i].format);
    }
    static const char *const texts[] = { "P2P networks, an introduction",
                                         "BMW, Audi and others: cars",
                                         "P5",
                                         "II*",
                                         "RIFFxxxxWAVE",
                                         "",
                                         "GIF90a" };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_null(gn_picture_recognise((const uint8_t *)texts[i], strlen(texts[i])));
    static const char *const names[] = {
        "a.JPE",  "a.jfif", "a.Png", "a.gif", "a.webp", "a.tif",
        "a.TIFF", "a.bmp",  "a.dib", "a.pnm", "a.pgm",  "a.b.ppm"
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_true(gn_picture_named(names[i]));
    assert_false(gn_picture_named("a.p") || gn_picture_named("a.tiffs") || gn_picture_named("a. "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pixels_are_pillows),
        cmocka_unit_test(sizes_and_channels_are_in_the_header),
        cmocka_unit_test(truncations_are_refused),
        cmocka_unit_test(a_claimed_size_takes_no_memory),
        cmocka_unit_test(what_is_not_read_is_named),
        cmocka_unit_test(formats_are_recognised_by_their_first_bytes),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
