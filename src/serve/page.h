/* The page, src/serve/page.html, which CMake puts into the program. */
#ifndef GN_SERVE_PAGE_H
#define GN_SERVE_PAGE_H

#include <stddef.h>

/* What stands in the page for the word that the header Content-Security-Policy names. */
#define SERVE_NONCE_MARK "NONCE-NONCE-NONCE-NONCE-NONCE-32"
enum { SERVE_NONCE = 32 };

extern const unsigned char serve_page[];
extern const size_t serve_page_size;

#endif
