/*
 * Convolution of bytes with weights of 8 bits, direct, in sums of 32 bits; see struct gn_scales. As in cpu.c a
 * unit is a block of output pixels and a share of the output channels, and pixels are read in place through
 * pointers. Four input channels are taken at a time: a lane of the weights holds those of one output channel.
 * Compiled once for each instruction set, each of which has its tiles with and without VNNI.
 */
#include "cpu/bytes.h"
#include "ops/conv/conv_cpu.h"

#include <math.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

/* Where the parts of a packed layer begin: weights [panel][tap][c / 4][columns][4], then what a sum is
 * multiplied by, and what is added to it before. */
struct layer {
    int8_t *weights;
    float *factor;
    int32_t *bias;
};

static size_t weight_bytes(const struct gn_geometry *g)
{
    return (size_t)(g->kh * g->kw * g->c) * (size_t)packed_columns(g->oc);
}

static struct layer layer_in(const struct gn_args *a)
{
    struct layer l = { .weights = (int8_t *)(void *)a->packed };
    l.factor = a->packed + weight_bytes(&a->g) / 4;
    l.bias = (int32_t *)(void *)(l.factor + packed_columns(a->g.oc));
    return l;
}

static size_t packed_byte_floats(const struct gn_geometry *g, int tile)
{
    (void)tile;
    return weight_bytes(g) / 4 + 2 * (size_t)packed_columns(g->oc);
}

/* ---- Packing ---- */

enum { PACKED_COLUMNS = 16 }; /* by a unit */

static int pack_units(const struct gn_args *a, const struct gn_run *r)
{
    (void)r;
    return divide_up(a->scales.columns, PACKED_COLUMNS);
}

/* As gn_int8_weights, without a call for each. */
static int8_t nearest(float value)
{
    const float most = GN_BYTES_WEIGHT;
    return (int8_t)rintf(value > -most ? value < most ? value : most : -most);
}

/* Output channel j of the layer, number `column` of the packed ones; j < 0: none, zeros. */
static void pack_column(const struct gn_args *a, const struct layer *l, int j, int column)
{
    const int rows = a->g.kh * a->g.kw * a->g.c, panel = column / NR * NR;
    const int width = packed_columns(a->g.oc) - panel < NR ? packed_columns(a->g.oc) - panel : NR;
    int8_t *to = l->weights + (size_t)panel * (size_t)rows + (size_t)(column - panel) * 4;
    const float scale = j < 0 ? 1 : a->tensors[GN_CONV_SCALE][j];
    for (int k = 0; k < rows; k++) {
        const float w =
            j < 0 ? 0 : a->tensors[0][(size_t)k * (size_t)a->scales.columns + (size_t)j];
        to[(size_t)(k / 4) * (size_t)width * 4 + (size_t)(k % 4)] = nearest(w / scale);
    }
    const float b = j < 0 || a->tensors[1] == NULL ? 0 : a->tensors[1][j];
    const struct gn_int8_end end = gn_int8_end(&a->scales, scale, b);
    l->bias[column] = end.bias;
    l->factor[column] = j < 0 ? 0 : end.factor;
}

static void pack(const struct gn_args *a, const struct gn_run *run, int unit, void *scratch)
{
    const struct layer l = layer_in(a);
    const int first = unit * PACKED_COLUMNS, n = a->scales.columns;
    (void)run;
    (void)scratch;
    for (int j = first; j < n && j < first + PACKED_COLUMNS; j++)
        pack_column(a, &l, j, a->scales.first + j);
    const bool last = first + PACKED_COLUMNS >= n && a->scales.first + n == a->g.oc;
    for (int column = a->g.oc; last && column < packed_columns(a->g.oc); column++)
        pack_column(a, &l, -1, column);
}

/* ---- Tiles ---- */

/* What happens to the sums of a tile. */
struct byte_end {
    void *y; /* first row, first column: bytes or floats */
    int ldy;
    int n_rows, n_columns;
    const float *factor;
    const int32_t *bias;
    bool is_float, relu;
};

/* One vector of one row, `n` of its columns. */
INLINE void finish_vector(const struct byte_end *e, vi sum, int row, int column, int n,
                          bool is_float)
{
    const ptrdiff_t at = (ptrdiff_t)row * e->ldy + column;
    const vf value =
        __builtin_convertvector(sum + load_ints(e->bias + column), vf) * load(e->factor + column);
    if (!is_float)
        store_bytes((uint8_t *)e->y + at, nearest_byte(value), n);
    else
        store_some((float *)e->y + at, e->relu ? relu(value) : value, n);
}

#define TILE_NAME(name) name##_plain
#define TILE_DOT        dot_pairs
#if defined(GN_ISA_AVX2)
enum { ROWS_plain = 5 };
#else
enum { ROWS_plain = MR };
#endif
#define TILE_ROWS ROWS_plain
#include "ops/conv/bytes_tile.h"

#if defined(HAS_DOT_VNNI)
#define TILE_NAME(name) name##_vnni
#define TILE_DOT        dot_vnni
enum { ROWS_vnni = MR };
#define TILE_ROWS ROWS_vnni
#include "ops/conv/bytes_tile.h"

static bool has_vnni(void)
{
#if defined(GN_EMULATE_AVX512) && VL == 16
    return true;
#elif VL == 16
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (c & 1U << 11) != 0;
#else
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a & 1U << 4) != 0;
#endif
}
#endif

/* ---- The entries ---- */

void GN_ISA_FUNCTION(gn_conv_plain_byte_kernels)(struct gn_kernel *row)
{
    row[GN_PASS_PACK_BYTES] = (struct gn_kernel){
        .name = "pack bytes", .units = pack_units, .run = pack, .packed_floats = packed_byte_floats
    };
    row[GN_PASS_FORWARD_BYTES] = (struct gn_kernel){ .name = "direct int8",
                                                     .units = forward_units_plain,
                                                     .run = forward_plain,
                                                     .scratch_bytes = block_bytes_plain };
}

void GN_ISA_FUNCTION(gn_conv_byte_kernels)(struct gn_kernel *row)
{
    GN_ISA_FUNCTION(gn_conv_plain_byte_kernels)(row);
#if defined(HAS_DOT_VNNI)
    if (has_vnni())
        row[GN_PASS_FORWARD_BYTES] = (struct gn_kernel){ .name = "direct int8 vnni",
                                                         .units = forward_units_vnni,
                                                         .run = forward_vnni,
                                                         .scratch_bytes = block_bytes_vnni };
#endif
}
