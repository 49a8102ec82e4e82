/*
 * Pictures that lie or are cut off: memory follows the bytes that are there, not the size that a header
 * claims; JPEGs with arithmetic coding are as whole as others or refused; EXIF's orientation may be a
 * LONG; PNGs are read up to the stated width.
 *
 * labels: quick
 */
#include "formats/safetensors.h"
#include "picture/format.h"
#include "support/check.h"

#include "gn_config.h"

#include <stdlib.h>
#include <sys/resource.h>

enum { SIDE = 48, MOST_BYTES = 1 << 16 };

static gn_status decode(const uint8_t *bytes, size_t n, struct gn_picture *picture, int channels)
{
    uint8_t *copy = malloc(n > 0 ? n : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, n);
    const gn_status status =
        gn_picture_decode(picture, &(struct gn_bytes){ copy, n }, "x", channels);
    free(copy);
    return status;
}

/* The most memory that this process ever held, in MB. */
static long peak(void)
{
    struct rusage usage;
    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_maxrss / 1024;
}

/* The most address space, in MB: memory that was asked for, touched or not. */
static long asked(void)
{
    char line[256];
    long kb = 0;
    FILE *f = fopen("/proc/self/status", "re");
    assert_non_null(f);
    while (fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, "VmPeak:", 7) == 0)
            kb = strtol(line + 7, NULL, 10);
    (void)fclose(f);
    return kb / 1024;
}

/* ---- Sizes that are only claimed ---- */

/* Bytes of a file in which a number of 16 or 32 bits, of either order, or of WebP's 14 or 24 bits less
 * one, may be replaced. */
struct field {
    size_t at;
    int bytes;
    bool big;
};

static uint32_t get(const uint8_t *p, const struct field *f)
{
    uint32_t value = 0;
    for (int i = 0; i < f->bytes; i++)
        value |= (uint32_t)p[f->at + (size_t)i] << 8 * (f->big ? f->bytes - 1 - i : i);
    return value;
}

static void set(uint8_t *p, const struct field *f, uint32_t value)
{
    for (int i = 0; i < f->bytes; i++)
        p[f->at + (size_t)i] = (uint8_t)(value >> 8 * (f->big ? f->bytes - 1 - i : i));
}

static void change_both(uint8_t *bytes, size_t n, const struct field *a, const struct field *b,
                        uint32_t claimed)
{
    struct gn_picture picture = { 0 };
    const uint32_t before_a = get(bytes, a), before_b = get(bytes, b);
    set(bytes, a, claimed);
    set(bytes, b, claimed);
    (void)decode(bytes, n, &picture, 0);
    set(bytes, b, before_b);
    set(bytes, a, before_a);
    gn_picture_free(&picture);
}

/* Wherever two numbers stand that may be the sizes, they become large ones. */
static void claim_more(const uint8_t *file, size_t n, int height, int width)
{
    enum { WITHIN = 600, MOST = 64 };
    struct field found[MOST];
    uint8_t bytes[MOST_BYTES];
    int n_found = 0;
    memcpy(bytes, file, n);
    for (size_t at = 0; at + 4 <= n && at < WITHIN; at++)
        for (int k = 0; k < 5 && n_found < MOST; k++) {
            static const int lengths[] = { 2, 2, 4, 4, 3 };
            const struct field f = { at, lengths[k], k % 2 != 0 };
            const uint32_t value = get(bytes, &f) + (k == 4 ? 1 : 0);
            if (value == (uint32_t)height || value == (uint32_t)width)
                found[n_found++] = f;
        }
    for (int i = 0; i < n_found; i++)
        for (int k = i + 1; k < n_found; k++)
            if (found[k].at >= found[i].at + (size_t)found[i].bytes &&
                found[k].at <= found[i].at + 16) {
                change_both(bytes, n, &found[i], &found[k], 9999);
                change_both(bytes, n, &found[i], &found[k], 4000);
            }
    /* A WebP without losses has 14 bits for each, less one. */
    if (n > 25 && memcmp(bytes + 12, "VP8L", 4) == 0) {
        const struct field packed = { 21, 4, false };
        struct gn_picture picture = { 0 };
        set(bytes, &packed, (get(bytes, &packed) & 0xf0000000U) | 9998U << 14 | 9998U);
        assert_int_equal(decode(bytes, n, &picture, 0), GN_STATUS_BAD_DATA);
        gn_clear_error();
        gn_picture_free(&picture);
    }
}

static void claimed_sizes_draw_no_memory(void **state)
{
    enum { ALLOWED = 100 }; /* MB: four million pixels and a decoder's working memory */
    static const char *const files[] = { "pictures", "formats" };
    (void)state;
    const char *sanitizer = getenv("GN_SANITIZE");
    const long before = peak();
    int n_files = 0;
    for (int k = 0; k < 2; k++) {
        char path[1024];
        (void)snprintf(path, sizeof path, "%s/tests/golden/%s.safetensors", GN_SOURCE_DIR,
                       files[k]);
        struct gn_st_file *golden = gn_st_open(path);
        assert_non_null(golden);
        for (int i = 0; i < gn_st_count(golden); i++) {
            const struct gn_st_tensor *t = gn_st_tensor(golden, i);
            struct gn_picture picture = { 0 };
            if (t->dtype != GN_U8 || t->count > MOST_BYTES || t->rank != 1 ||
                decode(t->data, t->count, &picture, 0) != GN_OK)
                continue;
            claim_more(t->data, t->count, picture.height, picture.width);
            gn_picture_free(&picture);
            n_files++;
            if ((sanitizer == NULL || sanitizer[0] == '\0') && peak() - before > ALLOWED)
                fail_msg("%s: %ld MB were taken, %d are allowed", t->name, peak() - before,
                         ALLOWED);
        }
        gn_st_close(golden);
    }
    gn_clear_error();
    assert_true(n_files > 20);
}

/* ---- JPEG ---- */

#if GN_HAVE_JPEG

#include <jpeglib.h>

struct kind {
    const char *name;
    bool arithmetic, progressive, scans, colour;
};

/* A picture of some texture, or of one colour. */
static size_t make_jpeg(const struct kind *kind, int side, bool flat, uint8_t *out)
{
    struct jpeg_compress_struct info = { 0 };
    struct jpeg_error_mgr error;
    unsigned long n = 0;
    unsigned char *bytes = NULL;
    const int channels = kind->colour ? 3 : 1;
    info.err = jpeg_std_error(&error);
    jpeg_create_compress(&info);
    jpeg_mem_dest(&info, &bytes, &n);
    info.image_height = info.image_width = (JDIMENSION)side;
    info.input_components = channels;
    info.in_color_space = kind->colour ? JCS_RGB : JCS_GRAYSCALE;
    jpeg_set_defaults(&info);
    info.arith_code = kind->arithmetic;
    if (kind->progressive)
        jpeg_simple_progression(&info);
    static const jpeg_scan_info each[] = { { 1, { 0 }, 0, 63, 0, 0 },
                                           { 1, { 1 }, 0, 63, 0, 0 },
                                           { 1, { 2 }, 0, 63, 0, 0 } };
    if (kind->scans) {
        info.scan_info = each;
        info.num_scans = 3;
    }
    jpeg_start_compress(&info, TRUE);
    uint8_t line[3 * 4096];
    for (int y = 0; y < side; y++) {
        for (int x = 0; x < side * channels; x++)
            line[x] = flat ? 77 : (uint8_t)(x * x + 31 * y + x * y);
        uint8_t *row = line;
        (void)jpeg_write_scanlines(&info, &row, 1);
    }
    jpeg_finish_compress(&info);
    jpeg_destroy_compress(&info);
    assert_true(n < MOST_BYTES);
    memcpy(out, bytes, n);
    free(bytes);
    return n;
}

static const struct kind kinds[] = {
    { "arithmetic", true, false, false, true },
    { "arithmetic grey", true, false, false, false },
    { "arithmetic progressive", true, true, false, true },
    { "progressive", false, true, false, true },
    { "a scan a colour", false, false, true, true },
    { "baseline", false, false, false, true },
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

/* Of any coding: the whole file is read, and no beginning of it. */
static void cut_jpegs_are_refused(void **state)
{
    (void)state;
    for (int k = 0; k < KINDS; k++) {
        static uint8_t bytes[MOST_BYTES];
        struct gn_picture picture = { 0 };
        const size_t n = make_jpeg(&kinds[k], SIDE, false, bytes);
        if (decode(bytes, n, &picture, 0) != GN_OK)
            fail_msg("%s: %s", kinds[k].name, gn_error_message());
        assert_int_equal(picture.height, SIDE);
        /* What an encoder adds after the last bit that matters may be missing. */
        for (size_t cut = 4; cut < n - 12; cut += 1 + n / 300) {
            if (decode(bytes, cut, &picture, 0) == GN_OK)
                fail_msg("%s: the first %zu of %zu bytes are a picture", kinds[k].name, cut, n);
            if (cut > 700)
                check_error(GN_STATUS_BAD_DATA, "truncated");
        }
        gn_clear_error();
        gn_picture_free(&picture);
    }
}

/* The header of a small file claims a hundred million pixels. */
static void small_jpegs_stay_small(void **state)
{
    (void)state;
    const char *sanitizer = getenv("GN_SANITIZE");
    for (int k = 0; k < KINDS; k++) {
        static uint8_t bytes[MOST_BYTES];
        struct gn_picture picture = { 0 };
        const long before = peak();
        const size_t n = make_jpeg(&kinds[k], 16, true, bytes);
        for (size_t i = 2; i + 9 < n; i++)
            if (bytes[i] == 0xff && bytes[i + 1] >= 0xc0 && bytes[i + 1] <= 0xcb &&
                bytes[i + 1] != 0xc4 && bytes[i + 1] != 0xc8)
                memcpy(bytes + i + 5, "\x27\x0f\x27\x0f", 4);
        assert_int_equal(decode(bytes, n, &picture, 0), GN_STATUS_BAD_DATA);
        check_error(GN_STATUS_BAD_DATA, "width=9999 height=9999");
        if ((sanitizer == NULL || sanitizer[0] == '\0') && peak() - before > 8)
            fail_msg("%s: %zu bytes took %ld MB", kinds[k].name, n, peak() - before);
        gn_picture_free(&picture);
    }
}

static void a_jpeg_of_one_colour_is_read(void **state)
{
    (void)state;
    for (int k = 0; k < KINDS; k++) {
        static uint8_t bytes[MOST_BYTES];
        struct gn_picture picture = { 0 };
        const size_t n = make_jpeg(&kinds[k], 2000, true, bytes);
        if (decode(bytes, n, &picture, 1) != GN_OK)
            fail_msg("%s: %zu bytes: %s", kinds[k].name, n, gn_error_message());
        gn_picture_free(&picture);
    }
}

#endif

/* ---- EXIF ---- */

static void orientations_may_be_short_or_long(void **state)
{
    (void)state;
    for (int big = 0; big < 2; big++)
        for (int is_long = 0; is_long < 2; is_long++)
            for (int value = 0; value <= 9; value++) {
                uint8_t tiff[26] = { 'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0 };
                static const struct field little[] = { { 2, 2, false },  { 4, 4, false },
                                                       { 8, 2, false },  { 10, 2, false },
                                                       { 12, 2, false }, { 14, 4, false } };
                static const uint32_t values[] = { 42, 8, 1, 0x112, 3, 1 };
                for (int i = 0; i < 6; i++) {
                    const struct field f = { little[i].at, little[i].bytes, big != 0 };
                    set(tiff, &f, i == 4 && is_long ? 4 : values[i]);
                }
                const struct field f = { 18, is_long ? 4 : 2, big != 0 };
                set(tiff, &f, (uint32_t)value);
                memset(tiff, big ? 'M' : 'I', 2);
                const int expected = value >= 1 && value <= 8 ? value : GN_PICTURE_UPRIGHT;
                assert_int_equal(gn_exif_orientation(tiff, sizeof tiff), expected);
            }
}

/* ---- PNG ---- */

#if GN_HAVE_PNG

#include <png.h>

struct written {
    uint8_t bytes[MOST_BYTES];
    size_t n;
};

static void take(png_structp png, png_bytep bytes, size_t n)
{
    struct written *w = png_get_io_ptr(png);
    assert_true(w->n + n <= MOST_BYTES);
    memcpy(w->bytes + w->n, bytes, n);
    w->n += n;
}

static void wide_pngs_are_read(void **state)
{
    (void)state;
    for (int width = GN_PICTURE_SIDE; width <= GN_PICTURE_SIDE + 1; width++) {
        static struct written w;
        static uint8_t row[GN_PICTURE_SIDE + 1];
        struct gn_picture picture = { 0 };
        w.n = 0;
        png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
        png_infop info = png_create_info_struct(png);
        png_set_write_fn(png, &w, take, NULL);
        png_set_IHDR(png, info, (png_uint_32)width, 1, 8, PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE,
                     PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
        row[width - 1] = 200;
        png_write_info(png, info);
        png_write_row(png, row);
        png_write_end(png, NULL);
        png_destroy_write_struct(&png, &info);
        const gn_status status = decode(w.bytes, w.n, &picture, 0);
        if (width == GN_PICTURE_SIDE) {
            assert_int_equal(status, GN_OK);
            assert_int_equal(picture.pixels[width - 1], 200);
            row[width - 1] = 0;
        } else {
            check_error(GN_STATUS_BAD_DATA, "too many pixels (width=65501 height=1, limits 65500");
        }
        gn_picture_free(&picture);
    }
}

/* The length of a chunk is a claim like any other, whatever the chunk is. */
static void chunks_of_png_draw_no_memory(void **state)
{
    static const char *const types[] = { "eXIf", "iCCP", "zTXt", "iTXt", "tEXt", "sPLT",
                                         "PLTE", "tRNS", "hIST", "pCAL", "xXXx", "IDAT" };
    enum { HEADER = 33, CLAIMED = 0x69696969, ALLOWED = 64 };
    (void)state;
    const long before = asked();
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        uint8_t file[HEADER + 64] =
            "\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\1\0\0\0\1\x08\2\0\0\0\x90\x77\x53\xde";
        struct gn_picture picture = { 0 };
        memset(file + HEADER, CLAIMED & 0xff, 4);
        memcpy(file + HEADER + 4, types[i], 4);
        assert_int_equal(decode(file, sizeof file, &picture, 0), GN_STATUS_BAD_DATA);
        gn_picture_free(&picture);
        const char *sanitizer = getenv("GN_SANITIZE");
        if ((sanitizer == NULL || sanitizer[0] == '\0') && asked() - before > ALLOWED)
            fail_msg("%s: %ld MB were asked for: %s", types[i], asked() - before,
                     gn_error_message());
    }
    gn_clear_error();
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
#if GN_HAVE_JPEG /* first: the memory of the others would hide what these take */
        cmocka_unit_test(small_jpegs_stay_small),
        cmocka_unit_test(cut_jpegs_are_refused),
        cmocka_unit_test(a_jpeg_of_one_colour_is_read),
#endif
        cmocka_unit_test(claimed_sizes_draw_no_memory),
        cmocka_unit_test(orientations_may_be_short_or_long),
#if GN_HAVE_PNG
        cmocka_unit_test(wide_pngs_are_read),
        cmocka_unit_test(chunks_of_png_draw_no_memory),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
