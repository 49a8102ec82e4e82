/* The answer for one image: the most probable classes, and on request the network's values. */
#include "cli/answer.h"

#include "base/number.h"
#include "cli/report.h"

#include <math.h>
#include <stdlib.h>

bool cli_answer_begin(struct cli_answer *answer, const gn_net *net, int top, bool logits)
{
    *answer = (struct cli_answer){ .logits = logits };
    if (gn_net_describe(net, &answer->info) != GN_OK)
        return false;
    const size_t classes = (size_t)answer->info.classes;
    answer->top = top < answer->info.classes ? top : answer->info.classes;
    answer->probabilities = cli_calloc(classes, sizeof *answer->probabilities);
    answer->order = cli_calloc(classes, sizeof *answer->order);
    return true;
}

void cli_answer_end(struct cli_answer *answer)
{
    free(answer->probabilities);
    free(answer->order);
}

bool cli_answer_is_finite(const struct cli_answer *answer, const float *logits)
{
    for (int i = 0; i < answer->info.classes; i++)
        if (!isfinite(logits[i]))
            return false;
    return true;
}

/* Probabilities, and the first classes by falling probability; returns how many. */
static int rank(const struct cli_answer *answer, const float *logits)
{
    gn_softmax(logits, answer->info.classes, answer->probabilities);
    return gn_top_classes(logits, answer->info.classes, answer->top, answer->order);
}

/* The class's name, or its number where the model knows no names. */
static const char *class_name(const struct cli_answer *answer, int class, char *buffer, size_t size)
{
    if (answer->info.labels)
        return answer->info.labels[class];
    snprintf(buffer, size, "%d", class);
    return buffer;
}

json_t *cli_answer_json(const struct cli_answer *answer, const char *file, uint64_t index,
                        const float *logits)
{
    json_t *line = json_object(), *top = json_array();
    const int n = rank(answer, logits);
    json_object_set_new(line, "file", cli_json_text(file));
    json_object_set_new(line, "index", json_integer((json_int_t)index));
    for (int k = 0; k < n; k++) {
        char name[16];
        const int class = answer->order[k];
        json_t *entry = json_object();
        json_object_set_new(entry, "label",
                            cli_json_text(class_name(answer, class, name, sizeof name)));
        json_object_set_new(entry, "index", json_integer(class));
        json_object_set_new(entry, "probability",
                            cli_json_float((float)answer->probabilities[class]));
        json_array_append_new(top, entry);
    }
    json_object_set_new(line, "top", top);
    if (answer->logits) {
        json_t *values = json_array();
        for (int i = 0; i < answer->info.classes; i++)
            json_array_append_new(values, cli_json_float(logits[i]));
        json_object_set_new(line, "logits", values);
    }
    return line;
}

void cli_answer_text(const struct cli_answer *answer, FILE *out, const char *name,
                     const float *logits)
{
    const int n = rank(answer, logits);
    char text[8192], number[16];
    fprintf(out, "%s:", gn_printable(text, sizeof text, name));
    for (int k = 0; k < n; k++) {
        const int class = answer->order[k];
        const char *label = class_name(answer, class, number, sizeof number);
        gn_print(out, "%s %s %.4f", k ? "," : "", gn_printable(text, sizeof text, label),
                 answer->probabilities[class]);
    }
    if (answer->logits) {
        fprintf(out, "; logits");
        for (int i = 0; i < answer->info.classes; i++)
            gn_print(out, " %.9g", (double)logits[i]);
    }
    putc('\n', out);
}
