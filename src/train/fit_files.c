/*
 * What a run leaves on disk. The checkpoint is written last: whenever it is there, all the rest
 * of its epoch is there too, and whatever a killed run had written beyond it is written again,
 * with the same bytes, when the run is resumed.
 *
 * A save that fails in the middle of a run is a warning, since every earlier file is intact and a
 * later save may succeed; three in a row, or the last one, end the run.
 */
#include "os/files.h"
#include "os/folders.h"
#include "train/fit_files.h"

#include "file/file.h"
#include "draw/curves.h"
#include "run/result.h"
#include "train/fit_config.h"

#include <errno.h>
#include <string.h>

enum { FAILED_SAVES_LIMIT = 3, NOTE_BYTES = 1024 };

static enum gn_run_mode mode_of(const struct gn_fit_options *o)
{
    return o->resume ? GN_RUN_RESUME : o->overwrite ? GN_RUN_OVERWRITE : GN_RUN_NEW;
}

gn_status gn_files_open(struct gn_run_files *files)
{
    const struct gn_fit_options *o = &files->training->settings.options;
    if (o->out == NULL || gn_ranks_rank(o->ranks) != 0)
        return GN_OK; /* rank 0 alone writes */
    files->folder = gn_run_folder_open(o->out, mode_of(o));
    return files->folder == NULL ? gn_last_status() : GN_OK;
}

/* Sets the best weights of the finished epochs aside, for a resumed run, which does not know of an
 * epoch that was cut short. False: cannot, so they must not be replaced. */
static bool set_best_aside(const struct gn_run_files *files)
{
    char best[GN_RUN_PATH], aside[GN_RUN_PATH];
    if (files->training->progress.best_epoch == 0)
        return true;
    gn_run_file(files->folder, "best.safetensors", best);
    gn_run_file(files->folder, "best.previous.safetensors", aside);
    (void)gn_system_remove(aside);
    return gn_system_link(best, aside) == 0;
}

static void forget_best(struct gn_run_files *files)
{
    struct gn_training *t = files->training;
    t->progress.best_epoch = 0;
    t->progress.best_accuracy = 0;
    t->history->best = -1;
}

static void take_best_back(struct gn_run_files *files)
{
    struct gn_progress *p = &files->training->progress;
    char best[GN_RUN_PATH], aside[GN_RUN_PATH];
    gn_run_file(files->folder, "best.safetensors", best);
    gn_run_file(files->folder, "best.previous.safetensors", aside);
    if (gn_system_rename(aside, best) == 0) {
        (void)gn_system_remove(aside); /* renaming one of two names of a file leaves both */
    } else if (errno != ENOENT && p->best_epoch > 0) {
        char text[GN_ERRNO_TEXT];
        gn_report_warning(files->reporter, "the next epoch begins a new choice of the best one",
                          "%s: best.safetensors cannot get back the weights of epoch %llu: %s",
                          gn_run_folder_name(files->folder), (unsigned long long)p->best_epoch,
                          gn_errno_text(errno, text));
        forget_best(files);
    }
}

/* By a rank that writes nothing. */
static gn_status read_checkpoint(struct gn_training *training)
{
    char note[NOTE_BYTES];
    struct gn_run_folder *folder = gn_run_folder_open(training->settings.options.out, GN_RUN_READ);
    if (folder == NULL)
        return gn_last_status();
    const gn_status status = gn_checkpoint_read(training, folder, note, sizeof note);
    gn_run_folder_close(folder);
    return status;
}

gn_status gn_files_resume(struct gn_run_files *files)
{
    if (!files->training->settings.options.resume)
        return GN_OK;
    char note[NOTE_BYTES] = "";
    if (gn_ranks_rank(files->training->settings.options.ranks) != 0)
        return read_checkpoint(files->training);
    GN_TRY(gn_checkpoint_read(files->training, files->folder, note, sizeof note));
    gn_clear_error();
    take_best_back(files);
    if (note[0] != '\0')
        gn_report_message(files->reporter, GN_EVENT_WARNING, note);
    return GN_OK;
}

void gn_files_close(struct gn_run_files *files)
{
    gn_checkpoint_drop(files->first);
    gn_sinks_close(&files->sinks);
    gn_pictures_free(&files->pictures);
    gn_run_folder_close(files->folder);
}

void gn_files_step(struct gn_run_files *files, const struct gn_metrics *metrics)
{
    const uint64_t every = files->training->settings.options.log_steps;
    const uint64_t step = files->training->progress.step;
    if (every != 0 && step % every == 0)
        gn_sinks_step(&files->sinks, step, metrics);
}

static gn_status save_model(const struct gn_run_files *files, const char *name)
{
    char path[GN_RUN_PATH];
    return (gn_status)gn_save(files->training->net, gn_run_file(files->folder, name, path));
}

/* What a failed save means. */
static gn_status judge(struct gn_run_files *files, gn_status status, bool last)
{
    if (status == GN_OK) {
        files->failed_saves = 0;
        return GN_OK;
    }
    files->failed_saves++;
    if (last || files->failed_saves >= FAILED_SAVES_LIMIT) {
        gn_hint("the run ends here; what was saved before is intact");
        return status;
    }
    gn_report_error(files->reporter, "what was saved before is intact; training goes on, another "
                                     "attempt follows");
    return GN_OK;
}

gn_status gn_files_checkpoint(struct gn_run_files *files)
{
    if (files->folder == NULL)
        return GN_OK;
    return judge(files, gn_checkpoint_write(files->training, files->folder), false);
}

/* A model file of the averaged weights. */
static gn_status save_averaged(const struct gn_run_files *files, const char *name)
{
    const struct gn_training *t = files->training;
    (void)gn_updater_swap_ema(t->updater, t->net->params);
    const gn_status status = save_model(files, name);
    (void)gn_updater_swap_ema(t->updater, t->net->params);
    return status;
}

static bool is_there(const struct gn_run_files *files, const char *name)
{
    char path[GN_RUN_PATH];
    return gn_path_exists(gn_run_file(files->folder, name, path));
}

/* Which file has the name now: renaming another one to it changes the number. 0: none. */
static uint64_t file_number(const struct gn_run_files *files, const char *name)
{
    char path[GN_RUN_PATH];
    return gn_path_number(gn_run_file(files->folder, name, path));
}

/* Of the raw and the averaged weights the better ones. Only a best that is in the folder counts, so
 * that a failed save leaves the next one its turn; one that failed after its file had got its name
 * counts, too, since those are the weights that the file has. */
static gn_status save_best(struct gn_run_files *files, const struct gn_save *save)
{
    static const char name[] = "best.safetensors";
    struct gn_training *t = files->training;
    struct gn_standing standing = { 0 };
    gn_status status = GN_OK;
    if (save->row != NULL)
        standing = gn_epoch_standing(save->row);
    if (files->folder != NULL) {
        if (save->partial && !set_best_aside(files))
            return GN_OK;
        const uint64_t before = file_number(files, name);
        status = standing.averaged ? save_averaged(files, name) : save_model(files, name);
        if (status != GN_OK && file_number(files, name) == before)
            return status;
    }
    if (save->row != NULL)
        t->history->best = t->history->n - 1;
    if (!save->partial) {
        t->progress.best_epoch = (uint64_t)save->row->epoch;
        t->progress.best_accuracy = standing.accuracy;
    }
    return status;
}

/* A failure is a warning until the end of the run. */
static gn_status save_pictures(struct gn_run_files *files)
{
    return gn_pictures_save(&files->pictures, files->folder, files->reporter);
}

static gn_status save_weights(struct gn_run_files *files, const struct gn_save *save)
{
    if (save->best)
        GN_TRY(save_best(files, save));
    if (files->folder == NULL)
        return GN_OK;
    GN_TRY(save_model(files, "model.safetensors"));
    if (files->training->settings.options.ema > 0)
        GN_TRY(save_averaged(files, "ema.safetensors"));
    return gn_checkpoint_write(files->training, files->folder);
}

gn_status gn_files_save(struct gn_run_files *files, const struct gn_save *save)
{
    GN_TRY(gn_files_begun(files));
    gn_bad_images_report(&files->bad, files->folder, files->reporter);
    gn_sinks_epoch(&files->sinks, save->row);
    (void)save_pictures(files);
    const gn_status status = save_weights(files, save);
    files->newest = *save;
    files->newest.row = NULL; /* it may move */
    files->owes_save = status != GN_OK;
    return judge(files, status, save->last);
}

gn_status gn_files_finish(struct gn_run_files *files)
{
    const struct gn_history *history = files->training->history;
    if (files->folder == NULL)
        return GN_OK;
    if (files->owes_save) {
        struct gn_save save = files->newest;
        if (history->n > 0)
            save.row = &history->rows[history->n - 1];
        GN_TRY(judge(files, save_weights(files, &save), true));
        files->owes_save = false;
    }
    gn_status status = save_pictures(files);
    if (status == GN_OK)
        status = gn_sinks_finish(&files->sinks);
    if (status != GN_OK)
        gn_hint("the weights and the checkpoint are saved; resuming the run writes it again");
    return status;
}

void gn_files_result(struct gn_run_files *files, gn_status status)
{
    const struct gn_training *t = files->training;
    struct gn_kept_error error;
    if (!files->begun)
        return;
    gn_keep_error(&error);
    if (gn_result_write(files->folder, status, gn_error_message(),
                        t->history == NULL ? 0 : t->history->n, t->progress.step) != GN_OK)
        gn_report_error(files->reporter, "everything else of the run is written");
    gn_restore_error(&error);
}

/* ---- A run that is resumed ---- */

/* The best weights are gone. Those of the checkpoint may be them; if not, the next epoch is the best one
 * of those that are still to be had. */
static bool make_best_again(struct gn_run_files *files)
{
    struct gn_training *t = files->training;
    const struct gn_progress *p = &t->progress;
    if (p->best_epoch == p->epoch && p->batch == 0) {
        const struct gn_epoch *row = &t->history->rows[p->epoch - 1];
        const gn_status status = gn_epoch_standing(row).averaged
                                     ? save_averaged(files, "best.safetensors")
                                     : save_model(files, "best.safetensors");
        if (status == GN_OK)
            return true;
        gn_report_error(files->reporter, "training goes on without the best weights so far");
    } else {
        gn_report_warning(files->reporter, "the next epoch begins a new choice of the best one",
                          "%s: best.safetensors, the weights of epoch %llu, is missing and cannot "
                          "be made again",
                          gn_run_folder_name(files->folder), (unsigned long long)p->best_epoch);
    }
    forget_best(files);
    return false;
}

/* Each file that a finished epoch has left, so that a missing one was taken away by somebody. */
static void write_missing(struct gn_run_files *files)
{
    const struct gn_training *t = files->training;
    char list[128] = "";
    static const char *const names[] = { "model.safetensors", "ema.safetensors", "best.safetensors",
                                         "history.jsonl",     "history.csv",     "curves.svg" };
    const bool wanted[] = { true, t->settings.options.ema > 0, t->progress.best_epoch > 0, true,
                            true, gn_curves_available() };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (!wanted[i] || is_there(files, names[i]))
            continue;
        gn_status status = GN_OK;
        if (i == 0)
            status = save_model(files, names[i]);
        else if (i == 1)
            status = save_averaged(files, names[i]);
        else if (i == 2 && !make_best_again(files))
            continue;
        else if (i > 3)
            gn_sinks_rewrite(&files->sinks, names[i]);
        if (status != GN_OK) {
            gn_report_error(files->reporter, "training goes on, another attempt follows");
            continue;
        }
        const size_t n = strlen(list);
        (void)snprintf(list + n, sizeof list - n, "%s%s", n > 0 ? ", " : "", names[i]);
    }
    if (list[0] != '\0')
        gn_report_warning(files->reporter, NULL, "%s: was missing and is written again: %s",
                          gn_run_folder_name(files->folder), list);
}

/* ---- Beginning ---- */

static void prepare_sinks(struct gn_run_files *files)
{
    const struct gn_training *t = files->training;
    files->sinks.folder = files->folder;
    files->sinks.reporter = files->reporter;
    files->sinks.history = t->history;
    files->sinks.tensorboard = t->settings.options.tensorboard;
    (void)snprintf(files->sinks.title, sizeof files->sinks.title, "Training of %s", t->net->preset);
}

gn_status gn_files_begin(struct gn_run_files *files)
{
    char path[GN_RUN_PATH];
    const struct gn_training *t = files->training;
    if (files->folder == NULL)
        return GN_OK;
    /* Alone it is not a run, so that the folder of a process that dies here can be used again. */
    GN_TRY(gn_config_write(t->net, &t->settings, gn_run_file(files->folder, "config.json", path)));
    prepare_sinks(files);
    if (t->settings.options.resume) {
        gn_result_remove(files->folder);
        files->begun = true;
        if (t->progress.epoch > 0)
            write_missing(files);
        gn_sinks_begin(&files->sinks, true, t->progress.step);
        (void)save_pictures(files);
        return GN_OK;
    }
    files->first = gn_checkpoint_begin(t, files->folder);
    if (files->first == NULL)
        return gn_last_status();
    /* Running statistics move with the gradients already. */
    return gn_graph_params(t->net->graph, false) > 0 ? gn_files_begun(files) : GN_OK;
}

gn_status gn_files_begun(struct gn_run_files *files)
{
    struct gn_checkpoint *first = files->first;
    if (first == NULL)
        return GN_OK;
    files->first = NULL;
    const gn_status status = gn_checkpoint_end(first);
    if (status != GN_OK) {
        /* It may have got its name before the failure. Without a checkpoint the folder can be used again;
         * with one it needs the options. */
        char path[GN_RUN_PATH];
        if (gn_system_remove(gn_run_file(files->folder, "checkpoint.safetensors", path)) == 0 ||
            errno == ENOENT)
            (void)gn_system_remove(gn_run_file(files->folder, "config.json", path));
        return status;
    }
    files->begun = true;
    /* Only now: whatever holds a history can be resumed. */
    gn_sinks_begin(&files->sinks, false, 0);
    (void)save_pictures(files);
    return GN_OK;
}
