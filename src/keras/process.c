/*
 * A child that gets the bytes through a socket and gives its own back through a pipe. It has no environment,
 * no open file but these, and a minute.
 */
#include "keras/process.h"

#include "base/memory.h"
#include "file/part.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SENTENCE = 512, SECONDS = 120, MOST_GROWTH = 8 };
static const char program[] = "googlenet-hdf5";

struct child {
    const char *name; /* of the file */
    pid_t pid;
    int in, out, err; /* ours; -1: closed */
    struct gn_bytes *input, *output;
    size_t sent, got;
    uint64_t size; /* of the answer, when its first 8 bytes are there */
    char said[SENTENCE];
    size_t n_said;
};

/* ---- Starting ---- */

static void close_one(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

static bool open_ends(int in[2], int out[2], int err[2])
{
    return socketpair(AF_UNIX, SOCK_STREAM, 0, in) == 0 && pipe(out) == 0 && pipe(err) == 0;
}

static gn_status start(struct child *c, const char *path, const char *way)
{
    int in[2] = { -1, -1 }, out[2] = { -1, -1 }, err[2] = { -1, -1 };
    char *arguments[] = { (char *)(uintptr_t)path, (char *)(uintptr_t)way, NULL };
    char *nothing[] = { NULL };
    posix_spawn_file_actions_t actions;
    if (!open_ends(in, out, err) || posix_spawn_file_actions_init(&actions) != 0)
        GN_FAIL(GN_STATUS_IO, "%s: Keras: no pipe to %s", c->name, program);
    const int ends[] = { in[0], out[1], err[1] }, ours[] = { in[1], out[0], err[0] };
    for (int i = 0; i < 3; i++) {
        (void)fcntl(ours[i], F_SETFD, FD_CLOEXEC);
        (void)fcntl(ours[i], F_SETFL, O_NONBLOCK);
        (void)posix_spawn_file_actions_adddup2(&actions, ends[i], i);
    }
    for (int i = 0; i < 3; i++)
        if (ends[i] > 2)
            (void)posix_spawn_file_actions_addclose(&actions, ends[i]);
    const int failed = posix_spawn(&c->pid, path, &actions, NULL, arguments, nothing);
    (void)posix_spawn_file_actions_destroy(&actions);
    for (int i = 0; i < 3; i++)
        (void)close(ends[i]);
    c->in = ours[0];
    c->out = ours[1];
    c->err = ours[2];
    if (failed != 0) {
        char text[GN_ERRNO_TEXT];
        c->pid = -1;
        GN_FAIL(GN_STATUS_NO_DEVICE, "%s: Keras: %s cannot be started: %s", c->name, path,
                gn_errno_text(failed, text));
    }
    return GN_OK;
}

/* ---- Talking ---- */

/* The size, then the bytes; both are given up when all are sent. */
static void send_some(struct child *c)
{
    const uint64_t size = c->input->size;
    const bool head = c->sent < sizeof size;
    const uint8_t *from = head ? (const uint8_t *)&size + c->sent : c->input->data + (c->sent - 8);
    const size_t n = head ? sizeof size - c->sent : c->input->size - (c->sent - 8);
    const ssize_t sent = send(c->in, from, n, MSG_NOSIGNAL);
    if (sent > 0)
        c->sent += (size_t)sent;
    const bool done = c->sent == sizeof size + c->input->size;
    if (done || (sent < 0 && errno != EAGAIN && errno != EINTR)) {
        close_one(&c->in);
        gn_free(c->input->data);
        c->input->data = NULL;
    }
}

/* The answer's size is checked before there is room for it. */
static gn_status take_some(struct child *c, uint64_t most)
{
    const bool head = c->got < sizeof c->size;
    uint8_t *to = head ? (uint8_t *)&c->size + c->got : c->output->data + (c->got - 8);
    const size_t room = head ? sizeof c->size - c->got : c->output->size - (c->got - 8);
    const ssize_t n = room == 0 ? 0 : read(c->out, to, room);
    if (n == 0)
        close_one(&c->out);
    if (n <= 0)
        return GN_OK;
    c->got += (size_t)n;
    if (!head || c->got < sizeof c->size)
        return GN_OK;
    if (c->size > most)
        GN_FAIL(GN_STATUS_BAD_MODEL, "%s: Keras: the file unpacks to %llu bytes, more than is read",
                c->name, (unsigned long long)c->size);
    c->output->size = (size_t)c->size;
    c->output->data = gn_alloc(c->output->size, "the content of a Keras file");
    return c->output->data == NULL ? gn_last_status() : GN_OK;
}

static void listen_some(struct child *c)
{
    char rest[64];
    const size_t room = sizeof c->said - 1 - c->n_said;
    const ssize_t n =
        room > 0 ? read(c->err, c->said + c->n_said, room) : read(c->err, rest, sizeof rest);
    if (n == 0)
        close_one(&c->err);
    if (n > 0 && room > 0)
        c->n_said += (size_t)n;
}

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static gn_status talk(struct child *c)
{
    const uint64_t most = MOST_GROWTH * (uint64_t)c->input->size + (UINT64_C(96) << 20);
    const double end = now() + SECONDS;
    while (c->out >= 0 || c->err >= 0) {
        struct pollfd ends[] = { { c->in, POLLOUT, 0 },
                                 { c->out, POLLIN, 0 },
                                 { c->err, POLLIN, 0 } };
        if (now() > end)
            GN_FAIL(GN_STATUS_BAD_MODEL, "%s: Keras: reading it takes more than %d seconds",
                    c->name, SECONDS);
        if (poll(ends, 3, 1000) <= 0)
            continue;
        if (c->in >= 0 && ends[0].revents != 0)
            send_some(c);
        if (c->out >= 0 && ends[1].revents != 0)
            GN_TRY(take_some(c, most));
        if (c->err >= 0 && ends[2].revents != 0)
            listen_some(c);
    }
    return GN_OK;
}

/* ---- Ending ---- */

static gn_status judge(const struct child *c, int state, bool known)
{
    const bool whole = c->got >= 8 && c->got - 8 == c->output->size;
    if (known && WIFSIGNALED(state))
        GN_FAIL(GN_STATUS_BAD_MODEL,
                "%s: Keras: reading it was ended by signal %d: the file is damaged, or needs more "
                "memory or time than it may take",
                c->name, WTERMSIG(state));
    if (known && WIFEXITED(state) && WEXITSTATUS(state) == 0 && whole)
        return GN_OK;
    if (!known && whole)
        return GN_OK;
    GN_FAIL(GN_STATUS_BAD_MODEL, "%s: Keras: %s", c->name,
            c->n_said > 0 ? c->said : "the converter ended without an answer");
}

static gn_status end(struct child *c, gn_status status)
{
    int state = 0;
    pid_t ended = -1;
    close_one(&c->in);
    close_one(&c->out);
    close_one(&c->err);
    c->said[strcspn(c->said, "\n")] = '\0';
    if (c->pid > 0 && status != GN_OK)
        (void)kill(c->pid, SIGKILL);
    while (c->pid > 0 && (ended = waitpid(c->pid, &state, 0)) < 0 && errno == EINTR)
        continue;
    return status != GN_OK ? status : judge(c, state, ended == c->pid);
}

gn_status gn_keras_convert(const char *way, const char *name, struct gn_bytes *input,
                           struct gn_bytes *output)
{
    char path[GN_PATH_BYTES];
    struct child c = {
        .name = name, .pid = -1, .in = -1, .out = -1, .err = -1, .input = input, .output = output
    };
    *output = (struct gn_bytes){ NULL, 0 };
    gn_status status = GN_OK;
    if (!gn_find_part(path, program, "GOOGLENET_HDF5")) {
        status =
            gn_fail(GN_STATUS_NO_DEVICE, "%s: Keras: the program %s is not there", name, program);
        gn_hint(
            "it is built where libhdf5 is there (Debian: libhdf5-dev); GOOGLENET_HDF5 names it");
    }
    if (status == GN_OK)
        status = start(&c, path, way);
    if (status == GN_OK)
        status = talk(&c);
    if (c.pid > 0)
        status = end(&c, status);
    gn_free(input->data);
    input->data = NULL;
    if (status != GN_OK) {
        gn_free(output->data);
        output->data = NULL;
    }
    return status;
}
