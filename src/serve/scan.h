/*
 * The `data` array of a request's input, read straight from the JSON text: as values of a JSON library,
 * the numbers of a picture take ten times longer than the network does, and forty times their text's
 * memory. What is left of the text is small.
 */
#ifndef GN_SERVE_SCAN_H
#define GN_SERVE_SCAN_H

#include "serve/text.h"

enum { SERVE_DEPTH = 8 };

struct serve_span {
    const char *text; /* between the quotes, in the request */
    size_t size;
};

struct serve_data {
    float *numbers;
    struct serve_span *strings;
    size_t count, room;       /* of the one or the other */
    int depth;                /* of nested arrays: 1 is flat */
    size_t dims[SERVE_DEPTH]; /* their lengths, outermost first */
    bool found;
};

/* Finds inputs[0].data in the `n` bytes at `json`, after which a NUL follows somewhere, and copies the
 * rest to `rest` with null in its place. False with a sentence in error[160]; *code is 400, 413 or
 * 503. `most`: values that may be there. */
bool serve_scan(const char *json, size_t n, size_t most, struct serve_data *data,
                struct serve_text *rest, int *code, char *error);
void serve_data_free(struct serve_data *data);

#endif
