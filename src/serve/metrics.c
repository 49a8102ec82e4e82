/* Counts and histograms in Prometheus' text format 0.0.4. */
#include "serve/metrics.h"

#include "base/number.h"
#include "serve/model.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* The last one counts all others. */
static const int codes[SERVE_CODES] = { 200, 400, 401, 404, 405, 408, 411, 413, 414, 415,
                                        417, 422, 431, 499, 500, 501, 503, 504, 505, 0 };

static const char *const route_names[SERVE_ROUTES] = {
    "none", "page", "health", "metadata", "infer", "predict", "explain", "labels", "metrics",
};

static const double seconds_bounds[SERVE_BUCKETS] = { 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                                      0.05,   0.1,   0.25,   0.5,   1,    2.5,
                                                      5,      10,    30,     60 };
static const double size_bounds[SERVE_BUCKETS] = { 1,  2,  4,  8,   12,  16,  24,  32,
                                                   48, 64, 96, 128, 192, 256, 512, 1024 };

const char *serve_route_name(enum serve_route route)
{
    return route_names[route];
}

static void observe(struct serve_histogram *h, const double *bounds, double value)
{
    int i = 0;
    while (i < SERVE_BUCKETS && value > bounds[i])
        i++;
    atomic_fetch_add(&h->buckets[i], 1);
    atomic_fetch_add(&h->sum, (unsigned long long)(value * 1e6));
}

void serve_metrics_request(struct serve_metrics *m, enum serve_route route, int code,
                           double seconds)
{
    int i = 0;
    while (codes[i] != 0 && codes[i] != code)
        i++;
    atomic_fetch_add(&m->requests[route][i], 1);
    observe(&m->request_seconds, seconds_bounds, seconds);
}

void serve_metrics_batch(struct serve_metrics *m, int rows, double seconds)
{
    observe(&m->batch_size, size_bounds, rows);
    observe(&m->inference_seconds, seconds_bounds, seconds);
}

void serve_metrics_queued(struct serve_metrics *m, double seconds)
{
    observe(&m->queue_seconds, seconds_bounds, seconds);
}

static void head(struct serve_text *text, const char *name, const char *kind, const char *help)
{
    serve_printf(text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind);
}

static void put_value(struct serve_text *text, const char *name, const char *kind, const char *help,
                      double value)
{
    char number[GN_NUMBER_TEXT];
    head(text, name, kind, help);
    serve_printf(text, "%s %s\n", name, gn_decimal_text(value, number));
}

static void put_histogram(struct serve_text *text, const char *name, const char *help,
                          struct serve_histogram *h, const double *bounds)
{
    char number[GN_NUMBER_TEXT];
    unsigned long long count = 0;
    head(text, name, "histogram", help);
    for (int i = 0; i <= SERVE_BUCKETS; i++) {
        count += atomic_load(&h->buckets[i]);
        serve_printf(text, "%s_bucket{le=\"%s\"} %llu\n", name,
                     i < SERVE_BUCKETS ? gn_decimal_text(bounds[i], number) : "+Inf", count);
    }
    serve_printf(text, "%s_sum %s\n%s_count %llu\n", name,
                 gn_decimal_text((double)atomic_load(&h->sum) / 1e6, number), name, count);
}

static void put_requests(struct serve_metrics *m, struct serve_text *text)
{
    head(text, "googlenet_requests_total", "counter", "Requests that were answered.");
    for (int route = 0; route < SERVE_ROUTES; route++)
        for (int i = 0; i < SERVE_CODES; i++) {
            const unsigned long long n = atomic_load(&m->requests[route][i]);
            if (n == 0)
                continue;
            char code[16] = "other";
            if (codes[i] != 0)
                snprintf(code, sizeof code, "%d", codes[i]);
            serve_printf(text, "googlenet_requests_total{route=\"%s\",code=\"%s\"} %llu\n",
                         route_names[route], code, n);
        }
}

/* Names and versions hold no character that would have to be escaped. */
static void put_models(struct serve_models *models, struct serve_text *text)
{
    head(text, "googlenet_model_info", "gauge", "The models that are served.");
    pthread_mutex_lock(&models->lock);
    for (int i = 0; i < models->n; i++)
        serve_printf(text, "googlenet_model_info{model=\"%s\",version=\"%s\"} 1\n",
                     models->slots[i].name, models->slots[i].model->version);
    pthread_mutex_unlock(&models->lock);
}

static void put_process(struct serve_text *text)
{
    struct timespec cpu = { 0 };
    unsigned long long size = 0, resident = 0;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    put_value(text, "process_cpu_seconds_total", "counter", "Processor time of the process.",
              (double)cpu.tv_sec + 1e-9 * (double)cpu.tv_nsec);
    char line[128] = "";
    FILE *in = fopen("/proc/self/statm", "r");
    if (!in)
        return;
    const bool read = fgets(line, sizeof line, in) != NULL;
    fclose(in);
    char *end = line;
    size = strtoull(line, &end, 10);
    resident = strtoull(end, NULL, 10);
    if (!read || size == 0)
        return;
    const double page = (double)sysconf(_SC_PAGESIZE);
    put_value(text, "process_resident_memory_bytes", "gauge", "Memory that the process has.",
              (double)resident * page);
    put_value(text, "process_virtual_memory_bytes", "gauge", "Address space of the process.",
              (double)size * page);
}

void serve_metrics_write(struct serve_metrics *m, struct serve_models *models, int queue_length,
                         struct serve_text *text)
{
    put_requests(m, text);
    put_histogram(text, "googlenet_request_seconds", "From the header of a request to its answer.",
                  &m->request_seconds, seconds_bounds);
    put_histogram(text, "googlenet_queue_seconds", "Time that requests waited for a batch.",
                  &m->queue_seconds, seconds_bounds);
    put_histogram(text, "googlenet_inference_seconds", "Time of a batch.", &m->inference_seconds,
                  seconds_bounds);
    put_histogram(text, "googlenet_batch_size", "Images of a batch.", &m->batch_size, size_bounds);
    put_value(text, "googlenet_queue_length", "gauge", "Requests that wait.", queue_length);
    put_value(text, "googlenet_connections", "gauge", "Open connections.",
              atomic_load(&m->connections));
    put_value(text, "googlenet_body_bytes", "gauge", "Bytes of requests in memory.",
              (double)atomic_load(&m->body_bytes));
    put_models(models, text);
    head(text, "googlenet_reloads_total", "counter", "Models that were loaded again.");
    serve_printf(text, "googlenet_reloads_total{result=\"failed\"} %llu\n",
                 (unsigned long long)atomic_load(&m->reloads[0]));
    serve_printf(text, "googlenet_reloads_total{result=\"done\"} %llu\n",
                 (unsigned long long)atomic_load(&m->reloads[1]));
    put_process(text);
}
