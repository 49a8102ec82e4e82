/* One request from its header to its answer. */
#ifndef GN_SERVE_REQUEST_H
#define GN_SERVE_REQUEST_H

#include "serve/gate.h"
#include "serve/infer.h"
#include "serve/state.h"

/* An address: which route, and what it names. */
struct serve_address {
    enum serve_route route;
    bool is_post;
    bool is_live, is_ready;      /* of SERVE_HEALTH */
    char model[SERVE_NAME];      /* "": the first one, or none */
    char version[SERVE_VERSION]; /* "": the current one */
};

/* Reads an address without its query. False: there is none such. */
bool serve_address_read(const char *url, struct serve_address *address);

/* An answer before it is sent. */
struct serve_reply {
    int code;
    const char *type; /* NULL: application/json */
    struct serve_text text;
    size_t json_size; /* of an answer with tensors after it; 0: none */
    bool close;
    const char *allow; /* of 405 */
    const char *nonce; /* of the page */
};

struct serve_request {
    struct serve_server *server;
    struct MHD_Connection *connection;
    struct serve_connection *place;
    struct serve_address address;
    struct serve_head head;
    char method[16], path[256]; /* for the log */
    double begin;
    enum { SERVE_READS, SERVE_WAITS, SERVE_COMPUTED } state;
    bool is_replied;
    int body_code; /* 200, or what is wrong with the body so far */
    const char *body_why;
    struct serve_body body;
    struct serve_model *model;
    struct serve_infer infer;
    struct serve_job job;
    int code; /* that was sent; 0: nothing was */
    uint64_t bytes_out;
};

/* ---- answers.c ---- */

/* {"error": ...} */
void serve_reply_error(struct serve_reply *reply, int code, const char *sentence);

/* The answer of a request that needs no computation. */
void serve_reply_plain(struct serve_request *request, struct serve_reply *reply);

/* The answer of a job that is done. */
void serve_reply_job(struct serve_request *request, struct serve_reply *reply);

/* Makes a job of the body: 200, or a status with the sentence in request->infer.error. */
int serve_request_prepare(struct serve_request *request);

#endif
