/* Threads for single calls, and the way of their errors back to the caller. */
#include "base/task.h"

#include "os/os.h"

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
    task->runs = gn_thread_start(&task->thread, run, task) == 0;
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
