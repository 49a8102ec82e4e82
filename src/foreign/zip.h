/* A zip archive in memory, whose members are found by name; stored or deflated ones are read. */
#ifndef GN_FOREIGN_ZIP_H
#define GN_FOREIGN_ZIP_H

#include "file/file.h"

/* Copies the member of this name, at most `limit` bytes of it. False and GN_OK: there is none. BAD_MODEL for
 * an archive that contradicts itself, has a member twice, or packs it in another way. */
gn_status gn_zip_read(const struct gn_bytes *archive, const char *file, const char *name,
                      uint64_t limit, bool *found, struct gn_bytes *member);

#endif
