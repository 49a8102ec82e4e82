/*
 * The arena of a plan as a drawing of 80 columns: time goes to the right, addresses go up. The largest blocks
 * have letters, the others are '+'.
 */
#include "base/number.h"
#include "cli/bench.h"
#include "cli/report.h"

#include <stdlib.h>

enum { COLUMNS = 64, ROWS = 20, LETTERS = 16 };

/* Largest first, of equals the one that is used first. */
static int larger_first(const void *a, const void *b)
{
    const struct gn_bench_block *x = a, *y = b;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? 1 : -1;
    return (x->first > y->first) - (x->first < y->first);
}

static uint64_t end_of(const struct gn_bench_result *result)
{
    uint64_t end = 1;
    for (int i = 0; i < result->n_blocks; i++) {
        const struct gn_bench_block *b = &result->blocks[i];
        end = b->offset + b->bytes > end ? b->offset + b->bytes : end;
    }
    return end;
}

/* The block that covers most of a cell, which is the intersection of bytes and steps; of equals the larger
 * block. */
static char letter_of(const struct gn_bench_result *result, int row, int column, uint64_t end)
{
    const uint64_t low = end / ROWS * (uint64_t)row, high = low + end / ROWS;
    const int from = column * result->n_steps / COLUMNS;
    const int to = (column + 1) * result->n_steps / COLUMNS;
    uint64_t most = 0;
    char letter = '.';
    for (int i = 0; i < result->n_blocks; i++) {
        const struct gn_bench_block *b = &result->blocks[i];
        const uint64_t top = b->offset + b->bytes < high ? b->offset + b->bytes : high;
        const uint64_t bottom = b->offset > low ? b->offset : low;
        if (top <= bottom || b->first > (to > from ? to - 1 : from) || b->last < from)
            continue;
        if (top - bottom > most) {
            most = top - bottom;
            letter = i < LETTERS ? (char)('A' + i) : '+';
        }
    }
    return letter;
}

void cli_bench_memory(const struct gn_bench_result *result)
{
    const uint64_t end = end_of(result);
    char size[GN_NUMBER_TEXT], line[COLUMNS + 1] = { 0 };
    qsort(result->blocks, (size_t)result->n_blocks, sizeof *result->blocks, larger_first);
    cli_line("%s", "");
    cli_line("arena of %s by step, 0 to %d; '.' is free, '+' a small block",
             gn_bytes_text(end, size), result->n_steps - 1);
    for (int row = ROWS - 1; row >= 0; row--) {
        for (int column = 0; column < COLUMNS; column++)
            line[column] = letter_of(result, row, column, end);
        cli_line("%10s |%s|", gn_bytes_text(end / ROWS * (uint64_t)(row + 1), size), line);
    }
    cli_line("%s", "");
    cli_line("    %-40s  %-8s  %10s  %s", "block", "holds", "size", "steps");
    for (int i = 0; i < result->n_blocks && i < LETTERS; i++) {
        const struct gn_bench_block *b = &result->blocks[i];
        cli_line("%c   %-40s  %-8s  %10s  %d to %d", 'A' + i, b->name, b->what,
                 gn_bytes_text(b->bytes, size), b->first, b->last);
    }
}

json_t *cli_bench_memory_json(const struct gn_bench_result *result)
{
    json_t *list = json_array();
    for (int i = 0; i < result->n_blocks; i++) {
        const struct gn_bench_block *b = &result->blocks[i];
        json_t *row = json_object();
        json_object_set_new(row, "name", cli_json_text(b->name));
        json_object_set_new(row, "holds", json_string(b->what));
        json_object_set_new(row, "offset", json_integer((json_int_t)b->offset));
        json_object_set_new(row, "bytes", json_integer((json_int_t)b->bytes));
        json_object_set_new(row, "first", json_integer(b->first));
        json_object_set_new(row, "last", json_integer(b->last));
        json_array_append_new(list, row);
    }
    return list;
}
