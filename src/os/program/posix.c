/* What the program alone asks of Linux and other systems with POSIX. */
#include "os/program/program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool gn_program_begin(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    for (int stream = 0; stream <= 2; stream++)
        if (fcntl(stream, F_GETFD) < 0 && open("/dev/null", O_RDONLY) != stream)
            return false;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    return true;
}

/* ---- The streams ---- */

bool gn_terminal_redraws(FILE *stream)
{
    const char *term = getenv("TERM");
    return isatty(fileno(stream)) != 0 && term != NULL && strcmp(term, "dumb") != 0;
}

bool gn_terminal_size(FILE *stream, int *rows, int *columns)
{
    struct winsize size = { 0 };
    if (ioctl(fileno(stream), TIOCGWINSZ, &size) != 0)
        return false;
    *rows = size.ws_row;
    *columns = size.ws_col;
    return true;
}

bool gn_reader_is_gone(void)
{
    struct pollfd out = { .fd = STDOUT_FILENO };
    return poll(&out, 1, 0) == 1 && (out.revents & (POLLERR | POLLHUP)) != 0;
}

/* What a silent process had as stdout and stderr; -1: it is not silent. */
static int spoken[2] = { -1, -1 };

void gn_be_silent(void)
{
    const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere < 0 || spoken[1] >= 0)
        return;
    for (int i = 0; i < 2; i++) {
        spoken[i] = fcntl(STDOUT_FILENO + i, F_DUPFD_CLOEXEC, 3);
        (void)dup2(nowhere, STDOUT_FILENO + i);
    }
    (void)close(nowhere);
}

void gn_be_heard(void)
{
    for (int i = 0; i < 2; i++) {
        if (spoken[i] < 0)
            continue;
        (void)dup2(spoken[i], STDOUT_FILENO + i);
        (void)close(spoken[i]);
        spoken[i] = -1;
    }
}

/* ---- Interrupts: nothing is called but write and _exit ---- */

static void (*on_interrupt)(void);
static void (*on_request)(bool wants_line);

static void interrupted(int number)
{
    (void)number;
    on_interrupt();
}

static void requested(int number)
{
    on_request(number == SIGUSR1);
}

static void handle(int number, void (*handler)(int))
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, NULL);
}

void gn_on_interrupt(void (*handler)(void))
{
    if (handler != NULL)
        on_interrupt = handler;
    handle(SIGINT, handler == NULL ? SIG_IGN : interrupted);
    handle(SIGTERM, handler == NULL ? SIG_IGN : interrupted);
}

void gn_on_request(void (*handler)(bool wants_line))
{
    on_request = handler;
    handle(SIGHUP, requested);
    handle(SIGUSR1, requested);
}

_Noreturn void gn_leave(const char *sentence, int code)
{
    const ssize_t ignored = write(STDERR_FILENO, sentence, strlen(sentence));
    (void)ignored;
    _exit(code);
}
