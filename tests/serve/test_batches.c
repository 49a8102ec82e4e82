/* labels: push
 *
 * Batches: an image has the same bits alone and in any company, answers are never mixed up or split, and a
 * queue that is full says so at once. */
#include "serve/loopback.h"
#include "support/check.h"

#include <googlenet.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum { PIXELS = 28 * 28, CLASSES = 10, CLIENTS = 16, ROUNDS = 6, MOST = 5 };

static struct test_server server;
static float alone[CLIENTS][MOST * CLASSES];

static void fill(float *input, int client, int rows)
{
    for (int i = 0; i < rows * PIXELS; i++)
        input[i] = (float)((i * 31 + client * 977) % 256) / 255.0F;
}

static int rows_of(int client)
{
    return 1 + client % MOST;
}

/* Sends the client's images and compares the logits with those of `wanted`, or writes them there. */
static int infer(int client, float *logits)
{
    static const char form[] =
        "{\"inputs\":[{\"name\":\"input\",\"shape\":[%d,28,28,1],\"datatype\":\"FP32\","
        "\"parameters\":"
        "{\"binary_data_size\":%zu}}],\"outputs\":[{\"name\":\"logits\",\"parameters\":"
        "{\"binary_data\":true}}]}";
    const int rows = rows_of(client);
    const size_t size = (size_t)rows * PIXELS * sizeof(float);
    char header[128], *body = malloc(512 + size);
    float *input = malloc(size);
    struct answer answer;
    if (body == NULL || input == NULL)
        return -1;
    fill(input, client, rows);
    const int n = snprintf(body, 512, form, rows, size);
    memcpy(body + n, input, size);
    snprintf(header, sizeof header, "Inference-Header-Content-Length: %d\r\n", n);
    ask(&server, "POST", "/v2/models/googlenet/infer", header, body, (size_t)n + size, &answer);
    const int code = answer.code;
    const size_t wanted = (size_t)rows * CLASSES * sizeof(float);
    if (code == 200 && answer.size > wanted)
        memcpy(logits, answer.body + answer.size - wanted, wanted);
    answer_free(&answer);
    free(body);
    free(input);
    return code;
}

struct client {
    pthread_t thread;
    int number, codes[ROUNDS];
    float logits[ROUNDS][MOST * CLASSES];
};

static void *ask_often(void *argument)
{
    struct client *client = argument;
    for (int i = 0; i < ROUNDS; i++)
        client->codes[i] = infer(client->number, client->logits[i]);
    return NULL;
}

static void run_clients(struct client *clients)
{
    for (int i = 0; i < CLIENTS; i++) {
        clients[i].number = i;
        assert_int_equal(pthread_create(&clients[i].thread, NULL, ask_often, &clients[i]), 0);
    }
    for (int i = 0; i < CLIENTS; i++)
        assert_int_equal(pthread_join(clients[i].thread, NULL), 0);
}

static void images_have_the_same_bits_alone_and_in_company(void **state)
{
    (void)state;
    struct client *clients = calloc(CLIENTS, sizeof *clients);
    assert_non_null(clients);
    server_start(&server, "googlenet-small --max-batch 8 --max-wait 20");
    for (int i = 0; i < CLIENTS; i++)
        assert_int_equal(infer(i, alone[i]), 200);
    run_clients(clients);
    for (int i = 0; i < CLIENTS; i++)
        for (int k = 0; k < ROUNDS; k++) {
            assert_int_equal(clients[i].codes[k], 200);
            assert_memory_equal(clients[i].logits[k], alone[i],
                                (size_t)rows_of(i) * CLASSES * sizeof(float));
        }
    /* There was company. */
    const struct answer *answer = ask_text(&server, "GET", "/metrics", NULL, NULL);
    const char *one = strstr(answer->body, "googlenet_batch_size_bucket{le=\"4\"} ");
    const char *all = strstr(answer->body, "googlenet_batch_size_count ");
    assert_non_null(one);
    assert_non_null(all);
    assert_true(atoi(strchr(one, '}') + 2) < atoi(strchr(all, ' ') + 1));
    assert_int_equal(server_stop(&server), 130);
    free(clients);
}

static void threads_and_batches_change_no_bit(void **state)
{
    float logits[MOST * CLASSES];
    (void)state;
    server_start(&server, "googlenet-small --max-batch 8 --threads 1 --http-threads 1");
    for (int i = 0; i < CLIENTS; i++) {
        assert_int_equal(infer(i, logits), 200);
        assert_memory_equal(logits, alone[i], (size_t)rows_of(i) * CLASSES * sizeof(float));
    }
    assert_int_equal(server_stop(&server), 130);
}

static void a_full_queue_says_so(void **state)
{
    int done = 0, full = 0;
    (void)state;
    struct client *clients = calloc(CLIENTS, sizeof *clients);
    assert_non_null(clients);
    server_start(&server, "googlenet-small --max-batch 5 --max-wait 100 --max-queue 2");
    run_clients(clients);
    for (int i = 0; i < CLIENTS; i++)
        for (int k = 0; k < ROUNDS; k++) {
            done += clients[i].codes[k] == 200;
            full += clients[i].codes[k] == 503;
        }
    assert_int_equal(done + full, CLIENTS * ROUNDS);
    assert_true(done > 0 && full > 0);
    const struct answer *answer = ask_text(&server, "GET", "/v2/health/ready", NULL, NULL);
    assert_int_equal(answer->code, 200);
    assert_int_equal(server_stop(&server), 130);
    free(clients);
}

static void a_request_that_waits_too_long_is_answered(void **state)
{
    float logits[MOST * CLASSES];
    (void)state;
    server_start(&server, "googlenet-small --max-batch 32 --max-wait 3000 --request-timeout 1");
    assert_int_equal(infer(0, logits), 504);
    assert_int_equal(server_stop(&server), 130);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(images_have_the_same_bits_alone_and_in_company),
        cmocka_unit_test(threads_and_batches_change_no_bit),
        cmocka_unit_test(a_full_queue_says_so),
        cmocka_unit_test(a_request_that_waits_too_long_is_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
