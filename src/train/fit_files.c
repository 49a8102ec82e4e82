/*
 * What a run leaves on disk. The checkpoint is written last: whenever it is there, all the rest
 * of its epoch is there too, and whatever a killed run had written beyond it is written again,
 * with the same bytes, when the run is resumed.
 *
 * A save that fails in the middle of a run is a warning, since every earlier file is intact and a
 * later save may succeed; three in a row, or the last one, end the run.
 */
#include "train/fit_files.h"

#include "train/fit_config.h"

#include <unistd.h>

enum { FAILED_SAVES_LIMIT = 3, NOTE_BYTES = 1024 };

static enum gn_run_mode mode_of(const struct gn_fit_options *o)
{
    return o->resume ? GN_RUN_RESUME : o->overwrite ? GN_RUN_OVERWRITE : GN_RUN_NEW;
}

gn_status gn_files_open(struct gn_run_files *files)
{
    const struct gn_fit_options *o = &files->training->settings.options;
    if (o->out == NULL)
        return GN_OK;
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
    (void)unlink(aside);
    return link(best, aside) == 0;
}

static void take_best_back(const struct gn_run_files *files)
{
    char best[GN_RUN_PATH], aside[GN_RUN_PATH];
    gn_run_file(files->folder, "best.safetensors", best);
    gn_run_file(files->folder, "best.previous.safetensors", aside);
    if (rename(aside, best) == 0)
        (void)unlink(aside); /* renaming one of two names of a file leaves both */
}

gn_status gn_files_resume(struct gn_run_files *files)
{
    if (!files->training->settings.options.resume)
        return GN_OK;
    char note[NOTE_BYTES] = "";
    GN_TRY(gn_checkpoint_read(files->training, files->folder, note, sizeof note));
    gn_clear_error();
    take_best_back(files);
    if (note[0] != '\0')
        gn_report_message(files->reporter, GN_EVENT_WARNING, note);
    return GN_OK;
}

static void begin_sinks(struct gn_run_files *files)
{
    const struct gn_training *t = files->training;
    files->sinks.folder = files->folder;
    files->sinks.reporter = files->reporter;
    files->sinks.history = t->history;
    (void)snprintf(files->sinks.title, sizeof files->sinks.title, "Training of %s", t->net->preset);
    gn_sinks_begin(&files->sinks, t->settings.options.resume, t->progress.step);
}

gn_status gn_files_begin(struct gn_run_files *files)
{
    char path[GN_RUN_PATH];
    const struct gn_training *t = files->training;
    if (files->folder == NULL)
        return GN_OK;
    /* Alone it is not a run, so that the folder of a process that dies here can be used again. */
    GN_TRY(gn_config_write(t->net, &t->settings, gn_run_file(files->folder, "config.json", path)));
    if (t->settings.options.resume) {
        begin_sinks(files);
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
        char path[GN_RUN_PATH];
        (void)unlink(gn_run_file(files->folder, "config.json", path));
        return status;
    }
    begin_sinks(files); /* only now: whatever holds a history can be resumed */
    return GN_OK;
}

void gn_files_close(struct gn_run_files *files)
{
    gn_checkpoint_drop(files->first);
    gn_sinks_close(&files->sinks);
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

/* Of the raw and the averaged weights the better ones. Only a best that is on disk counts, so that a
 * failed save leaves the next one its turn. */
static gn_status save_best(struct gn_run_files *files, const struct gn_save *save)
{
    struct gn_training *t = files->training;
    struct gn_standing standing = { 0 };
    if (save->row != NULL)
        standing = gn_epoch_standing(save->row);
    if (files->folder != NULL) {
        if (save->partial && !set_best_aside(files))
            return GN_OK;
        GN_TRY(standing.averaged ? save_averaged(files, "best.safetensors")
                                 : save_model(files, "best.safetensors"));
    }
    if (save->row != NULL)
        t->history->best = t->history->n - 1;
    if (!save->partial) {
        t->progress.best_epoch = (uint64_t)save->row->epoch;
        t->progress.best_accuracy = standing.accuracy;
    }
    return GN_OK;
}

gn_status gn_files_save(struct gn_run_files *files, const struct gn_save *save)
{
    const bool has_folder = files->folder != NULL;
    gn_status status = GN_OK;
    GN_TRY(gn_files_begun(files));
    gn_bad_images_report(&files->bad, files->folder, files->reporter);
    gn_sinks_epoch(&files->sinks, save->row);
    if (save->best)
        status = save_best(files, save);
    if (has_folder && status == GN_OK)
        status = save_model(files, "model.safetensors");
    if (has_folder && status == GN_OK && files->training->settings.options.ema > 0)
        status = save_averaged(files, "ema.safetensors");
    if (has_folder && status == GN_OK)
        status = gn_checkpoint_write(files->training, files->folder);
    return judge(files, status, save->last);
}
