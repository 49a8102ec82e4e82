/* Values of a layer in a file: NumPy's array format or CSV, a row an image. */
#include "base/endian.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/path.h"
#include "numpy/npy.h"
#include "report/out.h"

#include <stdio.h>
#include <string.h>

struct gn_features {
    struct gn_out out;
    bool csv;
    uint64_t rows, written;
    size_t values;
};

static size_t npy_head(const struct gn_features *f, uint8_t head[GN_NPY_HEAD])
{
    return gn_npy_head(head, gn_big_endian ? ">f4" : "<f4", 2,
                       (const uint64_t[]){ f->rows, f->values });
}

static void write_csv_header(struct gn_features *f)
{
    gn_out(&f->out, "file,index");
    for (size_t i = 0; i < f->values; i++)
        gn_out(&f->out, ",f%zu", i);
    gn_out(&f->out, "\n");
}

gn_features *gn_features_begin(const char *path, uint64_t rows, size_t values)
{
    const char *ending = path == NULL ? "" : gn_path_extension(path);
    const bool csv = strcmp(ending, ".csv") == 0;
    if (!csv && strcmp(ending, ".npy") != 0) {
        (void)gn_fail(GN_STATUS_BAD_ARGUMENT,
                      "%s: features are written to a file whose name ends in .npy or .csv",
                      path == NULL ? "no path" : path);
        return NULL;
    }
    struct gn_features *f = gn_calloc(1, sizeof *f, "a file of features");
    if (f == NULL)
        return NULL;
    f->csv = csv;
    f->rows = rows;
    f->values = values;
    uint8_t head[GN_NPY_HEAD];
    const size_t n = npy_head(f, head);
    f->out.file = gn_file_begin(path, "features", csv ? 0 : n + rows * values * sizeof(float));
    if (f->out.file == NULL) {
        gn_free(f);
        return NULL;
    }
    if (csv)
        write_csv_header(f);
    else
        (void)gn_file_append(f->out.file, head, n);
    return f;
}

gn_status gn_features_add(gn_features *f, const char *file, uint64_t index, const float *values)
{
    if (f == NULL)
        return gn_last_status();
    GN_NEED(values, "the values");
    if (f->written == f->rows)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "features: more than the %llu rows that were announced",
                (unsigned long long)f->rows);
    f->written++;
    if (!f->csv)
        return gn_file_append(f->out.file, values, f->values * sizeof *values);
    gn_out_cell(&f->out, file == NULL ? "" : file);
    gn_out(&f->out, ",%llu", (unsigned long long)index);
    char text[GN_NUMBER_TEXT];
    for (size_t i = 0; i < f->values; i++) /* nine digits are exact for a float */
        gn_out(&f->out, ",%s", gn_digits_text((double)values[i], 9, text));
    gn_out(&f->out, "\n");
    return GN_OK;
}

gn_status gn_features_end(gn_features *f, bool keep)
{
    if (f == NULL)
        return gn_last_status();
    const uint64_t rows = f->rows, written = f->written;
    const bool whole = keep && written == rows;
    gn_status status = GN_OK;
    if (whole)
        status = gn_out_commit(&f->out);
    else
        gn_file_abort(f->out.file);
    gn_free(f);
    if (keep && !whole)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "features: %llu rows of the %llu that were announced",
                (unsigned long long)written, (unsigned long long)rows);
    return status;
}
