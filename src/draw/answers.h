/* What a validation answered, as pictures: its confusion matrix, and its surest mistakes. */
#ifndef GN_DRAW_ANSWERS_H
#define GN_DRAW_ANSWERS_H

#include "file/file.h"

enum { GN_MOST_MATRIX = 64 }; /* classes that a matrix still shows */

struct gn_drawn_matrix {
    int classes;
    const uint32_t *counts;    /* classes*classes: rows are true classes */
    const char *const *labels; /* NULL: numbers */
};

struct gn_drawn_mistake {
    const uint8_t *pixels; /* side*side RGB */
    int label, predicted;
    double probability; /* of the answer */
};

struct gn_drawn_mistakes {
    int n, side;
    const struct gn_drawn_mistake *list;
    const char *const *labels; /* NULL: numbers */
};

/* PNG files in memory and their sizes; free png->data with gn_free. UNSUPPORTED without cairo. */
gn_status gn_draw_matrix(const struct gn_drawn_matrix *matrix, struct gn_bytes *png, int *width,
                         int *height);
gn_status gn_draw_mistakes(const struct gn_drawn_mistakes *mistakes, struct gn_bytes *png,
                           int *width, int *height);

#endif
