/*
 * Model files, the graph in them, networks as text; and the round trip of whatever network the bytes
 * describe.
 */
#include "fuzz.h"

#include "base/memory.h"
#include "file/reader.h"
#include "formats/model.h"
#include "graph/text.h"
#include "models/net_file.h"
#include "ops/op.h"
#include "support/files.h"

#include <stdalign.h>
#include <string.h>

enum { MOST_VALUES = 1 << 16 };

/* ---- A safetensors file ---- */

static void look_at_tensors(const struct gn_st_file *file)
{
    static float values[MOST_VALUES];
    uint64_t where = 0;
    FUZZ_REQUIRE(gn_st_tensor(file, -1) == NULL && gn_st_tensor(file, gn_st_count(file)) == NULL);
    for (int i = 0; i < gn_st_count(file); i++) {
        const struct gn_st_tensor *t = gn_st_tensor(file, i);
        FUZZ_REQUIRE(gn_st_find(file, t->name) == t);
        if (t->count > MOST_VALUES)
            continue;
        if (!gn_st_is_finite(t, &where))
            FUZZ_REQUIRE(where < t->count);
        (void)gn_st_to_float(t, values);
    }
}

static void safetensors(const struct fuzz_target *target, const uint8_t *bytes, size_t n)
{
    (void)target;
    struct gn_st_file *file = gn_st_of_bytes(bytes, n, "fuzz");
    fuzz_told(file == NULL ? gn_error_status() : GN_OK);
    if (file == NULL)
        return;
    look_at_tensors(file);
    gn_st_close(file);
}

static void safetensors_seeds(const struct fuzz_target *target)
{
    (void)target;
    static const char *const headers[] = {
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[0,8]}}",
        "{\"__metadata__\":null,\"b\":{\"dtype\":\"BF16\",\"shape\":[],\"data_offsets\":[0,2]},"
        "\"a\":{\"dtype\":\"F16\",\"shape\":[3],\"data_offsets\":[2,8]}} ",
        "{\"__metadata__\":{\"k\":\"v\"},\"i\":{\"dtype\":\"I64\",\"shape\":[1],"
        "\"data_offsets\":[0,8]}}",
        "{\"d\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[0,8]},\"z\":{\"dtype\":\"U8\","
        "\"shape\":[0,7],\"data_offsets\":[8,8]}}",
    };
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        char file[512] = { (char)strlen(headers[i]) };
        memcpy(file + 8, headers[i], strlen(headers[i]));
        fuzz_seed(file, 8 + strlen(headers[i]) + 8);
    }
}

/* ---- A model file ---- */

static const char tiny_text[] =
    "input 6 1\nclasses 2\nnorm keras\nconv c 2 3 2\naux 0.3 1 2 2 0.5\n"
    "lrn l 3\nstage s\ninception i 1 1 1 1 1 1\navg p 2\ndropout d 0.5\n"
    "stage\nmean\noutput\n";

static gn_net *tiny_net(bool aux)
{
    const struct gn_preset_options options = {
        .preset = "tiny.net", .net_text = tiny_text, .aux = aux, .seed = 1
    };
    gn_net *net = gn_preset_with(&options);
    FUZZ_REQUIRE(net != NULL);
    return net;
}

static void model(const struct fuzz_target *target, const uint8_t *bytes, size_t n)
{
    const struct gn_file_bytes file = { bytes, n };
    (void)target;
    for (int aux = 0; aux < 2; aux++) {
        int drawn = 0;
        gn_net *net = gn_load(NULL, .bytes = &file, .aux = aux != 0);
        fuzz_told(net == NULL ? gn_error_status() : GN_OK);
        gn_free_net(net);
        /* As the weights of a network that the caller names, with another number of classes. */
        net = gn_load(NULL, .bytes = &file, .classes = 3, .new_head = true, .drawn = &drawn,
                      .preset = fuzz_file("tiny.net", tiny_text, sizeof tiny_text - 1));
        fuzz_told(net == NULL ? gn_error_status() : GN_OK);
        gn_free_net(net);
    }
}

static void model_seeds(const struct fuzz_target *target)
{
    (void)target;
    static const char *const labels[] = { "cat", "dog" };
    for (int aux = 0; aux < 2; aux++) {
        gn_net *net = tiny_net(aux != 0);
        FUZZ_REQUIRE(aux == 0 || gn_net_set_labels(net, labels, 2) == GN_OK);
        const char *path = fuzz_file("seed.safetensors", "", 0);
        FUZZ_REQUIRE(gn_save(net, path) == GN_OK);
        fuzz_seed_file(path);
        gn_free_net(net);
    }
}

/* ---- Its graph ---- */

/* What was read is written and read again, and stays the same. */
static void require_same_text(const gn_graph *g, gn_node output)
{
    gn_node again_output;
    char *text = gn_graph_text(g, output);
    FUZZ_REQUIRE(text != NULL);
    gn_graph *again = gn_graph_read(text, &again_output);
    FUZZ_REQUIRE(again != NULL);
    char *same = gn_graph_text(again, again_output);
    FUZZ_REQUIRE(same != NULL && strcmp(text, same) == 0);
    gn_graph_free(again);
    gn_free(text);
    gn_free(same);
}

static void graph(const struct fuzz_target *target, const uint8_t *bytes, size_t n)
{
    gn_node output;
    char *text = fuzz_text(bytes, n);
    (void)target;
    gn_graph *g = gn_graph_read(text, &output);
    fuzz_told(g == NULL ? gn_error_status() : GN_OK);
    if (g != NULL)
        require_same_text(g, output);
    if (g != NULL)
        gn_graph_free(g);
    free(text);
}

static void graph_seeds(const struct fuzz_target *target)
{
    (void)target;
    gn_net *net = tiny_net(true);
    char *text = gn_graph_text(net->graph, (gn_node){ net->output });
    FUZZ_REQUIRE(text != NULL);
    fuzz_seed(text, strlen(text));
    gn_free(text);
    gn_free_net(net);
}

/* ---- Networks as text ---- */

/* Whatever can be trained can be written and read back. */
static void net(const struct fuzz_target *target, const uint8_t *bytes, size_t n)
{
    char *text = fuzz_text(bytes, n);
    (void)target;
    for (int aux = 0; aux < 2; aux++) {
        gn_net *made = gn_net_file_blank(
            &(struct gn_preset_options){ .preset = "fuzz.net", .net_text = text, .aux = aux != 0 });
        fuzz_told(made == NULL ? gn_error_status() : GN_OK);
        if (made != NULL)
            require_same_text(made->graph, (gn_node){ made->output });
        gn_free_net(made);
    }
    free(text);
}

static const char *const net_texts[] = {
    tiny_text,
    "# a comment\npads caffe\nweights normal 0.1 0.02\nconv a 4 1x7 2x1\r\nmax p 3 2\nbatch b\n"
    "dense d 8\noutput out\n",
    "input 8192 3\nclasses 65536\noutput\n", NULL
};

/* ---- The round trip ---- */

static uint8_t next(struct gn_reader *r)
{
    uint8_t value = 0;
    (void)gn_rd_u8(r, &value);
    return value;
}

/* A name of up to 7 bytes of any kind; NULL: none. */
static const char *next_name(struct gn_reader *r, char name[8])
{
    const int n = next(r) % 8;
    for (int i = 0; i < n; i++)
        name[i] = (char)next(r);
    name[n] = '\0';
    return n == 0 ? NULL : name;
}

/* A layer of any operator with any attributes over layers before it. */
static gn_node next_layer(struct gn_reader *r, gn_graph *g, const gn_node *nodes, int n)
{
    alignas(double) unsigned char attributes[GN_ATTRIBUTE_BYTES] = { 0 };
    gn_node inputs[GN_MAX_INPUTS];
    char name[8];
    const struct gn_operator *op = gn_operators[next(r) % GN_OP_COUNT];
    if (op->rule == NULL || op->inputs == 0)
        return nodes[n - 1];
    const int n_inputs = op->inputs > 0 ? op->inputs : 1 + next(r) % GN_MAX_INPUTS;
    for (int i = 0; i < n_inputs; i++)
        inputs[i] = nodes[n - 1 - next(r) % n];
    for (int i = 0; i < op->n_attributes; i++) {
        const uint8_t value = next(r);
        const bool is_real = op->attributes[i].kind == GN_ATTRIBUTE_REAL;
        (void)gn_attribute_set(&op->attributes[i], attributes,
                               is_real ? value / 100.0 : (double)(value % 9));
    }
    if (next(r) % 4 == 0)
        gn_stage(g, next_name(r, name));
    return gn_graph_add(g, op, next_name(r, name), inputs, n_inputs, attributes);
}

static gn_net *next_net(struct gn_reader *r)
{
    enum { MOST = 12 };
    gn_node nodes[MOST];
    char name[8];
    gn_graph *g = gn_graph_create();
    FUZZ_REQUIRE(g != NULL);
    if (next(r) % 2 == 0)
        gn_initialize(g, (gn_initial)(next(r) % 4), next(r) / 64.0, next(r) / 64.0 - 1);
    nodes[0] = gn_input(g, 1 + next(r) % 12, 1 + next(r) % 12, 1 + next(r) % 4);
    int n = 1;
    for (int more = next(r) % (MOST - 1); n <= more && g->status == GN_OK; n++)
        nodes[n] = next_layer(r, g, nodes, n);
    if (next(r) % 4 == 0)
        gn_head(g, nodes[next(r) % n], next(r) / 32.0, next_name(r, name));
    return gn_compile(g, nodes[n - 1], next(r));
}

static void set_labels(struct gn_reader *r, gn_net *net)
{
    char names[4][8];
    const char *labels[4];
    if (net->classes > 4 || next(r) % 2 == 0)
        return;
    for (int i = 0; i < net->classes; i++)
        labels[i] = next_name(r, names[i]) == NULL ? "" : names[i];
    fuzz_told(gn_net_set_labels(net, labels, net->classes));
}

/* A network that can be made can be saved, and what is loaded is that network. */
static void round_trip(const struct fuzz_target *target, const uint8_t *bytes, size_t n)
{
    struct gn_reader r;
    char ours[GN_FINGERPRINT_BYTES], theirs[GN_FINGERPRINT_BYTES];
    size_t size;
    (void)target;
    gn_rd_init(&r, bytes, n);
    gn_net *net = next_net(&r);
    fuzz_told(net == NULL ? gn_error_status() : GN_OK);
    if (net == NULL)
        return;
    set_labels(&r, net);
    const char *path = fuzz_file("trip.safetensors", "", 0);
    FUZZ_REQUIRE(gn_save(net, path) == GN_OK);
    uint8_t *file = test_read_file(path, &size);
    gn_net *back = gn_load(NULL, .bytes = &(struct gn_file_bytes){ file, size }, .aux = true);
    FUZZ_REQUIRE(back != NULL);
    FUZZ_REQUIRE(gn_net_hash(back) == gn_net_hash(net) && back->classes == net->classes);
    FUZZ_REQUIRE(gn_net_fingerprint(net, ours) == GN_OK &&
                 gn_net_fingerprint(back, theirs) == GN_OK && strcmp(ours, theirs) == 0);
    FUZZ_REQUIRE((net->labels == NULL) == (back->labels == NULL));
    for (int i = 0; net->labels != NULL && i < net->classes; i++)
        FUZZ_REQUIRE(strcmp(net->labels[i], back->labels[i]) == 0);
    FUZZ_REQUIRE(gn_save(back, path) == GN_OK && test_file_is(path, file, size));
    gn_free_net(back);
    gn_free_net(net);
    free(file);
}

static const char *const trip_texts[] = { "\x02zzzabcdefghijklmnopqrstuvwxyz0123456789",
                                          "ABCDEFGHIJKLMNOPQRSTUVWXYZ,.-;:_#+*~ABCDEFGHIJKLMNOP",
                                          NULL };

const struct fuzz_target fuzz_model_targets[] = {
    { .name = "safetensors", .run = safetensors, .make_seeds = safetensors_seeds },
    { .name = "model", .run = model, .make_seeds = model_seeds, .divisor = 4 },
    { .name = "graph", .run = graph, .make_seeds = graph_seeds },
    { .name = "net", .run = net, .texts = net_texts },
    { .name = "round-trip", .run = round_trip, .texts = trip_texts, .divisor = 4 },
    { .name = NULL },
};
