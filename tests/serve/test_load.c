/* labels: push
 * timeout: 180
 *
 * Good and hostile clients at the same time, while the model's file changes, breaks and is loaded again:
 * every good request gets the bits of the version that its answer names, no answer is a fault of the
 * server, and memory stays where it is. GN_LOAD_SECONDS says how long (20); tools/soak.sh runs it longer
 * under sanitizers, whose findings end the server with another code than 130. */
#include "file/md5.h"
#include "serve/hostile.h"
#include "support/check.h"
#include "support/files.h"

#include <googlenet.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { PIXELS = 28 * 28, CLASSES = 10, IMAGES = 16, GOOD = 6, HOSTILE = 6, BATCH = 8, MOST = 4 };

static struct test_server server;
static float inputs[IMAGES * PIXELS];
static atomic_bool goes_on;

/* Two models, and what each answers. */
static struct version {
    const char *path;
    char name[16];
    float logits[IMAGES * CLASSES];
} versions[2] = { { .path = "a.safetensors" }, { .path = "b.safetensors" } };

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void pause_for(long milliseconds)
{
    const struct timespec pause = { .tv_sec = milliseconds / 1000,
                                    .tv_nsec = milliseconds % 1000 * 1000000 };
    nanosleep(&pause, NULL);
}

static void make_version(struct version *version, uint64_t seed)
{
    size_t n;
    char hex[GN_MD5_HEX];
    struct gn_md5 md5;
    gn_net *net = gn_preset("googlenet-small", .seed = seed);
    assert_int_equal(gn_save(net, version->path), GN_OK);
    gn_predictor *predictor = gn_predictor_create(net, BATCH);
    const struct gn_predict_options options = { .inputs = inputs, .n = IMAGES };
    assert_int_equal(gn_predictor_run(predictor, version->logits, &options), GN_OK);
    gn_predictor_free(predictor);
    gn_free_net(net);
    uint8_t *bytes = test_read_file(version->path, &n);
    gn_md5_init(&md5);
    gn_md5_update(&md5, bytes, n);
    gn_md5_final(&md5, hex);
    snprintf(version->name, sizeof version->name, "%.12s", hex);
    free(bytes);
}

/* ---- Good clients ---- */

struct client {
    pthread_t thread;
    uint64_t seed;
    int done, wrong, refused;
};

static void complain(struct client *client, const char *what, const struct answer *answer)
{
    /* A sanitizer makes the server so slow that hostile requests alone can fill its queue. */
    const char *sanitizer = getenv("GN_SANITIZE");
    if (sanitizer != NULL && sanitizer[0] != '\0' && (answer->code == 503 || answer->code == 504)) {
        client->refused++;
        return;
    }
    client->wrong++;
    print_message("%s: code %d, head %.200s, body %.200s\n", what, answer->code, answer->head,
                  answer->body);
}

/* Images first..first+rows-1 as a binary tensor; the answer must be one version's. */
static void ask_for_logits(struct client *client, int first, int rows)
{
    static const char form[] =
        "{\"inputs\":[{\"name\":\"input\",\"shape\":[%d,28,28,1],\"datatype\":\"FP32\","
        "\"parameters\":{\"binary_data_size\":%zu}}],\"outputs\":[{\"name\":\"logits\","
        "\"parameters\":{\"binary_data\":true}}]}";
    const size_t size = (size_t)rows * PIXELS * sizeof(float);
    const size_t wanted = (size_t)rows * CLASSES * sizeof(float);
    static _Thread_local char body[512 + MOST * PIXELS * sizeof(float)];
    char header[128];
    struct answer answer;
    const int n = snprintf(body, 512, form, rows, size);
    memcpy(body + n, inputs + first * PIXELS, size);
    snprintf(header, sizeof header, "Inference-Header-Content-Length: %d\r\n", n);
    ask(&server, "POST", "/v2/models/googlenet/infer", header, body, (size_t)n + size, &answer);
    bool right = false;
    const char *version = header_of(&answer, "X-Model-Version");
    for (int i = 0; i < 2 && version != NULL && answer.code == 200 && answer.size > wanted; i++)
        right = right || (strcmp(version, versions[i].name) == 0 &&
                          memcmp(answer.body + answer.size - wanted,
                                 versions[i].logits + first * CLASSES, wanted) == 0);
    if (!right)
        complain(client, "logits", &answer);
    answer_free(&answer);
}

static void ask_for(struct client *client, const char *method, const char *path, const char *body,
                    const char *part)
{
    struct answer answer;
    ask(&server, method, path, NULL, body, body != NULL ? strlen(body) : 0, &answer);
    if (answer.code != 200 || strstr(answer.body, part) == NULL)
        complain(client, path, &answer);
    answer_free(&answer);
}

static void *behave_well(void *argument)
{
    struct client *client = argument;
    for (; atomic_load(&goes_on); client->done++) {
        const uint64_t draw = hostile_random(&client->seed);
        const int rows = 1 + (int)(draw / 16 % MOST);
        switch (draw % 16) {
        case 0:
            ask_for(client, "GET", "/metrics", NULL, "googlenet_batch_size_count");
            break;
        case 1:
            ask_for(client, "GET", "/", NULL, "</html>");
            break;
        case 2:
            ask_for(client, "GET", "/v2/health/ready", NULL, "\"ready\": true");
            break;
        case 3:
            ask_for(client, "POST", "/predict", "P5 2 2 255\nabcd", "\"top\"");
            break;
        case 4:
            ask_for(client, "POST", "/v2/models/googlenet/infer",
                    "{\"inputs\":[{\"name\":\"input\",\"shape\":[1,1,1,1],\"datatype\":\"UINT8\","
                    "\"data\":[7]}]}",
                    "\"probabilities\"");
            break;
        default:
            ask_for_logits(client, (int)(draw / 256 % (uint64_t)(IMAGES - rows + 1)), rows);
        }
    }
    return NULL;
}

/* ---- The others ---- */

static void *do_harm(void *argument)
{
    struct client *client = argument;
    for (; atomic_load(&goes_on); client->done++) {
        const uint64_t seed = client->seed;
        const int worst = hostile_visit(&server, &client->seed);
        if (worst == 0)
            continue;
        client->wrong++;
        print_message("hostile request of seed %llu: answered with %d\n", (unsigned long long)seed,
                      worst);
    }
    return NULL;
}

static void *reload(void *argument)
{
    struct client *client = argument;
    for (; atomic_load(&goes_on); client->done++) {
        size_t n;
        const uint64_t draw = hostile_random(&client->seed);
        uint8_t *bytes = test_read_file(versions[draw % 2].path, &n);
        if (draw / 2 % 4 == 0) /* half written, and somewhere wrong */
            bytes[draw % (n /= 2)] ^= 0x10;
        test_write_file("new.safetensors", bytes, n);
        free(bytes);
        assert_int_equal(rename("new.safetensors", "model.safetensors"), 0);
        server_signal(&server, SIGHUP);
        pause_for(100 + (long)(draw % 400));
    }
    return NULL;
}

/* ---- The test ---- */

/* The most that was resident in the first half, and the least in the second: a reload holds two models for
 * a moment, what leaks stays. */
static void watch_memory(double begin, double seconds, long *early, long *late)
{
    *early = 0;
    *late = LONG_MAX;
    for (double time; (time = now() - begin) < seconds;) {
        const long resident = server_resident(&server);
        if (time < seconds / 2)
            *early = resident > *early ? resident : *early;
        else
            *late = resident < *late ? resident : *late;
        pause_for(100);
    }
}

static void load(double seconds, long *early, long *late)
{
    static struct client clients[GOOD + HOSTILE + 1];
    const double begin = now();
    atomic_store(&goes_on, true);
    for (int i = 0; i < GOOD + HOSTILE + 1; i++) {
        clients[i].seed = (uint64_t)i + (uint64_t)getpid() * 1000;
        assert_int_equal(pthread_create(&clients[i].thread, NULL,
                                        i < GOOD             ? behave_well
                                        : i < GOOD + HOSTILE ? do_harm
                                                             : reload,
                                        &clients[i]),
                         0);
    }
    watch_memory(begin, seconds, early, late);
    atomic_store(&goes_on, false);
    int good = 0, refused = 0, harm = 0;
    for (int i = 0; i < GOOD + HOSTILE + 1; i++) {
        assert_int_equal(pthread_join(clients[i].thread, NULL), 0);
        assert_int_equal(clients[i].wrong, 0);
        good += i < GOOD ? clients[i].done - clients[i].refused : 0;
        refused += i < GOOD ? clients[i].refused : 0;
        harm += i >= GOOD && i < GOOD + HOSTILE ? clients[i].done : 0;
    }
    print_message("%.0f s: %d good requests, %d of them refused for want of time, %d hostile ones, "
                  "%d reloads; at most %ld kB, then at "
                  "least %ld kB\n",
                  seconds, good + refused, refused, harm, clients[GOOD + HOSTILE].done, *early,
                  *late);
    assert_true(good > 20 && harm > 20);
}

static void good_and_hostile_clients_live_together(void **state)
{
    const char *text = getenv("GN_LOAD_SECONDS");
    const double seconds = text != NULL ? atof(text) : 20;
    const char *sanitizer = getenv("GN_SANITIZE");
    long early, late;
    (void)state;
    for (int i = 0; i < IMAGES * PIXELS; i++)
        inputs[i] = (float)((i * 7919) % 256) / 255.0F;
    make_version(&versions[0], 1);
    make_version(&versions[1], 2);
    size_t n;
    uint8_t *bytes = test_read_file(versions[0].path, &n);
    test_write_file("model.safetensors", bytes, n);
    free(bytes);
    server_start(&server, "model.safetensors --max-batch 8 --max-body 1000000 --max-pixels 1000000 "
                          "--request-timeout 600 --idle-timeout 600 --max-connections 2000 "
                          "--max-connections-per-address 2000");
    load(seconds, &early, &late);
    /* Sanitizers keep what was freed for a while. */
    if (sanitizer == NULL || sanitizer[0] == '\0')
        assert_true(late < early + 8192);
    const int code = server_stop(&server);
    if (code != 130)
        print_message("%s\n", (const char *)test_read_file("serve.err", &n));
    assert_int_equal(code, 130);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_and_hostile_clients_live_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
