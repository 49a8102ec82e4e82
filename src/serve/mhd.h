/* libmicrohttpd, loaded when the server starts: linked, it and the libraries that it needs would take
 * milliseconds of every start of the program. */
#ifndef GN_SERVE_MHD_H
#define GN_SERVE_MHD_H

#include <microhttpd.h>

#include "base/library.h"

#define SERVE_MHD_FUNCTIONS(X)                                                                     \
    X(MHD_start_daemon)                                                                            \
    X(MHD_stop_daemon)                                                                             \
    X(MHD_quiesce_daemon)                                                                          \
    X(MHD_get_connection_values_n)                                                                 \
    X(MHD_get_connection_info)                                                                     \
    X(MHD_lookup_connection_value)                                                                 \
    X(MHD_create_response_from_buffer)                                                             \
    X(MHD_add_response_header)                                                                     \
    X(MHD_queue_response)                                                                          \
    X(MHD_destroy_response)                                                                        \
    X(MHD_suspend_connection)                                                                      \
    X(MHD_resume_connection)                                                                       \
    X(MHD_is_feature_supported)                                                                    \
    X(MHD_get_version)

struct serve_mhd {
    SERVE_MHD_FUNCTIONS(GN_LIBRARY_POINTER)
};
extern struct serve_mhd serve_mhd;

/* False: it is not on this machine. */
bool serve_mhd_load(void);

#endif
