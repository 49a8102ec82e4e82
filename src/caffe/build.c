/* Layers of Caffe as layers of ours; every one has its place or is refused by its name. */
#include "caffe/build.h"

#include "base/memory.h"
#include "ops/batch_norm/norm.h"
#include "ops/rules.h"

#include <string.h>

static gn_status refuse(const struct gn_caffe_build *b, const struct gn_caffe_layer *l,
                        const char *what)
{
    char name[GN_CAFFE_TEXT], type[GN_CAFFE_TEXT];
    if (l->word.n > 0)
        (void)gn_caffe_text(l->word, type);
    else
        (void)snprintf(type, sizeof type, "number %d", l->old_type);
    GN_FAIL(GN_STATUS_UNSUPPORTED, "%s: Caffe: layer \"%s\" (type %s): %s", b->file,
            gn_caffe_text(l->name, name), type, what);
}

/* ---- What flows ---- */

static gn_status bottom(const struct gn_caffe_build *b, const struct gn_caffe_layer *l, int i,
                        gn_node *node)
{
    for (int k = b->n_blobs - 1; i < l->n_bottoms && k >= 0; k--)
        if (b->blobs[k].name.n == l->bottoms[i].n &&
            memcmp(b->blobs[k].name.bytes, l->bottoms[i].bytes, l->bottoms[i].n) == 0) {
            *node = b->blobs[k].node;
            return GN_OK;
        }
    return refuse(b, l, "what it reads is not made before it");
}

static void give(struct gn_caffe_build *b, const struct gn_caffe_layer *l, gn_node node)
{
    for (int i = 0; i < l->n_tops; i++) {
        b->blobs[b->n_blobs].name = l->tops[i];
        b->blobs[b->n_blobs++].node = node;
    }
}

/* Weights come from the file of weights, under the layer's name. */
static gn_status take(struct gn_caffe_build *b, const struct gn_caffe_layer *l, gn_node node,
                      int slot, int blob, bool scaled)
{
    const struct gn_caffe_layer *theirs = gn_caffe_find(b->weights, l->name);
    if (node.id < 0)
        return GN_OK; /* the graph says why */
    if (theirs == NULL || theirs->n_blobs <= blob)
        return gn_fail(GN_STATUS_BAD_MODEL, "%s: Caffe: the file has no weights for layer \"%s\"",
                       b->file, b->graph->layers[node.id].name);
    b->list[b->n_list++] = (struct gn_caffe_weight){ node.id, slot, theirs, blob, scaled };
    return GN_OK;
}

static const char *name_of(const struct gn_caffe_layer *l, char name[GN_CAFFE_TEXT])
{
    (void)gn_caffe_text(l->name, name);
    name[GN_NAME_BYTES - 1] = '\0';
    return gn_is_name(name) ? name : NULL;
}

/* ---- Layers ---- */

/* Fields 3 to 14 of a convolution, 2 to 10 of a pool: for both sides, or for each. */
static int sides(struct gn_pb_slice own, int both, int one, int otherwise)
{
    const int64_t value = gn_caffe_whole(own, one, gn_caffe_whole(own, both, otherwise));
    return value < 0 || value > GN_MAX_SIZE ? -1 : (int)value;
}

static gn_status add_conv(struct gn_caffe_build *b, const struct gn_caffe_layer *l)
{
    gn_node x;
    char name[GN_CAFFE_TEXT];
    GN_TRY(bottom(b, l, 0, &x));
    if (gn_caffe_whole(l->own, 5, 1) != 1 || gn_caffe_whole(l->own, 18, 1) != 1)
        return refuse(b, l, "convolutions in groups or with dilation are not read");
    const int64_t out = gn_caffe_whole(l->own, 1, 0);
    const int pad_h = sides(l->own, 3, 9, 0), pad_w = sides(l->own, 3, 10, 0);
    const bool biased = gn_caffe_whole(l->own, 2, 1) != 0;
    const struct gn_conv_options o = { .channels = out < 1 || out > GN_MAX_CHANNELS ? -1 : (int)out,
                                       .kernel_h = sides(l->own, 4, 11, -1),
                                       .kernel_w = sides(l->own, 4, 12, -1),
                                       .stride_h = sides(l->own, 6, 13, 1),
                                       .stride_w = sides(l->own, 6, 14, 1),
                                       .explicit_pads = true,
                                       .pad_top = pad_h,
                                       .pad_bottom = pad_h,
                                       .pad_left = pad_w,
                                       .pad_right = pad_w,
                                       .no_bias = !biased,
                                       .name = name_of(l, name) };
    const gn_node y = gn_conv_with(b->graph, x, &o);
    GN_TRY(take(b, l, y, 0, 0, false));
    if (biased)
        GN_TRY(take(b, l, y, 1, 1, false));
    give(b, l, y);
    return GN_OK;
}

static gn_status add_pool(struct gn_caffe_build *b, const struct gn_caffe_layer *l)
{
    gn_node x;
    char name[GN_CAFFE_TEXT];
    GN_TRY(bottom(b, l, 0, &x));
    const int64_t kind = gn_caffe_whole(l->own, 1, 0);
    const struct gn_shape in = b->graph->layers[x.id].out;
    const bool global = gn_caffe_whole(l->own, 12, 0) != 0;
    const int pad_h = sides(l->own, 4, 9, 0), pad_w = sides(l->own, 4, 10, 0);
    struct gn_pool_options o = { .kernel_h = global ? in.h : sides(l->own, 2, 5, -1),
                                 .kernel_w = global ? in.w : sides(l->own, 2, 6, -1),
                                 .stride_h = sides(l->own, 3, 7, 1),
                                 .stride_w = sides(l->own, 3, 8, 1),
                                 .explicit_pads = true,
                                 .pad_top = pad_h,
                                 .pad_bottom = pad_h,
                                 .pad_left = pad_w,
                                 .pad_right = pad_w,
                                 .ceil = gn_caffe_whole(l->own, 13, 0) == 0,
                                 .count_padding = pad_h > 0 || pad_w > 0,
                                 .name = name_of(l, name) };
    if (kind > 1)
        return refuse(b, l, "only maxima and means are read");
    if (kind == 1 && o.kernel_h == in.h && o.kernel_w == in.w && pad_h == 0 && pad_w == 0)
        give(b, l, gn_global_avg_pool(b->graph, x));
    else if (kind == 1)
        give(b, l, gn_avg_pool_with(b->graph, x, &o));
    else {
        o.count_padding = false;
        give(b, l, gn_max_pool_with(b->graph, x, &o));
    }
    return GN_OK;
}

static gn_status add_lrn(struct gn_caffe_build *b, const struct gn_caffe_layer *l)
{
    gn_node x;
    char name[GN_CAFFE_TEXT];
    GN_TRY(bottom(b, l, 0, &x));
    const int64_t size = gn_caffe_whole(l->own, 1, 5);
    const float alpha = gn_caffe_real(l->own, 2, 1), beta = gn_caffe_real(l->own, 3, 0.75F);
    const float k = gn_caffe_real(l->own, 5, 1);
    if (gn_caffe_whole(l->own, 4, 0) != 0)
        return refuse(b, l, "normalisation within a channel is not read");
    if (size < 1 || size > 63 || !(alpha > 0) || !(beta > 0) || !(k > 0))
        return refuse(b, l, "local_size must be 1 to 63; alpha, beta and k above 0");
    give(b, l,
         gn_lrn(b->graph, x, (int)size, .alpha = (double)alpha, .beta = (double)beta,
                .k = (double)k, .name = name_of(l, name)));
    return GN_OK;
}

static gn_status add_dense(struct gn_caffe_build *b, const struct gn_caffe_layer *l)
{
    gn_node x;
    char name[GN_CAFFE_TEXT];
    GN_TRY(bottom(b, l, 0, &x));
    int64_t out = gn_caffe_whole(l->own, 1, 0);
    const struct gn_caffe_layer *theirs = gn_caffe_find(b->weights, l->name);
    struct gn_caffe_blob blob;
    if (out == 0 && theirs != NULL && theirs->n_blobs > 1 &&
        gn_caffe_blob(b->file, theirs->blobs[1], &blob) == GN_OK && blob.count <= GN_MAX_CHANNELS)
        out = (int64_t)blob.count; /* DIGITS' networks leave it to the number of classes */
    if (gn_caffe_whole(l->own, 2, 1) == 0 || gn_caffe_whole(l->own, 5, 1) != 1 ||
        gn_caffe_whole(l->own, 6, 0) != 0)
        return refuse(b, l, "layers without bias, transposed or over another axis are not read");
    const gn_node y =
        gn_dense(b->graph, x, out < 1 || out > GN_MAX_CHANNELS ? -1 : (int)out, name_of(l, name));
    GN_TRY(take(b, l, y, 0, 0, false));
    GN_TRY(take(b, l, y, 1, 1, false));
    give(b, l, y);
    return GN_OK;
}

static gn_status add_concat(struct gn_caffe_build *b, const struct gn_caffe_layer *l)
{
    gn_node nodes[GN_MAX_INPUTS];
    char name[GN_CAFFE_TEXT];
    if (l->n_bottoms > GN_MAX_INPUTS || gn_caffe_whole(l->own, 2, 1) != 1 ||
        gn_caffe_whole(l->own, 1, 1) != 1)
        return refuse(b, l, "only up to 8 inputs are joined, and along their channels");
    for (int i = 0; i < l->n_bottoms; i++)
        GN_TRY(bottom(b, l, i, &nodes[i]));
    give(b, l, gn_concat(b->graph, nodes, l->n_bottoms, name_of(l, name)));
    return GN_OK;
}

/* Statistics; a Scale after it, if there is one, has gamma and beta. */
static gn_status add_norm(struct gn_caffe_build *b, const struct gn_caffe_layer *l)
{
    gn_node x;
    char name[GN_CAFFE_TEXT];
    GN_TRY(bottom(b, l, 0, &x));
    const float keep = gn_caffe_real(l->own, 2, 0.999F), eps = gn_caffe_real(l->own, 3, 1e-5F);
    if (!(keep > 0) || keep >= 1 || !(eps > 0))
        return refuse(b, l, "eps must be above 0, moving_average_fraction above 0 and below 1");
    const gn_node y = gn_batch_norm(b->graph, x, .eps = (double)eps, .momentum = (double)keep,
                                    .unbiased = true, .name = name_of(l, name));
    GN_TRY(take(b, l, y, GN_NORM_RUNNING_MEAN, 0, true));
    GN_TRY(take(b, l, y, GN_NORM_RUNNING_VARIANCE, 1, true));
    give(b, l, y);
    return GN_OK;
}

static gn_status add_scale(struct gn_caffe_build *b, const struct gn_caffe_layer *l)
{
    gn_node x;
    GN_TRY(bottom(b, l, 0, &x));
    if (b->graph->layers[x.id].op->fuses != GN_FUSE_NORM || l->n_bottoms != 1 ||
        gn_caffe_whole(l->own, 1, 1) != 1 || gn_caffe_whole(l->own, 2, 1) != 1)
        return refuse(b, l, "only a Scale of channels right after a BatchNorm is read");
    GN_TRY(take(b, l, x, GN_NORM_GAMMA, 0, false));
    if (gn_caffe_whole(l->own, 4, 0) != 0)
        GN_TRY(take(b, l, x, GN_NORM_BETA, 1, false));
    give(b, l, x);
    return GN_OK;
}

/* The logits of a loss: those of the largest weight are the answer, others are heads. */
static gn_status add_loss(struct gn_caffe_build *b, const struct gn_caffe_layer *l)
{
    gn_node x;
    GN_TRY(bottom(b, l, 0, &x));
    if (b->answer.id >= 0 && l->loss_weight <= b->answer_weight) {
        if (b->n_heads == GN_MAX_HEADS)
            return refuse(b, l, "there are more than 4 losses besides that of the answer");
        b->heads[b->n_heads].node = x;
        b->heads[b->n_heads].weight = l->loss_weight;
        b->heads[b->n_heads++].name = l->name;
        return GN_OK;
    }
    if (b->answer.id >= 0 && b->answer.id != x.id && b->n_heads < GN_MAX_HEADS) {
        b->heads[b->n_heads].node = b->answer;
        b->heads[b->n_heads].weight = b->answer_weight;
        b->heads[b->n_heads++].name = l->name;
    }
    b->answer = x;
    b->answer_weight = l->loss_weight;
    return GN_OK;
}

static gn_status add_plain(struct gn_caffe_build *b, const struct gn_caffe_layer *l)
{
    gn_node x;
    char name[GN_CAFFE_TEXT];
    GN_TRY(bottom(b, l, 0, &x));
    const float slope = gn_caffe_real(l->own, 1, l->type == GN_CAFFE_RELU ? 0 : 0.5F);
    if (l->type == GN_CAFFE_RELU && slope != 0)
        return refuse(b, l, "a ReLU with a slope below zero is not read");
    if (l->type == GN_CAFFE_DROPOUT && (!(slope >= 0) || slope >= 1))
        return refuse(b, l, "dropout_ratio must be 0 to below 1");
    if (l->type == GN_CAFFE_RELU)
        x = gn_relu(b->graph, x);
    else if (l->type == GN_CAFFE_DROPOUT && slope > 0)
        x = gn_dropout(b->graph, x, (double)slope, name_of(l, name));
    else if (l->type == GN_CAFFE_SOFTMAX) {
        b->answer = x;
        b->answer_weight = 1e30F; /* what a loss cannot take the place of */
    }
    give(b, l, x);
    return GN_OK;
}

static gn_status add_input(struct gn_caffe_build *b, const struct gn_caffe_layer *l)
{
    if (b->graph->n_layers == 0)
        (void)gn_input(b->graph, b->input.h, b->input.w, b->input.c);
    give(b, l, (gn_node){ 0 });
    return GN_OK;
}

static gn_status add_layer(struct gn_caffe_build *b, const struct gn_caffe_layer *l)
{
    switch (l->type) {
    case GN_CAFFE_CONV:
        return add_conv(b, l);
    case GN_CAFFE_POOL:
        return add_pool(b, l);
    case GN_CAFFE_LRN:
        return add_lrn(b, l);
    case GN_CAFFE_DENSE:
        return add_dense(b, l);
    case GN_CAFFE_CONCAT:
        return add_concat(b, l);
    case GN_CAFFE_NORM:
        return add_norm(b, l);
    case GN_CAFFE_SCALE:
        return add_scale(b, l);
    case GN_CAFFE_LOSS:
        return add_loss(b, l);
    case GN_CAFFE_RELU:
    case GN_CAFFE_DROPOUT:
    case GN_CAFFE_SOFTMAX:
    case GN_CAFFE_SAME:
        return add_plain(b, l);
    case GN_CAFFE_INPUT:
    case GN_CAFFE_DATA:
        return add_input(b, l);
    case GN_CAFFE_NOTHING:
        return GN_OK;
    case GN_CAFFE_OTHER:
        break;
    }
    return refuse(b, l, "this type is not read");
}

static gn_status add_heads(struct gn_caffe_build *b)
{
    char name[GN_CAFFE_TEXT];
    if (b->answer.id < 0)
        b->answer = (gn_node){ b->graph->n_layers - 1 };
    for (int i = 0; i < b->n_heads; i++) {
        (void)snprintf(name, sizeof name, "aux%d", i + 1);
        if (b->heads[i].node.id != b->answer.id)
            gn_head(b->graph, b->heads[i].node, (double)b->heads[i].weight, name);
    }
    return GN_OK;
}

gn_status gn_caffe_make(struct gn_caffe_build *b)
{
    const size_t most = (size_t)b->net->n_layers * GN_CAFFE_ENDS + 1;
    b->blobs = gn_calloc(most, sizeof *b->blobs, "names of a Caffe file");
    b->list = gn_calloc(most, sizeof *b->list, "weights of a Caffe file");
    if (b->blobs == NULL || b->list == NULL)
        return gn_last_status();
    b->answer = (gn_node){ -1 };
    if (b->net->input.n > 0) {
        struct gn_caffe_layer first = { .n_tops = 1, .tops = { b->net->input } };
        GN_TRY(add_input(b, &first));
    }
    for (int i = 0; i < b->net->n_layers; i++) {
        const struct gn_caffe_layer *l = &b->net->layers[i];
        const bool is_data = l->type == GN_CAFFE_DATA || l->type == GN_CAFFE_INPUT;
        if (!l->left_out || is_data)
            GN_TRY(add_layer(b, l));
        if (b->graph->status != GN_OK) {
            char why[sizeof b->graph->message];
            (void)snprintf(why, sizeof why, "%s", b->graph->message);
            return b->graph->status == GN_STATUS_NO_MEMORY ? GN_STATUS_NO_MEMORY
                                                           : refuse(b, l, why);
        }
    }
    return add_heads(b);
}

void gn_caffe_build_free(struct gn_caffe_build *b)
{
    gn_free(b->blobs);
    gn_free(b->list);
}
