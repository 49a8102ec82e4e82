/* labels: push
 * timeout: 240
 *
 * Files that Keras and TensorFlow wrote give their answers here: whole models, weights and checkpoints, with the
 * block as a layer, as a model or without a class. tools/exchange/make_keras.py made them, FORM-KIND with
 * FORM.golden, the logits of two images. GN_KERAS_FILES=FOLDER checks the files of another folder. */
#include "net/net.h"
#include "support/check.h"
#include "support/files.h"

#include "base/path.h"

#include <dirent.h>
#include <math.h>
#include <stdlib.h>

enum { SIDE = 32, CLASSES = 5, IMAGES = 2, VALUES = SIDE * SIDE };

static float inputs[IMAGES * VALUES];

static const char *folder(void)
{
    const char *given = getenv("GN_KERAS_FILES");
    return given != NULL ? given : GN_SOURCE_DIR "/tests/exchange/keras";
}

/* Whether the file was read; NO_DEVICE is a build without libhdf5. */
static bool check_file(const char *name)
{
    char path[GN_PATH_BYTES], golden[GN_PATH_BYTES];
    float logits[IMAGES * CLASSES], wanted[IMAGES * CLASSES];
    double error = 0, largest = 0;
    size_t n;
    (void)gn_path_join(path, folder(), name);
    (void)snprintf(golden, sizeof golden, "%s/%.*s.golden", folder(), (int)strcspn(name, "-"),
                   name);
    gn_net *net = gn_import(path, .size = SIDE);
    if (net == NULL && gn_error_status() == GN_STATUS_NO_DEVICE)
        return false;
    if (net == NULL)
        fail_msg("%s", gn_error_message());
    uint8_t *bytes = test_read_file(golden, &n);
    assert_int_equal(n, sizeof wanted);
    memcpy(wanted, bytes, n);
    free(bytes);
    assert_int_equal(gn_predict(net, logits, NULL, .inputs = inputs, .n = IMAGES), GN_OK);
    for (int i = 0; i < IMAGES * CLASSES; i++) {
        error = fmax(error, fabs((double)logits[i] - (double)wanted[i]));
        largest = fmax(largest, fabs((double)wanted[i]));
    }
    if (!(error <= 1e-4 * largest))
        fail_msg("%s: differs by %g of %g", name, error, largest);
    gn_free_net(net);
    return true;
}

static bool is_file(const char *name)
{
    const char *ending = gn_path_extension(name);
    return strchr(name, '-') != NULL &&
           (strcmp(ending, ".h5") == 0 || strcmp(ending, ".keras") == 0 ||
            strcmp(ending, ".index") == 0);
}

static void answers_are_theirs(void **state)
{
    int n = 0, read = 0;
    (void)state;
    for (size_t i = 0; i < IMAGES * VALUES; i++)
        inputs[i] = (float)((i * 2654435761U >> 7) % 1000) / 1000;
    DIR *list = opendir(folder());
    assert_non_null(list);
    for (const struct dirent *entry; (entry = readdir(list)) != NULL;)
        if (is_file(entry->d_name)) {
            n++;
            read += check_file(entry->d_name);
        }
    (void)closedir(list);
    print_message("%d of %d files of %s were read\n", read, n, folder());
    assert_true(n > 0 && read > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(answers_are_theirs) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
