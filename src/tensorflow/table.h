/* A sorted table in LevelDB's format (leveldb/doc/table_format.md), as TensorFlow writes it: not compressed. */
#ifndef GN_TENSORFLOW_TABLE_H
#define GN_TENSORFLOW_TABLE_H

#include "file/file.h"
#include "file/protobuf_read.h"

enum { GN_TABLE_KEY = 1024 }; /* bytes of a key, with a zero after them */

/* What gets each entry; an error ends the walk. The key is text without zeros. */
typedef gn_status gn_table_visitor(void *argument, const char *key, struct gn_pb_slice value);

/* Walks through all entries of a table in memory; `name` is the file's, printable. BAD_MODEL: it is none, or
 * damaged; UNSUPPORTED: compressed. */
gn_status gn_table_each(const char *name, const struct gn_bytes *table, gn_table_visitor *visit,
                        void *argument);

#endif
