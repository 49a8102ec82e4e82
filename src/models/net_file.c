/*
 * Networks from a text file (docs/net-files.md): one instruction a line, each of which appends what
 * it says to the lines before. Every fault names file and line.
 */
#include "models/net_file.h"

#include "base/enums.h"
#include "file/file.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/words.h"
#include "models/models.h"
#include "models/net_names.h"
#include "ops/rules.h"
#include "base/path.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_LIMIT = 1 << 16, LINE_LIMIT = 256, MOST_WORDS = 10, NAME_TEXT = 96 };

/* An auxiliary head is appended after the answer, where prediction finds nothing of it. */
struct pending_head {
    gn_node node;
    char name[GN_NAME_BYTES];
    double weight, rate;
    int parts, channels, units;
};

enum pads { PADS_SAME, PADS_CAFFE, PADS_VALID }; /* in the order of the words */
struct reader {
    char file[NAME_TEXT]; /* printable, for messages */
    int line;
    const struct gn_preset_options *options;
    gn_graph *graph;
    gn_node x, answer;
    int size, channels, classes;
    const struct gn_norm_options *norm; /* NULL: none */
    enum pads pads;
    int n_words;
    char *words[MOST_WORDS];
    struct gn_net_names *names; /* of the lines so far */
    int n_heads;
    struct pending_head heads[GN_MAX_HEADS];
};

#define FAULT(r, format, ...)                                                                      \
    return gn_fail(GN_STATUS_BAD_ARGUMENT, "%s:%d: " format, (r)->file, (r)->line, __VA_ARGS__)

/* ---- Words ---- */

/* Word i as a whole number from 1 to `most`; a word that is not there leaves *value alone. */
static gn_status whole(const struct reader *r, int i, const char *what, int most, int *value)
{
    char text[NAME_TEXT];
    if (i >= r->n_words || gn_int_parse(r->words[i], 1, most, value))
        return GN_OK;
    FAULT(r, "%s: %s is \"%s\" (a whole number from 1 to %d)", r->words[0], what,
          gn_printable(text, sizeof text, r->words[i]), most);
}

static gn_status real(const struct reader *r, int i, const char *what, double *value)
{
    char text[NAME_TEXT];
    if (gn_real_parse(r->words[i], value) && *value >= 0 && *value <= 1e6)
        return GN_OK;
    FAULT(r, "%s: %s is \"%s\" (a number from 0 to 1000000)", r->words[0], what,
          gn_printable(text, sizeof text, r->words[i]));
}

/* The place of word 1 among `names`, in *value. */
static gn_status choice(const struct reader *r, const char *const *names, int *value)
{
    char text[NAME_TEXT];
    for (*value = 0; names[*value] != NULL; ++*value)
        if (strcmp(names[*value], r->words[1]) == 0)
            return GN_OK;
    const char *near = gn_nearest(r->words[1], names);
    FAULT(r, "%s: \"%s\" is unknown (%s?)", r->words[0],
          gn_printable(text, sizeof text, r->words[1]), near != NULL ? near : names[0]);
}

/* ---- Instructions ---- */

/* The convolutions that the lines before ask for. */
static struct gn_unit unit_of(const struct reader *r)
{
    return (struct gn_unit){ .symmetric = r->pads == PADS_CAFFE, .norm = r->norm, .third = 5 };
}

static gn_status read_input(struct reader *r)
{
    if (r->x.id >= 0)
        FAULT(r, "%s: it must come before the first layer", r->words[0]);
    GN_TRY(whole(r, 1, "the size", 8192, &r->size));
    return whole(r, 2, "the number of channels", 65536, &r->channels);
}

static gn_status read_classes(struct reader *r)
{
    return whole(r, 1, "the number", 65536, &r->classes);
}

static gn_status read_norm(struct reader *r)
{
    static const char *const names[] = { "none", "keras", "pytorch", NULL };
    int value;
    GN_TRY(choice(r, names, &value));
    const struct gn_norm_options *const norms[] = { NULL, &gn_norm_keras, &gn_norm_pytorch };
    r->norm = norms[value];
    return GN_OK;
}

static gn_status read_pads(struct reader *r)
{
    static const char *const names[] = { "same", "caffe", "valid", NULL };
    int value;
    GN_TRY(choice(r, names, &value));
    r->pads = (enum pads)value;
    return GN_OK;
}

static gn_status read_weights(struct reader *r)
{
    const char *const names[] = { gn_initial_name(GN_INITIAL_GLOROT),
                                  gn_initial_name(GN_INITIAL_XAVIER),
                                  gn_initial_name(GN_INITIAL_NORMAL), NULL };
    double deviation = 0, bias = 0;
    int value;
    GN_TRY(choice(r, names, &value));
    if (r->n_words > 2)
        GN_TRY(real(r, 2, "the biases", &bias));
    if (value == GN_INITIAL_NORMAL && r->n_words < 4)
        FAULT(r, "%s: \"normal BIAS DEVIATION\" needs its deviation", r->words[0]);
    if (r->n_words > 3)
        GN_TRY(real(r, 3, "the deviation", &deviation));
    gn_initialize(r->graph, (gn_initial)value, deviation, bias);
    return GN_OK;
}

static gn_status read_stage(struct reader *r)
{
    gn_stage(r->graph, r->n_words > 1 ? r->words[1] : NULL);
    return GN_OK;
}

/* Word i as a side, "3", or as height and width, "1x7", into the fields of a window. */
static gn_status sides(const struct reader *r, int i, const char *what, int *both, int *h, int *w)
{
    if (i >= r->n_words)
        return GN_OK;
    char side[NAME_TEXT], text[NAME_TEXT];
    const char *word = r->words[i], *cross = strchr(word, 'x');
    const size_t n = cross == NULL ? 0 : (size_t)(cross - word);
    if (cross == NULL)
        return whole(r, i, what, GN_MAX_KERNEL, both);
    (void)snprintf(side, sizeof side, "%.*s", (int)(n < 16 ? n : 16), word);
    if (!gn_int_parse(side, 1, GN_MAX_KERNEL, h) || !gn_int_parse(cross + 1, 1, GN_MAX_KERNEL, w))
        FAULT(r, "%s: %s is \"%s\" (HEIGHTxWIDTH, each from 1 to %d)", r->words[0], what,
              gn_printable(text, sizeof text, word), (int)GN_MAX_KERNEL);
    return GN_OK;
}

/* conv and linear, which has no ReLU. */
static gn_status read_conv(struct reader *r)
{
    struct gn_conv_options o = { .name = r->words[1], .explicit_pads = r->pads == PADS_VALID };
    const struct gn_unit unit = unit_of(r);
    GN_TRY(whole(r, 2, "the number of channels", 65536, &o.channels));
    GN_TRY(sides(r, 3, "the kernel", &o.kernel, &o.kernel_h, &o.kernel_w));
    GN_TRY(sides(r, 4, "the stride", &o.stride, &o.stride_h, &o.stride_w));
    r->x = strcmp(r->words[0], "linear") == 0 ? gn_linear_unit(r->graph, r->x, &unit, &o)
                                              : gn_conv_unit(r->graph, r->x, &unit, &o);
    return GN_OK;
}

/* What the last line with this name made. */
static gn_status find_named(const struct reader *r, const char *name, gn_node *node)
{
    char text[NAME_TEXT];
    *node = gn_net_names_find(r->names, name);
    if (node->id >= 0)
        return GN_OK;
    FAULT(r, "%s: no line before it has the name \"%s\"", r->words[0],
          gn_printable(text, sizeof text, name));
}

static gn_status read_from(struct reader *r)
{
    return find_named(r, r->words[1], &r->x);
}

/* sum NAME OTHER...: the ReLU of the sum of what is there and what those lines made. */
static gn_status read_sum(struct reader *r)
{
    gn_node nodes[MOST_WORDS] = { r->x };
    for (int i = 2; i < r->n_words; i++)
        GN_TRY(find_named(r, r->words[i], &nodes[i - 1]));
    r->x = gn_relu(r->graph, gn_sum(r->graph, nodes, r->n_words - 1, r->words[1]));
    return GN_OK;
}

static gn_status read_pool(struct reader *r)
{
    const bool caffe = r->pads == PADS_CAFFE, pads = r->pads != PADS_SAME;
    struct gn_pool_options o = { .name = r->words[1], .explicit_pads = pads, .ceil = caffe };
    GN_TRY(sides(r, 2, "the kernel", &o.kernel, &o.kernel_h, &o.kernel_w));
    GN_TRY(sides(r, 3, "the stride", &o.stride, &o.stride_h, &o.stride_w));
    /* A pool that keeps the size is padded in Caffe, too. */
    if (caffe && (o.stride == 1 || (o.stride_h == 1 && o.stride_w == 1))) {
        o.pad_top = o.pad_bottom = (o.kernel_h != 0 ? o.kernel_h : o.kernel) / 2;
        o.pad_left = o.pad_right = (o.kernel_w != 0 ? o.kernel_w : o.kernel) / 2;
    }
    r->x = strcmp(r->words[0], "max") == 0 ? gn_max_pool_with(r->graph, r->x, &o)
                                           : gn_avg_pool_with(r->graph, r->x, &o);
    return GN_OK;
}

/* A word of an operator's descriptor: WORD NAME and the first attributes, in their order. */
static gn_status read_operator(struct reader *r, const struct gn_operator *op)
{
    alignas(double) unsigned char attributes[GN_ATTRIBUTE_BYTES] = { 0 };
    for (int i = 0; i + 2 < r->n_words; i++) {
        const struct gn_attribute *a = &op->attributes[i];
        char what[NAME_TEXT];
        double value = 0;
        int number = 0;
        (void)snprintf(what, sizeof what, "the %s", a->name);
        if (a->kind == GN_ATTRIBUTE_INT)
            GN_TRY(whole(r, i + 2, what, GN_MAX_CHANNELS, &number));
        else
            GN_TRY(real(r, i + 2, what, &value));
        (void)gn_attribute_set(a, attributes, a->kind == GN_ATTRIBUTE_INT ? number : value);
    }
    r->x = gn_graph_add(r->graph, op, r->words[1], &r->x, 1, attributes);
    return GN_OK;
}

/* inception NAME C1 R2 C2 R3 C3 C4 [KERNEL], the notebook's block. */
static gn_status read_inception(struct reader *r)
{
    static const char *const names[6] = { "the 1x1 path", "the reduction of the 3x3 path",
                                          "the 3x3 path", "the reduction of the 5x5 path",
                                          "the 5x5 path", "the path of the pool" };
    int w[6] = { 0 };
    struct gn_unit unit = unit_of(r);
    for (int i = 0; i < 6; i++)
        GN_TRY(whole(r, 2 + i, names[i], 65536, &w[i]));
    GN_TRY(whole(r, 8, "the kernel of the third path", 64, &unit.third));
    const struct gn_widths widths = { r->words[1], w[0], { w[1], w[2] }, { w[3], w[4] }, w[5] };
    r->x = gn_inception_of(r->graph, r->x, &widths, &unit);
    return GN_OK;
}

static gn_status read_mean(struct reader *r)
{
    r->x = gn_global_avg_pool(r->graph, r->x);
    return GN_OK;
}

static gn_status read_dense(struct reader *r)
{
    int units = 0;
    GN_TRY(whole(r, 2, "the number of units", 65536, &units));
    r->x = gn_relu(r->graph, gn_dense(r->graph, r->x, units, r->words[1]));
    return GN_OK;
}

/* aux WEIGHT PARTS CHANNELS UNITS RATE: "aux1", "aux2", ..., which is how a model file's reader
 * knows what prediction leaves out. */
static gn_status read_aux(struct reader *r)
{
    if (r->n_heads == GN_MAX_HEADS)
        FAULT(r, "%s: a network has at most %d auxiliary heads", r->words[0], (int)GN_MAX_HEADS);
    struct pending_head h = { .node = r->x };
    (void)snprintf(h.name, sizeof h.name, "aux%d", r->n_heads + 1);
    GN_TRY(real(r, 1, "the weight of its loss", &h.weight));
    GN_TRY(whole(r, 2, "the number of parts", 8, &h.parts));
    GN_TRY(whole(r, 3, "the number of channels", 65536, &h.channels));
    GN_TRY(whole(r, 4, "the number of units", 65536, &h.units));
    GN_TRY(real(r, 5, "the dropout rate", &h.rate));
    if (!(h.weight > 0) || !(h.rate < 1))
        FAULT(r, "%s: weight %g and dropout rate %g (above 0, and below 1)", r->words[0], h.weight,
              h.rate);
    r->heads[r->n_heads++] = h;
    return GN_OK;
}

static gn_status read_output(struct reader *r)
{
    gn_stage(r->graph, NULL);
    r->answer = gn_dense(r->graph, r->x, r->classes, r->n_words > 1 ? r->words[1] : "dense");
    return GN_OK;
}

struct instruction {
    const char *word;
    int least, most; /* words after it */
    bool is_layer;
    gn_status (*read)(struct reader *r);
    const char *usage;
    const struct gn_operator *op; /* a word of an operator's descriptor, read by read_operator */
};

static const struct instruction instructions[] = {
    { "input", 2, 2, false, read_input, "SIZE CHANNELS", NULL },
    { "classes", 1, 1, false, read_classes, "N", NULL },
    { "norm", 1, 1, false, read_norm, "none|keras|pytorch", NULL },
    { "pads", 1, 1, false, read_pads, "same|caffe|valid", NULL },
    { "weights", 1, 3, false, read_weights, "glorot|xavier|normal [BIAS [DEVIATION]]", NULL },
    { "stage", 0, 1, false, read_stage, "[NAME]", NULL },
    { "conv", 3, 4, true, read_conv, "NAME CHANNELS KERNEL|HxW [STRIDE|HxW]", NULL },
    { "linear", 3, 4, true, read_conv, "NAME CHANNELS KERNEL|HxW [STRIDE|HxW]", NULL },
    { "from", 1, 1, true, read_from, "NAME", NULL },
    { "sum", 2, GN_MAX_INPUTS, true, read_sum, "NAME OTHER...", NULL },
    { "max", 2, 3, true, read_pool, "NAME KERNEL|HxW [STRIDE|HxW]", NULL },
    { "avg", 2, 3, true, read_pool, "NAME KERNEL|HxW [STRIDE|HxW]", NULL },
    { "inception", 7, 8, true, read_inception, "NAME C1 R2 C2 R3 C3 C4 [KERNEL]", NULL },
    { "mean", 0, 0, true, read_mean, "", NULL },
    { "dense", 2, 2, true, read_dense, "NAME UNITS", NULL },
    { "aux", 5, 5, true, read_aux, "WEIGHT PARTS CHANNELS UNITS RATE", NULL },
    { "output", 0, 1, true, read_output, "[NAME]", NULL },
};
enum { N_INSTRUCTIONS = sizeof instructions / sizeof instructions[0] };

/* ---- The file ---- */

/* Instruction number i: those above, then the operators that have a word; false at the end. */
static bool instruction_at(int i, struct instruction *found)
{
    if (i < (int)N_INSTRUCTIONS) {
        *found = instructions[i];
        return true;
    }
    i -= (int)N_INSTRUCTIONS;
    for (int k = 0; k < GN_OP_COUNT; k++) {
        const struct gn_operator *op = gn_operators[k];
        if (op->word == NULL || i-- > 0)
            continue;
        *found = (struct instruction){ op->word, 1 + op->least, 1 + op->most, true, NULL, op->usage,
                                       op };
        return true;
    }
    return false;
}

static gn_status find_instruction(const struct reader *r, struct instruction *found)
{
    const char *names[N_INSTRUCTIONS + GN_OP_COUNT + 1] = { NULL };
    char text[NAME_TEXT];
    for (int i = 0; instruction_at(i, found); i++) {
        names[i] = found->word;
        if (strcmp(names[i], r->words[0]) == 0)
            return GN_OK;
    }
    const char *near = gn_nearest(r->words[0], names);
    gn_printable(text, sizeof text, r->words[0]);
    if (near != NULL)
        FAULT(r, "\"%s\" is not an instruction (%s?)", text, near);
    FAULT(r, "\"%s\" is not an instruction (conv, max, inception, ...)", text);
}

/* The input layer comes with the first layer, when size and channels are settled. */
static void begin(struct reader *r)
{
    const struct gn_preset_options *o = r->options;
    if (r->x.id >= 0)
        return;
    r->size = o->size > 0 ? o->size : r->size;
    r->channels = o->channels > 0 ? o->channels : r->channels;
    r->classes = o->classes > 0 ? o->classes : r->classes;
    const int stage = r->graph->stage; /* the input belongs to none */
    r->graph->stage = -1;
    r->x = gn_input(r->graph, r->size, o->width > 0 ? o->width : r->size, r->channels);
    r->graph->stage = stage;
    gn_net_names_add(r->names, "input", r->x);
}

/* The sentence of the graph's first fault, after file and line. */
static gn_status graph_fault(const struct reader *r)
{
    const gn_status status = r->graph->status;
    if (status == GN_OK || status == GN_STATUS_NO_MEMORY)
        return status;
    FAULT(r, "%s", r->graph->message);
}

static gn_status read_line(struct reader *r, char *line)
{
    struct instruction i = { .word = "" };
    char *rest = line;
    line[strcspn(line, "#")] = '\0';
    r->n_words = 0;
    for (char *word = strtok_r(line, " \t\r", &rest); word != NULL;
         word = strtok_r(NULL, " \t\r", &rest)) {
        if (r->n_words == MOST_WORDS)
            FAULT(r, "%s: more than %d words", r->words[0], (int)MOST_WORDS);
        r->words[r->n_words++] = word;
    }
    if (r->n_words == 0)
        return GN_OK;
    GN_TRY(find_instruction(r, &i));
    if (r->n_words - 1 < i.least || r->n_words - 1 > i.most)
        FAULT(r, "%d values after \"%s\", it is: %s %s", r->n_words - 1, i.word, i.word, i.usage);
    if (r->answer.id >= 0)
        FAULT(r, "%s: nothing may follow the output", i.word);
    if (i.is_layer)
        begin(r);
    GN_TRY(i.op != NULL ? read_operator(r, i.op) : i.read(r));
    if (i.is_layer && r->n_words > 1 && i.read != read_from && i.read != read_aux)
        gn_net_names_add(r->names, r->words[1], r->x);
    return graph_fault(r);
}

static gn_status read_lines(struct reader *r, const char *text)
{
    while (*text != '\0') {
        char line[LINE_LIMIT];
        const size_t n = strcspn(text, "\n");
        r->line++;
        if (n >= sizeof line)
            FAULT(r, "the line has %zu bytes (at most %d)", n, (int)sizeof line - 1);
        memcpy(line, text, n);
        line[n] = '\0';
        GN_TRY(read_line(r, line));
        text += n + (text[n] == '\n');
    }
    if (r->answer.id < 0)
        FAULT(r, "%s", "the file ends without an output");
    return GN_OK;
}

static gn_status append_heads(struct reader *r)
{
    const struct gn_unit unit = unit_of(r);
    for (int i = 0; r->options->aux && i < r->n_heads; i++) {
        const struct pending_head *h = &r->heads[i];
        gn_stage(r->graph, h->name);
        gn_node x = gn_avg_pool(r->graph, h->node, 0, .adaptive = h->parts, .name = "pool");
        x = conv_unit(r->graph, x, &unit, h->channels, 1, .name = "conv");
        x = gn_relu(r->graph, gn_dense(r->graph, x, h->units, "fc1"));
        x = gn_dropout(r->graph, x, h->rate, "dropout");
        gn_head(r->graph, gn_dense(r->graph, x, r->classes, "fc2"), h->weight, h->name);
    }
    return graph_fault(r);
}

bool gn_is_net_file(const char *name)
{
    const size_t n = strlen(name);
    return n > 4 && strcmp(name + n - 4, ".net") == 0;
}

static gn_net *build(const struct gn_preset_options *o, const char *text)
{
    struct reader r = { .options = o, .x = { -1 }, .answer = { -1 } };
    r.size = 96;
    r.channels = 1;
    r.classes = 10;
    (void)gn_printable(r.file, sizeof r.file, o->preset);
    r.graph = gn_graph_create();
    r.names = gn_calloc(1, sizeof *r.names, "names of a network");
    const bool good = r.graph != NULL && r.names != NULL && read_lines(&r, text) == GN_OK &&
                      append_heads(&r) == GN_OK;
    gn_free(r.names);
    if (!good) {
        gn_graph_free(r.graph);
        return NULL;
    }
    gn_net *net = gn_net_create(r.graph, r.answer);
    if (net == NULL)
        return NULL;
    (void)gn_printable(net->preset, sizeof net->preset, gn_path_name(o->preset));
    net->resize = o->resize == GN_RESIZE_DEFAULT ? GN_RESIZE_TF1_LEGACY : o->resize;
    net->resize_is_given = o->resize != GN_RESIZE_DEFAULT;
    return net;
}

gn_net *gn_net_file_blank(const struct gn_preset_options *o)
{
    if (o->net_text != NULL)
        return build(o, o->net_text);
    struct gn_bytes bytes;
    if (gn_file_read(o->preset, "network", GN_STATUS_BAD_MODEL, FILE_LIMIT, &bytes) != GN_OK)
        return NULL;
    gn_net *net = NULL;
    char *text = gn_calloc(bytes.size + 1, 1, "the text of a network");
    if (text != NULL)
        memcpy(text, bytes.data, bytes.size);
    if (text != NULL && strlen(text) != bytes.size)
        (void)gn_fail(GN_STATUS_BAD_ARGUMENT,
                      "%s: network: holds a zero byte, it is not a text file", o->preset);
    else if (text != NULL)
        net = build(o, text);
    gn_free(text);
    gn_free(bytes.data);
    return net;
}
