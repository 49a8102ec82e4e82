/* The caller's log (gn_set_log); nothing costs more than a comparison while there is none. Sentences go
 * to it by gn_fail and gn_say (status.h). */
#ifndef GN_BASE_LOG_H
#define GN_BASE_LOG_H

#include <googlenet.h>

/* Whether the log wants to hear of that level. */
bool gn_log_hears(gn_log_level level);

/* A text that is printable already. */
void gn_log_text(gn_log_level level, const char *text);

#endif
