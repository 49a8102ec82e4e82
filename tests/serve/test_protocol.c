/* labels: quick
 *
 * The Open Inference Protocol v2 over a real socket: what each address answers, every kind of tensor,
 * and what is said about requests that are wrong. */
#include "serve/loopback.h"
#include "support/check.h"
#include "support/files.h"

#include <googlenet.h>
#include <jansson.h>
#include <stdlib.h>
#include <zlib.h>

enum { SIDE = 28, PIXELS = SIDE * SIDE, CLASSES = 10 };

static struct test_server server;
static float input[2 * PIXELS], logits[2 * CLASSES];

/* What the library answers, with the server's batch. */
static void compute(void)
{
    gn_net *net = gn_preset("googlenet-small");
    gn_predictor *predictor = gn_predictor_create(net, 32);
    for (int i = 0; i < 2 * PIXELS; i++)
        input[i] = (float)((i * 7919) % 256) / 255.0F;
    assert_int_equal(gn_predictor_run(predictor, logits,
                                      &(struct gn_predict_options){ .inputs = input, .n = 2 }),
                     GN_OK);
    gn_predictor_free(predictor);
    gn_free_net(net);
}

static int start(void **state)
{
    (void)state;
    compute();
    server_start(&server, "first=googlenet-small second=googlenet-small");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    assert_int_equal(server_stop(&server), 130);
    return 0;
}

static json_t *json_of(const struct answer *answer)
{
    json_error_t fault;
    json_t *root = json_loadb(answer->body, answer->size, JSON_REJECT_DUPLICATES, &fault);
    if (root == NULL)
        fail_msg("not JSON: %s", answer->body);
    return root;
}

/* GET, with and without a slash at the end. */
static void gets(const char *path, int code, const char *part)
{
    char slashed[256];
    const struct answer *answer = ask_text(&server, "GET", path, NULL, NULL);
    assert_int_equal(answer->code, code);
    if (strstr(answer->body, part) == NULL)
        fail_msg("%s: no %s in %s", path, part, answer->body);
    snprintf(slashed, sizeof slashed, "%s/", path);
    answer = ask_text(&server, "GET", slashed, NULL, NULL);
    assert_int_equal(answer->code, code);
    assert_non_null(strstr(answer->body, part));
}

static void addresses_answer_with_and_without_slash_and_version(void **state)
{
    char path[256], version[32];
    (void)state;
    gets("/v2/health/live", 200, "\"live\": true");
    gets("/v2/health/ready", 200, "\"ready\": true");
    gets("/v2", 200, "\"binary_tensor_data\", \"classification\"");
    gets("/v2/models/first", 200, "\"platform\": \"googlenet_safetensors\"");
    gets("/v2/models/second/ready", 200, "{\"name\": \"second\", \"ready\": true}");
    gets("/labels", 200, "[\"0\", \"1\", ");
    gets("/v2/models/third", 404, "{\"error\": \"");
    gets("/v2/models", 404, "error");
    gets("/v2/models/first/versions/1", 404, "no such version");
    gets("/nothing", 404, "error");
    json_t *root = json_of(ask_text(&server, "GET", "/v2/models/first", NULL, NULL));
    snprintf(version, sizeof version, "%s",
             json_string_value(json_array_get(json_object_get(root, "versions"), 0)));
    json_decref(root);
    snprintf(path, sizeof path, "/v2/models/first/versions/%s", version);
    gets(path, 200, "\"shape\": [-1, 28, 28, 1]");
    snprintf(path, sizeof path, "/v2/models/first/versions/%s/ready", version);
    gets(path, 200, "\"ready\": true");
    const struct answer *answer = ask_text(&server, "HEAD", "/v2", NULL, NULL);
    assert_int_equal(answer->code, 200);
    answer = ask_text(&server, "POST", "/v2", NULL, "{}");
    assert_int_equal(answer->code, 405);
    assert_string_equal(header_of(answer, "Allow"), "GET, HEAD");
    assert_int_equal(ask_text(&server, "GET", "/predict", NULL, NULL)->code, 405);
}

/* A request with the input as JSON, flat or nested. */
static char *json_request(int n, bool nested, const char *rest)
{
    static char text[1 << 17];
    size_t at = (size_t)snprintf(
        text, sizeof text,
        "{\"id\": \"a \\\"b\\\"\", \"inputs\": [{\"name\": \"input\", \"data\": [");
    for (int i = 0; i < n * PIXELS; i++) {
        if (nested && i % PIXELS == 0)
            at += (size_t)snprintf(text + at, sizeof text - at, "[");
        if (nested && i % SIDE == 0)
            at += (size_t)snprintf(text + at, sizeof text - at, "[");
        at += (size_t)snprintf(text + at, sizeof text - at, nested ? "[%.9g]" : "%.9g",
                               (double)input[i]);
        if (nested && i % SIDE == SIDE - 1)
            at += (size_t)snprintf(text + at, sizeof text - at, "]");
        if (nested && i % PIXELS == PIXELS - 1)
            at += (size_t)snprintf(text + at, sizeof text - at, "]");
        if (i < n * PIXELS - 1)
            at += (size_t)snprintf(text + at, sizeof text - at, ", ");
    }
    (void)snprintf(text + at, sizeof text - at,
                   "], \"datatype\": \"FP32\", \"shape\": [%d, 28, 28, 1]}]%s}", n, rest);
    return text;
}

static void check_logits(const json_t *output, int n)
{
    const json_t *data = json_object_get(output, "data");
    assert_string_equal(json_string_value(json_object_get(output, "name")), "logits");
    assert_int_equal(json_array_size(data), n * CLASSES);
    for (int i = 0; i < n * CLASSES; i++) {
        const float value = (float)json_real_value(json_array_get(data, (size_t)i));
        assert_memory_equal(&value, &logits[i], sizeof value);
    }
}

static void json_tensors_have_the_library_s_bits(void **state)
{
    (void)state;
    for (int nested = 0; nested < 2; nested++)
        for (int n = 1; n <= 2; n++) {
            const struct answer *answer = ask_text(&server, "POST", "/v2/models/first/infer", NULL,
                                                   json_request(n, nested, ""));
            assert_int_equal(answer->code, 200);
            assert_non_null(header_of(answer, "X-Model-Version"));
            json_t *root = json_of(answer);
            assert_string_equal(json_string_value(json_object_get(root, "model_name")), "first");
            assert_string_equal(json_string_value(json_object_get(root, "id")), "a \"b\"");
            const json_t *outputs = json_object_get(root, "outputs");
            assert_int_equal(json_array_size(outputs), 2);
            check_logits(json_array_get(outputs, 0), n);
            json_decref(root);
        }
}

/* JSON, then the tensors; the header says how long the JSON is. */
static void ask_binary(const char *json, const void *tensor, size_t n, struct answer *answer)
{
    char header[128];
    const size_t length = strlen(json);
    char *body = malloc(length + n + 1);
    assert_non_null(body);
    memcpy(body, json, length);
    memcpy(body + length, tensor, n);
    snprintf(header, sizeof header, "Inference-Header-Content-Length: %zu\r\n", length);
    ask(&server, "POST", "/v2/models/first/infer", header, body, length + n, answer);
    free(body);
}

static void binary_tensors_come_and_go(void **state)
{
    (void)state;
    struct answer answer;
    char json[512];
    snprintf(
        json, sizeof json,
        "{\"inputs\":[{\"name\":\"input\",\"shape\":[2,28,28,1],\"datatype\":\"FP32\","
        "\"parameters\":{\"binary_data_size\":%zu}}],\"parameters\":{\"binary_data_output\":true},"
        "\"outputs\":[{\"name\":\"logits\"},{\"name\":\"probabilities\",\"parameters\":"
        "{\"binary_data\":false}}]}",
        sizeof input);
    ask_binary(json, input, sizeof input, &answer);
    assert_int_equal(answer.code, 200);
    const char *length = header_of(&answer, "Inference-Header-Content-Length");
    assert_non_null(length);
    const size_t at = strtoul(length, NULL, 10);
    assert_int_equal(answer.size - at, sizeof logits);
    assert_memory_equal(answer.body + at, logits, sizeof logits);
    assert_non_null(strstr(answer.body, "\"binary_data_size\": 80"));
    answer_free(&answer);
    /* One byte less than the shape needs, and a size that is not that of the bytes. */
    ask_binary(json, input, sizeof input - 1, &answer);
    assert_int_equal(answer.code, 400);
    assert_non_null(strstr(answer.body, "binary_data_size"));
    answer_free(&answer);
}

static void header_lengths_that_lie_are_refused(void **state)
{
    static const char *const wrong[] = { "0", "3", "999999999", "-1", "0x10", "1 1", "" };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char header[128];
        snprintf(header, sizeof header, "Inference-Header-Content-Length: %s\r\n", wrong[i]);
        assert_int_equal(
            ask_text(&server, "POST", "/v2/models/first/infer", header, json_request(1, false, ""))
                ->code,
            400);
    }
}

static void pictures_come_as_bytes_base64_form_and_body(void **state)
{
    size_t n;
    (void)state;
    uint8_t *png = test_read_file(GN_SOURCE_DIR "/docs/curves.png", &n);
    unsigned char *tensor = malloc(n + 4);
    struct answer answer, second;
    assert_non_null(tensor);
    ask(&server, "POST", "/predict", NULL, png, n, &answer);
    if (answer.code == 415)
        skip(); /* this build is without libpng */
    assert_int_equal(answer.code, 200);
    assert_int_equal(
        strncmp(answer.body, "{\"file\": null, \"index\": 0, \"top\": [{\"label\": ", 45), 0);
    for (int i = 0; i < 4; i++)
        tensor[i] = (unsigned char)(n >> (8 * i));
    memcpy(tensor + 4, png, n);
    char json[512];
    snprintf(json, sizeof json,
             "{\"inputs\":[{\"name\":\"input\",\"shape\":[1],\"datatype\":\"BYTES\",\"parameters\":"
             "{\"binary_data_size\":%zu}}],\"outputs\":[{\"name\":\"probabilities\",\"parameters\":"
             "{\"classification\":2}}]}",
             n + 4);
    ask_binary(json, tensor, n + 4, &second);
    assert_int_equal(second.code, 200);
    assert_non_null(
        strstr(second.body, "\"datatype\": \"BYTES\", \"shape\": [1, 2], \"data\": [\"0."));
    answer_free(&second);
    tensor[0]++; /* one byte more than there are */
    ask_binary(json, tensor, n + 4, &second);
    assert_int_equal(second.code, 400);
    answer_free(&second);
    /* A form as a browser sends it. */
    static const char begin[] =
        "--xyz\r\nContent-Disposition: form-data; name=\"f\"; filename=\"c.png\"\r\n"
        "Content-Type: image/png\r\n\r\n",
                      end[] = "\r\n--xyz--\r\n";
    char *form = malloc(sizeof begin + n + sizeof end);
    assert_non_null(form);
    memcpy(form, begin, sizeof begin - 1);
    memcpy(form + sizeof begin - 1, png, n);
    memcpy(form + sizeof begin - 1 + n, end, sizeof end - 1);
    ask(&server, "POST", "/predict", "Content-Type: multipart/form-data; boundary=xyz\r\n", form,
        sizeof begin + sizeof end - 2 + n, &second);
    assert_string_equal(second.body, answer.body);
    answer_free(&second);
    ask(&server, "POST", "/predict", "Content-Type: multipart/form-data; boundary=other\r\n", form,
        sizeof begin + sizeof end - 2 + n, &second);
    assert_int_equal(second.code, 400);
    answer_free(&second);
    answer_free(&answer);
    free(form);
    free(tensor);
    free(png);
}

static void base64_pictures_and_pixels_are_taken(void **state)
{
    (void)state;
    /* A PGM picture of 1x1 pixel, and the same pixel as UINT8. */
    const struct answer *answer =
        ask_text(&server, "POST", "/v2/models/first/infer", NULL,
                 "{\"inputs\":[{\"name\":\"input\",\"shape\":[1],\"datatype\":\"BYTES\",\"data\":"
                 "[\"UDUgMSAxIDI1NQqA\"]}],\"outputs\":[{\"name\":\"logits\"}]}");
    assert_int_equal(answer->code, 200);
    char *picture = strdup(answer->body);
    answer = ask_text(&server, "POST", "/v2/models/first/infer", NULL,
                      "{\"inputs\":[{\"name\":\"input\",\"shape\":[1,1,1,1],\"datatype\":\"UINT8\","
                      "\"data\":[[[[128]]]]}],\"outputs\":[{\"name\":\"logits\"}]}");
    assert_int_equal(answer->code, 200);
    assert_string_equal(answer->body, picture);
    free(picture);
    assert_int_equal(
        ask_text(&server, "POST", "/v2/models/first/infer", NULL,
                 "{\"inputs\":[{\"name\":\"input\",\"shape\":[1],\"datatype\":\"BYTES\","
                 "\"data\":[\"bm90IGEgcGljdHVyZQ==\"]}]}")
            ->code,
        422);
}

/* The body of a request packed by zlib. */
static void ask_packed(const char *body, int window, const char *header, struct answer *answer)
{
    static unsigned char packed[1 << 17];
    z_stream z = { 0 };
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (unsigned char *)(uintptr_t)body;
    z.avail_in = (uInt)strlen(body);
    z.next_out = packed;
    z.avail_out = sizeof packed;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    ask(&server, "POST", "/v2/models/first/infer", header, packed, z.total_out, answer);
    (void)deflateEnd(&z);
}

static void packed_bodies_are_unpacked(void **state)
{
    struct answer answer;
    (void)state;
    char *body = strdup(json_request(1, false, ""));
    ask_packed(body, MAX_WBITS + 16, "Content-Encoding: gzip\r\n", &answer);
    assert_int_equal(answer.code, 200);
    answer_free(&answer);
    ask_packed(body, MAX_WBITS, "Content-Encoding: deflate\r\n", &answer);
    assert_int_equal(answer.code, 200);
    answer_free(&answer);
    ask_packed(body, MAX_WBITS, "Content-Encoding: gzip\r\n", &answer);
    assert_int_equal(answer.code, 400);
    answer_free(&answer);
    ask_packed(body, MAX_WBITS, "Content-Encoding: br\r\n", &answer);
    assert_int_equal(answer.code, 415);
    answer_free(&answer);
    free(body);
}

static void wrong_requests_are_named(void **state)
{
#define INPUT(shape, type, data)                                                                   \
    "{\"inputs\":[{\"name\":\"input\",\"shape\":" shape ",\"datatype\":\"" type                    \
    "\",\"data\":" data "}]}"
    static const struct {
        const char *body, *part;
    } wrong[] = {
        { "", "" },
        { "{", "not valid JSON" },
        { "[]", "a JSON object is expected" },
        { "{}", "inputs" },
        { "{\"inputs\":[]}", "an array of one input" },
        { "{\"inputs\":1,\"inputs\":2}", "not valid JSON: duplicate" },
        { INPUT("[1,28,28,1]", "FP32", "[1e308]"), "too large for FP32" },
        { INPUT("[1,28,28,1]", "FP32", "[NaN]"), "not a number" },
        { INPUT("[1,28,28,1]", "FP32", "[1,2"), "lacks a comma" },
        { INPUT("[1,28,28,1]", "FP32", "[1,2]"), "2 values, the shape needs 784" },
        { INPUT("[1,28,28,1]", "FP32", "[[1],[1,2]]"), "same length" },
        { INPUT("[1,28,28,1]", "FP32", "[[1],2]"), "nested unevenly" },
        { INPUT("[1,28,28,1]", "FP32", "[1,\\\"a\\\"]"), "data" },
        { INPUT("[1,28,28,1]", "FP32", "[1,,2]"), "lacks a value" },
        { INPUT("[1,28,28,1]", "FP32", "[1 2]"), "lacks a comma" },
        { INPUT("[0,28,28,1]", "FP32", "[]"), "from 1 on" },
        { INPUT("[33,28,28,1]", "FP32", "[]"), "at most 32" },
        { INPUT("[1,28,28,3]", "FP32", "[]"), "the model takes 28x28x1" },
        { INPUT("[9223372036854775807,28,28,1]", "FP32", "[]"), "shape[0]" },
        { INPUT("[9223372036854775808,28,28,1]", "FP32", "[]"), "not valid JSON" },
        { INPUT("[1,99999,99999,3]", "UINT8", "[]"), "too many values" },
        { INPUT("[1,1,1,1]", "UINT8", "[256]"), "0 to 255" },
        { INPUT("[1,1,1,2]", "UINT8", "[1,2]"), "1 or 3 channels" },
        { INPUT("[1]", "BYTES", "[\"!\"]"), "base64" },
        { INPUT("[2]", "BYTES", "[\"aaaa\"]"), "the shape needs 2 strings" },
        { INPUT("[1]", "FP16", "[1]"), "datatype" },
        { "{\"inputs\":[{\"name\":\"x\"}]}", "is called" },
        { "{\"id\":1,\"inputs\":[]}", "id: a string" },
        { "{\"inputs\":[],\"outputs\":[{\"name\":\"x\"}]}", "is not an output" },
        { "{\"inputs\":[{\"data\":[1]},{\"data\":[2]}]}", "more than one input" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const struct answer *answer =
            ask_text(&server, "POST", "/v2/models/first/infer", NULL, wrong[i].body);
        if (answer->code != 400 || strstr(answer->body, wrong[i].part) == NULL)
            fail_msg("%s: %d %s", wrong[i].body, answer->code, answer->body);
        json_decref(json_of(answer));
    }
}

static void deep_and_long_texts_cost_nothing(void **state)
{
    enum { DEPTH = 100000 };
    static char text[DEPTH + 64];
    (void)state;
    memset(text, '[', DEPTH);
    text[DEPTH] = '\0';
    assert_int_equal(ask_text(&server, "POST", "/v2/models/first/infer", NULL, text)->code, 413);
    memcpy(text, "{\"inputs\":[{\"data\":", 19);
    assert_int_equal(ask_text(&server, "POST", "/v2/models/first/infer", NULL, text)->code, 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_answer_with_and_without_slash_and_version),
        cmocka_unit_test(json_tensors_have_the_library_s_bits),
        cmocka_unit_test(binary_tensors_come_and_go),
        cmocka_unit_test(header_lengths_that_lie_are_refused),
        cmocka_unit_test(pictures_come_as_bytes_base64_form_and_body),
        cmocka_unit_test(base64_pictures_and_pixels_are_taken),
        cmocka_unit_test(packed_bodies_are_unpacked),
        cmocka_unit_test(wrong_requests_are_named),
        cmocka_unit_test(deep_and_long_texts_cost_nothing),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
