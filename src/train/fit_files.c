/*
 * What a run leaves on disk. The checkpoint is written last: whenever it is there, all the rest
 * of its epoch is there too, and whatever a killed run had written beyond it is written again,
 * with the same bytes, when the run is resumed.
 *
 * A save that fails in the middle of a run is a warning, since every earlier file is intact and a
 * later save may succeed; three in a row, or the last one, end the run.
 */
#include "train/fit.h"

#include "draw/curves.h"
#include "train/fit_config.h"

#include <unistd.h>

enum { FAILED_SAVES_LIMIT = 3, NOTE_BYTES = 1024 };

static enum gn_run_mode mode_of(const struct gn_fit_options *o)
{
    return o->resume ? GN_RUN_RESUME : o->overwrite ? GN_RUN_OVERWRITE : GN_RUN_NEW;
}

gn_status gn_files_open(struct gn_fit *fit)
{
    const struct gn_fit_options *o = &fit->t.settings.options;
    if (o->out == NULL)
        return GN_OK;
    fit->files.folder = gn_run_folder_open(o->out, mode_of(o));
    return fit->files.folder == NULL ? gn_last_status() : GN_OK;
}

/* Sets the best weights of the finished epochs aside, for a resumed run, which does not know of an
 * epoch that was cut short. False: cannot, so they must not be replaced. */
static bool set_best_aside(const struct gn_fit *fit)
{
    char best[GN_RUN_PATH], aside[GN_RUN_PATH];
    if (fit->t.progress.best_epoch == 0)
        return true;
    gn_run_file(fit->files.folder, "best.safetensors", best);
    gn_run_file(fit->files.folder, "best.previous.safetensors", aside);
    (void)unlink(aside);
    return link(best, aside) == 0;
}

static void take_best_back(const struct gn_fit *fit)
{
    char best[GN_RUN_PATH], aside[GN_RUN_PATH];
    gn_run_file(fit->files.folder, "best.safetensors", best);
    gn_run_file(fit->files.folder, "best.previous.safetensors", aside);
    if (rename(aside, best) == 0)
        (void)unlink(aside); /* renaming one of two names of a file leaves both */
}

gn_status gn_files_resume(struct gn_fit *fit)
{
    if (!fit->t.settings.options.resume)
        return GN_OK;
    char note[NOTE_BYTES] = "";
    GN_TRY(gn_checkpoint_read(&fit->t, fit->files.folder, note, sizeof note));
    gn_clear_error();
    take_best_back(fit);
    if (note[0] != '\0') {
        (void)gn_fail(GN_STATUS_BAD_MODEL, "%s", note);
        gn_fit_warn(fit, NULL);
    }
    return GN_OK;
}

static void begin_journal(struct gn_fit *fit)
{
    char path[GN_RUN_PATH];
    gn_run_file(fit->files.folder, "history.jsonl", path);
    fit->files.journal = fit->t.settings.options.resume
                             ? gn_journal_resume(path, fit->t.progress.step, fit->t.history)
                             : gn_journal_create(path);
    if (fit->files.journal == NULL)
        gn_fit_warn(fit, "training goes on without history.jsonl");
}

gn_status gn_files_begin(struct gn_fit *fit)
{
    char path[GN_RUN_PATH];
    if (fit->files.folder == NULL)
        return GN_OK;
    /* Alone it is not a run, so that the folder of a process that dies here can be used again. */
    GN_TRY(gn_config_write(fit->t.net, &fit->t.settings,
                           gn_run_file(fit->files.folder, "config.json", path)));
    if (fit->t.settings.options.resume) {
        begin_journal(fit);
        return GN_OK;
    }
    fit->files.first = gn_checkpoint_begin(&fit->t, fit->files.folder);
    if (fit->files.first == NULL)
        return gn_last_status();
    /* Running statistics move with the gradients already. */
    return gn_graph_params(fit->t.net->graph, false) > 0 ? gn_files_begun(fit) : GN_OK;
}

gn_status gn_files_begun(struct gn_fit *fit)
{
    struct gn_checkpoint *first = fit->files.first;
    if (first == NULL)
        return GN_OK;
    fit->files.first = NULL;
    const gn_status status = gn_checkpoint_end(first);
    if (status != GN_OK) {
        char path[GN_RUN_PATH];
        (void)unlink(gn_run_file(fit->files.folder, "config.json", path));
        return status;
    }
    begin_journal(fit); /* only now: whatever holds a history can be resumed */
    return GN_OK;
}

void gn_files_close(struct gn_fit *fit)
{
    gn_checkpoint_drop(fit->files.first);
    gn_journal_close(fit->files.journal);
    gn_run_folder_close(fit->files.folder);
}

/* The journal is given up after its first error: a gap in it would be worse than an end. */
static void check_journal(struct gn_fit *fit, gn_status status)
{
    if (status == GN_OK)
        return;
    gn_fit_warn(fit, "training goes on, further records are dropped");
    gn_journal_close(fit->files.journal);
    fit->files.journal = NULL;
}

void gn_files_step(struct gn_fit *fit)
{
    const struct gn_fit_options *o = &fit->t.settings.options;
    const uint64_t step = fit->t.progress.step;
    if (fit->files.journal != NULL && o->log_steps != 0 && step % o->log_steps == 0)
        check_journal(
            fit, gn_journal_step(fit->files.journal, step, fit->event.step_loss, fit->event.lr));
}

/* Tables and pictures never stop a run; of failures in a row only the first is told. */
static void tell_once(struct gn_fit *fit, gn_status status, bool *failed)
{
    if (status != GN_OK && !*failed)
        gn_fit_warn(fit, "training goes on, another attempt follows");
    *failed = status != GN_OK;
    gn_clear_error();
}

static void write_tables(struct gn_fit *fit, const struct gn_epoch *row)
{
    struct gn_run_files *files = &fit->files;
    char path[GN_RUN_PATH], title[96];
    if (row != NULL && files->journal != NULL)
        check_journal(fit, gn_journal_epoch(files->journal, row));
    gn_run_file(files->folder, "history.csv", path);
    tell_once(fit, gn_history_write_csv(fit->t.history, path), &files->csv_failed);
    if (!gn_curves_available())
        return;
    (void)snprintf(title, sizeof title, "Training of %s", fit->t.net->preset);
    gn_run_file(files->folder, "curves.svg", path);
    tell_once(fit, gn_curves_write(fit->t.history, title, path), &files->curves_failed);
}

static gn_status save_model(const struct gn_fit *fit, const char *name)
{
    char path[GN_RUN_PATH];
    return gn_save(fit->t.net, gn_run_file(fit->files.folder, name, path));
}

/* What a failed save means. */
static gn_status judge(struct gn_fit *fit, gn_status status, bool last)
{
    struct gn_run_files *files = &fit->files;
    if (status == GN_OK) {
        files->failed_saves = 0;
        return GN_OK;
    }
    files->failed_saves++;
    if (last || files->failed_saves >= FAILED_SAVES_LIMIT) {
        gn_hint("the run ends here; what was saved before is intact");
        return status;
    }
    gn_fit_warn(fit, "what was saved before is intact; training goes on, another attempt follows");
    return GN_OK;
}

gn_status gn_files_checkpoint(struct gn_fit *fit)
{
    if (fit->files.folder == NULL)
        return GN_OK;
    return judge(fit, gn_checkpoint_write(&fit->t, fit->files.folder), false);
}

/* A model file of the averaged weights. */
static gn_status save_averaged(struct gn_fit *fit, const char *name)
{
    gn_fit_swap_ema(fit);
    const gn_status status = save_model(fit, name);
    gn_fit_swap_ema(fit);
    return status;
}

/* Of the raw and the averaged weights the better ones, the raw ones of equals. */
static gn_status save_best(struct gn_fit *fit, const struct gn_save *save)
{
    const struct gn_epoch *row = save->row;
    const bool averaged = row != NULL && row->has_ema && row->val_ema_accuracy > row->val_accuracy;
    if (fit->files.folder != NULL && (!save->partial || set_best_aside(fit)))
        GN_TRY(averaged ? save_averaged(fit, "best.safetensors")
                        : save_model(fit, "best.safetensors"));
    /* Only a best that is on disk counts, so that a failed save leaves the next one its turn. */
    if (!save->partial) {
        fit->t.progress.best_epoch = (uint64_t)row->epoch;
        fit->t.progress.best_accuracy = averaged ? row->val_ema_accuracy : row->val_accuracy;
    }
    return GN_OK;
}

gn_status gn_files_save(struct gn_fit *fit, const struct gn_save *save)
{
    const bool has_folder = fit->files.folder != NULL;
    gn_status status = GN_OK;
    GN_TRY(gn_files_begun(fit));
    gn_fit_tell_bad(fit);
    if (has_folder)
        write_tables(fit, save->row);
    if (save->best)
        status = save_best(fit, save);
    if (has_folder && status == GN_OK)
        status = save_model(fit, "model.safetensors");
    if (has_folder && status == GN_OK && fit->t.settings.options.ema > 0)
        status = save_averaged(fit, "ema.safetensors");
    if (has_folder && status == GN_OK)
        status = gn_checkpoint_write(&fit->t, fit->files.folder);
    return judge(fit, status, save->last);
}
