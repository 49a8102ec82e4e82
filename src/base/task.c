/* Threads for single calls, and the way of their errors back to the caller. */
#include "base/task.h"

#include <signal.h>
#include <string.h>

static void *run(void *argument)
{
    struct gn_task *task = argument;
    task->status = task->call(task->argument);
    if (task->status != GN_OK)
        memcpy(task->message, gn_error_message(), strlen(gn_error_message()) + 1);
    return NULL;
}

void gn_task_start(struct gn_task *task, gn_status (*call)(void *argument), void *argument)
{
    *task = (struct gn_task){ .call = call, .argument = argument };
    /* Signals are for the caller's threads: a handler must not interrupt this one. */
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    task->runs = pthread_create(&task->thread, NULL, run, task) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!task->runs)
        (void)run(task);
}

void gn_task_wait(struct gn_task *task)
{
    if (task->runs)
        (void)pthread_join(task->thread, NULL);
    task->runs = false;
}

gn_status gn_task_join(struct gn_task *task)
{
    gn_task_wait(task);
    return task->status == GN_OK ? GN_OK : gn_fail(task->status, "%s", task->message);
}
