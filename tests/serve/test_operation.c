/* labels: push
 * timeout: 300
 *
 * Operation: metrics, access log, reloading under load, draining, the token, Unix and passed sockets. */
#include "serve/loopback.h"
#include "support/check.h"
#include "support/files.h"

#include <googlenet.h>
#include <arpa/inet.h>
#include <jansson.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static struct test_server server;

static const char request[] =
    "{\"inputs\":[{\"name\":\"input\",\"shape\":[1,1,1,1],\"datatype\":\"UINT8\",\"data\":[7]}]}";

static void pause_for(long milliseconds)
{
    const struct timespec pause = { .tv_sec = milliseconds / 1000,
                                    .tv_nsec = milliseconds % 1000 * 1000000 };
    nanosleep(&pause, NULL);
}

static void save(const char *path, uint64_t seed)
{
    gn_net *net = gn_preset("googlenet-small", .seed = seed);
    assert_int_equal(gn_save(net, path), GN_OK);
    gn_free_net(net);
}

/* ---- Metrics ---- */

static double value_of(const char *text, const char *name)
{
    const char *at = strstr(text, name);
    if (at == NULL)
        fail_msg("no %s", name);
    return strtod(at + strlen(name), NULL);
}

static void metrics_are_prometheus_text(void **state)
{
    (void)state;
    server_start(&server, "googlenet-small");
    assert_int_equal(ask_text(&server, "POST", "/v2/models/googlenet/infer", NULL, request)->code,
                     200);
    assert_int_equal(ask_text(&server, "GET", "/nothing", NULL, NULL)->code, 404);
    pause_for(50);
    const struct answer *answer = ask_text(&server, "GET", "/metrics", NULL, NULL);
    assert_string_equal(header_of(answer, "Content-Type"),
                        "text/plain; version=0.0.4; charset=utf-8");
    const char *text = answer->body;
    assert_int_equal(text[answer->size - 1], '\n');
    assert_int_equal(value_of(text, "googlenet_requests_total{route=\"infer\",code=\"200\"} "), 1);
    assert_int_equal(value_of(text, "googlenet_requests_total{route=\"none\",code=\"404\"} "), 1);
    assert_int_equal(value_of(text, "googlenet_batch_size_bucket{le=\"1\"} "), 1);
    assert_int_equal(value_of(text, "googlenet_batch_size_bucket{le=\"+Inf\"} "), 1);
    assert_int_equal(value_of(text, "googlenet_batch_size_count "), 1);
    assert_int_equal(value_of(text, "googlenet_queue_length "), 0);
    assert_int_equal(value_of(text, "googlenet_body_bytes "), 0);
    assert_non_null(strstr(text, "googlenet_model_info{model=\"googlenet\",version=\""));
    /* Every line is a comment or a name, labels and a number; a sample follows its TYPE. */
    for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
        const size_t n = strcspn(line, "\n");
        const char *space = memchr(line, ' ', n);
        assert_non_null(space);
        if (line[0] == '#')
            continue;
        assert_true(line[0] == 'g' || line[0] == 'p');
        char *end;
        (void)strtod(
            line + (strcspn(line, "}\n") < n ? strcspn(line, "}") + 1 : (size_t)(space - line)),
            &end);
        assert_int_equal(*end, '\n');
    }
    assert_int_equal(server_stop(&server), 130);
}

/* ---- The log ---- */

static void the_access_log_holds_a_line_for_each_request(void **state)
{
    size_t n;
    (void)state;
    server_start(&server, "googlenet-small --http-threads 1 --access-log log.jsonl");
    (void)ask_text(&server, "POST", "/v2/models/googlenet/infer", NULL, request);
    (void)ask_text(&server, "GET", "/no\"thing?secret=1", NULL, NULL);
    pause_for(50);
    assert_int_equal(rename("log.jsonl", "old.jsonl"), 0);
    server_signal(&server, SIGHUP);
    for (int i = 0; i < 500 && !test_exists("log.jsonl"); i++)
        pause_for(10);
    (void)ask_text(&server, "GET", "/v2/health/live", NULL, NULL);
    assert_int_equal(server_stop(&server), 130);
    char *text = (char *)test_read_file("old.jsonl", &n);
    char *second = strchr(text, '\n') + 1;
    json_t *line = json_loadb(text, (size_t)(second - text), 0, NULL);
    assert_string_equal(json_string_value(json_object_get(line, "route")), "infer");
    assert_int_equal(json_integer_value(json_object_get(line, "status")), 200);
    assert_int_equal(json_integer_value(json_object_get(line, "images")), 1);
    assert_int_equal(json_integer_value(json_object_get(line, "bytes_in")), sizeof request - 1);
    json_decref(line);
    line = json_loads(second, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(line, "path")), "/no\"thing");
    assert_null(strstr(second, "secret"));
    json_decref(line);
    free(text);
    text = (char *)test_read_file("log.jsonl", &n);
    assert_non_null(strstr(text, "\"health\""));
    free(text);
}

/* ---- Reloading ---- */

static atomic_bool asks;

struct asker {
    pthread_t thread;
    int done, wrong;
};

/* Each answer names one version, that of its logits. */
static void *ask_on(void *argument)
{
    struct asker *asker = argument;
    while (atomic_load(&asks)) {
        struct answer answer;
        char version[64] = "", part[128];
        ask(&server, "POST", "/v2/models/googlenet/infer", NULL, request, sizeof request - 1,
            &answer);
        const char *at = strstr(answer.head, "X-Model-Version: ");
        if (at != NULL)
            snprintf(version, sizeof version, "%.*s", (int)strcspn(at + 17, "\r"), at + 17);
        snprintf(part, sizeof part, "\"model_version\": \"%s\"", version);
        if (answer.code != 200 || strstr(answer.body, part) == NULL) {
            print_message("wrong: code %d, head %s, body %.300s\n", answer.code, answer.head,
                          answer.body);
            asker->wrong++;
        }
        asker->done++;
        answer_free(&answer);
    }
    return NULL;
}

static void reloads_under_load_lose_nothing(void **state)
{
    enum { ASKERS = 4, RELOADS = 100 };
    struct asker askers[ASKERS] = { 0 };
    (void)state;
    save("a.safetensors", 1);
    save("b.safetensors", 2);
    save("model.safetensors", 1);
    server_start(&server, "model.safetensors");
    atomic_store(&asks, true);
    for (int i = 0; i < ASKERS; i++)
        assert_int_equal(pthread_create(&askers[i].thread, NULL, ask_on, &askers[i]), 0);
    for (int i = 0; i < RELOADS; i++) {
        static const char *const sources[] = { "a.safetensors", "b.safetensors" };
        size_t n;
        if (i % 5 == 2) {
            (void)unlink("model.safetensors"); /* missing */
        } else {
            uint8_t *bytes = test_read_file(sources[i % 2], &n);
            if (i % 5 == 3)
                n /= 2; /* half written */
            test_write_file("new.safetensors", bytes, n);
            assert_int_equal(rename("new.safetensors", "model.safetensors"), 0);
            free(bytes);
        }
        server_signal(&server, SIGHUP);
        pause_for(50);
    }
    /* While the file changes faster than it is read, no version is taken; the last one is. */
    double loaded = 0, failed = 0;
    for (int i = 0; i < 200 && !(loaded >= 1 && failed >= 1); i++) {
        pause_for(100);
        const struct answer *answer = ask_text(&server, "GET", "/metrics", NULL, NULL);
        failed = value_of(answer->body, "googlenet_reloads_total{result=\"failed\"} ");
        loaded = value_of(answer->body, "googlenet_reloads_total{result=\"done\"} ");
    }
    assert_true(failed >= 1 && loaded >= 1);
    atomic_store(&asks, false);
    int done = 0;
    for (int i = 0; i < ASKERS; i++) {
        assert_int_equal(pthread_join(askers[i].thread, NULL), 0);
        assert_int_equal(askers[i].wrong, 0);
        done += askers[i].done;
    }
    assert_true(done > 50);
    assert_int_equal(server_stop(&server), 130);
}

static void a_new_file_is_a_new_version(void **state)
{
    char before[64];
    (void)state;
    save("model.safetensors", 1);
    server_start(&server, "model.safetensors");
    snprintf(before, sizeof before, "%s",
             header_of(ask_text(&server, "GET", "/labels", NULL, NULL), "X-Model-Version"));
    save("model.safetensors", 2);
    server_signal(&server, SIGHUP);
    server_wait_for("version");
    for (int i = 0; i < 500; i++) {
        if (strcmp(before, header_of(ask_text(&server, "GET", "/labels", NULL, NULL),
                                     "X-Model-Version")) != 0)
            break;
        pause_for(10);
    }
    assert_string_not_equal(
        before, header_of(ask_text(&server, "GET", "/labels", NULL, NULL), "X-Model-Version"));
    assert_int_equal(server_stop(&server), 130);
}

/* ---- The end ---- */

static void a_signal_drains(void **state)
{
    enum { MANY = 100 };
    static int sockets[MANY];
    static char text[1024];
    (void)state;
    server_start(&server, "googlenet-small --max-batch 4 --max-wait 300");
    const int n = snprintf(text, sizeof text,
                           "POST /v2/models/googlenet/infer HTTP/1.1\r\nHost: x\r\n"
                           "Content-Length: %zu\r\n\r\n%s",
                           sizeof request - 1, request);
    for (int i = 0; i < MANY; i++) {
        sockets[i] = server_connect(&server, 30);
        assert_true(sockets[i] >= 0);
        send_all(sockets[i], text, (size_t)n);
    }
    pause_for(200);
    server_signal(&server, SIGTERM);
    server_wait_for("draining");
    pause_for(100);
    const int late = server_connect(&server, 1);
    assert_int_equal(late, -1);
    for (int i = 0; i < MANY; i++) {
        struct answer answer;
        read_answer(sockets[i], &answer, false);
        assert_int_equal(answer.code, 200);
        answer_free(&answer);
        close(sockets[i]);
    }
    assert_int_equal(server_stop(&server), 130);
}

/* ---- Access ---- */

static void a_token_is_asked_for(void **state)
{
    (void)state;
    test_write_file("token", "correct-horse\n", 14);
    server_start(&server, "googlenet-small --token-file token");
    assert_int_equal(ask_text(&server, "GET", "/v2/health/ready", NULL, NULL)->code, 200);
    assert_int_equal(ask_text(&server, "GET", "/", NULL, NULL)->code, 200);
    static const char *const wrong[] = { "",
                                         "Authorization: Bearer \r\n",
                                         "Authorization: Bearer x\r\n",
                                         "Authorization: correct-horse\r\n",
                                         "Authorization: Bearer correct-horse2\r\n",
                                         "Authorization: Basic correct-horse\r\n" };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const struct answer *answer = ask_text(&server, "GET", "/metrics", wrong[i], NULL);
        assert_int_equal(answer->code, 401);
        assert_string_equal(header_of(answer, "WWW-Authenticate"), "Bearer");
        assert_int_equal(ask_text(&server, "POST", "/predict", wrong[i], "x")->code, 401);
    }
    assert_int_equal(
        ask_text(&server, "GET", "/metrics", "Authorization: Bearer correct-horse\r\n", NULL)->code,
        200);
    assert_int_equal(server_stop(&server), 130);
}

static void the_page_is_guarded(void **state)
{
    char policy[256];
    (void)state;
    server_start(&server, "googlenet-small");
    const struct answer *answer = ask_text(&server, "GET", "/", NULL, NULL);
    assert_int_equal(answer->code, 200);
    snprintf(policy, sizeof policy, "%s", header_of(answer, "Content-Security-Policy"));
    assert_non_null(strstr(policy, "default-src 'none'; script-src 'nonce-"));
    const char *nonce = strstr(policy, "nonce-");
    char mark[64];
    snprintf(mark, sizeof mark, "nonce=\"%.32s\"", nonce + 6);
    assert_non_null(strstr(answer->body, mark));
    assert_null(strstr(answer->body, "NONCE"));
    assert_null(strstr(answer->body, "http://"));
    assert_null(strstr(answer->body, "https://"));
    assert_string_equal(header_of(answer, "X-Content-Type-Options"), "nosniff");
    assert_string_equal(header_of(answer, "X-Frame-Options"), "DENY");
    answer = ask_text(&server, "GET", "/", NULL, NULL);
    assert_null(strstr(answer->body, mark));
    assert_int_equal(server_stop(&server), 130);
}

/* ---- Sockets of others ---- */

/* As systemd starts a service: descriptor 3 is a socket that listens already. */
static void a_passed_socket_is_served(void **state)
{
    const struct sockaddr_in any = { .sin_family = AF_INET,
                                     .sin_addr = { htonl(INADDR_LOOPBACK) } };
    struct sockaddr_in place = any;
    socklen_t size = sizeof place;
    struct answer answer;
    (void)state;
    const int s = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(s >= 0);
    assert_int_equal(bind(s, (const struct sockaddr *)&any, sizeof any), 0);
    assert_int_equal(listen(s, 8), 0);
    assert_int_equal(getsockname(s, (struct sockaddr *)&place, &size), 0);
    server.port = ntohs(place.sin_port);
    /* A request that came before the server. */
    const int early = server_connect(&server, 60);
    assert_true(early >= 0);
    const char text[] = "GET /v2/health/ready HTTP/1.1\r\nHost: x\r\n\r\n";
    send_all(early, text, sizeof text - 1);
    server.pid = fork();
    assert_true(server.pid >= 0);
    if (server.pid == 0) {
        char pid[16];
        snprintf(pid, sizeof pid, "%d", (int)getpid());
        if (dup2(s, 3) != 3 || setenv("LISTEN_FDS", "1", 1) != 0 ||
            setenv("LISTEN_PID", pid, 1) != 0)
            _exit(127);
        execl(getenv("GOOGLENET"), "googlenet", "serve", "googlenet-small", "--listen",
              "127.0.0.1:1", "-q", (char *)NULL);
        _exit(127);
    }
    close(s);
    read_answer(early, &answer, false);
    assert_int_equal(answer.code, 200);
    answer_free(&answer);
    close(early);
    assert_int_equal(ask_text(&server, "POST", "/v2/models/googlenet/infer", NULL, request)->code,
                     200);
    assert_int_equal(server_stop(&server), 130);
}

static void others_are_warned_of(void **state)
{
    (void)state;
    static const char warning[] = "can be reached from other machines";
    size_t n;
    test_write_file("token", "correct-horse\n", 14);
    server_start(&server, "googlenet-small");
    assert_int_equal(server_stop(&server), 130);
    uint8_t *said = test_read_file("serve.err", &n);
    assert_null(strstr((const char *)said, warning));
    free(said);
    server_start_at(&server, "0.0.0.0", "googlenet-small");
    server_wait_for(warning);
    assert_int_equal(server_stop(&server), 130);
    server_start_at(&server, "0.0.0.0", "googlenet-small --token-file token");
    assert_int_equal(server_stop(&server), 130);
    said = test_read_file("serve.err", &n);
    assert_null(strstr((const char *)said, warning));
    free(said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_passed_socket_is_served),
        cmocka_unit_test(others_are_warned_of),
        cmocka_unit_test(metrics_are_prometheus_text),
        cmocka_unit_test(the_access_log_holds_a_line_for_each_request),
        cmocka_unit_test(a_new_file_is_a_new_version),
        cmocka_unit_test(reloads_under_load_lose_nothing),
        cmocka_unit_test(a_signal_drains),
        cmocka_unit_test(a_token_is_asked_for),
        cmocka_unit_test(the_page_is_guarded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
