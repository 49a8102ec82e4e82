/* Arrays and variables of NumPy, Keras and TensorFlow: whatever is read has the size that its shape says. */
#include "fuzz.h"

#include "gn_config.h"
#include "keras/importing.h"
#include "numpy/npy.h"
#include "support/files.h"
#include "tensorflow/checkpoint.h"

#include <googlenet.h>
#include <string.h>

static void import_seeds(const struct fuzz_target *target)
{
    char name[64];
    (void)snprintf(name, sizeof name, "seed%s", target->word);
    gn_net *net = gn_preset("tiny.net", .net_text = fuzz_tiny_net, .seed = 1);
    FUZZ_REQUIRE(net != NULL);
    const char *path = fuzz_path(name);
    const gn_status status = gn_export(net, path);
    /* A file of a build without HDF5 is a few bytes; one that has it must not go without a whole one: the program
     * googlenet-hdf5 stands beside the folder of this one. */
    if (status == GN_OK)
        fuzz_seed_file(path);
    else if (!GN_HAVE_HDF5 && status == GN_STATUS_NO_DEVICE)
        fuzz_seed("\x89HDF\r\n\x1a\n", 8);
    else
        FUZZ_REQUIRE(status == GN_OK);
    gn_free_net(net);
}

/* ---- NumPy ---- */

static void npy(const struct fuzz_target *target, const uint8_t *bytes, size_t n)
{
    struct gn_npy array;
    (void)target;
    const gn_status status = gn_npy_read("fuzz", bytes, n, &array);
    fuzz_told(status);
    if (status != GN_OK)
        return;
    FUZZ_REQUIRE(array.count == 0 || array.count * array.item <= n);
    uint8_t *turned = malloc(n + 1);
    FUZZ_REQUIRE(turned != NULL);
    gn_npy_turn(&array, turned);
    free(turned);
}

static void npy_seeds(const struct fuzz_target *target)
{
    uint8_t bytes[GN_NPY_HEAD + 48] = { 0 };
    (void)target;
    fuzz_seed(bytes, gn_npy_head(bytes, "|S48", 0, NULL) + 48);
    const size_t size = gn_npy_head(bytes, "<f4", 2, (const uint64_t[]){ 3, 4 }) + 48;
    fuzz_seed(bytes, size);
    char *order = strstr((char *)bytes + 10, "False");
    FUZZ_REQUIRE(order != NULL);
    memcpy(order, "True ", 5);
    fuzz_seed(bytes, size);
}

/* ---- TensorFlow ---- */

/* Two bytes say how many are the index. */
static void checkpoint(const struct fuzz_target *target, const uint8_t *bytes, size_t n)
{
    struct gn_checkpoint c = { .n = 0 };
    (void)target;
    if (n < 2)
        return;
    size_t size = (size_t)bytes[0] | (size_t)bytes[1] << 8;
    size = size < n - 2 ? size : n - 2;
    const struct gn_bytes index = { (uint8_t *)(uintptr_t)(bytes + 2), size };
    const struct gn_bytes data = { index.data + size, n - 2 - size };
    const gn_status status = gn_checkpoint_of_bytes(&c, "fuzz", &index, &data);
    fuzz_told(status);
    for (int i = 0; i < c.n; i++) {
        const uint8_t *values = c.tensors[i].data;
        FUZZ_REQUIRE(c.tensors[i].count == 0 ||
                     (values >= data.data && values < data.data + data.size));
    }
    gn_checkpoint_close(&c);
}

static void checkpoint_seeds(const struct fuzz_target *target)
{
    size_t n, m;
    (void)target;
    uint8_t *index = test_read_file(GN_SOURCE_DIR "/tests/exchange/keras/layer-ckpt.index", &n);
    uint8_t *data =
        test_read_file(GN_SOURCE_DIR "/tests/exchange/keras/layer-ckpt.data-00000-of-00001", &m);
    uint8_t *seed = malloc(2 + n + m);
    FUZZ_REQUIRE(seed != NULL && n < 65536);
    seed[0] = (uint8_t)n;
    seed[1] = (uint8_t)(n >> 8);
    memcpy(seed + 2, index, n);
    memcpy(seed + 2 + n, data, m);
    fuzz_seed(seed, 2 + n + m);
    free(seed);
    free(index);
    free(data);
}

/* ---- What a .keras says ---- */

static void keras_config(const struct fuzz_target *target, const uint8_t *bytes, size_t n)
{
    struct gn_shape input = { 0, 0, 0 };
    (void)target;
    const bool found = gn_keras_input((const char *)bytes, n, &input);
    fuzz_taken += found;
    FUZZ_REQUIRE(!found || (input.h > 0 && input.w > 0 && input.c > 0));
    gn_clear_error();
}

static const char *const configs[] = {
    "{\"config\":{\"layers\":[{\"config\":{\"batch_shape\":[null,96,96,1]}}]}}",
    "{\"build_config\":{\"input_shape\":[null,8,9,3]},\"a\":[[[1]]]}", NULL
};

const struct fuzz_target fuzz_array_targets[] = {
    { .name = "npz", .run = fuzz_import, .word = ".npz", .make_seeds = import_seeds, .divisor = 4 },
    { .name = "npy", .run = npy, .make_seeds = npy_seeds },
    { .name = "hdf5",
      .run = fuzz_import,
      .word = ".h5",
      .make_seeds = import_seeds,
      .divisor = 20 },
    { .name = "keras-zip",
      .run = fuzz_import,
      .word = ".keras",
      .make_seeds = import_seeds,
      .divisor = 20 },
    { .name = "tensorflow", .run = checkpoint, .make_seeds = checkpoint_seeds },
    { .name = "keras-config", .run = keras_config, .texts = configs },
    { .name = NULL },
};
