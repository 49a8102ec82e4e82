/*
 * The forward pass of cpu_bytes.c with tiles of TILE_ROWS pixels by up to two vectors of output channels, whose
 * products TILE_DOT sums. Included once for each way to do that, with the names that TILE_NAME makes.
 */

enum { TILE_NAME(TILES) = 96 / TILE_ROWS + (96 % TILE_ROWS > 0) };
enum { TILE_NAME(BLOCK) = TILE_NAME(TILES) * TILE_ROWS };

/* Pointers of a block of rows, as in cpu.c. */
struct TILE_NAME(block) {
    const uint8_t **rows; /* [TILES][taps][TILE_ROWS] */
    int *taps, *n_taps;   /* [TILES][taps], [TILES] */
};

static size_t TILE_NAME(block_bytes)(const struct gn_args *a)
{
    const size_t taps = (size_t)(a->g.kh * a->g.kw);
    return TILE_NAME(BLOCK) * taps * sizeof(uint8_t *) +
           TILE_NAME(TILES) * (taps + 1) * sizeof(int) + 256;
}

/* The pointers of one tile, tap by tap, without taps that are outside for all rows. */
static void TILE_NAME(fill)(const struct gn_args *a, int first, int n_rows, const uint8_t **rows,
                            int *taps, int *n_taps)
{
    const struct gn_geometry *g = &a->g;
    const uint8_t *const x = (const uint8_t *)(const void *)a->x.data;
    const uint8_t *const zeros = (const uint8_t *)(const void *)a->zeros;
    int y[TILE_ROWS], left[TILE_ROWS], n = 0;
    const uint8_t *image[TILE_ROWS];
    for (int i = 0; i < n_rows; i++) {
        const int row = first + i;
        image[i] =
            x + (size_t)(row / (g->oh * g->ow)) * (size_t)g->h * (size_t)g->w * (size_t)a->x.ld;
        y[i] = row / g->ow % g->oh * g->stride_h - g->pad_top;
        left[i] = row % g->ow * g->stride_w - g->pad_left;
    }
    for (int r = 0; r < g->kh; r++) {
        for (int s = 0; s < g->kw; s++) {
            bool any = false;
            for (int i = 0; i < TILE_ROWS; i++) {
                const bool inside = i < n_rows && y[i] + r >= 0 && y[i] + r < g->h &&
                                    left[i] + s >= 0 && left[i] + s < g->w;
                any |= inside;
                rows[n * TILE_ROWS + i] =
                    inside
                        ? image[i] + ((size_t)(y[i] + r) * (size_t)g->w + (size_t)(left[i] + s)) *
                                         (size_t)a->x.ld
                        : zeros;
            }
            if (any)
                taps[n++] = r * g->kw + s;
        }
    }
    *n_taps = n;
}

/* Four channels of each row. */
INLINE void TILE_NAME(step)(int nv, vi acc[TILE_ROWS][2], const uint8_t *const *row, ptrdiff_t at,
                            const int8_t *b)
{
    vi column[2];
    UNROLL
    for (int j = 0; j < nv; j++)
        column[j] = load_ints(b + (ptrdiff_t)j * VL * 4);
    UNROLL
    for (int i = 0; i < TILE_ROWS; i++) {
        const vi four = splat_four(row[i] + at);
        UNROLL
        for (int j = 0; j < nv; j++)
            acc[i][j] = TILE_DOT(acc[i][j], four, column[j]);
        KEEP_ROW_ORDER;
    }
    KEEP_ORDER;
}

/* Whole vectors. */
INLINE void TILE_NAME(finish_rows)(int nv, vi acc[TILE_ROWS][2], const struct byte_end *e,
                                   bool is_float)
{
    UNROLL
    for (int i = 0; i < TILE_ROWS; i++) {
        if (i >= e->n_rows)
            return;
        UNROLL
        for (int j = 0; j < nv; j++)
            finish_vector(e, acc[i][j], i, j * VL, VL, is_float);
    }
}

INLINE void TILE_NAME(finish)(int nv, vi acc[TILE_ROWS][2], const struct byte_end *end)
{
    const struct byte_end e = *end; /* for the compiler, a store to y might change *end */
    if (e.n_columns == nv * VL && e.is_float) {
        TILE_NAME(finish_rows)(nv, acc, &e, true);
        return;
    }
    if (e.n_columns == nv * VL) {
        TILE_NAME(finish_rows)(nv, acc, &e, false);
        return;
    }
    vi sums[TILE_ROWS][2];
    UNROLL
    for (int i = 0; i < TILE_ROWS; i++) {
        UNROLL
        for (int j = 0; j < nv; j++)
            sums[i][j] = acc[i][j];
    }
    for (int i = 0; i < e.n_rows; i++)
        for (int j = 0; j * VL < e.n_columns; j++) {
            const int n = e.n_columns - j * VL < VL ? e.n_columns - j * VL : VL;
            finish_vector(&e, sums[i][j], i, j * VL, n, e.is_float);
        }
}

INLINE void TILE_NAME(tile_body)(int nv, const uint8_t *const *rows, const int *taps, int n_taps,
                                 int fours, const int8_t *b, const int8_t *ahead,
                                 const struct byte_end *e)
{
    enum { TOGETHER = 4 };
    vi acc[TILE_ROWS][2];
    UNROLL
    for (int i = 0; i < TILE_ROWS; i++) {
        UNROLL
        for (int j = 0; j < nv; j++)
            acc[i][j] = (vi){ 0 };
    }
    for (int t = 0; t < n_taps; t++) {
        const uint8_t *row[TILE_ROWS];
        UNROLL
        for (int i = 0; i < TILE_ROWS; i++)
            row[i] = rows[t * TILE_ROWS + i];
        const int8_t *bt = b + (size_t)taps[t] * (size_t)fours * (size_t)(nv * VL * 4);
        int k = 0;
        for (; k + TOGETHER <= fours; k += TOGETHER, bt += TOGETHER * nv * VL * 4, ahead += 64) {
            __builtin_prefetch(ahead, 0, 2);
            UNROLL
            for (int u = 0; u < TOGETHER; u++)
                TILE_NAME(step)
            (nv, acc, row, 4 * (ptrdiff_t)(k + u), bt + (ptrdiff_t)u * nv * VL * 4);
        }
        for (; k < fours; k++, bt += nv * VL * 4)
            TILE_NAME(step)(nv, acc, row, 4 * (ptrdiff_t)k, bt);
    }
    TILE_NAME(finish)(nv, acc, e);
}

static __attribute__((noinline)) void TILE_NAME(tile)(const uint8_t *const *rows, const int *taps,
                                                      int n_taps, int fours, const int8_t *b,
                                                      const int8_t *ahead, const struct byte_end *e)
{
    if (e->n_columns > VL)
        TILE_NAME(tile_body)(2, rows, taps, n_taps, fours, b, ahead, e);
    else
        TILE_NAME(tile_body)(1, rows, taps, n_taps, fours, b, ahead, e);
}

static int TILE_NAME(shares)(const struct gn_args *a, int rows)
{
    return column_shares(a->g.oc, divide_up(rows, TILE_NAME(BLOCK)), 4 * a->threads);
}

static int TILE_NAME(forward_units)(const struct gn_args *a, const struct gn_run *r)
{
    const int rows = r->n * a->g.oh * a->g.ow;
    return divide_up(rows, TILE_NAME(BLOCK)) * TILE_NAME(shares)(a, rows);
}

/* Columns [begin, end) of the tiles of a block whose first row is number `first`. */
static void TILE_NAME(multiply)(const struct gn_args *a, const struct TILE_NAME(block) * b,
                                int first, int n_rows, int begin, int end)
{
    const struct layer l = layer_in(a);
    const int taps = a->g.kh * a->g.kw, k = taps * a->g.c;
    const bool is_float = a->scales.out <= 0;
    for (int j = begin; j < end; j += NR) {
        struct byte_end e = { .ldy = a->y.ld,
                              .n_columns = end - j < NR ? end - j : NR,
                              .factor = l.factor + j,
                              .bias = l.bias + j,
                              .is_float = is_float,
                              .relu = a->relu };
        const int8_t *panel = l.weights + (size_t)j * (size_t)k;
        for (int t = 0; t * TILE_ROWS < n_rows; t++) {
            const size_t at = (size_t)(first + t * TILE_ROWS) * (size_t)a->y.ld + (size_t)j;
            e.n_rows = n_rows - t * TILE_ROWS < TILE_ROWS ? n_rows - t * TILE_ROWS : TILE_ROWS;
            e.y = is_float ? (void *)(a->y.data + at) : (void *)((uint8_t *)(void *)a->y.data + at);
            TILE_NAME(tile)
            (b->rows + (size_t)t * (size_t)taps * TILE_ROWS, b->taps + t * taps, b->n_taps[t],
             a->g.c / 4, panel, panel + (size_t)k * NR + (size_t)t * ((size_t)k / 4) * 16, &e);
        }
    }
}

static void TILE_NAME(forward)(const struct gn_args *a, const struct gn_run *run, int unit,
                               void *scratch)
{
    const struct gn_geometry *g = &a->g;
    const int all = run->n * g->oh * g->ow, shares = TILE_NAME(shares)(a, all);
    const int first = unit / shares * TILE_NAME(BLOCK);
    const int n_rows = all - first < TILE_NAME(BLOCK) ? all - first : TILE_NAME(BLOCK);
    const size_t taps = (size_t)(g->kh * g->kw);
    int begin, end;
    struct TILE_NAME(block) b = { .rows = scratch };
    b.taps = (int *)(void *)(b.rows + TILE_NAME(BLOCK) * taps);
    b.n_taps = b.taps + TILE_NAME(TILES) * taps;
    columns_of_share(g->oc, shares, unit % shares, &begin, &end);
    if (begin >= end)
        return;
    for (int t = 0; t * TILE_ROWS < n_rows; t++) {
        const int m = n_rows - t * TILE_ROWS < TILE_ROWS ? n_rows - t * TILE_ROWS : TILE_ROWS;
        TILE_NAME(fill)
        (a, first + t * TILE_ROWS, m, b.rows + (size_t)t * taps * TILE_ROWS,
         b.taps + (size_t)t * taps, b.n_taps + t);
    }
    TILE_NAME(multiply)(a, &b, first, n_rows, begin, end);
}

#undef TILE_NAME
#undef TILE_DOT
#undef TILE_ROWS
