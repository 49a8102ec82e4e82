/* From libmicrohttpd's calls to requests, and from answers to its responses. */
#include "serve/http.h"

#include "cli/report.h"
#include "serve/request.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

/* ---- Sending ---- */

static void add_headers(struct MHD_Response *response, const struct serve_request *request,
                        const struct serve_reply *reply)
{
    char text[256];
#define ADD(name, value) serve_mhd.MHD_add_response_header(response, name, value)
    ADD("Content-Type", reply->type ? reply->type : "application/json");
    ADD("X-Content-Type-Options", "nosniff");
    ADD("Cache-Control", "no-store");
    if (reply->close || atomic_load(&request->server->drains))
        ADD("Connection", "close");
    if (reply->code == 503)
        ADD("Retry-After", "1");
    if (reply->code == 401)
        ADD("WWW-Authenticate", "Bearer");
    if (reply->allow)
        ADD("Allow", reply->allow);
    if (request->model)
        ADD("X-Model-Version", request->model->version);
    if (reply->json_size > 0) {
        snprintf(text, sizeof text, "%zu", reply->json_size);
        ADD("Inference-Header-Content-Length", text);
    }
    if (reply->nonce) {
        snprintf(text, sizeof text,
                 "default-src 'none'; script-src 'nonce-%s'; style-src 'nonce-%s'; img-src blob:; "
                 "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
                 reply->nonce, reply->nonce);
        ADD("Content-Security-Policy", text);
        ADD("X-Frame-Options", "DENY");
        ADD("Referrer-Policy", "no-referrer");
        ADD("Cross-Origin-Opener-Policy", "same-origin");
        ADD("Cross-Origin-Resource-Policy", "same-origin");
    }
#undef ADD
}

/* Takes the reply's text. */
static enum MHD_Result send_reply(struct serve_request *request, struct serve_reply *reply)
{
    static char no_memory[] = "{\"error\": \"no memory for the answer; try again later\"}\n";
    struct serve_text *text = &reply->text;
    const bool failed = text->failed || !text->bytes;
    if (failed) {
        reply->code = 503;
        reply->type = NULL;
        reply->json_size = 0;
    }
    struct MHD_Response *response =
        failed ? serve_mhd.MHD_create_response_from_buffer(sizeof no_memory - 1, no_memory,
                                                           MHD_RESPMEM_PERSISTENT)
               : serve_mhd.MHD_create_response_from_buffer(text->size, text->bytes,
                                                           MHD_RESPMEM_MUST_FREE);
    if (failed || !response)
        serve_text_free(text);
    if (!response)
        return MHD_NO;
    add_headers(response, request, reply);
    request->is_replied = true;
    request->code = reply->code;
    request->bytes_out = failed ? sizeof no_memory - 1 : text->size;
    const enum MHD_Result result =
        serve_mhd.MHD_queue_response(request->connection, (unsigned)reply->code, response);
    serve_mhd.MHD_destroy_response(response);
    return result;
}

static enum MHD_Result send_error(struct serve_request *request, int code, const char *sentence,
                                  bool close)
{
    struct serve_reply reply = { .close = close };
    serve_reply_error(&reply, code, sentence);
    return send_reply(request, &reply);
}

/* ---- The header ---- */

/* Compares in a time that does not depend on where the two differ. */
static bool is_allowed(const struct serve_request *request)
{
    static const char scheme[] = "Bearer ";
    const char *token = request->server->token, *given = request->head.authorization;
    const enum serve_route route = request->address.route;
    if (!token || route == SERVE_PAGE ||
        (route == SERVE_HEALTH && request->address.model[0] == '\0'))
        return true;
    if (!given || strncasecmp(given, scheme, sizeof scheme - 1) != 0)
        return false;
    given += sizeof scheme - 1;
    const size_t n = strlen(token), m = strlen(given);
    unsigned char difference = n != m;
    for (size_t i = 0; i < n; i++)
        difference |= (unsigned char)(token[i] ^ given[m == 0 ? 0 : i % m]);
    return difference == 0;
}

/* The model that the address, or ?model=NAME, names. */
static int find_model(struct serve_request *request, const char **why)
{
    const struct serve_address *address = &request->address;
    const char *name = address->model[0] ? address->model : NULL;
    const bool needs = name || address->route == SERVE_PREDICT || address->route == SERVE_EXPLAIN ||
                       address->route == SERVE_LABELS;
    if (!needs)
        return 200;
    if (!name)
        name = serve_mhd.MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND,
                                                     "model");
    request->model = serve_models_take(&request->server->models, name);
    *why = "there is no model of this name";
    if (!request->model)
        return 404;
    *why = "the model has no such version (any more)";
    return address->version[0] && strcmp(address->version, request->model->version) != 0 ? 404
                                                                                         : 200;
}

/* All that is refused before the body: 200, or a status. */
static int check_head(struct serve_request *request, const char *url, const char *method,
                      const char *version, const char **why, struct serve_reply *reply)
{
    const int code = serve_gate(request->connection, url, method, version, &request->head, why);
    if (code != 200)
        return code;
    const bool has_body = request->head.is_chunked || request->head.length > 0;
    *why = "there is nothing at this address";
    if (!serve_address_read(url, &request->address))
        return 404;
    reply->allow = request->address.is_post ? "POST" : "GET, HEAD";
    *why = "the method is not one of this address";
    if (request->address.is_post ? strcmp(method, "POST") != 0
                                 : strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        return 405;
    reply->allow = NULL;
    *why = "a GET request has no body";
    if (!request->address.is_post && has_body)
        return 400;
    *why = "a token is needed: Authorization: Bearer TOKEN";
    if (!is_allowed(request))
        return 401;
    *why = "the body is larger than --max-body allows";
    if (request->head.length > request->server->limits.one)
        return 413;
    const int found = find_model(request, why);
    if (found != 200 || !request->address.is_post)
        return found;
    return serve_body_begin(&request->body, request->head.encoding, &request->server->limits,
                            &request->server->metrics.body_bytes, why);
}

static enum MHD_Result begin(struct serve_request *request, const char *url, const char *method,
                             const char *version)
{
    const char *why = "";
    struct serve_reply reply = { .close = true };
    const union MHD_ConnectionInfo *info =
        serve_mhd.MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    request->place = info ? info->socket_context : NULL;
    request->begin = cli_seconds();
    request->body_code = 200;
    snprintf(request->method, sizeof request->method, "%s", method);
    snprintf(request->path, sizeof request->path, "%s", url);
    serve_connection_busy(&request->server->connections, request->place, true);
    const int code = check_head(request, url, method, version, &why, &reply);
    if (code == 200)
        return MHD_YES;
    /* Without a body to skip the connection is still good. */
    reply.close = request->head.is_chunked || request->head.length > 0 ||
                  (code != 404 && code != 401 && code != 405);
    serve_reply_error(&reply, code, why);
    return send_reply(request, &reply);
}

/* ---- The body ---- */

/* A body that cannot be used is read to its end, as far as its length is within the limit, and answered
 * then; libmicrohttpd takes no answer in between. Beyond the limit the connection ends, after the answer
 * where it can be written past the library. */
static enum MHD_Result take_body(struct serve_request *request, const char *bytes, size_t *n)
{
    static const char last_words[] =
        "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\n"
        "Content-Type: application/json\r\nContent-Length: 58\r\n\r\n"
        "{\"error\": \"the body is larger than --max-body allows\"}    ";
    struct serve_body *body = &request->body;
    if (request->body_code == 200)
        request->body_code = serve_body_add(body, bytes, *n, &request->body_why);
    else
        body->arrived += *n;
    if (body->arrived > 2 * request->server->limits.one) {
        request->code = 413;
        if (!request->server->settings->tls_cert && request->place)
            (void)send(request->place->socket, last_words, sizeof last_words - 1,
                       MSG_NOSIGNAL | MSG_DONTWAIT);
        return MHD_NO;
    }
    *n = 0;
    return MHD_YES;
}

/* From a thread of the batcher, or from our own: the last that it does with the request. */
static void job_done(void *user)
{
    struct serve_request *request = user;
    request->state = SERVE_COMPUTED;
    serve_mhd.MHD_resume_connection(request->connection);
}

static enum MHD_Result submit(struct serve_request *request)
{
    if (request->body_code == 200)
        request->body_code = serve_body_end(&request->body, &request->body_why);
    if (request->body_code != 200)
        return send_error(request, request->body_code, request->body_why, true);
    const int code = serve_request_prepare(request);
    if (code != 200)
        return send_error(request, code, request->infer.error, false);
    request->job.done = job_done;
    request->job.user = request;
    request->state = SERVE_WAITS;
    serve_mhd.MHD_suspend_connection(request->connection);
    if (serve_batcher_submit(request->server->batcher, &request->job))
        return MHD_YES;
    request->job.code = 503;
    snprintf(request->job.error, sizeof request->job.error,
             "the queue is full (--max-queue); try again later");
    job_done(request);
    return MHD_YES;
}

static enum MHD_Result finish(struct serve_request *request)
{
    struct serve_reply reply = { 0 };
    if (request->address.is_post && request->state == SERVE_READS)
        return submit(request);
    if (request->address.is_post)
        serve_reply_job(request, &reply);
    else
        serve_reply_plain(request, &reply);
    return send_reply(request, &reply);
}

/* ---- Callbacks ---- */

static enum MHD_Result handle(void *argument, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *bytes, size_t *n,
                              void **own)
{
    struct serve_request *request = *own;
    if (!request) {
        request = calloc(1, sizeof *request);
        if (!request)
            return MHD_NO;
        *own = request;
        request->server = argument;
        request->connection = connection;
        atomic_fetch_add(&request->server->metrics.active, 1);
        return begin(request, url, method, version);
    }
    if (request->is_replied || request->state == SERVE_WAITS)
        return MHD_YES;
    return *n > 0 ? take_body(request, bytes, n) : finish(request);
}

static void write_log(const struct serve_request *request, double seconds)
{
    const struct serve_job *job = &request->job;
    const bool computed = job->code == 200;
    serve_log_write(&request->server->log,
                    &(struct serve_log_line){
                        .peer = request->place ? request->place->peer : "",
                        .method = request->method,
                        .path = request->path,
                        .route = request->address.route,
                        .code = request->code,
                        .bytes_in = request->body.arrived,
                        .bytes_out = request->bytes_out,
                        .seconds = seconds,
                        .model = request->model ? request->model->name : NULL,
                        .version = request->model ? request->model->version : NULL,
                        .rows = computed ? job->rows : 0,
                        .batch = job->batch,
                        .queued = job->queued,
                        .computed = job->computed,
                    });
}

static void completed(void *argument, struct MHD_Connection *connection, void **own,
                      enum MHD_RequestTerminationCode why)
{
    enum { CLIENT_IS_GONE = 499 };
    struct serve_request *request = *own;
    (void)argument;
    (void)connection;
    if (!request)
        return;
    struct serve_server *server = request->server;
    const double seconds = cli_seconds() - request->begin;
    if (request->code == 0 || (why != MHD_REQUEST_TERMINATED_COMPLETED_OK && request->code == 200))
        request->code = CLIENT_IS_GONE;
    serve_metrics_request(&server->metrics, request->address.route, request->code, seconds);
    write_log(request, seconds);
    serve_connection_busy(&server->connections, request->place, false);
    serve_body_free(&request->body);
    serve_infer_free(&request->infer);
    free(request->job.inputs);
    free(request->job.logits);
    free(request->job.map.values);
    serve_model_release(request->model);
    free(request);
    *own = NULL;
    atomic_fetch_sub(&server->metrics.active, 1);
}

static void connected(void *argument, struct MHD_Connection *connection, void **own,
                      enum MHD_ConnectionNotificationCode what)
{
    struct serve_server *server = argument;
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        serve_connection_close(&server->connections, *own);
        *own = NULL;
        return;
    }
    const union MHD_ConnectionInfo *info =
        serve_mhd.MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    const int socket = info ? info->connect_fd : -1;
    info = serve_mhd.MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    *own = serve_connection_open(&server->connections, socket, info ? info->client_addr : NULL);
}

/* Addresses are compared as they were sent: "%2e" is not a point, "%00" ends nothing. */
static size_t keep_escapes(void *argument, struct MHD_Connection *connection, char *text)
{
    (void)argument;
    (void)connection;
    return strlen(text);
}

struct MHD_Daemon *serve_http_start(struct serve_server *server, const char *cert, const char *key)
{
    enum { MEMORY = 32 << 10 };
    const struct serve_settings *s = server->settings;
    /* A daemon that cannot be started closes its socket; so each has a descriptor of its own. */
    const int own = fcntl(server->listener.socket, F_DUPFD_CLOEXEC, 3);
    const unsigned flags =
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | (cert ? MHD_USE_TLS : 0);
    const struct MHD_OptionItem tls[] = {
        { cert ? MHD_OPTION_HTTPS_MEM_CERT : MHD_OPTION_END, 0, (void *)(uintptr_t)cert },
        { cert ? MHD_OPTION_HTTPS_MEM_KEY : MHD_OPTION_END, 0, (void *)(uintptr_t)key },
        { MHD_OPTION_END, 0, NULL },
    };
    if (own < 0)
        return NULL;
    return serve_mhd.MHD_start_daemon(
        flags, 0, NULL, NULL, handle, server, MHD_OPTION_LISTEN_SOCKET, own,
        MHD_OPTION_THREAD_POOL_SIZE, (unsigned)s->http_threads, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)s->max_connections, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        server->listener.is_unix ? 0U : (unsigned)s->max_per_address, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)s->idle_timeout, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
        MHD_OPTION_NOTIFY_COMPLETED, completed, NULL, MHD_OPTION_NOTIFY_CONNECTION, connected,
        server, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
}
