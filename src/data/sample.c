/*
 * One sample, from what the data set holds to what the network takes. Images in memory are augmented
 * at their stored size, so that "shift:2" means two of its pixels; pictures, which may be of any
 * size, after they have been brought to the network's.
 */
#include "data/sample.h"

#include "file/file.h"
#include "base/memory.h"
#include "picture/input.h"
#include "picture/picture.h"

struct gn_sampler {
    const struct gn_loader_options *options;
    struct gn_picture picture;
    struct gn_input *input;
    uint8_t *bytes; /* an image in memory at its stored size, augmented; NULL for picture files */
    uint8_t *spare; /* room for an image of any size, while it is augmented */
};

static gn_status decode(struct gn_sampler *s, uint32_t i, struct gn_source *source)
{
    char path[GN_PATH_BYTES], name[GN_PATH_TEXT];
    const struct gn_dataset *data = s->options->data;
    if (!gn_dataset_path(data, i, path))
        GN_FAIL(GN_STATUS_BAD_DATA, "%s: picture: the path is too long",
                gn_printable(name, sizeof name, data->files.text[i]));
    GN_TRY(gn_picture_read(&s->picture, path, s->options->channels));
    *source = (struct gn_source){ .pixels = s->picture.pixels,
                                  .stride = (size_t)s->picture.width * (size_t)s->picture.channels,
                                  .h = s->picture.height,
                                  .w = s->picture.width };
    return GN_OK;
}

/* An image in memory with the network's channels, augmented. */
static void copy_out(struct gn_sampler *s, uint32_t i, const struct gn_draws *draws,
                     struct gn_source *source)
{
    const struct gn_loader_options *o = s->options;
    const struct gn_dataset *data = o->data;
    const size_t n = (size_t)data->height * (size_t)data->width;
    const uint8_t *stored = data->pixels + (size_t)i * n * (size_t)data->channels;
    const bool touches = gn_augment_touches(&o->augment);
    *source = (struct gn_source){ .pixels = stored,
                                  .stride = (size_t)data->width * (size_t)o->channels,
                                  .h = data->height,
                                  .w = data->width };
    if (data->channels == o->channels && !touches)
        return;
    gn_convert_channels(s->bytes, o->channels, stored, data->channels, n);
    source->pixels = s->bytes;
    if (touches)
        gn_augment_bytes(&o->augment, draws, s->bytes, s->spare, data->height, data->width,
                         o->channels);
}

static struct gn_input_rule rule_of(const struct gn_loader_options *o)
{
    return (struct gn_input_rule){ .height = o->height,
                                   .width = o->width,
                                   .channels = o->channels,
                                   .resize = o->rule,
                                   .pixels = o->pixels };
}

struct gn_sampler *gn_sampler_create(const struct gn_loader_options *options)
{
    const struct gn_dataset *data = options->data;
    if (gn_dataset_ready(data) != GN_OK)
        return NULL;
    struct gn_sampler *s = gn_calloc(1, sizeof *s, "a sampler");
    if (s == NULL)
        return NULL;
    const struct gn_input_rule rule = rule_of(options);
    s->options = options;
    s->picture.least = data->options.scaled_decode ? gn_input_least_side(&rule) : 0;
    s->input = gn_input_create(&rule);
    const bool files = data->pixels == NULL;
    const size_t c = (size_t)options->channels;
    const size_t sized = (size_t)options->height * (size_t)options->width * c;
    const size_t stored = files ? 0 : (size_t)data->height * (size_t)data->width * c;
    s->bytes = files ? NULL : gn_alloc(stored, "an image");
    s->spare = gn_alloc(stored > sized ? stored : sized, "an image");
    /* Images in memory have one size, so that their tables are made here, for good. */
    if (s->input == NULL || (s->bytes == NULL && !files) || s->spare == NULL ||
        (!files && gn_input_prepare(s->input, data->height, data->width, false) != GN_OK)) {
        gn_sampler_free(s);
        return NULL;
    }
    return s;
}

void gn_sampler_free(struct gn_sampler *s)
{
    if (s == NULL)
        return;
    gn_picture_free(&s->picture);
    gn_input_free(s->input);
    gn_free(s->bytes);
    gn_free(s->spare);
    gn_free(s);
}

gn_status gn_picture_note(const struct gn_loader_options *options, uint32_t i, uint32_t digest)
{
    char name[GN_PATH_TEXT];
    struct gn_picture_state *known = options->pictures;
    if (known == NULL || known[i].digest == digest)
        return GN_OK;
    if (known[i].digest != 0 && digest != 0)
        GN_FAIL(GN_STATUS_BAD_DATA,
                "%s: picture: changed since the run has used it (CRC32C %08lx, now %08lx)",
                gn_printable(name, sizeof name, options->data->files.text[i]),
                (unsigned long)known[i].digest, (unsigned long)digest);
    known[i].digest = digest;
    *options->pictures_changed = true;
    return GN_OK;
}

uint32_t gn_sampler_digest(const struct gn_sampler *s)
{
    return s->picture.digest;
}

gn_status gn_sampler_make(struct gn_sampler *s, uint64_t epoch, uint32_t i, float *out)
{
    const struct gn_loader_options *o = s->options;
    const struct gn_augment *a = &o->augment;
    const bool files = o->data->pixels == NULL, crops = a->crop > 0;
    const struct gn_draws draws = gn_draws_of(o->seed, epoch, i);
    struct gn_source source;
    if (files)
        GN_TRY(decode(s, i, &source));
    else
        copy_out(s, i, &draws, &source);
    if (crops) {
        const struct gn_box box = gn_augment_crop(a, &draws, source.h, source.w);
        source.pixels += (size_t)box.y * source.stride + (size_t)box.x * (size_t)o->channels;
        source.h = box.h;
        source.w = box.w;
    }
    GN_TRY(gn_input_prepare(s->input, source.h, source.w, crops));
    const bool late = files && gn_augment_touches(a);
    if (!late && !gn_input_by_bytes(s->input)) {
        gn_input_floats(s->input, &source, out);
        return GN_OK;
    }
    uint8_t *sized = gn_input_bytes(s->input, &source);
    if (late)
        gn_augment_bytes(a, &draws, sized, s->spare, o->height, o->width, o->channels);
    gn_input_look_up(s->input, out);
    return GN_OK;
}
