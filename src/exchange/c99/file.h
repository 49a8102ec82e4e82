/* Inside of the writer of C files. */
#ifndef GN_EXCHANGE_C99_FILE_H
#define GN_EXCHANGE_C99_FILE_H

#include "file/file.h"
#include "net/net.h"
#include "ops/c99.h"
#include "plan/bytes.h"

enum { GN_C99_NAME = 48, GN_C99_BUFFER = 1 << 16 };

/* What is known about the output of a layer. */
struct gn_c99_value {
    bool runs;                    /* it is computed by a step of its own */
    int same_as;                  /* the layer whose value this is, or itself */
    bool relu;                    /* it ends in a ReLU */
    int norm;                     /* the normalisation that its weights contain, -1: none */
    int readers;                  /* steps that read it */
    int slice_of;                 /* the concatenation that holds it, -1: none */
    int channel;                  /* its first one there */
    struct gn_byte_choice stands; /* as bytes, or as floats */
    int first,
        last; /* of one that is no slice: the steps from which to which it is needed; -1: never */
    size_t bytes, offset; /* of it in the arena: multiples of four */
};

struct gn_c99_file {
    const struct gn_net *net;
    const struct gn_export_options *options;
    char name[GN_C99_NAME], upper[GN_C99_NAME]; /* what identifiers begin with */
    struct gn_c99_value *values;                /* one a layer */
    struct gn_c99 *ops;                         /* what the layers' descriptors say */
    size_t arena;                               /* bytes */
    uint64_t weights;                           /* bytes */
    struct gn_file_writer *out;
    size_t used;
    char buffer[GN_C99_BUFFER];
};

/* ---- plan.c ---- */

/* Which steps run, where their values lie, and how much memory that takes. UNSUPPORTED by name. */
gn_status gn_c99_plan(struct gn_c99_file *file);

/* The value that input number k of layer i is, after all that does nothing. */
int gn_c99_input(const struct gn_c99_file *file, int i, int k);

/* A value in the arena: its first byte, and values from pixel to pixel. */
size_t gn_c99_place(const struct gn_c99_file *file, int i, int *ld);

/* ---- text.c ---- */

/* printf of texts and whole numbers, of less than 4 KiB. Errors stay with the writer. */
void gn_c99_print(struct gn_c99_file *file, const char *format, ...) GN_PRINTF(2, 3);
void gn_c99_put(struct gn_c99_file *file, const char *text, size_t n);
void gn_c99_float(struct gn_c99_file *file, float value);       /* an exact constant */
void gn_c99_string(struct gn_c99_file *file, const char *text); /* a literal with its quotes */

/* Text that cannot end a comment; what is not plain ASCII becomes '?'. */
void gn_c99_comment(struct gn_c99_file *file, const char *text);

/* A constant array, whose type and name are those of its slot in a step: the little-endian bytes of the numbers
 * in string literals, which compilers read many times faster than lists of numbers. */
void gn_c99_array(struct gn_c99_file *file, enum gn_c99_slot slot, int number,
                  const struct gn_c99_array *array);
size_t gn_c99_number_bytes(enum gn_c99_slot slot);
char gn_c99_slot_name(enum gn_c99_slot slot);
void gn_c99_flush(struct gn_c99_file *file);

/* The names from that of the caller, or of the file. BAD_ARGUMENT. */
gn_status gn_c99_name(struct gn_c99_file *file);

/* ---- head.c, steps.c ---- */

void gn_c99_head(struct gn_c99_file *file);   /* comment, constants, declarations */
void gn_c99_pixels(struct gn_c99_file *file); /* labels, and numbers from the bytes of a picture */

/* Asks the descriptors. UNSUPPORTED by name. */
gn_status gn_c99_ask(struct gn_c99_file *file);
void gn_c99_functions(struct gn_c99_file *file); /* of the operators in use */

/* Weights and what is known about each step. UNSUPPORTED, NO_MEMORY. */
gn_status gn_c99_steps(struct gn_c99_file *file);
void gn_c99_run(struct gn_c99_file *file);

#endif
