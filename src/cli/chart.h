/* A chart of letters, for terminals of 80 columns, logs and pipes. */
#ifndef GN_CLI_CHART_H
#define GN_CLI_CHART_H

#include <stdbool.h>

enum { CLI_CHART_ROWS = 9, CLI_CHART_COLUMNS = 64, CLI_CHART_CURVES = 2 };

/* Curves over the same n places; values that are not finite are left out. A curve without values is
 * NULL. More places than columns share them by their means. */
struct cli_chart {
    const char *title;
    int n;
    const double *curves[CLI_CHART_CURVES];
    char marks[CLI_CHART_CURVES]; /* their letters; the last curve covers the first */
    const char *names[CLI_CHART_CURVES];
    int first, last; /* of the horizontal axis */
    bool percent;
    int rows, columns; /* at most; 0: as many as there may be */
};

/* Lines that it has besides its rows, columns besides those of the curves. */
enum { CLI_CHART_FRAME_ROWS = 3, CLI_CHART_FRAME_COLUMNS = 11 };

/* Prints it on stdout; nothing without a value. */
void cli_print_chart(const struct cli_chart *chart);

#endif
