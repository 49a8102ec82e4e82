/* What a program gives to the library: its allocator, which takes all memory and gets all of it back, and
 * its log.
 * labels: quick
 */
#include "base/memory.h"
#include "base/team.h"

#include "support/check.h"
#include "support/tiny.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/* ---- An allocator that counts, and may have nothing left ---- */

struct heap {
    pthread_mutex_t lock;
    struct block *list; /* what is in use; what threads keep is no leak */
    atomic_llong blocks, bytes, calls;
    atomic_int wrong; /* blocks that are not its own, or of another size */
    atomic_bool empty;
};

struct block {
    struct heap *heap;
    size_t bytes;
    struct block *next, *before;
};

static void put_on_list(struct heap *heap, struct block *block)
{
    (void)pthread_mutex_lock(&heap->lock);
    block->next = heap->list;
    if (heap->list != NULL)
        heap->list->before = block;
    heap->list = block;
    (void)pthread_mutex_unlock(&heap->lock);
}

static void take_off_list(struct heap *heap, const struct block *block)
{
    (void)pthread_mutex_lock(&heap->lock);
    if (block->before == NULL)
        heap->list = block->next;
    else
        block->before->next = block->next;
    if (block->next != NULL)
        block->next->before = block->before;
    (void)pthread_mutex_unlock(&heap->lock);
}

static void *heap_allocate(void *context, size_t bytes, size_t alignment)
{
    struct heap *heap = context;
    char *base = NULL;
    if (atomic_load(&heap->empty) ||
        posix_memalign((void **)&base, alignment, bytes + alignment) != 0)
        return NULL;
    char *p = base + alignment;
    ((struct block *)(void *)p)[-1] = (struct block){ .heap = heap, .bytes = bytes };
    put_on_list(heap, (struct block *)(void *)p - 1);
    memset(p, 0xa5, bytes); /* nobody may count on zeros */
    atomic_fetch_add(&heap->blocks, 1);
    atomic_fetch_add(&heap->calls, 1);
    atomic_fetch_add(&heap->bytes, (long long)bytes);
    return p;
}

static void heap_release(void *context, void *p, size_t bytes)
{
    struct heap *heap = context;
    const struct block *block = (const struct block *)p - 1;
    if (block->heap != heap || block->bytes != bytes)
        atomic_fetch_add(&heap->wrong, 1);
    take_off_list(heap, block);
    atomic_fetch_sub(&heap->blocks, 1);
    atomic_fetch_sub(&heap->bytes, (long long)bytes);
    free((char *)p - 64); /* the alignment that all are asked with */
}

/* Trains and predicts; the hash of the weights. */
static uint32_t work(int threads)
{
    gn_net *net = tiny_net();
    gn_dataset *train = gn_open_dataset("data"), *test = gn_open_dataset("data", .split = GN_TEST);
    gn_history *history = gn_fit(net, train, .validation = test, .epochs = 1, .batch = TINY_BATCH,
                                 .threads = threads);
    float logits[4 * TINY_CLASSES];
    gn_predictor *p = gn_predictor_create(net, 2, .threads = threads);
    const struct gn_predict_options four = { .data = test, .n = 4 };
    const bool good = history != NULL && gn_predictor_run(p, logits, &four) == GN_OK &&
                      gn_save(net, "hooks.safetensors") == GN_OK;
    const uint32_t hash = good ? gn_net_hash(net) : 0;
    gn_predictor_free(p);
    gn_free_history(history);
    gn_close_dataset(train);
    gn_close_dataset(test);
    gn_free_net(net);
    return hash;
}

static struct heap heap = { .lock = PTHREAD_MUTEX_INITIALIZER };
static const struct gn_allocator own = { .allocate = heap_allocate,
                                         .release = heap_release,
                                         .context = &heap };

/* Runs first: a library that has made threads keeps what it has. */
static void all_memory_comes_from_the_caller_and_goes_back(void **state)
{
    (void)state;
    tiny_write_data("data", TINY_TRAIN, TINY_TEST);
    const uint32_t hash = work(1);
    assert_int_equal(gn_set_allocator(&own), GN_OK);
    assert_int_equal(work(1), hash);
    assert_true(atomic_load(&heap.calls) > 50);
    assert_int_equal(atomic_load(&heap.wrong), 0);
    assert_int_equal(atomic_load(&heap.blocks), 0);
    assert_int_equal(atomic_load(&heap.bytes), 0);
    /* A block in use, and the allocator stays. */
    gn_net *net = tiny_net();
    assert_int_equal(gn_set_allocator(NULL), GN_STATUS_BUSY);
    check_error(GN_STATUS_BUSY, "bytes of the one before");
    gn_free_net(net);
    assert_int_equal(gn_set_allocator(NULL), GN_OK);
    const long long calls = atomic_load(&heap.calls);
    assert_int_equal(work(1), hash);
    assert_int_equal(atomic_load(&heap.calls), calls);
}

static void half_an_allocator_is_refused(void **state)
{
    (void)state;
    const struct gn_allocator half = { .allocate = heap_allocate };
    assert_int_equal(gn_set_allocator(&half), GN_STATUS_BAD_ARGUMENT);
    check_error(GN_STATUS_BAD_ARGUMENT, "both of its functions");
}

static void an_empty_heap_is_no_memory(void **state)
{
    (void)state;
    if (gn_set_allocator(&own) != GN_OK)
        fail_msg("%s", gn_error_message());
    atomic_store(&heap.empty, true);
    assert_null(gn_preset("googlenet-small"));
    check_error(GN_STATUS_NO_MEMORY, "no memory for");
    atomic_store(&heap.empty, false);
    const uint32_t hash = work(3); /* threads are the caller's memory, too */
    assert_true(hash != 0);
    assert_int_equal(atomic_load(&heap.wrong), 0);
    assert_int_equal(gn_set_allocator(NULL), GN_STATUS_BUSY);
    gn_clear_error();
}

/* ---- Log ---- */

struct said {
    int n[GN_LOG_DEBUG + 1];
    char last[GN_LOG_DEBUG + 1][512];
};

static void hear(void *user, gn_log_level level, const char *text)
{
    struct said *said = user;
    said->n[level]++;
    (void)snprintf(said->last[level], sizeof said->last[level], "%s", text);
}

static void the_log_hears_up_to_its_level(void **state)
{
    (void)state;
    struct said said = { .n = { 0 } };
    gn_set_log(hear, &said, GN_LOG_DEBUG);
    assert_true(work(1) != 0);
    assert_true(said.n[GN_LOG_INFO] >= 4);
    assert_string_equal(said.last[GN_LOG_INFO], "hooks.safetensors: saved");
    assert_true(said.n[GN_LOG_DEBUG] >= 1);
    assert_int_equal(said.n[GN_LOG_ERROR], 0);
    gn_net *net = gn_load("hooks.safetensors");
    assert_non_null(strstr(said.last[GN_LOG_INFO], "hooks.safetensors: loaded, "));
    gn_free_net(net);
    const int infos = said.n[GN_LOG_INFO];
    gn_set_log(hear, &said, GN_LOG_ERROR);
    assert_null(gn_load("missing.safetensors"));
    assert_int_equal(said.n[GN_LOG_ERROR], 1);
    assert_non_null(strstr(gn_error_message(), said.last[GN_LOG_ERROR]));
    assert_true(work(1) != 0);
    assert_int_equal(said.n[GN_LOG_INFO], infos);
    gn_set_log(NULL, NULL, GN_LOG_DEBUG);
    assert_null(gn_load("missing.safetensors"));
    assert_int_equal(said.n[GN_LOG_ERROR], 1);
    gn_clear_error();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_memory_comes_from_the_caller_and_goes_back),
        cmocka_unit_test(half_an_allocator_is_refused),
        cmocka_unit_test(an_empty_heap_is_no_memory), /* the last one before threads are made */
        cmocka_unit_test(the_log_hears_up_to_its_level),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
