/* The networks that the library knows by name. */
#include "models/models.h"

#include <string.h>

struct preset {
    const char *name;
    int size, channels, classes; /* defaults */
    gn_node (*build)(gn_graph *g, gn_node input, int classes);
};

static const struct preset presets[] = {
    { "googlenet", 96, 1, 10, gn_build_googlenet },
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
    (void)gn_fail(GN_STATUS_BAD_MODEL, "%s: no preset has this name and no file either",
                  gn_printable(text, sizeof text, name));
    if (near != NULL)
        gn_hint("did you mean %s?", near);
    else
        gn_hint("presets: %s", presets[0].name);
    return NULL;
}

gn_net *gn_preset_with(const struct gn_preset_options *options)
{
    static const struct gn_preset_options defaults = { 0 };
    const struct gn_preset_options *o = options == NULL ? &defaults : options;
    const struct preset *p = find_preset(o->preset == NULL ? presets[0].name : o->preset);
    if (p == NULL)
        return NULL;
    if (o->size < 0 || o->channels < 0 || o->classes < 0) {
        (void)gn_fail(GN_STATUS_BAD_ARGUMENT,
                      "%s: size %d, channels %d, classes %d (none may be negative)", p->name,
                      o->size, o->channels, o->classes);
        return NULL;
    }
    const int size = o->size == 0 ? p->size : o->size;
    const int classes = o->classes == 0 ? p->classes : o->classes;
    gn_graph *g = gn_graph_create();
    if (g == NULL)
        return NULL;
    const gn_node x = gn_input(g, size, size, o->channels == 0 ? p->channels : o->channels);
    gn_net *net = gn_compile(g, p->build(g, x, classes), o->seed);
    if (net == NULL)
        return NULL;
    (void)snprintf(net->preset, sizeof net->preset, "%s", p->name);
    net->resize = o->resize == GN_RESIZE_DEFAULT ? GN_RESIZE_TF1_LEGACY : o->resize;
    return net;
}
