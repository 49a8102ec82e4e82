/*
 * What the program alone asks of a system: its words and streams, the terminal, interrupts. posix.c and windows.c;
 * they are compiled into the program, and no library has them.
 */
#ifndef GN_OS_PROGRAM_PROGRAM_H
#define GN_OS_PROGRAM_PROGRAM_H

#include <stdbool.h>
#include <stdio.h>

/* ---- The beginning ---- */

/* Prepares the streams: a file opened later does not get the number of a standard stream that the caller closed, and
 * a closed pipe or a full disk is an error of the write, not the end of the process. Lines end as they are written. On
 * Windows the words become UTF-8, a backslash in them a slash, and the terminal's text is UTF-8, too. False: there is
 * no memory or no place for it. */
bool gn_program_begin(int *argc, char ***argv);

/* ---- The streams ---- */

/* Whether it is a terminal on which a line can be written anew. */
bool gn_terminal_redraws(FILE *stream);

/* What a terminal shows at once; false: it is none, or does not say. */
bool gn_terminal_size(FILE *stream, int *rows, int *columns);

/* Whether standard output is a pipe that nobody reads any more. */
bool gn_reader_is_gone(void);

/* Standard output and error go nowhere, and back; for processes of which one talks. */
void gn_be_silent(void);
void gn_be_heard(void);

/* ---- Interrupts ---- */

/* Calls it when somebody wants the process to end: SIGINT, SIGTERM; Ctrl-C, Ctrl-Break, a closed terminal. NULL: such
 * wishes are nothing to it. It may come at any moment and calls nothing but gn_leave. */
void gn_on_interrupt(void (*handler)(void));

/* The same when somebody wants the work to be saved (SIGHUP), and a line that tells how far it is (SIGUSR1). Windows
 * has no such wishes. */
void gn_on_request(void (*handler)(bool wants_line));

/* Ends the process at once with a sentence on standard error. */
_Noreturn void gn_leave(const char *sentence, int code);

#endif
