#include "formats/small_net.h"

#include "support/check.h"

gn_net *block_net(uint64_t seed)
{
    gn_graph *g = gn_graph_create();
    gn_stage(g, "b1");
    gn_node x =
        gn_inception(g, gn_input(g, 8, 8, 3), "block", 4, (gn_pair){ 2, 4 }, (gn_pair){ 2, 3 }, 5);
    gn_stage(g, NULL);
    gn_net *net = gn_compile(g, gn_dense(g, gn_global_avg_pool(g, x), 7, "dense"), seed);
    assert_non_null(net);
    return net;
}

gn_net *preset_net(uint64_t seed)
{
    gn_net *net = gn_googlenet(.size = 32, .seed = seed);
    assert_non_null(net);
    return net;
}
