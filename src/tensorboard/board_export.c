/* From a run's history: metrics of epochs and steps, without histograms and pictures, which only the
 * training itself sees. */
#include "base/path.h"
#include "file/file.h"
#include "run/history_read.h"
#include "tensorboard/board.h"

struct export
{
    struct gn_board *board;
    gn_status status;
    double time;
};

static void add_step(void *user, uint64_t step, const struct gn_metrics *metrics)
{
    struct export *e = user;
    if (e->status == GN_OK)
        e->status = gn_board_add_step(e->board, step, metrics, e->time);
}

/* When the run was configured, seconds since 1970; epochs come after it as long as they took. */
static double begin_of(const char *run)
{
    char path[4096];
    struct gn_path_facts facts;
    (void)snprintf(path, sizeof path, "%s/config.json", run);
    return gn_path_examine(path, &facts) ? (double)(facts.written / 1000000000) : 0;
}

static gn_status export(const char *run, const char *folder)
{
    struct export e = { gn_board_create(folder), GN_OK, begin_of(run) };
    if (e.board == NULL)
        return gn_last_status();
    struct gn_history *history = gn_history_of_run(run, add_step, &e);
    gn_status status = history == NULL ? gn_last_status() : e.status;
    if (status == GN_OK && history->n == 0) {
        char shown[GN_PATH_TEXT];
        status = gn_fail(GN_STATUS_BAD_DATA, "%s: history.jsonl has no epoch to show",
                         gn_printable(shown, sizeof shown, run));
    }
    for (int i = 0; status == GN_OK && i < history->n; i++) {
        e.time += history->rows[i].seconds;
        status = gn_board_add(e.board, &history->rows[i], e.time);
    }
    if (status == GN_OK)
        status = gn_board_save(e.board);
    gn_free_history(history);
    gn_board_close(e.board);
    return status;
}

gn_status gn_export_tensorboard(const char *run, const char *folder)
{
    struct gn_run_info info;
    char own[4096], shown[GN_PATH_TEXT];
    GN_TRY((gn_status)gn_describe_run(run, &info));
    if (info.state == GN_RUN_RUNNING && folder == NULL)
        GN_FAIL(GN_STATUS_BUSY, "%s: a process trains here; give another folder for the files",
                gn_printable(shown, sizeof shown, run));
    (void)snprintf(own, sizeof own, "%s/tensorboard", run);
    if (folder == NULL && gn_path_exists(own)) {
        (void)gn_fail(GN_STATUS_IO, "%s: it has TensorBoard's files already",
                      gn_printable(shown, sizeof shown, own));
        gn_hint("they may hold more than the history; give another folder for new ones");
        return GN_STATUS_IO;
    }
    return export(run, folder != NULL ? folder : own);
}
