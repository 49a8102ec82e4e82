/*
 * An Inception block from single layers, in a network with all that one may want to set: initial
 * values, an auxiliary head, normalisation, dropout, the preprocessing and names of its classes.
 *
 *   cc own_layers.c $(pkg-config --cflags --libs googlenet) -o own_layers
 *   ./own_layers FILE.safetensors      # writes the network with its initial weights
 *
 * test-args: own.safetensors
 */
#include <googlenet.h>

/* The four paths of the block, side by side. */
static gn_node block(gn_graph *g, gn_node x)
{
    const gn_node paths[] = {
        gn_conv_relu(g, x, 16, 1, .name = "p1"),
        gn_conv_relu(g, gn_conv_relu(g, x, 12, 1, .name = "p2_1"), 24, 3, .name = "p2_2"),
        gn_conv_relu(g, gn_conv_relu(g, x, 4, 1, .name = "p3_1"), 8, 5, .name = "p3_2"),
        gn_conv_relu(g, gn_max_pool(g, x, 3, 1, "p4_1"), 8, 1, .name = "p4_2"),
    };
    return gn_concat(g, paths, 4, "concat"); /* 56 channels */
}

static gn_net *own_network(uint64_t seed)
{
    gn_graph *g = gn_graph_create();
    gn_initialize(g, GN_INITIAL_XAVIER, 0, 0.2); /* Caffe's: Xavier kernels, biases of 0.2 */
    gn_node x = gn_input(g, 32, 32, 3);

    gn_stage(g, "stem");
    x = gn_conv_relu(g, x, 32, 3, .stride = 2, .explicit_pads = true, .pad_top = 1, .pad_bottom = 1,
                     .pad_left = 1, .pad_right = 1); /* PyTorch's padding=1 */
    x = gn_lrn(g, x, 5);

    gn_stage(g, "block");
    x = block(g, x);
    const gn_node wide = gn_conv(g, gn_conv_relu(g, x, 24, 1), 56, 3, .name = "residual");
    x = gn_relu(g, gn_sum(g, (gn_node[]){ x, wide }, 2, "sum")); /* x + f(x), as in ResNet */
    x = gn_relu(g, gn_batch_norm(g, gn_conv(g, x, 48, 1, .no_bias = true), .momentum = 0.9));
    x = gn_clip(g, x, 0, 6, NULL); /* at most 6 */

    if (x.id < 0) { /* something was wrong so far, and gn_compile would report it, too */
        gn_graph_free(g);
        return NULL;
    }

    gn_stage(g, "aux"); /* only training uses it */
    gn_node aux = gn_avg_pool(g, x, 0, .adaptive = 4);
    gn_head(g, gn_dense(g, aux, 2, "dense"), 0.3, "aux");

    gn_stage(g, NULL);
    x = gn_dropout(g, gn_global_avg_pool(g, x), 0.4, "dropout");
    return gn_compile(g, gn_dense(g, x, 2, "dense"), seed);
}

/* own.svg for people, own.dot for Graphviz. */
static void draw(const gn_net *net)
{
    FILE *svg = fopen("own.svg", "w"), *dot = fopen("own.dot", "w");
    if (svg != NULL && dot != NULL && (gn_svg(net, svg) != GN_OK || gn_dot(net, dot) != GN_OK))
        fprintf(stderr, "%s\n", gn_error_message());
    if (svg != NULL)
        (void)fclose(svg);
    if (dot != NULL)
        (void)fclose(dot);
}

static void print_parts(gn_net *net)
{
    (void)gn_walk(net, stdout);
    draw(net);
    struct gn_net_info info = { 0 };
    (void)gn_net_describe(net, &info);
    for (int i = 0; i < info.stages; i++) {
        struct gn_layer_info stage;
        if (gn_net_stage(net, i, &stage) == GN_OK)
            printf("stage %s ends with %d channels\n", stage.name, stage.shape[stage.rank - 1]);
    }
    for (int i = 0; i < info.layers; i++) {
        struct gn_layer_info layer;
        if (gn_net_layer(net, i, &layer) == GN_OK)
            printf("layer %s is a %s with %llu parameters\n", layer.name, layer.type,
                   (unsigned long long)layer.params);
    }
    for (int i = 0; i < info.tensors; i++) {
        struct gn_tensor_info tensor;
        if (gn_net_tensor(net, i, &tensor) == GN_OK)
            printf("tensor %s has %zu values, the first is %g\n", tensor.name, tensor.count,
                   (double)tensor.values[0]);
    }
    for (int i = 0; gn_net_head(net, i) != NULL; i++)
        printf("auxiliary head %s\n", gn_net_head(net, i));
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: own_layers FILE.safetensors\n");
        return 2;
    }
    gn_net *net = own_network(1);
    print_parts(net);

    /* What a picture goes through on its way into the network, and what the answers mean. */
    struct gn_pixel_options pixels;
    gn_status status = gn_net_pixels(net, &pixels);
    pixels.short_side = 36; /* resize the shorter side to 36, cut 32 x 32 from the centre */
    pixels.normalise = true;
    for (int c = 0; c < 3; c++) {
        pixels.mean[c] = 0.5;
        pixels.deviation[c] = 0.25;
    }
    if (status == GN_OK)
        status = gn_net_set_pixels(net, &pixels);
    if (status == GN_OK)
        status = gn_net_set_labels(net, (const char *const[]){ "cat", "dog" }, 2);
    if (status == GN_OK)
        status = gn_save(net, argv[1]);

    /* Another network of the same layers gets the same weights. */
    gn_net *other = own_network(2);
    if (status == GN_OK)
        status = gn_load_weights(other, argv[1]);
    if (status == GN_OK)
        printf("weights %08x saved, %08x loaded\n", gn_net_hash(net), gn_net_hash(other));
    else
        fprintf(stderr, "%s\n", gn_error_message());
    gn_free_net(other);
    gn_free_net(net);
    return status != GN_OK;
}
