/* labels: push
 *
 * POST /explain: the answer of /predict with the library's Grad-CAM map, for the most probable class or the
 * one that is named; and small pictures that become large inputs do not fill the memory. */
#include "serve/loopback.h"
#include "support/check.h"

#include <googlenet.h>
#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum { SIDE = 28, PIXELS = SIDE * SIDE, CLASSES = 10 };

static struct test_server server;
static char picture[32 + PIXELS];
static size_t picture_size;

static void make_picture(void)
{
    picture_size = (size_t)snprintf(picture, sizeof picture, "P5 28 28 255\n");
    for (int i = 0; i < PIXELS; i++)
        picture[picture_size++] = (char)((i * i * 31) % 256);
}

static json_t *explain(const char *path, int code)
{
    struct answer answer;
    ask(&server, "POST", path, NULL, picture, picture_size, &answer);
    if (answer.code != code)
        fail_msg("%s: %d, %s", path, answer.code, answer.body);
    json_t *root = json_loadb(answer.body, answer.size, 0, NULL);
    assert_non_null(root);
    answer_free(&answer);
    return root;
}

/* The library's map of the picture. */
static void check_map(const json_t *map, int wanted)
{
    struct gn_explainer_info info;
    static float input[PIXELS], logits[CLASSES], values[PIXELS];
    gn_net *net = gn_preset("googlenet-small");
    gn_predictor *predictor = gn_predictor_create(net, 32);
    gn_preprocessor *preprocessor = gn_preprocessor_create(net, 0);
    gn_explainer *explainer = gn_explainer_create(net, NULL, .classes = 1);
    assert_int_equal(gn_preprocess_file(preprocessor, picture, picture_size, input), GN_OK);
    assert_int_equal(gn_predictor_run(predictor, logits,
                                      &(struct gn_predict_options){ .inputs = input, .n = 1 }),
                     GN_OK);
    if (wanted < 0)
        assert_int_equal(gn_top_classes(logits, CLASSES, 1, &wanted), 1);
    assert_int_equal(gn_grad_cam(explainer, input, &wanted, 1, values), GN_OK);
    assert_int_equal(gn_explainer_describe(explainer, &info), GN_OK);
    assert_int_equal(json_integer_value(json_object_get(map, "class")), wanted);
    assert_string_equal(json_string_value(json_object_get(map, "layer")), info.layer);
    assert_int_equal(json_integer_value(json_object_get(map, "height")), info.height);
    assert_int_equal(json_integer_value(json_object_get(map, "width")), info.width);
    const json_t *given = json_object_get(map, "values");
    assert_int_equal(json_array_size(given), info.height * info.width);
    for (int i = 0; i < info.height * info.width; i++)
        if ((float)json_number_value(json_array_get(given, (size_t)i)) != values[i])
            fail_msg("value %d", i);
    const json_t *seen = json_object_get(map, "input");
    assert_int_equal(json_integer_value(json_object_get(seen, "height")), SIDE);
    assert_int_equal(json_integer_value(json_object_get(seen, "short_side")), 0);
    gn_explainer_free(explainer);
    gn_preprocessor_free(preprocessor);
    gn_predictor_free(predictor);
    gn_free_net(net);
}

static void maps_are_the_library_s(void **state)
{
    (void)state;
    make_picture();
    server_start(&server, "googlenet-small");
    json_t *plain = explain("/predict", 200), *first = explain("/explain", 200);
    check_map(json_object_get(first, "map"), -1);
    assert_null(json_object_get(plain, "map"));
    assert_true(json_equal(json_object_get(plain, "top"), json_object_get(first, "top")));
    json_t *third = explain("/explain/?class=3&model=googlenet", 200);
    check_map(json_object_get(third, "map"), 3);
    assert_true(json_equal(json_object_get(plain, "top"), json_object_get(third, "top")));
    json_decref(explain("/explain?class=10", 400));
    json_decref(explain("/explain?class=-1", 400));
    json_decref(explain("/explain?class=x", 400));
    json_decref(explain("/explain?model=other", 404));
    assert_int_equal(ask_text(&server, "GET", "/explain", NULL, NULL)->code, 405);
    assert_int_equal(ask_text(&server, "POST", "/explain", NULL, "nothing")->code, 422);
    json_decref(plain);
    json_decref(first);
    json_decref(third);
    assert_int_equal(server_stop(&server), 130);
}

/* ---- In company, and many ---- */

enum { CLIENTS = 12, ROUNDS = 5 };

static json_t *alone; /* the answer to nobody else's company */

static void *ask_both(void *wrong)
{
    for (int i = 0; i < ROUNDS; i++) {
        json_t *one = explain("/predict", 200), *other = explain("/explain", 200);
        if (!json_equal(json_object_get(one, "top"), json_object_get(other, "top")) ||
            !json_equal(other, alone) || json_object_get(one, "map") != NULL)
            *(int *)wrong += 1;
        json_decref(one);
        json_decref(other);
    }
    return NULL;
}

static void maps_and_answers_do_not_mix(void **state)
{
    pthread_t threads[CLIENTS];
    int wrong[CLIENTS] = { 0 };
    (void)state;
    server_start(&server, "googlenet-small --max-batch 4 --max-wait 5");
    alone = explain("/explain", 200);
    for (int i = 0; i < CLIENTS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_both, &wrong[i]), 0);
    for (int i = 0; i < CLIENTS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(wrong[i], 0);
    }
    json_decref(alone);
    assert_int_equal(server_stop(&server), 130);
}

/* 60 requests, each of 32 pictures of one pixel (1 kB) that become 32 inputs of 64x64x3 (1.6 MB). */
static void small_pictures_do_not_fill_the_memory(void **state)
{
    enum { MANY = 60 };
    static int sockets[MANY];
    char pictures[1024], body[2048], text[4096];
    size_t n = 0;
    (void)state;
    for (int i = 0; i < 32; i++)
        n += (size_t)snprintf(pictures + n, sizeof pictures - n, "%s\"UDUgMSAxIDI1NQqA\"",
                              i > 0 ? "," : "");
    snprintf(
        body, sizeof body,
        "{\"inputs\":[{\"name\":\"input\",\"shape\":[32],\"datatype\":\"BYTES\",\"data\":[%s]}]}",
        pictures);
    n = (size_t)snprintf(text, sizeof text,
                         "POST /v2/models/googlenet/infer HTTP/1.1\r\nHost: x\r\n"
                         "Content-Length: %zu\r\n\r\n%s",
                         strlen(body), body);
    server_start(&server, "googlenet --size 64 --channels 3 --request-timeout 15");
    assert_int_equal(ask_text(&server, "POST", "/v2/models/googlenet/infer", NULL, body)->code,
                     200);
    const long before = server_resident(&server);
    for (int i = 0; i < MANY; i++) {
        sockets[i] = server_connect(&server, 60);
        assert_true(sockets[i] >= 0);
        send_all(sockets[i], text, n);
    }
    int done = 0;
    long most = 0;
    for (int i = 0; i < MANY; i++) {
        struct answer answer;
        read_answer(sockets[i], &answer, false);
        assert_true(answer.code == 200 || answer.code == 503 || answer.code == 504);
        done += answer.code == 200;
        const long resident = server_resident(&server);
        most = resident > most ? resident : most;
        answer_free(&answer);
        close(sockets[i]);
    }
    assert_true(done > 0);
    print_message("%d done, %ld kB, then %ld kB\n", done, before, most);
    /* A sanitizer keeps what was freed for a while. */
    const char *sanitizer = getenv("GN_SANITIZE");
    if (sanitizer == NULL || sanitizer[0] == '\0')
        assert_true(most - before < 40000); /* of 94 MB */
    assert_int_equal(server_stop(&server), 130);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_are_the_library_s),
        cmocka_unit_test(maps_and_answers_do_not_mix),
        cmocka_unit_test(small_pictures_do_not_fill_the_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
