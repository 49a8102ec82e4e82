/* labels: push
 * timeout: 240
 *
 * Hostile clients: every form gets one answer and a closed connection or a plain refusal, memory stays
 * flat, and an honest client is answered meanwhile. */
#include "serve/loopback.h"
#include "support/check.h"
#include "support/files.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

static struct test_server server;

#define INFER "POST /v2/models/googlenet/infer HTTP/1.1\r\n"
#define HOST  "Host: x\r\n"
#define NEXT  "GET /v2/health/live HTTP/1.1\r\nHost: x\r\n\r\n"

static int start(void **state)
{
    (void)state;
    server_start(&server,
                 "googlenet-small --max-body 1000000 --max-pixels 1000000 --request-timeout 2 "
                 "--idle-timeout 5 --max-connections 300 --max-connections-per-address 300");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    assert_int_equal(server_stop(&server), 130);
    return 0;
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void is_well(void)
{
    assert_int_equal(ask_text(&server, "GET", "/v2/health/ready", NULL, NULL)->code, 200);
}

/* One answer of the code, and no second one to what follows. (A zero byte in a value cannot be seen: the
 * library cuts the value there.) */
static void refuses(const char *bytes, int wanted)
{
    const size_t n = strlen(bytes);
    int code;
    bool closed;
    const int answers = count_answers(&server, bytes, n, 4, &code, &closed);
    if (answers != 1 || (wanted != 0 && code != wanted) || !closed)
        fail_msg("%.120s...: %d answers, code %d, %s", bytes, answers, code,
                 closed ? "closed" : "open");
}

static void smuggled_requests_are_not_answered(void **state)
{
    (void)state;
    refuses(INFER HOST "Content-Length: 4\r\nContent-Length: 0\r\n\r\nabcd" NEXT, 400);
    refuses(INFER HOST "Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd" NEXT, 400);
    refuses(INFER HOST "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" NEXT,
            400);
    refuses(INFER HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n" NEXT,
            400);
    refuses(INFER HOST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" NEXT, 400);
    refuses(INFER HOST "Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n" NEXT, 400);
    refuses(INFER HOST "Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n" NEXT, 400);
    refuses("POST /predict HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" NEXT, 400);
    refuses(INFER HOST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" NEXT, 0);
    refuses(INFER HOST "Content-Length : 4\r\n\r\nabcd" NEXT, 0);
    refuses(INFER HOST "Content-Length: +4\r\n\r\nabcd" NEXT, 400);
    refuses(INFER HOST "Content-Length: 0x4\r\n\r\nabcd" NEXT, 400);
    refuses(INFER HOST "Content-Length: 4,4\r\n\r\nabcd" NEXT, 400);
    refuses(INFER HOST "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" NEXT, 0);
    refuses(INFER HOST "\r\n" NEXT, 411);
    refuses(INFER "\r\n" NEXT, 0);
    refuses(INFER HOST HOST "Content-Length: 0\r\n\r\n" NEXT, 400);
    refuses("GET /v2 HTTP/2.0\r\n" HOST "\r\n" NEXT, 505);
    refuses("GET /v2 HTTP/1.9\r\n" HOST "\r\n" NEXT, 505);
    refuses("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505);
    refuses("GET /v2 HTTP/1.1\r\n" HOST "X: a\001b\r\n\r\n" NEXT, 400);
    refuses("GET /v2 HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nabcd" NEXT, 400);
    is_well();
}

/* libmicrohttpd does not show them. Nothing is read in two ways: the length is that before the zero byte, for
 * the library and for the gate, and what follows the body is the next request. */
static void hidden_bytes_hide_no_request(void **state)
{
    static const char zero[] = INFER HOST "Content-Length: 4\0 7\r\n\r\nabcd" NEXT,
                      chunked[] = INFER HOST
                      "Content-Length: 4\r\nX: \0\r\nTransfer-Encoding: chunked\r\n\r\nabcd" NEXT,
                      feeds[] =
                          "POST /v2/models/googlenet/infer HTTP/1.1\nHost: x\nContent-Length: 4\n\n"
                          "abcd" NEXT,
                      smuggled[] = INFER HOST
                      "X: a\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\nabcd" NEXT;
    int code;
    bool closed;
    (void)state;
    assert_int_equal(count_answers(&server, zero, sizeof zero - 1, 2, &code, &closed), 2);
    assert_int_equal(code, 400); /* "abcd" is no inference request */
    assert_int_equal(count_answers(&server, feeds, sizeof feeds - 1, 2, &code, &closed), 2);
    assert_int_equal(code, 400);
    /* A line that a zero byte or a line feed would hide is seen by the gate. */
    assert_int_equal(count_answers(&server, chunked, sizeof chunked - 1, 2, &code, &closed), 1);
    assert_int_equal(code, 400);
    assert_int_equal(count_answers(&server, smuggled, sizeof smuggled - 1, 2, &code, &closed), 1);
    assert_int_equal(code, 400);
    is_well();
}

static void chunks_that_lie_are_refused(void **state)
{
    static const char *const chunks[] = { "0x5\r\nabcde\r\n0\r\n\r\n", "-1\r\nabcde\r\n0\r\n\r\n",
                                          "11111111111111111\r\nabcde", "5\r\nabcdefg\r\n0\r\n\r\n",
                                          "zz\r\n" };
    char request[512];
    int code;
    bool closed;
    (void)state;
    for (size_t i = 0; i < sizeof chunks / sizeof chunks[0]; i++) {
        snprintf(request, sizeof request, INFER HOST "Transfer-Encoding: chunked\r\n\r\n%s",
                 chunks[i]);
        assert_true(count_answers(&server, request, strlen(request), 4, &code, &closed) <= 1);
        assert_true(code == 0 || (code >= 400 && code < 500));
        assert_true(closed);
    }
    is_well();
}

static void addresses_lead_nowhere_else(void **state)
{
    static const char *const paths[] = { "/../etc/passwd",
                                         "/..%2f..%2fetc/passwd",
                                         "/%2e%2e/etc/passwd",
                                         "//etc/passwd",
                                         "/v2%00",
                                         "/v2/models/..",
                                         "/v2/models/%2e%2e",
                                         "/v2/models//infer",
                                         "/v2/./health/live",
                                         "/V2",
                                         "/v2\\health" };
    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        assert_int_equal(ask_text(&server, "GET", paths[i], NULL, NULL)->code, 404);
    refuses("GET http://x/v2 HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", 400);
    refuses("GET v2 HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", 400);
}

static void large_headers_and_lengths_are_refused_unread(void **state)
{
    enum { HUGE = 40000 };
    static char request[HUGE + 4096];
    const long before = server_resident(&server);
    (void)state;
    int n = snprintf(request, sizeof request, "GET /v2 HTTP/1.1\r\n" HOST "X: ");
    memset(request + n, 'a', HUGE);
    memcpy(request + n + HUGE, "\r\n\r\n", 5);
    refuses(request, 431);
    n = snprintf(request, sizeof request, "GET /");
    memset(request + n, 'a', HUGE);
    memcpy(request + n + HUGE, " HTTP/1.1\r\n" HOST "\r\n", 21);
    refuses(request, 414);
    n = snprintf(request, sizeof request, "GET /v2 HTTP/1.1\r\n" HOST);
    for (int i = 0; i < 2000; i++)
        n += snprintf(request + n, sizeof request - (size_t)n, "A%d: b\r\n", i);
    memcpy(request + n, "\r\n", 3);
    refuses(request, 431);
    refuses(INFER HOST "Content-Length: 1000001\r\n\r\n", 413);
    refuses(INFER HOST "Content-Length: 18446744073709551615\r\n\r\n", 413);
    refuses(INFER HOST "Content-Length: 99999999999999999999999\r\n\r\n", 413);
    assert_true(server_resident(&server) - before < 8192);
    is_well();
}

static void endless_chunks_end(void **state)
{
    enum { CHUNK = 65536 };
    static char chunk[CHUNK + 16];
    struct answer answer;
    const long before = server_resident(&server);
    (void)state;
    const int s = server_connect(&server, 10);
    const char head[] = INFER HOST "Transfer-Encoding: chunked\r\n\r\n";
    send_all(s, head, sizeof head - 1);
    const int n = snprintf(chunk, sizeof chunk, "%x\r\n", CHUNK);
    memset(chunk + n, ' ', CHUNK);
    memcpy(chunk + n + CHUNK, "\r\n", 2);
    for (int i = 0; i < 64; i++)
        send_all(s, chunk, (size_t)n + CHUNK + 2);
    read_answer(s, &answer, false);
    assert_true(answer.code == 413 || answer.code == 0);
    answer_free(&answer);
    close(s);
    /* Chunk extensions of 20 kB do not help. */
    const int t = server_connect(&server, 10);
    send_all(t, head, sizeof head - 1);
    memset(chunk, 'x', 40000);
    memcpy(chunk, "5;", 2);
    send_all(t, chunk, 40000);
    read_answer(t, &answer, false);
    assert_true(answer.code == 0 || answer.code >= 400);
    answer_free(&answer);
    close(t);
    assert_true(server_resident(&server) - before < 16384);
    is_well();
}

/* 100 MB of zeros in 100 kB. */
static void bombs_of_gzip_end_at_the_limit(void **state)
{
    enum { ROOM = 1 << 18, MEGABYTE = 1 << 20 };
    static unsigned char packed[ROOM], zeros[MEGABYTE];
    struct answer answer;
    const long before = server_resident(&server);
    (void)state;
    z_stream z = { .next_out = packed, .avail_out = ROOM };
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    for (int i = 0; i < 100; i++) {
        z.next_in = zeros;
        z.avail_in = MEGABYTE;
        assert_int_equal(deflate(&z, i == 99 ? Z_FINISH : Z_NO_FLUSH),
                         i == 99 ? Z_STREAM_END : Z_OK);
    }
    ask(&server, "POST", "/v2/models/googlenet/infer", "Content-Encoding: gzip\r\n", packed,
        z.total_out, &answer);
    assert_int_equal(answer.code, 413);
    answer_free(&answer);
    (void)deflateEnd(&z);
    assert_true(server_resident(&server) - before < 8192);
    is_well();
}

static void pictures_that_say_they_are_large_are_refused(void **state)
{
    static const unsigned char png[] = { 0x89, 'P',  'N',  'G',  13,   10,   26,   10,   0,
                                         0,    0,    13,   'I',  'H',  'D',  'R',  0,    0,
                                         0xfd, 0xe8, 0,    0,    0xfd, 0xe8, 16,   6,    0,
                                         0,    1,    0x11, 0x22, 0x33, 0x44, 0,    0,    0,
                                         0,    'I',  'D',  'A',  'T',  0x35, 0xaf, 0x06, 0x1e };
    static const char *const pnm[] = { "P5 100000 100000 255\n", "P6 2000 1000 255\n",
                                       "P5 1 1 255\n" };
    struct answer answer;
    const long before = server_resident(&server);
    (void)state;
    ask(&server, "POST", "/predict", NULL, png, sizeof png, &answer);
    assert_true(answer.code == 422 || answer.code == 415);
    answer_free(&answer);
    for (int i = 0; i < 3; i++)
        assert_int_equal(ask_text(&server, "POST", "/predict", NULL, pnm[i])->code, 422);
    assert_non_null(strstr(ask_text(&server, "POST", "/predict", NULL, pnm[1])->body,
                           "1000x2000 pixels are more than the 1000000 of --max-pixels"));
    assert_int_equal(ask_text(&server, "POST", "/predict", NULL, "nothing")->code, 422);
    assert_int_equal(ask_text(&server, "POST", "/predict", NULL, "")->code, 400);
    assert_true(server_resident(&server) - before < 8192);
    is_well();
}

/* Many connections that never end their header, or send their body byte by byte, or do not read: a good
 * client is answered quickly, and they are cut when their time is over. */
static void slow_clients_hold_nobody_up(void **state)
{
    enum { SLOW = 200 };
    int sockets[SLOW];
    const char head[] = "GET /v2 HTTP/1.1\r\nHost: x\r\nX: ";
    const char post[] = INFER HOST "Content-Length: 100\r\n\r\n";
    (void)state;
    for (int i = 0; i < SLOW; i++) {
        sockets[i] = server_connect(&server, 1);
        assert_true(sockets[i] >= 0);
        if (i % 2 == 0)
            send_all(sockets[i], head, sizeof head - 1);
        else
            send_all(sockets[i], post, sizeof post - 1);
    }
    const double begin = seconds();
    double slowest = 0;
    while (seconds() - begin < 4) {
        for (int i = 0; i < SLOW; i++)
            send_all(sockets[i], "a", 1);
        const double now = seconds();
        is_well();
        const double took = seconds() - now;
        slowest = took > slowest ? took : slowest;
        const struct timespec pause = { .tv_nsec = 100000000 };
        nanosleep(&pause, NULL);
    }
    assert_true(slowest < 1);
    /* Headers that did not end in time are cut; bodies have their grace of 5 s. */
    int cut = 0;
    for (int i = 0; i < SLOW; i += 2) {
        char c;
        cut += recv(sockets[i], &c, 1, MSG_DONTWAIT) == 0 ||
               send(sockets[i], "a", 1, MSG_NOSIGNAL) < 0;
    }
    assert_true(cut >= SLOW / 2 - 1);
    while (seconds() - begin < 8) {
        for (int i = 1; i < SLOW; i += 2)
            send_all(sockets[i], "a", 1);
        const struct timespec pause = { .tv_nsec = 300000000 };
        nanosleep(&pause, NULL);
    }
    cut = 0;
    for (int i = 1; i < SLOW; i += 2) {
        char c;
        cut += recv(sockets[i], &c, 1, MSG_DONTWAIT) == 0 ||
               send(sockets[i], "a", 1, MSG_NOSIGNAL) < 0;
    }
    assert_true(cut >= SLOW / 2 - 1);
    for (int i = 0; i < SLOW; i++)
        close(sockets[i]);
    is_well();
}

static void clients_that_leave_do_no_harm(void **state)
{
    static const char request[] = INFER HOST "Content-Length: 82\r\n\r\n"
                                             "{\"inputs\":[{\"name\":\"input\",\"shape\":[1,1,1,1],"
                                             "\"datatype\":\"UINT8\",\"data\":[1]}]}    ";
    (void)state;
    for (int i = 0; i < 100; i++) {
        const struct linger now = { .l_onoff = 1 };
        const int s = server_connect(&server, 5);
        assert_true(s >= 0);
        send_all(s, request, sizeof request - 1 - (size_t)(i % 3) * 20);
        if (i % 2 == 0)
            (void)setsockopt(s, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        close(s);
    }
    is_well();
}

static void more_connections_than_the_limit_wait_or_are_closed(void **state)
{
    enum { MANY = 400 };
    static int sockets[MANY];
    (void)state;
    for (int i = 0; i < MANY; i++)
        sockets[i] = server_connect(&server, 1);
    for (int i = 0; i < MANY; i++)
        if (sockets[i] >= 0)
            close(sockets[i]);
    is_well();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(smuggled_requests_are_not_answered),
        cmocka_unit_test(hidden_bytes_hide_no_request),
        cmocka_unit_test(chunks_that_lie_are_refused),
        cmocka_unit_test(addresses_lead_nowhere_else),
        cmocka_unit_test(large_headers_and_lengths_are_refused_unread),
        cmocka_unit_test(endless_chunks_end),
        cmocka_unit_test(bombs_of_gzip_end_at_the_limit),
        cmocka_unit_test(pictures_that_say_they_are_large_are_refused),
        cmocka_unit_test(clients_that_leave_do_no_harm),
        cmocka_unit_test(slow_clients_hold_nobody_up),
        cmocka_unit_test(more_connections_than_the_limit_wait_or_are_closed),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
