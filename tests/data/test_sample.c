/* labels: quick
 *
 * Augmented samples, put together here from their parts: draws of (seed, epoch, sample), the box that is
 * cut out, the resize, the operations; at the stored size for images in memory, at the network's for
 * picture files; other ones in every epoch. */
#include "base/random.h"
#include "data/files.h"
#include "data/loader.h"
#include "support/check.h"
#include "support/resize.h"

#include <stdlib.h>
#include <sys/stat.h>

enum { SAMPLES = 6, H = 19, W = 23, C = 3, SIZE = 12, SEED = 5, STORED = H * W * C };
enum { FLOATS = SIZE * SIZE * C };

static gn_dataset *in_memory, *in_files;

/* The same pixels as an IDX set and as PNM files. */
static int setup(void **state)
{
    (void)state;
    static const char *const folders[] = { "images", "pictures", "pictures/a", "pictures/b" };
    const struct shape shape = {
        .n = SAMPLES, .height = H, .width = W, .channels = C, .classes = 2
    };
    for (int i = 0; i < 4; i++)
        assert_int_equal(mkdir(folders[i], 0777), 0);
    write_split("images", true, &shape, false);
    in_memory = gn_open_dataset("images");
    assert_non_null(in_memory);
    for (int i = 0; i < SAMPLES; i++) {
        struct bytes b = { 0 };
        char text[32];
        const int n = snprintf(text, sizeof text, "P6 %d %d 255\n", W, H);
        bytes_add(&b, text, (size_t)n);
        bytes_add(&b, in_memory->pixels + i * STORED, STORED);
        (void)snprintf(text, sizeof text, "%c/%d.ppm", i < SAMPLES / 2 ? 'a' : 'b', i);
        write_bytes("pictures", text, &b);
        bytes_free(&b);
    }
    in_files = gn_open_dataset("pictures", .split = GN_TRAIN, .channels = C);
    return in_files == NULL || in_files->samples < 2 ? -1 : 0; /* some are for validation */
}

static int teardown(void **state)
{
    (void)state;
    gn_close_dataset(in_memory);
    gn_close_dataset(in_files);
    return 0;
}

/* The pixels of sample i of a set, whatever its order. */
static const uint8_t *stored(const gn_dataset *data, uint64_t i)
{
    if (data == in_memory)
        return in_memory->pixels + i * STORED;
    const char *name = strrchr(data->files.text[i], '/');
    assert_non_null(name);
    return in_memory->pixels + atoi(name + 1) * STORED;
}

/* What the network should get of it. */
static void put_together(const struct gn_loader_options *o, uint64_t epoch, uint32_t i, float *out)
{
    uint8_t bytes[STORED], box_bytes[STORED], spare[STORED], sized[FLOATS];
    const struct gn_draws draws = gn_draws_of(o->seed, epoch, i);
    const bool files = o->data == in_files;
    struct gn_box box = { 0, 0, H, W };
    memcpy(bytes, stored(o->data, i), STORED);
    if (!files)
        gn_augment_bytes(&o->augment, &draws, bytes, spare, H, W, C);
    if (o->augment.crop > 0)
        box = gn_augment_crop(&o->augment, &draws, H, W);
    for (int y = 0; y < box.h; y++)
        memcpy(box_bytes + y * box.w * C, bytes + ((box.y + y) * W + box.x) * C,
               (size_t)(box.w * C));
    if (!files) {
        resize_image(out, SIZE, SIZE, box_bytes, box.h, box.w, C, o->rule);
        return;
    }
    resize_to_bytes(sized, SIZE, SIZE, box_bytes, box.h, box.w, C, o->rule);
    gn_augment_bytes(&o->augment, &draws, sized, spare, SIZE, SIZE, C);
    for (int k = 0; k < FLOATS; k++)
        out[k] = (float)sized[k] / 255.0F;
}

static struct gn_loader_options options_for(const gn_dataset *data, const char *list)
{
    struct gn_loader_options o = { .data = data,
                                   .batch = SAMPLES,
                                   .height = SIZE,
                                   .width = SIZE,
                                   .channels = C,
                                   .rule = GN_RESIZE_PIL_BILINEAR,
                                   .shuffle = GN_SHUFFLE_NONE,
                                   .seed = SEED };
    assert_int_equal(gn_augment_parse(&o.augment, list), GN_OK);
    return o;
}

static void samples_are_made_of_their_parts(void **state)
{
    (void)state;
    static const char *const lists[] = { "crop:0.2", "mirror,shift:2,rotate:20,erase:1",
                                         "crop:0.5,brightness:0.4,contrast:0.4,saturation:0.4",
                                         "trivial-augment" };
    const gn_dataset *const sets[] = { in_memory, in_files };
    for (size_t k = 0; k < sizeof lists / sizeof lists[0]; k++)
        for (int set = 0; set < 2; set++) {
            const struct gn_loader_options o = options_for(sets[set], lists[k]);
            struct gn_sampler *sampler = gn_sampler_create(&o);
            assert_non_null(sampler);
            for (uint64_t epoch = 0; epoch < 4; epoch++)
                for (uint32_t i = 0; i < sets[set]->samples; i++) {
                    float ours[FLOATS], wanted[FLOATS];
                    assert_int_equal(gn_sampler_make(sampler, epoch, i, ours), GN_OK);
                    put_together(&o, epoch, i, wanted);
                    if (memcmp(ours, wanted, sizeof ours) != 0)
                        fail_msg("%s, set %d, epoch %d, sample %d", lists[k], set, (int)epoch,
                                 (int)i);
                }
            gn_sampler_free(sampler);
        }
}

/* The loader hands epoch and seed on: no image of an epoch is that of another one. */
static void every_epoch_and_seed_has_images_of_its_own(void **state)
{
    (void)state;
    enum { RUNS = 4 };
    const gn_dataset *const sets[] = { in_memory, in_files };
    static float seen[RUNS][SAMPLES][FLOATS];
    for (int set = 0; set < 2; set++) {
        for (int run = 0; run < RUNS; run++) {
            struct gn_loader_options o = options_for(sets[set], "crop:0.3,shift:4,brightness:0.5");
            struct gn_batch batch;
            o.seed = run == RUNS - 1 ? SEED + 1 : SEED;
            struct gn_loader *loader = gn_loader_create(&o);
            assert_non_null(loader);
            assert_int_equal(gn_loader_start(loader, run == RUNS - 1 ? 0 : (uint64_t)run, 0),
                             GN_OK);
            assert_int_equal(gn_loader_next(loader, &batch), GN_OK);
            assert_int_equal(batch.n, sets[set]->samples);
            memcpy(seen[run], batch.images, (size_t)batch.n * sizeof seen[run][0]);
            gn_loader_free(loader);
        }
        for (uint64_t i = 0; i < sets[set]->samples; i++)
            for (int a = 0; a < RUNS; a++)
                for (int b = 0; b < a; b++)
                    assert_memory_not_equal(seen[a][i], seen[b][i], sizeof seen[a][i]);
    }
}

/* Nothing is drawn where nothing is asked for. */
static void samples_without_augmentation_are_equal_in_every_epoch(void **state)
{
    (void)state;
    const struct gn_loader_options o = options_for(in_memory, "none");
    struct gn_sampler *sampler = gn_sampler_create(&o);
    float first[FLOATS], later[FLOATS], wanted[FLOATS];
    assert_non_null(sampler);
    for (uint32_t i = 0; i < SAMPLES; i++) {
        assert_int_equal(gn_sampler_make(sampler, 0, i, first), GN_OK);
        assert_int_equal(gn_sampler_make(sampler, 1, i, later), GN_OK);
        resize_image(wanted, SIZE, SIZE, stored(in_memory, i), H, W, C, o.rule);
        assert_memory_equal(first, wanted, sizeof wanted);
        assert_memory_equal(first, later, sizeof later);
    }
    gn_sampler_free(sampler);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_are_made_of_their_parts),
        cmocka_unit_test(every_epoch_and_seed_has_images_of_its_own),
        cmocka_unit_test(samples_without_augmentation_are_equal_in_every_epoch),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
