/*
 * The library inside of a larger program: its memory from the program's allocator, what it says in the
 * program's log, a limit of time, and another thread that calls an answer off.
 *
 *   cc embed.c $(pkg-config --cflags --libs googlenet) -lpthread -o embed
 *   ./embed model.safetensors
 *
 * test-args: @MODEL@
 */
#include <googlenet.h>

#include <pthread.h>
#include <stdlib.h>

#if GN_VERSION_NUMBER < 100
#error "googlenet 0.1.0 or later is needed"
#endif

/* ---- The program's allocator: this one knows how much is in use ---- */

struct pool {
    size_t used, most;
    pthread_mutex_t lock; /* any thread may ask */
};

static void count(struct pool *pool, size_t more, size_t less)
{
    pthread_mutex_lock(&pool->lock);
    pool->used += more;
    pool->used -= less;
    if (pool->used > pool->most)
        pool->most = pool->used;
    pthread_mutex_unlock(&pool->lock);
}

static void *pool_allocate(void *context, size_t bytes, size_t alignment)
{
    void *block = aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
    if (block != NULL)
        count(context, bytes, 0);
    return block;
}

static void pool_release(void *context, void *block, size_t bytes)
{
    free(block);
    count(context, 0, bytes);
}

/* ---- The program's log ---- */

static void write_log(void *user, gn_log_level level, const char *text)
{
    static const char *const names[] = { "", "error", "warning", "info", "debug" };
    fprintf(user, "[%s] %s\n", names[level], text);
}

/* ---- Answers ---- */

static void *call_off(void *predictor)
{
    gn_predictor_cancel(predictor, true);
    return NULL;
}

/* A random picture, within the time that is left for a frame; then one that is called off. */
static gn_status answer(gn_predictor *predictor, float *logits, const uint8_t *pixels)
{
    const struct gn_predict_options image = {
        .pixels = pixels, .n = 1, .height = 32, .width = 32, .channels = 1
    };
    pthread_t other;
    gn_status status = gn_predictor_limit(predictor, 5); /* seconds */
    if (status == GN_OK)
        status = gn_predictor_run(predictor, logits, &image);
    if (status != GN_OK || pthread_create(&other, NULL, call_off, predictor) != 0)
        return status;
    pthread_join(other, NULL);
    if (gn_predictor_run(predictor, logits, &image) == GN_STATUS_STOPPED)
        printf("called off: %s\n", gn_error_message());
    gn_predictor_cancel(predictor, false);
    return gn_predictor_run(predictor, logits, &image);
}

int main(int argc, char **argv)
{
    struct pool pool = { .lock = PTHREAD_MUTEX_INITIALIZER };
    const struct gn_allocator allocator = { .allocate = pool_allocate,
                                            .release = pool_release,
                                            .context = &pool };
    uint8_t pixels[32 * 32];
    struct gn_net_info info = { 0 };
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)(i * 37);
    /* Both before anything else. */
    gn_status status = gn_set_allocator(&allocator);
    gn_set_log(write_log, stdout, GN_LOG_INFO);
    printf("googlenet %d, made for %d\n", gn_version_number(), GN_VERSION_NUMBER);
    gn_net *net = gn_load(argc > 1 ? argv[1] : "model.safetensors");
    /* Weights of 16 bits: the shortest time and least memory for one picture. */
    const gn_weights weights = GN_WEIGHTS_F16;
    gn_predictor *predictor = gn_predictor_create(net, 1, .threads = 1, .weights = weights);
    if (status == GN_OK)
        status = gn_net_describe(net, &info);
    float *logits = calloc((size_t)info.classes + 1, sizeof *logits);
    if (status == GN_OK && logits != NULL)
        status = answer(predictor, logits, pixels);
    if (status == GN_OK)
        printf("class 0 has the logit %g (weights %s)\n", (double)logits[0],
               gn_weights_name((int)weights));
    free(logits);
    gn_predictor_free(predictor);
    gn_free_net(net);
    printf("%zu bytes at most, %zu are left\n", pool.most, pool.used);
    return status == GN_OK ? 0 : 1;
}
