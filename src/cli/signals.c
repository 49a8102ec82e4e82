/*
 * The handler sets a flag or leaves at once; it calls nothing but write and _exit.
 */
#include "cli/signals.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

volatile int cli_stop;
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

void cli_catch_interrupts(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = interrupted;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

void cli_stop_gently(void)
{
    is_gentle = 1;
}
