/*
 * Interrupts (SIGINT, SIGTERM). While a computation can stop at a good place, the first one asks it
 * to and the second one ends the process; before that there is nothing to save, and the first one
 * ends it.
 */
#ifndef GN_CLI_SIGNALS_H
#define GN_CLI_SIGNALS_H

/* Becomes 1 when the computation should stop. */
extern volatile int cli_stop;

/* From now on an interrupt ends the process with code 130. */
void cli_catch_interrupts(void);

/* From now on the first interrupt sets cli_stop, the second one ends the process with code 1. */
void cli_stop_gently(void);

/* From now on interrupts are nothing to a process that is about to end anyway. */
void cli_ignore_interrupts(void);

/* Become 1 when a checkpoint, or a line that says how far the training is, is asked for; the code
 * that answers sets them to 0. */
extern volatile int cli_save, cli_status;

/* From now on SIGHUP (the terminal is gone) asks for a checkpoint, and SIGUSR1 for a checkpoint and
 * a line of progress; training goes on. */
void cli_catch_requests(void);

#endif
