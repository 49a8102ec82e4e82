/* The reader of JSON that a library for prediction alone has in jansson's place. */
#ifndef TESTS_FORMATS_SMALL_JSON_H
#define TESTS_FORMATS_SMALL_JSON_H

#include "base/status.h"

/* Reads a text and writes what was read, in one form for each value: BAD_DATA when it is refused. A real
 * number is written as "real". `fault` gets the sentence and its place. */
gn_status small_json(const char *text, size_t size, char *out, size_t room, char fault[200]);

#endif
