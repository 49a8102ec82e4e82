/* labels: quick
 *
 * Pillow's filter: every kernel set gives the reference's numbers, for any number of channels, taps
 * and pixels, and stays inside of its rows. GN_CASE=NUMBER runs one case alone. */
#include "base/memory.h"
#include "kernels/kernels.h"
#include "picture/filter.h"
#include "support/check.h"

#include <string.h>

enum { CASES = 400, MOST = 64, ROWS = GN_FILTER_ROWS, ONE = 1 << GN_FILTER_BITS };

struct case_data {
    int w, c;
    struct gn_filter_axis axis;
    uint8_t *rows[ROWS]; /* exactly w*c bytes each */
    int32_t *wide;
};

/* Weights of one output, with the sum 1: random parts of what is left. */
static void fill_weights(int32_t *weights, int taps, uint64_t stream, uint64_t number)
{
    int32_t left = ONE;
    for (int j = 0; j < taps; j++) {
        weights[j] =
            j + 1 < taps ? draw_below(stream, 1000 + number + (uint64_t)j, left + 1) : left;
        left -= weights[j];
    }
}

static struct case_data make_case(uint64_t stream)
{
    struct case_data d = { .w = 1 + draw_below(stream, 0, MOST),
                           .c = 1 + draw_below(stream, 1, 4) };
    struct gn_filter_axis *a = &d.axis;
    a->n = 1 + draw_below(stream, 2, MOST);
    a->taps = 1 + draw_below(stream, 3, d.w < 9 ? d.w : 9);
    a->first = gn_calloc((size_t)a->n, sizeof *a->first, "a test");
    a->weights = gn_calloc((size_t)(a->n * a->taps), sizeof *a->weights, "a test");
    d.wide = gn_calloc((size_t)(d.w * ROWS * GN_FILTER_LANES), sizeof *d.wide, "a test");
    assert_true(a->first != NULL && a->weights != NULL && d.wide != NULL);
    for (int i = 0; i < a->n; i++) {
        a->first[i] = draw_below(stream, 100 + (uint64_t)i, d.w - a->taps + 1);
        fill_weights(a->weights + i * a->taps, a->taps, stream, (uint64_t)(i * a->taps));
    }
    for (int r = 0; r < ROWS; r++) {
        d.rows[r] = gn_alloc((size_t)(d.w * d.c), "a test");
        assert_non_null(d.rows[r]);
        for (int k = 0; k < d.w * d.c; k++) /* a third of the pixels black or white */
            d.rows[r][k] = draw_below(stream, 5000 + (uint64_t)k, 3) == 0
                               ? (uint8_t)(255 * (k % 2))
                               : (uint8_t)draw_below(stream, 9000 + (uint64_t)(r * 1000 + k), 256);
    }
    return d;
}

static void free_case(struct case_data *d)
{
    gn_free(d->axis.first);
    gn_free(d->axis.weights);
    gn_free(d->wide);
    for (int r = 0; r < ROWS; r++)
        gn_free(d->rows[r]);
}

/* Both passes; `numbers` gets the rows behind the first one, [ROWS][n*c], `bytes` a row of bytes. */
static bool run(enum gn_isa isa, const struct case_data *d, int32_t *numbers, uint8_t *bytes)
{
    static int32_t room[ROWS][MOST * 4 + GN_FILTER_LANES + 1];
    const int n = d->axis.n * d->c, guard = n + GN_FILTER_LANES, taps = d->axis.taps;
    int32_t *to[ROWS];
    const uint8_t *from[ROWS];
    const int32_t *sources[9];
    for (int r = 0; r < ROWS; r++) {
        to[r] = room[r];
        from[r] = d->rows[r];
        room[r][guard] = -12345;
    }
    gn_filter_kernels(isa)->along_x(to, from, &d->axis, d->w, d->c, d->wide);
    bool clean = true;
    for (int r = 0; r < ROWS; r++) {
        clean = clean && room[r][guard] == -12345;
        memcpy(numbers + r * n, room[r], (size_t)n * sizeof *numbers);
    }
    for (int j = 0; j < taps; j++)
        sources[j] = room[j % ROWS];
    bytes[n] = 77;
    gn_filter_kernels(isa)->along_y(bytes, sources, d->axis.weights, taps, (size_t)n);
    return clean && bytes[n] == 77;
}

static void sets_give_the_numbers_of_the_reference(void **state)
{
    (void)state;
    static int32_t wanted[ROWS * MOST * 4], numbers[ROWS * MOST * 4];
    static uint8_t wanted_bytes[MOST * 4 + 1], bytes[MOST * 4 + 1];
    int first, last;
    case_range(CASES, &first, &last);
    for (int number = first; number < last; number++) {
        struct case_data d = make_case((UINT64_C(31) << 32) + (uint64_t)number);
        const size_t n = (size_t)(d.axis.n * d.c);
        assert_true(run(GN_ISA_SET_REFERENCE, &d, wanted, wanted_bytes));
        for (int i = GN_ISA_SET_GENERIC; i < GN_ISA_SETS; i++) {
            const enum gn_isa isa = (enum gn_isa)i;
            if (gn_isa_can_run(isa) && (!run(isa, &d, numbers, bytes) ||
                                        memcmp(numbers, wanted, ROWS * n * sizeof *numbers) != 0 ||
                                        memcmp(bytes, wanted_bytes, n) != 0))
                case_failed("test_kernels_filter", number, gn_isa_name(isa));
        }
        free_case(&d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(sets_give_the_numbers_of_the_reference) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
