/* What one request wants computed. */
#ifndef GN_SERVE_JOB_H
#define GN_SERVE_JOB_H

#include "serve/model.h"

struct serve_job {
    struct serve_job *next;
    struct serve_model *model;
    int rows;
    float *inputs; /* rows of them; made from the pictures or the pixels if those are there */
    const struct gn_file_bytes *pictures; /* `rows` picture files, or NULL */
    struct gn_image pixels;   /* of each image, one after the other, if .pixels is there */
    float *logits;            /* rows * classes */
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
