/*
 * EXIF, of which only the orientation is read: the TIFF header, then the first directory, entry by
 * entry, every step checked by the reader. Whatever does not make sense means "upright".
 */
#include "picture/format.h"

#include "file/reader.h"

enum { ORIENTATION_TAG = 0x0112, SHORT_TYPE = 3, LONG_TYPE = 4, TIFF_MAGIC = 42, ORIENTATIONS = 8 };

/* Numbers in the byte order that the header states. */
static bool read16(struct gn_reader *reader, bool little, uint16_t *value)
{
    return little ? gn_rd_le16(reader, value) : gn_rd_be16(reader, value);
}

static bool read32(struct gn_reader *reader, bool little, uint32_t *value)
{
    return little ? gn_rd_le32(reader, value) : gn_rd_be32(reader, value);
}

/* The value of the entry at the reader: a SHORT, as the standard says, or a LONG, as some cameras
 * write it; 1 for anything else. */
static int read_orientation(struct gn_reader *reader, bool little, uint16_t type, uint32_t count)
{
    uint16_t half = 0;
    uint32_t value = 0;
    if (type == SHORT_TYPE && read16(reader, little, &half))
        value = half;
    else if (type == LONG_TYPE)
        (void)read32(reader, little, &value);
    return count == 1 && value >= 1 && value <= ORIENTATIONS ? (int)value : GN_PICTURE_UPRIGHT;
}

int gn_exif_orientation(const uint8_t *bytes, size_t n)
{
    static const char head[] = { 'E', 'x', 'i', 'f', 0, 0 };
    struct gn_reader reader;
    uint16_t magic, entries, tag, type;
    uint32_t directory, count;
    gn_rd_init(&reader, bytes, n);
    if (gn_rd_match(&reader, head, sizeof head)) /* offsets count from its end */
        gn_rd_init(&reader, bytes + sizeof head, n - sizeof head);
    const bool little = gn_rd_match(&reader, "II", 2);
    if (!little && !gn_rd_match(&reader, "MM", 2))
        return GN_PICTURE_UPRIGHT;
    if (!read16(&reader, little, &magic) || magic != TIFF_MAGIC ||
        !read32(&reader, little, &directory) || !gn_rd_seek(&reader, directory) ||
        !read16(&reader, little, &entries))
        return GN_PICTURE_UPRIGHT;
    for (; entries > 0; entries--) {
        if (!read16(&reader, little, &tag) || !read16(&reader, little, &type) ||
            !read32(&reader, little, &count))
            return GN_PICTURE_UPRIGHT;
        if (tag == ORIENTATION_TAG)
            return read_orientation(&reader, little, type, count);
        if (!gn_rd_skip(&reader, 4))
            return GN_PICTURE_UPRIGHT;
    }
    return GN_PICTURE_UPRIGHT;
}
