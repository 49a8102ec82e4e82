/*
 * googlenet train, the end: a set that has validation and test samples of its own is tested once, with
 * the model that validation has chosen. The figure is kept in the run's folder; a finished run that is
 * resumed measures it again, with the same result.
 */
#include "cli/report.h"
#include "cli/run_folder.h"
#include "cli/signals.h"
#include "cli/train.h"

#include <stdlib.h>

static json_t *score_json(const struct gn_score *score)
{
    json_t *row = json_object();
    json_object_set_new(row, "samples", json_integer((json_int_t)score->samples));
    json_object_set_new(row, "loss", cli_json_real(score->loss));
    json_object_set_new(row, "accuracy", cli_json_real(score->accuracy));
    return row;
}

json_t *train_test_json(const struct gn_score *score)
{
    return score ? score_json(score) : json_null();
}

/* Replaces RUN/test.json as a whole. */
static int keep(const struct train_run *run, int epoch, const struct gn_score *score)
{
    json_t *root = score_json(score);
    json_object_set_new(root, "epoch", json_integer(epoch));
    char *path = cli_format("%s/test.json", run->folder);
    char *text = cli_json_dump(root, JSON_INDENT(2));
    char *line = text ? cli_format("%s\n", text) : NULL;
    const int code = line ? cli_replace_file(path, line) : CLI_ENVIRONMENT;
    free(line);
    free(text);
    free(path);
    return code;
}

int train_test(const struct train_run *run, const char *model, int epoch, struct gn_score *score,
               gn_evaluation *answers)
{
    const struct gn_fit_options *fit = &run->given->fit;
    gn_net *net = gn_load(model);
    const struct gn_evaluate_options options = {
        .data = run->test,
        .batch = fit->batch,
        .threads = fit->threads,
        .algorithm = fit->algorithm,
        .stop = &cli_stop,
        .evaluation = answers,
    };
    const gn_status status =
        net ? gn_evaluate_with(net, score, &options) : (gn_status)gn_error_status();
    gn_free_net(net);
    if (status != GN_OK) {
        const int code = cli_fail_library();
        cli_hint(
            "the training is finished and saved; googlenet train --resume %s measures the test "
            "samples",
            run->folder);
        return code;
    }
    cli_note(
        "test      %llu samples, measured once with the model of epoch %d: loss %.4f, accuracy "
        "%.4f",
        (unsigned long long)score->samples, epoch, score->loss, score->accuracy);
    return keep(run, epoch, score);
}
