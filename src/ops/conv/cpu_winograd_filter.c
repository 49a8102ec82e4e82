/*
 * Gradient of weights and bias by Winograd's minimal filtering, the adjoint of the forward pass
 * (cpu/winograd.h). Compiled once for each instruction set.
 *
 *   dw = E_r^T D [ sum over tiles (E_m dy E_m^T) . (B^T x B) ] D E_r
 *
 * As in the direct version a unit owns a block of input and of output channels and walks over all
 * tiles in chunks: it transforms its channels of x and dy and multiplies position by position. The
 * products of a line of n positions are transformed back along it while they are in L2, since all
 * n * n of them would not fit; what is left of each line, r matrices, is added up over the chunks
 * and transformed along the other axis once at the end. Chunks are short, so that long sums are
 * sums of short ones.
 */
#include "cpu/tile_product.h"
#include "ops/conv/winograd_cpu.h"

enum {
    CHUNK_TILES = 64,
    UNIT_ROWS = 80,
    UNIT_COLUMNS = 128,
    LINE_COLUMNS = 64 /* of the products of a line: with UNIT_ROWS rows they stay in L2 */
};

/* How the channels are cut. Units only decide who computes what. */
struct cut {
    int rows, columns, row_units, column_units;
};

static struct cut cut_work(const struct gn_args *a)
{
    const int c = a->g.c, oc = a->g.oc;
    struct cut k = { .row_units = divide_up(c, UNIT_ROWS),
                     .column_units = divide_up(oc, UNIT_COLUMNS) };
    while (k.row_units * k.column_units < a->threads && oc / (2 * k.column_units) >= 2 * NR)
        k.column_units *= 2;
    k.rows = divide_up(divide_up(c, k.row_units), VL) * VL;
    k.columns = divide_up(divide_up(oc, k.column_units), NR) * NR;
    k.row_units = divide_up(c, k.rows);
    k.column_units = divide_up(oc, k.columns);
    return k;
}

/* Floats between two positions of a chunk with that many channels, and of the sums. */
static size_t chunk_step(int channels)
{
    return position_step(CHUNK_TILES * (size_t)channels);
}

static size_t sum_step(const struct cut *k)
{
    return position_step((size_t)k->rows * (size_t)k->columns);
}

static size_t line_step(const struct cut *k)
{
    return position_step((size_t)(k->rows + MR) * LINE_COLUMNS);
}

/* A unit's channels and the parts of its scratch. */
struct unit {
    int i0, n_rows, j0, n_columns;
    float *x;    /* [position][tile][rows] */
    float *dy;   /* [position][panel][tile][NR] */
    float *line; /* [position of a line][rows][LINE_COLUMNS] */
    float *sum;  /* [line][tap of a line][rows][columns] */
};

/* Its channels alone. */
static struct unit channels_of(const struct gn_args *a, const struct cut *k, int index)
{
    struct unit u = { .x = NULL };
    u.i0 = index / k->column_units * k->rows;
    u.j0 = index % k->column_units * k->columns;
    u.n_rows = a->g.c - u.i0 < k->rows ? a->g.c - u.i0 : k->rows;
    u.n_columns = a->g.oc - u.j0 < k->columns ? a->g.oc - u.j0 : k->columns;
    return u;
}

static struct unit unit_at(const struct gn_args *a, const struct cut *k, int n, int index,
                           float *scratch)
{
    struct unit u = channels_of(a, k, index);
    u.x = scratch;
    u.dy = u.x + (size_t)(n * n) * chunk_step(k->rows) + 2 * NR;
    u.line = u.dy + (size_t)(n * n) * chunk_step(k->columns);
    u.sum = u.line + (size_t)n * line_step(k);
    return u;
}

static int filter_units(const struct gn_args *a, const struct gn_run *run)
{
    (void)run;
    const struct cut k = cut_work(a);
    return k.row_units * k.column_units;
}

static size_t filter_bytes(const struct gn_args *a)
{
    const struct cut k = cut_work(a);
    const int n = a->tile + a->g.kh - 1;
    const size_t chunk = (size_t)(n * n) * (chunk_step(k.rows) + chunk_step(k.columns));
    const size_t sums = (size_t)n * line_step(&k) + (size_t)(n * a->g.kh) * sum_step(&k);
    return (chunk + sums + 4 * NR) * sizeof(float);
}

/* The unit's channels of x from tile number `first` of the batch on, transformed. */
INLINE void transform_x(const struct gn_args *a, const struct cut *k, const struct unit *u, int n,
                        const struct tiling *map, int first, int tiles)
{
    const float *squares[2][N_MAX * N_MAX]; /* this tile's and the next one's pixels */
    for (int t = 0; t <= tiles; t++) {
        const float **next = squares[t % 2];
        struct corner at = corner_of(map, first + (t < tiles ? t : tiles - 1));
        at.y -= a->g.pad_top;
        at.x -= a->g.pad_left;
        square_pixels(&a->x, a->g.h, a->g.w, n, at, a->zeros, next);
        for (int c = 0; t > 0 && c < u->n_rows; c += VL) {
            const float *const *now = squares[(t - 1) % 2];
            float *to = u->x + (ptrdiff_t)(t - 1) * k->rows + c;
            if (lanes_at(c, u->n_rows) == VL)
                transform_data_2d(n, VL, now, next, u->i0 + c, to, chunk_step(k->rows));
            else
                transform_data_2d(n, 8, now, next, u->i0 + c, to, chunk_step(k->rows));
        }
    }
}

/* The same of dy at the points; the pixels are added up in `db`. */
INLINE void transform_dy(const struct gn_args *a, const struct cut *k, const struct unit *u, int n,
                         int m, const struct tiling *map, int first, int tiles, float *db)
{
    const float *squares[2][N_MAX * N_MAX];
    for (int t = 0; t <= tiles; t++) {
        const float **next = squares[t % 2];
        const struct corner at = corner_of(map, first + (t < tiles ? t : tiles - 1));
        square_pixels(&a->dy, a->g.oh, a->g.ow, m, at, a->zeros, next);
        for (int c = 0; t > 0 && c < u->n_columns; c += VL) {
            float *to = u->dy + ((ptrdiff_t)(c / NR) * CHUNK_TILES + t - 1) * NR + c % NR;
            const float *const *now = squares[(t - 1) % 2];
            const size_t step = chunk_step(k->columns);
            const vf sum = lanes_at(c, u->n_columns) == VL
                               ? at_points_2d(n, m, false, VL, now, next, u->j0 + c, to, step)
                               : at_points_2d(n, m, false, 8, now, next, u->j0 + c, to, step);
            store(db + c, load(db + c) + sum);
        }
    }
}

/* product = x^T dy of position p over the tiles of a chunk, for columns [j0, j0 + columns) of the
 * unit. The next position's x and dy are fetched meanwhile. */
static void multiply(const struct cut *k, const struct unit *u, int p, int next, int tiles, int j0,
                     int columns, float *product)
{
    const size_t x_step = chunk_step(k->rows), dy_step = chunk_step(k->columns);
    const float *dy = u->dy + (size_t)j0 * CHUNK_TILES;
    const struct left x = { u->x + (size_t)p * x_step, k->rows };
    const int all = product_tiles(u->n_rows) * divide_up(columns, NR);
    struct ahead next_x =
        ahead_of(false, u->x + (size_t)next * x_step, (ptrdiff_t)tiles * k->rows, all);
    struct ahead next_dy =
        ahead_of(false, dy + (size_t)next * dy_step, (ptrdiff_t)columns * CHUNK_TILES, all);
    for (int j = 0; j < columns; j += NR)
        multiply_panel(false, true, x, u->n_rows, tiles,
                       dy + (size_t)p * dy_step + (size_t)j * CHUNK_TILES, NR, product + j,
                       LINE_COLUMNS, &next_x, &next_dy);
}

/* Transforms the products of a line along it and adds them to its sums. */
INLINE void add_line(const struct cut *k, const struct unit *u, int n, int r, int line, int j0,
                     int columns, bool first)
{
    const size_t step = sum_step(k);
    for (int i = 0; i < u->n_rows; i++) {
        const float *from = u->line + i * LINE_COLUMNS;
        float *to = u->sum + (size_t)(line * r) * step + (size_t)i * (size_t)k->columns + j0;
        for (int j = 0; j < columns; j += VL) {
            vf y[N_MAX];
            from_points_line(n, r, true, from + j, line_step(k), y);
            UNROLL
            for (int q = 0; q < r; q++) {
                float *t = to + (size_t)q * step + j;
                store(t, first ? y[q] : load(t) + y[q]);
            }
        }
    }
}

/* What the tiles of a chunk add to the sums. */
INLINE void add_chunk(const struct cut *k, const struct unit *u, int n, int r, int tiles,
                      bool first)
{
    for (int j0 = 0; j0 < u->n_columns; j0 += LINE_COLUMNS) {
        const int columns = u->n_columns - j0 < LINE_COLUMNS ? u->n_columns - j0 : LINE_COLUMNS;
        for (int line = 0; line < n; line++) {
            for (int i = 0; i < n; i++) {
                const int p = line * n + i;
                multiply(k, u, p, p + 1 < n * n ? p + 1 : p, tiles, j0, columns,
                         u->line + (size_t)i * line_step(k));
            }
            add_line(k, u, n, r, line, j0, columns, first);
        }
    }
}

/* Transforms the unit's sums along the other axis into dw. */
INLINE void transform_sums(const struct gn_args *a, const struct cut *k, const struct unit *u,
                           int n, int r)
{
    const size_t step = sum_step(k), tap = (size_t)a->g.c * (size_t)a->g.oc;
    for (int i = 0; i < u->n_rows; i++) {
        for (int j = 0; j < u->n_columns; j += VL) {
            const float *from = u->sum + (size_t)i * (size_t)k->columns + j;
            float *dw = a->dw + (size_t)(u->i0 + i) * (size_t)a->g.oc + u->j0 + j;
            LOOP
            for (int q = 0; q < r; q++, from += step) {
                vf y[N_MAX];
                from_points_line(n, r, true, from, (size_t)r * step, y);
                UNROLL
                for (int t = 0; t < r; t++)
                    store_some(dw + (size_t)(t * r + q) * tap, y[t], lanes_at(j, u->n_columns));
            }
        }
    }
}

INLINE void run_unit(const struct gn_args *a, const struct gn_run *run, int m, int r, int index,
                     void *scratch)
{
    const int n = m + r - 1;
    const struct cut k = cut_work(a);
    const struct unit u = unit_at(a, &k, n, index, scratch);
    const struct tiling map = { a->g.oh, a->g.ow, m };
    const int all = tiles_of(&map, run->n);
    float total[UNIT_COLUMNS + NR] = { 0 };
    for (int t0 = 0; t0 < all; t0 += CHUNK_TILES) {
        const int tiles = all - t0 < CHUNK_TILES ? all - t0 : CHUNK_TILES;
        float db[UNIT_COLUMNS + NR] = { 0 };
        transform_x(a, &k, &u, n, &map, t0, tiles);
        transform_dy(a, &k, &u, n, m, &map, t0, tiles, db);
        add_chunk(&k, &u, n, r, tiles, t0 == 0);
        for (int j = 0; j < u.n_columns; j++)
            total[j] += db[j];
    }
    transform_sums(a, &k, &u, n, r);
    for (int j = 0; u.i0 == 0 && a->db != NULL && j < u.n_columns; j++)
        a->db[u.j0 + j] = total[j];
}

static void filter(const struct gn_args *a, const struct gn_run *run, int unit, void *scratch)
{
    switch (a->tile * 10 + a->g.kh) {
    case 43:
        run_unit(a, run, 4, 3, unit, scratch);
        break;
    case 63:
        run_unit(a, run, 6, 3, unit, scratch);
        break;
    case 25:
        run_unit(a, run, 2, 5, unit, scratch);
        break;
    default:
        run_unit(a, run, 4, 5, unit, scratch);
        break;
    }
}

static void filter_region(const struct gn_args *a, int unit, struct gn_region *r)
{
    const struct cut k = cut_work(a);
    const struct unit u = channels_of(a, &k, unit);
    *r = (struct gn_region){ .first = (size_t)u.i0 * (size_t)a->g.oc + (size_t)u.j0,
                             .tap_stride = (size_t)a->g.c * (size_t)a->g.oc,
                             .row_stride = (size_t)a->g.oc,
                             .taps = a->g.kh * a->g.kw,
                             .rows = u.n_rows,
                             .columns = u.n_columns,
                             .bias = u.j0,
                             .biases = u.i0 == 0 && a->db != NULL ? u.n_columns : 0 };
}

void GN_ISA_FUNCTION(gn_winograd_filter_kernels)(struct gn_kernel *row)
{
    row[GN_PASS_GRADIENT] = (struct gn_kernel){ .name = "winograd",
                                                .units = filter_units,
                                                .run = filter,
                                                .region = filter_region,
                                                .scratch_bytes = filter_bytes };
}
