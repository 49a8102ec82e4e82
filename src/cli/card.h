/* card.md of a finished run: what somebody needs who gets the model and nothing else. */
#ifndef GN_CLI_CARD_H
#define GN_CLI_CARD_H

#include "cli/train.h"

/* Writes RUN/card.md about `model`, a file of the folder, of epoch `epoch`. `answers` are the model's on
 * `samples` ("test", "validation"); `chose`: these samples chose the epoch. A failure is a warning. */
struct card {
    const struct train_run *run;
    const char *model;
    int epoch, epochs;
    double seconds, images_per_second; /* of the training; 0: not known */
    const gn_evaluation *answers;      /* NULL: there were no samples for that */
    const char *samples;
    bool chose;
};
void cli_write_card(const struct card *card);

/* card_text.c: names in Markdown, where they mean nothing but themselves. */
void card_name(FILE *out, const char *text);

/* A YAML string in double quotes. */
void card_quoted(FILE *out, const char *text);

#endif
