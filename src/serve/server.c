/* The server's life: start, signals, the last answer. */
#include "serve/server.h"

#include "base/number.h"
#include "cli/commands.h"
#include "cli/report.h"
#include "serve/http.h"

#include "gn_config.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { DAEMONS = 16, LARGEST_FILE = 1 << 20, BODIES = 8 };

/* Daemons: the newest one accepts; each reload of a certificate makes one, and the older ones live until
 * their connections have ended. */
struct life {
    struct serve_server server;
    struct {
        struct MHD_Daemon *daemon;
        int generation;
    } daemons[DAEMONS];
    int n;
    char *cert, *key;
};

const char *cli_serve_library(void)
{
    return serve_mhd_load() ? serve_mhd.MHD_get_version() : NULL;
}

/* ---- Files ---- */

/* The whole of a small text file, to be freed; NULL after the fault was named. */
static char *read_text(const char *flag, const char *path)
{
    FILE *in = fopen(path, "rb");
    char *text = in ? calloc(LARGEST_FILE + 1, 1) : NULL;
    const size_t n = text ? fread(text, 1, LARGEST_FILE + 1, in) : 0;
    const bool failed = !text || ferror(in) || n == 0 || n > LARGEST_FILE;
    if (failed)
        (void)cli_fail(CLI_ENVIRONMENT, "%s %s: %s", flag, path,
                       !in      ? strerror(errno)
                       : n == 0 ? "is empty or cannot be read"
                                : "is larger than 1 MiB");
    if (in)
        fclose(in);
    if (!failed)
        return text;
    free(text);
    return NULL;
}

static int read_token(struct serve_server *server, const char *path)
{
    char *token = read_text("--token-file", path);
    if (!token)
        return CLI_ENVIRONMENT;
    size_t n = strlen(token);
    while (n > 0 && strchr(" \t\r\n", token[n - 1]))
        token[--n] = '\0';
    server->token = token;
    for (size_t i = 0; i < n; i++)
        if (token[i] <= ' ' || token[i] > '~')
            n = 0;
    return n >= 8
               ? 0
               : cli_fail(CLI_USAGE,
                          "--token-file %s: one word of at least 8 printable ASCII characters is "
                          "expected",
                          path);
}

/* Certificate and key; false after the fault was named. */
static bool read_pair(const struct serve_settings *s, char **cert, char **key)
{
    *cert = *key = NULL;
    if (!s->tls_cert)
        return true;
    *cert = read_text("--tls-cert", s->tls_cert);
    *key = *cert ? read_text("--tls-key", s->tls_key) : NULL;
    if (*key)
        return true;
    free(*cert);
    *cert = NULL;
    return false;
}

/* ---- Daemons ---- */

static bool start(struct life *life, const char *cert, const char *key)
{
    struct MHD_Daemon *daemon = serve_http_start(&life->server, cert, key);
    if (!daemon)
        return false;
    life->daemons[life->n].daemon = daemon;
    life->daemons[life->n++].generation = atomic_load(&life->server.connections.generation);
    return true;
}

/* Ends those older daemons that have no connection any more. */
static void stop_old(struct life *life)
{
    for (int i = 0; i + 1 < life->n; i++) {
        if (serve_connections_count(&life->server.connections, life->daemons[i].generation) > 0)
            continue;
        serve_mhd.MHD_stop_daemon(life->daemons[i].daemon);
        memmove(&life->daemons[i], &life->daemons[i + 1],
                (size_t)(life->n - i - 1) * sizeof life->daemons[0]);
        life->n--;
        i--;
    }
}

/* It accepts no more; its descriptor of the socket is ours then. */
static void quiesce(struct MHD_Daemon *daemon)
{
    const int socket = serve_mhd.MHD_quiesce_daemon(daemon);
    if (socket >= 0)
        close(socket);
}

/* A new certificate: the daemon stops accepting, another one with the certificate goes on. */
static void reload_tls(struct life *life)
{
    char *cert, *key;
    if (!life->server.settings->tls_cert || !read_pair(life->server.settings, &cert, &key))
        return;
    const bool is_new = strcmp(cert, life->cert) != 0 || strcmp(key, life->key) != 0;
    if (!is_new || life->n == DAEMONS) {
        if (is_new)
            cli_warn("the certificate stays: %d earlier ones are still in use", DAEMONS - 1);
        free(cert);
        free(key);
        return;
    }
    quiesce(life->daemons[life->n - 1].daemon);
    atomic_fetch_add(&life->server.connections.generation, 1);
    const bool started = start(life, cert, key);
    if (!started) {
        cli_warn("%s: not a certificate with the key %s; the old one stays",
                 life->server.settings->tls_cert, life->server.settings->tls_key);
        (void)start(life, life->cert, life->key);
        free(cert);
        free(key);
        return;
    }
    free(life->cert);
    free(life->key);
    life->cert = cert;
    life->key = key;
    cli_note("tls       new certificate");
}

static void reload(struct life *life)
{
    int loaded, failed;
    struct serve_server *server = &life->server;
    serve_models_reload(&server->models, &loaded, &failed);
    atomic_fetch_add(&server->metrics.reloads[0], (unsigned long long)failed);
    atomic_fetch_add(&server->metrics.reloads[1], (unsigned long long)loaded);
    reload_tls(life);
    serve_log_reopen(&server->log);
}

/* ---- Start ---- */

static int load_parts(struct serve_server *server, const char *const *models, int n)
{
    const struct serve_settings *s = server->settings;
    const struct serve_model_options how = { .net = &s->net,
                                             .max_batch = s->max_batch,
                                             .threads = s->threads,
                                             .top = s->top,
                                             .weights = s->weights };
    const struct serve_batcher_options batching = { .max_batch = s->max_batch,
                                                    .max_queue = s->max_queue,
                                                    .threads = s->threads,
                                                    .max_wait = s->max_wait / 1000,
                                                    .max_pixels = s->max_pixels };
    if (s->token_file) {
        const int code = read_token(server, s->token_file);
        if (code != 0)
            return code;
    }
    int code = serve_log_open(&server->log, s->access_log);
    if (code == 0)
        code = serve_models_load(&server->models, models, n, &how);
    if (code != 0)
        return code;
    server->batcher = serve_batcher_create(&batching, &server->metrics);
    return server->batcher ? 0 : cli_fail(CLI_ENVIRONMENT, "the system gives no threads");
}

static void announce(const struct serve_server *server)
{
    const struct serve_listener *l = &server->listener;
    cli_note("serving   %s", l->place);
    if (!l->is_loopback && !server->token)
        cli_warn(
            "%s can be reached from other machines, and nothing is asked of them; see --token-file "
            "and --tls-cert",
            l->place);
    if (!server->settings->common.json)
        return;
    json_t *line = json_object(), *names = json_array();
    for (int i = 0; i < server->models.n; i++)
        json_array_append_new(names, cli_json_text(server->models.slots[i].name));
    json_object_set_new(line, "listening", cli_json_text(l->place));
    json_object_set_new(line, "models", names);
    cli_print_json(line);
    fflush(stdout);
}

static int begin(struct life *life, const char *const *models, int n)
{
    struct serve_server *server = &life->server;
    const struct serve_settings *s = server->settings;
    if (!serve_mhd_load())
        return cli_fail(CLI_ENVIRONMENT, "serve: libmicrohttpd (" GN_MICROHTTPD_SONAME
                                         ") is not on this machine; Debian: libmicrohttpd12");
    if (s->tls_cert && serve_mhd.MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES)
        return cli_fail(CLI_ENVIRONMENT, "--tls-cert: this libmicrohttpd is built without TLS");
    if (!read_pair(s, &life->cert, &life->key))
        return CLI_ENVIRONMENT;
    int code = serve_listen(&server->listener, s->listen, s->tls_cert ? "https" : "http");
    if (code == 0)
        code = load_parts(server, models, n);
    if (code != 0)
        return code;
    if (!start(life, life->cert, life->key))
        return s->tls_cert
                   ? cli_fail(CLI_ENVIRONMENT, "%s: not a certificate in PEM with the key %s",
                              s->tls_cert, s->tls_key)
                   : cli_fail(CLI_ENVIRONMENT, "the HTTP server cannot be started: %s",
                              strerror(errno));
    announce(server);
    return 0;
}

/* ---- End ---- */

/* Seconds that a request whose time is over has for its answer. */
static const double grace = 5;

static void sleep_shortly(void)
{
    const struct timespec pause = { .tv_nsec = 20000000 };
    nanosleep(&pause, NULL);
}

/* No new connections; requests that run are answered within the time. */
static void drain(struct life *life)
{
    struct serve_server *server = &life->server;
    const struct serve_settings *s = server->settings;
    const double end = cli_seconds() + s->drain_timeout;
    atomic_store(&server->drains, true);
    for (int i = 0; i < life->n; i++)
        quiesce(life->daemons[i].daemon);
    serve_unlisten(&server->listener);
    while (cli_seconds() < end && serve_connections_count(&server->connections, -1) > 0) {
        serve_connections_watch(&server->connections, s->request_timeout, grace, true);
        sleep_shortly();
    }
}

static void end(struct life *life)
{
    struct serve_server *server = &life->server;
    /* What is still suspended is answered, which libmicrohttpd needs before it ends. */
    if (server->batcher)
        serve_batcher_end(server->batcher);
    for (int i = 0; i < life->n; i++)
        serve_mhd.MHD_stop_daemon(life->daemons[i].daemon);
    serve_batcher_free(server->batcher);
    serve_unlisten(&server->listener);
    serve_models_free(&server->models);
    serve_log_close(&server->log);
    free(server->token);
    free(life->cert);
    free(life->key);
}

/* Waits for signals until one ends the server. */
static void watch(struct life *life, const sigset_t *signals)
{
    const struct timespec pause = { .tv_nsec = 200000000 };
    struct serve_server *server = &life->server;
    for (;;) {
        const int signal_number = sigtimedwait(signals, NULL, &pause);
        if (signal_number == SIGHUP)
            reload(life);
        else if (signal_number > 0)
            return;
        serve_connections_watch(&server->connections, server->settings->request_timeout, grace,
                                false);
        stop_old(life);
    }
}

int serve_run(const struct serve_settings *settings, const char *const *models, int n)
{
    sigset_t signals;
    struct life *life = cli_calloc(1, sizeof *life);
    life->server.settings = settings;
    life->server.log.file = -1;
    life->server.limits =
        (struct serve_body_limits){ .one = settings->max_body, .all = BODIES * settings->max_body };
    serve_connections_begin(&life->server.connections);
    life->server.listener.socket = -1;
    /* Blocked in all threads, which inherit it. */
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    int code = begin(life, models, n);
    if (code == 0) {
        watch(life, &signals);
        cli_note("draining  no new connections, at most %d s for what runs",
                 (int)settings->drain_timeout);
        drain(life);
        code = CLI_INTERRUPTED;
    }
    end(life);
    free(life);
    return code;
}
