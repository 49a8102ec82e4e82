/* The addresses that the server knows: an exact table, and below /v2/models the names of models. Nothing
 * is read from a disk, and no address is unescaped. */
#include "serve/request.h"

#include <string.h>

static const struct {
    const char *path;
    struct serve_address address;
} fixed[] = {
    { "/", { .route = SERVE_PAGE } },
    { "/labels", { .route = SERVE_LABELS } },
    { "/predict", { .route = SERVE_PREDICT, .is_post = true } },
    { "/explain", { .route = SERVE_EXPLAIN, .is_post = true } },
    { "/metrics", { .route = SERVE_METRICS } },
    { "/v2", { .route = SERVE_METADATA } },
    { "/v2/health/live", { .route = SERVE_HEALTH, .is_live = true } },
    { "/v2/health/ready", { .route = SERVE_HEALTH, .is_ready = true } },
};

/* Takes the part up to the next slash; false: it is empty or too long. */
static bool take_part(const char **at, char *part, size_t size)
{
    const size_t n = strcspn(*at, "/");
    if (n == 0 || n >= size)
        return false;
    memcpy(part, *at, n);
    part[n] = '\0';
    *at += n + ((*at)[n] == '/');
    return true;
}

/* NAME[/versions/VERSION][/ready|/infer] */
static bool read_model(const char *at, struct serve_address *address)
{
    char word[16];
    *address = (struct serve_address){ .route = SERVE_METADATA };
    if (!take_part(&at, address->model, sizeof address->model))
        return false;
    if (*at == '\0')
        return true;
    if (!take_part(&at, word, sizeof word))
        return false;
    if (strcmp(word, "versions") == 0) {
        if (!take_part(&at, address->version, sizeof address->version))
            return false;
        if (*at == '\0')
            return true;
        if (!take_part(&at, word, sizeof word))
            return false;
    }
    if (strcmp(word, "infer") == 0) {
        address->route = SERVE_INFER;
        address->is_post = true;
    } else if (strcmp(word, "ready") == 0) {
        address->route = SERVE_HEALTH;
        address->is_ready = true;
    } else {
        return false;
    }
    return *at == '\0';
}

bool serve_address_read(const char *url, struct serve_address *address)
{
    static const char models[] = "/v2/models/";
    char path[256];
    size_t n = strlen(url);
    if (n >= sizeof path)
        return false;
    memcpy(path, url, n + 1);
    if (n > 1 && path[n - 1] == '/')
        path[--n] = '\0';
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
        if (strcmp(path, fixed[i].path) == 0) {
            *address = fixed[i].address;
            return true;
        }
    if (strncmp(path, models, sizeof models - 1) != 0 || strstr(path, "//"))
        return false;
    return read_model(path + sizeof models - 1, address);
}
