/*
 * Models of other programs: whatever is imported can be saved and, where it can be exported, comes back;
 * and an import holds at most twice the file and a constant.
 */
#include "fuzz.h"

#include "base/memory.h"
#include "file/protobuf_read.h"

#include <googlenet.h>
#include <string.h>

enum { CONSTANT = 192 << 20 };
#define FIXTURES GN_SOURCE_DIR "/tests/exchange/fixtures/"

/* ---- ONNX ---- */

/* What goes out comes back, as far as it can be written. */
static void require_return(const gn_net *net)
{
    const char *path = fuzz_path("back.onnx");
    const gn_status status = gn_export(net, path, .keep_norm = true);
    fuzz_told(status);
    if (status != GN_OK)
        return;
    gn_net *back = gn_import(path);
    FUZZ_REQUIRE(back != NULL);
    gn_free_net(back);
}

static void onnx(const struct fuzz_target *target, const uint8_t *bytes, size_t n)
{
    (void)target;
    char note[512];
    const char *path = fuzz_file("fuzz.onnx", bytes, n);
    const uint64_t before = (gn_alloc_peak(true), gn_alloc_peak(false));
    gn_net *net =
        gn_import(path, .size = n % 2 == 0 ? 0 : 8, .note = note, .note_size = sizeof note);
    FUZZ_REQUIRE(gn_alloc_peak(false) - before <= 2 * (uint64_t)n + CONSTANT);
    fuzz_told(net == NULL ? gn_error_status() : GN_OK);
    if (net == NULL)
        return;
    FUZZ_REQUIRE(gn_save(net, fuzz_path("fuzz.safetensors")) == GN_OK);
    require_return(net);
    gn_free_net(net);
}

static void onnx_seeds(const struct fuzz_target *target)
{
    static const char text[] =
        "input 6 3\nclasses 2\nnorm keras\nconv c 2 3 2\nlrn l 3\nmax m 2 1\n"
        "inception i 1 1 1 1 1 1\navg p 2\ndropout d 0.5\ndense e 3\noutput\n";
    static const char *const others[] = { FIXTURES "tf_nhwc.onnx", FIXTURES "torch_inception.onnx",
                                          FIXTURES "backend/test_gemm_beta.onnx" };
    (void)target;
    for (int i = 0; i < 4; i++) {
        gn_net *net = gn_preset("tiny.net", .net_text = text, .seed = 1);
        const char *path = fuzz_path("seed.onnx");
        FUZZ_REQUIRE(net != NULL);
        FUZZ_REQUIRE(gn_export(net, path, .keep_norm = i > 0, .f16 = i == 2,
                               .opset = i == 3 ? 9 : 21, .softmax = i == 1) == GN_OK);
        fuzz_seed_file(path);
        gn_free_net(net);
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        fuzz_seed_file(others[i]);
}

/* ---- Protocol buffers ---- */

/* Fields within fields, as deep as any reader of ours goes. */
static unsigned walk(struct gn_pb_slice slice, int depth)
{
    struct gn_reader message = gn_pb_message(slice);
    struct gn_pb_field field;
    unsigned sum = 0;
    bool bad = false;
    while (gn_pb_next(&message, &field, &bad)) {
        struct gn_reader rest = gn_pb_message(field.slice);
        uint64_t value;
        FUZZ_REQUIRE(field.number > 0);
        for (; gn_pb_whole(&field, &rest, &value);)
            sum += (unsigned)value;
        for (size_t i = 0; i < field.slice.n; i++)
            sum += field.slice.bytes[i];
        if (field.is_slice && depth < 6)
            sum += walk(field.slice, depth + 1);
    }
    fuzz_taken += !bad;
    return sum;
}

static void protobuf(const struct fuzz_target *target, const uint8_t *bytes, size_t n)
{
    (void)target;
    (void)walk((struct gn_pb_slice){ bytes, n }, 0);
}

static const char *const protobuf_texts[] = { "\x0a\x06\x12\x04name\x1a\x02\x08\x05\x25"
                                              "abcd",
                                              "\x52\x03\x01\x02\x03\x49"
                                              "abcdefgh",
                                              NULL };

const struct fuzz_target fuzz_exchange_targets[] = {
    { .name = "onnx", .run = onnx, .make_seeds = onnx_seeds, .divisor = 2 },
    { .name = "protobuf", .run = protobuf, .texts = protobuf_texts },
    { .name = NULL },
};
