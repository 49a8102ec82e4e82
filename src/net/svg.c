/*
 * A network as a picture: a column a stage, from top to bottom; where the network divides, its lines are side
 * by side, as in figure 5.8 of the book (d2l.ai), in a frame that ends with the layer in which they meet.
 *
 * A layer through which everything flows is of the trunk. Layers between two of the trunk are in lanes: a
 * layer goes on in the lane of what it reads, unless another one did before.
 */
#include "base/memory.h"
#include "net/picture.h"

#include <stdio.h>
#include <string.h>

enum {
    BOX_W = 124,
    BOX_H = 40,
    GAP_X = 16,
    GAP_Y = 26,
    MARGIN = 28,
    TITLE = 74,
    GUTTER = 44,
    FRAME = 9
};

struct box {
    bool drawn, trunk;
    int column, lane, row; /* row: within the column */
    int x, y;              /* its middle and its top */
    int begins;            /* the layer of the trunk before its lines, of a meeting layer; -1 */
    int last_reader;
};

struct column {
    int stage; /* -1: of none */
    int lanes, rows, x, width;
};

struct picture {
    const struct gn_net *net;
    const struct gn_graph *g;
    struct box *boxes;
    struct column *columns;
    int n_columns, width, height;
    FILE *out;
};

/* ---- Places ---- */

/* Layers that the answer depends on, or a head; and who reads each one last. */
static void find_drawn(struct picture *p, bool *main)
{
    bool live[GN_MAX_LAYERS] = { false };
    gn_graph_mark_live(p->g, p->net->output, main);
    gn_graph_mark_live(p->g, p->net->output, live);
    for (int h = 0; h < p->g->n_heads; h++)
        gn_graph_mark_live(p->g, p->g->heads[h].layer, live);
    for (int i = 0; i < p->g->n_layers; i++) {
        p->boxes[i].drawn = live[i] && gn_is_drawn(p->g, i);
        p->boxes[i].begins = -1;
        p->boxes[i].last_reader = i;
        for (int k = 0; main[i] && p->boxes[i].drawn && k < p->g->layers[i].n_inputs; k++)
            p->boxes[gn_drawn_input(p->g, i, k)].last_reader = i;
    }
}

static struct column *column_of(struct picture *p, int stage)
{
    for (int i = p->n_columns - 1; i >= 0; i--)
        if (p->columns[i].stage == stage && (stage >= 0 || i == p->n_columns - 1))
            return &p->columns[i];
    p->columns[p->n_columns] = (struct column){ .stage = stage, .lanes = 1 };
    return &p->columns[p->n_columns++];
}

/* Lanes and rows of the layers between two of the trunk; `end` is the second one. */
static void place_lines(struct picture *p, int begin, int end, const bool *main)
{
    int tops[GN_MAX_LAYERS], lanes = 0, base = 0, most = 0;
    struct column *column = column_of(p, p->g->layers[end].stage);
    base = column->rows;
    bool direct = false;
    for (int i = begin + 1; i < end; i++) {
        struct box *b = &p->boxes[i];
        if (!b->drawn || !main[i])
            continue;
        b->column = (int)(column - p->columns);
        b->lane = -1;
        b->row = base;
        for (int k = 0; k < p->g->layers[i].n_inputs; k++) {
            const int in = gn_drawn_input(p->g, i, k);
            if (in <= begin)
                continue;
            const struct box *from = &p->boxes[in];
            b->row = from->row + 1 > b->row ? from->row + 1 : b->row;
            if (b->lane < 0 && tops[from->lane] == in)
                b->lane = from->lane;
        }
        if (b->lane < 0)
            b->lane = lanes++;
        tops[b->lane] = i;
        most = b->row + 1 - base > most ? b->row + 1 - base : most;
    }
    for (int k = 0; k < p->g->layers[end].n_inputs; k++)
        direct |= lanes > 0 && gn_drawn_input(p->g, end, k) == begin;
    if (lanes > 0)
        p->boxes[end].begins = begin;
    lanes += direct;
    column->lanes = lanes > column->lanes ? lanes : column->lanes;
    column->rows = base + most;
    p->boxes[end].column = (int)(column - p->columns);
    p->boxes[end].trunk = true;
    p->boxes[end].lane = lanes; /* of the lines that meet in it */
    p->boxes[end].row = column->rows++;
}

/* Whether no earlier value but that of layer i is read after it. */
static bool is_trunk(const struct picture *p, int i, const bool *main)
{
    for (int k = 0; k < i; k++)
        if (p->boxes[k].drawn && main[k] && p->boxes[k].last_reader > i)
            return false;
    return true;
}

static void place(struct picture *p)
{
    bool main[GN_MAX_LAYERS] = { false };
    find_drawn(p, main);
    int begin = -1;
    for (int i = 0; i < p->g->n_layers; i++) {
        if (!p->boxes[i].drawn)
            continue;
        if (!main[i])
            place_lines(p, i - 1, i, main); /* a head: one layer below the other */
        else if (is_trunk(p, i, main)) {
            place_lines(p, begin, i, main);
            begin = i;
        }
    }
    int x = MARGIN, rows = 0;
    for (int c = 0; c < p->n_columns; c++) {
        struct column *column = &p->columns[c];
        column->x = x;
        column->width = column->lanes * (BOX_W + GAP_X) - GAP_X + 2 * FRAME;
        x += column->width + GUTTER;
        rows = column->rows > rows ? column->rows : rows;
    }
    p->width = x - GUTTER + MARGIN;
    p->height = TITLE + rows * (BOX_H + GAP_Y) + MARGIN + 22;
    for (int i = 0; i < p->g->n_layers; i++) {
        struct box *b = &p->boxes[i];
        const struct column *column = &p->columns[b->column];
        const int middle = column->x + column->width / 2;
        b->y = TITLE + 30 + b->row * (BOX_H + GAP_Y);
        b->x = b->trunk ? middle : b->lane;
    }
}

/* The middle of lane `lane` of the `n` that end in layer `end`. */
static int lane_x(const struct picture *p, int end, int lane)
{
    const int n = p->boxes[end].lane, step = BOX_W + GAP_X;
    return p->boxes[end].x + lane * step - (n - 1) * step / 2;
}

/* ---- Drawing ---- */

static void escape(FILE *out, const char *text)
{
    char safe[2 * GN_NAME_BYTES];
    for (const char *p = gn_printable(safe, sizeof safe, text); *p != '\0'; p++) {
        const char *entity = *p == '&'    ? "&amp;"
                             : *p == '<'  ? "&lt;"
                             : *p == '>'  ? "&gt;"
                             : *p == '"'  ? "&quot;"
                             : *p == '\'' ? "&#39;"
                                          : NULL;
        if (entity != NULL)
            (void)fputs(entity, out);
        else
            (void)fputc(*p, out);
    }
}

static void write_text(FILE *out, const char *class, int x, int y, const char *text, int room)
{
    (void)fprintf(out, "<text class=\"%s\" x=\"%d\" y=\"%d\"", class, x, y);
    if (room > 0 && (int)strlen(text) * 6 > room)
        (void)fprintf(out, " textLength=\"%d\" lengthAdjust=\"spacingAndGlyphs\"", room);
    (void)fputs(">", out);
    escape(out, text);
    (void)fputs("</text>\n", out);
}

static void write_box(const struct picture *p, int i)
{
    const struct gn_layer *l = &p->g->layers[i];
    const struct box *b = &p->boxes[i];
    char kind[GN_BOX_TEXT], shape[GN_BOX_TEXT], line[2 * GN_BOX_TEXT];
    const char *class = l->op->id == GN_OP_CONV || l->op->id == GN_OP_DENSE ? "weights"
                        : l->n_inputs > 1                                   ? "joins"
                                                                            : "plain";
    (void)fprintf(p->out, "<g><title>");
    escape(p->out, l->name);
    (void)fprintf(p->out,
                  ": %s</title><rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" "
                  "height=\"%d\" rx=\"6\"/>\n",
                  gn_box_shape(l, shape), class, b->x - BOX_W / 2, b->y, BOX_W, BOX_H);
    write_text(p->out, "kind", b->x, b->y + 16, gn_box_kind(l, kind), BOX_W - 10);
    (void)snprintf(line, sizeof line, "%s", gn_box_shape(l, shape));
    write_text(p->out, "shape", b->x, b->y + 31, line, BOX_W - 10);
    (void)fputs("</g>\n", p->out);
}

/* From the bottom of a layer to the top of one that reads it. */
static void write_edge(const struct picture *p, int from, int to)
{
    const struct box *a = &p->boxes[from], *b = &p->boxes[to];
    const int y1 = a->y + BOX_H, y2 = b->y - 1;
    (void)fprintf(p->out, "<path class=\"edge\" d=\"M%d %d", a->x, y1);
    if (a->column != b->column) {
        const int gutter = p->columns[b->column].x - GUTTER / 2, top = TITLE + 12;
        (void)fprintf(p->out, "V%dH%dV%dH%dV%d\"/>\n", y1 + GAP_Y / 2, gutter, top, b->x, y2);
    } else if (b->begins >= 0 && b->begins == from) { /* past all lines */
        (void)fprintf(p->out, "V%dH%dV%dH%dV%d\"/>\n", y1 + GAP_Y / 2, lane_x(p, to, b->lane - 1),
                      y2 - GAP_Y / 2, b->x, y2);
    } else if (b->begins >= 0 || p->g->layers[to].n_inputs > 1) {
        (void)fprintf(p->out, "V%dH%dV%d\"/>\n", y2 - GAP_Y / 2, b->x, y2);
    } else {
        (void)fprintf(p->out, "V%dH%dV%d\"/>\n", y1 + GAP_Y / 2, b->x, y2);
    }
}

/* The frame around lines that meet in layer i, with their common name. */
static void write_frame(const struct picture *p, int i)
{
    const struct box *b = &p->boxes[i];
    if (b->begins < 0)
        return;
    int top = b->y;
    for (int k = b->begins + 1; k < i; k++)
        if (p->boxes[k].drawn && !p->boxes[k].trunk && p->boxes[k].y < top)
            top = p->boxes[k].y;
    const int left = lane_x(p, i, 0) - BOX_W / 2 - FRAME;
    const int width = b->lane * (BOX_W + GAP_X) - GAP_X + 2 * FRAME;
    (void)fprintf(p->out,
                  "<rect class=\"frame\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"9\"/>\n",
                  left, top - FRAME, width, b->y + BOX_H - top + 2 * FRAME);
    (void)fprintf(p->out, "<text class=\"name\" x=\"%d\" y=\"%d\">", left + width - 8,
                  b->y + BOX_H + FRAME - 6);
    escape(p->out, gn_short_name(p->g->layers[i].name));
    (void)fputs("</text>\n", p->out);
}

static void write_head(const struct picture *p)
{
    const struct gn_shape in = p->net->input;
    (void)fprintf(
        p->out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
        "viewBox=\"0 0 %d %d\">\n<style>text{font-family:Helvetica,Arial,sans-serif;"
        "text-anchor:middle;fill:#333a47}.kind{font-size:11.5px}.shape{font-size:10.5px;"
        "fill:#5b6472}.title{font-size:17px;font-weight:bold;text-anchor:start}"
        ".stage{font-size:14px;font-weight:bold}.name{font-size:11px;text-anchor:end;"
        "fill:#5b6472;font-style:italic}.weights{fill:#dbe9f6;stroke:#4286cc}"
        ".plain{fill:#f6f6f7;stroke:#9aa2b0}.joins{fill:#e3f1e4;stroke:#4c9e5c}"
        ".frame{fill:none;stroke:#b0b6c0;stroke-dasharray:5 4}"
        ".edge{fill:none;stroke:#5b6472;stroke-width:1.2;marker-end:url(#a)}</style>\n"
        "<defs><marker id=\"a\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" "
        "markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" fill=\"#5b6472\"/>"
        "</marker></defs>\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
        p->width, p->height, p->width, p->height);
    (void)fprintf(p->out, "<text class=\"title\" x=\"%d\" y=\"34\">", MARGIN);
    escape(p->out, p->net->preset);
    (void)fprintf(p->out, ", input %dx%dx%d, %d classes</text>\n", in.h, in.w, in.c,
                  p->net->classes);
    for (int c = 0; c < p->n_columns; c++)
        if (p->columns[c].stage >= 0)
            write_text(p->out, "stage", p->columns[c].x + p->columns[c].width / 2, TITLE - 6,
                       p->g->stages[p->columns[c].stage], p->columns[c].width);
}

static gn_status write_svg(struct picture *p)
{
    int end = -1;
    place(p);
    for (int i = p->g->n_layers - 1; i >= 0; i--) {
        struct box *b = &p->boxes[i];
        if (b->trunk)
            end = i;
        else if (b->drawn && end >= 0)
            b->x = lane_x(p, end, b->lane);
    }
    write_head(p);
    for (int i = 0; i < p->g->n_layers; i++)
        write_frame(p, i);
    for (int i = 0; i < p->g->n_layers; i++)
        for (int k = 0; p->boxes[i].drawn && k < p->g->layers[i].n_inputs; k++)
            write_edge(p, gn_drawn_input(p->g, i, k), i);
    for (int i = 0; i < p->g->n_layers; i++)
        if (p->boxes[i].drawn)
            write_box(p, i);
    (void)fputs("</svg>\n", p->out);
    if (fflush(p->out) != 0)
        GN_FAIL(GN_STATUS_IO, "the drawing could not be written");
    return GN_OK;
}

gn_status gn_svg(const gn_net *net, FILE *out)
{
    if (net == NULL)
        return gn_last_status();
    GN_NEED(out, "the drawing");
    struct picture p = { .net = net, .g = net->graph, .out = out };
    const size_t n = (size_t)net->graph->n_layers;
    p.boxes = gn_calloc(n, sizeof *p.boxes, "a drawing");
    p.columns = gn_calloc(n, sizeof *p.columns, "a drawing");
    const gn_status status =
        p.boxes == NULL || p.columns == NULL ? gn_last_status() : write_svg(&p);
    gn_free(p.boxes);
    gn_free(p.columns);
    return status;
}
