#include "optimizer/muon.h"

#include "base/memory.h"
#include "base/team.h"
#include "base/threads.h"
#include "ops/kernels.h"
#include "ops/table.h"
#include "optimizer/elements.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

enum { TURNS = 5, BLOCK_FLOATS = 16384, TILE = 16 };

/* x -> a x + b x^3 + c x^5, whose slope at 0 is steep (the coefficients of the post). */
static const float A = 3.4445F, B = -4.7750F, C = 2.0315F;
static const float LEAST_NORM = 1e-7F;

struct gn_muon {
    const struct gn_kernel_set *kernels;
    int threads;
    float *x, *next; /* s x l: the matrix, or its transpose, of fewer rows than columns */
    float *square, *polynomial, *fourth; /* s x s */
    float *packed, *zeros;
    char *scratch; /* of each thread */
    size_t scratch_bytes;
};

/* The 1x1 convolution of m pixels of k channels to n channels, which is the product of m x k and k x n. */
static struct gn_geometry geometry(int m, int k, int n)
{
    return (struct gn_geometry){ .h = 1,
                                 .w = m,
                                 .c = k,
                                 .oh = 1,
                                 .ow = m,
                                 .oc = n,
                                 .kh = 1,
                                 .kw = 1,
                                 .stride_h = 1,
                                 .stride_w = 1 };
}

/* ---- Products ---- */

/* A pass whose units the threads take. */
struct work {
    const struct gn_muon *muon;
    const struct gn_kernel *kernel;
    struct gn_args args;
    struct gn_run run;
    atomic_int next;
};

static void take_units(struct gn_team *team, int thread, void *argument)
{
    (void)team;
    struct work *w = argument;
    const int units = w->kernel->units(&w->args, &w->run);
    const unsigned state = gn_float_enter();
    for (int u = atomic_fetch_add(&w->next, 1); u < units; u = atomic_fetch_add(&w->next, 1))
        w->kernel->run(&w->args, &w->run, u,
                       w->muon->scratch + (size_t)thread * w->muon->scratch_bytes);
    gn_float_leave(state);
}

static void run_pass(const struct gn_muon *m, enum gn_pass pass, const struct gn_args *args)
{
    struct work work = { .muon = m,
                         .kernel = &m->kernels->table[GN_OP_CONV][pass],
                         .args = *args,
                         .run = { .n = 1, .batch = 1 } };
    gn_team_run(m->threads, take_units, &work);
}

/* y = left * right, of rows x inner and inner x columns. */
static void multiply(const struct gn_muon *m, float *y, float *left, const float *right, int rows,
                     int inner, int columns)
{
    const struct gn_args args = { .g = geometry(rows, inner, columns),
                                  .x = { left, inner },
                                  .y = { y, columns },
                                  .w = right,
                                  .packed = m->packed,
                                  .zeros = m->zeros,
                                  .threads = m->threads };
    run_pass(m, GN_PASS_PACK, &args);
    run_pass(m, GN_PASS_FORWARD, &args);
}

/* y = x * x^T, of rows x inner: what a 1x1 convolution computes backward, with x as gradient and as weights. */
static void multiply_transposed(const struct gn_muon *m, float *y, float *x, int rows, int inner)
{
    const struct gn_args args = { .g = geometry(rows, rows, inner),
                                  .dy = { x, inner },
                                  .dx = { y, rows },
                                  .w = x,
                                  .packed_back = m->packed,
                                  .zeros = m->zeros,
                                  .threads = m->threads };
    run_pass(m, GN_PASS_PACK_BACK, &args);
    run_pass(m, GN_PASS_BACK, &args);
}

/* ---- Elements ---- */

struct blend {
    float *to;
    const float *x, *y;
    float a, b;
    size_t n;
};

/* to = a x + b y */
static void blend_block(void *argument, size_t block)
{
    const struct blend *p = argument;
    const size_t first = block * BLOCK_FLOATS, left = p->n - first;
    const unsigned state = gn_float_enter();
    gn_each_blend(p->to + first, p->x + first, p->y + first,
                  left < BLOCK_FLOATS ? left : BLOCK_FLOATS, p->a, p->b);
    gn_float_leave(state);
}

static void blend(const struct gn_muon *m, float *to, float a, const float *x, float b,
                  const float *y, size_t n)
{
    struct blend p = { to, x, y, a, b, n };
    gn_parallel(m->threads, (n + BLOCK_FLOATS - 1) / BLOCK_FLOATS, blend_block, &p);
}

/* to[j][i] = from[i][j], a tile after the other. */
static void transpose(float *to, const float *from, int rows, int columns)
{
    for (int i0 = 0; i0 < rows; i0 += TILE)
        for (int j0 = 0; j0 < columns; j0 += TILE)
            for (int i = i0; i < rows && i < i0 + TILE; i++)
                for (int j = j0; j < columns && j < j0 + TILE; j++)
                    to[(size_t)j * (size_t)rows + (size_t)i] =
                        from[(size_t)i * (size_t)columns + (size_t)j];
}

/* ---- The whole ---- */

static size_t most(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* What kernels need for a product of these sizes. */
static void measure(const struct gn_muon *m, struct gn_geometry g, size_t *packed, size_t *scratch)
{
    static const enum gn_pass packs[] = { GN_PASS_PACK, GN_PASS_PACK_BACK };
    static const enum gn_pass runs[] = { GN_PASS_FORWARD, GN_PASS_BACK };
    const struct gn_args args = { .g = g, .threads = m->threads };
    for (int i = 0; i < 2; i++) {
        const struct gn_kernel *kernel = &m->kernels->table[GN_OP_CONV][runs[i]];
        *packed = most(*packed, gn_packed_floats(m->kernels, packs[i], &g, 0));
        if (kernel->scratch_bytes != NULL)
            *scratch = most(*scratch, kernel->scratch_bytes(&args));
    }
}

/* A matrix with fewer rows than columns, which its transpose has otherwise. */
static struct gn_muon_size wide(struct gn_muon_size size)
{
    const struct gn_muon_size turned = { size.columns, size.rows };
    return size.rows <= size.columns ? size : turned;
}

struct gn_muon *gn_muon_create(const struct gn_muon_size *sizes, int n, int threads)
{
    size_t values = 0, side = 0, packed = 0, length = 0;
    struct gn_muon *m = gn_calloc(1, sizeof *m, "the optimiser");
    if (m == NULL)
        return NULL;
    m->kernels = gn_cpu_kernels();
    m->threads = threads;
    for (int i = 0; i < n; i++) {
        const struct gn_muon_size s = wide(sizes[i]);
        values = most(values, (size_t)s.rows * (size_t)s.columns);
        side = most(side, (size_t)s.rows);
        length = most(length, (size_t)s.columns);
        measure(m, geometry(s.rows, s.rows, s.columns), &packed, &m->scratch_bytes);
        measure(m, geometry(s.rows, s.rows, s.rows), &packed, &m->scratch_bytes);
    }
    m->scratch_bytes = (m->scratch_bytes + 63) / 64 * 64;
    float **const rooms[] = { &m->x,          &m->next,   &m->square, &m->fourth,
                              &m->polynomial, &m->packed, &m->zeros };
    const size_t floats[] = {
        values, values, side * side, side * side, side * side, packed, length
    };
    bool ok = true;
    for (size_t i = 0; i < sizeof rooms / sizeof rooms[0]; i++) {
        *rooms[i] = gn_calloc(floats[i] + 16, sizeof(float), "the optimiser");
        ok = ok && *rooms[i] != NULL;
    }
    m->scratch = gn_alloc((size_t)threads * m->scratch_bytes + 64, "the optimiser");
    if (ok && m->scratch != NULL)
        return m;
    gn_muon_free(m);
    return NULL;
}

void gn_muon_free(struct gn_muon *muon)
{
    if (muon == NULL)
        return;
    gn_free(muon->x);
    gn_free(muon->next);
    gn_free(muon->square);
    gn_free(muon->fourth);
    gn_free(muon->polynomial);
    gn_free(muon->packed);
    gn_free(muon->zeros);
    gn_free(muon->scratch);
    gn_free(muon);
}

double gn_muon_length(struct gn_muon_size size)
{
    return size.columns > size.rows ? sqrt((double)size.columns / size.rows) : 1;
}

void gn_muon_direct(struct gn_muon *muon, float *matrix, struct gn_muon_size size)
{
    const struct gn_muon_size s = wide(size);
    const size_t n = (size_t)s.rows * (size_t)s.columns, squares = (size_t)s.rows * (size_t)s.rows;
    const bool turned = s.rows != size.rows;
    const float norm = (float)sqrt(gn_each_squares(matrix, n));
    if (turned)
        transpose(muon->x, matrix, size.rows, size.columns);
    else
        memcpy(muon->x, matrix, n * sizeof *matrix);
    gn_each_scale(muon->x, n, 1 / (norm + LEAST_NORM));
    for (int i = 0; i < TURNS; i++) {
        multiply_transposed(muon, muon->square, muon->x, s.rows, s.columns);
        multiply(muon, muon->fourth, muon->square, muon->square, s.rows, s.rows, s.rows);
        blend(muon, muon->polynomial, B, muon->square, C, muon->fourth, squares);
        multiply(muon, muon->next, muon->polynomial, muon->x, s.rows, s.rows, s.columns);
        blend(muon, muon->x, A, muon->x, 1, muon->next, n);
    }
    if (turned)
        transpose(matrix, muon->x, s.rows, s.columns);
    else
        memcpy(matrix, muon->x, n * sizeof *matrix);
}
