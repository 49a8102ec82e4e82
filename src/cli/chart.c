/* Letters on a grid; numbers of the vertical axis at its top, middle and bottom. */
#include "cli/chart.h"

#include "base/number.h"
#include "cli/report.h"

#include <math.h>
#include <string.h>

enum { AXIS = 9 };

struct grid {
    int columns, most; /* places, and columns for them */
    int rows;
    double low, high;
    char cells[CLI_CHART_ROWS][CLI_CHART_COLUMNS + 1];
};

/* The mean of a curve's values in a column; NaN: there are none. */
static double value_at(const struct cli_chart *chart, int curve, int column, int columns)
{
    const int begin = (int)((long long)column * chart->n / columns);
    const int end = (int)((long long)(column + 1) * chart->n / columns);
    double sum = 0;
    int n = 0;
    for (int i = begin; chart->curves[curve] && i < (end > begin ? end : begin + 1); i++)
        if (isfinite(chart->curves[curve][i])) {
            sum += chart->curves[curve][i];
            n++;
        }
    return n > 0 ? sum / n : (double)NAN;
}

static void find_range(const struct cli_chart *chart, struct grid *grid)
{
    grid->low = HUGE_VAL;
    grid->high = -HUGE_VAL;
    for (int c = 0; c < CLI_CHART_CURVES; c++)
        for (int x = 0; x < grid->columns; x++) {
            const double value = value_at(chart, c, x, grid->columns);
            grid->low = fmin(grid->low, value);
            grid->high = fmax(grid->high, value);
        }
    if (!(grid->low < grid->high)) {
        const double room = fabs(grid->low) > 0 ? 0.05 * fabs(grid->low) : 0.05;
        grid->low -= room;
        grid->high += room;
    }
}

/* Few values stand apart, so that their chart is as wide as others'. */
static int place(const struct grid *grid, int column)
{
    const int gap = grid->most / grid->columns;
    return column * (gap > 8 ? 8 : gap);
}

static void fill(const struct cli_chart *chart, struct grid *grid)
{
    for (int row = 0; row < grid->rows; row++) {
        memset(grid->cells[row], ' ', CLI_CHART_COLUMNS);
        grid->cells[row][CLI_CHART_COLUMNS] = '\0';
    }
    for (int c = 0; c < CLI_CHART_CURVES; c++)
        for (int x = 0; x < grid->columns; x++) {
            const double value = value_at(chart, c, x, grid->columns);
            if (!isfinite(value))
                continue;
            const double share = (grid->high - value) / (grid->high - grid->low);
            grid->cells[(int)lround(share * (grid->rows - 1))][place(grid, x)] = chart->marks[c];
        }
}

static void print_row(const struct cli_chart *chart, const struct grid *grid, int row)
{
    char number[GN_NUMBER_TEXT] = "";
    const double value = grid->high - (grid->high - grid->low) * row / (grid->rows - 1);
    char line[CLI_CHART_COLUMNS + 1];
    memcpy(line, grid->cells[row], sizeof line);
    for (int n = CLI_CHART_COLUMNS; n > 0 && line[n - 1] == ' '; n--)
        line[n - 1] = '\0';
    if (row == 0 || row == grid->rows / 2 || row == grid->rows - 1)
        gn_fixed_text(chart->percent ? 100 * value : value, chart->percent ? 1 : 3, number);
    cli_line("%*.*s%s |%s", AXIS - 1, AXIS - 1, number, chart->percent && number[0] ? "%" : " ",
             line);
}

static int within(int wanted, int least, int most)
{
    return wanted == 0 || wanted > most ? most : wanted < least ? least : wanted;
}

void cli_print_chart(const struct cli_chart *chart)
{
    struct grid grid = { .most = within(chart->columns, 8, CLI_CHART_COLUMNS),
                         .rows = within(chart->rows, 3, CLI_CHART_ROWS) };
    grid.columns = chart->n < grid.most ? chart->n : grid.most;
    char legend[160] = "", axis[CLI_CHART_COLUMNS + 1], last[16];
    if (chart->n < 1)
        return;
    find_range(chart, &grid);
    if (!isfinite(grid.low))
        return;
    fill(chart, &grid);
    for (int c = 0; c < CLI_CHART_CURVES; c++) {
        const size_t used = strlen(legend);
        if (chart->curves[c])
            (void)snprintf(legend + used, sizeof legend - used, "   %c %s", chart->marks[c],
                           chart->names[c]);
    }
    cli_line("%s%s", chart->title, legend);
    for (int row = 0; row < grid.rows; row++)
        print_row(chart, &grid, row);
    const int width = place(&grid, grid.columns - 1) + 1;
    memset(axis, '-', sizeof axis);
    axis[width] = '\0';
    cli_line("%*s +%s", AXIS, "", axis);
    (void)snprintf(last, sizeof last, "%d", chart->last);
    const int room = width - (int)strlen(last);
    cli_line(room > 1 ? "%*s  %-*d%s" : "%*s  %*d%s", AXIS, "", room > 1 ? room : 0, chart->first,
             chart->last > chart->first ? last : "");
}
