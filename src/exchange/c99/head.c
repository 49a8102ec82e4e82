/* The beginning of a C file, which is all that its users read: what the network is, how it is called,
 * what it takes; and what becomes of pictures. */
#include "exchange/c99/file.h"

#include <stdio.h>
#include <string.h>

static bool needs_math(const struct gn_c99_file *file)
{
    bool found = file->options->softmax;
    for (int i = 0; i < file->net->graph->n_layers; i++)
        for (int k = 0; file->values[i].runs && k < GN_C99_PARTS; k++)
            found |= file->ops[i].code[k] != NULL && strstr(file->ops[i].code[k], "<math.h>");
    return found;
}

/* A line about a quantised network. */
static void tell_int8(struct gn_c99_file *file)
{
    int all = 0, int8 = 0;
    for (int i = 0; i < file->net->graph->n_layers; i++) {
        const bool runs = file->values[i].runs;
        all += runs && file->net->graph->layers[i].op->id == GN_OP_CONV;
        int8 += runs && file->values[i].stands.int8;
    }
    if (int8 > 0)
        gn_c99_print(
            file,
            " * int8     weights of %d of %d convolutions are of 8 bits, what they read are "
            "bytes\n",
            int8, all);
}

static void comment(struct gn_c99_file *file, const char *preprocess)
{
    const struct gn_net *net = file->net;
    const char *name = file->name, *upper = file->upper;
    char labels[GN_C99_NAME + 16];
    (void)snprintf(labels, sizeof labels, "%s_labels", name);
    gn_c99_print(file, "/* googlenet %s: a network in C99: ", gn_version());
    gn_c99_comment(file, net->preset[0] != '\0' ? net->preset : "network");
    gn_c99_print(
        file,
        "\n *\n"
        " *   static float input[%s_INPUT], output[%s_CLASSES];\n"
        " *   %s_pixels(bytes, input);    bytes of a picture of %dx%d pixels\n"
        " *   %s_run(input, output);      0: done; 1: an argument is NULL\n"
        " *\n"
        " * input    %d floats, row after row of pixels, %d channel%s a pixel\n"
        " * output   %d %s, a class each%s%s\n"
        " * memory   %s_ARENA_BYTES, static, so one call at a time; no malloc\n"
        " * weights  %s_WEIGHT_BYTES, constant\n",
        upper, upper, name, net->input.h, net->input.w, name,
        net->input.h * net->input.w * net->input.c, net->input.c, net->input.c == 1 ? "" : "s",
        net->classes, file->options->softmax ? "probabilities" : "logits",
        net->labels == NULL ? "" : ": labels in ", net->labels == NULL ? "" : labels, upper, upper);
    tell_int8(file);
    gn_c99_print(file, " *\n * From a picture to the input:\n *   ");
    gn_c99_comment(file, preprocess);
    gn_c99_print(file,
                 "\n *\n"
                 " * Compiled by itself, the file needs no library%s. Another file sees the "
                 "declarations with\n"
                 " *   #define %s_DECLARATIONS\n"
                 " *   #include \"FILE.c\"\n"
                 " * %s_PLACE may be defined as what puts the arena into a section of its own. "
                 "With -D%s_MAIN\n"
                 " * the file is a program: floats of inputs on standard input, floats of answers "
                 "on standard\n"
                 " * output. Answers are those of googlenet's generic kernels with direct "
                 "convolution, bit for\n"
                 " * bit: docs/c-export.md.\n"
                 " */\n",
                 needs_math(file) ? " but libm" : "", upper, upper, upper);
}

static void constants(struct gn_c99_file *file)
{
    const struct gn_shape in = file->net->input;
    const struct {
        const char *name;
        uint64_t value;
    } list[] = {
        { "HEIGHT", (uint64_t)in.h },
        { "WIDTH", (uint64_t)in.w },
        { "CHANNELS", (uint64_t)in.c },
        { "INPUT", (uint64_t)in.h * (uint64_t)in.w * (uint64_t)in.c },
        { "CLASSES", (uint64_t)file->net->classes },
        { "ARENA_BYTES", file->arena },
        { "WEIGHT_BYTES", file->weights },
    };
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)
        gn_c99_print(file, "#define %s_%s %llu\n", file->upper, list[i].name,
                     (unsigned long long)list[i].value);
}

void gn_c99_head(struct gn_c99_file *file)
{
    enum { MOST_STEPS = 8192 };
    char steps[MOST_STEPS];
    if (gn_net_preprocess(file->net, steps, sizeof steps) != GN_OK)
        *steps = '\0';
    comment(file, steps);
    gn_c99_print(file, "#ifndef %s_HEIGHT\n", file->upper);
    constants(file);
    gn_c99_print(file,
                 "int %s_run(const float *input, float *output);\n"
                 "void %s_pixels(const unsigned char *bytes, float *input);\n",
                 file->name, file->name);
    if (file->net->labels != NULL)
        gn_c99_print(file, "extern const char *const %s_labels[%s_CLASSES];\n", file->name,
                     file->upper);
    gn_c99_print(file, "#endif\n\n#ifndef %s_DECLARATIONS\n\n", file->upper);
}

/* ---- Labels and pictures ---- */

static void row(struct gn_c99_file *file, const char *name, const float values[3], int n)
{
    gn_c99_print(file, "    static const float %s[] = { ", name);
    for (int i = 0; i < n; i++) {
        gn_c99_float(file, values[i]);
        gn_c99_print(file, i + 1 < n ? ", " : " };\n");
    }
}

static void labels(struct gn_c99_file *file)
{
    if (file->net->labels == NULL)
        return;
    gn_c99_print(file, "const char *const %s_labels[%s_CLASSES] = {\n", file->name, file->upper);
    for (int i = 0; i < file->net->classes; i++) {
        gn_c99_print(file, "    ");
        gn_c99_string(file, file->net->labels[i]);
        gn_c99_print(file, ",\n");
    }
    gn_c99_print(file, "};\n\n");
}

/* The order of computation is that of picture/input.c. */
void gn_c99_pixels(struct gn_c99_file *file)
{
    const struct gn_pixel_rule *rule = &file->net->pixels;
    const int c = file->net->input.c, n = c < 3 ? c : 3;
    labels(file);
    gn_c99_print(
        file,
        "/* Bytes of a picture of the network's size%s, row after row. Cutting and resizing "
        "are the\n * caller's. */\n"
        "void %s_pixels(const unsigned char *bytes, float *input)\n{\n",
        c == 3 ? ": red, green, blue" : "", file->name);
    if (rule->normalise) {
        row(file, "mean", rule->mean, n);
        row(file, "deviation", rule->deviation, n);
    }
    if (rule->affine) {
        row(file, "factor", rule->factor, n);
        row(file, "summand", rule->summand, n);
    }
    gn_c99_print(file,
                 "    long i;\n"
                 "    int c;\n"
                 "    for (i = 0; i < %s_INPUT; i += %s_CHANNELS)\n"
                 "        for (c = 0; c < %s_CHANNELS; c++) {\n"
                 "            float v = (float)bytes[i + %s]%s;\n",
                 file->upper, file->upper, file->upper, rule->bgr ? "2 - c" : "c",
                 rule->bytes ? "" : " / 255.0F");
    gn_c99_print(file, "            v = ROUNDED(v);\n");
    if (rule->normalise)
        gn_c99_print(file, "            v = ROUNDED(ROUNDED(v - mean[c]) / deviation[c]);\n");
    if (rule->affine)
        gn_c99_print(file, "            v = ROUNDED(ROUNDED(v * factor[c]) + summand[c]);\n");
    gn_c99_print(file, "            input[i + c] = v;\n        }\n}\n\n");
}
