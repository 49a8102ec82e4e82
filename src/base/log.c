/* The caller's log. */
#include "base/log.h"

static gn_log *log_function;
static void *log_user;
static gn_log_level log_most;

void gn_set_log(gn_log *log, void *user, gn_log_level most)
{
    log_function = log;
    log_user = user;
    log_most = most;
}

bool gn_log_hears(gn_log_level level)
{
    return log_function != NULL && level <= log_most;
}

void gn_log_text(gn_log_level level, const char *text)
{
    if (gn_log_hears(level))
        log_function(log_user, level, text);
}
