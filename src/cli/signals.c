/*
 * The handler sets a flag or leaves at once; it calls nothing but write and _exit.
 */
#include "cli/signals.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

volatile int cli_stop, cli_save, cli_status;
static volatile sig_atomic_t is_gentle;

static void leave(const char *sentence, int code)
{
    const ssize_t ignored = write(STDERR_FILENO, sentence, strlen(sentence));
    (void)ignored;
    _exit(code);
}

static void interrupted(int signal_number)
{
    (void)signal_number;
    if (!is_gentle)
        leave("googlenet: interrupted, nothing had begun\n", 130);
    if (cli_stop)
        leave("googlenet: interrupted twice, the last checkpoint stays\n", 1);
    cli_stop = 1;
}

static void asked(int signal_number)
{
    cli_save = 1;
    if (signal_number == SIGUSR1)
        cli_status = 1;
}

static void handle(int signal_number, void (*handler)(int))
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    sigaction(signal_number, &action, NULL);
}

void cli_catch_interrupts(void)
{
    handle(SIGINT, interrupted);
    handle(SIGTERM, interrupted);
}

void cli_stop_gently(void)
{
    is_gentle = 1;
}

void cli_ignore_interrupts(void)
{
    handle(SIGINT, SIG_IGN);
    handle(SIGTERM, SIG_IGN);
}

void cli_catch_requests(void)
{
    handle(SIGHUP, asked);
    handle(SIGUSR1, asked);
}
