/* The JSON texts gn.train, gn.data and gn.build of a checkpoint. */
#ifndef GN_TRAIN_TRAIN_TEXT_H
#define GN_TRAIN_TRAIN_TEXT_H

#include "train/checkpoint.h"

/* Each is to be freed with gn_free; NULL: NO_MEMORY. */
char *gn_train_text(const struct gn_training *training);
char *gn_data_text(const struct gn_settings *settings);
char *gn_build_text(void);
char *gn_history_text(const struct gn_history *history, int rows);

/* Reads gn.train: the progress it tells. `path` names the file in messages. BAD_MODEL when the
 * text is none of ours or its numbers contradict each other, BAD_ARGUMENT when the options of
 * `training` are not those of the text. */
gn_status gn_train_text_read(const char *text, const char *path, const struct gn_training *training,
                             struct gn_progress *progress);

/* Reads gn.history: the names of the columns, with values that mean nothing. Without one (NULL, version
 * 0.1.0) they are those of the losses and accuracies. BAD_MODEL. */
gn_status gn_history_text_read(const char *text, const char *path,
                               const struct gn_training *training, struct gn_metrics *columns);

/* BAD_DATA when gn.data tells of other data than the settings have. */
gn_status gn_data_text_check(const char *text, const char *path,
                             const struct gn_settings *settings);

/* `note` gets a sentence when this build may compute other bits than the one that gn.build tells of.
 * NO_MEMORY. */
gn_status gn_build_text_compare(const char *text, const char *path, char *note, size_t note_size);

/* Before the first step: whether all ranks train the same network on the same data with the same options from
 * the same weights. */
gn_status gn_train_compare_ranks(const struct gn_training *training);

#endif
