/* A picture of a data set, small, as the bytes of a PNG file. */
#ifndef GN_REPORT_THUMBNAIL_H
#define GN_REPORT_THUMBNAIL_H

#include "file/file.h"

enum { GN_THUMBNAIL_SIDE = 112 };

/* At most GN_THUMBNAIL_SIDE pixels a side; smaller pictures keep their size. Free png->data with
 * gn_free. UNSUPPORTED in a build without libpng, BAD_DATA for a picture that cannot be read. */
gn_status gn_thumbnail(const gn_dataset *data, uint64_t i, struct gn_bytes *png);

#endif
