/* The forms of serving.md's list of attacks, and changes of their bytes. */
#include "serve/hostile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define INFER "POST /v2/models/googlenet/infer HTTP/1.1\r\nHost: x\r\n"
#define NEXT  "GET /v2/health/live HTTP/1.1\r\nHost: x\r\n\r\n"
#define GOOD                                                                                       \
    "{\"inputs\":[{\"name\":\"input\",\"shape\":[1,1,1,1],\"datatype\":\"UINT8\",\"data\":[7]}]}"

static const char *const forms[] = {
    INFER "Content-Length: 77\r\n\r\n" GOOD NEXT,
    INFER "Content-Length: 4\r\nContent-Length: 0\r\n\r\nabcd" NEXT,
    INFER "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" NEXT,
    INFER "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n" NEXT,
    INFER "Transfer-Encoding: chunked\r\n\r\n0x5\r\nabcde\r\n0\r\n\r\n" NEXT,
    INFER "Transfer-Encoding: chunked\r\n\r\n4d\r\n" GOOD "\r\n0\r\n\r\n" NEXT,
    INFER "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nabcde",
    INFER "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" NEXT,
    INFER "Content-Length: 18446744073709551615\r\n\r\nabc",
    INFER "Content-Length: 1000000\r\n\r\nabc",
    INFER "Content-Length: 2\r\nContent-Encoding: gzip\r\n\r\n\037\213",
    INFER
    "Content-Length: 20\r\nInference-Header-Content-Length: 92\r\n\r\n{\"inputs\":[{\"name\":\"",
    INFER "Content-Length: 20\r\nExpect: 100-continue\r\n\r\n{\"inputs\":[{\"name\":\"",
    INFER "Content-Length: 92\r\n\r\n{\"inputs\":[{\"name\":\"input\",\"datatype\":\"FP32\","
          "\"shape\":[1,28,28,1],\"data\":[1e308,NaN,[[[[[[[[[",
    INFER
    "Content-Length: 95\r\n\r\n{\"inputs\":[{\"name\":\"input\",\"shape\":[9223372036854775807"
    ",4,1,1],\"datatype\":\"UINT8\",\"data\":[7]}]}",
    "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 21\r\n\r\nP5 100000 100000 255\n" NEXT,
    "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 15\r\n\r\nP5 2 2 255\nabcd" NEXT,
    "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\n\211PNG\r\n\032\n" NEXT,
    "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nGIF89a" NEXT,
    "POST /explain HTTP/1.1\r\nHost: x\r\nContent-Length: 15\r\n\r\nP5 2 2 255\nabcd" NEXT,
    "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=a\r\n"
    "Content-Length: 40\r\n\r\n--a\r\nContent-Disposition: form-data\r\n\r\nx" NEXT,
    "GET / HTTP/1.1\r\nHost: x\r\n\r\n" NEXT NEXT NEXT,
    "GET /..%2f..%2fetc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET http://x/v2 HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /metrics HTTP/1.0\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "DELETE /v2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "\026\003\001\002\000\001\000\001\374\003\003",
    "\n\n\n\n",
};

uint64_t hostile_random(uint64_t *seed)
{
    *seed += 0x9e3779b97f4a7c15U;
    uint64_t z = *seed;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

static size_t below(uint64_t *seed, size_t n)
{
    return (size_t)(hostile_random(seed) % n);
}

/* Some bytes become others, a part is doubled, or cut out. */
static size_t change(uint64_t *seed, char *bytes, size_t n)
{
    const size_t at = below(seed, n), part = below(seed, n - at) + 1;
    switch (below(seed, 4)) {
    case 0:
        for (size_t i = 0; i <= below(seed, 4); i++)
            bytes[below(seed, n)] = (char)hostile_random(seed);
        return n;
    case 1:
        memmove(bytes + at, bytes + at + part, n - at - part);
        return n - part > 0 ? n - part : 1;
    case 2:
        if (n + part > HOSTILE_ROOM)
            return n;
        memmove(bytes + at + part, bytes + at, n - at);
        return n + part;
    default: /* a long run of one byte */
        memset(bytes + n, "a\r\n 0["[below(seed, 6)], HOSTILE_ROOM / 2);
        return n + 1 + below(seed, HOSTILE_ROOM / 2);
    }
}

size_t hostile_request(uint64_t *seed, char bytes[HOSTILE_ROOM])
{
    const char *form = forms[below(seed, sizeof forms / sizeof forms[0])];
    size_t n = strlen(form);
    memcpy(bytes, form, n);
    for (size_t i = below(seed, 4); i > 0 && n < HOSTILE_ROOM / 4; i--)
        n = change(seed, bytes, n);
    return n;
}

/* 501: a transfer encoding that libmicrohttpd does not know; 505: another version; both are true. */
static bool is_fault(int code)
{
    return code >= 500 && code != 501 && code != 503 && code != 505;
}

static int worst_answer(int s)
{
    static _Thread_local char all[HOSTILE_ROOM];
    size_t size = 0;
    int worst = 0;
    for (ssize_t now; size + 1 < sizeof all; size += (size_t)now)
        if ((now = recv(s, all + size, sizeof all - 1 - size, 0)) <= 0)
            break;
    all[size] = '\0';
    for (const char *at = all; (at = strstr(at, "HTTP/1.1 ")) != NULL; at++)
        if (is_fault(atoi(at + 9)))
            worst = atoi(at + 9);
    return worst;
}

int hostile_visit(const struct test_server *server, uint64_t *seed)
{
    static _Thread_local char bytes[HOSTILE_ROOM];
    const size_t n = hostile_request(seed, bytes), first = below(seed, n) + 1;
    const size_t end = below(seed, 3);
    const int s = server_connect(server, 1);
    if (s < 0)
        return 0; /* too many of us */
    send_all(s, bytes, first);
    if (end == 0) {
        const struct timespec pause = { .tv_nsec = (long)below(seed, 20) * 1000000 };
        nanosleep(&pause, NULL);
    }
    int worst = 0;
    if (end != 1) {
        send_all(s, bytes + first, n - first);
        worst = worst_answer(s);
    } else {
        const struct linger now = { .l_onoff = 1 };
        (void)setsockopt(s, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    }
    close(s);
    return worst;
}
