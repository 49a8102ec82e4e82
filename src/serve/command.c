/*
 * googlenet serve: HTTP inference, Open Inference Protocol v2.
 */
#include "cli/commands.h"
#include "cli/report.h"
#include "serve/server.h"

#include "gn_config.h"

#include <stddef.h>

static const struct serve_settings defaults = {
    .listen = "127.0.0.1:8080",
    .top = 5,
    .max_batch = 32,
    .max_queue = 256,
    .max_connections = 512,
    .max_per_address = 256,
    .request_timeout = 30,
    .idle_timeout = 15,
    .drain_timeout = 30,
    .max_body = 16 << 20,
    .max_pixels = 50000000,
};

#define ROW(flag, what, member, text)                                                              \
    .name = flag, .value = what, .offset = offsetof(struct serve_settings, member), .help = text
#define TEXT(flag, what, member, text)                                                             \
    {                                                                                              \
        ROW(flag, what, member, text), .kind = GN_OPTION_TEXT                                      \
    }
#define NUMBER(flag, member, from, to, usual, text)                                                \
    {                                                                                              \
        ROW(flag, "N", member, text), .kind = GN_OPTION_INT, .low = from, .high = to,              \
                                      .standard = usual                                            \
    }
#define SECONDS(flag, member, usual, text)                                                         \
    {                                                                                              \
        ROW(flag, "S", member, text), .kind = GN_OPTION_REAL, .low = 1, .high = 86400,             \
                                      .standard = usual                                            \
    }
#define COUNT(flag, member, usual, text)                                                           \
    {                                                                                              \
        ROW(flag, "N", member, text), .kind = GN_OPTION_COUNT, .low = 1,                           \
                                      .high = CLI_LARGEST_COUNT / 16, .standard = usual            \
    }

/* clang-format off */
static const struct gn_option options[] = {
    CLI_HEADING("Address"),
    { ROW("listen", "PLACE", listen, "ADDRESS:PORT, [IPV6]:PORT or unix:PATH; port 0: one that is free"),
      .kind = GN_OPTION_TEXT, .standard = "127.0.0.1:8080" },
    TEXT("tls-cert", "FILE", tls_cert, "certificate (PEM): HTTPS; read again on SIGHUP"),
    TEXT("tls-key", "FILE", tls_key, "its private key (PEM)"),
    TEXT("token-file", "FILE", token_file, "requests need \"Authorization: Bearer\" and this file's word"),
    CLI_HEADING("Computation"),
    NUMBER("max-batch", max_batch, 1, 1024, "32", "images computed together at most"),
    { ROW("max-wait", "MS", max_wait, "milliseconds that a request waits for others to join its batch"),
      .kind = GN_OPTION_REAL, .low = 0, .high = 10000, .standard = "0" },
    NUMBER("max-queue", max_queue, 1, 65536, "256", "requests that wait at most; more get 503"),
    NUMBER("top", top, 1, CLI_LARGEST_INT, "5", "classes in the answers of /predict"),
    CLI_WEIGHTS_ROW(struct serve_settings),
    CLI_THREADS_ROW(struct serve_settings),
    CLI_HEADING("Limits"),
    COUNT("max-body", max_body, "16777216", "bytes of a request, unpacked"),
    COUNT("max-pixels", max_pixels, "50000000", "pixels of a picture"),
    NUMBER("max-connections", max_connections, 1, 65536, "512", "open connections"),
    NUMBER("max-connections-per-address", max_per_address, 1, 65536, "256", "of one client address"),
    NUMBER("http-threads", http_threads, 1, 64, "as many as compute, at most 4", "threads that read and write"),
    SECONDS("request-timeout", request_timeout, "30", "seconds for a request in total"),
    SECONDS("idle-timeout", idle_timeout, "15", "seconds without a byte"),
    SECONDS("drain-timeout", drain_timeout, "30", "seconds for running requests at the end"),
    CLI_HEADING("Talk"),
    TEXT("access-log", "FILE", access_log, "a JSON line for each request; -: stdout; opened again on SIGHUP"),
    CLI_NET_ROWS(struct serve_settings),
    CLI_COMMON_ROWS(struct serve_settings),
};
/* clang-format on */

static int run(struct cli_args *args)
{
#if GN_HAVE_MICROHTTPD
    struct serve_settings settings = *(const struct serve_settings *)args->values;
    struct gn_system_info system;
    if (!settings.tls_cert != !settings.tls_key)
        return cli_fail(CLI_USAGE, "--tls-cert and --tls-key belong together");
    if (gn_system_describe(&system) != GN_OK)
        return cli_fail_library();
    if (settings.threads == 0)
        settings.threads = system.threads;
    if (settings.http_threads == 0)
        settings.http_threads = settings.threads < 4 ? settings.threads : 4;
    if (settings.max_connections < settings.http_threads)
        settings.http_threads = settings.max_connections;
    if (cli_voice.verbose)
        cli_note_machine(settings.threads);
    return serve_run(&settings, args->arguments, args->n_arguments);
#else
    (void)args;
    return cli_fail(CLI_ENVIRONMENT,
                    "serve: this build is without libmicrohttpd; install it (Debian: "
                    "libmicrohttpd-dev) and build again");
#endif
}

#if !GN_HAVE_MICROHTTPD
const char *cli_serve_library(void)
{
    return NULL;
}
#endif

const struct cli_command cli_serve = {
    .name = "serve",
    .usage = "MODEL [NAME=MODEL...] [flags]",
    .summary = "answer over HTTP (Open Inference Protocol v2, pictures, a page)",
    .examples =
        "  googlenet serve best.safetensors\n"
        "  googlenet serve best.safetensors flowers=flowers.safetensors --listen 127.0.0.1:9000\n"
        "  curl --data-binary @cat.jpg http://127.0.0.1:8080/predict\n",
    .argument = "MODEL",
    .min_arguments = 1,
    .max_arguments = INT32_MAX,
    .options = options,
    .n_options = CLI_COUNT_OF(options),
    .defaults = &defaults,
    .values_size = sizeof(struct serve_settings),
    .run = run,
};
