/* libmicrohttpd, loaded when the server starts. */
#include "serve/mhd.h"

#include "gn_config.h"

struct serve_mhd serve_mhd;

bool serve_mhd_load(void)
{
#define ENTRY(function) { #function, offsetof(struct serve_mhd, function) },
    static const struct gn_library_function functions[] = { SERVE_MHD_FUNCTIONS(ENTRY){ NULL, 0 } };
    return gn_library_load(GN_MICROHTTPD_SONAME, functions, &serve_mhd);
}
