/* labels: quick
 *
 * Kernels on bytes: convolutions with weights of 8 bits, max pools, global means, copies and rounding, every
 * fast kernel set, with VNNI and without, against the formula. All give equal bits, since sums are whole
 * numbers and what follows is one multiplication and one rounding. GN_CASE=NUMBER runs one case alone. */
#include "base/memory.h"
#include "kernels/kernels.h"
#include "ops/attributes.h"
#include "support/check.h"

#include <math.h>

enum { CASES = 600, GUARD = 128, PATTERN = 0xa5, MOST_SETS = 12 };

/* ---- The sets: those that run here, and each without VNNI ---- */

#if defined(GN_HAVE_AVX2_KERNELS)
void gn_conv_plain_byte_kernels__avx2(struct gn_kernel *row);
void gn_conv_plain_byte_kernels__avx512(struct gn_kernel *row);
#endif

static const struct gn_kernel_set *const *byte_sets(void)
{
    static const struct gn_kernel_set *sets[MOST_SETS];
    int n = 0;
    for (const struct gn_kernel_set *const *s = fast_sets(); *s != NULL; s++)
        sets[n++] = *s;
#if defined(GN_HAVE_AVX2_KERNELS)
    static struct gn_kernel_set plain[2];
    const struct gn_kernel_set *avx2 = gn_cpu_kernels_named("avx2");
    const struct gn_kernel_set *avx512 = gn_cpu_kernels_named("avx512");
    if (avx2 != NULL) {
        plain[0] = *avx2;
        gn_conv_plain_byte_kernels__avx2(plain[0].table[GN_OP_CONV]);
        sets[n++] = &plain[0];
    }
    if (avx512 != NULL) {
        plain[1] = *avx512;
        gn_conv_plain_byte_kernels__avx512(plain[1].table[GN_OP_CONV]);
        sets[n++] = &plain[1];
    }
#endif
    sets[n] = NULL;
    return sets;
}

/* ---- Bytes with guards around them and gaps between pixels ---- */

struct bytes {
    uint8_t *block;
    size_t size, pixels;
    int c, ld;
};

static struct bytes bytes_new(size_t pixels, int c, int gap)
{
    struct bytes b = { .pixels = pixels, .c = c, .ld = c + gap };
    b.size = GUARD + pixels * (size_t)b.ld + GUARD;
    b.block = gn_alloc(b.size, "a test's bytes");
    assert_non_null(b.block);
    memset(b.block, PATTERN, b.size);
    return b;
}

static uint8_t *byte_at(const struct bytes *b, size_t pixel, int c)
{
    return b->block + GUARD + pixel * (size_t)b->ld + c;
}

static struct gn_view view_of(const struct bytes *b)
{
    return (struct gn_view){ (float *)(void *)(b->block + GUARD), b->ld };
}

static void fill_bytes(const struct bytes *b, uint64_t stream, bool extreme)
{
    for (size_t p = 0; p < b->pixels; p++)
        for (int c = 0; c < b->c; c++) {
            const uint64_t i = p * (size_t)b->c + (uint64_t)c;
            *byte_at(b, p, c) = (uint8_t)(extreme ? 255 : draw_below(stream, i, 256));
        }
}

static void check_guards(const struct bytes *b)
{
    for (size_t i = 0; i < GUARD; i++) {
        assert_int_equal(b->block[i], PATTERN);
        assert_int_equal(b->block[b->size - 1 - i], PATTERN);
    }
    for (size_t p = 0; p < b->pixels; p++)
        for (int c = b->c; c < b->ld; c++)
            assert_int_equal(*byte_at(b, p, c), PATTERN);
}

/* ---- Convolution ---- */

struct conv {
    struct gn_geometry g;
    int n, gap_x, gap_y, threads;
    int members, channels[3]; /* output channels of each of the layers side by side */
    bool to_floats, relu, bias, extreme;
    float in, out;
};

#define PICK(list, i) list[draw_below(stream, i, (int)(sizeof list / sizeof list[0]))]

static struct conv draw_conv(int number)
{
    static const int channels[] = { 4, 8, 12, 16, 20, 24, 64, 68 };
    static const int outputs[] = { 1, 3, 8, 15, 16, 17, 24, 31, 32, 33, 40, 65 };
    static const int kernels[] = { 1, 1, 3, 5 };
    const uint64_t stream = (UINT64_C(70) << 32) + (uint64_t)number;
    struct conv c = { .n = 1 + draw_below(stream, 0, 3), .threads = 1 + draw_below(stream, 1, 4) };
    const struct gn_shape in = { 1 + draw_below(stream, 2, 11), 1 + draw_below(stream, 3, 11),
                                 PICK(channels, 4) };
    c.members = 1 + draw_below(stream, 5, 3);
    for (int k = 0; k < c.members; k++) {
        c.channels[k] = outputs[draw_below(stream, 6 + (uint64_t)k, 12)];
        c.g.oc += c.channels[k];
    }
    struct gn_conv_options options = { .channels = c.g.oc,
                                       .kernel = PICK(kernels, 10),
                                       .stride = 1 + draw_below(stream, 11, 2) };
    assert_int_equal(rule_of(&gn_op_conv, "conv", in, &options, &c.g), GN_OK);
    c.gap_x = draw_below(stream, 12, 3) * 5;
    c.gap_y = draw_below(stream, 13, 3) * 7;
    c.to_floats = draw_below(stream, 14, 3) == 0;
    c.relu = draw_below(stream, 15, 2) == 0;
    c.bias = draw_below(stream, 16, 4) != 0;
    c.extreme = draw_below(stream, 17, 6) == 0;
    c.in = 0.01F + 0.001F * (float)draw_below(stream, 18, 50);
    c.out = (c.extreme ? 30.0F : 0.5F) * (0.01F + 0.001F * (float)draw_below(stream, 19, 50));
    return c;
}

/* Weights, bias and scales of one member. */
struct member {
    float *w, *b, *scale;
};

static struct member make_member(const struct conv *c, int k, uint64_t stream)
{
    const size_t rows = (size_t)(c->g.kh * c->g.kw * c->g.c), columns = (size_t)c->channels[k];
    struct member m = { gn_calloc(rows * columns, sizeof(float), "weights"),
                        gn_calloc(columns, sizeof(float), "bias"),
                        gn_calloc(columns, sizeof(float), "scales") };
    for (size_t j = 0; j < columns; j++) {
        m.scale[j] = 0.001F * (float)(1 + draw_below(stream, j, 30));
        m.b[j] = c->bias ? 0.1F * (float)(draw_below(stream + 1, j, 200) - 100) : 0;
        for (size_t i = 0; i < rows; i++) {
            const int sign = j % 2 == 0 ? 63 : -63;
            const int q = c->extreme ? sign : draw_below(stream + 2, i * columns + j, 127) - 63;
            m.w[i * columns + j] = (float)q * m.scale[j];
        }
    }
    return m;
}

static void free_member(const struct member *m)
{
    gn_free(m->w);
    gn_free(m->b);
    gn_free(m->scale);
}

/* The sum for one output of a member: whole numbers. */
static int64_t sum_of(const struct conv *c, const struct bytes *x, const struct member *m,
                      int columns, int image, int oy, int ox, int j)
{
    const struct gn_geometry *g = &c->g;
    int64_t sum = 0;
    for (int r = 0; r < g->kh; r++)
        for (int s = 0; s < g->kw; s++) {
            const int y = oy * g->stride_h - g->pad_top + r,
                      left = ox * g->stride_w - g->pad_left + s;
            if (y < 0 || y >= g->h || left < 0 || left >= g->w)
                continue;
            const size_t pixel =
                ((size_t)image * (size_t)g->h + (size_t)y) * (size_t)g->w + (size_t)left;
            for (int k = 0; k < g->c; k++) {
                const size_t row = (size_t)((r * g->kw + s) * g->c + k);
                const float w = m->w[row * (size_t)columns + (size_t)j] / m->scale[j];
                sum += (int64_t)*byte_at(x, pixel, k) * (int64_t)lrintf(w);
            }
        }
    return sum + (int64_t)lrintf(m->b[j] / (c->in * m->scale[j]));
}

static float expected(const struct conv *c, int64_t sum, const struct member *m, int j)
{
    const float unit = c->in * m->scale[j];
    if (c->to_floats) {
        const float value = (float)sum * unit;
        return c->relu && value < 0 ? 0 : value;
    }
    const float value = (float)sum * (unit / c->out);
    return value > 0 ? value < 255 ? rintf(value) : 255 : 0;
}

static void pack_members(const struct gn_kernel_set *set, struct gn_args *a, const struct conv *c,
                         const struct member *members)
{
    const struct gn_run run = { .n = 1 };
    int first = 0;
    for (int k = 0; k < c->members; k++) {
        a->tensors[0] = members[k].w;
        a->tensors[1] = c->bias ? members[k].b : NULL;
        a->tensors[2] = members[k].scale;
        a->scales = (struct gn_scales){
            .in = c->in, .out = c->to_floats ? 0 : c->out, .first = first, .columns = c->channels[k]
        };
        run_kernel(set, GN_OP_CONV, GN_PASS_PACK_BYTES, a, &run, 1);
        first += c->channels[k];
    }
}

static void compare_conv(const struct conv *c, const struct bytes *x, const struct bytes *y,
                         const struct member *members, const char *isa, int number)
{
    const struct gn_geometry *g = &c->g;
    const size_t pixels = (size_t)(c->n * g->oh * g->ow);
    for (size_t p = 0; p < pixels; p++) {
        int column = 0;
        for (int k = 0; k < c->members; k++)
            for (int j = 0; j < c->channels[k]; j++, column++) {
                const int image = (int)p / (g->oh * g->ow);
                const int64_t sum = sum_of(c, x, &members[k], c->channels[k], image,
                                           (int)p / g->ow % g->oh, (int)p % g->ow, j);
                const float want = expected(c, sum, &members[k], j);
                float got = *byte_at(y, p, column);
                if (c->to_floats)
                    memcpy(&got, byte_at(y, p, 4 * column), sizeof got);
                if (memcmp(&got, &want, sizeof got) == 0)
                    continue;
                char text[256];
                (void)snprintf(text, sizeof text, "%s: pixel %zu channel %d: %g in place of %g",
                               isa, p, column, (double)got, (double)want);
                case_failed("test_kernels_bytes", number, text);
            }
    }
}

static void check_conv(const struct conv *c, int number)
{
    const struct gn_geometry *g = &c->g;
    const uint64_t stream = ((UINT64_C(71) << 32) + (uint64_t)number) << 8;
    const struct bytes x = bytes_new((size_t)(c->n * g->h * g->w), g->c, c->gap_x);
    const int element = c->to_floats ? 4 : 1;
    struct member members[3];
    static float zeros[4096];
    fill_bytes(&x, stream, c->extreme);
    for (int k = 0; k < c->members; k++)
        members[k] = make_member(c, k, stream + 8 + 8 * (uint64_t)k);
    for (const struct gn_kernel_set *const *s = byte_sets(); *s != NULL; s++) {
        struct bytes y =
            bytes_new((size_t)(c->n * g->oh * g->ow), g->oc * element, c->gap_y * element);
        const size_t floats = gn_packed_floats(*s, GN_PASS_PACK_BYTES, g, 0);
        struct gn_args a = { .g = *g,
                             .x = view_of(&x),
                             .y = view_of(&y),
                             .zeros = zeros,
                             .relu = c->relu,
                             .threads = c->threads };
        const struct gn_run run = { .n = c->n };
        a.y.ld /= element;
        a.packed = gn_alloc(floats * sizeof(float), "packed weights");
        assert_non_null(a.packed);
        memset(a.packed, 0xff, floats * sizeof(float));
        pack_members(*s, &a, c, members);
        run_kernel(*s, GN_OP_CONV, GN_PASS_FORWARD_BYTES, &a, &run, stream);
        compare_conv(c, &x, &y, members, (*s)->isa, number);
        check_guards(&y);
        gn_free(a.packed);
        gn_free(y.block);
    }
    for (int k = 0; k < c->members; k++)
        free_member(&members[k]);
    gn_free(x.block);
}

static void convolutions_give_the_bits_of_the_formula(void **state)
{
    (void)state;
    int first, last;
    case_range(CASES, &first, &last);
    for (int number = first; number < last; number++) {
        const struct conv c = draw_conv(number);
        check_conv(&c, number);
    }
}

/* ---- The others ---- */

static uint8_t largest_of(const struct gn_geometry *g, const struct bytes *x, size_t p, int c)
{
    const int image = (int)p / (g->oh * g->ow);
    uint8_t best = 0;
    for (int r = 0; r < g->kh; r++)
        for (int s = 0; s < g->kw; s++) {
            const int y = (int)p / g->ow % g->oh * g->stride_h - g->pad_top + r;
            const int left = (int)p % g->ow * g->stride_w - g->pad_left + s;
            if (y < 0 || y >= g->h || left < 0 || left >= g->w)
                continue;
            const uint8_t v = *byte_at(x, (size_t)((image * g->h + y) * g->w + left), c);
            best = v > best ? v : best;
        }
    return best;
}

static void max_pools_and_copies_are_those_of_bytes(void **state)
{
    static const int channels[] = { 1, 7, 16, 33, 64, 65, 130 };
    (void)state;
    for (int number = 0; number < CASES / 3; number++) {
        const uint64_t stream = (UINT64_C(72) << 32) + (uint64_t)number;
        const struct gn_shape in = { 1 + draw_below(stream, 2, 11), 1 + draw_below(stream, 3, 11),
                                     PICK(channels, 4) };
        struct gn_pool_options o = { .kernel = 1 + draw_below(stream, 5, 4),
                                     .stride = 1 + draw_below(stream, 6, 3) };
        struct gn_geometry g;
        assert_int_equal(rule_of(&gn_op_max_pool, "pool", in, &o, &g), GN_OK);
        const struct bytes x = bytes_new((size_t)(2 * g.h * g.w), g.c, number % 5);
        fill_bytes(&x, stream, false);
        for (const struct gn_kernel_set *const *s = fast_sets(); *s != NULL; s++) {
            struct bytes y = bytes_new((size_t)(2 * g.oh * g.ow), g.c, number % 3);
            struct bytes copy = bytes_new(x.pixels, g.c, 3);
            struct gn_args a = { .g = g, .x = view_of(&x), .y = view_of(&y) };
            const struct gn_run run = { .n = 2 };
            run_kernel(*s, GN_OP_MAX_POOL, GN_PASS_FORWARD_BYTES, &a, &run, stream);
            a.y = view_of(&copy);
            run_kernel(*s, GN_OP_CONCAT, GN_PASS_FORWARD_BYTES, &a, &run, stream);
            for (size_t p = 0; p < y.pixels; p++)
                for (int c = 0; c < g.c; c++)
                    assert_int_equal(*byte_at(&y, p, c), largest_of(&g, &x, p, c));
            for (size_t p = 0; p < x.pixels; p++)
                assert_memory_equal(byte_at(&copy, p, 0), byte_at(&x, p, 0), (size_t)g.c);
            check_guards(&y);
            check_guards(&copy);
            gn_free(y.block);
            gn_free(copy.block);
        }
        gn_free(x.block);
    }
}

static void means_are_those_of_whole_numbers(void **state)
{
    (void)state;
    for (int c = 1; c < 70; c += 11) {
        const struct bytes x = bytes_new(2 * 15, c, 2);
        fill_bytes(&x, (uint64_t)c, false);
        for (const struct gn_kernel_set *const *s = fast_sets(); *s != NULL; s++) {
            struct tensor y = tensor_new(2, c, 0, 3);
            const struct gn_geometry g = { .h = 5, .w = 3, .c = c, .oh = 1, .ow = 1, .oc = c };
            const struct gn_args a = {
                .g = g, .x = view_of(&x), .y = y.view, .scales = { .in = 0.3F }
            };
            const struct gn_run run = { .n = 2 };
            run_kernel(*s, GN_OP_GLOBAL_AVG_POOL, GN_PASS_FORWARD_BYTES, &a, &run, 3);
            assert_true(tensor_is_clean(&y));
            for (int i = 0; i < 2 * c; i++) {
                int sum = 0;
                for (size_t p = 0; p < 15; p++)
                    sum += *byte_at(&x, (size_t)(i / c) * 15 + p, i % c);
                const float want = (float)sum * (0.3F / 15);
                assert_memory_equal(tensor_at(&y, (size_t)i), &want, sizeof want);
            }
            tensor_free(&y);
        }
        gn_free(x.block);
    }
}

/* Ties go to the even number; NaN, negative and huge values have a place, too. */
static void values_are_rounded_alike_to_floats_and_to_bytes(void **state)
{
    static const float values[] = { 0,        -0.0F,     0.125F,  0.375F,  0.625F, 0.1249F,
                                    -3,       63.6F,     63.874F, 63.875F, 1e30F,  -1e30F,
                                    INFINITY, -INFINITY, NAN,     20.4F,   1e-42F };
    enum { N = sizeof values / sizeof values[0] };
    static const int want[N] = { 0, 0, 0, 2, 2, 0, 0, 254, 255, 255, 255, 0, 255, 0, 0, 82, 0 };
    const struct gn_quantize_attributes own = { .scale = 0.25 };
    (void)state;
    for (const struct gn_kernel_set *const *s = fast_sets(); *s != NULL; s++) {
        struct tensor x = tensor_new(1, N, 0, 1), y = tensor_new(1, N, 0, 1);
        const struct bytes b = bytes_new(1, N, 1);
        const struct gn_geometry g = { .h = 1, .w = 1, .c = N, .oh = 1, .ow = 1, .oc = N };
        struct gn_args a = { .g = g, .attributes = &own, .x = x.view, .y = y.view };
        const struct gn_run run = { .n = 1 };
        memcpy(x.view.data, values, sizeof values);
        run_kernel(*s, GN_OP_QUANTIZE, GN_PASS_FORWARD, &a, &run, 0);
        a.y = view_of(&b);
        run_kernel(*s, GN_OP_QUANTIZE, GN_PASS_FORWARD_BYTES, &a, &run, 0);
        for (int i = 0; i < N; i++) {
            assert_int_equal(*byte_at(&b, 0, i), want[i]);
            assert_true(*tensor_at(&y, (size_t)i) == 0.25F * (float)want[i]);
        }
        a.y = y.view;
        run_kernel(gn_reference_kernels(), GN_OP_QUANTIZE, GN_PASS_FORWARD, &a, &run, 0);
        for (int i = 0; i < N; i++)
            assert_true(*tensor_at(&y, (size_t)i) == 0.25F * (float)want[i]);
        check_guards(&b);
        tensor_free(&x);
        tensor_free(&y);
        gn_free(b.block);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolutions_give_the_bits_of_the_formula),
        cmocka_unit_test(max_pools_and_copies_are_those_of_bytes),
        cmocka_unit_test(means_are_those_of_whole_numbers),
        cmocka_unit_test(values_are_rounded_alike_to_floats_and_to_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
