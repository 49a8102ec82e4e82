/* Requests of somebody who means harm, and what is made of them by chance. */
#ifndef GN_TESTS_SERVE_HOSTILE_H
#define GN_TESTS_SERVE_HOSTILE_H

#include "serve/loopback.h"

#include <stdint.h>

enum { HOSTILE_ROOM = 1 << 17 };

/* The next number of a sequence that its seed determines. */
uint64_t hostile_random(uint64_t *seed);

/* One of the forms, changed by chance more often than not; returns its size. */
size_t hostile_request(uint64_t *seed, char bytes[HOSTILE_ROOM]);

/* Sends one in pieces, leaves at any point or reads all that comes. Returns the worst status of an answer
 * that a server must not give to it (500, 502, ...), 0 for none. */
int hostile_visit(const struct test_server *server, uint64_t *seed);

#endif
