/* Weights and networks of other programs besides ONNX: whatever is imported can be saved. */
#include "fuzz.h"

#include "base/memory.h"
#include "caffe/prototxt.h"
#include "foreign/zip.h"
#include "keras/content.h"

#include <googlenet.h>
#include <string.h>

enum { CONSTANT = 192 << 20 };

/* A network whose layers torchvision's has, too, but much smaller. */
const char fuzz_tiny_net[] =
    "input 8 1\nclasses 2\nstage b1\nconv conv 2 3\nstage\nmean\noutput dense\n";

/* An import holds at most twice the file and a constant. Of Caffe's files the structure is in them. */
void fuzz_import(const struct fuzz_target *target, const uint8_t *bytes, size_t n)
{
    static char note[512], table[4096];
    char name[64];
    (void)snprintf(name, sizeof name, "fuzz%s", target->word);
    const char *path = fuzz_file(name, bytes, n);
    const uint64_t before = (gn_alloc_peak(true), gn_alloc_peak(false));
    const bool whole = strcmp(target->word, ".caffemodel") == 0;
    gn_net *net = gn_import(
        path, .note = note, .note_size = sizeof note, .table = table, .table_size = sizeof table,
        .model = whole ? NULL : fuzz_file("tiny.net", fuzz_tiny_net, strlen(fuzz_tiny_net)));
    FUZZ_REQUIRE(gn_alloc_peak(false) - before <= 2 * (uint64_t)n + CONSTANT);
    fuzz_taken += net == NULL && gn_error_status() == GN_STATUS_NO_DEVICE; /* without libhdf5 */
    fuzz_told(net == NULL ? gn_error_status() : GN_OK);
    if (net != NULL)
        fuzz_told(gn_save(net, fuzz_path("fuzz.safetensors")));
    gn_free_net(net);
}

static void torch_seeds(const struct fuzz_target *target)
{
    (void)target;
    gn_net *net = gn_preset("tiny.net", .net_text = fuzz_tiny_net, .seed = 1);
    const char *path = fuzz_path("seed.safetensors");
    FUZZ_REQUIRE(net != NULL && gn_export(net, path, .names = "torchvision") == GN_OK);
    fuzz_seed_file(path);
    gn_free_net(net);
}

static void caffe_seeds(const struct fuzz_target *target)
{
    (void)target;
    fuzz_seed_file(GN_SOURCE_DIR "/tests/exchange/caffe/old.caffemodel");
    fuzz_seed_file(GN_SOURCE_DIR "/tests/exchange/caffe/new.caffemodel");
}

/* ---- Caffe's text ---- */

static void prototxt(const struct fuzz_target *target, const uint8_t *bytes, size_t n)
{
    struct gn_pb pb = { 0 };
    (void)target;
    fuzz_told(gn_prototxt_read("fuzz", (const char *)bytes, n, &pb));
    FUZZ_REQUIRE(pb.size <= 16 * n + 64);
    gn_free(pb.bytes);
}

static void prototxt_seeds(const struct fuzz_target *target)
{
    (void)target;
    fuzz_seed_file(GN_SOURCE_DIR "/tests/exchange/caffe/old.prototxt");
    fuzz_seed_file(GN_SOURCE_DIR "/tests/exchange/caffe/new.prototxt");
}

/* ---- Keras: what the converter says, and the archive ---- */

static void keras(const struct fuzz_target *target, const uint8_t *bytes, size_t n)
{
    struct gn_keras_content content;
    (void)target;
    const gn_status status = gn_keras_content(&content, "fuzz", bytes, n);
    fuzz_told(status);
    for (int turn = 0; turn < 2 && status == GN_OK; turn++) {
        content.reversed = turn == 1;
        gn_keras_order(&content);
        for (int i = 0; i < content.n; i++)
            FUZZ_REQUIRE(gn_keras_bias(&content, i) < content.n);
        (void)gn_keras_text(&content, "", "googlenet.input");
    }
    gn_keras_content_free(&content);
}

static void keras_seeds(const struct fuzz_target *target)
{
    (void)target;
    static const char *const headers[] = {
        "{\"layers/a_2/vars/0\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
        "\"layers/a_10/layers/b/vars/1\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
        "{\"__metadata__\":{\"attributes\":\"{\\\"\\\":{\\\"layer_names\\\":[\\\"a\\\"]},"
        "\\\"a\\\":{\\\"weight_names0\\\":[\\\"k:0\\\"]}}\"},"
        "\"a/k:0\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[0,8]}}",
    };
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        char file[512] = { (char)strlen(headers[i]), 0 };
        file[0] = (char)(strlen(headers[i]) & 255);
        file[1] = (char)(strlen(headers[i]) >> 8);
        memcpy(file + 8, headers[i], strlen(headers[i]));
        fuzz_seed(file, 8 + strlen(headers[i]) + 8);
    }
}

static void zip(const struct fuzz_target *target, const uint8_t *bytes, size_t n)
{
    const struct gn_bytes archive = { (uint8_t *)(uintptr_t)bytes, n };
    struct gn_bytes member;
    bool found;
    (void)target;
    fuzz_told(gn_zip_read(&archive, "fuzz", "a", 1 << 20, &found, &member));
    gn_free(member.data);
}

static void zip_seeds(const struct fuzz_target *target)
{
    static const uint8_t stored[] = "PK\3\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\3\0\0\0\3\0\0\0"
                                    "\1\0\0\0abcdPK\1\2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                                    "\3\0\0\0\3\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                                    "aPK\5\6\0\0\0\0\1\0\1\0\x2f\0\0\0\x22\0\0\0\0\0";
    (void)target;
    fuzz_seed(stored, sizeof stored - 1);
}

const struct fuzz_target fuzz_foreign_targets[] = {
    { .name = "torch",
      .run = fuzz_import,
      .word = ".safetensors",
      .make_seeds = torch_seeds,
      .divisor = 4 },
    { .name = "caffe",
      .run = fuzz_import,
      .word = ".caffemodel",
      .make_seeds = caffe_seeds,
      .divisor = 4 },
    { .name = "keras", .run = keras, .make_seeds = keras_seeds },
    { .name = "zip", .run = zip, .make_seeds = zip_seeds },
    { .name = "prototxt", .run = prototxt, .make_seeds = prototxt_seeds },
    { .name = NULL },
};
