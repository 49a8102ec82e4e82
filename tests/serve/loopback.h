/* A server of our own on this machine, and a client that sends any bytes. Failures end the test. */
#ifndef GN_TESTS_SERVE_LOOPBACK_H
#define GN_TESTS_SERVE_LOOPBACK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct test_server {
    pid_t pid;
    int port;
};

/* Runs `googlenet serve FLAGS` on a port that the system chooses, with its streams in serve.out and
 * serve.err, and returns when it answers. 77 is the test's exit code where the build has no server. */
void server_start(struct test_server *server, const char *flags);
/* The same on another address of this machine, "0.0.0.0" for all of them. */
void server_start_at(struct test_server *server, const char *host, const char *flags);

/* SIGTERM; returns the exit code. */
int server_stop(struct test_server *server);
void server_signal(const struct test_server *server, int signal_number);

/* Waits until serve.err holds the text. */
void server_wait_for(const char *text);

/* Kilobytes that are resident now. */
long server_resident(const struct test_server *server);

/* A connection whose reads and writes end after `seconds`. */
int server_connect(const struct test_server *server, int seconds);
void send_all(int socket, const void *bytes, size_t n);

struct answer {
    int code; /* 0: the connection ended without one */
    char head[4096];
    char *body; /* followed by a NUL; free with answer_free */
    size_t size;
};
void answer_free(struct answer *answer);

/* Reads one answer; `no_body`: of HEAD. */
void read_answer(int socket, struct answer *answer, bool no_body);

/* Sends a request with these headers (whole lines with \r\n; NULL: none) and reads its answer. */
void ask(const struct test_server *server, const char *method, const char *path,
         const char *headers, const void *body, size_t n, struct answer *answer);

/* The same for a text; the body is freed by the next call. */
const struct answer *ask_text(const struct test_server *server, const char *method,
                              const char *path, const char *headers, const char *body);

/* The value of a header in the answer, NULL: none; valid until the next call. */
const char *header_of(const struct answer *answer, const char *name);

/* Sends raw bytes and returns how many answers (status lines) come until the connection ends or is silent
 * for `seconds`; *code gets the first one's, *closed whether it ended. Lines with the first one's code count
 * once: libmicrohttpd 0.9.75 writes the head of refusals of its own (of a Content-Length that is no number)
 * twice. */
int count_answers(const struct test_server *server, const void *bytes, size_t n, int seconds,
                  int *code, bool *closed);

#endif
