/* The networks that the library knows by name. */
#include "models/presets.h"

#include "base/memory.h"
#include "base/number.h"
#include "base/words.h"
#include "models/models.h"
#include "models/net_file.h"
#include "ops/rules.h"
#include "plan/plan.h"

#include <string.h>

struct preset {
    const char *name;
    int size, channels, classes; /* defaults */
    gn_resize resize;
    gn_node (*build)(gn_graph *g, gn_node input, int classes, bool aux);
    struct gn_pixel_rule pixels; /* of the default size and channels */
};

/* clang-format off */
#define NO_PIXELS { .short_side = 0 }

/* Pictures stored at 256x256, blue first, minus the mean of each channel, not divided
 * (caffe/models/bvlc_googlenet/train_val.prototxt). */
#define CAFFE_PIXELS                                                                               \
    { .short_side = 256, .square = true, .bgr = true, .bytes = true, .normalise = true,            \
      .mean = { 104, 117, 123 }, .deviation = { 1, 1, 1 } }

/* ImageNet's mean and deviation (vision/references/classification/presets.py), which transform_input
 * turns into 0.5 and 0.5: x * (deviation / 0.5) + (mean - 0.5) / 0.5. */
#define TORCHVISION_PIXELS                                                                         \
    { .short_side = 256, .normalise = true, .mean = { 0.485F, 0.456F, 0.406F },                    \
      .deviation = { 0.229F, 0.224F, 0.225F }, .affine = true,                                     \
      .factor = { 0.458F, 0.448F, 0.45F }, .summand = { -0.03F, -0.088F, -0.188F } }
/* clang-format on */

static const struct preset presets[] = {
    { "googlenet", 96, 1, 10, GN_RESIZE_TF1_LEGACY, gn_build_googlenet, NO_PIXELS },
    { "googlenet-bn", 96, 1, 10, GN_RESIZE_TF1_LEGACY, gn_build_googlenet_bn, NO_PIXELS },
    { "googlenet-paper", 224, 3, 1000, GN_RESIZE_HALF_PIXEL, gn_build_googlenet_paper,
      CAFFE_PIXELS },
    { "googlenet-small", 28, 1, 10, GN_RESIZE_TF1_LEGACY, gn_build_googlenet_small, NO_PIXELS },
    { "googlenet-24", 28, 1, 10, GN_RESIZE_TF1_LEGACY, gn_build_googlenet_24, NO_PIXELS },
    { "googlenet-torchvision", 224, 3, 1000, GN_RESIZE_PIL_BILINEAR, gn_build_googlenet_torchvision,
      TORCHVISION_PIXELS },
};
enum { N_PRESETS = sizeof presets / sizeof presets[0] };

const char *gn_preset_name(int i)
{
    return i >= 0 && i < (int)N_PRESETS ? presets[i].name : NULL;
}

const char *gn_path(char *text, const char *block, const char *name)
{
    (void)snprintf(text, GN_NAME_BYTES, "%.48s.%.12s", block, name);
    return text;
}

static const struct preset *find_preset(const char *name)
{
    const char *names[N_PRESETS + 1] = { NULL };
    for (int i = 0; i < (int)N_PRESETS; i++) {
        names[i] = presets[i].name;
        if (strcmp(names[i], name) == 0)
            return &presets[i];
    }
    char text[96];
    const char *near = gn_nearest(name, names);
    (void)gn_fail(GN_STATUS_BAD_MODEL, "%s: no preset has this name",
                  gn_printable(text, sizeof text, name));
    if (near != NULL)
        gn_hint("did you mean %s?", near);
    else
        gn_hint("presets: %s", presets[0].name);
    return NULL;
}

static gn_net *build(const struct preset *p, struct gn_shape in, int classes, bool aux)
{
    gn_graph *g = gn_graph_create();
    if (g == NULL)
        return NULL;
    return gn_net_create(g, p->build(g, gn_input(g, in.h, in.w, in.c), classes, aux));
}

gn_status gn_preset_check_size(gn_net *largest, int size)
{
    if (largest == NULL)
        return gn_last_status();
    const double times = (double)size / GN_MAX_SIZE;
    const struct gn_plan_options one_image = { .batch = 1 };
    const double need = (double)gn_plan_estimate(largest, &one_image) * times * times;
    const uint64_t limit = gn_memory_limit();
    char needed[GN_NUMBER_TEXT], usable[GN_NUMBER_TEXT];
    gn_free_net(largest);
    if (need <= (double)limit)
        return GN_OK; /* the graph refuses the number */
    (void)gn_fail(GN_STATUS_NO_MEMORY,
                  "size %d: one image needs about %s of memory, this process may use %s", size,
                  gn_bytes_text(need < 0x1p64 ? (uint64_t)need : UINT64_MAX, needed),
                  gn_bytes_text(limit, usable));
    gn_hint("sizes 1 to %d are possible", GN_MAX_SIZE);
    return GN_STATUS_NO_MEMORY;
}

gn_net *gn_preset_blank(const struct gn_preset_options *options)
{
    static const struct gn_preset_options defaults = { 0 };
    const struct gn_preset_options *o = options == NULL ? &defaults : options;
    if (o->preset != NULL && gn_is_net_file(o->preset))
        return gn_net_file_blank(o);
    const struct preset *p = find_preset(o->preset == NULL ? presets[0].name : o->preset);
    if (p == NULL)
        return NULL;
    if (o->size < 0 || o->width < 0 || o->channels < 0 || o->classes < 0) {
        (void)gn_fail(GN_STATUS_BAD_ARGUMENT,
                      "%s: size %d, width %d, channels %d, classes %d (none may be negative)",
                      p->name, o->size, o->width, o->channels, o->classes);
        return NULL;
    }
    const int h = o->size == 0 ? p->size : o->size, w = o->width == 0 ? h : o->width;
    const int classes = o->classes == 0 ? p->classes : o->classes;
    const int channels = o->channels == 0 ? p->channels : o->channels;
    const struct gn_shape largest = { GN_MAX_SIZE, GN_MAX_SIZE, channels };
    if ((h > GN_MAX_SIZE || w > GN_MAX_SIZE) &&
        gn_preset_check_size(build(p, largest, classes, false), h > w ? h : w) != GN_OK)
        return NULL;
    gn_net *net = build(p, (struct gn_shape){ h, w, channels }, classes, o->aux);
    if (net == NULL)
        return NULL;
    (void)snprintf(net->preset, sizeof net->preset, "%s", p->name);
    net->resize = o->resize == GN_RESIZE_DEFAULT ? p->resize : o->resize;
    net->resize_is_given = o->resize != GN_RESIZE_DEFAULT;
    gn_net_take_pixels(net, &p->pixels, (struct gn_shape){ p->size, p->size, p->channels });
    return net;
}

gn_net *gn_preset_with(const struct gn_preset_options *options)
{
    return gn_net_drawn(gn_preset_blank(options), options == NULL ? 0 : options->seed);
}
