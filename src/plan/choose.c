/*
 * Pass 5: direct convolution or Winograd's minimal filtering, for each convolution and direction.
 *
 * The choice is a cost model in multiplications an output pixel and pair of channels, a function of
 * the layer's shape and the images of a slice or grain alone: never of a clock, the number of threads or the
 * instruction set, so that equal options give equal bits. Its constants were fitted to measurements
 * of the network's layers (docs/performance.md, "The chooser").
 */
#include "plan/internal.h"

enum direction { FORWARD, BACK_DATA, BACK_FILTER };

/* Taps that fall on real pixels, on average over the output. */
static double real_taps(const struct gn_geometry *g)
{
    double rows = 0, columns = 0;
    for (int r = 0; r < g->kh; r++)
        for (int y = 0; y < g->oh; y++)
            rows += y - g->pad_top + r >= 0 && y - g->pad_top + r < g->h;
    for (int s = 0; s < g->kw; s++)
        for (int x = 0; x < g->ow; x++)
            columns += x - g->pad_left + s >= 0 && x - g->pad_left + s < g->w;
    return rows / g->oh * (columns / g->ow);
}

/* What direct code takes. Forward and backward-data multiply the zeros around the map, too. */
static double direct_cost(const struct gn_geometry *g, int images, enum direction direction)
{
    const double taps = (double)g->kh * g->kw;
    return direction == BACK_FILTER ? 1.6 * real_taps(g)
                                    : 1.15 * taps + 16 * taps / ((double)g->oh * g->ow * images);
}

/* What F(tile, kernel) takes: its multiplications, the transforms, and the traffic of the n*n
 * transformed filters. */
static double winograd_cost(const struct gn_geometry *g, int tile, int images,
                            enum direction direction)
{
    const int n = tile + g->kh - 1, h = direction == BACK_DATA ? g->h : g->oh;
    const int w = direction == BACK_DATA ? g->w : g->ow;
    const double tiles = (double)((h + tile - 1) / tile) * ((w + tile - 1) / tile);
    const double multiplications = n * n * tiles / ((double)h * w);
    const double filters = (double)n * n / ((double)h * w * images);
    const double transforms = 8.0 / g->oc + 8.0 / g->c;
    return direction == BACK_FILTER ? multiplications * (1.8 + 2.5 * transforms) + 20 * filters
                                    : multiplications * (1.15 + transforms) + 16 * filters;
}

/* Every channel count must fill vectors of 8 lanes; of those of 16 the kernels use halves, too. */
static bool allows_winograd(const struct gn_layer *layer)
{
    const struct gn_geometry *g = &layer->window;
    return layer->op->id == GN_OP_CONV && g->stride_h == 1 && g->stride_w == 1 && g->kh == g->kw &&
           (g->kh == 3 || g->kh == 5) && g->c % 8 == 0 && g->oc % 8 == 0;
}

/* The best tile, 0 where direct is better. */
static int choose_tile(const struct gn_plan *plan, const struct gn_layer *layer,
                       enum direction direction)
{
    const struct gn_geometry *g = &layer->window;
    const int images = direction == BACK_FILTER ? plan->grain : plan->chooses;
    if (plan->algorithm == GN_ALGORITHM_DIRECT || !allows_winograd(layer))
        return 0;
    const int tiles[2][2] = { { 6, 4 }, { 4, 2 } }; /* of 3x3 and of 5x5 filters */
    int best = 0;
    double best_cost =
        plan->algorithm == GN_ALGORITHM_WINOGRAD ? 1e30 : direct_cost(g, images, direction);
    for (int i = 0; i < 2; i++) {
        const int tile = tiles[g->kh == 5][i];
        const double cost = winograd_cost(g, tile, images, direction);
        if (cost < best_cost) {
            best_cost = cost;
            best = tile;
        }
    }
    return best;
}

void gn_plan_choose(struct gn_plan *plan)
{
    const struct gn_graph *g = plan->net->graph;
    for (int i = 0; i < g->n_layers; i++) {
        struct gn_value *v = &plan->values[i];
        if (!v->live)
            continue;
        v->tile = v->int8 ? 0 : choose_tile(plan, &g->layers[i], FORWARD);
        v->tile_back = choose_tile(plan, &g->layers[i], BACK_DATA);
        v->tile_filter = choose_tile(plan, &g->layers[i], BACK_FILTER);
    }
}
