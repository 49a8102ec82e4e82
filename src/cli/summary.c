/*
 * googlenet summary: the table of layers, the notebook's shape walk, or both as JSON.
 */
#include "cli/commands.h"
#include "cli/report.h"
#include "cli/shared.h"

struct summary {
    struct cli_common common;
    struct cli_net net;
    bool walk, dot, svg;
};

static const struct gn_option options[] = {
    { .name = "walk",
      .kind = GN_OPTION_SWITCH,
      .offset = offsetof(struct summary, walk),
      .help = "print the output shape of each stage instead of the table" },
    { .name = "dot",
      .kind = GN_OPTION_SWITCH,
      .offset = offsetof(struct summary, dot),
      .help = "print the graph for Graphviz: googlenet summary --dot | dot -Tpdf > net.pdf" },
    { .name = "svg",
      .kind = GN_OPTION_SWITCH,
      .offset = offsetof(struct summary, svg),
      .help = "print a drawing: stages as columns, blocks with their lines" },
    { .name = "aux",
      .kind = GN_OPTION_SWITCH,
      .offset = offsetof(struct summary, net.aux),
      .help = "with the auxiliary heads of the training network" },
    CLI_NET_ROWS(struct summary),
    CLI_COMMON_ROWS(struct summary),
};

/* [24,24,64] or [10]. */
static json_t *json_shape(const struct gn_layer_info *layer)
{
    json_t *shape = json_array();
    for (int i = 0; i < layer->rank; i++)
        json_array_append_new(shape, json_integer(layer->shape[i]));
    return shape;
}

static json_t *json_layers(const gn_net *net, const struct gn_net_info *info)
{
    json_t *layers = json_array();
    struct gn_layer_info layer;
    for (int i = 0; i < info->layers && gn_net_layer(net, i, &layer) == GN_OK; i++) {
        json_t *row = json_object();
        json_object_set_new(row, "name", cli_json_text(layer.name));
        json_object_set_new(row, "type", cli_json_text(layer.type));
        json_object_set_new(row, "output", json_shape(&layer));
        json_object_set_new(row, "params", json_integer((json_int_t)layer.params));
        json_object_set_new(row, "macs", json_integer((json_int_t)layer.macs));
        json_array_append_new(layers, row);
    }
    return layers;
}

static json_t *json_stages(const gn_net *net, const struct gn_net_info *info)
{
    json_t *stages = json_array();
    struct gn_layer_info stage;
    for (int i = 0; i < info->stages && gn_net_stage(net, i, &stage) == GN_OK; i++) {
        json_t *row = json_object();
        json_object_set_new(row, "name", cli_json_text(stage.name));
        json_object_set_new(row, "output", json_shape(&stage));
        json_object_set_new(row, "params", json_integer((json_int_t)stage.params));
        json_array_append_new(stages, row);
    }
    return stages;
}

static int print_summary_json(const gn_net *net, const struct gn_net_info *info)
{
    char steps[1024]; /* from a picture to the network's numbers */
    const gn_status status = gn_net_preprocess(net, steps, sizeof steps);
    if (status == GN_STATUS_NO_MEMORY)
        return cli_fail_library();
    json_t *root = json_object();
    json_object_set_new(root, "preset", cli_json_text(info->preset));
    json_object_set_new(root, "input",
                        json_pack("[i,i,i]", info->size_h, info->size_w, info->channels));
    json_object_set_new(root, "classes", json_integer(info->classes));
    json_object_set_new(root, "resize", cli_json_text(cli_resize_name(info->resize)));
    json_object_set_new(root, "preprocess",
                        status == GN_OK ? cli_json_parse(steps, NULL) : json_null());
    json_object_set_new(root, "stages", json_stages(net, info));
    json_object_set_new(root, "layers", json_layers(net, info));
    json_object_set_new(root, "params", json_integer((json_int_t)info->params));
    json_object_set_new(root, "macs", json_integer((json_int_t)info->macs));
    cli_print_json(root);
    return 0;
}

static const struct summary defaults;

/* One of the texts on stdout. */
static int print(const gn_net *net, const struct summary *given)
{
    gn_status (*const text)(const gn_net *, FILE *) = given->walk  ? gn_walk
                                                      : given->dot ? gn_dot
                                                      : given->svg ? gn_svg
                                                                   : gn_summary;
    return text(net, stdout) == GN_OK ? CLI_DONE : cli_fail_library();
}

static int run(struct cli_args *args)
{
    const struct summary *given = args->values;
    struct gn_net_info info;
    int code = 0;
    if (given->walk + given->dot + given->svg > 1 ||
        (given->common.json && (given->dot || given->svg)))
        return cli_fail(CLI_USAGE, "summary: --walk, --dot, --svg and --json each print a form of "
                                   "their own (give one of them)");
    gn_net *net =
        cli_open_model(args->n_arguments ? args->arguments[0] : NULL, &given->net, 0, &code);
    if (!net)
        return code;
    if (gn_net_describe(net, &info) != GN_OK)
        code = cli_fail_library();
    else if (given->common.json)
        code = print_summary_json(net, &info);
    else
        code = print(net, given);
    gn_free_net(net);
    return code;
}

const struct cli_command cli_summary = {
    .name = "summary",
    .usage = "[MODEL] [--walk] [flags]",
    .summary = "show the layers of a network, their shapes and parameters",
    .examples = "  googlenet summary\n"
                "  googlenet summary --walk\n"
                "  googlenet summary --svg > net.svg\n"
                "  googlenet summary --size 224 --channels 3 --classes 1000\n"
                "  googlenet summary model.safetensors --json\n",
    .argument = "MODEL",
    .max_arguments = 1,
    .options = options,
    .n_options = CLI_COUNT_OF(options),
    .defaults = &defaults,
    .values_size = sizeof(struct summary),
    .run = run,
};
