/* Weights and networks of other programs besides ONNX: whatever is imported can be saved. */
#include "fuzz.h"

#include "base/memory.h"
#include "caffe/prototxt.h"

#include <googlenet.h>
#include <string.h>

enum { CONSTANT = 192 << 20 };

/* A network whose layers torchvision's has, too, but much smaller. */
static const char tiny_net[] =
    "input 8 1\nclasses 2\nstage b1\nconv conv 2 3\nstage\nmean\noutput dense\n";

/* `word` is the ending of the file's name. */
static void import(const struct fuzz_target *target, const uint8_t *bytes, size_t n)
{
    static char note[512], table[4096];
    char name[64];
    (void)snprintf(name, sizeof name, "fuzz%s", target->word);
    const char *path = fuzz_file(name, bytes, n);
    const uint64_t before = (gn_alloc_peak(true), gn_alloc_peak(false));
    const bool tiny = strcmp(target->word, ".safetensors") == 0;
    gn_net *net = gn_import(
        path, .note = note, .note_size = sizeof note, .table = table, .table_size = sizeof table,
        .model = tiny ? fuzz_file("tiny.net", tiny_net, sizeof tiny_net - 1) : NULL);
    FUZZ_REQUIRE(gn_alloc_peak(false) - before <= 2 * (uint64_t)n + CONSTANT);
    fuzz_told(net == NULL ? gn_error_status() : GN_OK);
    if (net != NULL)
        fuzz_told(gn_save(net, fuzz_path("fuzz.safetensors")));
    gn_free_net(net);
}

static void torch_seeds(const struct fuzz_target *target)
{
    (void)target;
    gn_net *net = gn_preset("tiny.net", .net_text = tiny_net, .seed = 1);
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

const struct fuzz_target fuzz_foreign_targets[] = {
    { .name = "torch",
      .run = import,
      .word = ".safetensors",
      .make_seeds = torch_seeds,
      .divisor = 4 },
    { .name = "caffe",
      .run = import,
      .word = ".caffemodel",
      .make_seeds = caffe_seeds,
      .divisor = 4 },
    { .name = "prototxt", .run = prototxt, .make_seeds = prototxt_seeds },
    { .name = NULL },
};
