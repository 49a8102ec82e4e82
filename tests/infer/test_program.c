/* labels: quick
 * timeout: 180
 *
 * `googlenet predict`: files as arguments have the answers of their folder, in the order of the
 * arguments, around files that cannot be read; weights that are not numbers have none. */
#include "infer/pictures.h"
#include "support/check.h"
#include "support/files.h"

#include <math.h>
#include <stdlib.h>
#include <sys/wait.h>

enum { MANY = 70, TEXT = 1 << 20 };

#define NET "googlenet-small --size 32 --channels 3 --classes 3 --threads 2 -q"

static char out[TEXT], err[TEXT];

static void read_text(const char *path, char *text)
{
    size_t n;
    uint8_t *bytes = test_read_file(path, &n);
    assert_true(n < TEXT);
    memcpy(text, bytes, n);
    text[n] = '\0';
    free(bytes);
}

/* Runs `googlenet predict ARGUMENTS`; its streams are then in `out` and `err`. Returns its code. */
static int predict(const char *arguments)
{
    static char command[1 << 14];
    const char *program = getenv("GOOGLENET");
    assert_non_null(program);
    const int n = snprintf(command, sizeof command, "'%s' predict %s >out.txt 2>err.txt </dev/null",
                           program, arguments);
    assert_true(n > 0 && (size_t)n < sizeof command);
    const int status = system(command);
    assert_true(WIFEXITED(status));
    read_text("out.txt", out);
    read_text("err.txt", err);
    return WEXITSTATUS(status);
}

/* Lines of `text` that hold `part`. */
static int lines_with(const char *text, const char *part)
{
    int n = 0;
    for (const char *line = text; *line != '\0';) {
        const char *end = strchr(line, '\n');
        const char *found = strstr(line, part);
        n += found != NULL && (end == NULL || found < end);
        if (end == NULL)
            break;
        line = end + 1;
    }
    return n;
}

static int setup(void **state)
{
    (void)state;
    const struct gn_file_bytes png = golden_file(2);
    golden_write("many", MANY);
    golden_write("few", 4);
    test_write_file("broken.png", png.bytes, png.size / 2);
    test_write_file("empty", "", 0);
    test_write_file("text.jpg", "no picture", 10);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    golden_close();
    return 0;
}

static void files_as_arguments_have_the_answers_of_their_folder(void **state)
{
    (void)state;
    static char folder[TEXT];
    static const char *const forms[] = { "--json --logits", "--top 2" };
    for (int i = 0; i < 2; i++) {
        char arguments[256];
        (void)snprintf(arguments, sizeof arguments, NET " %s many", forms[i]);
        assert_int_equal(predict(arguments), 0);
        (void)strcpy(folder, out);
        assert_int_equal(lines_with(out, "many/"), MANY);
        (void)snprintf(arguments, sizeof arguments, NET " %s many/*", forms[i]);
        assert_int_equal(predict(arguments), 0);
        assert_string_equal(out, folder);
    }
}

static void answers_follow_the_order_of_the_arguments(void **state)
{
    (void)state;
    static const char *const order[] = { "\"file\": \"few/02.png\"", "\"file\": \"few/00.jpg\"",
                                         "\"file\": \"few/00.jpg\"", "\"file\": \"few/03.png\"",
                                         "\"file\": \"few/01.jpg\"" };
    assert_int_equal(
        predict(NET " --json few/02.png few/00.jpg few --limit 1 few/03.png few/01.jpg"), 0);
    const char *at = out;
    for (int i = 0; i < 5; i++) {
        at = strstr(at, order[i]);
        assert_non_null(at);
        at = strchr(at, '\n');
        assert_non_null(at);
    }
    assert_string_equal(at, "\n");
}

static void a_bad_file_ends_the_answers_by_default(void **state)
{
    (void)state;
    assert_int_equal(predict(NET " few/00.jpg few/01.jpg broken.png few/02.png"), 3);
    assert_int_equal(lines_with(out, "few/"), 2);
    assert_int_equal(lines_with(err, "googlenet: "), 1);
    assert_int_equal(lines_with(err, "broken.png: PNG: "), 1);
    assert_int_equal(predict(NET " few/00.jpg missing.jpg"), 3);
    assert_int_equal(lines_with(err, "missing.jpg: picture: there is no such file"), 1);
    assert_int_equal(predict(NET " empty"), 3);
    assert_int_equal(lines_with(err, "empty: picture: the file is empty"), 1);
}

/* And the code says that something is missing. */
static void skip_answers_every_good_file(void **state)
{
    (void)state;
    assert_int_equal(predict(NET " few/00.jpg broken.png few/01.jpg empty text.jpg missing.png "
                                 "no-folder/x few/02.png --on-bad-image skip"),
                     3);
    assert_int_equal(lines_with(out, "few/"), 3);
    assert_int_equal(lines_with(err, "left out: "), 5);
    assert_int_equal(lines_with(err, "broken.png"), 1);
    assert_int_equal(lines_with(err, "text.jpg: picture: its first bytes are not those of"), 1);
    assert_int_equal(predict(NET " few few/02.png --on-bad-image skip"), 0);
    assert_int_equal(lines_with(out, "few/"), 5);
    assert_int_equal(predict(NET " broken.png --on-bad-image skip"), 3);
    assert_string_equal(out, "");
}

/* A file of another tool: gn_save refuses such weights. */
static void write_foreign(gn_net *net, const char *path)
{
    static char header[TEXT];
    struct gn_tensor_info t;
    size_t bytes = 0;
    int n = snprintf(header, sizeof header, "{");
    for (int i = 0; gn_net_tensor(net, i, &t) == GN_OK; i++) {
        n += snprintf(header + n, sizeof header - (size_t)n,
                      "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[", i > 0 ? "," : "", t.name);
        for (int k = 0; k < t.rank; k++)
            n += snprintf(header + n, sizeof header - (size_t)n, "%s%d", k > 0 ? "," : "",
                          t.shape[k]);
        n += snprintf(header + n, sizeof header - (size_t)n, "],\"data_offsets\":[%zu,%zu]}", bytes,
                      bytes + t.count * sizeof(float));
        bytes += t.count * sizeof(float);
    }
    gn_clear_error(); /* of the number behind the last tensor */
    n += snprintf(header + n, sizeof header - (size_t)n, "}");
    uint8_t *file = malloc(8 + (size_t)n + bytes);
    assert_non_null(file);
    for (int i = 0; i < 8; i++)
        file[i] = (uint8_t)((uint64_t)n >> (8 * i));
    memcpy(file + 8, header, (size_t)n);
    size_t at = 8 + (size_t)n;
    for (int i = 0; gn_net_tensor(net, i, &t) == GN_OK; at += t.count * sizeof(float), i++)
        memcpy(file + at, t.values, t.count * sizeof(float));
    gn_clear_error();
    test_write_file(path, file, at);
    free(file);
}

static void weights_that_are_not_finite_are_named_at_load_and_in_the_answer(void **state)
{
    (void)state;
    struct gn_tensor_info tensor;
    gn_net *net = gn_preset("googlenet-small", .size = 32, .channels = 3, .classes = 3);
    assert_int_equal(gn_net_tensor(net, 2, &tensor), GN_OK);
    tensor.values[tensor.count / 2] = NAN;
    write_foreign(net, "nan.safetensors");
    assert_int_equal(predict("nan.safetensors few/00.jpg few/01.jpg --json -q --preset "
                             "googlenet-small --size 32 --channels 3 --classes 3"),
                     1);
    assert_string_equal(out, "");
    assert_int_equal(lines_with(err, tensor.name), 2);
    assert_int_equal(lines_with(err, "warning: nan.safetensors: tensor"), 1);
    assert_int_equal(lines_with(err, "few/00.jpg: the answer is not a number"), 1);
    gn_free_net(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_as_arguments_have_the_answers_of_their_folder),
        cmocka_unit_test(answers_follow_the_order_of_the_arguments),
        cmocka_unit_test(a_bad_file_ends_the_answers_by_default),
        cmocka_unit_test(skip_answers_every_good_file),
        cmocka_unit_test(weights_that_are_not_finite_are_named_at_load_and_in_the_answer),
    };
    if (!golden_readable()) {
        (void)puts("skipped: this build is without libjpeg-turbo or libpng");
        return 77;
    }
    return cmocka_run_group_tests(tests, setup, teardown);
}
