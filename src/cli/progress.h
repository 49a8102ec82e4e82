/*
 * What a running training shows on stderr: a line that is redrawn on a terminal, plain lines
 * elsewhere.
 */
#ifndef GN_CLI_PROGRESS_H
#define GN_CLI_PROGRESS_H

#include <googlenet.h>

struct cli_progress {
    uint64_t max_steps;  /* of the run; 0: no limit */
    uint64_t total_step; /* of the last step seen */
    /* Since when images/s and the ETA are counted. */
    double begin, epoch_begin, last_shown;
    uint64_t steps_done, epoch_samples, last_samples;
    bool line_is_open; /* a redrawn line is on the terminal */
    bool asked;        /* the next step is shown, however short the time since the last one */
};

/* Takes one report of the training. */
void cli_progress_event(struct cli_progress *progress, const struct gn_event *event);

/* Ends a redrawn line, before other text is printed. */
void cli_progress_end(struct cli_progress *progress);

#endif
