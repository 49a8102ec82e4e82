/*
 * The handler only sets a flag, or leaves at once when the flag is set already.
 */
#include "cli/signals.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

volatile int cli_stop;

static void interrupted(int signal_number)
{
    (void)signal_number;
    if (cli_stop)
        _exit(1);
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
