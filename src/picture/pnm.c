/*
 * PNM, netpbm's P1 to P6, by a reader of our own: a header of numbers in text, then samples as text or
 * as bytes. Samples are scaled to 255, halves to the even neighbour, as Pillow does.
 */
#include "picture/format.h"

#include "file/reader.h"

#include <string.h>

enum { MOST_SAMPLE = 65535 };

struct pnm {
    struct gn_reader reader;
    int kind; /* 1 to 6 */
    bool text, bitmap;
    uint32_t most; /* the sample that is white */
};

static bool is_space(uint8_t byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

/* The first byte that is neither a space nor part of a comment. */
static bool next_byte(struct gn_reader *reader, uint8_t *byte)
{
    bool comment = false;
    while (gn_rd_u8(reader, byte)) {
        if (*byte == '#')
            comment = true;
        else if (*byte == '\n' || *byte == '\r')
            comment = false;
        else if (!comment && !is_space(*byte))
            return true;
    }
    return false;
}

/* A number of at most `limit` and the one byte after it, which must be a space unless the file ends. */
static bool read_number(struct gn_reader *reader, uint32_t limit, uint32_t *value)
{
    uint8_t byte;
    if (!next_byte(reader, &byte))
        return false;
    for (*value = 0; byte >= '0' && byte <= '9';) {
        *value = *value * 10 + (uint32_t)(byte - '0');
        if (*value > limit)
            return false;
        if (!gn_rd_u8(reader, &byte))
            return true;
    }
    return is_space(byte);
}

static uint8_t scale(const struct pnm *pnm, uint32_t sample)
{
    const uint32_t whole = sample * 255 / pnm->most, twice = sample * 255 % pnm->most * 2;
    return (uint8_t)(whole + (twice > pnm->most || (twice == pnm->most && whole % 2 != 0)));
}

/* One sample of a kind with text or whole bytes. */
static bool read_sample(struct pnm *pnm, uint8_t *to)
{
    uint8_t byte = 0;
    uint16_t pair = 0;
    uint32_t sample = 0;
    if (pnm->text && pnm->bitmap) {
        if (!next_byte(&pnm->reader, &byte) || (byte != '0' && byte != '1'))
            return false;
        *to = byte == '0' ? 255 : 0;
        return true;
    }
    if (pnm->text) {
        if (!read_number(&pnm->reader, pnm->most, &sample))
            return false;
    } else if (pnm->most > 255) {
        if (!gn_rd_be16(&pnm->reader, &pair))
            return false;
        sample = pair;
    } else {
        if (!gn_rd_u8(&pnm->reader, &byte))
            return false;
        sample = byte;
    }
    *to = scale(pnm, sample < pnm->most ? sample : pnm->most);
    return true;
}

/* A row of P4: eight pixels a byte, 1 is black. */
static bool read_bits(struct pnm *pnm, uint8_t *to, int width)
{
    uint8_t byte = 0;
    for (int x = 0; x < width; x++) {
        if (x % 8 == 0 && !gn_rd_u8(&pnm->reader, &byte))
            return false;
        to[x] = (byte >> (7 - x % 8) & 1) != 0 ? 0 : 255;
    }
    return true;
}

static gn_status read_rows(struct gn_picture_job *job, struct pnm *pnm)
{
    const struct gn_picture *picture = job->picture;
    const size_t row = (size_t)picture->width * (size_t)picture->channels;
    bool fine = true;
    for (int y = 0; y < picture->height && fine; y++) {
        uint8_t *to = picture->pixels + (size_t)y * row;
        if (pnm->kind == 4)
            fine = read_bits(pnm, to, picture->width);
        else
            for (size_t i = 0; i < row && fine; i++)
                fine = read_sample(pnm, to + i);
    }
    if (fine)
        return GN_OK;
    if (gn_rd_left(&pnm->reader) == 0)
        return gn_picture_bad(job, "truncated: the file ends before the picture does at byte %zu",
                              job->file->size);
    return gn_picture_bad(job, "not a number of 0 to %u at byte %zu", (unsigned)pnm->most,
                          pnm->reader.at);
}

/* The bytes that the pixels take at least. */
static uint64_t least_bytes(const struct gn_picture *picture, const struct pnm *pnm)
{
    const uint64_t w = (uint64_t)picture->width, h = (uint64_t)picture->height;
    if (pnm->kind == 4)
        return (w + 7) / 8 * h;
    return w * h * (uint64_t)picture->channels * (!pnm->text && pnm->most > 255 ? 2 : 1);
}

static gn_status decode_pnm(struct gn_picture_job *job)
{
    struct pnm pnm = { .kind = job->file->data[1] - '0', .most = 1 };
    uint32_t width = 0, height = 0;
    pnm.text = pnm.kind <= 3;
    pnm.bitmap = pnm.kind == 1 || pnm.kind == 4;
    gn_rd_init(&pnm.reader, job->file->data, job->file->size);
    if (!gn_rd_skip(&pnm.reader, 2) || !read_number(&pnm.reader, INT32_MAX / 10, &width) ||
        !read_number(&pnm.reader, INT32_MAX / 10, &height) ||
        (!pnm.bitmap && (!read_number(&pnm.reader, MOST_SAMPLE, &pnm.most) || pnm.most == 0)))
        return gn_picture_bad(job, "no width, height and largest sample (1 to %d) before byte %zu",
                              MOST_SAMPLE, pnm.reader.at);
    job->picture->width = (int)width;
    job->picture->height = (int)height;
    job->picture->channels = pnm.kind == 3 || pnm.kind == 6 ? 3 : 1;
    GN_TRY(gn_picture_reserve(job, least_bytes(job->picture, &pnm), 0));
    return job->header_only ? GN_OK : read_rows(job, &pnm);
}

/* "P6" and a space, then a number or a comment: not a text that begins with "P2P". */
static bool begins(const uint8_t *bytes, size_t n)
{
    size_t at = 2;
    if (n < 4 || bytes[0] != 'P' || bytes[1] < '1' || bytes[1] > '6' || !is_space(bytes[2]))
        return false;
    while (at < n && is_space(bytes[at]))
        at++;
    return at < n && (bytes[at] == '#' || (bytes[at] >= '0' && bytes[at] <= '9'));
}

const struct gn_picture_format gn_format_pnm = {
    .name = "PNM",
    .suffixes = ".pnm .pbm .pgm .ppm ",
    .begins = begins,
    .decode = decode_pnm,
};
