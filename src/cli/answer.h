/* The answer for one image, as a line of text and as JSON: `predict` prints it, a server sends it. */
#ifndef GN_CLI_ANSWER_H
#define GN_CLI_ANSWER_H

#include <googlenet.h>
#include <jansson.h>

/* What an answer holds, and room to work it out. */
struct cli_answer {
    struct gn_net_info info;
    int top;     /* the most probable classes, so many of them */
    bool logits; /* also the network's values */
    double *probabilities;
    int *order;
};

/* Begins answers of a net, which must outlive them; false with the library's last error. */
bool cli_answer_begin(struct cli_answer *answer, const gn_net *net, int top, bool logits);
void cli_answer_end(struct cli_answer *answer);

/* Whether the logits are numbers. */
bool cli_answer_is_finite(const struct cli_answer *answer, const float *logits);

/* {"file","index","top":[{"label","index","probability"}],"logits"} of image `index` of a file. */
json_t *cli_answer_json(const struct cli_answer *answer, const char *file, uint64_t index,
                        const float *logits);

/* "NAME: cat 0.9000, dog 0.1000; logits 2 1". */
void cli_answer_text(const struct cli_answer *answer, FILE *out, const char *name,
                     const float *logits);

#endif
