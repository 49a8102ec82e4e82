/*
 * The head is the text of a Python dictionary with three keys, of which only what NumPy writes is read: nothing
 * in it is evaluated.
 */
#include "numpy/npy.h"

#include "file/reader.h"
#include "base/number.h"

#include <string.h>

enum { LONGEST = 65536, PREFIX = 10, LONG_PREFIX = 12, BLOCK = 64 };

static const struct {
    const char *descr;
    enum gn_dtype dtype;
    uint64_t size;
} types[] = {
    { "<f4", GN_F32, 4 },
    { "<f2", GN_F16, 2 },
    { "<f8", GN_F64, 8 },
    { "|u1", GN_U8, 1 },
};

/* ---- The text of the head ---- */

struct text {
    const char *at, *end;
};

static void skip_blanks(struct text *t)
{
    while (t->at < t->end && (*t->at == ' ' || *t->at == '\n' || *t->at == '\t'))
        t->at++;
}

static bool take(struct text *t, char c)
{
    skip_blanks(t);
    if (t->at == t->end || *t->at != c)
        return false;
    t->at++;
    return true;
}

static bool take_string(struct text *t, char *value, size_t size)
{
    skip_blanks(t);
    if (t->at == t->end || (*t->at != '\'' && *t->at != '"'))
        return false;
    const char *from = t->at + 1;
    const char *to = memchr(from, *t->at, (size_t)(t->end - from));
    if (to == NULL || (size_t)(to - from) >= size)
        return false;
    memcpy(value, from, (size_t)(to - from));
    value[to - from] = '\0';
    t->at = to + 1;
    return true;
}

static bool take_word(struct text *t, const char *word)
{
    const size_t n = strlen(word);
    skip_blanks(t);
    if ((size_t)(t->end - t->at) < n || memcmp(t->at, word, n) != 0)
        return false;
    t->at += n;
    return true;
}

static bool take_number(struct text *t, uint64_t *value)
{
    skip_blanks(t);
    const char *first = t->at;
    for (*value = 0; t->at < t->end && *t->at >= '0' && *t->at <= '9'; t->at++)
        if (!gn_mul_u64(*value, 10, value) || !gn_add_u64(*value, (uint64_t)(*t->at - '0'), value))
            return false;
    const bool found = t->at > first;
    (void)take(t, 'L'); /* as Python 2 writes it */
    return found;
}

static bool take_shape(struct text *t, struct gn_npy *array)
{
    if (!take(t, '('))
        return false;
    for (array->rank = 0; !take(t, ')'); array->rank++)
        if (array->rank == GN_NPY_RANK || !take_number(t, &array->shape[array->rank]) ||
            (!take(t, ',') && (t->at == t->end || *t->at != ')')))
            return false;
    return true;
}

/* All three keys, each once. */
static bool take_head(struct text *t, struct gn_npy *array, char *descr, size_t size)
{
    enum { DESCR = 1, ORDER = 2, SHAPE = 4 };
    char key[32];
    int seen = 0;
    if (!take(t, '{'))
        return false;
    while (!take(t, '}')) {
        int found = 0;
        if (!take_string(t, key, sizeof key) || !take(t, ':'))
            return false;
        if (strcmp(key, "descr") == 0 && take_string(t, descr, size)) {
            found = DESCR;
        } else if (strcmp(key, "fortran_order") == 0) {
            array->fortran = take_word(t, "True");
            found = array->fortran || take_word(t, "False") ? ORDER : 0;
        } else if (strcmp(key, "shape") == 0 && take_shape(t, array)) {
            found = SHAPE;
        }
        if (found == 0 || (seen & found) != 0)
            return false;
        seen |= found;
        (void)take(t, ',');
    }
    skip_blanks(t);
    return seen == (DESCR | ORDER | SHAPE) && t->at == t->end;
}

/* ---- The array ---- */

static gn_status take_type(const char *name, const char *descr, struct gn_npy *array)
{
    char clean[64];
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(descr, types[i].descr) == 0) {
            array->dtype = types[i].dtype;
            array->item = types[i].size;
            return GN_OK;
        }
    if (strncmp(descr, "|S", 2) == 0 && gn_whole_parse(descr + 2, &array->item)) {
        array->is_text = true;
        return GN_OK;
    }
    (void)gn_fail(GN_STATUS_UNSUPPORTED,
                  "%s: NumPy: numbers of type %s are not read, float16, float32 and float64 are",
                  name, gn_printable(clean, sizeof clean, descr));
    gn_hint("%s", *descr == '>'     ? "numpy turns them around: array.astype('<f4')"
                  : descr[1] == 'O' ? "objects are pickles, which can run code"
                                    : "numpy converts them: array.astype('float32')");
    return GN_STATUS_UNSUPPORTED;
}

static bool find_head(struct gn_reader *r, struct text *text)
{
    uint8_t major, minor;
    uint16_t narrow;
    uint32_t wide = 0;
    const uint8_t *bytes;
    if (!gn_rd_match(r, "\x93NUMPY", 6) || !gn_rd_u8(r, &major) || !gn_rd_u8(r, &minor) ||
        major < 1 || major > 3 || minor != 0)
        return false;
    if (major == 1 && !gn_rd_le16(r, &narrow))
        return false;
    if (major == 1)
        wide = narrow;
    else if (!gn_rd_le32(r, &wide))
        return false;
    if (wide > LONGEST || !gn_rd_bytes(r, wide, &bytes))
        return false;
    text->at = (const char *)bytes;
    text->end = text->at + wide;
    return true;
}

gn_status gn_npy_read(const char *name, const void *bytes, size_t n, struct gn_npy *array)
{
    struct gn_reader r;
    struct text text;
    char descr[32];
    uint64_t size;
    *array = (struct gn_npy){ .rank = 0 };
    gn_rd_init(&r, bytes, n);
    if (!find_head(&r, &text))
        GN_FAIL(GN_STATUS_BAD_MODEL, "%s: NumPy: the head of an array is damaged", name);
    if (!take_head(&text, array, descr, sizeof descr))
        GN_FAIL(GN_STATUS_BAD_MODEL,
                "%s: NumPy: the head says no type of numbers, order and shape of at most %d "
                "dimensions",
                name, GN_NPY_RANK);
    GN_TRY(take_type(name, descr, array));
    if (!gn_product(array->shape, array->rank, &array->count) ||
        !gn_mul_u64(array->count, array->item, &size) || size != gn_rd_left(&r))
        GN_FAIL(GN_STATUS_BAD_MODEL,
                "%s: NumPy: the shape does not need the %zu bytes that follow it", name,
                gn_rd_left(&r));
    (void)gn_rd_bytes(&r, size, &array->data);
    return GN_OK;
}

void gn_npy_turn(const struct gn_npy *a, uint8_t *to)
{
    uint64_t index[GN_NPY_RANK] = { 0 }, stride[GN_NPY_RANK];
    uint64_t from = 0;
    for (int d = 0; d < a->rank; d++)
        stride[d] = d == 0 ? 1 : stride[d - 1] * a->shape[d - 1];
    for (uint64_t i = 0; i < a->count; i++, to += a->item) {
        memcpy(to, a->data + from * a->item, (size_t)a->item);
        for (int d = a->rank - 1; d >= 0; d--) {
            from += stride[d];
            if (++index[d] < a->shape[d])
                break;
            from -= index[d] * stride[d];
            index[d] = 0;
        }
    }
}

size_t gn_npy_head(uint8_t head[GN_NPY_HEAD], const char *type, int rank, const uint64_t *shape)
{
    char *text = (char *)head + PREFIX;
    size_t left = GN_NPY_HEAD - PREFIX;
    int n = snprintf(text, left, "{'descr': '%s', 'fortran_order': False, 'shape': (", type);
    for (int d = 0; d < rank; d++)
        n += snprintf(text + n, left - (size_t)n, "%s%llu%s", d > 0 ? " " : "",
                      (unsigned long long)shape[d], d + 1 < rank || rank == 1 ? "," : "");
    n += snprintf(text + n, left - (size_t)n, "), }");
    const size_t size = (PREFIX + (size_t)n + 1 + BLOCK - 1) / BLOCK * BLOCK;
    memset(text + n, ' ', size - PREFIX - (size_t)n);
    head[size - 1] = '\n';
    memcpy(head, "\x93NUMPY\x01\x00", 8);
    head[8] = (uint8_t)(size - PREFIX);
    head[9] = (uint8_t)((size - PREFIX) >> 8);
    return size;
}
