/* A reader of protocol buffers for tests: asserts instead of errors. */
#ifndef GN_TESTS_PROTO_H
#define GN_TESTS_PROTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct proto {
    const uint8_t *at, *end;
};
struct proto_field {
    int number;
    uint64_t value;     /* of a varint or fixed32 */
    struct proto inner; /* of a message, text or bytes */
};

/* The next field; false at the end. */
bool proto_next(struct proto *message, struct proto_field *field);

/* The first field of this number; fails the test when there is none. */
struct proto_field proto_find(struct proto message, int number);

int proto_count(struct proto message, int number);
bool proto_is(struct proto text, const char *wanted);

/* Copies a text; returns `to`. */
char *proto_text(struct proto text, char *to, size_t size);

#endif
