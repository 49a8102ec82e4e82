/* A file of all answers of an evaluation, in the order in which they were given. */
#include "base/path.h"
#include "data/dataset.h"
#include "infer/evaluation.h"
#include "report/out.h"

#include <stdio.h>
#include <string.h>

/* What a row is made of. */
struct row {
    const char *file;
    uint64_t index; /* of the image in its file */
    char label[16], predicted[16];
    const char *label_name, *predicted_name;
    const struct gn_evaluated *answer;
};

static const char *name_of(const struct gn_dataset_info *info, int class, char number[16])
{
    (void)snprintf(number, 16, "%d", class);
    return info->labels != NULL && class < info->classes ? info->labels[class] : number;
}

static void fill(struct row *row, const gn_dataset *data, const struct gn_dataset_info *info,
                 const struct gn_evaluated *answer)
{
    row->file = gn_dataset_file(data, answer->index);
    row->index = row->file == NULL ? answer->index : 0;
    if (row->file == NULL)
        row->file = info->name;
    row->label_name = name_of(info, answer->label, row->label);
    row->predicted_name = name_of(info, answer->predicted, row->predicted);
    row->answer = answer;
}

static void write_csv(struct gn_out *out, const struct row *row)
{
    gn_out_cell(out, row->file);
    gn_out(out, ",%llu,", (unsigned long long)row->index);
    gn_out_cell(out, row->label_name);
    gn_out(out, ",");
    gn_out_cell(out, row->predicted_name);
    gn_out(out, ",");
    gn_out_real(out, row->answer->probability);
    gn_out(out, ",%d\n", row->answer->predicted == row->answer->label);
}

static void write_json(struct gn_out *out, const struct row *row)
{
    gn_out(out, "{\"file\":");
    gn_out_json(out, row->file);
    gn_out(out, ",\"index\":%llu,\"label\":", (unsigned long long)row->index);
    gn_out_json(out, row->label_name);
    gn_out(out, ",\"predicted\":");
    gn_out_json(out, row->predicted_name);
    gn_out(out, ",\"probability\":");
    if (row->answer->probability >= 0)
        gn_out_real(out, row->answer->probability);
    else
        gn_out(out, "null"); /* JSON has no NaN */
    gn_out(out, ",\"correct\":%s}\n",
           row->answer->predicted == row->answer->label ? "true" : "false");
}

gn_status gn_write_predictions(const gn_evaluation *e, const gn_dataset *data, const char *path)
{
    GN_NEED(e, "the evaluation");
    GN_NEED(data, "the data set");
    GN_NEED(path, "the path");
    struct gn_dataset_info info;
    const char *ending = gn_path_extension(path);
    const bool csv = strcmp(ending, ".csv") == 0;
    if (!csv && strcmp(ending, ".jsonl") != 0)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                "%s: predictions are written to a file whose name ends in .csv or .jsonl", path);
    GN_TRY(gn_dataset_describe(data, &info));
    struct gn_out out = { .file = gn_file_begin(path, "predictions", 0) };
    if (out.file == NULL)
        return gn_last_status();
    if (csv)
        gn_out(&out, "file,index,label,predicted,probability,correct\n");
    for (uint64_t i = 0; i < e->n; i++) {
        struct row row;
        fill(&row, data, &info, &e->rows[i]);
        (csv ? write_csv : write_json)(&out, &row);
    }
    return gn_out_commit(&out);
}
