/*
 * Gradient of weights and bias by Winograd's minimal filtering, the adjoint of the forward pass
 * (cpu/winograd.h). Compiled once for each instruction set.
 *
 *   dw = E_r^T D [ sum over tiles (E_m dy E_m^T) . (B^T x B) ] D E_r
 *
 * As in the direct version a unit owns a block of input and of output channels and walks over all
 * tiles in chunks: it transforms its channels of x and dy, adds position by position to the sums
 * of its scratch, and transforms these back once at the end. Chunks are short, so that long sums
 * are sums of short ones.
 */
#include "cpu/tile_pixels.h"
#include "ops/conv/winograd_cpu.h"

enum { CHUNK_TILES = 64, UNIT_ROWS = 80, UNIT_COLUMNS = 128 };

/* How the channels are cut. Units only decide who computes what. */
struct cut {
    int rows, columns, row_units, column_units;
};

static int divide_up(int a, int b)
{
    return (a + b - 1) / b;
}

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

/* A unit's channels and the parts of its scratch. */
struct unit {
    int i0, n_rows, j0, n_columns;
    float *x;   /* [position][tile][rows] */
    float *dy;  /* [position][panel][tile][NR] */
    float *sum; /* [position][rows][columns] */
};

static struct unit unit_at(const struct gn_args *a, const struct cut *k, int n, int index,
                           float *scratch)
{
    struct unit u;
    u.i0 = index / k->column_units * k->rows;
    u.j0 = index % k->column_units * k->columns;
    u.n_rows = a->g.c - u.i0 < k->rows ? a->g.c - u.i0 : k->rows;
    u.n_columns = a->g.oc - u.j0 < k->columns ? a->g.oc - u.j0 : k->columns;
    u.x = scratch;
    u.dy = u.x + (size_t)(n * n) * chunk_step(k->rows) + 2 * NR;
    u.sum = u.dy + (size_t)(n * n) * chunk_step(k->columns);
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
    const size_t floats = chunk_step(k.rows) + chunk_step(k.columns) + sum_step(&k);
    return ((size_t)(n * n) * floats + 4 * NR) * sizeof(float);
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
        for (int c = 0; t > 0 && c < u->n_rows; c += VL)
            transform_data_2d(n, squares[(t - 1) % 2], next, u->i0 + c,
                              u->x + (ptrdiff_t)(t - 1) * k->rows + c, chunk_step(k->rows));
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
            const vf sum = at_points_2d(n, m, false, squares[(t - 1) % 2], next, u->j0 + c, to,
                                        chunk_step(k->columns));
            store(db + c, load(db + c) + sum);
        }
    }
}

/* sum[position] += x[position]^T dy[position] over the tiles of a chunk. */
static void add_products(const struct cut *k, const struct unit *u, int positions, int tiles,
                         bool first)
{
    struct pixel_pair at[CHUNK_TILES];
    for (int t = 0; t < tiles; t++)
        at[t] = (struct pixel_pair){ t * k->rows, t };
    for (int p = 0; p < positions; p++) {
        const float *x = u->x + (size_t)p * chunk_step(k->rows);
        const float *dy = u->dy + (size_t)p * chunk_step(k->columns);
        float *sum = u->sum + (size_t)p * sum_step(k);
        for (int j = 0; j < u->n_columns; j += NR) {
            struct tile_end e = { .ldy = k->columns, .n_columns = NR, .accumulate = !first };
            for (int i = 0; i < u->n_rows; i += MR) {
                e.n_rows = u->n_rows - i < MR ? u->n_rows - i : MR;
                e.y = sum + (size_t)i * (size_t)k->columns + j;
                tile_pixels(x + i, dy + (size_t)j * CHUNK_TILES, at, tiles, &e);
            }
        }
    }
}

/* Transforms the unit's sums back into dw. */
INLINE void transform_sums(const struct gn_args *a, const struct cut *k, const struct unit *u,
                           int n, int r, bool first)
{
    const size_t step = sum_step(k);
    for (int i = 0; i < u->n_rows; i++) {
        for (int j = 0; j < u->n_columns; j += VL) {
            const float *from = u->sum + (size_t)i * (size_t)k->columns + j;
            float *dw = a->dw + (size_t)(u->i0 + i) * (size_t)a->g.oc + u->j0 + j;
            vf t[N_MAX * N_MAX];
            from_points_columns(n, r, true, from, step, t);
            LOOP
            for (int p = 0; p < r; p++) {
                vf y[N_MAX];
                from_points_row(n, r, true, t, p, y);
                UNROLL
                for (int q = 0; q < r; q++, dw += (size_t)a->g.c * (size_t)a->g.oc)
                    store(dw, first ? y[q] : load(dw) + y[q]);
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
        add_products(&k, &u, n * n, tiles, t0 == 0);
        for (int j = 0; j < u.n_columns; j++)
            total[j] += db[j];
    }
    transform_sums(a, &k, &u, n, r, run->first);
    for (int j = 0; u.i0 == 0 && a->db != NULL && j < u.n_columns; j++)
        a->db[u.j0 + j] = run->first ? total[j] : a->db[u.j0 + j] + total[j];
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

void GN_ISA_FUNCTION(gn_winograd_filter_kernels)(struct gn_kernel_set *set)
{
    set->table[GN_KERNEL_WINOGRAD_BACK_FILTER] =
        (struct gn_kernel){ "winograd", filter_units, filter, filter_bytes };
}
