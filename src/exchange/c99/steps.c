/* Operators, weights and calls. Each operator writes itself (ops/c99.h); what is written here is what
 * they have in common. */
#include "exchange/c99/file.h"
#include "exchange/c99/source.h"

#include "base/memory.h"
#include "base/threads.h"

#include <string.h>

static const struct gn_layer *layer_of(const struct gn_c99_file *file, int i)
{
    return &file->net->graph->layers[i];
}

static float *values_of(const struct gn_c99_file *file, int tensor)
{
    return tensor < 0 ? NULL : file->net->params + file->net->graph->tensors[tensor].offset;
}

/* ---- What the descriptors say ---- */

static struct gn_args args_of(const struct gn_c99_file *file, int i)
{
    const struct gn_layer *l = layer_of(file, i);
    const struct gn_scales scales = { .in = file->values[gn_c99_input(file, i, 0)].stands.scale,
                                      .out = file->values[i].stands.scale };
    return (
        struct gn_args){ .g = l->window, .attributes = gn_layer_attributes(l), .scales = scales };
}

static gn_status ask(struct gn_c99_file *file, int i)
{
    const struct gn_layer *l = layer_of(file, i);
    const struct gn_args a = args_of(file, i);
    struct gn_c99 *c = &file->ops[i];
    if (l->op->c99 != NULL)
        l->op->c99(&a, c);
    if (c->function != NULL && (a.scales.in > 0 || a.scales.out > 0) && !c->on_bytes)
        c->refused = "it has no form for bytes";
    if (c->function == NULL || c->refused != NULL)
        GN_FAIL(GN_STATUS_UNSUPPORTED, "%s: layer %s (%s) cannot be written in C%s%s",
                file->options->path, l->name, l->op->type, c->refused == NULL ? "" : ": ",
                c->refused == NULL ? "" : c->refused);
    return GN_OK;
}

/* ---- Weights ---- */

/* Floats that the weights of layer i take while they are made: with a normalisation in them, or as a
 * normalisation's factors. */
static size_t room_of(const struct gn_c99_file *file, int i)
{
    const struct gn_layer *l = layer_of(file, i);
    if (file->values[i].norm >= 0)
        return file->net->graph->tensors[l->weight].count + (size_t)l->window.oc;
    return l->op->shared_floats == NULL ? 1 : l->op->shared_floats(&l->window, 1, 1);
}

/* Weights and bias with the normalisation after them, as a plan folds them. */
static gn_status fold(const struct gn_c99_file *file, int i, struct gn_args *a, float *room)
{
    const int norm = file->values[i].norm;
    const struct gn_layer *l = layer_of(file, i), *n = layer_of(file, norm);
    const struct gn_kernel *row = gn_reference_kernels()->table[n->op->id];
    const struct gn_run run = { .n = 1, .batch = 1 };
    const struct gn_kernel *kernels[] = { &row[GN_PASS_FOLD], &row[GN_PASS_FOLD_BIAS] };
    float *to[] = { room, room + file->net->graph->tensors[l->weight].count };
    struct gn_args f = { .g = l->window, .attributes = gn_layer_attributes(n) };
    f.w = values_of(file, l->weight);
    f.b = values_of(file, l->bias);
    for (int t = 0; t < GN_LAYER_TENSORS; t++)
        f.tensors[t] = values_of(file, n->tensors[t]);
    for (int k = 0; k < 2; k++) {
        f.y = (struct gn_view){ to[k], l->window.oc };
        void *scratch =
            gn_alloc(kernels[k]->scratch_bytes == NULL ? 1 : kernels[k]->scratch_bytes(&f),
                     "weights of a C file");
        if (scratch == NULL)
            return gn_last_status();
        for (int unit = 0; unit < kernels[k]->units(&f, &run); unit++)
            kernels[k]->run(&f, &run, unit, scratch);
        gn_free(scratch);
    }
    a->w = to[0];
    a->b = to[1];
    return GN_OK;
}

/* `room` has what room_of says, then what the operator asked for. */
static gn_status arrays(struct gn_c99_file *file, int i, float *room)
{
    const struct gn_layer *l = layer_of(file, i);
    struct gn_args a = args_of(file, i);
    struct gn_c99 *c = &file->ops[i];
    for (int t = 0; t < GN_LAYER_TENSORS; t++)
        a.tensors[t] = values_of(file, l->tensors[t]);
    a.w = a.tensors[0];
    a.b = a.tensors[1];
    a.shared = l->op->shared_floats == NULL ? NULL : room;
    a.packed = room + room_of(file, i);
    if (file->values[i].norm >= 0)
        GN_TRY(fold(file, i, &a, room));
    l->op->c99(&a, c);
    for (int k = 0; k < GN_C99_ARRAYS; k++)
        if (c->arrays[k].values != NULL)
            gn_c99_array(file, (enum gn_c99_slot)k, i, &c->arrays[k]);
    return GN_OK;
}

/* ---- Steps ---- */

static bool is_bytes(const struct gn_c99_file *file, int value)
{
    return file->values[value].stands.bytes;
}

/* A place in the arena, of floats or of bytes. */
static void place_text(size_t byte, bool is_bytes, char text[32])
{
    (void)snprintf(text, 32, is_bytes ? "bytes + %zu" : "arena + %zu",
                   is_bytes ? byte : byte / sizeof(float));
}

static void source_text(const struct gn_c99_file *file, int value, char text[32], int *ld)
{
    if (value == 0) {
        *ld = file->net->input.c;
        (void)snprintf(text, 32, "input");
        return;
    }
    place_text(gn_c99_place(file, value, ld), is_bytes(file, value), text);
}

/* Calls of layer i: one, or one for each input from which something is copied or added. */
static int calls_of(const struct gn_c99_file *file, int i)
{
    const struct gn_layer *l = layer_of(file, i);
    return l->op->joins ? l->n_inputs : l->op->adds ? l->n_inputs - 1 : 1;
}

/* Places of call number k: x, x2 (an operator that adds) and y; false: there is nothing to do. */
struct call {
    char x[32], x2[32], y[32];
    int ldx, ldx2, ldy;
    int channels; /* of x */
};

static bool call_of(const struct gn_c99_file *file, int i, int k, struct call *call)
{
    const struct gn_layer *l = layer_of(file, i);
    const int in = gn_c99_input(file, i, l->op->joins ? k : 0);
    *call = (struct call){ .channels = layer_of(file, in)->out.c };
    size_t channel = 0;
    for (int other = 0; l->op->joins && other < k; other++)
        channel += (size_t)layer_of(file, gn_c99_input(file, i, other))->out.c;
    channel *= is_bytes(file, i) ? 1 : sizeof(float);
    place_text(gn_c99_place(file, i, &call->ldy) + channel, is_bytes(file, i), call->y);
    source_text(file, l->op->adds && k > 0 ? i : in, call->x, &call->ldx);
    if (l->op->adds)
        source_text(file, gn_c99_input(file, i, k + 1), call->x2, &call->ldx2);
    return !l->op->joins || file->values[in].slice_of != i;
}

/* A concatenation that is computed in place is no call. */
static bool is_called(const struct gn_c99_file *file, int i)
{
    struct call call;
    bool called = false;
    for (int k = 0; file->values[i].runs && k < calls_of(file, i); k++)
        called |= call_of(file, i, k, &call);
    return called;
}

static void step(struct gn_c99_file *file, int i, int k)
{
    const struct gn_layer *l = layer_of(file, i);
    const struct gn_geometry *g = &l->window;
    const struct gn_c99 *c = &file->ops[i];
    struct call call;
    if (!call_of(file, i, k, &call))
        return;
    const bool relu = file->values[i].relu && k == calls_of(file, i) - 1;
    gn_c99_print(file, "static const struct step s%d_%d = { /* ", i, k);
    gn_c99_comment(file, l->name);
    gn_c99_print(
        file, " */\n    %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, { ", g->h,
        g->w, l->op->joins ? call.channels : g->c, call.ldx, call.ldx2, g->oh, g->ow, g->oc,
        call.ldy, g->kh, g->kw, g->stride_h, g->stride_w, g->pad_top, g->pad_left, relu);
    for (int n = 0; n < GN_C99_NUMBERS; n++) {
        gn_c99_float(file, c->numbers[n]);
        gn_c99_print(file, n + 1 < GN_C99_NUMBERS ? ", " : " }");
    }
    for (int n = 0; n < GN_C99_ARRAYS; n++)
        if (c->arrays[n].values == NULL)
            gn_c99_print(file, ", NULL");
        else
            gn_c99_print(file, ", %c%d.value", gn_c99_slot_name((enum gn_c99_slot)n), i);
    gn_c99_print(file, "\n};\n");
}

static gn_status layer(struct gn_c99_file *file, int i)
{
    const size_t bytes = room_of(file, i) * sizeof(float) + file->ops[i].room;
    float *room = gn_calloc(bytes, 1, "weights of a C file");
    if (room == NULL)
        return gn_last_status();
    const unsigned state = gn_float_enter(); /* as where a plan makes them */
    const gn_status status = arrays(file, i, room);
    gn_float_leave(state);
    for (int k = 0; status == GN_OK && k < calls_of(file, i); k++)
        step(file, i, k);
    gn_free(room);
    return status;
}

gn_status gn_c99_steps(struct gn_c99_file *file)
{
    for (int i = 0; i < file->net->graph->n_layers; i++)
        if (file->values[i].runs)
            GN_TRY(layer(file, i));
    return GN_OK;
}

/* ---- Functions ---- */

/* Whether a layer before layer i has written a part of code. */
static bool is_written(const struct gn_c99_file *file, int i, const char *part)
{
    for (int k = 0; k < i; k++)
        for (int n = 0; is_called(file, k) && n < GN_C99_PARTS; n++)
            if (file->ops[k].code[n] == part)
                return true;
    return false;
}

void gn_c99_functions(struct gn_c99_file *file)
{
    gn_c99_put(file, gn_c99_arithmetic, strlen(gn_c99_arithmetic));
    for (int i = 0; i < file->net->graph->n_layers; i++)
        for (int n = 0; is_called(file, i) && n < GN_C99_PARTS; n++) {
            const char *part = file->ops[i].code[n];
            if (part == NULL || is_written(file, i, part))
                continue;
            gn_c99_put(file, part, strlen(part));
            gn_c99_put(file, "\n", 1);
        }
    if (file->options->softmax)
        gn_c99_put(file, gn_c99_softmax, strlen(gn_c99_softmax));
}

/* ---- The run ---- */

static void call(struct gn_c99_file *file, int i, int k)
{
    struct call call;
    if (!call_of(file, i, k, &call))
        return;
    gn_c99_print(file, "    %s(&s%d_%d, %s, ", file->ops[i].function, i, k, call.x);
    if (layer_of(file, i)->op->adds)
        gn_c99_print(file, "%s, ", call.x2);
    gn_c99_print(file, "%s); /* ", call.y);
    gn_c99_comment(file, layer_of(file, i)->name);
    gn_c99_print(file, " */\n");
}

static void program(struct gn_c99_file *file)
{
    const char *upper = file->upper;
    gn_c99_print(file,
                 "#ifdef %s_MAIN\n"
                 "#include <stdio.h>\n"
                 "\n"
                 "int main(void)\n"
                 "{\n"
                 "    static float input[%s_INPUT], output[%s_CLASSES];\n"
                 "    while (fread(input, sizeof input, 1, stdin) == 1) {\n"
                 "        if (%s_run(input, output) != 0)\n"
                 "            return 1;\n"
                 "        if (fwrite(output, sizeof output, 1, stdout) != 1)\n"
                 "            return 1;\n"
                 "    }\n"
                 "    return ferror(stdin) || fflush(stdout) != 0;\n"
                 "}\n"
                 "#endif\n",
                 upper, upper, upper, file->name);
}

static bool has_bytes(const struct gn_c99_file *file)
{
    bool found = false;
    for (int i = 0; i < file->net->graph->n_layers; i++)
        found |= file->values[i].runs && is_bytes(file, i);
    return found;
}

void gn_c99_run(struct gn_c99_file *file)
{
    const struct gn_net *net = file->net;
    char answer[32];
    int ld;
    gn_c99_print(file,
                 "\n#ifndef %s_PLACE\n#define %s_PLACE\n#endif\n"
                 "static %s_PLACE float arena[%zu];\n"
                 "\nint %s_run(const float *input, float *output)\n{\n"
                 "%s"
                 "    int i;\n"
                 "    if (input == NULL || output == NULL)\n"
                 "        return 1;\n",
                 file->upper, file->upper, file->upper,
                 file->arena > 0 ? file->arena / sizeof(float) : 1, file->name,
                 has_bytes(file) ? "    unsigned char *const bytes = (unsigned char *)arena;\n"
                                 : "");
    for (int i = 0; i < net->graph->n_layers; i++)
        for (int k = 0; file->values[i].runs && k < calls_of(file, i); k++)
            call(file, i, k);
    source_text(file, file->values[net->output].same_as, answer, &ld);
    gn_c99_print(file,
                 "    for (i = 0; i < %s_CLASSES; i++)\n"
                 "        output[i] = (%s)[i];\n",
                 file->upper, answer);
    if (file->options->softmax)
        gn_c99_print(file, "    softmax(output, %s_CLASSES);\n", file->upper);
    gn_c99_print(file, "    return 0;\n}\n\n");
    program(file);
    gn_c99_print(file, "\n#endif /* %s_DECLARATIONS */\n", file->upper);
}

/* Asked before anything is written. */
gn_status gn_c99_ask(struct gn_c99_file *file)
{
    for (int i = 0; i < file->net->graph->n_layers; i++) {
        const struct gn_layer *l = layer_of(file, i);
        const struct gn_c99 *c = &file->ops[i];
        if (!file->values[i].runs)
            continue;
        GN_TRY(ask(file, i));
        for (int k = 0; k < GN_C99_ARRAYS; k++)
            file->weights += c->arrays[k].count * gn_c99_number_bytes((enum gn_c99_slot)k);
        if (l->op->multiplies && l->bias < 0 && file->values[i].norm < 0 && c->room == 0)
            file->weights -= (size_t)l->window.oc * sizeof(float); /* no bias */
    }
    return GN_OK;
}
