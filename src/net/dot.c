/* A network for Graphviz: a box a layer, a cluster a stage. Names are quoted and printable, so that none ends
 * its string or is taken for markup. */
#include "net/picture.h"

#include <stdio.h>
#include <string.h>

bool gn_is_drawn(const struct gn_graph *g, int i)
{
    return !g->layers[i].hidden;
}

int gn_drawn_input(const struct gn_graph *g, int i, int k)
{
    int in = g->layers[i].inputs[k];
    while (!gn_is_drawn(g, in))
        in = g->layers[in].inputs[0];
    return in;
}

static bool has_window(const struct gn_layer *l)
{
    return l->op->id == GN_OP_CONV || l->op->id == GN_OP_MAX_POOL || l->op->id == GN_OP_AVG_POOL;
}

const char *gn_box_kind(const struct gn_layer *l, char text[GN_BOX_TEXT])
{
    static const struct {
        enum gn_op op;
        const char *word;
    } words[] = { { GN_OP_CONV, "conv" },
                  { GN_OP_MAX_POOL, "max pool" },
                  { GN_OP_AVG_POOL, "average pool" },
                  { GN_OP_GLOBAL_AVG_POOL, "global average pool" },
                  { GN_OP_CONCAT, "concatenation" },
                  { GN_OP_BATCH_NORM, "batch normalisation" },
                  { GN_OP_RELU, "ReLU" } };
    const char *word = l->op->name;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (words[i].op == l->op->id)
            word = words[i].word;
    const struct gn_geometry *w = &l->window;
    if (!has_window(l))
        (void)snprintf(text, GN_BOX_TEXT, "%s", word);
    else if (w->stride_h == 1 && w->stride_w == 1)
        (void)snprintf(text, GN_BOX_TEXT, "%dx%d %s", w->kh, w->kw, word);
    else if (w->stride_h == w->stride_w)
        (void)snprintf(text, GN_BOX_TEXT, "%dx%d %s, /%d", w->kh, w->kw, word, w->stride_h);
    else
        (void)snprintf(text, GN_BOX_TEXT, "%dx%d %s, /%dx%d", w->kh, w->kw, word, w->stride_h,
                       w->stride_w);
    return text;
}

const char *gn_box_shape(const struct gn_layer *l, char text[GN_BOX_TEXT])
{
    if (l->out.h == 1 && l->out.w == 1)
        (void)snprintf(text, GN_BOX_TEXT, "%d", l->out.c);
    else
        (void)snprintf(text, GN_BOX_TEXT, "%dx%dx%d", l->out.h, l->out.w, l->out.c);
    return text;
}

const char *gn_short_name(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot == NULL || dot[1] == '\0' ? name : dot + 1;
}

/* A text within double quotes: Graphviz knows \" there, and \ begins an escape of its own. */
static void quote(FILE *out, const char *text)
{
    char safe[2 * GN_NAME_BYTES];
    for (const char *p = gn_printable(safe, sizeof safe, text); *p != '\0'; p++) {
        if (*p == '"' || *p == '\\')
            (void)fputc('\\', out);
        (void)fputc(*p, out);
    }
}

static void write_node(FILE *out, const struct gn_graph *g, int i)
{
    const struct gn_layer *l = &g->layers[i];
    char kind[GN_BOX_TEXT], shape[GN_BOX_TEXT];
    const char *colour = l->op->id == GN_OP_CONV || l->op->id == GN_OP_DENSE ? "#dbe9f6"
                         : l->op->joins                                      ? "#e3f1e4"
                                                                             : "#f4f4f4";
    (void)fprintf(out, "    n%d [fillcolor=\"%s\", label=\"", i, colour);
    quote(out, gn_short_name(l->name));
    (void)fprintf(out, "\\n%s\\n%s\"];\n", gn_box_kind(l, kind), gn_box_shape(l, shape));
}

static void write_cluster(FILE *out, const struct gn_graph *g, int stage, const bool *live)
{
    (void)fprintf(
        out, "  subgraph cluster_%d {\n    style=\"rounded\"; color=\"#b0b6c0\"; label=\"", stage);
    quote(out, g->stages[stage]);
    (void)fprintf(out, "\";\n");
    for (int i = 0; i < g->n_layers; i++)
        if (live[i] && g->layers[i].stage == stage && gn_is_drawn(g, i))
            write_node(out, g, i);
    (void)fprintf(out, "  }\n");
}

gn_status gn_dot(const gn_net *net, FILE *out)
{
    if (net == NULL)
        return gn_last_status();
    GN_NEED(out, "the drawing");
    const struct gn_graph *g = net->graph;
    bool live[GN_MAX_LAYERS] = { false };
    gn_graph_mark_live(g, net->output, live);
    for (int h = 0; h < g->n_heads; h++)
        gn_graph_mark_live(g, g->heads[h].layer, live);
    (void)fprintf(out, "digraph \"");
    quote(out, net->preset);
    (void)fprintf(out, "\" {\n  rankdir=TB;\n  node [shape=box, style=\"rounded,filled\", "
                       "fontname=\"Helvetica\", fontsize=11, color=\"#8a93a3\"];\n"
                       "  edge [color=\"#5b6472\"];\n");
    for (int s = 0; s < g->n_stages; s++)
        write_cluster(out, g, s, live);
    for (int i = 0; i < g->n_layers; i++) {
        if (!live[i] || !gn_is_drawn(g, i))
            continue;
        if (g->layers[i].stage < 0)
            write_node(out, g, i);
        for (int k = 0; k < g->layers[i].n_inputs; k++)
            (void)fprintf(out, "  n%d -> n%d;\n", gn_drawn_input(g, i, k), i);
    }
    (void)fprintf(out, "}\n");
    if (fflush(out) != 0)
        GN_FAIL(GN_STATUS_IO, "the drawing could not be written");
    return GN_OK;
}
