/*
 * BMP by a reader of our own, since the distribution has no small library for it: 1, 4 and 8 bits with a
 * palette, 16, 24 and 32 bits, with masks or without, either way up. Channels of fewer bits than 8 are
 * stretched as Pillow does.
 */
#include "picture/format.h"

#include "file/reader.h"

#include <string.h>

enum {
    FILE_HEADER = 14,
    CORE_HEADER = 12, /* of OS/2 */
    INFO_HEADER = 40,
    MOST_HEADER = 124,
    PLAIN = 0,
    MASKS = 3,
    MASKS_WITH_ALPHA = 6,
    MOST_COLOURS = 256
};

struct bmp {
    struct gn_reader reader;
    uint32_t offset, header, compression, used;
    uint16_t bits;
    bool top_down;
    uint32_t mask[3]; /* red, green, blue */
    int shift[3];
    uint8_t palette[MOST_COLOURS][3];
    uint32_t colours;
};

/* Sizes, as a height below zero says top down. */
static bool read_sizes(struct bmp *bmp, struct gn_picture *picture)
{
    struct gn_reader *r = &bmp->reader;
    uint32_t width, height;
    uint16_t w, h, planes;
    if (bmp->header == CORE_HEADER) {
        if (!gn_rd_le16(r, &w) || !gn_rd_le16(r, &h) || !gn_rd_le16(r, &planes) ||
            !gn_rd_le16(r, &bmp->bits))
            return false;
        picture->width = w;
        picture->height = h;
        return true;
    }
    if (!gn_rd_le32(r, &width) || !gn_rd_le32(r, &height) || !gn_rd_le16(r, &planes) ||
        !gn_rd_le16(r, &bmp->bits) || !gn_rd_le32(r, &bmp->compression) || !gn_rd_skip(r, 12) ||
        !gn_rd_le32(r, &bmp->used) || !gn_rd_skip(r, 4))
        return false;
    bmp->top_down = height > INT32_MAX;
    height = bmp->top_down ? 0U - height : height;
    picture->width = width > INT32_MAX ? 0 : (int)width;
    picture->height = height > INT32_MAX ? 0 : (int)height;
    return true;
}

/* The masks of 16 and 32 bits: those of the file, or the usual ones. */
static gn_status read_masks(struct gn_picture_job *job, struct bmp *bmp)
{
    const uint32_t usual[3] = { bmp->bits == 16 ? 0x7c00U : 0xff0000U,
                                bmp->bits == 16 ? 0x3e0U : 0xff00U,
                                bmp->bits == 16 ? 0x1fU : 0xffU };
    for (int k = 0; k < 3; k++) {
        bmp->mask[k] = usual[k];
        if (bmp->compression != PLAIN && !gn_rd_le32(&bmp->reader, &bmp->mask[k]))
            return gn_picture_bad(job, "truncated in its header");
        if (bmp->mask[k] == 0)
            return gn_picture_bad(job, "a mask of no bits");
        for (bmp->shift[k] = 0; (bmp->mask[k] >> bmp->shift[k] & 1) == 0;)
            bmp->shift[k]++;
        const uint32_t most = bmp->mask[k] >> bmp->shift[k];
        if ((most & (most + 1)) != 0)
            return gn_picture_bad(job, "a mask with gaps (0x%x)", (unsigned)bmp->mask[k]);
    }
    return GN_OK;
}

static gn_status read_palette(struct gn_picture_job *job, struct bmp *bmp)
{
    const uint32_t most = 1U << bmp->bits;
    const size_t entry = bmp->header == CORE_HEADER ? 3 : 4;
    const uint8_t *bytes;
    bmp->colours = bmp->used == 0 || bmp->used > most ? most : bmp->used;
    bool grey = true;
    for (uint32_t i = 0; i < bmp->colours; i++) {
        if (!gn_rd_bytes(&bmp->reader, entry, &bytes))
            return gn_picture_bad(job, "truncated in its palette");
        for (int k = 0; k < 3; k++) {
            bmp->palette[i][k] = bytes[2 - k];
            grey = grey && bytes[k] == bytes[0];
        }
    }
    job->picture->channels = grey ? 1 : 3;
    return GN_OK;
}

static gn_status read_header(struct gn_picture_job *job, struct bmp *bmp)
{
    struct gn_reader *r = &bmp->reader;
    gn_rd_init(r, job->file->data, job->file->size);
    if (!gn_rd_seek(r, 10) || !gn_rd_le32(r, &bmp->offset) || !gn_rd_le32(r, &bmp->header) ||
        !read_sizes(bmp, job->picture))
        return gn_picture_bad(job, "truncated in its header");
    job->picture->channels = 3;
    const bool masks = bmp->compression == MASKS || bmp->compression == MASKS_WITH_ALPHA;
    if (bmp->compression != PLAIN && !(masks && (bmp->bits == 16 || bmp->bits == 32)))
        return gn_picture_bad(job, "compression %u of %u bits is not read, save it uncompressed",
                              (unsigned)bmp->compression, (unsigned)bmp->bits);
    switch (bmp->bits) {
    case 1:
    case 4:
    case 8:
        if (!gn_rd_seek(r, FILE_HEADER + (uint64_t)bmp->header))
            return gn_picture_bad(job, "truncated in its header");
        return read_palette(job, bmp);
    case 16:
    case 32:
        return read_masks(job, bmp); /* either in the header or right after it: at the same place */
    case 24:
        return GN_OK;
    default:
        return gn_picture_bad(job, "%u bits a pixel, which are not read", (unsigned)bmp->bits);
    }
}

static bool read_indexed(const struct bmp *bmp, const uint8_t *from, uint8_t *to, int width,
                         int channels)
{
    const int a_byte = 8 / bmp->bits;
    for (int x = 0; x < width; x++, to += channels) {
        const int shift = 8 - bmp->bits * (x % a_byte + 1);
        const uint32_t i = (uint32_t)from[x / a_byte] >> shift & ((1U << bmp->bits) - 1);
        if (i >= bmp->colours)
            return false;
        memcpy(to, bmp->palette[i], (size_t)channels);
    }
    return true;
}

static void read_masked(const struct bmp *bmp, const uint8_t *from, uint8_t *to, int width)
{
    for (int x = 0; x < width; x++, from += bmp->bits / 8) {
        uint32_t value = (uint32_t)from[0] | (uint32_t)from[1] << 8;
        if (bmp->bits == 32)
            value |= (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
        for (int k = 0; k < 3; k++) {
            const uint64_t most = bmp->mask[k] >> bmp->shift[k];
            *to++ = (uint8_t)(((value & bmp->mask[k]) >> bmp->shift[k]) * UINT64_C(255) / most);
        }
    }
}

static void read_bgr(const uint8_t *from, uint8_t *to, int width)
{
    for (int x = 0; x < width; x++, from += 3)
        for (int k = 2; k >= 0; k--)
            *to++ = from[k];
}

static gn_status decode_bmp(struct gn_picture_job *job)
{
    struct bmp bmp = { .compression = PLAIN };
    struct gn_picture *picture = job->picture;
    GN_TRY(read_header(job, &bmp));
    const uint64_t stored = ((uint64_t)picture->width * bmp.bits + 31) / 32 * 4;
    GN_TRY(gn_picture_reserve(job, bmp.offset + stored * (uint64_t)picture->height, 0));
    if (job->header_only)
        return GN_OK;
    const size_t row = (size_t)picture->width * (size_t)picture->channels;
    const uint8_t *from;
    bool fine = gn_rd_seek(&bmp.reader, bmp.offset);
    for (int y = 0; y < picture->height && fine; y++) {
        uint8_t *to = picture->pixels + (size_t)(bmp.top_down ? y : picture->height - 1 - y) * row;
        fine = gn_rd_bytes(&bmp.reader, stored, &from);
        if (!fine)
            break;
        if (bmp.bits == 24)
            read_bgr(from, to, picture->width);
        else if (bmp.bits > 8)
            read_masked(&bmp, from, to, picture->width);
        else if (!read_indexed(&bmp, from, to, picture->width, picture->channels))
            return gn_picture_bad(job, "a pixel of a colour that the palette lacks");
    }
    return fine
               ? GN_OK
               : gn_picture_bad(job, "truncated: the file ends before the picture does at byte %zu",
                                job->file->size);
}

/* "BM", four bytes of zeros and the length of a known header: not a text that begins with "BM". */
static bool begins(const uint8_t *bytes, size_t n)
{
    if (n < FILE_HEADER + 4 || memcmp(bytes, "BM", 2) != 0 || memcmp(bytes + 6, "\0\0\0", 4) != 0)
        return false;
    const uint8_t *header = bytes + FILE_HEADER;
    return header[1] == 0 && header[2] == 0 && header[3] == 0 &&
           (header[0] == CORE_HEADER || (header[0] >= INFO_HEADER && header[0] <= MOST_HEADER));
}

const struct gn_picture_format gn_format_bmp = {
    .name = "BMP",
    .suffixes = ".bmp .dib ",
    .begins = begins,
    .decode = decode_bmp,
};
