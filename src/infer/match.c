/* How a network and a data set match. */
#include "infer/match.h"

#include "file/file.h"
#include "base/words.h"
#include "picture/picture.h"

#include <string.h>

/* Equal numbers mean equal names, where both sides have names. */
static gn_status check_names(const struct gn_net *net, const struct gn_dataset *data,
                             const char *what)
{
    enum { LIST_BYTES = 320 };
    char name[GN_PATH_TEXT], theirs[LIST_BYTES], ours[LIST_BYTES];
    const char *const *labels = (const char *const *)net->labels;
    if (net->labels == NULL || data->label_names == NULL)
        return GN_OK;
    for (int i = 0; i < data->classes; i++) {
        if (strcmp(data->label_names[i], labels[i]) == 0)
            continue;
        (void)gn_fail(
            GN_STATUS_BAD_DATA,
            "%s data: the classes of %s are not those of the network (the set has %s; the "
            "network %s)",
            what, gn_printable(name, sizeof name, data->name),
            gn_words(theirs, sizeof theirs, data->label_names, (size_t)data->classes),
            gn_words(ours, sizeof ours, labels, (size_t)net->classes));
        gn_hint("classes are never matched by number alone: open the set with the network's class "
                "names, or load the network with those of the set");
        return GN_STATUS_BAD_DATA;
    }
    return GN_OK;
}

gn_status gn_check_data(const struct gn_net *net, const struct gn_dataset *data, const char *what)
{
    const int size = data->options.size;
    if (size != 0 && (size != net->input.h || size != net->input.w))
        GN_FAIL(GN_STATUS_BAD_SHAPE,
                "%s data: opened for size %d, the network takes %dx%d; open it with .size = %d",
                what, size, net->input.h, net->input.w, net->input.h);
    if (!gn_channels_convert(data->channels, net->input.c))
        GN_FAIL(GN_STATUS_BAD_SHAPE,
                "%s data: images have %d channels, the network takes %d; build it with .channels "
                "= %d",
                what, data->channels, net->input.c, data->channels);
    if (data->classes > net->classes)
        GN_FAIL(GN_STATUS_BAD_SHAPE,
                "%s data: %d classes, the network tells %d apart; build it with .classes = %d",
                what, data->classes, net->classes, data->classes);
    if (data->coming == NULL && data->labels == NULL) /* the order matters: see `coming` */
        GN_FAIL(GN_STATUS_BAD_DATA, "%s data: %s holds images without labels", what, data->name);
    if (data->samples == 0)
        GN_FAIL(GN_STATUS_BAD_DATA, "%s data: no samples; at least one is needed", what);
    return check_names(net, data, what);
}

gn_status gn_resolve_resize(const struct gn_net *net, gn_resize asked,
                            const struct gn_dataset *first, const struct gn_dataset *second,
                            gn_resize *rule)
{
    const gn_resize wishes[] = { asked, first != NULL ? first->options.resize : GN_RESIZE_DEFAULT,
                                 second != NULL ? second->options.resize : GN_RESIZE_DEFAULT };
    *rule = GN_RESIZE_DEFAULT;
    for (size_t i = 0; i < sizeof wishes / sizeof wishes[0]; i++) {
        if ((int)wishes[i] < 0 || wishes[i] > GN_RESIZE_PIL_BILINEAR)
            GN_FAIL(GN_STATUS_BAD_ARGUMENT, "resize: rule number %d is unknown", (int)wishes[i]);
        if (wishes[i] == GN_RESIZE_DEFAULT)
            continue;
        if (*rule != GN_RESIZE_DEFAULT && *rule != wishes[i])
            GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                    "resize: %s and %s are both asked for; options and data sets must agree",
                    gn_resize_name((int)*rule), gn_resize_name((int)wishes[i]));
        *rule = wishes[i];
    }
    if (*rule == GN_RESIZE_DEFAULT)
        *rule = net->resize;
    return GN_OK;
}

gn_resize gn_usual_resize(const struct gn_dataset *data, gn_resize other)
{
    return data->height == 0 ? GN_RESIZE_PIL_BILINEAR : other;
}

struct gn_loader_options gn_loader_for(const struct gn_net *net, const struct gn_dataset *data,
                                       uint64_t limit, int batch, gn_resize rule)
{
    return (struct gn_loader_options){ .data = data,
                                       .limit = limit,
                                       .batch = batch,
                                       .height = net->input.h,
                                       .width = net->input.w,
                                       .channels = net->input.c,
                                       .rule = rule,
                                       .pixels = net->pixels,
                                       .shuffle = GN_SHUFFLE_NONE };
}
