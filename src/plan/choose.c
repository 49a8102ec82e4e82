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

/* What direct code takes. Forward and backward-data multiply the zeros around the map, too. `traffic` is what the
 * bytes of a weight cost. */
static double direct_cost(const struct gn_geometry *g, int images, enum direction direction,
                          double traffic)
{
    const double taps = (double)g->kh * g->kw;
    return direction == BACK_FILTER
               ? 1.6 * real_taps(g)
               : 1.15 * taps + traffic * taps / ((double)g->oh * g->ow * images);
}

/* What F(tile, kernel) takes: its multiplications, the transforms, and the traffic of the n*n
 * transformed filters. */
static double winograd_cost(const struct gn_geometry *g, int tile, int images,
                            enum direction direction, double traffic)
{
    const int n = tile + g->kh - 1, h = direction == BACK_DATA ? g->h : g->oh;
    const int w = direction == BACK_DATA ? g->w : g->ow;
    const double tiles = (double)((h + tile - 1) / tile) * ((w + tile - 1) / tile);
    const double multiplications = n * n * tiles / ((double)h * w);
    const double filters = (double)n * n / ((double)h * w * images);
    const double transforms = 8.0 / g->oc + 8.0 / g->c;
    return direction == BACK_FILTER ? multiplications * (1.8 + 2.5 * transforms) + 20 * filters
                                    : multiplications * (1.15 + transforms) + traffic * filters;
}

/* Every channel count must fill vectors of 8 lanes; of those of 16 the kernels use halves, too. */
static bool allows_winograd(const struct gn_layer *layer)
{
    const struct gn_geometry *g = &layer->window;
    return layer->op->id == GN_OP_CONV && g->stride_h == 1 && g->stride_w == 1 && g->kh == g->kw &&
           (g->kh == 3 || g->kh == 5) && g->c % 8 == 0 && g->oc % 8 == 0;
}

/* Whether the packed weights of layer i may get 16 bits: not where reading them takes no time, as in the first
 * layers, whose weights count most. */
static bool allows_halves(const struct gn_plan *plan, int i)
{
    enum { LEAST = 1 << 14 };
    const struct gn_geometry *g = gn_plan_window(plan, i);
    const double weights = (double)g->kh * g->kw * g->c * g->oc;
    return plan->half && !plan->values[i].int8 && gn_plan_multiplies(plan, i) && weights >= LEAST;
}

/* Whether a kernel takes weights of 16 bits: transforms of 8 points make ten times as much of their rounding as
 * direct code does (docs/winograd.md). */
static bool keeps_halves(const struct gn_geometry *g, int tile)
{
    return tile == 0 || tile + g->kh - 1 < 8;
}

/* The best tile, 0 where direct is better; `halves`: of weights of 16 bits where the kernel takes them. */
static int choose_tile(const struct gn_plan *plan, int i, enum direction direction, bool halves)
{
    const struct gn_layer *layer = &plan->net->graph->layers[i];
    const struct gn_geometry *g = &layer->window;
    const int images = direction == BACK_FILTER ? plan->grain : plan->chooses;
    if (plan->algorithm == GN_ALGORITHM_DIRECT || !allows_winograd(layer))
        return 0;
    /* Of 3x3 and of 5x5 filters; 2 of 3x3 for weights of 16 bits alone: others would get other bits. */
    const int tiles[2][3] = { { 6, 4, 2 }, { 4, 2, 0 } }, wide = g->kh == 5;
    int best = 0;
    double best_cost = plan->algorithm == GN_ALGORITHM_WINOGRAD
                           ? 1e30
                           : direct_cost(g, images, direction, halves ? 8 : 16);
    for (int k = 0; k < (halves && !wide ? 3 : 2); k++) {
        const int tile = tiles[wide][k];
        const double traffic = halves && keeps_halves(g, tile) ? 8 : 16;
        const double cost = winograd_cost(g, tile, images, direction, traffic);
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
        const bool halves = allows_halves(plan, i);
        v->tile = v->int8 ? 0 : choose_tile(plan, i, FORWARD, halves);
        v->half = halves && keeps_halves(&g->layers[i].window, v->tile);
        v->tile_back = choose_tile(plan, i, BACK_DATA, false);
        v->tile_filter = choose_tile(plan, i, BACK_FILTER, false);
    }
}
