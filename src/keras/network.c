/* The network of a Keras file: the caller's, or the notebook's. */
#include "keras/importing.h"
#include "models/models.h"
#include "ops/batch_norm/norm.h"
#include "ops/rules.h"

enum { NOTEBOOK = 57, IN_BLOCK = 6, STEM = 3 };

static const char kind[] = "Keras";

static int width_of(const struct gn_keras_importing *im, int conv)
{
    const int i = gn_keras_nth(&im->content, GN_KERAS_KERNEL, conv);
    const uint64_t width = i < 0 ? 0 : im->content.list[i]->shape[3];
    return width < 1 || width > GN_MAX_CHANNELS ? -1 : (int)width;
}

static gn_node conv(gn_graph *g, gn_node x, const struct gn_unit *unit, int channels, int kernel,
                    int stride, const char *name)
{
    return gn_conv_unit(
        g, x, unit,
        &(struct gn_conv_options){
            .channels = channels, .kernel = kernel, .stride = stride, .name = name });
}

/* The notebook's five stages with other numbers of channels. */
static gn_net *build_notebook(const struct gn_keras_importing *im, struct gn_shape in, int classes,
                              bool by_depth)
{
    /* Where p1_1, p2_1, p2_2, p3_1, p3_2 and p4_2 are among the convolutions of a block. */
    static const int as_made[] = { 0, 1, 2, 3, 4, 5 }, deepest_first[] = { 2, 0, 3, 1, 4, 5 };
    const int *place = by_depth ? deepest_first : as_made;
    static const char *const stages[] = { "b3", "b4", "b5" };
    static const int last[] = { 1, 6, 8 };
    const bool normed = gn_keras_count(&im->content, GN_KERAS_GAMMA) > 0;
    const struct gn_unit unit = { .norm = normed ? &gn_norm_keras : NULL, .third = 5 };
    gn_graph *g = gn_graph_create();
    if (g == NULL)
        return NULL;
    gn_node x = gn_input(g, in.h, in.w, in.c);
    gn_stage(g, "b1");
    x = max_pool(g, conv(g, x, &unit, width_of(im, 0), 7, 2, "conv"), 3, 2, "pool");
    gn_stage(g, "b2");
    x = conv(g, x, &unit, width_of(im, 1), 1, 1, "conv1");
    x = max_pool(g, conv(g, x, &unit, width_of(im, 2), 3, 1, "conv2"), 3, 2, "pool");
    for (int s = 0, b = 0; s < 3; s++) {
        gn_stage(g, stages[s]);
        for (; b <= last[s]; b++) {
            int w[IN_BLOCK];
            for (int i = 0; i < IN_BLOCK; i++)
                w[i] = width_of(im, STEM + b * IN_BLOCK + place[i]);
            const struct gn_widths widths = {
                gn_paper_widths[b].name, w[0], { w[1], w[2] }, { w[3], w[4] }, w[5]
            };
            x = gn_inception_of(g, x, &widths, &unit);
        }
        x = s < 2 ? max_pool(g, x, 3, 2, "pool") : gn_global_avg_pool(g, x);
    }
    gn_stage(g, NULL);
    return gn_net_create(g, gn_dense(g, x, classes, "dense"));
}

gn_status gn_keras_network(struct gn_keras_importing *im, bool by_depth)
{
    const struct gn_keras_content *c = &im->content;
    const struct gn_import_options *o = im->options;
    const int first = gn_keras_nth(c, GN_KERAS_KERNEL, 0);
    const int last = gn_keras_nth(c, GN_KERAS_MATRIX, gn_keras_count(c, GN_KERAS_MATRIX) - 1);
    if (first < 0 || last < 0)
        GN_FAIL(GN_STATUS_BAD_MODEL,
                "%s: %s: no weights of convolutions, or of a dense layer, are in the file",
                im->name, kind);
    const uint64_t channels = c->list[first]->shape[2], classes = c->list[last]->shape[1];
    if (channels < 1 || channels > GN_MAX_CHANNELS || classes < 1 || classes > GN_MAX_CHANNELS)
        GN_FAIL(GN_STATUS_BAD_MODEL, "%s: %s: %llu channels and %llu classes", im->name, kind,
                (unsigned long long)channels, (unsigned long long)classes);
    struct gn_shape in = im->input;
    in.c = (int)channels;
    if (o->model == NULL && gn_keras_count(c, GN_KERAS_KERNEL) == NOTEBOOK) {
        in.h = o->size > 0 ? o->size : in.h > 0 ? in.h : 96;
        in.w = o->width > 0 ? o->width : o->size > 0 ? o->size : in.w > 0 ? in.w : in.h;
        im->net = build_notebook(im, in, (int)classes, by_depth);
    } else {
        im->net = gn_said_network(o, "googlenet", in, (int)classes, false);
    }
    return im->net == NULL
               ? gn_fail(gn_last_status(), "%s: %s: %s", im->name, kind, gn_error_message())
               : GN_OK;
}
