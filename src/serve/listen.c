/* The socket on which the server is reached. */
#include "serve/listen.h"

#include "base/number.h"
#include "cli/report.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 512, SYSTEMD_FIRST = 3 };

/* The socket that systemd passes (sd_listen_fds(3)), -1: none. */
static int passed_socket(void)
{
    int pid = 0, n = 0;
    const char *pid_text = getenv("LISTEN_PID"), *n_text = getenv("LISTEN_FDS");
    if (!pid_text || !n_text || !gn_int_parse(pid_text, 1, INT32_MAX, &pid) ||
        !gn_int_parse(n_text, 1, 64, &n) || pid != (int)getpid())
        return -1;
    (void)fcntl(SYSTEMD_FIRST, F_SETFD, FD_CLOEXEC);
    return SYSTEMD_FIRST;
}

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof in);
        return (ntohl(in.sin_addr.s_addr) >> 24) == 127;
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in;
        memcpy(&in, address, sizeof in);
        return IN6_IS_ADDR_LOOPBACK(&in.sin6_addr);
    }
    return address->sa_family == AF_UNIX;
}

/* Fills what the socket's own address says. */
static void describe(struct serve_listener *l, const char *scheme)
{
    union {
        struct sockaddr any;
        struct sockaddr_un un;
        struct sockaddr_in6 six;
    } address = { .any = { 0 } };
    socklen_t size = sizeof address;
    char host[64] = "", port[16] = "";
    if (getsockname(l->socket, &address.any, &size) != 0)
        return;
    l->is_loopback = is_loopback(&address.any);
    l->is_unix = address.any.sa_family == AF_UNIX;
    if (l->is_unix) {
        snprintf(l->place, sizeof l->place, "unix:%.107s", address.un.sun_path);
        return;
    }
    (void)getnameinfo(&address.any, size, host, sizeof host, port, sizeof port,
                      NI_NUMERICHOST | NI_NUMERICSERV);
    snprintf(l->place, sizeof l->place, strchr(host, ':') ? "%s://[%s]:%s" : "%s://%s:%s", scheme,
             host, port);
}

static int fail(struct serve_listener *l, const char *where, const char *what)
{
    const int error = errno;
    if (l->socket >= 0)
        close(l->socket);
    l->socket = -1;
    return cli_fail(CLI_ENVIRONMENT, "--listen %s: %s: %s", where, what, strerror(error));
}

static int listen_unix(struct serve_listener *l, const char *where, const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct stat status;
    if (strlen(path) == 0 || strlen(path) >= sizeof address.sun_path)
        return cli_fail(CLI_USAGE, "--listen %s: a path of 1 to %zu bytes is expected", where,
                        sizeof address.sun_path - 1);
    memcpy(address.sun_path, path, strlen(path) + 1);
    l->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (l->socket < 0)
        return fail(l, where, "cannot make a socket");
    /* A socket that nobody listens on is left over from a server that was killed. */
    if (lstat(path, &status) == 0 && S_ISSOCK(status.st_mode)) {
        if (connect(l->socket, (struct sockaddr *)&address, sizeof address) == 0) {
            errno = EADDRINUSE;
            return fail(l, where, "cannot listen");
        }
        (void)unlink(path);
        close(l->socket);
        l->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    }
    if (l->socket < 0 || bind(l->socket, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(l->socket, BACKLOG) != 0)
        return fail(l, where, "cannot listen");
    memcpy(l->path, path, strlen(path) + 1);
    return 0;
}

/* "HOST:PORT" in its parts. */
static bool split(const char *where, char host[128], char port[16])
{
    const char *colon = strrchr(where, ':');
    uint64_t number;
    if (!colon || !gn_whole_parse(colon + 1, &number) || number > 65535)
        return false;
    size_t n = (size_t)(colon - where);
    if (n >= 2 && where[0] == '[' && where[n - 1] == ']') {
        where++;
        n -= 2;
    } else if (memchr(where, ':', n)) {
        return false;
    }
    if (n == 0 || n >= 128)
        return false;
    memcpy(host, where, n);
    host[n] = '\0';
    snprintf(port, 16, "%u", (unsigned)number);
    return true;
}

static int listen_tcp(struct serve_listener *l, const char *where)
{
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
                                    .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
    struct addrinfo *found = NULL;
    char host[128], port[16];
    const int on = 1;
    if (!split(where, host, port))
        return cli_fail(CLI_USAGE,
                        "--listen %s: ADDRESS:PORT, [IPV6]:PORT or unix:PATH is expected", where);
    const int error = getaddrinfo(host, port, &hints, &found);
    if (error != 0)
        return cli_fail(CLI_ENVIRONMENT, "--listen %s: %s", where, gai_strerror(error));
    l->socket = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (l->socket >= 0)
        (void)setsockopt(l->socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const bool done = l->socket >= 0 && bind(l->socket, found->ai_addr, found->ai_addrlen) == 0 &&
                      listen(l->socket, BACKLOG) == 0;
    const int why = errno;
    freeaddrinfo(found);
    errno = why;
    return done ? 0 : fail(l, where, "cannot listen");
}

int serve_listen(struct serve_listener *l, const char *where, const char *scheme)
{
    static const char unix_begin[] = "unix:";
    int code = 0;
    *l = (struct serve_listener){ .socket = passed_socket() };
    if (l->socket >= 0)
        ; /* systemd has said where */
    else if (strncmp(where, unix_begin, sizeof unix_begin - 1) == 0)
        code = listen_unix(l, where, where + sizeof unix_begin - 1);
    else
        code = listen_tcp(l, where);
    if (code != 0)
        return code;
    (void)fcntl(l->socket, F_SETFL, fcntl(l->socket, F_GETFL) | O_NONBLOCK);
    describe(l, scheme);
    return 0;
}

void serve_unlisten(struct serve_listener *l)
{
    if (l->socket >= 0)
        close(l->socket);
    l->socket = -1;
    if (l->path[0])
        (void)unlink(l->path);
    l->path[0] = '\0';
}
