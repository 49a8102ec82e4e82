/* The body of a request as it arrives. */
#include "serve/body.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

static const char too_large[] = "the body is larger than --max-body allows";
static const char no_memory[] = "no memory for the request; try again later";
static const char damaged[] = "the packed body is damaged or not what Content-Encoding says";

int serve_body_begin(struct serve_body *body, const char *encoding,
                     const struct serve_body_limits *limits, atomic_ullong *all, const char **why)
{
    *body = (struct serve_body){ .limits = limits, .all = all };
    if (!encoding || strcasecmp(encoding, "identity") == 0)
        return 200;
    const bool gzip = strcasecmp(encoding, "gzip") == 0 || strcasecmp(encoding, "x-gzip") == 0;
    *why = "Content-Encoding is none of gzip, deflate, identity";
    if (!gzip && strcasecmp(encoding, "deflate") != 0)
        return 415;
    *why = no_memory;
    body->unpacker = calloc(1, sizeof *body->unpacker);
    if (!body->unpacker)
        return 503;
    if (inflateInit2(body->unpacker, gzip ? MAX_WBITS + 16 : MAX_WBITS) == Z_OK)
        return 200;
    free(body->unpacker);
    body->unpacker = NULL;
    return 503;
}

void serve_body_free(struct serve_body *body)
{
    if (body->unpacker)
        inflateEnd(body->unpacker);
    free(body->unpacker);
    free(body->bytes);
    if (body->all)
        atomic_fetch_sub(body->all, body->room);
    *body = (struct serve_body){ 0 };
}

/* Room for n more bytes and a NUL. */
static int make_room(struct serve_body *body, size_t n, const char **why)
{
    *why = too_large;
    if (n > body->limits->one - body->size)
        return 413;
    if (body->room > body->size + n)
        return 200;
    size_t room = body->room < 4096 ? 4096 : body->room;
    while (room <= body->size + n)
        room *= 2;
    const size_t more = room - body->room;
    *why = "the bodies of all requests are larger than the server has room for; try again later";
    if (atomic_fetch_add(body->all, more) + more > body->limits->all) {
        atomic_fetch_sub(body->all, more);
        return 503;
    }
    *why = no_memory;
    char *bytes = realloc(body->bytes, room);
    if (!bytes) {
        atomic_fetch_sub(body->all, more);
        return 503;
    }
    body->bytes = bytes;
    body->room = room;
    return 200;
}

static int add_plain(struct serve_body *body, const void *bytes, size_t n, const char **why)
{
    const int code = make_room(body, n, why);
    if (code != 200)
        return code;
    memcpy(body->bytes + body->size, bytes, n);
    body->size += n;
    body->bytes[body->size] = '\0';
    return 200;
}

static int unpack(struct serve_body *body, const void *bytes, size_t n, const char **why)
{
    unsigned char piece[8192];
    z_stream *z = body->unpacker;
    *why = damaged;
    z->next_in = (unsigned char *)(uintptr_t)bytes;
    z->avail_in = (uInt)n;
    do {
        if (body->unpacked)
            return z->avail_in > 0 ? 400 : 200;
        z->next_out = piece;
        z->avail_out = sizeof piece;
        const int result = inflate(z, Z_NO_FLUSH);
        if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
            return 400;
        body->unpacked = result == Z_STREAM_END;
        const int code = add_plain(body, piece, sizeof piece - z->avail_out, why);
        if (code != 200)
            return code;
        *why = damaged;
    } while (z->avail_in > 0 || z->avail_out == 0);
    return 200;
}

int serve_body_add(struct serve_body *body, const void *bytes, size_t n, const char **why)
{
    body->arrived += n;
    *why = too_large;
    if (body->arrived > body->limits->one)
        return 413;
    return body->unpacker ? unpack(body, bytes, n, why) : add_plain(body, bytes, n, why);
}

int serve_body_end(struct serve_body *body, const char **why)
{
    *why = damaged;
    return body->unpacker && !body->unpacked ? 400 : 200;
}
