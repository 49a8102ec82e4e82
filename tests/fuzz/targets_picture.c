/* Decoders of pictures, EXIF, and the way from a picture's bytes to an answer. */
#include "fuzz.h"

#include "base/path.h"
#include "formats/safetensors.h"
#include "picture/format.h"

#include "gn_config.h"

#include <math.h>
#include <string.h>

enum { MOST_PIXELS = 1 << 20 };

/* The size from the header alone, as a check of all of it would find it. */
static bool is_small(const uint8_t *bytes, size_t n, const char *kind)
{
    struct gn_picture picture = { 0 };
    const struct gn_picture_format *const formats[] = { &gn_format_jpeg, &gn_format_png,
                                                        &gn_format_gif,  &gn_format_webp,
                                                        &gn_format_tiff, &gn_format_bmp,
                                                        &gn_format_pnm };
    const struct gn_bytes file = { .data = (uint8_t *)(uintptr_t)bytes, .size = n };
    struct gn_picture_job job = { .picture = &picture,
                                  .file = &file,
                                  .path = "fuzz",
                                  .kind = kind,
                                  .header_only = true,
                                  .orientation = GN_PICTURE_UPRIGHT };
    gn_status status = GN_STATUS_BAD_DATA;
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (strcmp(formats[i]->name, kind) == 0 && formats[i]->decode != NULL) {
            status = formats[i]->decode(&job);
            fuzz_told(status);
        }
    FUZZ_REQUIRE(picture.pixels == NULL);
    return status == GN_OK && (uint64_t)picture.height * (uint64_t)picture.width <= MOST_PIXELS;
}

/* Every pixel is read, so that a sanitizer sees one that was never written. */
static void look_at(const struct gn_picture *picture)
{
    const size_t n = (size_t)picture->height * (size_t)picture->width * (size_t)picture->channels;
    volatile unsigned sum = 0;
    FUZZ_REQUIRE(picture->height > 0 && picture->width > 0);
    FUZZ_REQUIRE(picture->channels == 1 || picture->channels == 3);
    for (size_t i = 0; i < n; i++)
        sum += picture->pixels[i];
    (void)sum;
}

static void decode(const struct fuzz_target *target, const uint8_t *bytes, size_t n)
{
    static const int channels[] = { 0, 1, 3 };
    const char *kind = gn_picture_recognise(bytes, n);
    const struct gn_bytes file = { .data = (uint8_t *)(uintptr_t)bytes, .size = n };
    if (kind == NULL || strcmp(kind, target->word) != 0 || !is_small(bytes, n, kind))
        return;
    for (int i = 0; i < 3; i++) {
        struct gn_picture picture = { .least = i == 2 ? 4 : 0 };
        const gn_status status = gn_picture_decode(&picture, &file, "fuzz", channels[i]);
        fuzz_told(status);
        if (status == GN_OK)
            look_at(&picture);
        gn_picture_free(&picture);
    }
}

/* Small ones of Pillow's files that the tests of the decoders take (tests/golden/README.md), of a kind
 * or, without one, a few of any. */
static void take_golden(const char *kind)
{
    static const char *const names[] = { "pictures", "formats" };
    enum { SMALL = 3000, FEW = 7 };
    for (int k = 0, n = 0; k < 2; k++) {
        char path[GN_PATH_BYTES];
        (void)snprintf(path, sizeof path, "%s/tests/golden/%s.safetensors", GN_SOURCE_DIR,
                       names[k]);
        struct gn_st_file *file = gn_st_open(path);
        FUZZ_REQUIRE(file != NULL);
        for (int i = 0; i < gn_st_count(file); i++) {
            const struct gn_st_tensor *t = gn_st_tensor(file, i);
            const char *is = t->dtype == GN_U8 ? gn_picture_recognise(t->data, t->count) : NULL;
            if (is == NULL || t->count > SMALL)
                continue;
            if (kind == NULL ? n++ % FEW == 0 : strcmp(is, kind) == 0)
                fuzz_seed(t->data, t->count);
        }
        gn_st_close(file);
    }
}

static void seeds_of(const struct fuzz_target *target)
{
    take_golden(target->word);
}

static void exif(const struct fuzz_target *target, const uint8_t *bytes, size_t n)
{
    (void)target;
    const int orientation = gn_exif_orientation(bytes, n);
    FUZZ_REQUIRE(orientation >= 1 && orientation <= 8);
    fuzz_taken += orientation != GN_PICTURE_UPRIGHT;
}

static void exif_seeds(const struct fuzz_target *target)
{
    (void)target;
    fuzz_seed("Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0", 28);
    fuzz_seed("MM\0*\0\0\0\x08\0\x02\0\x01\0\x02\0\0\0\x01zzzz\x01\x12\0\x04\0\0\0\x01\0\0\0\x08",
              34);
}

/* ---- An answer ---- */

static gn_net *small_net(void)
{
    gn_graph *g = gn_graph_create();
    gn_node x = gn_conv_relu(g, gn_input(g, 8, 8, 3), 4, .kernel = 3, .stride = 2, .name = "conv");
    x = gn_dense(g, gn_global_avg_pool(g, x), 3, "dense");
    return gn_compile(g, x, 1);
}

static void predict(const struct fuzz_target *target, const uint8_t *bytes, size_t n)
{
    static gn_net *net;
    static gn_preprocessor *way;
    static float input[8 * 8 * 3];
    float logits[3];
    (void)target;
    const char *kind = gn_picture_recognise(bytes, n);
    if (kind != NULL && !is_small(bytes, n, kind))
        return;
    if (net == NULL) {
        net = small_net();
        way = gn_preprocessor_create(net, GN_RESIZE_PIL_BILINEAR);
    }
    FUZZ_REQUIRE(way != NULL);
    const gn_status status = gn_preprocess_file(way, bytes, n, input);
    fuzz_told(status);
    if (status != GN_OK)
        return;
    FUZZ_REQUIRE(gn_predict(net, logits, NULL, .inputs = input, .n = 1, .threads = 1) == GN_OK);
    for (int i = 0; i < 3; i++)
        FUZZ_REQUIRE(isfinite(logits[i]));
}

static const char *const pnm_texts[] = { "P1\n# bits\n3 2\n1 0 1\n010\n",
                                         "P2 2 2 9\n0 3 6 9\n",
                                         "P3\n1 1\n65535\n1 2 3\n",
                                         "P4 9 1\nab",
                                         "P5 2 1 255\nxy",
                                         "P6 1 1 255\nrgb",
                                         "P6 1 1 65535\nRrGgBb",
                                         NULL };

const struct fuzz_target fuzz_picture_targets[] = {
    { .name = "jpeg",
      .run = decode,
      .word = "JPEG",
      .make_seeds = seeds_of,
      .absent = !GN_HAVE_JPEG },
    { .name = "png", .run = decode, .word = "PNG", .make_seeds = seeds_of, .absent = !GN_HAVE_PNG },
    { .name = "bmp", .run = decode, .word = "BMP", .make_seeds = seeds_of },
    { .name = "gif", .run = decode, .word = "GIF", .make_seeds = seeds_of, .absent = !GN_HAVE_GIF },
    { .name = "webp",
      .run = decode,
      .word = "WebP",
      .make_seeds = seeds_of,
      .absent = !GN_HAVE_WEBP },
    { .name = "tiff",
      .run = decode,
      .word = "TIFF",
      .make_seeds = seeds_of,
      .absent = !GN_HAVE_TIFF },
    { .name = "pnm", .run = decode, .word = "PNM", .texts = pnm_texts, .make_seeds = seeds_of },
    { .name = "exif", .run = exif, .make_seeds = exif_seeds },
    { .name = "predict", .run = predict, .make_seeds = seeds_of, .divisor = 20 },
    { .name = NULL },
};
