/*
 * The pictures of a run as a file, pictures.tsv: names, labels, sizes, times and, of those that were
 * read, digests, so that a resumed run recognises each of them. Images in memory have their fingerprint
 * instead.
 */
#ifndef GN_DATA_PICTURE_LIST_H
#define GN_DATA_PICTURE_LIST_H

#include "data/sample.h"

/* Those of a split, a row each. */
struct gn_picture_row {
    uint64_t size;
    int64_t changed; /* time of the last change, nanoseconds */
    int32_t label;
    uint32_t digest;
};
struct gn_picture_list {
    uint32_t fingerprint; /* of the data set when the run began */
    struct gn_names names;
    struct gn_picture_row *rows; /* of as many pictures as there are names */
};
void gn_picture_list_free(struct gn_picture_list *list);

/* Replaces `path` by the lists of both data sets; `second` may be NULL, as may be its states. IO,
 * NO_MEMORY. */
gn_status gn_picture_list_write(const char *path, const struct gn_dataset *first,
                                const struct gn_picture_state *first_states,
                                const struct gn_dataset *second,
                                const struct gn_picture_state *second_states);

/* Reads them back; the second has no names when none was written. BAD_DATA when the file is not such a
 * one. */
gn_status gn_picture_list_read(const char *path, struct gn_picture_list lists[2]);

/* Size and time of the last change of a picture; false when it is not there. */
bool gn_picture_stat(const struct gn_dataset *data, const char *name,
                     struct gn_picture_facts *facts);

#endif
