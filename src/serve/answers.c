/* What each route answers. */
#define _GNU_SOURCE /* getrandom */
#include "cli/report.h"
#include "base/number.h"
#include "serve/unwrap.h"
#include "serve/page.h"
#include "serve/request.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

void serve_reply_error(struct serve_reply *reply, int code, const char *sentence)
{
    reply->code = code;
    reply->text.size = 0;
    reply->json_size = 0;
    reply->type = NULL;
    serve_put_error(&reply->text, sentence);
}

/* ---- Without a computation ---- */

static void put_health(const struct serve_request *request, struct serve_reply *reply)
{
    const bool ready = !atomic_load(&request->server->drains);
    struct serve_text *text = &reply->text;
    if (request->model) {
        serve_puts(text, "{\"name\": ");
        serve_put_json(text, request->model->name);
        serve_printf(text, ", \"ready\": %s}\n", ready ? "true" : "false");
    } else {
        serve_printf(text, "{\"live\": %s, \"ready\": %s}\n",
                     request->address.is_live || ready ? "true" : "false",
                     ready ? "true" : "false");
    }
    if (!ready && request->address.is_ready)
        reply->code = 503;
}

static void put_tensor(struct serve_text *text, const char *name, const char *shape)
{
    serve_printf(text, "{\"name\": \"%s\", \"datatype\": \"FP32\", \"shape\": [-1, %s]}", name,
                 shape);
}

static void put_model(const struct serve_model *model, struct serve_text *text)
{
    char shape[64];
    serve_puts(text, "{\"name\": ");
    serve_put_json(text, model->name);
    serve_printf(text,
                 ", \"versions\": [\"%s\"], \"platform\": \"googlenet_safetensors\", \"inputs\": [",
                 model->version);
    snprintf(shape, sizeof shape, "%d, %d, %d", model->info.size_h, model->info.size_w,
             model->info.channels);
    put_tensor(text, "input", shape);
    serve_puts(text, "], \"outputs\": [");
    snprintf(shape, sizeof shape, "%d", model->info.classes);
    for (int i = 0; i < SERVE_OUTPUT_KINDS; i++) {
        serve_puts(text, i ? ", " : "");
        put_tensor(text, serve_output_names[i], shape);
    }
    serve_puts(text, "]}\n");
}

static void put_labels(const struct serve_model *model, struct serve_text *text)
{
    serve_puts(text, "[");
    for (int i = 0; i < model->info.classes; i++) {
        char number[16];
        snprintf(number, sizeof number, "%d", i);
        serve_puts(text, i ? ", " : "");
        serve_put_json(text, model->info.labels ? model->info.labels[i] : number);
    }
    serve_puts(text, "]\n");
}

/* The page with a fresh word that its style and script must carry to be obeyed. */
static void put_page(struct serve_reply *reply)
{
    static _Thread_local char nonce[SERVE_NONCE + 1];
    unsigned char random[SERVE_NONCE / 2];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) {
        serve_reply_error(reply, 503, "the system has no random numbers");
        return;
    }
    for (size_t i = 0; i < sizeof random; i++)
        snprintf(nonce + 2 * i, 3, "%02x", random[i]);
    reply->type = "text/html; charset=utf-8";
    reply->nonce = nonce;
    serve_put(&reply->text, serve_page, serve_page_size);
    char *at = reply->text.bytes;
    while (at && (at = strstr(at, SERVE_NONCE_MARK)) != NULL)
        memcpy(at, nonce, SERVE_NONCE);
}

void serve_reply_plain(struct serve_request *request, struct serve_reply *reply)
{
    struct serve_server *server = request->server;
    struct serve_text *text = &reply->text;
    reply->code = 200;
    switch (request->address.route) {
    case SERVE_PAGE:
        put_page(reply);
        break;
    case SERVE_HEALTH:
        put_health(request, reply);
        break;
    case SERVE_METADATA:
        if (request->model)
            put_model(request->model, text);
        else
            serve_printf(text,
                         "{\"name\": \"googlenet\", \"version\": \"%s\", \"extensions\": "
                         "[\"binary_tensor_data\", \"classification\"]}\n",
                         gn_version());
        break;
    case SERVE_LABELS:
        put_labels(request->model, text);
        break;
    case SERVE_METRICS:
        reply->type = "text/plain; version=0.0.4; charset=utf-8";
        atomic_store(&server->metrics.connections,
                     serve_connections_count(&server->connections, -1));
        serve_metrics_write(&server->metrics, &server->models,
                            serve_batcher_length(server->batcher), text);
        break;
    default:
        serve_reply_error(reply, 404, "there is nothing at this address");
    }
}

/* ---- Jobs ---- */

static int fail(struct serve_request *request, int code, const char *sentence)
{
    snprintf(request->infer.error, sizeof request->infer.error, "%s", sentence);
    return request->infer.code = code;
}

/* The map that is wanted: of the class in ?class=K, or of the most probable one. */
static int prepare_map(struct serve_request *request)
{
    const struct gn_net_info *info = &request->model->info;
    struct serve_map *map = &request->job.map;
    const char *text =
        serve_mhd.MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, "class");
    map->class = -1;
    if (text && !gn_int_parse(text, 0, info->classes - 1, &map->class))
        return fail(request, 400, "?class=K: K is not the number of a class");
    map->values = calloc((size_t)info->size_h * (size_t)info->size_w, sizeof *map->values);
    return map->values ? 200 : fail(request, 503, "no memory for the request; try again later");
}

/* A picture's bytes, or a form with a file. */
static int prepare_predict(struct serve_request *request)
{
    struct serve_infer *infer = &request->infer;
    const char *bytes = request->body.bytes, *type = request->head.type;
    size_t size = request->body.size;
    if (type && strncasecmp(type, "multipart/form-data", 19) == 0 &&
        (!bytes || !serve_multipart(type, bytes, size, &bytes, &size)))
        return fail(request, 400, "the form holds no file");
    if (size == 0 || !bytes)
        return fail(request, 400, "the body is empty; the bytes of a picture are expected");
    infer->rows = 1;
    infer->pictures = calloc(1, sizeof *infer->pictures);
    if (!infer->pictures)
        return fail(request, 503, "no memory for the request; try again later");
    infer->pictures[0] = (struct gn_file_bytes){ .bytes = bytes, .size = size };
    return request->address.route == SERVE_EXPLAIN ? prepare_map(request) : 200;
}

static int prepare_infer(struct serve_request *request)
{
    const struct serve_body *body = &request->body;
    uint64_t json = body->size;
    if (request->head.json_length && !gn_whole_parse(request->head.json_length, &json))
        return fail(request, 400, "Inference-Header-Content-Length: a number is expected");
    if (json > body->size)
        return fail(request, 400, "Inference-Header-Content-Length is larger than the body");
    if (json == 0)
        return fail(request, 400, "the body is empty; an inference request is expected");
    (void)serve_infer_parse(&request->infer, request->model, body->bytes, (size_t)json, body->size,
                            request->server->settings->max_batch);
    return request->infer.code;
}

int serve_request_prepare(struct serve_request *request)
{
    struct serve_infer *infer = &request->infer;
    struct serve_job *job = &request->job;
    const int code =
        request->address.route == SERVE_INFER ? prepare_infer(request) : prepare_predict(request);
    if (code != 200)
        return code;
    job->logits =
        calloc((size_t)infer->rows * (size_t)request->model->info.classes, sizeof *job->logits);
    if (!job->logits)
        return fail(request, 503, "no memory for the request; try again later");
    job->model = request->model;
    job->rows = infer->rows;
    job->inputs = infer->inputs;
    infer->inputs = NULL;
    job->pictures = infer->pictures;
    job->pixels = infer->pixels;
    job->deadline = request->begin + request->server->settings->request_timeout;
    return 200;
}

/* The map, and how the network sees the picture: which part of it the map covers. */
static json_t *map_json(const struct serve_job *job)
{
    const struct serve_map *map = &job->map;
    const struct gn_net_info *info = &job->model->info;
    struct gn_pixel_options pixels = { 0 };
    json_t *object = json_object(), *values = json_array(), *seen = json_object();
    for (int i = 0; i < map->height * map->width; i++)
        json_array_append_new(values, cli_json_float(map->values[i]));
    (void)gn_net_pixels(job->model->net, &pixels);
    json_object_set_new(seen, "height", json_integer(info->size_h));
    json_object_set_new(seen, "width", json_integer(info->size_w));
    json_object_set_new(seen, "short_side", json_integer(pixels.short_side));
    json_object_set_new(seen, "square", json_boolean(pixels.square));
    json_object_set_new(object, "class", json_integer(map->class));
    json_object_set_new(object, "layer", cli_json_text(map->layer));
    json_object_set_new(object, "height", json_integer(map->height));
    json_object_set_new(object, "width", json_integer(map->width));
    json_object_set_new(object, "values", values);
    json_object_set_new(object, "input", seen);
    return object;
}

/* The line that `predict --json` prints, without the file's name. */
static void put_prediction(const struct serve_job *job, struct serve_text *text)
{
    struct serve_model *model = job->model;
    char *line = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&line, &size);
    pthread_mutex_lock(&model->lock);
    json_t *value = cli_answer_json(&model->answer, NULL, 0, job->logits);
    pthread_mutex_unlock(&model->lock);
    if (job->map.values)
        json_object_set_new(value, "map", map_json(job));
    const bool written = out && cli_json_write(out, value);
    text->failed = text->failed || (out && fclose(out) != 0) || !written || !line;
    if (!out)
        json_decref(value);
    if (!text->failed)
        serve_put(text, line, size);
    free(line);
}

void serve_reply_job(struct serve_request *request, struct serve_reply *reply)
{
    const struct serve_job *job = &request->job;
    reply->code = job->code;
    if (job->code != 200)
        serve_reply_error(reply, job->code, job->error);
    else if (request->address.route != SERVE_INFER)
        put_prediction(job, &reply->text);
    else {
        size_t json_size = 0;
        bool is_binary = false;
        serve_infer_answer(&request->infer, job, &reply->text, &json_size);
        for (int i = 0; i < request->infer.n_outputs; i++)
            is_binary = is_binary || request->infer.outputs[i].binary;
        reply->json_size = is_binary ? json_size : 0;
        reply->type = is_binary ? "application/octet-stream" : NULL;
    }
}
