#include <googlenet.h>
int main(void) {
    gn_graph *g = gn_graph_create();
    gn_stage(g, "stem");
    gn_node x = gn_conv_relu(g, gn_input(g, 28, 28, 1), 8, .kernel = 3, .stride = 2);
    x = gn_inception(g, x, "mix", 8, (gn_pair){4, 8}, (gn_pair){2, 4}, 4);
    gn_node a = gn_max_pool(g, x, 2), b = gn_avg_pool(g, x, 2);
    x = gn_concat(g, (gn_node[]){a, b}, 2, "both");
    gn_stage(g, NULL);
    gn_net *net = gn_compile(g, gn_dense(g, gn_global_avg_pool(g, x), 3, "answer"), 1);
    if (!net || gn_save(net, "own.safetensors")) { printf("%s\n", gn_error_message()); return 1; }
    return 0; }
