/* Texts and numbers into a file that is being written. Errors stay with the writer, which reports them
 * in gn_out_commit. */
#ifndef GN_REPORT_OUT_H
#define GN_REPORT_OUT_H

#include "file/file.h"

/* A row of a table is a dozen small pieces: they are gathered, not written one by one. */
struct gn_out {
    struct gn_file_writer *file;
    size_t used;
    char gathered[16384];
};

/* The end of the file: what gn_file_commit does. */
gn_status gn_out_commit(struct gn_out *out);

/* printf of texts and whole numbers; real numbers have functions of their own. */
void gn_out(struct gn_out *out, const char *format, ...) GN_PRINTF(2, 3);

void gn_out_real(struct gn_out *out, double value);                /* the shortest exact text */
void gn_out_fixed(struct gn_out *out, double value, int decimals); /* "0.50" */

/* A cell of a CSV file: quoted where necessary. A text that a spreadsheet would take for a formula
 * gets an apostrophe first (OWASP, CSV injection). */
void gn_out_cell(struct gn_out *out, const char *text);

/* A JSON string with its quotes. */
void gn_out_json(struct gn_out *out, const char *text);

/* Text between tags or in a quoted attribute. */
void gn_out_html(struct gn_out *out, const char *text);

void gn_out_base64(struct gn_out *out, const uint8_t *bytes, size_t n);

#endif
