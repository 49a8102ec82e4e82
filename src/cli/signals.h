/*
 * Interrupts: the first one asks the computation to stop at a good place, the second one ends the
 * process.
 */
#ifndef GN_CLI_SIGNALS_H
#define GN_CLI_SIGNALS_H

/* Becomes 1 at the first SIGINT or SIGTERM. */
extern volatile int cli_stop;

/* Catches SIGINT and SIGTERM from now on. */
void cli_catch_interrupts(void);

#endif
