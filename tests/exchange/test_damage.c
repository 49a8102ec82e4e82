/* labels: push
 * timeout: 300
 *
 * Hundreds of damaged files of Keras, TensorFlow and NumPy: cut off, with bits turned and with zeros in them, by seed.
 * Each import ends within seconds and its share of memory, with a model or with one sentence and exit code 4
 * or 3. Where checksums protect a file, what is still read has the weights of the whole one. GN_CASE=NUMBER
 * runs one change of each file. */
#include "base/memory.h"
#include "base/random.h"
#include "net/net.h"
#include "support/check.h"
#include "support/files.h"

#include <stdlib.h>
#include <time.h>

enum { CHANGES = 120, SECONDS = 20, CONSTANT = 192 << 20 };

static const char network[] = "input 16 1\nclasses 3\nnorm keras\nstage b1\nconv conv 2 3 2\n"
                              "stage b2\ninception i1 1 1 2 1 1 1\nmean\nstage\noutput dense\n";

static uint64_t draw(int number, uint64_t i, uint64_t n)
{
    return gn_random_below(11, GN_RANDOM_TEST, (uint64_t)number, i, n);
}

/* Damages the copy; returns its size. */
static size_t damage(uint8_t *bytes, size_t n, int number)
{
    if (number % 4 == 0)
        return (size_t)draw(number, 0, n);
    if (number % 4 == 1) {
        const size_t at = (size_t)draw(number, 0, n), size = 1 + (size_t)draw(number, 1, 64);
        memset(bytes + at, number % 8 < 4 ? 0 : 0xff, size < n - at ? size : n - at);
        return n;
    }
    const uint64_t bits = 1 + draw(number, 0, 8);
    for (uint64_t i = 1; i <= bits; i++) { /* half of them where the tables are: in the first KiB */
        const size_t span = i % 2 != 0 && n > 1024 ? 1024 : n;
        bytes[draw(number, 2 * i, span)] ^= (uint8_t)(1U << draw(number, 2 * i + 1, 8));
    }
    return n;
}

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Whether it was refused. */
static bool import_one(const char *path, const char *model, size_t n, int number, uint32_t hash)
{
    const double start = now();
    const uint64_t before = (gn_alloc_peak(true), gn_alloc_peak(false));
    gn_net *net = gn_import(path, .model = model);
    const gn_status status = net == NULL ? gn_error_status() : GN_OK;
    assert_true(now() - start < SECONDS);
    assert_true(gn_alloc_peak(false) - before <= 4 * (uint64_t)n + CONSTANT);
    if (net != NULL) {
        if (hash != 0 && gn_net_hash(net) != hash)
            fail_msg("%s, change %d: damaged weights are taken", path, number);
        gn_free_net(net);
        return false;
    }
    if (status != GN_STATUS_BAD_MODEL && status != GN_STATUS_UNSUPPORTED &&
        status != GN_STATUS_BAD_DATA)
        fail_msg("%s, change %d: status %d: %s", path, number, (int)status, gn_error_message());
    assert_true(strncmp(gn_error_message(), path, strcspn(path, ".") + 1) == 0); /* "c.data" */
    gn_clear_error();
    return true;
}

/* `source` whole at `path` first; `hash`: of the weights, 0: no checksum protects them. */
static void damage_all(const char *source, const char *path, const char *model, uint32_t hash)
{
    size_t n;
    int refused = 0;
    const char *one = getenv("GN_CASE");
    uint8_t *whole = test_read_file(source, &n);
    uint8_t *copy = malloc(n + 1);
    assert_non_null(copy);
    test_write_file(path, whole, n);
    if (import_one(path, model, n, -1, hash))
        fail_msg("%s: the whole file is refused", path);
    for (int i = 0; i < CHANGES; i++) {
        if (one != NULL && atoi(one) != i) /* NOLINT: of the tester */
            continue;
        memcpy(copy, whole, n);
        const size_t size = damage(copy, n, i);
        test_write_file(path, copy, size);
        refused += import_one(path, model, size, i, hash);
    }
    print_message("%s: %d of %d changes are refused\n", path, refused, CHANGES);
    assert_true(one != NULL || refused >= CHANGES / 4);
    free(copy);
    free(whole);
}

static gn_net *make(void)
{
    test_write_file("net.net", network, sizeof network - 1);
    gn_net *net = gn_preset("net.net", .seed = 3);
    assert_non_null(net);
    return net;
}

static void damaged_keras_files(void **state)
{
    static const char *const files[] = { "a.weights.h5", "a.h5", "a.keras" };
    (void)state;
    gn_net *net = make();
    for (int i = 0; i < 3; i++) {
        const gn_status status = gn_export(net, files[i]);
        if (status == GN_STATUS_NO_DEVICE) {
            gn_free_net(net);
            skip(); /* no libhdf5 */
        }
        assert_int_equal(status, GN_OK);
    }
    damage_all("a.weights.h5", "b.weights.h5", "net.net", 0); /* HDF5 has no checksums */
    damage_all("a.h5", "b.h5", "net.net", 0);
    damage_all("a.keras", "b.keras", "net.net", gn_net_hash(net));
    gn_free_net(net);
}

static void damaged_arrays(void **state)
{
    (void)state;
    gn_net *net = make();
    assert_int_equal(gn_export(net, "a.npz"), GN_OK);
    damage_all("a.npz", "b.npz", "net.net", gn_net_hash(net));
    gn_free_net(net);
}

/* Both files of a checkpoint, of the notebook's network. */
static void damaged_checkpoints(void **state)
{
    static const char index[] = GN_SOURCE_DIR "/tests/exchange/keras/layer-ckpt.index";
    static const char data[] = GN_SOURCE_DIR "/tests/exchange/keras/layer-ckpt.data-00000-of-00001";
    size_t n;
    (void)state;
    gn_net *net = gn_import(index);
    if (net == NULL)
        fail_msg("%s", gn_error_message());
    const uint32_t hash = gn_net_hash(net);
    gn_free_net(net);
    uint8_t *whole = test_read_file(data, &n), *copy = malloc(n + 1);
    assert_non_null(copy);
    test_write_file("c.data-00000-of-00001", whole, n);
    damage_all(index, "c.index", NULL, hash);
    size_t n_table;
    uint8_t *table = test_read_file(index, &n_table);
    test_write_file("c.index", table, n_table);
    free(table);
    for (int i = 0; i < CHANGES; i++) {
        memcpy(copy, whole, n);
        test_write_file("c.data-00000-of-00001", copy, damage(copy, n, i));
        (void)import_one("c.index", NULL, n, i, hash);
    }
    free(copy);
    free(whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(damaged_keras_files),
                                        cmocka_unit_test(damaged_arrays),
                                        cmocka_unit_test(damaged_checkpoints) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
