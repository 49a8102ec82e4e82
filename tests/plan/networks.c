/* Small networks, each of which makes the plan's passes decide something: what can be fused, what
 * can stand in a slice, who masks a gradient. */
#include "plan/networks.h"

#include "base/memory.h"
#include "base/random.h"
#include "support/check.h"

#define CAT(...)                                                                                   \
    (gn_node[]){ __VA_ARGS__ }, (int)(sizeof(gn_node[]){ __VA_ARGS__ } / sizeof(gn_node))

static gn_node head(gn_graph *g, gn_node x)
{
    return gn_dense(g, gn_global_avg_pool(g, x), 5, "logits");
}

static gn_node plain(gn_graph *g, gn_node x)
{
    x = gn_conv_relu(g, x, 9, 3);
    x = gn_max_pool(g, x, 3, 2);
    x = gn_inception(g, x, "block", 4, (gn_pair){ 3, 6 }, (gn_pair){ 2, 5 }, 3);
    return head(g, x);
}

/* A branch that somebody else reads too is copied into the concatenation. */
static gn_node branch_with_two_readers(gn_graph *g, gn_node x)
{
    const gn_node a = gn_conv_relu(g, x, 6, 3), b = gn_conv_relu(g, a, 5, 1);
    const gn_node c = gn_conv_relu(g, x, 4, 5);
    return head(g, gn_conv_relu(g, gn_concat(g, CAT(a, b, c), "cat"), 7, 1));
}

static gn_node branch_twice(gn_graph *g, gn_node x)
{
    const gn_node a = gn_conv_relu(g, x, 6, 3), b = gn_conv_relu(g, x, 3, 1);
    return head(g, gn_conv_relu(g, gn_concat(g, CAT(a, b, a), "cat"), 7, 3));
}

/* The convolution's own value is read beside its ReLU. */
static gn_node relu_beside_another_reader(gn_graph *g, gn_node x)
{
    const gn_node c = gn_conv(g, x, 6, 3), r = gn_relu(g, c);
    const gn_node a = gn_conv_relu(g, r, 5, 3), b = gn_conv_relu(g, c, 5, 1);
    return head(g, gn_concat(g, CAT(a, b), "cat"));
}

static gn_node relu_of_other_layers(gn_graph *g, gn_node x)
{
    x = gn_relu(g, gn_relu(g, x));
    x = gn_relu(g, gn_max_pool(g, gn_conv(g, x, 6, 3), 3, 2));
    const gn_node a = gn_conv(g, x, 4, 1), b = gn_conv(g, x, 5, 3);
    x = gn_relu(g, gn_concat(g, CAT(a, b), "cat"));
    return gn_dense(g, gn_relu(g, gn_global_avg_pool(g, x)), 5, "logits");
}

static gn_node nested_concat(gn_graph *g, gn_node x)
{
    const gn_node a = gn_conv_relu(g, x, 4, 1), b = gn_conv_relu(g, x, 3, 3);
    const gn_node inner = gn_concat(g, CAT(a, b), "inner");
    const gn_node c = gn_conv_relu(g, x, 5, 3);
    return head(g, gn_conv_relu(g, gn_concat(g, CAT(c, inner), "outer"), 6, 3));
}

/* The consumers of the outer concatenation may not mask, because of the pool. */
static gn_node nested_concat_beside_a_pool(gn_graph *g, gn_node x)
{
    x = gn_conv_relu(g, x, 6, 3);
    const gn_node a = gn_conv_relu(g, x, 4, 1), b = gn_conv_relu(g, x, 3, 3);
    const gn_node inner = gn_concat(g, CAT(a, b), "inner");
    const gn_node pool = gn_max_pool(g, x, 3, 1);
    return head(g, gn_conv_relu(g, gn_concat(g, CAT(inner, pool), "outer"), 6, 3));
}

/* The inner concatenation has a second reader, so it is copied into the outer one. */
static gn_node nested_concat_read_twice(gn_graph *g, gn_node x)
{
    const gn_node a = gn_conv_relu(g, x, 4, 1), b = gn_conv_relu(g, x, 3, 3);
    const gn_node inner = gn_concat(g, CAT(a, b), "inner");
    const gn_node c = gn_conv_relu(g, inner, 5, 3);
    return head(g, gn_conv_relu(g, gn_concat(g, CAT(c, inner), "outer"), 6, 3));
}

static gn_node concat_with_linear_branch(gn_graph *g, gn_node x)
{
    x = gn_conv_relu(g, x, 6, 3);
    const gn_node a = gn_conv_relu(g, x, 4, 1), b = gn_conv(g, x, 3, 3);
    const gn_node pool = gn_max_pool(g, x, 3, 1);
    x = gn_concat(g, CAT(a, b, pool), "cat");
    return head(g, gn_max_pool(g, x, 3, 2));
}

/* A pool of the image and the image itself need no gradient but stand in the concatenation. */
static gn_node concat_with_the_image(gn_graph *g, gn_node x)
{
    const gn_node a = gn_conv_relu(g, x, 4, 3), pool = gn_max_pool(g, x, 3, 1);
    return head(g, gn_conv_relu(g, gn_concat(g, CAT(x, a, pool), "cat"), 6, 3));
}

static gn_node concat_of_one(gn_graph *g, gn_node x)
{
    x = gn_concat(g, CAT(gn_conv_relu(g, x, 4, 3)), "one");
    return head(g, gn_conv_relu(g, x, 6, 3));
}

static gn_node concat_with_three_readers(gn_graph *g, gn_node x)
{
    const gn_node a = gn_conv_relu(g, x, 4, 3), b = gn_conv_relu(g, x, 5, 1);
    const gn_node cat = gn_concat(g, CAT(a, b), "cat");
    const gn_node p = gn_conv_relu(g, gn_max_pool(g, cat, 3, 2), 3, 1);
    const gn_node q = gn_conv_relu(g, cat, 4, 3, .stride = 2);
    const gn_node r = gn_conv(g, cat, 2, 5, .stride = 2);
    return head(g, gn_concat(g, CAT(p, q, r), "join"));
}

static gn_node dense_with_relu(gn_graph *g, gn_node x)
{
    x = gn_global_avg_pool(g, gn_conv_relu(g, x, 17, 3, .stride = 2));
    x = gn_relu(g, gn_dense(g, x, 21, "hidden"));
    return gn_dense(g, x, 5, "logits");
}

/* Vectors are concatenated too; the answer itself is a concatenation of ReLUs. */
static gn_node answer_is_a_concat(gn_graph *g, gn_node x)
{
    x = gn_global_avg_pool(g, gn_conv_relu(g, x, 7, 3));
    const gn_node a = gn_relu(g, gn_dense(g, x, 3, "a")), b = gn_relu(g, gn_dense(g, x, 2, "b"));
    return gn_concat(g, CAT(a, b), "answer");
}

static gn_node answer_has_a_relu(gn_graph *g, gn_node x)
{
    return gn_relu(g, head(g, gn_conv_relu(g, x, 7, 3)));
}

static gn_node answer_is_a_mean(gn_graph *g, gn_node x)
{
    return gn_global_avg_pool(g, gn_conv_relu(g, x, 5, 3));
}

static gn_node dead_branches(gn_graph *g, gn_node x)
{
    x = gn_conv_relu(g, x, 6, 3, .name = "live");
    const gn_node dead = gn_conv_relu(g, x, 4, 3, .name = "dead");
    const gn_node kept = gn_conv_relu(g, x, 3, 1, .name = "kept");
    (void)head(g, gn_concat(g, CAT(dead, kept), "dead_cat"));
    (void)gn_max_pool(g, kept, 3, 2);
    return gn_dense(g, gn_global_avg_pool(g, kept), 5, "answer");
}

static gn_node explicit_pads(gn_graph *g, gn_node x)
{
    x = gn_conv_relu(g, x, 6, 5, .explicit_pads = true, .pad_top = 4, .pad_right = 2, .stride = 2);
    x = gn_conv_relu(g, x, 7, 3, .explicit_pads = true, .pad_bottom = 1, .pad_left = 2);
    return head(g, x);
}

/* Windows and strides of other heights than widths, SAME and with pads; a dense layer on what is left. */
static gn_node rectangular_windows(gn_graph *g, gn_node x)
{
    x = gn_conv_relu(g, x, 6, 1, .kernel_w = 5, .stride_w = 2);
    x = gn_conv_relu(g, x, 5, 0, .kernel_h = 4, .kernel_w = 2, .explicit_pads = true, .pad_top = 3,
                     .pad_right = 1);
    const gn_node p = gn_max_pool(g, x, 3, 1, .kernel_h = 2), q = gn_conv_relu(g, x, 4, 1);
    const gn_node a = gn_avg_pool(g, x, 2, 1, .kernel_w = 3);
    x = gn_concat(g, CAT(p, q, a), "cat");
    x = gn_max_pool(g, x, 1, .kernel_h = 3, .stride_w = 2);
    return gn_dense(g, gn_conv_relu(g, x, 3, 3, .kernel_w = 1, .stride = 1), 5, "logits");
}

/* Channels in whole vectors, as Winograd's filtering wants them. */
static gn_node whole_vectors(gn_graph *g, gn_node x)
{
    x = gn_conv_relu(g, x, 16, 3);
    const gn_node a = gn_conv_relu(g, x, 32, 3), b = gn_conv_relu(g, x, 16, 5);
    const gn_node cat = gn_concat(g, CAT(a, b), "cat");
    const gn_node c = gn_conv(g, cat, 16, 5), d = gn_conv_relu(g, cat, 16, 3);
    return head(g, gn_conv_relu(g, gn_concat(g, CAT(c, d, gn_relu(g, c)), "join"), 16, 3));
}

/* 1x1 convolutions of one tensor: three that merge, first slice of a concatenation among them, one
 * without ReLU and one that is a later slice, which do not; and two outside of any concatenation,
 * one of them a slice of nothing. */
static gn_node siblings(gn_graph *g, gn_node x)
{
    const gn_node a = gn_conv_relu(g, x, 5, 1), b = gn_conv_relu(g, x, 3, 1);
    const gn_node c = gn_conv_relu(g, x, 4, 1), d = gn_conv(g, x, 2, 1),
                  e = gn_conv_relu(g, x, 3, 1);
    const gn_node cat = gn_concat(g, CAT(b, gn_conv_relu(g, a, 4, 3), e, d), "cat");
    const gn_node p = gn_conv(g, cat, 6, 1), q = gn_conv(g, cat, 7, 1);
    const gn_node sum =
        gn_concat(g, CAT(gn_conv_relu(g, p, 3, 3), gn_conv_relu(g, q, 2, 3)), "join");
    return head(g, gn_concat(g, CAT(sum, gn_conv_relu(g, c, 3, 3), p), "last"));
}

static gn_node norm_relu(gn_graph *g, gn_node x, int channels, int kernel)
{
    x = gn_conv(g, x, channels, kernel, .no_bias = true);
    return gn_relu(g, gn_batch_norm(g, x, .momentum = 0.8));
}

/* What googlenet-bn is made of: 1x1 siblings, slices of a concatenation, a pooled path. */
static gn_node normalised(gn_graph *g, gn_node x)
{
    x = gn_max_pool(g, norm_relu(g, x, 16, 3), 3, 2);
    const gn_node a = norm_relu(g, x, 8, 1), b = norm_relu(g, norm_relu(g, x, 16, 1), 16, 3);
    const gn_node c = norm_relu(g, norm_relu(g, x, 5, 1), 7, 5);
    const gn_node biased = gn_conv(g, gn_max_pool(g, x, 3, 1), 6, 1);
    const gn_node d = gn_relu(g, gn_batch_norm_with(g, biased, NULL));
    return head(g, gn_concat(g, CAT(a, b, c, d), "cat"));
}

/* Normalisations that nothing folds: of the image, of a concatenation, of a ReLU, beside another
 * reader, without a ReLU behind. */
static gn_node normalised_elsewhere(gn_graph *g, gn_node x)
{
    x = gn_batch_norm(g, x, .name = "image");
    const gn_node a = gn_conv_relu(g, x, 6, 3), b = gn_conv(g, x, 5, 3);
    const gn_node n = gn_relu(g, gn_batch_norm(g, b, .unbiased = true, .eps = 0.01));
    const gn_node cat = gn_concat(g, CAT(a, gn_conv(g, b, 4, 1), n), "cat");
    const gn_node c =
        gn_batch_norm(g, gn_relu(g, gn_batch_norm(g, cat, .name = "of_cat")), .name = "of_relu");
    return head(g, gn_conv_relu(g, c, 9, 3));
}

static gn_node lrn_and_pools(gn_graph *g, gn_node x)
{
    x = gn_lrn(g, gn_conv_relu(g, x, 17, 3), 5, .alpha = 0.5);
    x = gn_lrn(g, gn_conv(g, x, 9, 1), 3, .alpha = 0.3, .beta = 0.6, .k = 2);
    const gn_node a = gn_avg_pool(g, x, 3, 2), b = gn_avg_pool(g, x, 3, 2, .count_padding = true);
    const gn_node c = gn_max_pool(g, x, 3, 2, .explicit_pads = true, .pad_top = 1, .pad_left = 1,
                                  .pad_bottom = 1, .pad_right = 1, .ceil = true);
    x = gn_conv_relu(g, gn_concat(g, CAT(a, b, c), "cat"), 6, 3);
    x = gn_avg_pool(g, x, 3, 2, .explicit_pads = true, .ceil = true);
    return gn_dense(g, gn_avg_pool(g, x, 0, .adaptive = 2), 5, "logits");
}

static gn_node two_heads(gn_graph *g, gn_node x)
{
    x = gn_conv_relu(g, x, 9, 3, .stride = 2);
    const gn_node early = x;
    x = gn_conv_relu(g, x, 7, 3);
    const gn_node y = gn_dense(g, gn_global_avg_pool(g, gn_conv_relu(g, x, 6, 1)), 5, "logits");
    gn_head(g, gn_dense(g, gn_avg_pool(g, early, 0, .adaptive = 3), 5, "fc1"), 0.3, "aux1");
    gn_head(g, gn_relu(g, gn_dense(g, gn_global_avg_pool(g, x), 5, "fc2")), 0.5, "aux2");
    return y;
}

static gn_node dense_alone(gn_graph *g, gn_node x)
{
    return gn_dense(g, gn_global_avg_pool(g, x), 5, "logits");
}

struct network {
    const char *name;
    gn_node (*build)(gn_graph *g, gn_node x);
};

#define NETWORK(f)                                                                                 \
    {                                                                                              \
#f, f                                                                                      \
    }
/* ---- Sums ---- */

static gn_node residual(gn_graph *g, gn_node x)
{
    x = gn_conv_relu(g, x, 6, 3);
    const gn_node y = gn_conv(g, gn_conv_relu(g, x, 5, 1), 6, 3);
    x = gn_relu(g, gn_sum(g, CAT(x, y), "sum"));
    const gn_node a = gn_conv(g, x, 7, 3, .stride = 2), b = gn_conv(g, x, 7, 1, .stride = 2);
    return head(g, gn_relu(g, gn_sum(g, CAT(a, b), "sum2")));
}

/* The image, a layer twice, a ReLU whose only reader it is, a normalisation. */
static gn_node sum_of_anything(gn_graph *g, gn_node x)
{
    const gn_node a = gn_conv(g, x, 3, 3), b = gn_relu(g, gn_conv(g, x, 3, 1));
    const gn_node c = gn_batch_norm(g, gn_conv(g, x, 3, 3, .no_bias = true), .eps = 1e-3);
    x = gn_sum(g, CAT(x, a, a, b, c), "five");
    x = gn_sum(g, CAT(gn_max_pool(g, x, 3, 1), gn_relu(g, x)), "two");
    return head(g, gn_conv_relu(g, x, 6, 3));
}

/* Slices of a concatenation, one of them with a ReLU that the concatenation's readers mask. */
static gn_node sum_in_a_concat(gn_graph *g, gn_node x)
{
    x = gn_conv_relu(g, x, 4, 3);
    const gn_node s = gn_relu(g, gn_sum(g, CAT(gn_conv(g, x, 4, 1), x), "sum"));
    const gn_node t = gn_sum(g, CAT(gn_conv_relu(g, x, 5, 3), gn_conv(g, x, 5, 1)), "t");
    const gn_node u = gn_conv_relu(g, x, 3, 1);
    x = gn_conv_relu(g, gn_concat(g, CAT(s, t, u), "cat"), 6, 3);
    return head(g, x);
}

static gn_node answer_is_a_sum(gn_graph *g, gn_node x)
{
    x = gn_global_avg_pool(g, gn_conv_relu(g, x, 17, 3));
    const gn_node a = gn_dense(g, x, 5, "a"), b = gn_dense(g, x, 5, "b");
    return gn_relu(g, gn_sum(g, CAT(a, b), "logits"));
}

static gn_node clipped(gn_graph *g, gn_node x)
{
    x = gn_clip(g, gn_conv(g, x, 6, 3), 0, 0.2, NULL);
    const gn_node a = gn_conv_relu(g, x, 5, 3),
                  b = gn_clip(g, gn_conv_relu(g, x, 5, 1), 0.1, 0.5, "b");
    x = gn_clip(g, gn_global_avg_pool(g, gn_concat(g, CAT(a, b), "cat")), -1, 0.3, "v");
    return gn_dense(g, x, 5, "logits");
}

static gn_node scaled_residual_with_norm(gn_graph *g, gn_node x)
{
    x = gn_relu(g, gn_batch_norm(g, gn_conv(g, x, 8, 3, .no_bias = true), .eps = 1e-3));
    for (int i = 0; i < 2; i++) {
        gn_node y = gn_relu(g, gn_batch_norm(g, gn_conv(g, x, 8, 1, .no_bias = true), .eps = 1e-3));
        y = gn_batch_norm(g, gn_conv(g, y, 8, 3, .no_bias = true), .eps = 1e-3);
        x = gn_relu(g, gn_sum(g, CAT(y, x), NULL));
    }
    return head(g, x);
}

static const struct network networks[] = {
    NETWORK(plain),
    NETWORK(branch_with_two_readers),
    NETWORK(branch_twice),
    NETWORK(relu_beside_another_reader),
    NETWORK(relu_of_other_layers),
    NETWORK(nested_concat),
    NETWORK(nested_concat_beside_a_pool),
    NETWORK(nested_concat_read_twice),
    NETWORK(concat_with_linear_branch),
    NETWORK(concat_with_the_image),
    NETWORK(concat_of_one),
    NETWORK(concat_with_three_readers),
    NETWORK(dense_with_relu),
    NETWORK(answer_is_a_concat),
    NETWORK(answer_has_a_relu),
    NETWORK(answer_is_a_mean),
    NETWORK(dead_branches),
    NETWORK(explicit_pads),
    NETWORK(whole_vectors),
    NETWORK(siblings),
    NETWORK(dense_alone),
    NETWORK(normalised),
    NETWORK(normalised_elsewhere),
    NETWORK(lrn_and_pools),
    NETWORK(two_heads),
    NETWORK(rectangular_windows),
    NETWORK(residual),
    NETWORK(sum_of_anything),
    NETWORK(sum_in_a_concat),
    NETWORK(answer_is_a_sum),
    NETWORK(clipped),
    NETWORK(scaled_residual_with_norm),
};

gn_net *test_network(int i, const char **name)
{
    if (i >= (int)(sizeof networks / sizeof networks[0]))
        return NULL;
    *name = networks[i].name;
    gn_graph *g = gn_graph_create();
    gn_net *net = gn_compile(g, networks[i].build(g, gn_input(g, 9, 7, 3)), 11);
    if (net == NULL)
        fail_msg("%s: %s", networks[i].name, gn_error_message());
    for (int t = 0; t < net->graph->n_tensors; t++) {
        const struct gn_tensor *tensor = &net->graph->tensors[t];
        for (size_t k = 0; !tensor->is_kernel && k < tensor->count; k++)
            net->params[tensor->offset + k] =
                0.4F * gn_random_unit(5, GN_RANDOM_TEST, (uint64_t)t, k) - 0.1F +
                (float)tensor->constant;
    }
    return net;
}

float *test_images(const gn_net *net, int n, uint64_t stream)
{
    const size_t count =
        (size_t)n * (size_t)net->input.h * (size_t)net->input.w * (size_t)net->input.c;
    float *images = gn_alloc(count * sizeof *images, "images");
    assert_non_null(images);
    for (size_t i = 0; i < count; i++)
        images[i] = gn_random_unit(6, GN_RANDOM_TEST, stream, i);
    return images;
}

int32_t *test_labels(const gn_net *net, int n)
{
    int32_t *labels = gn_alloc((size_t)n * sizeof *labels, "labels");
    assert_non_null(labels);
    for (int i = 0; i < n; i++)
        labels[i] =
            (int32_t)gn_random_below(7, GN_RANDOM_TEST, 0, (uint64_t)i, (uint64_t)net->classes);
    return labels;
}
