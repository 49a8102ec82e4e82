/*
 * Runs a function in its own thread, so that loading, saving and computing overlap, and returns its
 * status and error message to whoever joins it.
 */
#ifndef GN_BASE_TASK_H
#define GN_BASE_TASK_H

#include "base/status.h"

#include <pthread.h>

/* Zeroed: nothing was started. */
struct gn_task {
    gn_status (*call)(void *argument);
    void *argument;
    pthread_t thread;
    bool runs; /* and must be joined */
    gn_status status;
    char message[GN_MESSAGE_BYTES];
};

/* Starts call(argument); a machine that gives no thread gets it done right here. The task must stay
 * where it is until it is joined. */
void gn_task_start(struct gn_task *task, gn_status (*call)(void *argument), void *argument);

/* Only waits for the end, for callers that do not need the result. */
void gn_task_wait(struct gn_task *task);

/* Waits for the end and returns the status of the call; its sentence becomes the last error of this
 * thread. May be called again, with the same result; a task that was not started is GN_OK. */
gn_status gn_task_join(struct gn_task *task);

#endif
