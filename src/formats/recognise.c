/* Files that people hand in for a model file and that are none: each is named for what it is. */
#include "formats/safetensors_internal.h"

#include "file/reader.h"
#include "base/text.h"

#include <string.h>

#define TURN_PICKLE                                                                                \
    "turn it into one that is: python3 tools/exchange/pth_to_safetensors.py FILE OUT.safetensors"
#define IMPORT              "googlenet import reads it: googlenet import FILE OUT.safetensors"
#define SAVE_AS_SAFETENSORS "save the weights with safetensors, under this program's tensor names"

struct known_file {
    const char *magic;  /* NULL: known by the end of its name only */
    size_t n, at;       /* length of the magic; its offset */
    const char *suffix; /* NULL: known by its magic only */
    const char *kind, *what, *hint;
};

static const char pickle[] = "a pickle file can run code and is not read";
static const char hdf5[] = "a Keras (HDF5) file is imported first";
static const char onnx[] = "an ONNX file is imported first";

static const struct known_file known_files[] = {
    { "\x80\x02", 2, 0, NULL, "PyTorch", pickle, TURN_PICKLE },
    { "\x80\x03", 2, 0, NULL, "PyTorch", pickle, TURN_PICKLE },
    { "\x80\x04", 2, 0, NULL, "PyTorch", pickle, TURN_PICKLE },
    { "\x80\x05", 2, 0, NULL, "PyTorch", pickle, TURN_PICKLE },
    { "\x89HDF\r\n\x1a\n", 8, 0, NULL, "Keras", hdf5, IMPORT },
    { "GGUF", 4, 0, NULL, "GGUF", "a GGUF file is not read", SAVE_AS_SAFETENSORS },
    { "TFL3", 4, 4, NULL, "TensorFlow Lite", "a TFLite file is not read", SAVE_AS_SAFETENSORS },
    { "\x93NUMPY", 6, 0, NULL, "NumPy", "a NumPy array is no model", SAVE_AS_SAFETENSORS },
    { "\x1f\x8b", 2, 0, NULL, "gzip", "a packed file is no model", "unpack it first" },
    { "\x89PNG\r\n\x1a\n", 8, 0, NULL, "PNG", "a picture is no model", NULL },
    { "\xff\xd8\xff", 3, 0, NULL, "JPEG", "a picture is no model", NULL },
    { "\0\0\x08\x03", 4, 0, NULL, "IDX", "a data set is no model", NULL },
    { "\0\0\x08\x01", 4, 0, NULL, "IDX", "a data set is no model", NULL },
    { "version https://git-lfs", 23, 0, NULL, "Git LFS",
      "this is only the pointer to a file that was not fetched", "git lfs pull" },
    { NULL, 0, 0, ".onnx", "ONNX", onnx, IMPORT },
    { NULL, 0, 0, ".pth", "PyTorch", pickle, TURN_PICKLE },
    { NULL, 0, 0, ".pt", "PyTorch", pickle, TURN_PICKLE },
    { NULL, 0, 0, ".h5", "Keras", hdf5, IMPORT },
    { NULL, 0, 0, ".hdf5", "Keras", hdf5, IMPORT },
    { NULL, 0, 0, ".keras", "Keras", "a Keras file is imported first", IMPORT },
    { NULL, 0, 0, ".caffemodel", "Caffe", "a Caffe file is imported first", IMPORT },
    { NULL, 0, 0, ".prototxt", "Caffe", "a Caffe file is imported first", IMPORT },
    { NULL, 0, 0, ".index", "TensorFlow", "a checkpoint is imported first", IMPORT },
    { NULL, 0, 0, ".pb", "TensorFlow", "a TensorFlow graph is not read", SAVE_AS_SAFETENSORS },
    { NULL, 0, 0, ".ckpt", "TensorFlow", "this kind of checkpoint is not read",
      SAVE_AS_SAFETENSORS },
};

/* A zip file is known by the name of its first entry: 30 bytes of local header, then the name. */
static const struct known_file *recognise_zip(const uint8_t *head, size_t n)
{
    static const struct known_file torch = { .kind = "PyTorch",
                                             .what = pickle,
                                             .hint = TURN_PICKLE };
    static const struct known_file keras = { .kind = "Keras",
                                             .what = "a .keras file is imported first",
                                             .hint = IMPORT };
    static const struct known_file numpy = { .kind = "NumPy",
                                             .what = "an .npz file is imported first",
                                             .hint = IMPORT };
    static const struct known_file zip = { .kind = "zip",
                                           .what = "a zip archive is no model",
                                           .hint = "unpack it first" };
    struct gn_reader reader;
    uint16_t length;
    const uint8_t *bytes;
    char name[256];
    gn_rd_init(&reader, head, n);
    if (!gn_rd_match(&reader, "PK\x03\x04", 4))
        return NULL;
    if (!gn_rd_seek(&reader, 26) || !gn_rd_le16(&reader, &length) || !gn_rd_skip(&reader, 2) ||
        length >= sizeof name || !gn_rd_bytes(&reader, length, &bytes))
        return &zip;
    memcpy(name, bytes, length);
    name[length] = '\0';
    if (strstr(name, "data.pkl") != NULL || strstr(name, ".data/") != NULL)
        return &torch;
    if (strcmp(name, "metadata.json") == 0 || strcmp(name, "config.json") == 0 ||
        strcmp(name, "model.weights.h5") == 0)
        return &keras;
    if (length > 4 && strcmp(name + length - 4, ".npy") == 0)
        return &numpy;
    return &zip;
}

/* ONNX has no magic: its first field is the IR version (tag 8, a small number), the next one of
 * the strings or messages of ModelProto. */
static bool looks_like_onnx(const uint8_t *head, size_t n)
{
    return n >= 8 && head[0] == 0x08 && head[1] >= 1 && head[1] <= 32 &&
           (head[2] == 0x12 || head[2] == 0x1a || head[2] == 0x22 || head[2] == 0x3a ||
            head[2] == 0x42) &&
           head[3] != 0;
}

static bool ends_with(const char *path, const char *suffix)
{
    const size_t n = strlen(path), m = strlen(suffix);
    return n > m && gn_same_word(path + n - m, suffix);
}

static const struct known_file *recognise(const char *path, const uint8_t *head, size_t n)
{
    static const struct known_file onnx_file = { .kind = "ONNX", .what = onnx, .hint = IMPORT };
    const struct known_file *zip = recognise_zip(head, n);
    if (zip != NULL)
        return zip;
    if (looks_like_onnx(head, n))
        return &onnx_file;
    for (size_t i = 0; i < sizeof known_files / sizeof known_files[0]; i++) {
        const struct known_file *known = &known_files[i];
        struct gn_reader reader;
        gn_rd_init(&reader, head, n);
        if (known->magic != NULL && gn_rd_skip(&reader, known->at) &&
            gn_rd_match(&reader, known->magic, known->n))
            return known;
        if (known->suffix != NULL && ends_with(path, known->suffix))
            return known;
    }
    return NULL;
}

gn_status gn_st_recognise(const char *path, const char *text, const uint8_t *head, size_t n)
{
    const struct known_file *known = recognise(path, head, n);
    if (known == NULL)
        return GN_OK;
    const gn_status status =
        gn_fail(GN_STATUS_BAD_MODEL, "%s: %s: %s at byte 0", text, known->kind, known->what);
    if (known->hint != NULL)
        gn_hint("%s", known->hint);
    return status;
}
