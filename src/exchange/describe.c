/* What a file is, by its first bytes, its name and its tables. */
#include "base/number.h"
#include "base/path.h"
#include "base/text.h"
#include "exchange/export.h"
#include "exchange/onnx/file.h"
#include "file/reader.h"
#include "formats/safetensors.h"
#include "torch/torch.h"

#include <stdlib.h>
#include <string.h>

enum { HEAD = 64 };

#define TO_OURS "googlenet import FILE OUT.safetensors"

struct kind {
    const char *magic;
    size_t n, at;
    const char *ending; /* NULL: any */
    const char *format, *checks, *use;
    bool imported;
};

static const struct kind kinds[] = {
    { "\x89HDF\r\n\x1a\n", 8, 0, NULL, "HDF5 (Keras)", "none", TO_OURS " [--model MODEL]", true },
    { "PK\x03\x04", 4, 0, ".keras", "Keras model (zip)", "CRC-32 of each member", TO_OURS, true },
    { "PK\x03\x04", 4, 0, ".npz", "NumPy arrays (zip)", "CRC-32 of each member",
      TO_OURS " [--model MODEL]", true },
    { "PK\x03\x04", 4, 0, NULL, "zip (of a .pth: PyTorch's pickle)", "CRC-32 of each member",
      "python3 tools/exchange/pth_to_safetensors.py FILE OUT.safetensors, for a .pth", false },
    { "\x80\x02", 2, 0, NULL, "pickle (PyTorch)", "none",
      "never read; python3 tools/exchange/pth_to_safetensors.py FILE OUT.safetensors", false },
    { "\x93NUMPY", 6, 0, NULL, "NumPy array", "none", "no model", false },
    { "GGUF", 4, 0, NULL, "GGUF", "none", "not read", false },
    { "TFL3", 4, 4, NULL, "TensorFlow Lite", "none", "not read", false },
    { "\x1f\x8b", 2, 0, NULL, "gzip", "CRC-32", "unpack it; an IDX data set is read packed",
      false },
    { "\x89PNG\r\n\x1a\n", 8, 0, NULL, "PNG picture", "CRC-32 of each chunk",
      "googlenet predict MODEL FILE", false },
    { "\xff\xd8\xff", 3, 0, NULL, "JPEG picture", "none", "googlenet predict MODEL FILE", false },
    { "\0\0\x08", 3, 0, NULL, "IDX data set", "none", "googlenet predict MODEL FILE", false },
    { "version https://git-lfs", 23, 0, NULL, "pointer of Git LFS", "none", "git lfs pull", false },
    { "/* googlenet ", 13, 0, ".c", "C99 source of a network", "none",
      "cc -std=c99 -c FILE; how it is called is said at its top", false },
    { "", 0, 0, ".caffemodel", "Caffe weights", "none", TO_OURS " [--prototxt FILE]", true },
    { "", 0, 0, ".prototxt", "Caffe network (text)", "none",
      "googlenet import WEIGHTS.caffemodel OUT.safetensors --prototxt FILE", false },
    { "", 0, 0, ".net", "network as text", "none", "googlenet summary FILE", false },
    { "", 0, 0, ".index", "TensorFlow checkpoint", "CRC32C of each variable",
      TO_OURS " [--model MODEL]", true },
    { "", 0, 0, ".data-00000-of-00001", "data of a TensorFlow checkpoint", "CRC32C in its .index",
      "googlenet import FILE.index OUT.safetensors [--model MODEL]", false },
    { "", 0, 0, ".pb", "TensorFlow graph", "none", "not read; convert it with tf2onnx", false },
};

static void put(struct gn_file_info *info, const char *format, const char *checks, const char *use)
{
    (void)snprintf(info->format, sizeof info->format, "%s", format);
    (void)snprintf(info->checks, sizeof info->checks, "%s", checks);
    (void)snprintf(info->use, sizeof info->use, "%s", use);
}

static void of_table(const char *path, const uint8_t *head, size_t n, struct gn_file_info *info)
{
    const char *ending = gn_path_extension(path);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const struct kind *k = &kinds[i];
        if ((k->ending != NULL && !gn_same_word(ending, k->ending)) || n < k->at + k->n ||
            memcmp(head + k->at, k->magic, k->n) != 0)
            continue;
        put(info, k->format, k->checks, k->use);
        info->imported = k->imported;
        return;
    }
    put(info, "unknown", "none", "nothing that is known here");
}

static gn_status of_safetensors(const char *path, struct gn_file_info *info)
{
    struct gn_st_file *file = gn_st_open(path);
    if (file == NULL)
        return gn_last_status();
    info->parts = (uint64_t)gn_st_count(file);
    for (int i = 0; i < gn_st_count(file); i++)
        info->values += gn_st_tensor(file, i)->count;
    info->ours = gn_st_is_ours(file);
    info->imported = true;
    if (info->ours) {
        const char *version = gn_st_metadata(file, "gn.format");
        put(info, "safetensors (model file)", "CRC32C of the header and of each tensor, verified",
            "every command takes it as MODEL");
        (void)gn_printable(info->version, sizeof info->version, version == NULL ? "" : version);
        (void)snprintf(info->producer, sizeof info->producer, "googlenet");
    } else if (gn_torch_is(file)) {
        put(info, "safetensors (torchvision)", "none", TO_OURS);
        (void)snprintf(info->producer, sizeof info->producer, "torchvision.models.googlenet");
    } else {
        put(info, "safetensors", "none",
            "with our tensor names: --preset NAME in every command; " TO_OURS " --model MODEL");
        const char *by = gn_st_metadata(file, "format");
        (void)gn_printable(info->producer, sizeof info->producer, by == NULL ? "" : by);
    }
    gn_st_close(file);
    return GN_OK;
}

static gn_status of_onnx(const char *path, struct gn_file_info *info)
{
    struct gn_onnx_file file = { 0 };
    const gn_status status = gn_onnx_open(&file, path);
    if (status == GN_OK) {
        char producer[GN_ONNX_TEXT];
        put(info, "ONNX", "none", TO_OURS);
        info->imported = true;
        (void)snprintf(info->version, sizeof info->version, "IR %lld, opset %lld",
                       (long long)file.ir, (long long)file.opset);
        (void)snprintf(info->producer, sizeof info->producer, "%s",
                       gn_onnx_text(file.producer, producer));
        info->parts = file.n_nodes;
        for (size_t i = 0; i < file.n_constants; i++)
            info->values += file.constants[i].count;
    }
    gn_onnx_close(&file);
    return status;
}

/* A length, then a JSON object. */
static bool looks_like_safetensors(const uint8_t *head, size_t n, uint64_t size)
{
    struct gn_reader r;
    uint64_t length;
    gn_rd_init(&r, head, n);
    return n > 8 && gn_rd_le64(&r, &length) && length >= 2 && length < size && head[8] == '{';
}

gn_status gn_file_describe(const char *path, struct gn_file_info *info)
{
    struct gn_file file;
    uint8_t head[HEAD] = { 0 };
    GN_NEED(path, "the file");
    GN_NEED(info, "the description");
    *info = (struct gn_file_info){ .bytes = 0 };
    GN_TRY(gn_file_open(&file, path, "info", GN_STATUS_BAD_MODEL));
    info->bytes = file.size;
    const size_t n = file.size < HEAD ? (size_t)file.size : HEAD;
    const gn_status status = gn_file_pread(&file, head, n, 0);
    gn_file_close(&file);
    GN_TRY(status);
    if (looks_like_safetensors(head, n, info->bytes))
        return of_safetensors(path, info);
    if (gn_same_word(gn_path_extension(path), ".onnx"))
        return of_onnx(path, info);
    of_table(path, head, n, info);
    return GN_OK;
}
