/* How a network and a data set match: sizes, classes, resize rule; and whether memory holds
 * them. */
#ifndef GN_INFER_MATCH_H
#define GN_INFER_MATCH_H

#include "data/loader.h"
#include "net/net.h"

/* Whether a data set fits the net: the stated size, channels, classes. `what` names it in the
 * message ("training"). */
gn_status gn_check_data(const struct gn_net *net, const struct gn_dataset *data, const char *what);

/* The rule that `asked` (DEFAULT: none) and the data sets' own options agree on, otherwise the
 * net's. Two rules that differ are BAD_ARGUMENT. `second` may be NULL. */
gn_status gn_resolve_resize(const struct gn_net *net, gn_resize asked,
                            const struct gn_dataset *first, const struct gn_dataset *second,
                            gn_resize *rule);

/* The rule for a data set of which nobody asks for one: pictures are large, without antialiasing most of
 * their pixels would be ignored. `other` is for images in memory. */
gn_resize gn_usual_resize(const struct gn_dataset *data, gn_resize other);

/* The loader of a data set for a net. */
struct gn_loader_options gn_loader_for(const struct gn_net *net, const struct gn_dataset *data,
                                       uint64_t limit, int batch, gn_resize rule);

/* NO_MEMORY with the numbers when `need` bytes are more than the process may use. `what`:
 * "training with batch 128 at 96x96". */
gn_status gn_check_memory(uint64_t need, const char *what);

/* Bytes of a data set in memory, of a loader's batches, and of `arrays` arrays in the layout of the
 * parameters. UINT64_MAX when they cannot be counted. */
uint64_t gn_dataset_bytes(const struct gn_dataset *data);
uint64_t gn_loader_bytes(const struct gn_net *net, int batch);

/* Of the threads that decode the picture files of a data set for a net, each with the largest one; 0 for
 * images in memory. */
uint64_t gn_decoding_bytes(const struct gn_net *net, const struct gn_dataset *data);
uint64_t gn_array_bytes(const struct gn_net *net, uint64_t arrays);

/* a + b, UINT64_MAX when that overflows or either is it. */
uint64_t gn_bytes_add(uint64_t a, uint64_t b);

#endif
