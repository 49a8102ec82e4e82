/*
 * Gradient of weights and bias of the direct convolution. Compiled once for each instruction set.
 *
 *   dw[tap][ci][co] = sum over output pixels p of x[p moved by tap][ci] * dy[p][co]
 *
 * A unit owns a block of input channels and a block of output channels for all taps and walks
 * over all pixels in chunks: it copies its channels of x (panels of MR) and dy (panels of NR) into
 * its scratch, then adds tile after tile to dw. Each output is summed by one unit in the order of
 * the chunks, each chunk in registers, so the result depends neither on the number of threads nor
 * on how channels are cut into units, and long sums are sums of short ones.
 *
 * Taps that fall outside the image are left out of a tap's list of pixels.
 */
#include "cpu/tile_pixels.h"
#include "ops/conv/conv_cpu.h"

enum {
    CHUNK_PIXELS = 144, /* a panel of dy and the lines of x that a tile reads fit L1 together */
    MAX_CHANNELS = 256, /* input channels of a unit: its copy of x stays in L2 */
    MAX_COLUMNS = 256   /* output channels of a unit */
};

/* How the work is cut. Units only decide who computes what. */
struct cut {
    int rows; /* input channels in all; kh*kw*c for patches */
    int taps; /* 1 for patches */
    int unit_rows, unit_columns, row_units, column_units;
    int images, oh; /* a chunk: `images` whole images, or `oh` output rows of one */
    int in_rows;    /* input rows that a chunk may need, of one image */
    int ldx;        /* floats between two pixels of the copy of x: MR in its panels, or the
                          windows' own length */
};

static int round_up(int a, int b)
{
    return divide_up(a, b) * b;
}

/* Cuts rows and columns until there is work for everybody, so that the least is copied: every
 * cut of the rows repeats the copy of dy, every cut of the columns that of x. Windows are cut by
 * columns only, since their copy is the dearer one. */
static void choose_units(const struct gn_args *a, bool patched, struct cut *c)
{
    const int target = a->threads < 2 ? 2 : a->threads;
    const int min_rows = divide_up(c->rows, MAX_CHANNELS);
    const int min_columns = divide_up(a->g.oc, MAX_COLUMNS);
    const int max_rows = patched ? min_rows : c->rows / (2 * MR);
    const int max_columns = a->g.oc / (patched ? 2 * NR : NR);
    long best = -1;
    for (int r = min_rows; r == min_rows || r <= max_rows; r++) {
        int columns = divide_up(target, r);
        columns = columns > max_columns ? max_columns : columns;
        columns = columns < min_columns ? min_columns : columns;
        const int idle = r * columns < target ? target - r * columns : 0;
        const long cost =
            (long)r * a->g.oc + (long)columns * c->rows + (long)idle * (c->rows + a->g.oc);
        if (best < 0 || cost < best) {
            best = cost;
            c->row_units = r;
            c->column_units = columns;
        }
        if (r >= target)
            break;
    }
}

static struct cut cut_work(const struct gn_args *a)
{
    const struct gn_geometry *g = &a->g;
    const bool patched = is_patched(a);
    struct cut c = { .rows = patched ? g->kh * g->kw * g->c : g->c,
                     .taps = patched ? 1 : g->kh * g->kw };
    choose_units(a, patched, &c);
    c.unit_rows = round_up(divide_up(c.rows, c.row_units), MR);
    c.row_units = divide_up(c.rows, c.unit_rows);
    c.unit_columns = round_up(divide_up(g->oc, c.column_units), NR);
    c.column_units = divide_up(g->oc, c.unit_columns);
    if (g->oh * g->ow >= CHUNK_PIXELS) {
        c.images = 1;
        c.oh = divide_up(g->oh, divide_up(g->oh * g->ow, CHUNK_PIXELS));
    } else {
        c.images = CHUNK_PIXELS / (g->oh * g->ow);
        c.oh = g->oh;
    }
    c.in_rows = (c.oh - 1) * g->stride_h + g->kh;
    c.in_rows = c.in_rows < g->h ? c.in_rows : g->h;
    c.ldx = patched ? c.unit_rows : MR;
    return c;
}

/* Pixels of x that a chunk's copy holds. */
static size_t copied_pixels(const struct gn_args *a, const struct cut *c)
{
    const struct gn_geometry *g = &a->g;
    if (is_patched(a))
        return (size_t)(c->images * c->oh * g->ow);
    return (size_t)(c->images * c->in_rows * g->w);
}

/* Floats of that copy: panels of MR channels, or whole windows. */
static size_t copied_floats(const struct gn_args *a, const struct cut *c)
{
    return copied_pixels(a, c) * (size_t)c->unit_rows + (size_t)(c->unit_rows / MR + 1) * 2 * VL;
}

static size_t filter_bytes(const struct gn_args *a)
{
    const struct cut c = cut_work(a);
    const size_t pixels = (size_t)(c.images * c.oh * a->g.ow);
    return copied_floats(a, &c) * 4 + pixels * (size_t)c.unit_columns * 4 +
           pixels * sizeof(struct pixel_pair) + 4096;
}

static int filter_units(const struct gn_args *a, const struct gn_run *r)
{
    (void)r;
    const struct cut c = cut_work(a);
    return c.row_units * c.column_units;
}

/* One chunk of output pixels: images [n0, n1), output rows [y0, y1), input rows from in0. */
struct chunk {
    int n0, n1, y0, y1, in0, in1;
};

static struct chunk chunk_at(const struct gn_geometry *g, const struct cut *c, int n, int index)
{
    const int per_image = divide_up(g->oh, c->oh);
    struct chunk k;
    k.n0 = index / per_image * c->images;
    k.n1 = k.n0 + c->images < n ? k.n0 + c->images : n;
    k.y0 = index % per_image * c->oh;
    k.y1 = k.y0 + c->oh < g->oh ? k.y0 + c->oh : g->oh;
    k.in0 = k.y0 * g->stride_h - g->pad_top;
    k.in0 = k.in0 < 0 ? 0 : k.in0;
    k.in1 = (k.y1 - 1) * g->stride_h - g->pad_top + g->kh;
    k.in1 = k.in1 > g->h ? g->h : k.in1;
    return k;
}

/* Floats between two panels of the copy of x: what the last pixel's vectors write too much. */
static size_t panel_floats(size_t pixels)
{
    return pixels * MR + 2 * VL;
}

/* The unit's channels [i0, i0 + n) of the chunk's input pixels: [panel][pixel][MR]. Pixel by
 * pixel, so that x is read once; whole vectors are stored where the tensor has the channels, and
 * what exceeds MR is overwritten by the next pixel. */
static void copy_x(const struct gn_args *a, const struct chunk *k, int i0, int n, float *to)
{
    enum { STORED = (MR + VL - 1) / VL * VL };
    const struct gn_geometry *g = &a->g;
    const int per_image = (k->in1 - k->in0) * g->w;
    const size_t panel = panel_floats((size_t)(per_image * (k->n1 - k->n0)));
    for (int image = k->n0; image < k->n1; image++) {
        const size_t first = ((size_t)image * (size_t)g->h + (size_t)k->in0) * (size_t)g->w;
        const float *from = a->x.data + first * (size_t)a->x.ld + i0;
        for (int p = 0; p < per_image; p++, to += MR, from += a->x.ld) {
            float *t = to;
            int i = 0;
            for (; i < n && i0 + i + STORED <= g->c; i += MR, t += panel)
                for (int v = 0; v < STORED; v += VL)
                    store(t + v, load(from + i + v));
            for (; i < n; i += MR, t += panel)
                for (int c = 0; c < MR; c++)
                    t[c] = i + c < n ? from[i + c] : 0;
        }
    }
}

/* Columns [j0, j0 + n) of dy as panels [panel][pixel][NR], the last one NR or VL wide. Pixel by
 * pixel, as x is. */
static void copy_dy(const struct gn_args *a, const struct chunk *k, int j0, int n, float *to)
{
    const struct gn_geometry *g = &a->g;
    /* Several images are whole ones, so the chunk's pixels follow each other. */
    const int pixels = (k->n1 - k->n0) * (k->y1 - k->y0) * g->ow;
    const int whole = n / NR * NR, room = packed_columns(n) - whole;
    const size_t first = ((size_t)k->n0 * (size_t)g->oh + (size_t)k->y0) * (size_t)g->ow;
    const float *from = a->dy.data + first * (size_t)a->dy.ld + j0;
    for (int p = 0; p < pixels; p++, from += a->dy.ld) {
        float *t = to + p * NR;
        for (int j = 0; j < whole; j += NR, t += pixels * NR) {
            store(t, load(from + j));
            store(t + VL, load(from + j + VL));
        }
        t = to + (size_t)whole * (size_t)pixels + p * room;
        for (int j = 0; j < room; j++)
            t[j] = whole + j < n ? from[whole + j] : 0;
    }
}

/* Adds the `n` columns of such a copy up, into db. */
static void add_bias(const float *dy, int pixels, int n, float *db)
{
    for (int j = 0; j < n; j += NR) {
        const int room = n - j <= VL ? VL : NR;
        vf sum[2] = { { 0 }, { 0 } };
        for (int p = 0; p < pixels; p++, dy += room)
            for (int v = 0; v * VL < room; v++)
                sum[v] += load(dy + v * VL);
        float sums[NR];
        store(sums, sum[0]);
        store(sums + VL, sum[1]);
        for (int i = 0; i < NR && j + i < n; i++)
            db[j + i] += sums[i];
    }
}

/* The pixels at which tap (r, s) reads inside the image. */
static int list_pixels(const struct gn_geometry *g, const struct cut *c, const struct chunk *k,
                       int tap, struct pixel_pair *at)
{
    const int in_rows = k->in1 - k->in0, r = tap / g->kw, s = tap % g->kw;
    int n = 0, p = 0;
    for (int image = 0; image < k->n1 - k->n0; image++) {
        for (int y = k->y0; y < k->y1; y++) {
            const int iy = y * g->stride_h - g->pad_top + r;
            for (int x = 0; x < g->ow; x++, p++) {
                const int ix = x * g->stride_w - g->pad_left + s;
                if (iy < 0 || iy >= g->h || ix < 0 || ix >= g->w)
                    continue;
                at[n].a = ((image * in_rows + iy - k->in0) * g->w + ix) * c->ldx;
                at[n++].b = p;
            }
        }
    }
    return n;
}

static int list_patches(int pixels, int ldx, struct pixel_pair *at)
{
    for (int p = 0; p < pixels; p++)
        at[p] = (struct pixel_pair){ p * ldx, p };
    return pixels;
}

/* What a unit works with: its channels and the copies in its scratch. */
struct unit {
    int i0, n_rows, j0, n_columns;
    float *x, *dy;
    struct pixel_pair *at;
};

/* Its channels alone. */
static struct unit channels_of(const struct gn_args *a, const struct cut *c, int unit)
{
    struct unit u = { .x = NULL };
    u.i0 = unit / c->column_units * c->unit_rows;
    u.j0 = unit % c->column_units * c->unit_columns;
    u.n_rows = c->rows - u.i0 < c->unit_rows ? c->rows - u.i0 : c->unit_rows;
    u.n_columns = a->g.oc - u.j0 < c->unit_columns ? a->g.oc - u.j0 : c->unit_columns;
    return u;
}

static struct unit unit_at(const struct gn_args *a, const struct cut *c, int unit, void *scratch)
{
    struct unit u = channels_of(a, c, unit);
    const size_t pixels = (size_t)(c->images * c->oh * a->g.ow);
    u.x = scratch;
    u.dy = u.x + (copied_floats(a, c) + 31) / 16 * 16;
    u.at = (struct pixel_pair *)(void *)(u.dy + pixels * (size_t)c->unit_columns);
    return u;
}

/* Some pixels of a tensor, from which `floats` channels each will be copied. */
struct strip {
    const float *pixel;
    int ld, floats, pixels;
};

/* The pixels of the next chunk, which the tiles of this one fetch bit by bit: they come from memory
 * while the tiles multiply. */
struct ahead {
    struct strip x, dy;
    int tiles, tile, done; /* tiles of this chunk, those begun; pixels fetched */
};

INLINE void fetch_pixel(const struct strip *r, int p)
{
    const char *from = (const char *)(r->pixel + (ptrdiff_t)p * r->ld);
    for (int i = 0; p < r->pixels && i < r->floats * (int)sizeof(float); i += 64)
        __builtin_prefetch(from + i, 0, 2);
}

INLINE void fetch_share(struct ahead *h)
{
    const int pixels = h->x.pixels > h->dy.pixels ? h->x.pixels : h->dy.pixels;
    h->tile++;
    for (; (long)h->done * h->tiles < (long)h->tile * pixels; h->done++) {
        fetch_pixel(&h->x, h->done);
        fetch_pixel(&h->dy, h->done);
    }
}

/* Chunk k as what unit u copies of it. */
static struct ahead ahead_of(const struct gn_args *a, const struct cut *c, const struct unit *u,
                             const struct chunk *k)
{
    const struct gn_geometry *g = &a->g;
    const int images = k->n1 - k->n0;
    const size_t in = ((size_t)k->n0 * (size_t)g->h + (size_t)k->in0) * (size_t)g->w;
    const size_t out = ((size_t)k->n0 * (size_t)g->oh + (size_t)k->y0) * (size_t)g->ow;
    const int across = divide_up(u->n_rows, MR), down = divide_up(u->n_columns, NR);
    struct ahead h = {
        .x = { a->x.data + in * (size_t)a->x.ld + u->i0, a->x.ld, u->n_rows,
               images * (k->in1 - k->in0) * g->w },
        .dy = { a->dy.data + out * (size_t)a->dy.ld + u->j0, a->dy.ld, u->n_columns,
                images * (k->y1 - k->y0) * g->ow },
        .tiles = c->taps * across * down,
    };
    if (is_patched(a))
        h.x.pixels = 0; /* few channels: a cache line has many pixels */
    return h;
}

/* Adds one tap's tiles over the `n` listed pixels of a chunk. Panels of x stand `panel_x` floats
 * apart; `pixels` the chunk has in all. */
static void add_tap(const struct gn_args *a, const struct cut *c, const struct unit *u, int tap,
                    int n, size_t panel_x, size_t pixels, bool first, struct ahead *ahead)
{
    for (int j = 0; j < u->n_columns; j += NR) {
        struct tile_end e = { .ldy = a->g.oc, .accumulate = !first };
        e.n_columns = u->n_columns - j < NR ? u->n_columns - j : NR;
        for (int i = 0; i < u->n_rows; i += MR) {
            const size_t row = (size_t)tap * (size_t)c->rows + (size_t)(u->i0 + i);
            e.n_rows = u->n_rows - i < MR ? u->n_rows - i : MR;
            e.y = a->dw + row * (size_t)a->g.oc + u->j0 + j;
            fetch_share(ahead);
            tile_pixels(u->x + (size_t)(i / MR) * panel_x, u->dy + (size_t)j * pixels, u->at, n,
                        &e);
        }
    }
}

static void filter(const struct gn_args *a, const struct gn_run *run, int unit, void *scratch)
{
    const struct cut c = cut_work(a);
    const struct unit u = unit_at(a, &c, unit, scratch);
    const bool patched = is_patched(a);
    float *db = u.i0 == 0 ? a->db : NULL;
    if (db != NULL)
        memset(db + u.j0, 0, (size_t)u.n_columns * sizeof *db);
    const int chunks = divide_up(run->n, c.images) * divide_up(a->g.oh, c.oh);
    for (int index = 0; index < chunks; index++) {
        const struct chunk k = chunk_at(&a->g, &c, run->n, index);
        const int pixels = (k.n1 - k.n0) * (k.y1 - k.y0) * a->g.ow;
        if (patched)
            copy_windows(a, (k.n0 * a->g.oh + k.y0) * a->g.ow, pixels, u.x, c.ldx);
        else
            copy_x(a, &k, u.i0, u.n_rows, u.x);
        const size_t in_pixels = (size_t)((k.n1 - k.n0) * (k.in1 - k.in0) * a->g.w);
        const size_t panel_x = patched ? MR : panel_floats(in_pixels);
        copy_dy(a, &k, u.j0, u.n_columns, u.dy);
        if (db != NULL)
            add_bias(u.dy, pixels, u.n_columns, db + u.j0);
        struct ahead ahead = { .tiles = 1 };
        if (index + 1 < chunks) {
            const struct chunk next = chunk_at(&a->g, &c, run->n, index + 1);
            ahead = ahead_of(a, &c, &u, &next);
        }
        for (int tap = 0; tap < c.taps; tap++) {
            const int n =
                patched ? list_patches(pixels, c.ldx, u.at) : list_pixels(&a->g, &c, &k, tap, u.at);
            add_tap(a, &c, &u, tap, n, panel_x, (size_t)pixels, index == 0, &ahead);
        }
    }
}

static void filter_region(const struct gn_args *a, int unit, struct gn_region *r)
{
    const struct cut c = cut_work(a);
    const struct unit u = channels_of(a, &c, unit);
    *r = (struct gn_region){ .first = (size_t)u.i0 * (size_t)a->g.oc + (size_t)u.j0,
                             .tap_stride = (size_t)c.rows * (size_t)a->g.oc,
                             .row_stride = (size_t)a->g.oc,
                             .taps = c.taps,
                             .rows = u.n_rows,
                             .columns = u.n_columns,
                             .bias = u.j0,
                             .biases = u.i0 == 0 && a->db != NULL ? u.n_columns : 0 };
}

void GN_ISA_FUNCTION(gn_conv_filter_kernels)(struct gn_kernel *row)
{
    row[GN_PASS_GRADIENT] = (struct gn_kernel){ .name = "direct",
                                                .units = filter_units,
                                                .run = filter,
                                                .region = filter_region,
                                                .scratch_bytes = filter_bytes };
}
