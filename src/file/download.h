/* Fetching one file of a data set from the first mirror that has the right bytes. */
#ifndef GN_FILE_DOWNLOAD_H
#define GN_FILE_DOWNLOAD_H

#include "base/status.h"

struct gn_download {
    const char *what;           /* name of the data set, for sentences */
    const char *const *mirrors; /* addresses that end in '/', NULL after the last */
    const char *file;           /* name below the mirror and in the folder */
    const char *md5;            /* of its bytes, lower-case hex */
    uint64_t limit;             /* bytes; a longer answer is cut off and refused */
};

/* Fetches the file into `folder`, which is made when missing. The file gets its name when all its
 * bytes are there and right, so no wrong or half file is ever seen. BAD_DATA names every mirror
 * with the reason; so does a build without libcurl. IO when the folder cannot be written. */
gn_status gn_download(const struct gn_download *download, const char *folder);

#endif
