/* The access log. */
#include "serve/log.h"

#include "cli/report.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int open_file(const char *path)
{
    if (strcmp(path, "-") == 0)
        return dup(STDOUT_FILENO);
    return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
}

int serve_log_open(struct serve_log *log, const char *path)
{
    *log = (struct serve_log){ .path = path, .file = -1 };
    pthread_mutex_init(&log->lock, NULL);
    if (!path)
        return 0;
    log->file = open_file(path);
    return log->file >= 0 ? 0
                          : cli_fail(CLI_ENVIRONMENT, "--access-log %s: %s", path, strerror(errno));
}

void serve_log_reopen(struct serve_log *log)
{
    if (!log->path || strcmp(log->path, "-") == 0)
        return;
    const int file = open_file(log->path);
    if (file < 0) {
        cli_warn("access log %s: %s; the old file stays in use", log->path, strerror(errno));
        return;
    }
    pthread_mutex_lock(&log->lock);
    const int old = log->file;
    log->file = file;
    pthread_mutex_unlock(&log->lock);
    close(old);
}

void serve_log_close(struct serve_log *log)
{
    if (log->file >= 0)
        close(log->file);
    log->file = -1;
    pthread_mutex_destroy(&log->lock);
}

static void put_time(struct serve_text *text)
{
    struct timespec now = { 0 };
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    serve_printf(text, "{\"time\": \"%04d-%02d-%02dT%02d:%02d:%02d.%03dZ\"", utc.tm_year + 1900,
                 utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                 (int)(now.tv_nsec / 1000000));
}

void serve_log_write(struct serve_log *log, const struct serve_log_line *line)
{
    struct serve_text text = { 0 };
    if (log->file < 0)
        return;
    put_time(&text);
    serve_puts(&text, ", \"peer\": ");
    serve_put_json(&text, line->peer);
    serve_puts(&text, ", \"method\": ");
    serve_put_json(&text, line->method);
    serve_puts(&text, ", \"path\": ");
    serve_put_json(&text, line->path);
    serve_printf(&text,
                 ", \"route\": \"%s\", \"status\": %d, \"bytes_in\": %llu, \"bytes_out\": %llu, "
                 "\"seconds\": %.6f",
                 serve_route_name(line->route), line->code, (unsigned long long)line->bytes_in,
                 (unsigned long long)line->bytes_out, line->seconds);
    if (line->model)
        serve_printf(&text, ", \"model\": \"%s\", \"version\": \"%s\"", line->model, line->version);
    if (line->rows > 0)
        serve_printf(&text,
                     ", \"images\": %d, \"batch\": %d, \"queue_seconds\": %.6f, "
                     "\"inference_seconds\": %.6f",
                     line->rows, line->batch, line->queued, line->computed);
    serve_puts(&text, "}\n");
    if (!text.failed) {
        pthread_mutex_lock(&log->lock);
        const ssize_t ignored = write(log->file, text.bytes, text.size);
        (void)ignored; /* a full disk does not stop the server */
        pthread_mutex_unlock(&log->lock);
    }
    serve_text_free(&text);
}
