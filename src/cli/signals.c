/*
 * The handlers set a flag, or leave at once.
 */
#include "cli/signals.h"

#include "os/program/program.h"

#include <signal.h>

volatile int cli_stop, cli_save, cli_status;
static volatile sig_atomic_t is_gentle;

static void interrupted(void)
{
    if (!is_gentle)
        gn_leave("googlenet: interrupted, nothing had begun\n", 130);
    if (cli_stop)
        gn_leave("googlenet: interrupted twice, the last checkpoint stays\n", 1);
    cli_stop = 1;
}

static void asked(bool wants_line)
{
    cli_save = 1;
    if (wants_line)
        cli_status = 1;
}

void cli_catch_interrupts(void)
{
    gn_on_interrupt(interrupted);
}

void cli_stop_gently(void)
{
    is_gentle = 1;
}

void cli_ignore_interrupts(void)
{
    gn_on_interrupt(NULL);
}

void cli_catch_requests(void)
{
    gn_on_request(asked);
}
