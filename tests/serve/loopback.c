/* A server of our own on this machine, and a client that sends any bytes. */
#include "serve/loopback.h"

#include "support/check.h"
#include "support/files.h"

#include "gn_config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void pause_shortly(void)
{
    const struct timespec pause = { .tv_nsec = 20000000 };
    nanosleep(&pause, NULL);
}

static bool error_output_has(const char *text, char *line, size_t size)
{
    size_t n;
    uint8_t *bytes = test_read_file("serve.err", &n);
    char *found = strstr((char *)bytes, text);
    const bool whole = found != NULL && strchr(found, '\n') != NULL;
    if (whole && line != NULL)
        snprintf(line, size, "%.*s", (int)strcspn(found, "\n"), found);
    free(bytes);
    return whole;
}

void server_wait_for(const char *text)
{
    for (int i = 0; i < 3000; i++) {
        if (error_output_has(text, NULL, 0))
            return;
        pause_shortly();
    }
    fail_msg("the server does not say \"%s\"", text);
}

void server_start(struct test_server *server, const char *flags)
{
    server_start_at(server, "127.0.0.1", flags);
}

void server_start_at(struct test_server *server, const char *host, const char *flags)
{
    static const char begin[] = "serving   http://";
    char command[2048], line[256] = "";
    if (!GN_HAVE_MICROHTTPD) {
        (void)puts("skipped: this build is without libmicrohttpd");
        exit(77);
    }
    (void)signal(SIGPIPE, SIG_IGN);
    snprintf(command, sizeof command,
             "exec '%s' serve %s --listen %s:0 >serve.out 2>serve.err </dev/null",
             getenv("GOOGLENET"), flags, host);
    test_write_file("serve.err", "", 0);
    server->pid = fork();
    assert_true(server->pid >= 0);
    if (server->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves no server behind */
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < 3000; i++) {
        if (error_output_has(begin, line, sizeof line))
            break;
        if (waitpid(server->pid, NULL, WNOHANG) == server->pid)
            fail_msg("the server has ended");
        pause_shortly();
    }
    server->port = atoi(line + sizeof begin + strlen(host));
    assert_true(server->port > 0);
}

void server_signal(const struct test_server *server, int signal_number)
{
    assert_int_equal(kill(server->pid, signal_number), 0);
}

int server_stop(struct test_server *server)
{
    int status = 0;
    server_signal(server, SIGTERM);
    for (int i = 0; i < 3000; i++) {
        if (waitpid(server->pid, &status, WNOHANG) == server->pid) {
            assert_true(WIFEXITED(status));
            return WEXITSTATUS(status);
        }
        pause_shortly();
    }
    fail_msg("the server does not end");
    return -1;
}

long server_resident(const struct test_server *server)
{
    char path[64], line[256];
    long kilobytes = -1;
    snprintf(path, sizeof path, "/proc/%d/status", (int)server->pid);
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    while (fgets(line, sizeof line, in) != NULL)
        if (strncmp(line, "VmRSS:", 6) == 0)
            kilobytes = atol(line + 6);
    fclose(in);
    return kilobytes;
}

int server_connect(const struct test_server *server, int seconds)
{
    const struct sockaddr_in address = { .sin_family = AF_INET,
                                         .sin_port = htons((uint16_t)server->port),
                                         .sin_addr = { htonl(INADDR_LOOPBACK) } };
    const struct timeval limit = { .tv_sec = seconds };
    const int s = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(s >= 0);
    assert_int_equal(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    assert_int_equal(setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit), 0);
    if (connect(s, (const struct sockaddr *)&address, sizeof address) == 0)
        return s;
    close(s);
    return -1;
}

/* An early answer may end the connection before all is sent. */
void send_all(int s, const void *bytes, size_t n)
{
    for (size_t sent = 0; sent < n;) {
        const ssize_t now = send(s, (const char *)bytes + sent, n - sent, MSG_NOSIGNAL);
        if (now < 0 && errno == EINTR)
            continue;
        if (now <= 0)
            return;
        sent += (size_t)now;
    }
}

/* A process that is stopped and continued is interrupted in a call that has a time-out. */
static ssize_t receive(int s, void *bytes, size_t n)
{
    ssize_t now;
    do
        now = recv(s, bytes, n, 0);
    while (now < 0 && errno == EINTR);
    return now;
}

void answer_free(struct answer *answer)
{
    free(answer->body);
    answer->body = NULL;
}

const char *header_of(const struct answer *answer, const char *name)
{
    static _Thread_local char value[256];
    const size_t n = strlen(name);
    for (const char *line = strchr(answer->head, '\n'); line != NULL;
         line = strchr(line + 1, '\n')) {
        if (strncasecmp(line + 1, name, n) != 0 || line[1 + n] != ':')
            continue;
        line += n + 2;
        line += strspn(line, " ");
        snprintf(value, sizeof value, "%.*s", (int)strcspn(line, "\r\n"), line);
        return value;
    }
    return NULL;
}

void read_answer(int s, struct answer *answer, bool no_body)
{
    size_t n = 0;
    *answer = (struct answer){ .body = calloc(1, 1) };
    assert_non_null(answer->body);
    while (n + 1 < sizeof answer->head && strstr(answer->head, "\r\n\r\n") == NULL) {
        const ssize_t now = receive(s, answer->head + n, 1);
        if (now != 1) {
            snprintf(answer->head, sizeof answer->head, "no answer: %s",
                     now == 0          ? "the connection was ended"
                     : errno == EAGAIN ? "the time is over"
                                       : strerror(errno));
            return;
        }
        answer->head[++n] = '\0';
    }
    assert_int_equal(strncmp(answer->head, "HTTP/1.", 7), 0);
    answer->code = atoi(answer->head + 9);
    const char *length = header_of(answer, "Content-Length");
    const size_t size = length == NULL || no_body ? 0 : strtoul(length, NULL, 10);
    free(answer->body);
    answer->body = calloc(size + 1, 1);
    assert_non_null(answer->body);
    while (answer->size < size) {
        const ssize_t now = receive(s, answer->body + answer->size, size - answer->size);
        if (now <= 0)
            break;
        answer->size += (size_t)now;
    }
    assert_true(answer->size == size);
}

void ask(const struct test_server *server, const char *method, const char *path,
         const char *headers, const void *body, size_t n, struct answer *answer)
{
    /* ThreadSanitizer takes minutes for what waits in the queue. */
    const char *sanitizer = getenv("GN_SANITIZE");
    const int seconds = sanitizer != NULL && strstr(sanitizer, "thread") != NULL ? 900 : 60;
    char head[8192];
    const int s = server_connect(server, seconds);
    assert_true(s >= 0);
    int length = snprintf(head, sizeof head, "%s %s HTTP/1.1\r\nHost: localhost\r\n%s", method,
                          path, headers != NULL ? headers : "");
    assert_true(length > 0 && (size_t)length < sizeof head - 64);
    if (body != NULL)
        length +=
            snprintf(head + length, sizeof head - (size_t)length, "Content-Length: %zu\r\n", n);
    length += snprintf(head + length, sizeof head - (size_t)length, "\r\n");
    send_all(s, head, (size_t)length);
    if (body != NULL)
        send_all(s, body, n);
    read_answer(s, answer, strcmp(method, "HEAD") == 0);
    close(s);
}

const struct answer *ask_text(const struct test_server *server, const char *method,
                              const char *path, const char *headers, const char *body)
{
    static struct answer answer;
    answer_free(&answer);
    ask(server, method, path, headers, body, body != NULL ? strlen(body) : 0, &answer);
    return &answer;
}

int count_answers(const struct test_server *server, const void *bytes, size_t n, int seconds,
                  int *code, bool *closed)
{
    static char all[1 << 16];
    size_t size = 0;
    int answers = 0;
    const int s = server_connect(server, seconds);
    assert_true(s >= 0);
    send_all(s, bytes, n);
    *closed = false;
    while (size + 1 < sizeof all) {
        const ssize_t now = receive(s, all + size, sizeof all - 1 - size);
        *closed = now == 0 || (now < 0 && errno != EAGAIN && errno != EWOULDBLOCK);
        if (now <= 0)
            break;
        size += (size_t)now;
    }
    all[size] = '\0';
    close(s);
    *code = size > 12 ? atoi(all + 9) : 0;
    for (const char *at = all; (at = strstr(at, "HTTP/1.1 ")) != NULL; at++)
        answers +=
            at[9] >= '1' && at[9] <= '5' && at[12] == ' ' && (at == all || atoi(at + 9) != *code);
    return answers;
}
