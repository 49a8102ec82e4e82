/* What one request wants computed. */
#ifndef GN_SERVE_BATCH_JOB_H
#define GN_SERVE_BATCH_JOB_H

#include "serve/model.h"

/* Where the image speaks for a class (gn_grad_cam). */
struct serve_map {
    float *values; /* room for one of each pixel of the network's input; NULL: none is wanted */
    int class;     /* -1: the most probable one; then which it was */
    const char *layer;
    int height, width;
};

struct serve_job {
    struct serve_job *next;
    struct serve_model *model;
    int rows;
    float *inputs; /* rows of them; NULL: serve_decode makes them of pictures or pixels */
    const struct gn_file_bytes *pictures; /* `rows` picture files, or NULL */
    struct gn_image pixels;   /* of each image, one after the other, if .pixels is there */
    float *logits;            /* rows * classes */
    struct serve_map map;     /* of a job of one row */
    double deadline;          /* after it the job is answered with 504 */
    void (*done)(void *user); /* from a thread of the batcher, or from the caller's */
    void *user;

    /* Set before done(). */
    int code; /* 200, or an HTTP status with a sentence */
    char error[320];
    int batch;               /* images of its batch */
    double queued, computed; /* seconds in the queue, and of its batch */
    double entered;          /* when it came to the queue it is in */
};

#endif
