/* labels: quick isa
 *
 * Predictors share packed weights: each (layer, layout) is packed once, whatever batches and threads
 * the predictors have, and the bits are those of a predictor alone. */
#include "base/memory.h"
#include "base/random.h"
#include "infer/pictures.h"
#include "infer/predictor.h"
#include "support/check.h"
#include "support/files.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

enum { SIZE = 48, N = 6, CLASSES = 10, PIXELS = SIZE * SIZE * 3 };

static uint8_t pixels[N * PIXELS];
static const struct gn_predict_options images = {
    .pixels = pixels, .n = N, .height = SIZE, .width = SIZE, .channels = 3
};

static int setup(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)gn_random_bits(0, GN_RANDOM_TEST, 1, i);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    golden_close();
    return 0;
}

static gn_net *make_net(const char *preset)
{
    gn_net *net = gn_preset(preset, .size = SIZE, .channels = 3, .classes = CLASSES, .seed = 7);
    assert_non_null(net);
    /* Biases and statistics that are not all alike, so that none can be taken for another. */
    struct gn_tensor_info tensor;
    for (int i = 0; gn_net_tensor(net, i, &tensor) == GN_OK; i++)
        for (size_t k = 0; tensor.rank == 1 && k < tensor.count; k++)
            tensor.values[k] += 0.1F * gn_random_unit(0, GN_RANDOM_TEST, 9 + (uint64_t)i, k);
    gn_clear_error(); /* of the number after the last tensor */
    return net;
}

static void run(gn_predictor *predictor, float logits[N][CLASSES])
{
    if (gn_predictor_run(predictor, logits[0], &images) != GN_OK)
        fail_msg("%s", gn_error_message());
}

static void answers_are_those_of_a_predictor_alone(const char *preset)
{
    static const int batches[] = { 1, 5, 1, 16, 5 };
    enum { KINDS = 5 };
    gn_net *net = make_net(preset);
    gn_pack *pack = gn_pack_create(net);
    gn_predictor *shared[KINDS];
    uint64_t bytes[KINDS + 1] = { gn_pack_bytes(pack) };
    float alone[N][CLASSES], together[N][CLASSES];
    assert_int_equal(bytes[0], 0);
    for (int i = 0; i < KINDS; i++) {
        shared[i] = gn_predictor_create(net, batches[i], .threads = 1 + i % 2, .pack = pack);
        assert_non_null(shared[i]);
        bytes[i + 1] = gn_pack_bytes(pack);
    }
    /* The weights are counted once: by the first plan that needs them. */
    assert_true(bytes[1] > 0);
    assert_int_equal(bytes[3], bytes[2]);
    assert_int_equal(bytes[5], bytes[4]);
    assert_true(bytes[5] < 2 * bytes[1] + 2 * bytes[1]);
    const uint64_t arena = gn_plan_bytes(shared[2]->plan);
    assert_true(arena + bytes[1] <= gn_plan_bytes(shared[0]->plan) + 4096);
    gn_pack_free(pack); /* the predictors keep it */
    for (int i = 0; i < KINDS; i++) {
        gn_predictor *own = gn_predictor_create(net, batches[i], .threads = 1);
        run(own, alone);
        run(shared[i], together);
        assert_memory_equal(alone, together, sizeof alone);
        gn_predictor_free(own);
        gn_predictor_free(shared[i]);
    }
    gn_free_net(net);
}

static void predictors_share_packed_weights(void **state)
{
    (void)state;
    answers_are_those_of_a_predictor_alone("googlenet");
}

static void folded_normalisations_are_shared_too(void **state)
{
    (void)state;
    answers_are_those_of_a_predictor_alone("googlenet-bn");
}

struct user {
    gn_net *net;
    gn_pack *pack;
    int batch;
    float logits[N][CLASSES];
};

static void *predict_often(void *argument)
{
    struct user *user = argument;
    for (int i = 0; i < 3; i++) {
        gn_predictor *p =
            gn_predictor_create(user->net, user->batch, .threads = 1, .pack = user->pack);
        if (p == NULL || gn_predictor_run(p, user->logits[0], &images) != GN_OK)
            memset(user->logits, 0xff, sizeof user->logits);
        gn_predictor_free(p);
    }
    return NULL;
}

static void threads_may_make_and_use_them_at_the_same_time(void **state)
{
    (void)state;
    enum { USERS = 4 };
    gn_net *net = make_net("googlenet-small");
    gn_pack *pack = gn_pack_create(net);
    struct user users[USERS];
    pthread_t threads[USERS];
    for (int i = 0; i < USERS; i++) {
        users[i] = (struct user){ .net = net, .pack = pack, .batch = 1 + i % 3 };
        assert_int_equal(pthread_create(&threads[i], NULL, predict_often, &users[i]), 0);
    }
    for (int i = 0; i < USERS; i++)
        (void)pthread_join(threads[i], NULL);
    for (int i = 0; i < USERS; i++) {
        float alone[N][CLASSES];
        gn_predictor *own = gn_predictor_create(net, users[i].batch, .threads = 1);
        run(own, alone);
        assert_memory_equal(users[i].logits, alone, sizeof alone);
        gn_predictor_free(own);
    }
    gn_pack_free(pack);
    gn_free_net(net);
}

static void a_pack_belongs_to_one_network(void **state)
{
    (void)state;
    gn_net *net = make_net("googlenet-small"), *other = make_net("googlenet-small");
    gn_pack *pack = gn_pack_create(net);
    assert_null(gn_predictor_create(other, 1, .pack = pack));
    check_error(GN_STATUS_BAD_ARGUMENT, "made for another network");
    gn_pack_free(pack);
    gn_pack_free(NULL);
    assert_int_equal(gn_pack_bytes(NULL), 0);
    assert_null(gn_pack_create(NULL));
    check_error(GN_STATUS_BAD_ARGUMENT, "pack: no network is given");
    gn_free_net(other);
    gn_free_net(net);
}

static void memory_that_is_missing_is_an_error_and_no_leak(void **state)
{
    (void)state;
    gn_net *net = make_net("googlenet-small");
    gn_predictor *p = NULL;
    for (uint64_t k = 1; p == NULL; k++) {
        assert_true(k < 60);
        gn_alloc_fail_after(k, false);
        p = gn_predictor_create(net, 2);
        gn_alloc_fail_after(0, false);
        if (p == NULL)
            check_error(GN_STATUS_NO_MEMORY, "");
    }
    gn_predictor_free(p);
    gn_free_net(net);
}

/* Nothing is made anew for images in memory. */
static void a_second_call_allocates_nothing(void **state)
{
    (void)state;
    float logits[N][CLASSES], again[N][CLASSES];
    gn_net *net = make_net("googlenet-small");
    gn_predictor *p = gn_predictor_create(net, 4, .threads = 2);
    run(p, logits);
    const uint64_t before = gn_alloc_count();
    run(p, again);
    assert_int_equal(gn_alloc_count(), before);
    assert_memory_equal(logits, again, sizeof logits);
    gn_predictor_free(p);
    gn_free_net(net);
}

struct seen {
    uint64_t n, end;
    float logits[2 * GOLDEN_KINDS][CLASSES];
    int bad[2 * GOLDEN_KINDS];
};

static int note_answer(const struct gn_answer *answer, void *user)
{
    struct seen *seen = user;
    assert_int_equal(answer->index, seen->n);
    seen->bad[seen->n] = answer->logits == NULL;
    if (answer->logits != NULL)
        memcpy(seen->logits[seen->n], answer->logits, sizeof seen->logits[0]);
    else
        assert_non_null(strstr(answer->message, "broken"));
    seen->n++;
    return seen->n == seen->end;
}

enum { FILES = 2 * GOLDEN_KINDS };

static void write_set(char texts[FILES][64], const char *paths[FILES],
                      struct gn_file_bytes files[FILES])
{
    golden_write("set", FILES);
    for (int i = 0; i < FILES; i++) {
        files[i] = golden_file(i);
        golden_path(texts[i], "set", i);
        paths[i] = texts[i];
    }
}

static void every_way_to_give_images_has_the_same_answers(void **state)
{
    (void)state;
    char texts[FILES][64];
    const char *paths[FILES];
    struct gn_file_bytes files[FILES];
    float of_files[FILES][CLASSES], again[FILES][CLASSES];
    if (!golden_readable())
        skip();
    write_set(texts, paths, files);
    gn_net *net = make_net("googlenet-small");
    gn_predictor *p = gn_predictor_create(net, 3);
    float *inputs = malloc(sizeof(float) * FILES * PIXELS);
    gn_preprocessor *pre = gn_preprocessor_create_with(net, NULL);
    assert_non_null(inputs);
    for (int i = 0; i < FILES; i++)
        assert_int_equal(
            gn_preprocess_file(pre, files[i].bytes, files[i].size, inputs + i * PIXELS), GN_OK);
    const struct gn_predict_options in_memory = { .files = files, .n = FILES };
    const struct gn_predict_options as_inputs = { .inputs = inputs, .n = FILES };
    assert_int_equal(gn_predictor_run(p, of_files[0], &in_memory), GN_OK);
    assert_int_equal(gn_predictor_run(p, again[0], &as_inputs), GN_OK);
    assert_memory_equal(of_files, again, sizeof of_files);
    gn_dataset *data = gn_open_images("set");
    const struct gn_predict_options as_set = { .data = data, .n = FILES };
    assert_int_equal(gn_predictor_run(p, again[0], &as_set), GN_OK);
    assert_memory_equal(of_files, again, sizeof of_files);
    gn_close_dataset(data);
    files[5].size /= 2; /* one bad file in memory */
    assert_int_equal(gn_predictor_run(p, again[0], &in_memory), GN_STATUS_BAD_DATA);
    check_error(GN_STATUS_BAD_DATA, "picture in memory: JPEG: ");
    gn_preprocessor_free(pre);
    free(inputs);
    gn_predictor_free(p);
    gn_free_net(net);
}

static void a_list_is_answered_in_order_around_a_broken_file(void **state)
{
    (void)state;
    enum { BROKEN = 2 };
    char texts[FILES][64];
    const char *paths[FILES + 1];
    struct gn_file_bytes files[FILES];
    float alone[FILES][CLASSES];
    size_t taken = 0;
    if (!golden_readable())
        skip();
    write_set(texts, paths, files);
    gn_net *net = make_net("googlenet-small");
    gn_predictor *p = gn_predictor_create(net, 3);
    const struct gn_predict_options in_memory = { .files = files, .n = FILES };
    assert_int_equal(gn_predictor_run(p, alone[0], &in_memory), GN_OK);
    test_write_file("broken.png", files[BROKEN].bytes, files[BROKEN].size / 2);
    paths[BROKEN] = "broken.png";
    paths[FILES] = "set"; /* a folder is a set of its own */
    gn_dataset *list = gn_open_image_files(paths, FILES + 1, 0, &taken);
    assert_non_null(list);
    assert_int_equal(taken, FILES);
    assert_string_equal(gn_dataset_file(list, 1), paths[1]);
    const struct gn_predict_options as_list = { .data = list, .n = FILES };
    struct seen seen = { 0 };
    assert_int_equal(gn_predictor_each(p, &as_list, note_answer, &seen), GN_OK);
    assert_int_equal(seen.n, FILES);
    for (int i = 0; i < FILES; i++) {
        assert_int_equal(seen.bad[i], i == BROKEN);
        for (int k = 0; k < CLASSES && i != BROKEN; k++)
            assert_true(fabsf(seen.logits[i][k] - alone[i][k]) < 1e-5F);
    }
    seen = (struct seen){ .end = 4 };
    assert_int_equal(gn_predictor_each(p, &as_list, note_answer, &seen), GN_STATUS_STOPPED);
    check_error(GN_STATUS_STOPPED, "ended by its caller");
    assert_int_equal(seen.n, 4);
    assert_int_equal(gn_predictor_run(p, alone[0], &as_list), GN_STATUS_BAD_DATA);
    check_error(GN_STATUS_BAD_DATA, "broken.png: PNG: ");
    gn_close_dataset(list);
    gn_predictor_free(p);
    gn_free_net(net);
}

static void softmax_and_top_classes_rank_logits(void **state)
{
    (void)state;
    static const float logits[5] = { 1, 3, 3, -2, 1000 };
    double p[5], sum = 0;
    int order[5];
    assert_int_equal(gn_softmax(logits, 3, p), GN_OK);
    for (int i = 0; i < 3; i++)
        sum += p[i];
    assert_true(fabs(sum - 1) < 1e-12 && fabs(p[0] - 1 / (1 + 2 * exp(2))) < 1e-12);
    assert_int_equal(gn_softmax(logits, 5, p), GN_OK);
    assert_true(p[4] >= 1 && p[3] <= 0);
    assert_int_equal(gn_top_classes(logits, 5, 3, order), 3);
    assert_true(order[0] == 4 && order[1] == 1 && order[2] == 2);
    assert_int_equal(gn_top_classes(logits, 4, 9, order), 4);
    assert_true(order[0] == 1 && order[1] == 2 && order[2] == 0 && order[3] == 3);
    assert_int_equal(gn_softmax(logits, 0, p), GN_STATUS_BAD_ARGUMENT);
    assert_int_equal(gn_softmax(NULL, 3, p), GN_STATUS_BAD_ARGUMENT);
}

static void the_tensor_that_is_not_finite_is_named(void **state)
{
    (void)state;
    gn_net *net = make_net("googlenet-small");
    struct gn_tensor_info tensor;
    const int last = 3;
    assert_null(gn_net_not_finite(net));
    assert_null(gn_net_not_finite(NULL));
    assert_int_equal(gn_net_tensor(net, last, &tensor), GN_OK);
    for (size_t i = 0; i < tensor.count; i += tensor.count - 1) {
        const float before = tensor.values[i];
        tensor.values[i] = i == 0 ? NAN : -INFINITY;
        assert_string_equal(gn_net_not_finite(net), tensor.name);
        tensor.values[i] = before;
    }
    assert_null(gn_net_not_finite(net));
    gn_free_net(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(predictors_share_packed_weights),
        cmocka_unit_test(folded_normalisations_are_shared_too),
        cmocka_unit_test(threads_may_make_and_use_them_at_the_same_time),
        cmocka_unit_test(a_pack_belongs_to_one_network),
        cmocka_unit_test(memory_that_is_missing_is_an_error_and_no_leak),
        cmocka_unit_test(a_second_call_allocates_nothing),
        cmocka_unit_test(every_way_to_give_images_has_the_same_answers),
        cmocka_unit_test(a_list_is_answered_in_order_around_a_broken_file),
        cmocka_unit_test(softmax_and_top_classes_rank_logits),
        cmocka_unit_test(the_tensor_that_is_not_finite_is_named),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
