/* Event files of TensorBoard, read by a reader of the tests' own. Failures end the test. */
#ifndef GN_TESTS_EVENT_FILE_H
#define GN_TESTS_EVENT_FILE_H

#include <stddef.h>
#include <stdint.h>

enum event_kind { EVENT_SCALAR = 2, EVENT_IMAGE = 4, EVENT_HISTOGRAM = 5 };

/* A value of a record. */
struct event_value {
    uint64_t step;
    char tag[128];
    enum event_kind kind;
    float scalar;
    double low, high, n, counted; /* of a histogram; the sum of its bins */
    int width, height;            /* of an image, */
    uint32_t bytes;               /* and a sum over its file */
};

struct event_file {
    int n;
    struct event_value *values; /* free() */
};

/* Checks every length, sum and step: those of tags of steps and of epochs rise each for themselves. */
struct event_file event_file_read(const char *path);

/* The value with this tag at that step; NULL: none. */
const struct event_value *event_find(const struct event_file *file, const char *tag, uint64_t step);

#endif
