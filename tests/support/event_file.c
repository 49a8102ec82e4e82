/* Bytes by hand: nothing of the library but its sum, which has tests of its own. */
#include "support/event_file.h"

#include "file/crc32c.h"
#include "support/check.h"
#include "support/files.h"

#include <stdlib.h>

struct bytes {
    const uint8_t *at;
    size_t n;
};

static uint64_t little(const uint8_t *at, int n)
{
    uint64_t value = 0;
    for (int i = n - 1; i >= 0; i--)
        value = value << 8 | at[i];
    return value;
}

static uint64_t varint(struct bytes *b)
{
    uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
        assert_true(b->n > 0 && shift < 64);
        const uint8_t byte = *b->at++;
        b->n--;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
}

struct field {
    int number;
    uint64_t value;
    struct bytes part;
};

static struct bytes take(struct bytes *b, size_t n)
{
    assert_true(b->n >= n);
    const struct bytes part = { b->at, n };
    b->at += n;
    b->n -= n;
    return part;
}

static struct field next(struct bytes *b)
{
    const uint64_t tag = varint(b);
    struct field f = { .number = (int)(tag >> 3) };
    switch (tag & 7) {
    case 0:
        f.value = varint(b);
        break;
    case 1:
        f.value = little(take(b, 8).at, 8);
        break;
    case 2:
        f.part = take(b, (size_t)varint(b));
        break;
    case 5:
        f.value = little(take(b, 4).at, 4);
        break;
    default:
        fail_msg("wire type %d", (int)(tag & 7));
    }
    return f;
}

static double as_double(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void read_histogram(struct bytes b, struct event_value *v)
{
    while (b.n > 0) {
        const struct field f = next(&b);
        if (f.number == 1)
            v->low = as_double(f.value);
        else if (f.number == 2)
            v->high = as_double(f.value);
        else if (f.number == 3)
            v->n = as_double(f.value);
        for (size_t i = 0; f.number == 7 && i < f.part.n; i += 8)
            v->counted += as_double(little(f.part.at + i, 8));
        if (f.number == 6) /* TensorBoard wants as many limits, the last one the maximum */
            assert_true(as_double(little(f.part.at + f.part.n - 8, 8)) >= v->high);
    }
}

static void read_image(struct bytes b, struct event_value *v)
{
    static const uint8_t png[] = { 0x89, 'P', 'N', 'G' };
    while (b.n > 0) {
        const struct field f = next(&b);
        if (f.number == 1)
            v->height = (int)f.value;
        else if (f.number == 2)
            v->width = (int)f.value;
        else if (f.number == 4) {
            assert_memory_equal(f.part.at, png, sizeof png);
            v->bytes = gn_crc32c(0, f.part.at, f.part.n);
            for (int i = 0; i < 2; i++) { /* the header's own, big-endian */
                const uint8_t *at = f.part.at + 16 + (ptrdiff_t)4 * i;
                assert_int_equal(at[2] << 8 | at[3], i == 0 ? v->width : v->height);
            }
        }
    }
}

static void read_value(struct bytes b, struct event_value *v)
{
    while (b.n > 0) {
        const struct field f = next(&b);
        const uint32_t bits = (uint32_t)f.value;
        if (f.number == 1) {
            assert_true(f.part.n < sizeof v->tag);
            memcpy(v->tag, f.part.at, f.part.n);
            continue;
        }
        v->kind = (enum event_kind)f.number;
        if (f.number == EVENT_SCALAR)
            memcpy(&v->scalar, &bits, sizeof v->scalar);
        else if (f.number == EVENT_HISTOGRAM)
            read_histogram(f.part, v);
        else if (f.number == EVENT_IMAGE)
            read_image(f.part, v);
        else
            fail_msg("a value of kind %d", f.number);
    }
}

static void read_event(struct bytes b, int number, struct event_file *file, uint64_t last[2])
{
    uint64_t step = 0;
    while (b.n > 0) {
        const struct field f = next(&b);
        if (f.number == 2)
            step = f.value;
        if (f.number == 3) {
            assert_int_equal(number, 0);
            assert_memory_equal(f.part.at, "brain.Event:2", 13);
        }
        if (f.number != 5)
            continue;
        struct bytes summary = f.part;
        const int first = file->n;
        while (summary.n > 0) {
            const struct field value = next(&summary);
            file->values = realloc(file->values, (size_t)(file->n + 1) * sizeof *file->values);
            assert_non_null(file->values);
            file->values[file->n] = (struct event_value){ .step = step };
            read_value(value.part, &file->values[file->n++]);
        }
        const int kind = strncmp(file->values[first].tag, "step/", 5) == 0;
        assert_true(step > last[kind]);
        last[kind] = step;
    }
}

static uint32_t masked(struct bytes b)
{
    const uint32_t crc = gn_crc32c(0, b.at, b.n);
    return (crc >> 15 | crc << 17) + 0xa282ead8U;
}

struct event_file event_file_read(const char *path)
{
    struct event_file file = { 0 };
    size_t size;
    uint8_t *data = test_read_file(path, &size);
    struct bytes b = { data, size };
    uint64_t last[2] = { 0 };
    for (int number = 0; b.n > 0; number++) {
        const struct bytes length = take(&b, 8);
        assert_int_equal(little(take(&b, 4).at, 4), masked(length));
        const struct bytes event = take(&b, (size_t)little(length.at, 8));
        assert_int_equal(little(take(&b, 4).at, 4), masked(event));
        read_event(event, number, &file, last);
    }
    free(data);
    return file;
}

const struct event_value *event_find(const struct event_file *file, const char *tag, uint64_t step)
{
    for (int i = 0; i < file->n; i++)
        if (file->values[i].step == step && strcmp(file->values[i].tag, tag) == 0)
            return &file->values[i];
    return NULL;
}
