/* The bytes of a picture inside something else: a JSON string, a form. */
#ifndef GN_SERVE_UNWRAP_H
#define GN_SERVE_UNWRAP_H

#include <stdbool.h>
#include <stddef.h>

/* Decodes base64 (RFC 4648, with or without padding; a JSON text's "\/" is a slash) into `out`, which has
 * room for 3 * n / 4 bytes. False: it is not. */
bool serve_base64(const char *text, size_t n, unsigned char *out, size_t *size);

/* Finds the first part with a file name, or the first part, of a form (multipart/form-data, RFC 7578) whose
 * Content-Type is `type`, as browsers and curl -F send one; *part points into the body. False: the body is
 * not such a form. */
bool serve_multipart(const char *type, const char *body, size_t n, const char **part, size_t *size);

#endif
