/* cmocka with what it wants included before it, and checks of the library's errors. */
#ifndef GN_TESTS_CHECK_H
#define GN_TESTS_CHECK_H

#include "base/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* The last error has this status and its sentence holds `part`. */
static inline void check_error(gn_status status, const char *part)
{
    if (gn_error_status() != status || strstr(gn_error_message(), part) == NULL) {
        print_error("error %d: \"%s\"\nwanted %d with \"%s\"\n", (int)gn_error_status(),
                    gn_error_message(), (int)status, part);
        fail();
    }
    gn_clear_error();
}

#endif
